"""What came before: the last report of the same kind, the last meeting of the same agreement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Table, func, select

__all__ = ["previous"]


def previous(rows: Table, *, of: tuple[ColumnElement[Any], ...], by: ColumnElement[Any], where: Any = None) -> Any:
    """Return rows (`sid`, `previous`, `following`): each row's neighbours among those alike in `of`, in the order `by`.

    Join it to the unit by `sid`; NULL = it is the first, or the last. Rows alike in `by` stand in order of `sid`.
    Reads the whole kind: give its reach as `all`, or narrow `where` to what belongs to the unit.
    """
    window: dict[str, Any] = {"partition_by": of, "order_by": (by, rows.c.sid)}
    before, after = func.lag(rows.c.sid).over(**window), func.lead(rows.c.sid).over(**window)
    found = select(rows.c.sid, before.label("previous"), after.label("following"))
    return (found if where is None else found.where(where)).subquery("neighbour")
