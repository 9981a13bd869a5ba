"""What the hub itself gives, as far as what it is worked out from was read: outages, figures, its own reports.

A requirement that rests on them is provable no further than the alerts and samples behind them: when a monitor
was not read, the absence of an outage says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from hub.records import Approval, Communication, ServiceReport, kind_of
from hub.records.measurement import Measurement, Outage
from hub.store.reading import Covered, coverage_rows, record_coverage, set_provisions
from hub.store.tables import metadata

__all__ = ["OWN", "state_own"]

_provision, _record = metadata.tables["provision"], metadata.tables["record"]


@dataclass(frozen=True, slots=True)
class _Own:
    """A kind the hub gives (`hub.store.reading` keeps it like that of any source)."""

    kind: str
    fields: frozenset[str]
    within_subject: bool = False


_OUTAGE = frozenset(
    {
        "acknowledged_at", "alert_ids", "detected_at", "detected_by", "ended_at", "incident_basis", "incident_id",
        "maintenance", "planned", "service_id", "service_ids", "started_at", "title",
    }
)  # fmt: skip
_MEASUREMENT = frozenset(
    {
        "actual", "as_of", "coverage", "denominator", "formula_version", "metric_id", "missing_reason", "numerator",
        "period", "service_ids", "subject", "target", "title", "unit",
    }
)  # fmt: skip
_REPORT = frozenset(
    {
        "about", "approvals", "archive", "archive.customer_location", "archive.customer_received_at",
        "archive.keep_until", "archive.location", "archive.sha256", "archived_at", "as_of", "audience", "author",
        "change_note", "class", "class_", "content_hash", "corrections", "customer_id", "data_sources", "delivery",
        "direction", "due_at", "files", "issued_at", "late_reason", "metrics", "period", "process", "provisional",
        "purpose", "recipients", "registered", "registered.at", "registered.due_at", "registered.period_end",
        "registered.period_start", "registered.result", "registered.submitted_at", "report_id", "revision",
        "service_ids", "state", "submitted_at", "supersedes", "type", "zone",
    }
)  # fmt: skip
_APPROVAL = frozenset(
    {"approver", "authenticity", "decided_at", "decision", "subject_id", "subject_revision", "via", "withdrawn_at"}
)
_MESSAGE = frozenset(
    {
        "attachments", "auto_submitted", "class", "class_", "direction", "message_id", "received_at", "record_id",
        "sent_at", "to",
    }
)  # fmt: skip
OWN: Mapping[str, tuple[_Own, tuple[str, ...]]] = {
    kind_of(Outage): (_Own(kind_of(Outage), _OUTAGE), ("alert",)),
    kind_of(Measurement): (_Own(kind_of(Measurement), _MEASUREMENT), ("availability_sample",)),
    kind_of(ServiceReport): (_Own(kind_of(ServiceReport), _REPORT), ("report_spec",)),
    kind_of(Approval): (_Own(kind_of(Approval), _APPROVAL, within_subject=True), ("report_spec",)),
    kind_of(Communication): (_Own(kind_of(Communication), _MESSAGE, within_subject=True), ("report_spec",)),
}
"""Kind -> what the hub says of it, and the kinds of other sources it is worked out from."""


def state_own(conn: Connection, *, now: int) -> None:
    """State in the caller's transaction which kinds the hub gives, and how far each reaches.

    A kind is given where some source gives what it is worked out from; it reaches as far as the source that was read
    least far. Nothing is written where nothing differs.
    """
    given = set(conn.scalars(select(_provision.c.kind).where(_live()).distinct()))
    planned = select(_record.c.sid).where(_record.c.source == "hub", _record.c.kind == kind_of(ServiceReport))
    if conn.execute(planned.limit(1)).first() is None:  # a catalogue alone makes no reports
        given.discard("report_spec")
    named = {kind: own for kind, (own, rests_on) in OWN.items() if given.intersection(rests_on)}
    set_provisions(conn, "hub", named.values(), now)
    rows = coverage_rows(conn)
    for kind in named:
        _cover(conn, kind, [row for row in rows if row.source != "hub" and row.kind in OWN[kind][1]], now)


def _cover(conn: Connection, kind: str, rows: Iterable[Covered], now: int) -> None:
    found = list(rows)
    short = [row for row in found if row.reason is not None or row.through is None]
    throughs = [row.through for row in found if row.through is not None]
    reason = None
    if short or not found:
        told = [f"{row.source} {row.scope}: {row.reason or 'never read'}" for row in short]
        reason = f"it rests on what was not read whole: {'; '.join(told[:3]) or 'nothing was read yet'}"
    through = min(throughs) if throughs and reason is None else None
    record_coverage(conn, "hub", "", kind, through=through, reason=reason, known_at=now)


def _live() -> Any:
    return (_provision.c.source != "hub") & (_provision.c.field == "") & _provision.c.known_to.is_(None)
