from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest

from hub.clock import FixedClock
from hub.errors import ConfigurationError, HubError
from hub.records import RoleAssignment
from hub.report.deliver import deliver_waiting
from hub.report.plan import custody
from hub.report.plan.act import ask, decide, draft, queue_messages
from hub.report.plan.archive import archive
from hub.report.plan.custody import access_log, carry_out, hand_out, order_disposal, write_out
from hub.report.plan.record import refresh_reports
from hub.report.plan.restore import restore_due, restore_test
from hub.report.plan.verify import verify_folder
from hub.store.authority import authorise, decider, login_name
from hub.store.disposal import disposals
from hub.store.report_log import steps_of
from hub.store.retention import Hold, Rule, make_plan
from hub.store.revision import current_records
from hub.store.verify import verify_chain, verify_disposals
from hub.store.writer import Write, write_records
from tests.report.plan.conftest import ID, OFFICE, at

FILES = {"report.pdf": b"%PDF secret one", "report.csv": b"a,b\n"}
OVER = "2029-12-01T09:00"
BEN, CARLA, ANN, DAN, KIM = (f"register:people/{name}" for name in ("ben", "carla", "ann", "dan", "kim"))


@pytest.fixture
def archived(on, planned, ways, tmp_path):
    """A report in the archive; kept until 2029-11-03."""
    with planned.begin() as conn:
        leave = RoleAssignment(
            id="register:roles/dan-leave",
            source="register",
            person=DAN,
            role="retention_approver",
            from_=at("2026-01-01T00:00"),
            created_at=at("2026-01-01T00:00"),
        )
        ann = RoleAssignment(id="register:roles/ann-leave", source="register", person=ANN, role="retention_approver")
        write_records(conn, [Write(leave), Write(ann)], at("2026-10-01T08:00"))
    on("2026-11-02T09:00", draft, ID, FILES, login="x")
    on("2026-11-02T09:01", ask, ID, login="x")
    on("2026-11-02T10:00", decide, ID, "approved", revision=1, person=BEN, login="x")
    on("2026-11-02T11:00", decide, ID, "approved", revision=1, person=CARLA, login="x")
    on("2026-11-03T09:00", queue_messages, ID, ways, sender="hub@example.test")
    deliver_waiting(planned, ways, FixedClock(at("2026-11-03T09:00")))
    place = on("2026-11-04T09:00", archive, ID, tmp_path / "archive", login="x")
    return SimpleNamespace(on=on, store=planned, place=place, root=tmp_path)


def given(archived, word="read", when="2026-12-01T09:00", **more):
    fields = {
        "revision": None,
        "login": "op",
        "reader": DAN,
        "to": DAN,
        "purpose": "audit",
        "approver": BEN,
        "role": "retention_approver",
    }
    return archived.on(when, hand_out, ID, word, **(fields | more))


def test_who_reads_and_borrows_stands_in_the_chain_before_a_byte_is_given(archived):
    assert given(archived) == FILES
    assert given(archived, "lent", to="Dr. Roe, auditor", approver=DAN, reader=ANN) == FILES
    log = archived.on("2026-12-02T09:00", access_log)
    assert [(one.type, one.data["to"], one.note, one.data["approver"], one.by, one.login) for one in log] == [
        ("read", DAN, "audit", BEN, DAN, "op"),
        ("lent", "Dr. Roe, auditor", "audit", DAN, ANN, "op"),
    ]
    with archived.store.connect() as conn:
        assert [json.loads(body)["type"] for body in steps_of(conn, ID)[ID]][-2:] == ["read", "lent"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"purpose": " "}, "say to whom, and what for"),
        ({"approver": None}, "without leave: --approver"),
        ({"approver": DAN}, "is who takes it"),
        ({"approver": KIM}, "is no approver of the plan, and does not hold the role"),
        ({"approver": "register:people/nobody"}, "is nobody in the register"),
        ({"to": BEN, "approver": BEN}, "is who takes it"),
        ({"revision": 7}, "has no revision 7"),
    ],
)
def test_without_purpose_or_leave_of_another_nothing_is_given(archived, more, why):
    with pytest.raises(HubError, match=why):
        given(archived, **more)
    assert archived.on("2026-12-02T09:00", access_log) == []


def test_written_files_are_their_readers_alone(tmp_path):
    write_out(tmp_path / "out", FILES)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == FILES
    assert (tmp_path / "out/report.pdf").stat().st_mode & 0o077 == 0
    with pytest.raises(HubError, match="cannot be written: File exists"):
        write_out(tmp_path / "out", FILES)


def authority(archived, approver=DAN, operator=CARLA, when=OVER):
    with archived.store.connect() as conn:
        return authorise(
            conn,
            operators={login_name(): operator},
            approver=approver,
            role="retention_approver",
            reason="3 years are over",
            at=at(when),
        )


def disposed(archived, when=OVER, **more):
    by = authority(archived, when=when, approver=more.get("approver", DAN))
    fields = {"revision": None, "authority": by, "approver": DAN}
    number = archived.on(when, order_disposal, ID, **(fields | more))
    carry_out(archived.store, OFFICE, ID, number, by, now=at(when))


def records(archived, when):
    with archived.store.begin() as conn:
        changed = refresh_reports(conn, OFFICE, now=at(when))
        [message] = current_records(conn, [f"hub:report/{ID}/r1/message/mail/kim@example.test"])
    return changed, message.attachments


def test_what_served_its_time_goes_and_its_proof_stays(archived):
    before = records(archived, "2029-11-30T09:00")
    assert len(before[1]) == 2
    disposed(archived)
    assert sorted(path.name for path in archived.place.iterdir()) == [
        "disposed.json",
        "manifest.json",
        "manifest.sha256",
    ]
    proof = verify_folder(archived.place)
    assert (proof.faults, proof.disposed_at) == ([], at(OVER))
    with archived.store.connect() as conn:
        assert [one.broken for one in [*verify_chain(conn, "hub"), verify_disposals(conn)]] == [[], []]
        [entry] = disposals(conn)
        assert (entry.rule, entry.documents, entry.approver, entry.operator) == (f"report {ID} r1", 2, DAN, CARLA)
        rows = conn.exec_driver_sql("SELECT message FROM outbox").scalars().all()
    assert not [row for row in rows if len(row) > 40], "messages are emptied"
    assert records(archived, "2029-12-02T09:00") == (0, before[1]), "what was sent is told as before"
    with pytest.raises(HubError, match="its files were disposed of"):
        given(archived, when="2029-12-02T09:00")
    (archived.place / "files").mkdir()
    (archived.place / "files/report.pdf").write_bytes(b"back")
    assert verify_folder(archived.place).faults == [("files/report.pdf", "was to be disposed of")]


@pytest.mark.parametrize(
    ("when", "more", "why"),
    [
        ("2029-11-02T09:00", {}, "it is kept until 2029-11-03T08:00:00Z"),
        (OVER, {"approver": ANN}, "wrote it; somebody else approves its disposal"),
        (OVER, {"holds": [Hold(record=f"hub:report/{ID}/r1")]}, "a hold of the configuration keeps it"),
        (OVER, {"holds": [Hold(source="hub")]}, "a hold of the configuration keeps it"),
    ],
)
def test_never_before_its_time_by_its_author_or_against_a_hold(archived, when, more, why):
    with pytest.raises(HubError, match=why):
        disposed(archived, when, **more)
    assert verify_folder(archived.place).faults == []


def test_killed_in_the_middle_the_same_call_goes_on(archived, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(custody, "_empty_folder", killed)
        with pytest.raises(KeyboardInterrupt):
            disposed(archived)
    assert (archived.place / "files").is_dir()
    disposed(archived)
    assert verify_folder(archived.place).disposed_at == at(OVER)
    with archived.store.connect() as conn:
        assert len(list(disposals(conn))) == 1


def test_no_rule_of_retention_takes_steps_or_files(archived):
    with archived.store.connect() as conn:
        [plan] = make_plan(
            conn, [Rule("old", at("2040-01-01T00:00"))], [], now=at("2040-01-01T00:00"), month_starts_at=0
        )
    assert [one for one in plan.due if one.source == "hub"] == []


def test_the_archive_is_read_back_once_a_year(archived):
    def due(when):
        return archived.on(when, lambda desk: restore_due(desk.begun().values(), desk.now))

    assert due("2026-12-01T09:00")[:3] == (1, 0, [])
    assert due("2027-12-01T09:00")[:3] == (1, 1, [])
    [tried] = archived.on("2027-12-01T10:00", restore_test, None, login="x")
    assert (tried.faults, tried.files) == ([], 2)
    assert due("2027-12-02T09:00") == (1, 0, [], at("2027-12-01T10:00"))
    elsewhere = archived.root / "restored"
    shutil.copytree(archived.root / "archive", elsewhere)
    next(elsewhere.rglob("report.csv")).write_bytes(b"a,c\n")
    [tried] = archived.on("2028-06-01T10:00", restore_test, elsewhere, login="x")
    assert tried.faults == [("files/report.csv", "was altered")]
    assert due("2028-06-02T09:00").faulty == [f"{ID} r1"]
    [lost] = archived.on("2028-07-01T10:00", restore_test, archived.root / "nowhere", login="x")
    assert lost.files == 0
    assert "No such file" in lost.faults[0][1]


def test_where_logins_are_tied_each_decides_in_its_own_name(archived):
    me = login_name()
    with archived.store.connect() as conn:
        assert decider(conn, {}, BEN, login=me) == (BEN, False)
        assert decider(conn, {me: BEN}, None, login=me) == (BEN, True)
        assert decider(conn, {me: BEN}, BEN, login=me) == (BEN, True)
        for operators, person, why in (
            ({}, None, "say who decides"),
            ({me: BEN}, CARLA, "decides in no other name than that"),
            ({"somebody": BEN}, BEN, "is nobody in it"),
            ({me: "register:people/nobody"}, None, "is no person of the register"),
        ):
            with pytest.raises(ConfigurationError, match=why):
                decider(conn, operators, person, login=me)
