"""`hub calendar`: draws a month of a calendar, so that an admin sees what counts."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from hub.cli.option import CONFIG, ConfigOption, LogFormat, LogFormatOption, examples
from hub.cli.session import Session
from hub.conformance.cycle import known_calendars
from hub.conformance.expression import CALENDAR
from hub.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from hub.sla.calendar import Calendar

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("hub calendar", "hub calendar 5x8 --month 2026-10"))(calendar)


def calendar(
    name: Annotated[str | None, typer.Argument(help="Built-in name or record id. Default: the organisation's.")] = None,
    *,
    month: Annotated[str | None, typer.Option("--month", help="Such as 2026-10. Default: this month.")] = None,
    config: ConfigOption = CONFIG,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """Draw a month of a calendar: open hours, holidays, days of 23 and 25 hours."""
    from hub.report.period import month_period
    from hub.sla.drawing import draw_month
    from hub.sla.holiday import holiday_dates, holiday_version

    with Session(config, log_format=log_format) as session:
        organisation = session.configuration.organisation
        now = session.clock.now_ms()
        with session.store.connect() as conn:
            calendars = known_calendars(conn, now, organisation.zone, organisation.calendar)
        period = month_period(
            month or f"{datetime.fromtimestamp(now / 1000, ZoneInfo(organisation.zone)):%Y-%m}", organisation.zone
        )
        found = _named(calendars, name or CALENDAR)
        year, number = int(period.label[:4]), int(period.label[5:])
        days = holiday_dates(found.holiday_set, [year]) if found.holiday_set else {}
        for line in draw_month(found, year, number, days):
            sys.stdout.write(f"{line}\n")
        if found.holiday_set:
            sys.stdout.write(f"holidays of {found.holiday_set} as of holidays {holiday_version()}\n")


def _named(calendars: list[Calendar], name: str) -> Calendar:
    for one in calendars:
        if one.id == name:
            return one
    known = ", ".join(sorted(one.id for one in calendars))
    raise ConfigurationError([Fault(f"there is no such calendar; known: {known}", key=name)])
