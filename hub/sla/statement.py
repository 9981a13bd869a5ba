"""What was promised and how far it was kept, a line a target: this period beside the last and the next goal."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from hub.records import Sla, Target
from hub.sla.attainment import Attainment, attainment
from hub.sla.open_time import Span
from hub.store.revision import current_records
from hub.store.tables import metadata

__all__ = ["Line", "statement"]

_record = metadata.tables["record"]


@dataclass(frozen=True, slots=True)
class Line:
    """One target of one agreement over a period."""

    agreement: str
    target: str
    metric: str
    promise: str
    """Such as `P1 <= 15 min on 7x24`."""
    goal: str
    """Share that shall be met in the next period, such as `>= 95 %`; empty = none agreed."""
    previous: str
    """Rate of the period before."""
    now: Attainment


def statement(conn: Connection, period: Span, before: Span, as_of: int, service: int | None = None) -> list[Line]:
    """Set the period beside the one before it; agreements and targets without tickets in either are left out."""
    last = {(one.agreement, one.target, one.metric): one for one in attainment(conn, before, as_of, service)}
    current = {(one.agreement, one.target, one.metric): one for one in attainment(conn, period, as_of, service)}
    agreements = {one.id: one for one in _agreements(conn)}
    lines = []
    for key in sorted(current.keys() | last.keys()):
        agreement, target, metric = key
        said = agreements.get(agreement)
        promised = next((one for one in said.targets if one.id == target), None) if said else None
        lines.append(
            Line(
                agreement=agreement,
                target=target,
                metric=metric,
                promise=_promise(promised),
                goal=_goal(said, metric),
                previous=last[key].rate() if key in last else "no cases",
                now=current.get(key) or Attainment(agreement, target, metric, 0, 0, 0, 0, 0, 0, 0),
            )
        )
    return lines


def _agreements(conn: Connection) -> list[Sla]:
    ids = conn.scalars(select(_record.c.id).where(_record.c.kind == "sla")).all()
    return [one for one in current_records(conn, list(ids)) if isinstance(one, Sla)]


def _promise(target: Target | None) -> str:
    if target is None:
        return ""
    said = f"{target.operator} {target.value:g} {target.unit}"
    whose = f"{target.priority} " if target.priority else ""
    return f"{whose}{said} on {target.calendar}" if target.calendar else f"{whose}{said}"


def _goal(agreement: Sla | None, metric: str) -> str:
    goals = (
        [one for one in agreement.targets if one.metric in ("attainment", f"{metric}_attainment")] if agreement else []
    )
    return f"{goals[-1].operator} {goals[-1].value:g} {goals[-1].unit}" if goals else ""
