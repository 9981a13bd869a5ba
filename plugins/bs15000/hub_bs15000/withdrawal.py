"""Until when an approval holds: it is taken back by a later word of the same person, by whatever tool that came."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from hub.conformance.expression import earlier_of, later_of
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["held_until"]

_record = metadata.tables["record"]


def held_until(a: Any) -> ColumnElement[Any]:
    """Return when the approval with columns `a` was withdrawn, or the same person decided otherwise on the same subject.

    Which word is the later one is told by when it was written, where that is known: an old mail that is sent
    again does not undo what was said since.
    """
    later = kind_tables["approval"].alias()
    then, now = _record.alias(), _record.alias()
    undone = (
        select(func.min(later_of(later.c.decided_at, a.decided_at)))
        .select_from(later.join(then, then.c.sid == later.c.approver).join(now, now.c.sid == a.approver))
        .where(
            later.c.subject_id == a.subject_id,
            later.c.decision.in_(("rejected", "withdrawn")),
            or_(later.c.approver == a.approver, then.c.canonical == now.c.canonical),
            func.coalesce(later.c.claimed_at, later.c.decided_at) > func.coalesce(a.claimed_at, a.decided_at),
        )
        .correlate_except(later, then, now)
        .scalar_subquery()
    )
    return earlier_of(a.withdrawn_at, undone)
