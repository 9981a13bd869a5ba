"""A store in memory with the calendars of an office in Berlin, and what tickets and agreements need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial

import pytest
from sqlalchemy import Connection, StaticPool, create_engine, text

from hub.records import Record, Service
from hub.sla.calendar import Calendar, built_in
from hub.sla.clocks import refresh_clocks
from hub.sla.materialise import materialise, open_times
from hub.store.schema import metadata
from hub.store.writer import Write, write_records

ZONE = "Europe/Berlin"


@pytest.fixture
def office() -> Iterator[Connection]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.connect() as one:
        hours, always = built_in(ZONE)
        own = Calendar(id="organisation", zone=ZONE, weekly=hours.weekly)
        materialise(one, [hours, always, own], ZONE, date(2025, 12, 1), date(2026, 12, 31))
        one.execute(text("DELETE FROM change_log"))
        yield one
    engine.dispose()


@pytest.fixture
def keep(office: Connection) -> Callable[..., int]:
    """Write records beside the service `r:services/shop`, and bring the clocks up to date."""

    def keep(*records: Record) -> int:
        shop = Service(id="r:services/shop", source="r")
        write_records(office, [Write(one) for one in (shop, *records)], known_at=1)
        return refresh_clocks(office, partial(open_times, office), zone=ZONE)

    return keep
