"""Clocks cost what changed: rows read and written are counted, for time depends on the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from hub.records import Incident, Sla, Target
from hub.sla import clocks as module
from hub.sla import ticket
from hub.sla.calendar import built_in, open_intervals
from hub.sla.clocks import refresh_clocks
from hub.sla.materialise import open_times
from hub.sla.open_time import OpenTime
from hub.testing.factory import at

ZONE = "Europe/Berlin"
TARGETS = [
    Target(id=metric, metric=metric, operator="<=", value=4, unit="h", calendar="7x24")
    for metric in ("response", "resolution")
]
AGREED = Sla(id="r:slas/gold", source="r", service_ids=["r:services/shop"], valid_from="2025-12-01", signed_at=0, targets=TARGETS)  # fmt: skip

CALENDARS = {one.id: OpenTime(open_intervals(one, date(2025, 12, 1), date(2026, 12, 31))) for one in built_in(ZONE)}


def incident(number: int, **fields: int) -> Incident:
    given = {"reported_at": at(hours=9), "created_at": at(hours=9)} | fields
    return Incident(id=f"desk:{number}", source="desk", service_ids=["r:services/shop"], **given)


@contextmanager
def statements(conn: Connection) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(conn, "before_cursor_execute", note)
    yield said
    event.remove(conn, "before_cursor_execute", note)


def refreshed(conn: Connection) -> tuple[int, int, int]:
    """Bring the clocks up to date: tickets that changed, rows written, statements sent."""
    before = conn.exec_driver_sql("select total_changes()").scalar_one()
    with statements(conn) as said:
        changed = refresh_clocks(conn, partial(open_times, conn), zone=ZONE)
    after = conn.exec_driver_sql("select total_changes()").scalar_one()
    conn.execute(text("DELETE FROM change_log"))
    return changed, after - before, len(said)


def test_a_thousandth_that_changed_costs_a_thousandth(
    office: Connection, keep: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(AGREED, *(incident(number) for number in range(1, 401)))
    office.execute(text("DELETE FROM change_log"))
    assert refreshed(office)[:2] == (0, 0)
    seen: list[int] = []
    whole = module.clock_rows
    monkeypatch.setattr(module, "clock_rows", lambda tickets, *more: seen.append(len(tickets)) or whole(tickets, *more))  # type: ignore[func-returns-value]
    costs = []
    for few in (40, 200):  # of both so many that SQLite takes their rows in one go, and some are left over
        moved = " , ".join(f"'desk:{number}'" for number in range(1, few + 1))
        sids = f"select sid from record where id in ({moved})"
        office.exec_driver_sql(f"update incident set first_response_at = coalesce(first_response_at, {at(hours=10)}) + 60000 where sid in ({sids})")  # fmt: skip
        office.exec_driver_sql(f"insert into change_log (kind, sid, touched) select 'incident', sid, sid from ({sids})")
        costs.append(refreshed(office))
    assert seen == [40, 200], "only what changed is looked at"
    # a ticket has two clocks and two marks each: all go and come again, and one line of the log tells of it
    assert [(changed, rows) for changed, rows, _ in costs] == [(40, 40 * 13), (200, 200 * 13)]
    assert costs[0][2] == costs[1][2], "no statement a ticket"


def test_a_change_here_and_there_reads_nothing_in_between(office: Connection, keep: Callable[..., int]) -> None:
    keep(AGREED, *(incident(number) for number in range(1, 2001)))
    office.execute(text("DELETE FROM change_log"))
    work: list[int] = []
    driver: Any = office.connection.driver_connection
    driver.set_progress_handler(lambda: work.append(1), 100)  # a sign for every hundred steps SQLite takes
    office.exec_driver_sql("insert into change_log (kind, sid, touched) select 'incident', sid, sid from record where id in ('desk:1', 'desk:2000')")  # fmt: skip
    work.clear()
    refresh_clocks(office, lambda: CALENDARS, zone=ZONE)
    few = len(work)
    work.clear()
    office.execute(text("DELETE FROM fingerprint WHERE name = 'clocks'"))
    refresh_clocks(office, lambda: CALENDARS, zone=ZONE)
    whole = len(work)
    driver.set_progress_handler(None, 0)
    assert few < whole / 50


def test_a_pass_over_everything_holds_a_slice_at_a_time(
    office: Connection, keep: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticket, "_SLICE", 50)
    seen: list[int] = []
    whole = module.clock_rows
    monkeypatch.setattr(module, "clock_rows", lambda tickets, *more: seen.append(len(tickets)) or whole(tickets, *more))  # type: ignore[func-returns-value]
    assert keep(AGREED, *(incident(number) for number in range(1, 171))) == 170
    assert seen == [50, 50, 50, 20]
    with statements(office) as said:
        office.execute(text("DELETE FROM fingerprint WHERE name = 'clocks'"))
        assert refresh_clocks(office, partial(open_times, office), zone=ZONE) == 0
    assert len(said) < 4 * 10 + 20, "a handful of statements a slice"
