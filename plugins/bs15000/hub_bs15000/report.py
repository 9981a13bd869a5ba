"""Service reports: which owe something, when they were handed over, who approved them and what stands in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_

from hub.conformance.evidence import AnyOf, Rows, any_of, at, rows
from hub.conformance.expression import business_days_after, filled, later_of, since_when
from hub.conformance.unit import PeriodName, Unit, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.entry import entered_at
from hub_bs15000.message import mails

__all__ = [
    "DUE_BUSINESS_DAYS",
    "FREQUENCIES",
    "SENT_UNKNOWN",
    "approvals",
    "approved_by_author",
    "beside",
    "chapter",
    "child",
    "customer_routine",
    "due",
    "figures_told",
    "handed_over",
    "holds_role",
    "issued",
    "none_of",
    "ours",
    "report",
    "s",
    "sent",
    "sent_at",
    "some",
    "was_sent",
]

report = kind_tables["service_report"]
s: Any = report.c
"""Columns of the report that owes."""
DUE_BUSINESS_DAYS = 5
"""Working days after its period by which a report is due that names no day itself."""

FREQUENCIES: dict[PeriodName, tuple[str, ...]] = {
    "month": ("month", "monthly"),
    "quarter": ("quarter", "quarterly"),
    "half_year": ("half_year", "half-yearly"),
    "year": ("year", "yearly", "annual"),
}
"""Period -> how registers and agreements call it."""

_record = metadata.tables["record"]
_period = metadata.tables["period"].c
_approval = kind_tables["approval"]
_duty = kind_tables["role_assignment"]
_SENT = ("submitted", "registered", "archived", "corrected")
_ISSUED = ("approved", *_SENT)
was_sent = or_(s.submitted_at.is_not(None), func.coalesce(s.state, "").in_(_SENT))
"""It was handed over, though it may not be recorded when."""

SENT_UNKNOWN = (and_(s.submitted_at.is_(None), was_sent), "when it was handed over is not recorded")
sent_at = func.coalesce(s.submitted_at, case((was_sent, func.coalesce(s.updated_at, s.created_at, 0))))
"""When it was handed over; where that is known but not when, nothing later than its last change counts."""


# -- which reports ----------------------------------------------------------------------------


def ours() -> Unit:
    """Every report of the provider that was not called off; those of suppliers are judged with their contracts."""
    return unit("service_report").where(
        func.coalesce(s.direction, "") != "inbound", func.coalesce(s.state, "") != "cancelled"
    )


def issued() -> Unit:
    """Every report of the provider that was issued, owing from then on."""
    out = or_(s.issued_at.is_not(None), was_sent, func.coalesce(s.state, "").in_(_ISSUED))
    return ours().where(out).opening(func.coalesce(s.issued_at, s.submitted_at, s.updated_at, s.created_at, 0))


def sent() -> Unit:
    """Every report of the provider that was handed over, owing from then on."""
    return ours().where(was_sent).opening(func.coalesce(sent_at, 0))


def customer_routine() -> Unit:
    """Every routine report to a customer that was handed over; unknown kinds are taken for such."""
    return sent().where(
        func.coalesce(s.direction, "external") == "external", func.coalesce(s.class_, "routine") == "routine"
    )


def beside(units: Unit, neighbour: Any) -> Unit:
    """Join each report with what came before and after it (`previous`, over the columns of `report`)."""
    return replace(units, rows=units.rows.join(neighbour, neighbour.c.sid == s.sid))


# -- when -------------------------------------------------------------------------------------


def due(business_days: int = DUE_BUSINESS_DAYS) -> ColumnElement[Any]:
    """Return when the report is due: as planned, else some working days after its period."""
    return func.coalesce(s.due_at, business_days_after(s.period_end - 1, business_days))


def handed_over() -> AnyOf:
    """Evidence: it was handed over, from when that was recorded; or the message that carried it, from when it left."""
    recorded = func.coalesce(since_when(s.sid, "submitted_at"), s.created_at, s.submitted_at)
    mailed, _ = mails("service_report", "report_delivery")
    return any_of(at(later_of(s.submitted_at, recorded)), mailed)


# -- who --------------------------------------------------------------------------------------


def holds_role(person: ColumnElement[Any], at: ColumnElement[Any], *roles: Any, process: Any = None) -> Any:
    """Say whether a person, by any login, held one of `roles` at an instant; with `process`, for that process.

    False too where the login is tied to nobody. Reads role assignments and identities, both `all`.
    """
    login, holder, duty = _record.alias(), _record.alias(), _duty.alias()
    d: Any = duty.c
    held = [
        login.c.sid == person,
        holder.c.canonical == login.c.canonical,
        holder.c.sid == d.person,
        d.role.in_(roles),
        or_(d.from_.is_(None), d.from_ <= at),
        or_(d.to.is_(None), d.to > at),
        or_(d.vanished_at.is_(None), d.vanished_at > at),
    ]
    if process is not None:
        held.append(or_(d.process.is_(None), d.process == process))
    return exists().where(*held).correlate_except(login, holder, duty)


def approvals() -> Rows:
    """Approvals of the very content that was handed over."""
    a: Any = _approval.c
    unbound = or_(a.subject_revision.is_(None), s.content_hash.is_(None))
    return (
        rows(
            "approval",
            a.subject_id == s.sid,
            a.decided_at,
            fields=frozenset({"decision", "approver", "decided_at", "subject_revision"}),
            lost=a.withdrawn_at,
        )
        .where(a.decision == "approved", or_(a.subject_revision == s.content_hash, unbound))
        .doubtful(unbound, "which content was approved is not recorded")
    )


def approved_by_author() -> ColumnElement[bool]:
    """Say whether the author approved it too, by any login."""
    a: Any = _approval.alias()
    one, other = _record.alias(), _record.alias()
    return (
        exists()
        .where(
            a.c.subject_id == s.sid,
            a.c.decision == "approved",
            one.c.sid == a.c.approver,
            other.c.sid == s.author,
            or_(one.c.sid == other.c.sid, one.c.canonical == other.c.canonical),
        )
        .correlate_except(a, one, other)
    )


# -- what stands in it ------------------------------------------------------------------------


def child(field: str, kind: str = "service_report") -> Any:
    """Return an alias of the rows of a list of the report, such as `metrics`."""
    return child_tables[kind, field].alias()


def some(lines: Any, *conditions: ColumnElement[bool], of: ColumnElement[Any] | None = None) -> ColumnElement[bool]:
    """Say whether the report has a line for which all conditions hold; `of` = another record's lines."""
    return exists().where(lines.c.sid == (s.sid if of is None else of), *conditions).correlate_except(lines)


def figures_told(*metrics: str) -> Rows:
    """Evidence: a report that covers the unit's period and tells each of these figures, or why there is none."""
    told = []
    for metric in metrics:
        line = child("metrics")
        said = or_(line.c.current_actual.is_not(None), filled(line.c.missing_reason))
        told.append(some(line, func.lower(line.c.metric_id) == metric.lower(), said))
    return rows(
        "service_report",
        and_(s.period_start <= _period.starts_at, s.period_end >= _period.ends_at),
        entered_at(s, "submitted_at"),
        fields=frozenset({"period", "submitted_at", "metrics"}),
        reach="all",
    ).where(*told)


def none_of(lines: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Say that the report has no line for which all conditions hold."""
    return ~some(lines, *conditions)


def chapter(*names: str, of: Any = None) -> ColumnElement[bool]:
    """Say whether the report (or `of`, its sid) has a section of one of these names that says something.

    That there is nothing to say, and why, is something.
    """
    section = child("chapters")
    told = or_(
        func.trim(func.coalesce(section.c.text, "")) != "", func.trim(func.coalesce(section.c.none_reason, "")) != ""
    )
    return some(section, func.lower(func.trim(section.c.name)).in_(names), told, of=of)
