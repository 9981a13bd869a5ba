"""The key figures of the report process, from what a store knows."""

from __future__ import annotations

from hub.conformance.cycle import known_calendars
from hub.conformance.expression import CALENDAR
from hub.conformance.situation import fact
from hub.records import ImprovementAction
from hub.report.plan.desk import Desk
from hub.report.plan.due import due_instant
from hub.report.plan.kpi import Kpi, kpis
from hub.store.reading import coverage_rows
from hub.store.report_log import ids_of
from hub.store.revision import current_records

__all__ = ["figures_for_mail", "process_figures"]

_ARCHIVE_DAYS = 5
_DAY_MINUTES = 24 * 60


def process_figures(desk: Desk, *, start: int, end: int, at: int) -> list[Kpi]:
    """Work out the key figures for [start, end) as they stand at `at`, by the organisation's calendar."""
    office = desk.office
    calendar = next(one for one in known_calendars(desk.conn, at, office.zone, office.calendar) if one.id == CALENDAR)

    def archive_by(instant: int) -> int:
        return (
            due_instant(
                instant + 1,
                days=_ARCHIVE_DAYS,
                business=True,
                minute=_DAY_MINUTES,
                calendar=calendar,
                zone=office.zone,
            )
            - 1
        )

    read = [row for row in coverage_rows(desk.conn) if row.kind == "improvement_action"]
    whole = bool(read) and all(row.reason is None and row.through is not None for row in read)
    actions = [
        one
        for one in current_records(desk.conn, ids_of(desk.conn, "improvement_action"))
        if isinstance(one, ImprovementAction) and one.vanished_at is None
    ]
    cycles = {name: (desk.terms(cycle), cycle) for name, cycle in desk.cycles().items()}
    return kpis(cycles, actions if whole else None, start=start, end=end, at=at, archive_by=archive_by)


def figures_for_mail(desk: Desk, *, start: int, end: int, at: int) -> list[fact.Kpi]:
    """Give the key figures as the conformance mail tells them; none where no report is planned."""
    if not desk.plan.terms:
        return []
    return [
        fact.Kpi(
            name=one.name,
            numerator=one.good or 0,
            denominator=one.of or 0,
            target=round(one.target * 100),
            missing=one.reason if one.good is None else "" if one.of else "there were no cases",
        )
        for one in process_figures(desk, start=start, end=end, at=at)
    ]
