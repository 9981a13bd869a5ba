"""One turn of the wheel: calendars, service level clocks, obligations, findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial

from sqlalchemy import Connection

from hub.conformance.derive import DeriveSummary, derive
from hub.conformance.expression import CALENDAR
from hub.conformance.finding import FindingChange, update_findings
from hub.conformance.judge import judge, natural_as_of
from hub.conformance.pack import Requirement
from hub.conformance.probe import Probe, run_probes
from hub.conformance.waiver_rule import LONGEST_DAYS
from hub.errors import ConfigurationError, Fault
from hub.monitoring.own import state_own
from hub.monitoring.recovery import refresh_recoveries
from hub.monitoring.refresh import refresh_outages
from hub.sla.calendar import Calendar
from hub.sla.clocks import refresh_clocks
from hub.sla.fault import read_calendars
from hub.sla.materialise import FIRST_DAY, horizon, materialise, open_times
from hub.sla.service_availability import refresh_availability
from hub.store.store import Store

__all__ = ["derive_all", "known_calendars", "refresh_findings"]


def derive_all(
    store: Store,
    requirements: Sequence[Requirement],
    *,
    now: int,
    zone: str,
    calendar: str,
    whole: bool = False,
    probes: Sequence[Probe] = (),
) -> DeriveSummary:
    """Materialise calendars, work out clocks, outages and availability, let the probes look, then derive what changed.

    `calendar` is the organisation's own: a built-in name or a calendar record's id. Raises
    ConfigurationError for a calendar that does not exist or cannot be used.
    """
    with store.begin() as conn:
        calendars = known_calendars(conn, now, zone, calendar)
        materialise(conn, calendars, zone, FIRST_DAY, horizon(now, zone))
        calendars_once = cache(partial(open_times, conn))
        refresh_clocks(conn, calendars_once, zone=zone)
        refresh_recoveries(conn, now=now, whole=whole)
        refresh_outages(conn, now=now, whole=whole)
        refresh_availability(conn, calendars_once, now=now)
        state_own(conn, now=now)
        run_probes(conn, probes, now)
    return derive(store, requirements, now=now, whole=whole)


def known_calendars(conn: Connection, now: int, zone: str, own: str) -> list[Calendar]:
    """Return the built-in calendars, those of the register that can be used, and the organisation's own under its name.

    Raises ConfigurationError where the organisation's own does not exist or cannot be used; what rests on
    another that cannot be used is not provable.
    """
    known, faults = read_calendars(conn, zone, range(FIRST_DAY.year, horizon(now, zone).year + 1))
    if own not in known:
        wrong = [fault for fault in faults if fault.key == own]
        missing = Fault(f"there is no calendar {own!r}; known: {', '.join(sorted(known))}", key="organisation.calendar")
        raise ConfigurationError(wrong or [missing])
    return [*known.values(), replace(known[own], id=CALENDAR)]


def refresh_findings(
    store: Store,
    requirements: Sequence[Requirement],
    *,
    now: int,
    judge_from: int,
    due_days: Mapping[str, int],
    default_owner: str | None = None,
    as_of: int | None = None,
    longest_days: int = LONGEST_DAYS,
) -> list[FindingChange]:
    """Open, cure, waive, withdraw and reopen findings as verdicts now stand.

    `as_of` None = the last instant that was read. A store that was never read has no findings.
    """
    with store.begin() as conn:
        instant = natural_as_of(conn) if as_of is None else as_of
        if instant is None:
            return []
        judgement = judge(
            conn, requirements, as_of=instant, known_at=None, judge_from=judge_from, longest_days=longest_days
        )
        return update_findings(judgement, now=now, due_days=due_days, default_owner=default_owner)
