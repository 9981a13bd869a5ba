"""The mail between two reports: only for a new critical finding, at most one a day, never twice for the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec

from hub.clock import Clock
from hub.config.configuration import Configuration
from hub.conformance.answer import Answers
from hub.report.deliver import Way
from hub.report.finding import actions, finding_key
from hub.report.issue import AnswersProvider, Asked, Issue, compiled, post
from hub.report.model import Period, ReportModel, decode_model
from hub.report.period import last_month, month_period
from hub.report.person import Naming
from hub.report.series import TYPE, Series, readers_of
from hub.store import outbox
from hub.store.store import Connection, Store

__all__ = ["issue_urgent", "running_month", "told_until"]

_MOST = 62
"""So many urgent mails are looked through for what was told: two months of one a day."""


def running_month(as_of: int, zone: str) -> Period:
    """Return the month an instant lies in."""
    return month_period(_day(last_month(as_of, zone).end, zone)[:7], zone)


def told_until(conn: Connection, configuration: Configuration, as_of: int) -> int | None:
    """Return up to which instant the organisation was told what is wrong.

    None = no urgent mail can go now: there was one on this local day, or no report yet it could come between.
    """
    series = Series.of(configuration, None)
    if outbox.find_report(conn, _report_id(configuration, series, as_of)):
        return None
    last = [
        one.known_at
        for kind in (series.type, series.urgent_type)
        for one in outbox.reports_since(conn, report_type=kind, since=0, most=1)
    ]
    return max(last) if outbox.reports_since(conn, report_type=series.type, since=0, most=1) else None


def issue_urgent(
    store: Store,
    configuration: Configuration,
    answers: AnswersProvider,
    ways: Mapping[str, Way],
    clock: Clock,
    *,
    asked: Asked,
    hold: str = "",
) -> Issue | None:
    """Tell a series of its new critical findings: those that neither its last report nor an urgent mail since told.

    None = there are none. The day stands in the id, so that another mail of the same day is this one, which is
    returned as it is.
    """
    series = Series.of(configuration, asked.audience)
    report_id = _report_id(configuration, series, asked.as_of)
    with store.connect() as conn:
        known = outbox.find_report(conn, report_id, 1)
        before = next(iter(outbox.reports_since(conn, report_type=series.type, since=0, most=1)), None)
        since = before.as_of if before else 0
        between = outbox.reports_since(conn, report_type=series.urgent_type, since=since, most=_MOST)
    if known:
        return Issue(report_id, 1, decode_model(known.model), created=False)
    if before is None:
        return None
    readers = readers_of(store, configuration, series, ways)
    said, model = compiled(
        configuration,
        answers,
        asked,
        series,
        readers,
        report_id=report_id,
        revision=1,
        note="",
        now=clock.now_ms(),
        before=before,
    )
    told = {key for one in between for key in decode_model(one.model).urgent}
    wanted = {
        line.key
        for line in model.nonconformities
        if (line.state, line.severity, line.news) == ("open", "critical", "new")
        and line.key not in told
        and line.key not in model.twins
    }
    if not wanted:
        return None
    model = _narrowed(model, said, wanted, names=configuration.reports[TYPE].names)
    post(store, configuration, ways, model, readers, report_type=series.urgent_type, hold=hold, enclose=())
    return Issue(report_id, 1, model, created=True)


def _narrowed(model: ReportModel, said: Answers, wanted: set[str], *, names: bool) -> ReportModel:
    """Leave of what is to be done that which is new; everything else stays as it is, for the files."""
    rows = [row for row in said.findings if finding_key(row) in wanted]
    under = {key: head for key, head in model.twins.items() if head in wanted}
    to_do = actions(rows, model.identity.as_of, Naming(roles=said.roles, names=names), under)
    return msgspec.structs.replace(model, urgent=sorted(wanted), actions=to_do)


def _report_id(configuration: Configuration, series: Series, as_of: int) -> str:
    """Name the urgent mail of a local day."""
    return series.report_id(f"urgent-{_day(as_of, configuration.organisation.zone)}")


def _day(instant: int, zone: str) -> str:
    return datetime.fromtimestamp(instant // 1000, tz=UTC).astimezone(ZoneInfo(zone)).date().isoformat()
