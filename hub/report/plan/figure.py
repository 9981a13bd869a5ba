"""The key figures of the report process, from what a store knows."""

from __future__ import annotations

from collections.abc import Iterable

from hub.conformance.cycle import known_calendars
from hub.conformance.expression import CALENDAR
from hub.conformance.situation import fact
from hub.records import ImprovementAction
from hub.report.plan.cycle import Cycle
from hub.report.plan.desk import Desk
from hub.report.plan.due import due_instant
from hub.report.plan.kpi import Compiled, Kpi, kpis
from hub.report.service.compile import recomputed
from hub.report.service.issued import metrics_of, sections_of
from hub.report.service.metric import same_figures
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
    told = _compiled(desk, [cycle for _, cycle in cycles.values()], start, min(end, at + 1))
    return kpis(cycles, actions if whole else None, start=start, end=end, at=at, archive_by=archive_by, compiled=told)


def _compiled(desk: Desk, cycles: Iterable[Cycle], start: int, until: int) -> Compiled | None:
    """Work out the figures of every compiled report that was handed over in a time once more, and count its sections."""
    found = []
    for cycle in cycles:
        if cycle.submitted_at is None or not start <= cycle.submitted_at < until:
            continue
        for one in cycle.revisions:
            sections = sections_of(cycle, one.number)
            if one.submitted_at is None or sections is None or one.terms is None or one.collected is None:
                continue
            told = metrics_of(cycle, one.number)
            now = recomputed(desk, one.terms, as_of=int(one.collected.data["as_of"])).metrics
            found.append(Compiled(1, same_figures(told, now), len(told), *sections))
            break
    return Compiled(*(sum(column) for column in zip(*found, strict=True))) if found else None


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
