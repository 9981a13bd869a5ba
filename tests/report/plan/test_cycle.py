"""The life of one report, step by step: what is let through, what is not, and that nothing is sent twice."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from hub.clock import FixedClock
from hub.errors import DeliveryError, HubError, StoreError
from hub.records import Approval, ReportParty
from hub.report.deliver import deliver_waiting
from hub.report.plan.act import ask, cancel, collect, decide, draft, queue_messages
from hub.report.plan.desk import record_id
from hub.report.plan.record import refresh_reports
from hub.store import outbox
from hub.store.revision import read_record
from hub.store.tables import raw_document
from hub.store.writer import Write, write_records
from tests.report.plan.conftest import ID, OFFICE, at, spec

ANN, BEN, CARLA, DAN = (f"register:people/{name}" for name in ("ann", "ben", "carla", "dan"))
BYTES = {"report.pdf": b"%PDF-1.7 one"}
OTHER = {"report.pdf": b"%PDF-1.7 two"}


def state(on, when="2026-11-06T12:00"):
    return on(when, lambda desk: desk.cycle(ID).state)


def approve(on, when, person, **more):
    on(when, decide, ID, "approved", revision=None, person=person, login="x", **more)


def reviewed(on, files=BYTES):
    on("2026-11-02T09:00", draft, ID, files, login="x")
    on("2026-11-02T09:05", ask, ID, login="x")


def approved(on):
    reviewed(on)
    approve(on, "2026-11-02T10:00", BEN)
    approve(on, "2026-11-02T11:00", CARLA)


def send(on, planned, ways, when="2026-11-03T09:00"):
    on(when, queue_messages, ID, ways, sender="hub@example.test")
    return deliver_waiting(planned, ways, FixedClock(at(when)))


def test_from_planned_to_submitted(on, planned, ways, mail):
    assert state(on) == "planned"
    on("2026-11-01T08:00", collect, ID, login="x")
    assert state(on) == "collecting"
    on("2026-11-02T09:00", draft, ID, BYTES, login="x")
    assert state(on) == "drafted"
    on("2026-11-02T09:05", ask, ID, login="x")
    assert state(on) == "in_review"
    approve(on, "2026-11-02T10:00", BEN)
    assert state(on) == "in_review"
    approve(on, "2026-11-02T11:00", CARLA)
    assert state(on) == "approved"
    send(on, planned, ways)
    assert state(on) == "submitted"
    assert [to for to, _ in mail.taken] == ["kim@example.test", "olga@example.test"]


def test_the_period_must_have_ended_unless_marked(on):
    with pytest.raises(HubError, match="its period ends at 2026-10-31T23:00:00Z"):
        on("2026-10-31T23:59", draft, ID, BYTES, login="x")
    on("2026-10-31T23:59", draft, ID, BYTES, login="x", provisional=True)


def test_approvers_in_order_and_never_the_author(on):
    reviewed(on)
    with pytest.raises(HubError, match="ann wrote it; somebody else decides"):
        approve(on, "2026-11-02T10:00", ANN)
    with pytest.raises(
        HubError, match="not the turn of register:people/carla: approver 1 of the plan is role process_manager"
    ):
        approve(on, "2026-11-02T10:00", CARLA)
    with pytest.raises(HubError, match="not the turn of register:people/dan"):
        approve(on, "2026-11-02T10:00", DAN)
    approve(on, "2026-11-02T10:00", BEN)
    with pytest.raises(HubError, match="ben approved it already"):
        approve(on, "2026-11-02T10:10", BEN)
    with pytest.raises(HubError, match="revision 2 is not the one in hand, 1 is"):
        on("2026-11-02T10:10", decide, ID, "approved", revision=2, person=CARLA, login="x")


def test_other_bytes_void_what_was_approved(on, planned, ways, mail):
    approved(on)
    on("2026-11-02T12:00", draft, ID, OTHER, login="x")
    assert state(on) == "drafted"
    with pytest.raises(HubError, match="has to be approved first"):
        send(on, planned, ways)
    on("2026-11-02T12:05", ask, ID, login="x")
    with pytest.raises(HubError, match="not the turn"):
        approve(on, "2026-11-02T12:10", CARLA)
    on("2026-11-02T12:20", draft, ID, BYTES, login="x")  # the approved bytes are back: the approvals hold again
    on("2026-11-02T12:25", ask, ID, login="x")
    assert state(on) == "approved"
    assert mail.taken == []


def test_bytes_altered_in_the_store_are_neither_approved_nor_sent(on, planned, ways):
    approved(on)
    with planned.begin() as conn:
        d = raw_document.c
        body = conn.execute(raw_document.select().where(d.stream == "report_step")).first().body
        conn.execute(update(raw_document).where(d.stream == "report_file").values(body=body))
    with pytest.raises(StoreError, match="was altered in the store"):
        send(on, planned, ways)


def test_a_rejected_report_is_made_again_as_the_next_revision(on, planned, ways):
    reviewed(on)
    with pytest.raises(HubError, match="a rejection says why"):
        on("2026-11-02T10:00", decide, ID, "rejected", revision=1, person=BEN, login="x")
    on("2026-11-02T10:00", decide, ID, "rejected", revision=1, person=BEN, login="x", note="wrong total")
    assert state(on) == "rejected"
    with pytest.raises(HubError, match="has to be approved first"):
        send(on, planned, ways)
    assert on("2026-11-02T11:00", draft, ID, OTHER, login="x") == 2
    on("2026-11-02T11:05", ask, ID, login="x")
    approve(on, "2026-11-02T11:10", BEN)
    approve(on, "2026-11-02T11:20", CARLA)
    send(on, planned, ways)
    states = on("2026-11-04T09:00", lambda desk: [one.state for one in desk.cycle(ID).revisions])
    assert states == ["rejected", "submitted"]


def test_a_correction_reaches_who_is_in_the_plan_no_more_and_is_told_of_by_name(on, planned, ways, mail):
    approved(on)
    send(on, planned, ways)
    with planned.begin() as conn:
        write_records(conn, [Write(spec(recipients=[ReportParty(role="customer_contact")]))], at("2026-11-03T10:00"))
    on("2026-11-04T09:00", draft, ID, OTHER, login="x", note="wrong total")
    on("2026-11-04T09:05", ask, ID, login="x")
    approve(on, "2026-11-04T10:00", BEN)
    approve(on, "2026-11-04T11:00", CARLA)
    mail.taken.clear()
    send(on, planned, ways, "2026-11-04T12:00")
    assert sorted(who for who, _ in mail.taken) == ["kim@example.test", "olga@example.test"]
    with planned.begin() as conn:
        refresh_reports(conn, OFFICE, now=at("2026-11-04T13:00"))
        record = read_record(conn, record_id(ID, 2))
    both = {"register:people/kim", "register:people/olga"}
    assert set(record.recipients) == {one.recipient for one in record.delivery} == both


def test_a_correction_says_why_and_passes_the_whole_chain(on, planned, ways, mail):
    approved(on)
    send(on, planned, ways)
    with pytest.raises(HubError, match="a correction says what was wrong"):
        on("2026-11-04T09:00", draft, ID, OTHER, login="x")
    assert on("2026-11-04T09:00", draft, ID, OTHER, login="x", note="the total was wrong") == 2
    with pytest.raises(HubError, match="has to be approved first"):
        send(on, planned, ways, "2026-11-04T09:10")
    on("2026-11-04T09:05", ask, ID, login="x")
    approve(on, "2026-11-04T10:00", BEN)
    approve(on, "2026-11-04T11:00", CARLA)
    send(on, planned, ways, "2026-11-04T12:00")
    states = on("2026-11-05T09:00", lambda desk: [one.state for one in desk.cycle(ID).revisions])
    assert states == ["corrected", "submitted"]
    assert len(mail.taken) == 4
    assert b"Corrected: the total was wrong" in mail.taken[-1][1]


def test_a_decision_by_mail_counts_like_one_by_command(on, planned):
    reviewed(on)
    digest = on("2026-11-02T09:10", lambda desk: desk.cycle(ID).last.hash)
    given = {"source": "mail", "subject_id": record_id(ID, 1), "via": "email", "decision": "approved"}
    for name, person, when, bound in (
        ("old", CARLA, "2026-11-02T09:30", digest),  # before her turn
        ("other", BEN, "2026-11-02T09:40", "0" * 64),  # for other bytes
        ("ben", BEN, "2026-11-02T10:00", digest),
        ("carla", CARLA, "2026-11-02T11:00", digest),
    ):
        record = Approval(id=f"mail:{name}", approver=person, decided_at=at(when), subject_revision=bound, **given)
        with planned.begin() as conn:
            write_records(conn, [Write(record)], at(when))
    cycle = on("2026-11-02T12:00", lambda desk: desk.cycle(ID))
    assert cycle.state == "approved"
    assert [one.id for one in cycle.last.held] == ["mail:ben", "mail:carla"]
    assert [why for _, why in cycle.last.ignored] == ["it is not this person's turn", "it is for other bytes"]


def test_taking_an_approval_back_takes_back_those_that_followed(on):
    approved(on)
    on("2026-11-02T12:00", decide, ID, "withdrawn", revision=1, person=BEN, login="x")
    assert state(on) == "in_review"
    assert on("2026-11-02T12:10", lambda desk: desk.cycle(ID).last.held) == ()


@pytest.mark.parametrize("dies_after", [False, True])
def test_killed_while_sending_nothing_is_sent_twice_or_lost(on, planned, ways, mail, dies_after):
    approved(on)
    mail.fault, mail.dies_after = KeyboardInterrupt(), dies_after
    with pytest.raises(KeyboardInterrupt):
        send(on, planned, ways)
    send(on, planned, ways, "2026-11-03T09:10")
    taken = [to for to, _ in mail.taken]
    assert sorted(set(taken)) == sorted(taken)
    assert "olga@example.test" in taken
    with planned.connect() as conn:
        states = {one.key.recipient: one.state for one in outbox.deliveries(conn)}
    # Whoever was being served when it died may have it: a person has to ask before it goes again.
    assert states == {"kim@example.test": "unknown", "olga@example.test": "sent"}
    assert state(on) == "approved"


def test_killed_between_queueing_and_delivering(on, planned, ways, mail):
    approved(on)
    on("2026-11-03T09:00", queue_messages, ID, ways, sender="hub@example.test")
    for _ in range(2):
        send(on, planned, ways, "2026-11-03T09:10")
    assert len(mail.taken) == 2
    with pytest.raises(HubError, match="a correction says"):
        on("2026-11-03T09:20", draft, ID, OTHER, login="x")


def test_a_passing_fault_leaves_it_approved_until_the_last_is_out(on, planned, ways, mail):
    approved(on)
    mail.fault = DeliveryError("busy", retriable=True)
    send(on, planned, ways)
    assert state(on) == "approved"
    send(on, planned, ways, "2026-11-03T10:00")
    assert state(on) == "submitted"
    assert on("2026-11-06T12:00", lambda desk: desk.cycle(ID).submitted_at) == at("2026-11-03T10:00")


def test_cancelled_only_by_an_approver_who_tells_the_readers(on, planned, ways, mail):
    given = {"login": "x", "sender": "hub@example.test"}
    with pytest.raises(HubError, match="ann may not call it off"):
        on("2026-10-20T09:00", cancel, ID, ways, person=ANN, reason="contract ended", **given)
    with pytest.raises(HubError, match="say why"):
        on("2026-10-20T09:00", cancel, ID, ways, person=CARLA, reason=" ", **given)
    with pytest.raises(HubError, match="its readers cannot be told"):
        on("2026-10-20T09:00", cancel, ID, {}, person=CARLA, reason="contract ended", **given)
    on("2026-10-20T09:00", cancel, ID, ways, person=CARLA, reason="contract ended", **given)
    assert state(on) == "cancelled"
    deliver_waiting(planned, ways, FixedClock(at("2026-10-20T09:01")))
    assert [to for to, _ in mail.taken] == ["kim@example.test", "olga@example.test"]
    assert b"contract ended" in mail.taken[0][1]
    with pytest.raises(HubError, match="it was cancelled"):
        on("2026-11-02T09:00", draft, ID, BYTES, login="x")


def test_the_plan_of_tomorrow_does_not_change_a_draft_of_today(on, planned):
    from tests.report.plan.conftest import spec

    approved(on)
    with planned.begin() as conn:
        write_records(conn, [Write(spec(due_days=9, approvers=[]))], at("2026-11-02T13:00"))
    cycle = on("2026-11-02T14:00", lambda desk: desk.cycle(ID))
    assert (cycle.state, cycle.last.terms.due_at) == ("approved", at("2026-11-06T17:00"))


def test_figures_the_plan_names_need_a_value_or_a_reason(on, planned):
    from hub.records import ReportMetric
    from tests.report.plan.conftest import spec

    with planned.begin() as conn:
        write_records(conn, [Write(spec(metrics=["availability", "workload"]))], at("2026-10-02T13:00"))
    figures = [ReportMetric(metric_id="availability", current_actual=99.9), ReportMetric(metric_id="workload")]
    with pytest.raises(HubError, match="neither figure nor reason for workload"):
        on("2026-11-02T09:00", draft, ID, BYTES, login="x", figures=figures)
    figures[1] = ReportMetric(metric_id="workload", missing_reason="the desk was not read")
    on("2026-11-02T09:00", draft, ID, BYTES, login="x", figures=figures)
