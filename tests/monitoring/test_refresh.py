"""Matches and outages over the store: a little at a time gives what everything at once gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from random import Random
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, Engine, StaticPool, create_engine, select, text

from hub.monitoring.refresh import refresh_outages
from hub.records import Alert, Incident, MaintenanceWindow, Outage, Record, TicketReference
from hub.store.document import Raw
from hub.store.reading import set_provisions
from hub.store.revision import current_records
from hub.store.schema import metadata
from hub.store.tables import record
from hub.store.writer import Write, write_page, write_records
from hub.sync.source import Document, Normalised, Provision

MINUTE = 60_000
START = 1_767_225_600_000
SHOP, DESK = "reg:services/shop", "reg:services/desk"


@cache
def engine(number: int) -> Engine:
    """An empty store in memory; making its tables takes longer than a test."""
    made = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(made)
    return made


@contextmanager
def fresh(number: int = 0) -> Iterator[Connection]:
    with engine(number).connect() as conn:
        set_provisions(conn, "reg", [Provision("maintenance_window", frozenset())], 1)
        yield conn
        conn.rollback()


@pytest.fixture
def conn() -> Iterator[Connection]:
    with fresh() as one:
        yield one


def alert(number: int, begins: int = 0, ends: int | None = 5, *services: str, **more: Any) -> Alert:
    return Alert(
        id=f"mon:alert/{number}",
        source="mon",
        title="Shop is down",
        service_ids=list(services or (SHOP,)),
        started_at=START + begins * MINUTE,
        ended_at=None if ends is None else START + ends * MINUTE,
        severity="critical",
        **{"outage": True} | more,
    )


def incident(number: int, reported: int = 1, *services: str, **more: Any) -> Incident:
    at = START + reported * MINUTE
    return Incident(
        id=f"desk:{number}",
        source="desk",
        key=f"OPS-{number}",
        service_ids=list(services or (SHOP,)),
        reported_at=at,
        recorded_at=at,
        created_at=at,
        **more,
    )


def refreshed(conn: Connection, *records: Record, now: int = 1) -> int:
    """Do what a run does: write, work out, and let the derivation consume the change log."""
    write_records(conn, [Write(one) for one in records], now)
    changed = refresh_outages(conn, now=now)
    conn.execute(text("DELETE FROM change_log"))
    return changed


def held(conn: Connection, kind: type[Record]) -> dict[str, Any]:
    ids = list(conn.scalars(select(record.c.id).where(record.c.kind == str(kind.__struct_config__.tag))))
    return {one.id: one for one in current_records(conn, ids) if one.vanished_at is None}


def names(*keys: str) -> list[TicketReference]:
    return [TicketReference(key=key, said_in="comment") for key in keys]


def test_an_alert_and_its_outage_find_the_incident_of_their_service(conn: Connection) -> None:
    refreshed(conn, alert(1), incident(1), incident(2, 1, DESK))
    [found] = held(conn, Alert).values()
    assert (found.ticket_id, found.ticket_basis) == ("desk:1", "service_and_time")
    assert [(one.field, one.at) for one in found.since] == [("ticket_id", START + MINUTE)]
    [outage] = held(conn, Outage).values()
    assert (outage.incident_id, outage.incident_basis) == ("desk:1", "service_and_time")
    assert (outage.alert_ids, outage.source) == (["mon:alert/1"], "hub")
    assert refreshed(conn, alert(1, ticket_id="desk:1", ticket_basis="service_and_time", since=found.since)) == 0


def test_a_ticket_read_later_is_found_by_its_key_and_takes_the_place_of_a_guess(conn: Connection) -> None:
    refreshed(conn, alert(1, references=names("OPS-7")), incident(1))
    [found] = held(conn, Alert).values()
    assert (found.ticket_id, found.ticket_basis, found.unknown_fields) == (None, None, ["ticket_id"])
    refreshed(conn, incident(7, 500, DESK))
    [found] = held(conn, Alert).values()
    assert (found.ticket_id, found.ticket_basis, found.unknown_fields) == ("desk:7", "reference", [])
    [outage] = held(conn, Outage).values()
    assert (outage.incident_id, outage.incident_basis, outage.unknown_fields) == ("desk:7", "reference", [])


def test_several_that_fit_are_reported_and_none_is_chosen(conn: Connection) -> None:
    refreshed(conn, alert(1), incident(1), incident(2))
    [found] = held(conn, Alert).values()
    assert (found.ticket_id, found.ticket_basis, found.unknown_fields) == (None, "ambiguous", ["ticket_id"])
    [outage] = held(conn, Outage).values()
    assert (outage.incident_id, outage.incident_basis, outage.unknown_fields) == (None, "ambiguous", ["incident_id"])
    refreshed(conn, incident(2, 1, DESK))
    [found] = held(conn, Alert).values()
    assert (found.ticket_id, found.ticket_basis, found.unknown_fields) == ("desk:1", "service_and_time", [])


def test_what_the_tool_links_stays(conn: Connection) -> None:
    refreshed(conn, alert(1, ticket_id="desk:2"), incident(1), incident(2, 900, DESK))
    [found] = held(conn, Alert).values()
    assert (found.ticket_id, found.ticket_basis) == ("desk:2", None)
    assert next(iter(held(conn, Outage).values())).incident_id == "desk:2"


def test_an_alert_that_is_no_outage_makes_none(conn: Connection) -> None:
    refreshed(conn, alert(1, outage=None), alert(2, outage=False))
    assert held(conn, Outage) == {}


def test_reading_the_alert_again_keeps_its_match(conn: Connection) -> None:
    def read(body: bytes) -> int:
        page: list[Raw] = [Document("alert", "1", "", body)]
        changed = write_page(
            conn, source="mon", documents=page, normalised=[Normalised([alert(1)])], known_at=9
        ).changed
        changed += refresh_outages(conn, now=9)
        conn.execute(text("DELETE FROM change_log"))
        return changed

    refreshed(conn, incident(1))
    assert read(b"{}") == 3, "the alert, its match, its outage"
    assert read(b"{ }") == 0
    assert held(conn, Alert)["mon:alert/1"].ticket_id == "desk:1"


def test_an_outage_that_began_earlier_takes_the_place_of_the_one_before(conn: Connection) -> None:
    refreshed(conn, alert(1, 10, 20), incident(1, 11))
    refreshed(conn, alert(2, 5, 10))
    assert [one.started_at for one in held(conn, Outage).values()] == [START + 5 * MINUTE]
    refreshed(conn, alert(1, 10, 20, DESK))
    assert {(one.service_id, one.started_at) for one in held(conn, Outage).values()} == {
        (SHOP, START + 5 * MINUTE),
        (DESK, START + 10 * MINUTE),
    }


STEPS = 8


@pytest.mark.parametrize("seed", range(15))
def test_a_little_at_a_time_is_as_all_at_once(seed: int) -> None:
    random = Random(seed)
    last: dict[str, Record] = {}
    with fresh() as slowly, fresh(1) as at_once:
        for step in range(STEPS):
            drawn = [_draw(random) for _ in range(random.randrange(1, 5))]
            last |= {one.id: one for one in drawn}
            refreshed(slowly, *{one.id: _as_read(slowly, one) for one in drawn}.values(), now=step + 1)
        refreshed(at_once, *last.values())
        for kind in (Alert, Outage):
            assert held(slowly, kind) == held(at_once, kind), f"{kind.__name__} differ, seed {seed}"
        assert refresh_outages(slowly, now=99, whole=True) == 0, "everything again: the same"


def _draw(random: Random) -> Record:
    services = random.sample([SHOP, DESK], random.choice([0, 1, 1, 1, 2]))
    match random.randrange(5):
        case 0 | 1:
            begins = random.randrange(40)
            ends = random.choice([None, begins + random.randrange(20)])
            given = alert(
                random.randrange(6),
                begins,
                ends,
                references=names(*random.sample(["OPS-0", "OPS-1", "OPS-9"], random.choice([0, 0, 0, 1, 2]))),
                outage=random.choice([True, True, False, None]),
            )
            return msgspec.structs.replace(given, service_ids=services)
        case 2 | 3:
            given = incident(
                random.randrange(4),
                random.randrange(-20, 80),
                resolved_at=random.choice([None, START + random.randrange(80) * MINUTE]),
                vanished_at=random.choice([None, None, None, 5]),
            )
            return msgspec.structs.replace(given, service_ids=services)
        case _:
            begins = START + random.randrange(-10, 40) * MINUTE
            return MaintenanceWindow(
                id=f"reg:w/{random.randrange(2)}",
                source="reg",
                service_ids=services,
                start=begins,
                end=begins + 15 * MINUTE,
                announced_at=random.choice([None, begins, begins - MINUTE]),
            )


def _as_read(conn: Connection, given: Record) -> Record:
    """What a page writes: an alert keeps what was found of it."""
    from hub.store.matched import keep_matches

    writes = {given.id: Write(given)}
    keep_matches(conn, writes)
    return writes[given.id].record
