"""Complaints as units: which owe, since when, and when they were closed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, literal, or_

from hub.conformance.evidence import AnyOf, At, Rows, any_of, at
from hub.conformance.owed import Doubt
from hub.conformance.unit import Unit, unit
from hub.store.schema import kind_tables
from hub_bs15000.entry import entered_at
from hub_bs15000.message import mails

__all__ = [
    "CLOSED_UNKNOWN",
    "RECEIVED_UNKNOWN",
    "closed",
    "closed_when",
    "complaints",
    "f",
    "in_time",
    "received",
    "replied",
    "upheld",
    "written_by_people",
]

f: Any = kind_tables["complaint"].c
"""Columns of the complaint that owes."""
_category = func.coalesce(f.status_category, "")

received = func.coalesce(f.received_at, f.recorded_at, f.created_at)
"""When it reached the provider."""
closed_when = entered_at(f, "closed_at")
"""When it was closed, and that was recorded."""
RECEIVED_UNKNOWN: Doubt = (f.received_at.is_(None), "when it reached us is not recorded")
CLOSED_UNKNOWN: Doubt = (and_(f.closed_at.is_(None), _category == "closed"), "when it was closed is not recorded")


def complaints() -> Unit:
    """Every complaint that was not called off, from when it reached the provider."""
    kept = _category.not_in(("cancelled", "rejected"))
    return unit("complaint").where(kept).opening(func.coalesce(received, 0))


def closed() -> Unit:
    """Those that were closed; they owe from then on."""
    over = or_(f.closed_at.is_not(None), _category == "closed")
    return complaints().where(over).opening(func.coalesce(closed_when, f.updated_at, f.created_at, 0))


def written_by_people() -> tuple[Rows, Any]:
    """Evidence: a message of a person that went out about the complaint; also returns its columns."""
    found, m = mails("complaint")
    return found.where(~func.coalesce(m.auto_submitted, false())), m


def upheld() -> ColumnElement[bool]:
    """Say whether the complaint was right, if only in part."""
    right: ColumnElement[bool] = f.investigation_finding.in_(("substantiated", "partly"))
    return right


def in_time(instant: ColumnElement[Any]) -> At:
    """Evidence: an instant of the complaint; it proves no speed where nobody knows when the complaint reached us."""
    return at(instant, lacks=case((and_(RECEIVED_UNKNOWN[0], instant.is_not(None)), literal(RECEIVED_UNKNOWN[1]))))


def replied() -> AnyOf:
    """Evidence: the first answer to whoever complains, as recorded or as the message that carried it."""
    mailed, _ = written_by_people()
    return any_of(in_time(entered_at(f, "first_reply_at")), mailed.doubtful(*RECEIVED_UNKNOWN))
