"""What routine reports to customers must hold: the unit they are judged by, and the agreements they answer to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, true

from hub.conformance.part import Part, Words
from hub.conformance.shape import threshold
from hub.conformance.unit import Unit
from hub.store.tables import metadata
from hub_bs15000.report import SENT_UNKNOWN, customer_routine, s, sent_at

__all__ = ["KIND_UNKNOWN", "NO_CUSTOMER", "NO_PERIOD", "agreement", "judged", "local_date", "valid_in"]

_local_day = metadata.tables["local_day"]
KIND_UNKNOWN = (
    or_(s.direction.is_(None), s.class_.is_(None)),
    "whether it is a routine report to a customer is not recorded",
)
NO_CUSTOMER = (s.customer_id.is_(None), "for which customer it is, is not recorded")
NO_PERIOD = (or_(s.period_start.is_(None), s.period_end.is_(None)), "which period it is about is not recorded")


def judged(rid: str, name: str, words: Words, holds: ColumnElement[bool], *fields: str, **more: Any) -> Part:
    """A routine report to a customer holds this when it is handed over."""
    units: Unit = more.pop("unit", customer_routine())
    doubts = [SENT_UNKNOWN, KIND_UNKNOWN, *more.pop("doubts", ())]
    listed = ("class", "direction", "submitted_at", *fields)
    return threshold(rid, name, words, unit=units, holds=holds, at=sent_at, fields=listed, doubts=doubts, **more)


def local_date(instant: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the date of the local day of an instant; NULL outside the calendar."""
    day: Any = _local_day.alias()
    return (
        select(day.c.date)
        .where(day.c.calendar == "organisation", day.c.starts_at <= instant)
        .order_by(day.c.starts_at.desc())
        .limit(1)
        .correlate_except(day)
        .scalar_subquery()
    )


def valid_in(thing: Any, start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say whether something valid between two dates was so at some time of [`start`, `end`); outside the calendar, yes."""
    begun = func.coalesce(thing.c.valid_from <= local_date(end - 1), true())
    return and_(begun, func.coalesce(thing.c.valid_to > local_date(start), true()))


def agreement(sla: Any) -> list[ColumnElement[bool]]:
    """Signed agreements of the report's customer that held in its period."""
    return [
        sla.c.customer_id == s.customer_id,
        sla.c.signed_at.is_not(None),
        valid_in(sla, s.period_start, s.period_end),
    ]
