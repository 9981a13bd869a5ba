"""Bad calendars and agreements: one clear line with its key, and no ticket under them counts as met."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, StaticPool, create_engine, select

from hub.conformance.cycle import known_calendars
from hub.errors import ConfigurationError
from hub.records import Calendar, Incident, Ola, OpeningHours, Record, Service, Sla, Target
from hub.sla.clocks import refresh_clocks
from hub.sla.fault import service_level_faults
from hub.sla.materialise import materialise, open_times
from hub.store import tables
from hub.store.schema import metadata
from hub.store.writer import Write, write_records
from hub.testing.factory import at

ZONE = "Europe/Berlin"
OFFICE = "r:calendars/office"


@pytest.fixture
def conn() -> Iterator[Connection]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.connect() as one:
        yield one
    engine.dispose()


def hours(*spans: tuple[str, str]) -> list[OpeningHours]:
    return [OpeningHours(day="mon", opens=opens, closes=closes) for opens, closes in spans]


def calendar(**fields: Any) -> Calendar:
    return Calendar(id=OFFICE, source="r", **({"weekly": hours(("08:00", "17:00"))} | fields))


def target(**fields: Any) -> Target:
    given: dict[str, Any] = {"metric": "response", "operator": "<=", "value": 15, "unit": "min", "calendar": OFFICE}
    return Target(id="first", **(given | fields))


def sla(**fields: Any) -> Sla:
    given = {"service_ids": ["r:services/shop"], "valid_from": "2025-12-01", "signed_at": 0, "targets": [target()]}
    return Sla(id="r:slas/gold", source="r", **(given | fields))


def measured(conn: Connection, *records: Record) -> Any:
    """Write an incident that was answered in time, and say what its clock shows and which faults are told."""
    ticket = Incident(
        id="desk:1",
        source="desk",
        service_ids=["r:services/shop"],
        reported_at=at(hours=9),
        created_at=at(hours=9),
        first_response_at=at(hours=9) + 1,
    )
    shop = Service(id="r:services/shop", source="r")
    write_records(conn, [Write(one) for one in (shop, ticket, *records)], known_at=1)
    kept = known_calendars(conn, at(), ZONE, "5x8")
    materialise(conn, kept, ZONE, date(2025, 12, 1), date(2026, 12, 31))
    refresh_clocks(conn, partial(open_times, conn), zone=ZONE)
    row = conn.execute(select(tables.sla_clock).where(tables.sla_clock.c.metric == "response")).one()
    return row, [str(fault) for fault in service_level_faults(conn, ZONE, [2026])[1]]


CIRCLE = [
    Ola(id=f"r:olas/{one}", source="r", signed_at=0, targets=[target(internal_dependency=f"olas/{other}")])
    for one, other in (("a", "b"), ("b", "a"))
]


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([calendar(weekly=hours(("08:00", "12:00"), ("11:00", "17:00")))], f"{OFFICE}: hours overlap: mon 08:00-12:00"),
        ([calendar(zone="Europe/Berln")], f"{OFFICE}: unknown time zone 'Europe/Berln'; did you mean 'Europe/Berlin'?"),
        ([calendar(holiday_set="XX")], f"{OFFICE}: no holiday set 'XX'; write a country such as DE"),
        ([calendar(weekly=hours(("8", "17:00")))], f"{OFFICE}: '8' is not a time of day; write HH:MM"),
        ([calendar(invisible_at=at())], f"{OFFICE}: as it now stands it cannot be read"),
        ([calendar(), sla(signed_at=None)], "r:slas/gold: it is not signed"),
        ([calendar(), sla(invisible_at=at())], "r:slas/gold: as it now stands it cannot be read"),
        ([calendar(), sla(targets=[target(value=0)])], "r:slas/gold.targets.first: target first promises 0 min"),
        ([], f"r:slas/gold.targets.first: target first counts on the calendar '{OFFICE}', which does not exist"),
        (
            [calendar(), sla(targets=[target(internal_dependency="olas/a")]), *CIRCLE],
            "r:slas/gold.targets.first: target first: it rests on agreements that rest on each other: r:olas/a -> r:",
        ),
    ],
)
def test_one_clear_line_and_nothing_is_met(conn: Connection, records: list[Record], said: str) -> None:
    row, faults = measured(conn, *([] if any(isinstance(one, Sla) for one in records) else [sla()]), *records)
    assert row.lacks
    assert row.due_at is None
    assert faults[0].startswith(said)


def test_what_is_right_is_measured_and_not_spoken_of(conn: Connection) -> None:
    row, faults = measured(conn, calendar(), sla())
    assert (row.lacks, row.due_at, faults) == (None, at(hours=9) + 15 * 60_000, [])


def test_a_visit_that_no_source_tells_of_is_said_not_to_be_measured(conn: Connection) -> None:
    _, faults = measured(conn, calendar(), sla(targets=[target(), target(metric="onsite")]))
    said = "no source tells onsite_confirmed_at and onsite_at, so that no visit is measured"
    assert faults == [f"r:slas/gold.targets.first: {said}"]


def test_the_organisations_own_calendar_must_be_usable(conn: Connection) -> None:
    write_records(conn, [Write(calendar(zone="Mars/Base"))], known_at=1)
    with pytest.raises(ConfigurationError, match="r:calendars/office: unknown time zone 'Mars/Base'"):
        known_calendars(conn, at(), ZONE, OFFICE)
