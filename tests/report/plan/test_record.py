"""The hub's own reports are judged as anybody's: section by section of the process, end to end."""

from __future__ import annotations

from datetime import date

import pytest

from hub.clock import FixedClock
from hub.conformance.cycle import derive_all
from hub.conformance.judge import judge
from hub.conformance.listing import list_obligations
from hub.records import ServiceReport
from hub.report.deliver import deliver_waiting
from hub.report.model import encode_model
from hub.report.plan.act import ask, decide, draft, queue_messages, register
from hub.report.plan.desk import Desk, record_id
from hub.report.plan.record import refresh_reports
from hub.store import outbox
from hub.store.outbox import Issued, MessageKey
from hub.store.reading import record_coverage, set_provisions
from hub.store.revision import read_record
from hub.store.writer import Write, write_records
from hub_bs15000.catalogue import load_pack
from tests.report.plan.conftest import ID, OFFICE, at, spec

BEN, CARLA = "register:people/ben", "register:people/carla"
NOW = "2026-12-01T12:00"


class Register:
    """What the register promises to fill."""

    within_subject = False

    def __init__(self, kind: str) -> None:
        from hub_register.schema import provided

        self.kind, self.fields = kind, provided(kind)


@pytest.fixture(scope="module")
def requirements():
    wanted = {f"SRM-0{n}" for n in (3, 4, 5, 6, 7, 8, 9)}
    return [one for one in load_pack().requirements({}) if one.id in wanted]


@pytest.fixture
def told(planned):
    """The register was read up to now."""
    kinds = ("person", "role_assignment", "report_spec", "customer", "team")
    with planned.begin() as conn:
        set_provisions(conn, "register", [Register(kind) for kind in kinds], at("2026-10-01T08:00"))
        for kind in kinds:
            record_coverage(conn, "register", "", kind, through=at(NOW), reason=None, known_at=at("2026-10-01T08:00"))
    return planned


@pytest.fixture
def verdicts(told, requirements):
    """Derive, and say requirement and part -> verdicts on reports, and that deriving whole gives the same."""

    def asked(when: str = NOW) -> dict[str, set[str]]:
        with told.begin() as conn:
            register(Desk(conn, OFFICE, now=at(when)))
            refresh_reports(conn, OFFICE, now=at(when))
        derive_all(told, requirements, now=at(when), zone=OFFICE.zone, calendar=OFFICE.calendar)
        again = derive_all(
            told, requirements, now=at(when) + 10, zone=OFFICE.zone, calendar=OFFICE.calendar, whole=True
        )
        assert (again.closed, again.written) == (0, 0)
        with told.connect() as conn:
            judgement = judge(conn, requirements, as_of=at(when), known_at=None, judge_from=at("2026-10-01T00:00"))
            found: dict[str, set[str]] = {}
            for row in list_obligations(judgement):
                found.setdefault(f"{row.requirement} {row.part}", set()).add(row.verdict)
        return found

    return asked


@pytest.fixture
def step(told, ways):
    """Do one step of the cycle at an instant."""

    def run(when: str, word: str, person: str = "", body: bytes = b"one", **more):
        with told.begin() as conn:
            desk = Desk(conn, OFFICE, now=at(when))
            if word == "draft":
                draft(desk, ID, {"report.pdf": body}, login="x", **more)
            elif word == "ask":
                ask(desk, ID, login="x")
            elif word == "send":
                queue_messages(desk, ID, ways, sender="hub@example.test")
            else:
                decide(desk, ID, word, revision=None, person=person, login="x", **more)
        if word == "send":
            deliver_waiting(told, ways, FixedClock(at(when)))

    return run


def approved(step, day="2026-11-02", **more):
    step(f"{day}T09:00", "draft", **more)
    step(f"{day}T09:01", "ask")
    step(f"{day}T10:00", "approved", BEN)
    step(f"{day}T11:00", "approved", CARLA)


def test_a_report_by_the_book_is_met(step, verdicts, told):
    approved(step)
    step("2026-11-06T17:00:00", "send")
    found = verdicts()
    reports = {
        name: found[name] for name in found if name.startswith(("SRM-04", "SRM-05", "SRM-03 a", "SRM-03 s", "SRM-08"))
    }
    assert {verdict for each in reports.values() for verdict in each} == {"met"}, reports
    assert found["SRM-07 on_time"] >= {"met"}
    assert "SRM-07 reason" not in found
    assert set(reports) >= {
        "SRM-03 author",
        "SRM-03 approver",
        "SRM-03 separated",
        "SRM-04 approved",
        "SRM-05 external",
        "SRM-08 as_approved",
    }
    with told.connect() as conn:
        report = read_record(conn, record_id(ID, 1))
    assert isinstance(report, ServiceReport)
    assert (report.state, report.due_at, report.submitted_at) == (
        "submitted",
        at("2026-11-06T17:00"),
        at("2026-11-06T17:00"),
    )
    assert {one.recipient for one in report.delivery} == {"register:people/kim", "register:people/olga"}


def test_a_second_past_five_is_late(step, verdicts):
    approved(step)
    step("2026-11-06T17:00:01", "send")
    found = verdicts()
    assert "not_met" in found["SRM-07 on_time"]
    assert found["SRM-07 reason"] == {"not_met"}


def test_one_that_nobody_began_is_late_too(verdicts):
    assert "not_met" in verdicts()["SRM-07 on_time"]


def test_a_rejected_revision_then_an_approved_one_is_met(step, verdicts):
    step("2026-11-02T09:00", "draft")
    step("2026-11-02T09:01", "ask")
    step("2026-11-02T09:30", "rejected", BEN, note="wrong total")
    approved(step, "2026-11-03", body=b"two")
    step("2026-11-04T09:00", "send")
    found = verdicts()
    assert found["SRM-06 reworked"] == {"met"}
    assert found["SRM-07 on_time"] >= {"met"}
    assert "not_met" not in found["SRM-07 on_time"]


def test_sent_with_other_bytes_than_were_approved_is_not_met(step, verdicts, told, monkeypatch):
    """The guards refuse it; the requirement finds it all the same where somebody got round them."""
    approved(step)
    from hub.report.plan import act

    monkeypatch.setattr(act, "_refuse", lambda *_: None)
    step("2026-11-02T12:00", "draft", body=b"two")
    step("2026-11-02T13:00", "send")
    assert verdicts()["SRM-04 approved"] == {"not_met"}


def test_the_author_as_approver_is_not_met(told, step, verdicts, monkeypatch):
    from hub.report.plan import act

    with told.begin() as conn:
        write_records(conn, [Write(spec(author=CARLA))], at("2026-10-02T08:00"))
    step("2026-11-02T09:00", "draft")
    step("2026-11-02T09:01", "ask")
    step("2026-11-02T10:00", "approved", BEN)
    monkeypatch.setattr(act, "_refuse", lambda *_: None)
    step("2026-11-02T11:00", "approved", CARLA)
    step("2026-11-02T13:00", "send")
    assert verdicts()["SRM-03 separated"] == {"not_met"}


def test_two_approvals_in_the_wrong_order_are_not_met(step, verdicts, monkeypatch):
    from hub.report.plan import act

    step("2026-11-02T09:00", "draft")
    step("2026-11-02T09:01", "ask")
    monkeypatch.setattr(act, "_refuse", lambda *_: None)
    step("2026-11-02T10:00", "approved", CARLA)
    step("2026-11-02T11:00", "approved", BEN)
    step("2026-11-02T13:00", "send")
    assert verdicts()["SRM-05 external"] == {"not_met"}


@pytest.mark.parametrize(
    ("state", "part"),
    [("failed", "SRM-07 on_time"), ("unknown", "SRM-07 on_time"), ("bounced", "SRM-08 bounces")],
)
def test_a_message_that_did_not_arrive_is_a_finding(step, verdicts, told, state, part):
    """Refused by the server or lost on the way: it was never submitted whole; or come back and not sent again."""
    approved(step)
    step("2026-11-06T16:00:00", "send")
    assert "not_met" not in verdicts()[part]
    with told.begin() as conn:
        lost = outbox.deliveries(conn, report_id=ID)[0]
        outbox.settle(
            conn, lost.key, state, detail="550 no such user", sent_at=lost.sent_at if state == "bounced" else None
        )
    assert "not_met" in verdicts("2026-12-01T12:01")[part]


def test_a_register_that_was_not_read_proves_nothing(step, verdicts, told):
    approved(step)
    step("2026-11-06T17:00:00", "send")
    with told.begin() as conn:
        record_coverage(conn, "register", "", "report_spec", through=None, reason="unreadable", known_at=at(NOW) - 100)
    found = verdicts()
    assert "met" not in found["SRM-07 on_time"]


@pytest.mark.parametrize(("late", "missing", "verdict"), [(1, 1, "not_met"), (1, 0, "met")])
def test_of_twenty_due(told, verdicts, late, missing, verdict):
    """18 on time, 1 late, 1 not sent: 90.00 %, not met at 95; 19 of 20 is met."""
    day = date(2026, 11, 10)
    with told.begin() as conn:
        for number in range(20):
            sent = at(f"{day}T12:00")
            if number < late:
                sent = at("2026-11-11T09:00")
            report = ServiceReport(
                id=f"hub:report/SR-{number}/r1", source="hub", report_id=f"SR-{number}", revision=1, class_="routine",
                direction="internal", due_at=at(f"{day}T17:00"), created_at=sent, state="submitted", submitted_at=sent,
            )  # fmt: skip
            if late <= number < late + missing:
                report = ServiceReport(
                    id=report.id, source="hub", report_id=f"SR-{number}", revision=1, class_="routine",
                    direction="internal", due_at=report.due_at, created_at=sent, state="planned",
                )  # fmt: skip
            write_records(conn, [Write(report)], at("2026-11-12T09:00"))
        write_records(conn, [Write(spec(active=False))], at("2026-11-12T09:00"))
    found = verdicts()
    assert verdict in found["SRM-07 on_time"]
    assert (verdict == "not_met") == ("not_met" in found["SRM-07 on_time"])


LOST = "SR-example-organisation-conformance-2026-10"


@pytest.mark.parametrize("state", ["failed", "bounced", "held"])
def test_a_conformance_mail_outside_the_plan_that_did_not_arrive_is_a_finding(told, verdicts, report, state):
    """Nothing else is asked of it, and it is none any more when it was sent again and arrived."""
    with told.begin() as conn:
        write_records(conn, [Write(spec(active=False))], at("2026-10-02T08:00"))
        model = encode_model(report)
        created = at("2026-11-03T09:00")
        outbox.save_report(conn, Issued(LOST, 1, "conformance", "2026-10", created, created, created, "ab", model))
        key = MessageKey(LOST, 1, "mail", "kim@example.test")
        outbox.queue(conn, key, message_id="<x.r1@example.test>", message=b"x", held=None, now=created)
        sent_at = created if state == "bounced" else None
        outbox.settle(conn, key, state, detail="550 no such user", sent_at=sent_at)
    assert _broken(verdicts("2026-11-06T16:59")) == set(), "it may still be sent in time"
    broken = _broken(verdicts("2026-12-01T12:01"))
    if state == "held":
        assert broken == set()
        return
    assert broken == {"SRM-07 on_time", "SRM-07 readers_told"}, "why it is late the server said"
    with told.begin() as conn:
        outbox.settle(conn, key, "sent", detail="250 ok", sent_at=at("2026-12-01T13:00"))
    assert _broken(verdicts("2026-12-01T14:00")) == set(), "it arrived at last"


def _broken(found: dict[str, set[str]]) -> set[str]:
    """Name what is not met of reports; who holds which role is another matter."""
    return {name for name, each in found.items() if "not_met" in each and not name.endswith(("manager", "provider"))}
