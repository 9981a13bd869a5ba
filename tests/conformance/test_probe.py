"""Checks by Python: dated once, said again only where they found something else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, StaticPool, create_engine, insert, select

from hub.conformance.expression import CALENDAR
from hub.conformance.part import Words
from hub.conformance.probe import Finding, Probe, checked, run_probes, unchecked
from hub.conformance.shape import deadline
from hub.conformance.unit import ORGANISATION, each_month
from hub.sla.calendar import BUILT_IN, Calendar
from hub.sla.materialise import materialise
from hub.store import tables
from hub.store.schema import kind_tables, metadata
from hub.testing.factory import at

WORDS = Words("It decodes.", "It does not decode.", "Repair it.")
MONTH = at(-4) - 3_600_000  # 2026-01-01 in Berlin
result: Any = kind_tables["check_result"].c


@pytest.fixture
def conn() -> Iterator[Connection]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.connect() as one:
        calendar = Calendar(id=CALENDAR, zone="Europe/Berlin", weekly=BUILT_IN["5x8"])
        materialise(one, [calendar], "Europe/Berlin", date(2026, 1, 1), date(2026, 3, 31))
        one.execute(insert(tables.record), {"id": ORGANISATION, "kind": "organisation", "source": "hub", "scope": ""})
        yield one
    engine.dispose()


def probe(*found: Finding) -> list[Probe]:
    return [Probe("decodes", lambda _conn, _now: found)]


def january(conn: Connection) -> Any:
    part = deadline(
        "T",
        "checked",
        WORDS,
        unit=each_month(),
        due=tables.period.c.ends_at,
        evidence=checked("decodes"),
        doubts=[unchecked("decodes")],
    )
    [row] = [row for row in conn.exec_driver_sql(part.sql(conn.dialect)) if row.anchor == MONTH]
    return row


def test_the_same_finding_again_writes_nothing(conn: Connection) -> None:
    good = Finding(True, counted=3, out_of=3)
    assert run_probes(conn, probe(good), at(1)) == 1
    assert run_probes(conn, probe(good), at(2)) == 0
    assert conn.scalar(select(result.at)) == at(1)
    assert run_probes(conn, probe(Finding(False, counted=2, out_of=3, detail="one is broken")), at(3)) == 1
    assert conn.scalar(select(result.at)) == at(3)
    assert run_probes(conn, probe(good), at(40)) == 1, "another month is another result"
    assert run_probes(conn, [], at(41)) == 0


@pytest.mark.parametrize(
    ("found", "met", "lacks"),
    [
        ([Finding(True)], True, None),
        ([Finding(False)], False, None),
        ([Finding(None)], False, "it could not be checked"),
        ([], False, "the hub did not check it in this period"),
    ],
)
def test_a_requirement_reads_what_a_probe_found(
    conn: Connection, found: list[Finding], *, met: bool, lacks: str | None
) -> None:
    run_probes(conn, probe(*found), at(1))
    row = january(conn)
    assert (row.met_at == at(1), row.lacks) == (met, lacks)
