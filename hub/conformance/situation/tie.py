"""What decides between records that are alike in all a list is ordered by: their id."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub.store.tables import metadata

__all__ = ["id_of"]

_record = metadata.tables["record"]


def id_of(sid: Any) -> Any:
    """Select the id of a record by its number.

    The number tells which record was read first: two stores that read the same in another order would tell it differently.
    """
    own = _record.alias()
    return select(own.c.id).where(own.c.sid == sid).correlate_except(own).scalar_subquery()
