"""An organisation with two customers on one service, a plan of reports, tickets of two months and what was read of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial

import pytest

from hub.records import (
    CapacityPlan,
    Customer,
    ImprovementAction,
    Incident,
    Measurement,
    Outage,
    Period,
    Service,
    Sla,
    Target,
)
from hub.records.governance import CapacityForecast, CapacityLimit
from hub.records.support import Breach
from hub.report.plan.desk import Desk
from hub.report.service.compile import compile_report
from hub.report.service.drafting import House
from hub.report.service.front import Edition
from hub.sla.calendar import built_in
from hub.sla.clocks import refresh_clocks
from hub.sla.materialise import materialise, open_times
from hub.store.reading import record_coverage
from hub.store.writer import Write, write_records
from tests.report.plan.conftest import OFFICE, at, people, spec

SHOP, PAY, BACK = "register:services/shop", "register:services/pay", "register:services/back"
ACME, OTHER = "register:customers/acme", "register:customers/other"
ID = "SR-acme-gmbh-monthly_service-2026-10"
OCTOBER = at("2026-10-01T00:00"), at("2026-11-01T00:00")
SEPTEMBER = at("2026-09-01T00:00"), at("2026-10-01T00:00")
READ = at("2026-11-02T06:00")
HOUSE = House(frozenset({"desk.example.test"}))
TARGETS = [
    Target(id="p1", metric="resolution", priority="P1", operator="<=", value=4, unit="h", calendar="7x24"),
    Target(id="goal", metric="attainment", operator=">=", value=90, unit="%"),
]


def sla(name: str, customer: str, **fields) -> Sla:
    given = {"title": f"Agreement {name}", "valid_from": "2026-01-01", "signed_at": 0, "targets": TARGETS}
    given |= {"service_ids": [SHOP]}
    return Sla(id=f"register:slas/{name}", source="register", customer_id=customer, **(given | fields))


def ticket(number: int, when: str, hours: float | None, customer: str = ACME, **fields) -> Incident:
    begun = at(when)
    given = {"reported_at": begun, "created_at": begun, "priority": "P1", "title": f"Shop is slow {number}"}
    return Incident(
        id=f"desk:incident/{number}",
        source="desk",
        key=f"INC-{number}",
        customer_id=customer,
        service_ids=[SHOP],
        resolved_at=None if hours is None else begun + round(hours * 3_600_000),
        **(given | fields),
    )


def measured(service: str, span: tuple[int, int], actual: float | None, coverage: float = 1.0, **fields) -> Measurement:
    hours = (span[1] - span[0]) / 3_600_000
    known = hours * 3600 * coverage
    given = {
        "id": f"hub:measurement/availability/{service}/{span[0]}",
        "metric_id": "availability",
        "target": 99.5,
        "numerator": None if actual is None else known * actual / 100,
    }
    return Measurement(
        **(given | fields),
        source="hub",
        formula_version="1",
        subject=service,
        period=Period(start=span[0], end=span[1]),
        actual=actual,
        unit="%",
        denominator=known,
        coverage=coverage,
        service_ids=[service],
    )


def records() -> list:
    told = Breach(cause_text="disk full", notified_at=at("2026-10-05T15:00"))
    return [
        *people(),
        spec(valid_from="2026-09-01", valid_to="2026-12-01", purpose="Show what was promised", audience=["customer"]),
        Customer(id=OTHER, source="register", name="Other AG"),
        Service(id=SHOP, source="register", title="Shop", availability_target=99.5, criticality="critical"),
        Service(id=PAY, source="register", title="Payroll", availability_target=99.5),
        Service(id=BACK, source="register", title="Back office"),
        sla("acme", ACME),
        sla("acme-pay", ACME, service_ids=[PAY], targets=[]),
        sla("other", OTHER),
        ticket(1, "2026-10-02T09:00", 2),
        ticket(2, "2026-10-03T09:00", 3),
        ticket(3, "2026-10-05T09:00", 9, breach=told),
        ticket(4, "2026-10-31T22:00", None),
        ticket(5, "2026-09-10T09:00", 1),
        ticket(6, "2026-09-11T09:00", 1),
        ticket(90, "2026-10-06T09:00", 30, OTHER, title="Secret of the other"),
        measured(SHOP, SEPTEMBER, 99.9),
        measured(SHOP, OCTOBER, 99.0),
        measured(PAY, OCTOBER, 100.0, coverage=0.5),
        Outage(
            id="mon:outage/1",
            source="mon",
            service_id=SHOP,
            started_at=at("2026-10-05T09:00"),
            ended_at=at("2026-10-05T16:00"),
            incident_id="desk:incident/3",
            service_ids=[SHOP],
        ),
        Measurement(
            id="mon:disk/10",
            source="mon",
            metric_id="disk",
            subject=SHOP,
            period=Period(start=OCTOBER[0], end=OCTOBER[1]),
            actual=91,
            unit="%",
            service_ids=[SHOP],
        ),
        CapacityPlan(
            id="register:capacity/1",
            source="register",
            service_ids=[SHOP],
            limits=[CapacityLimit(resource="disk", limit=80, action="buy two")],
            demand=[CapacityForecast(resource="disk", text="grows 3 % a month")],
        ),
        ImprovementAction(
            id="register:actions/1",
            source="register",
            title="Second line on Saturdays",
            due_at=at("2026-10-15T00:00"),
            service_ids=[SHOP],
        ),
    ]


def settle(store, *, now: int = READ, more=()) -> None:
    """Write the organisation, its clocks, and that everything was read."""
    wanted = {one.id: one for one in [*records(), *more]}
    with store.begin() as conn:
        write_records(conn, [Write(one) for one in wanted.values()], now)
        materialise(conn, built_in(OFFICE.zone), OFFICE.zone, date(2026, 1, 1), date(2027, 12, 31))
        refresh_clocks(conn, partial(open_times, conn), zone=OFFICE.zone)
        for source, kind in (("desk", "incident"), ("desk", "request"), ("mon", "outage"), ("register", "sla")):
            for read in sorted({at("2026-10-01T06:00"), now}):
                record_coverage(conn, source, "", kind, through=read, reason=None, known_at=read)


@pytest.fixture
def store(any_store):
    settle(any_store)
    return any_store


@pytest.fixture
def desk(store) -> Callable:
    """Do something at the desk at an instant, in a transaction: `desk(what, when)`."""

    def run(what: Callable, when: str = "2026-11-02T09:00"):
        with store.begin() as conn:
            return what(Desk(conn, OFFICE, now=at(when)))

    return run


@pytest.fixture
def compiled(desk) -> Callable:
    """Compile a report of the plan, as a draft of its first revision would be."""

    def run(report: str = ID, when: str = "2026-11-02T09:00"):
        def make(own: Desk):
            terms = own.plan.terms[report]
            return compile_report(own, terms, Edition(1, own.now, terms.author), as_of=own.now)

        return desk(make, when)

    return run
