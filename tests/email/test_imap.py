"""Reading mailboxes of a real Dovecot: state, resuming, what goes wrong on the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hub.errors import AuthenticationFailed, Retriable, SourceError
from hub.testing.contract import SourceContract
from hub_email import imap_folder, imap_reading
from hub_email.settings import ImapSettings
from tests.email.imap_kit import (
    PASSWORD,
    USER,
    Between,
    Mailbox,
    Scripted,
    context,
    mail,
    pages_of,
    read,
    settings,
    source,
)

pytestmark = pytest.mark.peer
DESK = "desk@example.test"


@pytest.fixture(scope="module")
def box(server):
    mailbox = Mailbox(server)
    yield mailbox
    mailbox.close()


@pytest.fixture
def folder(box, request):
    name = f"F-{request.node.name[:40].replace('[', '-').replace(']', '').replace('.', '-')}"
    box.make(name, [mail(number) for number in range(1, 8)])
    yield name
    box.remove(name)


def scope_of(folder: str) -> str:
    return f"{USER}/{folder}"


def test_all_mails_come_in_pages_and_the_next_run_asks_only_for_what_is_new(server, box, folder, tmp_path):
    one = source(settings(server, [folder], page_size=3), context(tmp_path))
    before = box.flags(folder)
    documents, cursor, gaps = read(one, scope_of(folder))
    assert [each.body for each in documents] == [mail(number) for number in range(1, 8)]
    assert {(each.stream, each.scope) for each in documents} == {("mail", scope_of(folder))}
    assert not gaps
    assert box.flags(folder) == before, "reading marks nothing"
    again = list(pages_of(one, scope_of(folder), cursor))
    assert again == [], "CONDSTORE tells that nothing changed"
    box.append(folder, [mail(8)])
    documents, _, _ = read(one, scope_of(folder), cursor)
    assert [each.body for each in documents] == [mail(8)]


def test_a_changed_flag_brings_no_mail_again(server, box, folder, tmp_path):
    one = source(settings(server, [folder]), context(tmp_path))
    _, cursor, _ = read(one, scope_of(folder))
    box.imap.select(folder)
    box.imap.uid("STORE", "2", "+FLAGS", "(\\Flagged)")
    box.imap.unselect()
    pages = list(pages_of(one, scope_of(folder), cursor))
    assert [page.documents for page in pages] == [[]]
    assert pages[0].cursor["mod_seq"] > cursor["mod_seq"]


def test_names_stay_when_uids_are_given_anew_and_when_a_mail_is_moved(server, box, folder, tmp_path):
    said: list[str] = []
    box.append(folder, [mail(9, "no name", message_id="")])
    one = source(settings(server, [folder]), context(tmp_path, said=said))
    first, cursor, _ = read(one, scope_of(folder))
    box.renumber(folder)
    again, after, _ = read(one, scope_of(folder), cursor)
    assert after["uid_validity"] != cursor["uid_validity"]
    assert {each.native_id: each.body for each in again} == {each.native_id: each.body for each in first}
    assert "UIDs were given anew" in said[0]
    assert folder in said[0]
    box.make("Target", [])
    box.move(folder, 3, "Target")
    (moved,), _, _ = read(source(settings(server, ["Target"]), context(tmp_path)), scope_of("Target"))
    box.remove("Target")
    assert moved.native_id in {each.native_id for each in first}


def test_a_folder_made_anew_is_read_whole_and_the_census_tells_what_is_gone(server, box, folder, tmp_path):
    one = source(settings(server, [folder], moved_elsewhere=False), context(tmp_path))
    first, cursor, _ = read(one, scope_of(folder))
    box.remove(folder)
    box.make(folder, [mail(5), mail(20)])
    again, _, _ = read(one, scope_of(folder), cursor)
    assert [each.body for each in again] == [mail(5), mail(20)]
    (census,) = one.census(one.slices()[0])
    assert census.deletes
    assert set(census.native_ids) == {each.native_id for each in again}
    assert again[0].native_id == first[4].native_id


def test_deleted_mails_are_missing_from_the_census(server, box, folder, tmp_path):
    box.append(folder, [mail(9, "no name", message_id="")])
    one = source(settings(server, [folder]), context(tmp_path))
    documents, _, _ = read(one, scope_of(folder))
    (census,) = one.census(one.slices()[0])
    assert census.native_ids == [each.native_id for each in documents]
    assert not census.deletes
    assert "moved_elsewhere = false" in census.doubt
    box.delete(folder, 2, 8)
    (census,) = one.census(one.slices()[0])
    assert census.native_ids == [each.native_id for each in documents if each.body not in (mail(2), documents[7].body)]


def test_mails_of_the_same_name_from_outside_do_not_take_each_other_place(server, box, folder, tmp_path):
    """A sender may write any Message-ID, but not what our own server writes above it."""
    forged = mail(1, "REJECT").replace(b"ESMTP id q1;", b"ESMTP id q99;")
    box.append(folder, [forged])
    documents, _, _ = read(source(settings(server, [folder]), context(tmp_path)), scope_of(folder))
    assert len({each.native_id for each in documents}) == 8


def test_what_is_too_large_leaves_its_header_and_is_counted(server, box, folder, tmp_path):
    said: list[str] = []
    box.append(folder, [mail(9, "x" * 1_100_000)])
    one = source(settings(server, [folder], largest_mb=1), context(tmp_path, said=said))
    documents, cursor, gaps = read(one, scope_of(folder))
    (large,) = [each for each in documents if each.stream == "envelope"]
    assert large.body.startswith(b"Received: from mx")
    assert len(large.body) < 1000
    assert one.normalise(large).skipped[0].reason == "too large to be read: only its header was"
    assert not gaps
    assert "1 mails are larger than 1 MB" in said[0]
    assert any("1 mails are larger" in line.text for line in one.check())
    wider = source(settings(server, [folder], largest_mb=2), context(tmp_path))
    documents, _, _ = read(wider, scope_of(folder), cursor)
    assert len([each for each in documents if each.stream == "mail"]) == 8, "a higher limit reads what was left out"


def test_a_large_folder_is_asked_in_windows_and_pages_stay_small(server, box, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(imap_folder, "WINDOW", 2)
    monkeypatch.setattr(imap_reading, "_LISTED", 2)
    monkeypatch.setattr(imap_reading, "_PAGE_BYTES", len(mail(1)) + 10)
    one = source(settings(server, [folder]), context(tmp_path))
    pages = list(pages_of(one, scope_of(folder)))
    assert [len(page.documents) for page in pages] == [1] * 7 + [0]
    (census,) = one.census(one.slices()[0])
    assert len(census.native_ids) == 7


@pytest.mark.parametrize("after", [900, 1500, 2500, 4000])
def test_a_connection_cut_within_an_answer_is_taken_up_again(server, folder, tmp_path, after):
    between = Between(server["imap_port"])
    try:
        between.cut_after = [None, after, after + 1000]
        configured = settings(server, [folder], port=between.port, security="none")
        documents, _, gaps = read(source(configured, context(tmp_path)), scope_of(folder))
        assert between.connections > 2, "it was cut"
    finally:
        between.close()
    assert [each.body for each in documents] == [mail(number) for number in range(1, 8)]
    assert not gaps


def test_cut_for_good_what_was_committed_stays(server, folder, tmp_path):
    between = Between(server["imap_port"])
    try:
        between.cut_after = [None, *[5000] * 20]
        configured = settings(server, [folder], port=between.port, security="none", page_size=2)
        one = source(configured, context(tmp_path))
        coming = pages_of(one, scope_of(folder))
        pages = [next(coming)]
        between.cut_after = [200] * 20
        with pytest.raises(Retriable, match="cut"):
            pages.extend(coming)
    finally:
        between.close()
    rest, _, _ = read(source(settings(server, [folder]), context(tmp_path)), scope_of(folder), pages[-1].cursor)
    bodies = [each.body for page in pages for each in page.documents] + [each.body for each in rest]
    assert bodies == [mail(number) for number in range(1, 8)]


def test_a_mail_the_server_cannot_give_is_a_gap_and_the_others_are_read(server, box, folder, tmp_path):
    place = Path(server["maildirs"].replace("USER", USER)) / f".{folder}"
    broken = next(path for path in place.glob("*/*") if path.is_file() and b"<4@example" in path.read_bytes())
    whole = broken.read_bytes()
    owner = broken.stat()
    broken.unlink()
    broken.mkdir(mode=0o700)  # what stands there is no mail
    try:
        one = source(settings(server, [folder]), context(tmp_path))
        documents, _, gaps = read(one, scope_of(folder))
    finally:
        broken.rmdir()
        broken.write_bytes(whole)
        os.chown(broken, owner.st_uid, owner.st_gid)
    assert [each.body for each in documents] == [mail(number) for number in (1, 2, 3, 5, 6, 7)]
    assert len(gaps) == 1
    assert "mail with UID 4 is listed but cannot be read" in gaps[0]


def test_a_folder_with_a_name_in_another_script(server, box, tmp_path):
    box.make('"Gr&APYA3w-e \\"a\\""', [mail(1)])
    try:
        documents, _, _ = read(source(settings(server, ['Größe "a"']), context(tmp_path)), f'{USER}/Größe "a"')
    finally:
        box.remove('"Gr&APYA3w-e \\"a\\""')
    assert len(documents) == 1


def test_a_mail_larger_than_it_was_said_to_be_is_cut(tmp_path):
    """Exchange guesses sizes."""
    named = "BODY[HEADER.FIELDS (MESSAGE-ID DATE FROM SUBJECT RECEIVED)] {26}\r\nMessage-ID: <1@a.test>\r\n\r\n"
    body = "x" * 1_000_001
    answers = {
        "EXAMINE": "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n* OK [UIDNEXT 2] n\r\nTAG OK [READ-ONLY] open",
        "UID SEARCH": "* SEARCH 1\r\nTAG OK found",
        r"UID FETCH 1 \(RFC822.SIZE": "* 1 FETCH (UID 1 RFC822.SIZE 10)\r\nTAG OK done",
        r"UID FETCH 1 .*BODY.PEEK\[\]": f"* 1 FETCH (UID 1 {named} BODY[]<0> {{{len(body)}}}\r\n{body})\r\nTAG OK done",
        r"UID FETCH 1 .*BODY.PEEK\[HEADER\]": f"* 1 FETCH (UID 1 {named} BODY[HEADER]<0> {{4}}\r\nA: b)\r\nTAG OK done",
    }
    with Scripted(answers) as scripted:
        mailbox = {"user": USER, "password": PASSWORD}
        fields = {"plugin": "imap", "host": "127.0.0.1", "port": scripted.port, "security": "none", "largest_mb": 1}
        one = source(ImapSettings.model_validate(fields | {"mailboxes": [mailbox]}), context(tmp_path))
        documents, _, gaps = read(one, f"{USER}/INBOX")
    assert [(each.stream, each.body) for each in documents] == [("envelope", b"A: b")]
    assert not gaps


OPEN = "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n* OK [UIDNEXT 9] n\r\nTAG OK [READ-ONLY] open"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("EXAMINE", "* x EXISTS\r\nTAG OK open"),
        ("EXAMINE", "* 1 EXISTS\r\nTAG OK open"),
        ("EXAMINE", "* 1 EXISTS\r\n* OK [UIDVALIDITY x] v\r\n* OK [UIDNEXT 9] n\r\nTAG OK open"),
        ("EXAMINE", "TAG BAD what"),
        ("UID SEARCH", "* SEARCH one two\r\nTAG OK found"),
        ("UID SEARCH", f"* SEARCH {'1 ' * 600_000}\r\nTAG OK found"),
        ("UID SEARCH", "TAG BAD what"),
        ("UID SEARCH", "TAG NO not now"),
        ("UID FETCH", "* 1 FETCH (UID\r\nTAG OK done"),
        ("UID FETCH", "* x FETCH (UID 1 RFC822.SIZE 5)\r\nTAG OK done"),
        ("UID FETCH", "* 1 FETCH UID 1\r\nTAG OK done"),
        ("UID FETCH", "* 1 FETCH (UID 1 RFC822.SIZE)\r\nTAG OK done"),
        ("UID FETCH", "* 1 FETCH (UID 1 RFC822.SIZE 5 BODY[]<0> {9999999}\r\nshort)\r\nTAG OK done"),
        ("UID FETCH", "* 1 FETCH (UID 1 RFC822.SIZE 5 BODY[]<0> NIL)\r\nTAG OK done"),
        ("UID FETCH", "garbage\r\nTAG OK done"),
        ("UID FETCH", "TAG BAD what"),
        ("CAPABILITY", "* CAPABILITY\r\nTAG OK done"),
        ("CAPABILITY", "TAG NO"),
        ("LIST", "* LIST (x\r\nTAG OK done"),
    ],
)
def test_a_server_that_talks_nonsense(tmp_path, command, answer):
    """Whatever it says, it is a fault the hub knows, or a gap; never a mail that is lost, never a defect."""
    answers = {
        "EXAMINE": OPEN,
        "UID SEARCH": "* SEARCH 1\r\nTAG OK found",
        "UID FETCH": "* 1 FETCH (UID 1 RFC822.SIZE 5)\r\nTAG OK done",
    }
    with Scripted(answers | {command: answer}) as scripted:
        mailbox = {"user": USER, "password": PASSWORD}
        fields = {"plugin": "imap", "host": "127.0.0.1", "port": scripted.port, "security": "none", "timeout_s": 1}
        one = source(ImapSettings.model_validate(fields | {"mailboxes": [mailbox]}), context(tmp_path, retry=False))
        one.check()
        try:
            gaps = [gap for part in one.slices() for page in one.fetch(part, None) for gap in page.gaps]
        except SourceError as fault:
            gaps = [str(fault)]
        unreadable = [part.unreadable for part in _slices(one) if part.unreadable]
    assert gaps or unreadable or command == "LIST", "read as if all were well"


def _slices(one):
    try:
        return one.slices()
    except SourceError:
        return []


def test_only_commands_that_read_are_sent(server, folder, tmp_path):
    between = Between(server["imap_port"])
    try:
        one = source(settings(server, [folder], port=between.port, security="none"), context(tmp_path))
        one.check()
        read(one, scope_of(folder))
        list(one.census(one.slices()[0]))
    finally:
        between.close()
    verbs = {" ".join(line.split()[: 2 if line.startswith("UID") else 1]) for line in between.commands}
    assert verbs <= {"AUTHENTICATE", "CAPABILITY", "ENABLE", "EXAMINE", "LIST", "LOGOUT", "UID SEARCH", "UID FETCH"}
    fetched = [line for line in between.commands if "BODY" in line]
    assert fetched
    assert all("BODY.PEEK[" in line and "BODY[" not in line for line in fetched)


def test_the_folder_made_anew_while_it_is_read_ends_the_reading(server, box, folder, tmp_path):
    one = source(settings(server, [folder], page_size=2), context(tmp_path))
    part = one.slices()[0]
    opened = one._folder(part.scope)
    with opened:
        opened.open()
        opened._client.shutdown()
        opened._client = None
        box.renumber(folder)
        with pytest.raises(SourceError, match="made anew while it was read"):
            opened.sizes([1, 2])


def test_a_missing_folder_costs_itself_only_and_similar_names_are_told(server, folder, tmp_path):
    one = source(settings(server, [folder, folder + "x"]), context(tmp_path))
    good, bad = one.slices()
    assert good.unreadable is None
    assert bad.unreadable.endswith(f"Mailbox doesn't exist: {folder}x; the folder is missing or closed to this account")
    levels = {line.level: line for line in one.check()}
    assert folder in levels["error"].advice


def test_a_wrong_password_closes_its_own_mailbox_only(server, folder, tmp_path):
    wrong = {"user": DESK, "password": "wr0ng-geheim", "folders": ["INBOX", "Processed"]}
    right = {"user": USER, "password": PASSWORD, "folders": [folder]}
    one = source(settings(server, mailboxes=[wrong, right]), context(tmp_path))
    parts = one.slices()
    assert [part.scope for part in parts] == [f"{DESK}/INBOX", f"{DESK}/Processed", scope_of(folder)]
    assert "does not accept user and password (AUTHENTICATIONFAILED)" in parts[0].unreadable
    assert parts[1].unreadable == parts[0].unreadable
    assert parts[2].unreadable is None
    assert "geheim" not in repr(parts)


def test_starttls_reads_as_well(server, folder, tmp_path):
    configured = settings(server, [folder], port=server["imap_port"], security="starttls")
    documents, _, _ = read(source(configured, context(tmp_path)), scope_of(folder))
    assert len(documents) == 7


def test_a_wrong_authority_gets_no_password(server, tmp_path):
    for more in ({}, {"port": server["imap_port"], "security": "starttls"}):
        one = source(settings(server, ca_bundle=None, **more), context(tmp_path))
        (line,) = one.check()
        assert "certificate not trusted: self-signed certificate; set ca_bundle" in line.text


class TestImap(SourceContract):
    secrets = ("wr0ng-geheim",)
    faults = {  # noqa: RUF012 - a table
        "unauthorised": (AuthenticationFailed,),
        **{name: SourceContract.faults[name] for name in ("missing", "busy", "broken", "cut", "not_json")},
    }

    @pytest.fixture(autouse=True)
    def server_of(self, server, box):
        self.server = server
        self.between = Between(server["imap_port"])
        box.make("Contract", [mail(number) for number in range(1, 8)])
        self.faulty: list[Scripted] = []
        yield
        box.remove("Contract")
        self.between.close()
        for each in self.faulty:
            each.__exit__()

    def make(self, context):
        return source(
            settings(self.server, ["Contract"], port=self.between.port, security="none", page_size=3), context
        )

    def make_faulty(self, fault, context):
        if fault == "missing":
            return source(settings(self.server, ["Missing"]), context)
        answers = {
            "unauthorised": {"LOGIN": f"TAG NO [AUTHENTICATIONFAILED] bad: {self.secrets[0]}"},
            "busy": {"LOGIN": "TAG NO [LIMIT] too many connections"},
            "broken": {"EXAMINE": "TAG NO [UNAVAILABLE] oops"},
            "cut": {"EXAMINE": "* BYE closing"},
            "not_json": {"EXAMINE": "TAG OK <html>"},
        }[fault]
        self.faulty.append(Scripted(answers))
        mailbox = {"user": USER, "password": self.secrets[0]}
        return source(settings(self.server, mailboxes=[mailbox], port=self.faulty[-1].port, security="none"), context)

    def requests_seen(self):
        return [
            f"{'WRITE' if verb in {'SELECT', 'STORE', 'APPEND', 'EXPUNGE', 'COPY', 'MOVE'} else 'GET'} /{verb}"
            for line in self.between.commands
            for verb in line.upper().split()[:2]
        ]
