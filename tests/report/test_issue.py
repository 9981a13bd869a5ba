from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path

import pytest

from hub.clock import FixedClock, parse_instant
from hub.config.configuration import Configuration
from hub.config.load import load_configuration
from hub.errors import ConfigurationError
from hub.records import Person, encode_record
from hub.registry import Registry
from hub.report.deliver import Way, deliver_waiting
from hub.report.issue import configured_hosts, issue_conformance, report_slug
from hub.report.model import decode_model
from hub.report.period import last_month, month_period, tz_version
from hub.store import outbox
from hub.store.writer import write_page
from hub.sync.source import Document, Normalised

ZONE = "Europe/Berlin"
CLOCK = FixedClock(parse_instant("2026-11-03T08:01:00Z"))
AS_OF = parse_instant("2026-11-03T08:00:00Z")
CONFIG = """
[organisation]
name = "Example Organisation"
zone = "Europe/Berlin"
calendar = "5x8"
judge_from = 2025-10-01
[store]
url = "sqlite:///hub.db"
[channels.outbox]
plugin = "file"
folder = "out"
[channels.mail]
plugin = "smtp"
host = "127.0.0.1"
sender = "hub@example.test"
[reports.conformance]
to = ["register:people/alice"]
channels = ["outbox", "mail"]
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    (tmp_path / "hub.toml").write_text(CONFIG)
    return load_configuration(tmp_path / "hub.toml", Registry())


@pytest.fixture
def ways(configuration) -> dict[str, Way]:
    registry = Registry()
    registry.enable("email")
    kinds = registry.channels()
    from hub_email.file import FileChannel
    from hub_email.smtp import SmtpChannel

    folder = FileChannel(configuration.base_dir / "out")
    mail = SmtpChannel(configuration.channels["mail"], base_dir=configuration.base_dir)
    return {
        "outbox": Way(folder, send=False, addressed=kinds["file"].addressed),
        "mail": Way(mail, send=False, addressed=kinds["smtp"].addressed),
    }


def write_person(store, *, id="register:people/alice", **fields):  # noqa: A002 - the record's own word
    person = Person(id=id, source="register", name="Alice Example", **fields)
    document = Document(
        stream="people", native_id=id.partition(":")[2], scope="people.yaml", body=encode_record(person)
    )
    with store.begin() as conn:
        write_page(
            conn,
            source="register",
            documents=[document],
            normalised=[Normalised(records=[person])],
            known_at=AS_OF - 1000,
        )


def issue(store, configuration, ways, answers, **more):
    seen = []

    def provider(*asked):
        seen.append(asked)
        return answers

    fields = {
        "period": month_period("2026-10", ZONE),
        "as_of": AS_OF,
        "known_at": AS_OF,
        "catalogue_version": "bs15000 2026.1",
        "profile_version": "3f9a1c",
    }
    return issue_conformance(store, configuration, provider, ways, CLOCK, **(fields | more)), seen


def test_issued_once_and_written_to_the_folder_while_mail_is_held(any_store, configuration, ways, answers):
    write_person(any_store, email=["alice@example.test", "second@example.test"])
    first, asked = issue(any_store, configuration, ways, answers)
    assert first.created
    assert asked == [(month_period("2026-10", ZONE), AS_OF, AS_OF, None)]
    again, asked = issue(any_store, configuration, ways, answers, as_of=AS_OF + 999)
    assert not again.created
    assert asked == []
    assert again.model == first.model
    deliver_waiting(any_store, ways, CLOCK)
    with any_store.connect() as conn:
        rows = [(d.key.channel, d.key.recipient, d.state) for d in outbox.deliveries(conn)]
        issued = outbox.find_report(conn, first.report_id)
    assert rows == [("mail", "alice@example.test", "held"), ("outbox", "", "sent")]
    assert decode_model(issued.model) == first.model
    written = sorted((configuration.base_dir / "out").iterdir())
    endings = ("-conformance-rate.png", "-evidence-manifest.json", "-findings.csv", "-report.pdf", "-report.xlsx")
    assert [path.name for path in written] == [f"{first.report_id}-r1{end}" for end in (*endings, ".eml", ".html")]
    assert b"To: alice@example.test\r\n" in written[5].read_bytes()
    assert f'<img src="{written[0].name}"'.encode() in written[6].read_bytes()


def test_a_mail_that_is_too_large_goes_with_a_link_and_the_folder_gets_all(any_store, configuration, ways, answers):
    write_person(any_store, email=["alice@example.test"])
    channels, reports = configuration.channels, configuration.reports
    channels["mail"] = channels["mail"].model_copy(update={"largest_mb": 0})
    archive = "https://reports.example.test/hub/"
    reports["conformance"] = reports["conformance"].model_copy(update={"archive": archive})
    issued, _ = issue(any_store, configuration, ways, answers)
    with any_store.connect() as conn:
        mail, file = (outbox.message_of(conn, each.key) for each in outbox.deliveries(conn))
    assert f"{archive}{issued.report_id}-r1.eml".encode() in mail.replace(b"=\r\n", b"")
    assert b"findings.csv" in file
    assert b'filename="findings.csv"' not in mail


def test_a_correction_is_the_next_revision_and_compares_with_the_month_before(any_store, configuration, ways, answers):
    write_person(any_store, email=["alice@example.test"])
    september, _ = issue(
        any_store, configuration, ways, answers, period=month_period("2026-09", ZONE), as_of=AS_OF - 30 * 86_400_000
    )
    issue(any_store, configuration, ways, answers)
    with pytest.raises(ConfigurationError, match="next revision of SR-example-organisation-conformance-2026-10 is 2"):
        issue(any_store, configuration, ways, answers, revision=3)
    second, asked = issue(any_store, configuration, ways, answers, revision=2, note="a source was read late")
    assert second.model.change.since == f"{september.report_id} r1"
    assert asked[0][3] == AS_OF
    assert second.model.identity.note == "a source was read late"
    with any_store.connect() as conn:
        assert outbox.last_revision(conn, second.report_id) == 2
        ids = {d.message_id for d in outbox.deliveries(conn, report_id=second.report_id)}
    assert ids == {f"<{second.report_id.lower()}.r{n}@example.test>" for n in (1, 2)}


@pytest.mark.parametrize(
    "case",
    [
        (["Asia/Tokyo"], ("JST", "+0900")),
        (["Asia/Tokyo", "Asia/Tokyo"], ("JST", "+0900")),
        (["Asia/Tokyo", "America/New_York"], ("CET", "+0100")),
        (["Asia/Tokyo", None], ("CET", "+0100")),
        (["Mars/Olympus"], ("CET", "+0100")),
    ],
)
def test_instants_are_told_where_all_readers_live_and_the_period_stays_the_organisations(
    any_store, configuration, ways, answers, case
):
    zones, told = case
    people = [f"register:people/{number}" for number, _ in enumerate(zones)]
    for person, zone in zip(people, zones, strict=True):
        write_person(any_store, id=person, email=[f"{person[-1]}@example.test"], zone=zone)
    settings = configuration.reports["conformance"].model_copy(update={"to": people})
    configuration.reports["conformance"] = settings
    issue(any_store, configuration, ways, answers)
    with any_store.connect() as conn:
        body = outbox.message_of(conn, outbox.deliveries(conn)[0].key)
    mail = message_from_bytes(body, policy=policy.default)
    text = mail.get_body(("plain",)).get_content()
    assert f" {told[0]} (" in text
    assert "1 Oct 2026 to 31 Oct 2026, Europe/Berlin" in text
    assert mail["Date"].endswith(told[1])


@pytest.mark.parametrize("names", [False, True])
def test_people_are_named_only_where_it_is_configured(any_store, configuration, ways, answers, names):
    write_person(any_store, email=["alice@example.test"])
    settings = configuration.reports["conformance"].model_copy(update={"names": names})
    configuration.reports["conformance"] = settings
    issued, _ = issue(any_store, configuration, ways, answers)
    assert issued.model.actions[0].owner.label == f"change manager ({'Clara Schmidt' if names else 'CS'})"


def test_two_people_with_one_address_get_one_mail(any_store, configuration, ways, answers):
    write_person(any_store, email=["alice@example.test"])
    write_person(any_store, id="register:people/office", email=["Alice@Example.test"])
    people = ["register:people/alice", "register:people/office"]
    report = configuration.reports["conformance"].model_copy(update={"to": people})
    configuration.reports["conformance"] = report
    issue(any_store, configuration, ways, answers)
    with any_store.connect() as conn:
        assert [one.key.recipient for one in outbox.deliveries(conn)] == ["alice@example.test", ""]


@pytest.mark.parametrize("email", [[], ["not an address"], ["a@b.test\r\nBcc: c@d.test"]])
def test_recipients_without_address_are_named(any_store, configuration, ways, answers, email):
    write_person(any_store, email=email)
    with pytest.raises(ConfigurationError, match=r"reports.conformance.to: register:people/alice: no person"):
        issue(any_store, configuration, ways, answers)
    folder_only = {"outbox": ways["outbox"]}
    assert issue(any_store, configuration, folder_only, answers)[0].created


def test_known_rows_on_both_engines(store, answers):
    issued = outbox.Issued("SR-a", 1, "conformance", "2026-09", 5, 6, 7, "ff", b"model")
    with store.begin() as conn:
        outbox.save_report(conn, issued)
        outbox.save_report(conn, issued._replace(revision=2, as_of=8))
    with store.connect() as conn:
        assert outbox.find_report(conn, "SR-a", 1) == issued
        assert outbox.find_report(conn, "SR-a").revision == 2
        assert outbox.find_report(conn, "SR-b") is None
        assert outbox.last_revision(conn, "SR-b") == 0
        assert outbox.latest_before(conn, report_type="conformance", report_id="SR-b", as_of=8) == issued
        assert outbox.latest_before(conn, report_type="conformance", report_id="SR-a", as_of=99) is None
        assert [r.revision for r in outbox.list_reports(conn)] == [2, 1]
        assert outbox.addresses(conn, ["nobody"]) == {}


def test_months_begin_at_local_midnight():
    october = month_period("2026-10", ZONE)
    assert (october.end - october.start) // 3_600_000 == 31 * 24 + 1
    assert month_period("2026-12", ZONE).end == parse_instant("2027-01-01T00:00:00+01:00")
    assert last_month(parse_instant("2026-10-31T23:30:00Z"), ZONE).label == "2026-10"
    assert last_month(parse_instant("2026-01-15T00:00:00Z"), ZONE).label == "2025-12"
    for wrong in ("2026-13", "2026", "next", "9999-12"):
        with pytest.raises(ConfigurationError, match="is no month"):
            month_period(wrong, ZONE)
    assert tz_version()


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Example Organisation", "example-organisation"), ("Ümläut & Co. KG", "umlaut-co-kg"), ("王", "organisation")],
)
def test_slug(name, slug):
    assert report_slug(name) == slug


def test_only_hosts_of_sources_are_linked(configuration):
    assert configured_hosts(configuration) == frozenset()


def test_a_correction_goes_to_whoever_has_what_it_corrects(any_store, configuration, ways, answers):
    """Also to somebody who is no recipient any more; not to who never got it."""
    people = ["alice", "bruno", "carla"]
    for name in people:
        write_person(any_store, id=f"register:people/{name}", email=[f"{name}@example.test"])
    to = configuration.reports["conformance"].to
    to[:] = [f"register:people/{name}" for name in people]
    first, _ = issue(any_store, configuration, ways, answers)
    states = {"alice": "sent", "bruno": "unknown", "carla": "bounced"}
    with any_store.begin() as conn:
        for one in outbox.deliveries(conn, report_id=first.report_id):
            if one.key.channel == "mail":
                outbox.settle(conn, one.key, states[one.key.recipient.partition("@")[0]], detail="", sent_at=AS_OF)
    to[:] = ["register:people/alice"]
    issue(any_store, configuration, ways, answers, revision=2, note="a wrong clock")
    with any_store.connect() as conn:
        rows = [one.key.recipient for one in outbox.deliveries(conn, report_id=first.report_id, revision=2)]
    assert sorted(rows) == ["", "alice@example.test", "bruno@example.test"]
