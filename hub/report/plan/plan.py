"""Which reports are owed, worked out from the catalogue: one term a report, with its period and due time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from hub.conformance.cycle import known_calendars
from hub.conformance.expression import CALENDAR
from hub.errors import Fault
from hub.records import Customer, ReportParty, ReportSpec, Sla
from hub.report.issue import report_slug
from hub.report.plan.due import FREQUENCIES, due_instant, local_date, minute_of, periods_between, plus_days
from hub.sla.zone import load_zone, wall_to_utc, zone_names
from hub.store.occasion import CLUSTER, Occasion, occasions
from hub.store.report_log import ids_of
from hub.store.revision import current_records

if TYPE_CHECKING:
    from hub.sla.calendar import Calendar
    from hub.store.store import Connection

__all__ = ["Office", "Plan", "Terms", "read_plan"]

AHEAD_DAYS = 62
"""So far ahead reports that are coming are listed."""
_AFTER = {"post_release": 14}
"""Report type -> days after its event from which the due days count: incidents after a release are watched so long."""


class Office(NamedTuple):
    """The organisation whose reports are planned."""

    name: str
    zone: str
    calendar: str
    """Built-in name, or id of a calendar's record."""


class Terms(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """One report that is owed, as the plan says it. Kept with every draft, so that a later plan changes nothing."""

    report_id: str
    """`SR-<customer>-<type>-<period>`."""
    spec: str
    """Id of the row of the catalogue."""
    type: str
    cls: Literal["routine", "event", "special"] = "routine"
    direction: Literal["external", "internal", "inbound"] | None = None
    process: str | None = None
    title: str = ""
    purpose: str | None = None
    audience: list[str] = []
    customer: str | None = None
    """Id of the customer's record."""
    customer_name: str
    """As it stands in ids and folders."""
    services: list[str] = []
    about: list[str] = []
    """What an event report is about."""
    label: str
    """Period: `2026-10`; of an event report what it is about."""
    start: int
    end: int
    zone: str
    due_at: int
    author: str | None = None
    approvers: list[ReportParty] = []
    recipients: list[ReportParty] = []
    method: str | None = None
    retention_days: int = 1096
    metrics: list[str] = []
    template: str | None = None
    """Report type whose chapters it has, with its language where that is not English: `monthly_service.zh`."""
    confidentiality: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Every report that is owed up to some weeks from now, and what is wrong with the plan."""

    terms: Mapping[str, Terms]
    """Report id -> terms, by due time."""
    faults: list[Fault]


def read_plan(conn: Connection, office: Office, *, at: int) -> Plan:
    """Work out the plan from the catalogue as it stands, up to `AHEAD_DAYS` after `at`."""
    calendars = {one.id: one for one in known_calendars(conn, at, office.zone, office.calendar)}
    specs = [
        one
        for one in current_records(conn, ids_of(conn, "report_spec"))
        if isinstance(one, ReportSpec) and one.vanished_at is None
    ]
    names = {
        one.id: one.name or one.title or one.id
        for one in current_records(conn, ids_of(conn, "customer"))
        if isinstance(one, Customer)
    }
    happened = occasions(conn, {one.type for one in specs if one.class_ == "event" and one.type}, at=at)
    found: dict[str, Terms] = {}
    faults: list[Fault] = []
    for spec in specs:
        if spec.due_days is None or not spec.active:
            continue
        try:
            for one in _of_row(spec, office, names, calendars, happened, at=at):
                if found.setdefault(one.report_id, one).spec != spec.id:
                    other = found[one.report_id].spec
                    wrong = f"it makes the same {one.report_id} as {other}; give one another type or customer"
                    faults.append(Fault(wrong, key=spec.id))
                    break
        except ValueError as error:
            faults.append(Fault(str(error), key=spec.id))
    faults += _forgotten(conn, specs, at)
    return Plan({one.report_id: one for one in sorted(found.values(), key=lambda t: (t.due_at, t.report_id))}, faults)


def _of_row(
    spec: ReportSpec,
    office: Office,
    names: Mapping[str, str],
    calendars: Mapping[str, Calendar],
    happened: list[Occasion],
    *,
    at: int,
) -> Iterator[Terms]:
    """Yield the reports of one row; ValueError says what is wrong with it."""
    zone, calendar = spec.zone or office.zone, calendars.get(spec.calendar_id or CALENDAR)
    if zone not in zone_names():
        raise ValueError(f"unknown time zone {zone!r}; write an IANA name")
    if calendar is None:
        raise ValueError(f"there is no calendar {spec.calendar_id!r} that can be used")
    kind = f"{spec.type}_{spec.process}" if spec.process else spec.type or ""
    customer = report_slug(names.get(spec.customer_id, spec.customer_id) if spec.customer_id else office.name)
    minute = minute_of(spec.due_time)
    for label, start, end, base, about in _covered(spec, happened, zone, at):
        due_at = due_instant(
            base,
            days=spec.due_days or 0,
            business=spec.due_counts == "business_days",
            minute=minute,
            calendar=calendar,
            zone=zone,
        )
        yield Terms(
            report_id=f"SR-{customer}-{kind}-{label}",
            spec=spec.id,
            type=spec.type or "",
            cls=spec.class_ or "routine",
            direction=spec.direction,
            process=spec.process,
            title=spec.title,
            purpose=spec.purpose,
            audience=spec.audience,
            customer=spec.customer_id,
            customer_name=customer,
            services=spec.service_ids if not about else [],
            about=about,
            label=label,
            start=start,
            end=end,
            zone=zone,
            due_at=due_at,
            author=spec.author,
            approvers=spec.approvers,
            recipients=spec.recipients,
            method=spec.method,
            retention_days=spec.retention_days or 1096,
            metrics=spec.metrics,
            template=spec.template,
            confidentiality=spec.confidentiality,
        )


def _covered(
    spec: ReportSpec, happened: list[Occasion], zone: str, at: int
) -> Iterator[tuple[str, int, int, int, list[str]]]:
    """Yield (label, start, end, what the due days count from, what it is about)."""
    until = local_date(at, zone) + timedelta(days=AHEAD_DAYS)
    first = _first_day(spec, zone)
    last = date.fromisoformat(spec.valid_to) if spec.valid_to else None
    if spec.class_ == "special":
        if not (spec.valid_from and last):
            raise ValueError("a special report covers the days from valid_from to valid_to; write both")
        start, end = (wall_to_utc(load_zone(zone), day, 0) for day in (first, last))
        yield spec.valid_from, start, end, end, []
    elif spec.class_ == "event":
        for one in happened:
            known = spec.customer_id in (None, one.customer) and (
                not spec.service_ids or set(spec.service_ids) & set(one.services)
            )
            if one.type == spec.type and known and first <= local_date(one.at, zone) < (last or date.max):
                base = plus_days(one.at, _AFTER[one.type], zone) if one.type in _AFTER else one.at + 1
                day = f" {local_date(one.begun_at, zone)}" if one.type == CLUSTER else ""
                yield report_slug(one.name + day), one.begun_at, max(one.at, one.begun_at + 1), base, [*one.about]
    elif spec.frequency not in FREQUENCIES:
        raise ValueError(f"frequency {spec.frequency!r} is none of {', '.join(FREQUENCIES)}")
    else:
        for period in periods_between(spec.frequency, zone, first, until):
            if last is None or local_date(period.ends_at - 1, zone) < last:
                yield period.label, period.starts_at, period.ends_at, period.ends_at, []


def _first_day(spec: ReportSpec, zone: str) -> date:
    if spec.valid_from:
        return date.fromisoformat(spec.valid_from)
    if spec.agreed_at is not None:
        return local_date(spec.agreed_at, zone)
    raise ValueError("it does not say from when it is made; write valid_from")


def _forgotten(conn: Connection, specs: list[ReportSpec], at: int) -> Iterator[Fault]:
    """Name every report that an agreement in force promises and the catalogue leaves out."""
    for sla in current_records(conn, ids_of(conn, "sla")):
        if not isinstance(sla, Sla) or sla.vanished_at is not None or sla.signed_at is None:
            continue
        if sla.valid_to and local_date(at, "UTC").isoformat() >= sla.valid_to:
            continue
        for duty in sla.reporting:
            rows = [one for one in specs if one.active and one.due_days is not None and one.type == duty.type]
            if not any(one.customer_id in (None, sla.customer_id) for one in rows):
                yield Fault(f"no row of the plan makes the report {duty.type} that {sla.id} promises", key=sla.id)
