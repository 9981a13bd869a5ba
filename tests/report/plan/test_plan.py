from __future__ import annotations

from sqlalchemy import insert, select

from hub.records import Change, Incident, ReportDuty, ReportParty, Service, Sla
from hub.report.plan.act import recipients
from hub.report.plan.desk import Desk
from hub.store.tables import record, sla_clock
from hub.store.writer import Write, write_records
from tests.report.plan.conftest import ID, OFFICE, at, people, spec


def read(store, *specs, when="2026-11-02T09:00", more=()):
    with store.begin() as conn:
        write_records(conn, [Write(one) for one in [*people(), *specs, *more]], at("2026-10-01T08:00"))
        desk = Desk(conn, OFFICE, now=at(when))
        return desk.plan, desk


def test_a_row_becomes_one_report_a_period(any_store):
    plan, _ = read(any_store, spec(valid_to=None))
    assert list(plan.terms) == [
        ID,
        ID.replace("-10", "-11"),
        ID.replace("-10", "-12"),
        "SR-acme-gmbh-monthly_service-2027-01",
    ]
    one = plan.terms[ID]
    assert (one.start, one.end) == (at("2026-10-01T00:00"), at("2026-11-01T00:00"))
    assert one.due_at == at("2026-11-06T17:00")
    assert plan.faults == []


def test_zone_and_calendar_of_the_row_decide(any_store):
    plan, _ = read(any_store, spec(zone="Asia/Shanghai"))
    one = plan.terms[ID]
    assert one.start == at("2026-10-01T00:00", "Asia/Shanghai")
    assert one.due_at == at("2026-11-06T17:00", "Asia/Shanghai")


def test_a_major_incident_owes_a_report(any_store):
    row = spec(id="register:report_catalogue/major", type="major_incident", class_="event", frequency=None)
    incident = Incident(
        id="desk:issue/1",
        source="desk",
        key="OPS-1",
        major=True,
        reported_at=at("2026-10-05T08:00"),
        resolved_at=at("2026-10-05T12:00"),
        customer_id="register:customers/acme",
    )
    minor = Incident(
        id="desk:issue/2", source="desk", key="OPS-2", major=False, reported_at=at("2026-10-05T08:00"),
        resolved_at=at("2026-10-05T12:00"), customer_id="register:customers/acme",
    )  # fmt: skip
    plan, _ = read(any_store, row, more=[incident, minor])
    (one,) = plan.terms.values()
    assert one.report_id == "SR-acme-gmbh-major_incident-ops-1"
    assert one.about == ["desk:issue/1"]
    assert one.due_at == at("2026-10-12T17:00")


def test_a_major_change_owes_a_report(any_store):
    row = spec(id="register:report_catalogue/change", type="major_change", class_="event", frequency=None)
    changes = [
        Change(
            id=f"desk:issue/{n}",
            source="desk",
            key=f"CHG-{n}",
            major=major,
            actual_start=at("2026-10-05T08:00"),
            actual_end=ended,
            customer_id="register:customers/acme",
        )
        for n, (major, ended) in enumerate(
            [
                (True, at("2026-10-05T12:00")),
                (False, at("2026-10-05T12:00")),
                (None, at("2026-10-05T12:00")),
                (True, None),
            ]
        )
    ]
    plan, _ = read(any_store, row, more=changes)
    (one,) = plan.terms.values()
    assert (one.report_id, one.about) == ("SR-acme-gmbh-major_change-chg-0", ["desk:issue/0"])
    assert (one.start, one.due_at) == (at("2026-10-05T08:00"), at("2026-10-12T17:00"))


def clusters(store, clocks, when="2026-10-20T09:00"):
    """Plan with one clock a ticket: (day of October on which it was due, how late it stopped in ms, other columns)."""
    row = spec(id="register:report_catalogue/cluster", type="breach_cluster", class_="event", frequency=None)
    service = Service(id="register:services/shop", source="register", title="Shop")
    tickets = [
        Incident(
            id=f"desk:issue/{n}",
            source="desk",
            key=f"OPS-{n}",
            customer_id="register:customers/acme",
            service_ids=["register:services/shop"],
        )
        for n in range(len(clocks))
    ]
    with store.begin() as conn:
        write_records(conn, [Write(one) for one in [*people(), row, service, *tickets]], at("2026-10-01T08:00"))
        sids = dict(conn.execute(select(record.c.id, record.c.sid)).all())
        for n, (day, late, *more) in enumerate(clocks):
            due = at(f"2026-10-{day:02}T12:00")
            fields = {"due_at": due, "stopped_at": None if late is None else due + late} | (more[0] if more else {})
            conn.execute(insert(sla_clock), {"sid": sids[f"desk:issue/{n}"], "metric": "resolution"} | fields)
        return list(Desk(conn, OFFICE, now=at(when)).plan.terms.values())


LATE, KEPT = 60_000, 0


def test_breaches_that_come_together_owe_a_report(any_store):
    (one,) = clusters(any_store, [(2, LATE), (5, LATE), (6, LATE), (7, LATE), (13, LATE)])
    assert one.report_id == "SR-acme-gmbh-breach_cluster-shop-2026-10-02"
    assert one.about == [f"desk:issue/{n}" for n in range(4)]
    assert (one.start, one.end) == (at("2026-10-02T12:00"), at("2026-10-09T12:00"))
    assert one.due_at == at("2026-10-16T17:00")


def test_fewer_kept_excluded_unknown_or_not_over_yet_is_no_cluster(any_store):
    two = [(5, LATE), (6, LATE)]
    assert clusters(any_store, [*two, (7, KEPT), (7, LATE, {"excluded": "R1"}), (7, LATE, {"lacks": "start"})]) == []


def test_a_cluster_is_reported_when_its_week_is_over_and_running_clocks_count(any_store):
    running = (7, None)
    given = [(5, LATE), (6, LATE), running]
    assert clusters(any_store, given, when="2026-10-12T11:00") == []


def test_a_running_clock_past_its_due_time_is_a_breach(any_store):
    running = (7, None)
    assert len(clusters(any_store, [(5, LATE), (6, LATE), running], when="2026-10-12T12:01")) == 1


def test_a_special_report_covers_what_was_asked_for(any_store):
    row = spec(type="special", class_="special", frequency=None, valid_from="2026-09-01", valid_to="2026-10-01")
    plan, _ = read(any_store, row)
    (one,) = plan.terms.values()
    assert (one.label, one.end) == ("2026-09-01", at("2026-10-01T00:00"))


def test_what_is_wrong_with_the_plan_is_said_and_the_rest_planned(any_store):
    sla = Sla(
        id="register:slas/1",
        source="register",
        customer_id="register:customers/acme",
        signed_at=at("2026-01-01T00:00"),
        reporting=[ReportDuty(type="quarterly_review"), ReportDuty(type="monthly_service")],
    )
    plan, _ = read(
        any_store,
        spec(),
        spec(id="register:report_catalogue/z", title="Twice"),
        spec(id="register:report_catalogue/zone", type="a", zone="Europe/Nowhere"),
        spec(id="register:report_catalogue/often", type="b", frequency="weekly"),
        spec(id="register:report_catalogue/when", type="c", valid_from=None),
        spec(id="register:report_catalogue/only", type="d", due_days=None),
        more=[sla],
    )
    assert list(plan.terms) == [ID]
    told = {fault.key: fault.message for fault in plan.faults}
    assert "makes the same" in told["register:report_catalogue/z"]
    assert "unknown time zone 'Europe/Nowhere'" in told["register:report_catalogue/zone"]
    assert "frequency 'weekly'" in told["register:report_catalogue/often"]
    assert "valid_from" in told["register:report_catalogue/when"]
    assert "quarterly_review that register:slas/1 promises" in told["register:slas/1"]
    assert len(told) == 5


def test_recipients_by_role_person_and_team_each_once(any_store):
    row = spec(
        recipients=[
            ReportParty(role="customer_contact"),
            ReportParty(team_id="register:teams/ops"),
            ReportParty(person="register:people/kim"),
        ]
    )
    with any_store.begin() as conn:
        write_records(conn, [Write(one) for one in [*people(), row]], at("2026-10-01T08:00"))
        desk = Desk(conn, OFFICE, now=at("2026-11-02T09:00"))
        assert recipients(desk, desk.plan.terms[ID]) == [
            ("register:people/kim", "kim@example.test"),
            ("register:people/olga", "olga@example.test"),
        ]
