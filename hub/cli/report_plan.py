"""`hub report plan|kpi|statistics`: which reports are owed, and how well the process does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.option import CONFIG, AsOfOption, ConfigOption, Format, FormatOption, examples
from hub.cli.output import emit
from hub.cli.report_step import next_step, office_of
from hub.cli.session import Session
from hub.clock import format_instant

if TYPE_CHECKING:
    from hub.report.plan.cycle import Cycle
    from hub.report.plan.desk import Desk
    from hub.report.plan.plan import Terms

__all__ = ["register"]

_PLAN = ("report", "type", "customer", "period", "due_at", "standing", "state", "revision", "next", "author")
_KPI = ("kpi", "period", "share", "good", "of", "target", "verdict", "formula", "reason")
_ENTRY = ("report", "revision", "period_start", "period_end", "due_at", "submitted_at", "result", "entered_at")


def register(group: typer.Typer) -> None:
    """Add the commands to `hub report`."""
    group.command("plan", epilog=examples("hub report plan", "hub report plan --at 2026-11-06 --all --format json"))(
        plan
    )
    group.command("kpi", epilog=examples("hub report kpi", "hub report kpi --period 2026-10 --format json"))(kpi)
    group.command("statistics", epilog=examples("hub report statistics --format csv"))(statistics)


def plan(
    *,
    at: Annotated[
        str | None, typer.Option("--at", metavar="WHEN", help="How it stands at this instant. Default: now.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what was handed over or called off.")] = False,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show which reports are late, due or coming, the most urgent first.

    The plan is what the rows of the report catalogue with `due_days` say. What is wrong with a row, and every
    report that an agreement promises and no row makes, is a line on stderr.
    """
    from hub.report.plan.desk import Desk

    with Session(config) as session:
        instant = session.instant(at)
        with session.store.connect() as conn:
            desk = Desk(conn, office_of(session), now=instant)
            rows = [_planned(desk, cycle, instant) for cycle in desk.cycles().values()]
            faults = desk.plan.faults
        for fault in faults:
            session.progress.say(f"plan of reports: {fault}", level="warning")
    shown = [row for row in rows if everything or row["standing"] in ("late", "due", "coming")]
    emit(sorted(shown, key=lambda row: (row["due_at"], row["report"])), _PLAN, output)


def _planned(desk: Desk, cycle: Cycle, at: int) -> dict[str, Any]:
    terms = desk.terms(cycle)
    return {
        "report": cycle.report_id,
        "type": terms.type,
        "customer": terms.customer or "",
        "period": terms.label,
        "due_at": format_instant(terms.due_at),
        "standing": _standing(cycle, terms, at),
        "state": cycle.state,
        "revision": cycle.last.number,
        "next": next_step(cycle),
        "author": cycle.last.author or "",
    }


def _standing(cycle: Cycle, terms: Terms, at: int) -> str:
    if cycle.state == "cancelled":
        return "cancelled"
    if cycle.submitted_at is not None and cycle.submitted_at <= at:
        return "handed over late" if cycle.is_late(terms, at) else "handed over"
    if cycle.is_late(terms, at):
        return "late"
    return "due" if terms.end <= at else "coming"


def kpi(
    *,
    period: Annotated[
        str | None, typer.Option("--period", help="Month, such as 2026-10. Default: the last ended.")
    ] = None,
    at: AsOfOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show how well the report process did in a month, each figure with its cases, or why it cannot be told."""
    from hub.report.period import last_month, month_period
    from hub.report.plan.desk import Desk
    from hub.report.plan.figure import process_figures

    with Session(config) as session, session.store.connect() as conn:
        instant, zone = session.instant(at), session.configuration.organisation.zone
        month = month_period(period, zone) if period else last_month(instant, zone)
        found = process_figures(
            Desk(conn, office_of(session), now=instant), start=month.start, end=month.end, at=instant
        )
    rows = [
        {
            "kpi": one.name,
            "period": month.label,
            "share": None if one.basis_points is None else f"{one.basis_points / 100:.2f} %",
            "good": one.good,
            "of": one.of,
            "target": f"{one.target:g} %",
            "verdict": one.verdict,
            "formula": one.formula,
            "reason": one.reason,
        }
        for one in found
    ]
    emit(rows, _KPI, output)


def statistics(*, config: ConfigOption = CONFIG, output: FormatOption = Format.TABLE) -> None:
    """List the register of reports: what was handed over, when it was due, when it was entered, with what result."""
    from hub.report.plan.desk import Desk

    with Session(config) as session, session.store.connect() as conn:
        cycles = Desk(conn, office_of(session), now=session.clock.now_ms()).cycles()
    rows = [
        {"report": name, "revision": one.number, "entered_at": format_instant(one.registered.at)}
        | {
            key: format_instant(value) if isinstance(value, int) else value
            for key, value in one.registered.data.items()
        }
        for name, cycle in cycles.items()
        for one in cycle.revisions
        if one.registered is not None
    ]
    emit(rows, _ENTRY, output)
