"""Known errors that document a problem, named by either of the two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, exists

from hub.conformance.evidence import Rows, rows
from hub.conformance.expression import filled, later_of, since_when
from hub.conformance.relation import ends_at
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.problem import p

__all__ = ["is_documented", "known_error_published", "known_errors_solved"]

_link = metadata.tables["link"]
_FROM_PROBLEM = ("known_error_id", "documented_as")
_FROM_KNOWN_ERROR = ("problem_id", "documents")


def _documented(*conditions: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    """Say whether the problem has a known error for which the conditions hold."""
    link: Any = _link.alias()
    known_error: Any = kind_tables["known_error"].alias()
    ties, which = ends_at(link, p.sid, outward=_FROM_PROBLEM, inward=_FROM_KNOWN_ERROR)
    held = [condition(known_error) for condition in conditions]
    return exists().where(ties, known_error.c.sid == which, *held).correlate_except(link, known_error)


def is_documented() -> ColumnElement[bool]:
    """Say whether the problem has a known error."""
    return _documented()


def known_errors_solved() -> ColumnElement[bool]:
    """Say whether every known error of the problem holds a solution."""
    return ~_documented(lambda known_error: ~filled(known_error.c.solution))


def known_error_published() -> tuple[Rows, Rows]:
    """Published known errors of the problem, from when their source says so."""
    return (_published(_FROM_PROBLEM, outward=True), _published(_FROM_KNOWN_ERROR, outward=False))


def _published(types: tuple[str, ...], *, outward: bool) -> Rows:
    link: Any = _link.alias()
    known_error: Any = kind_tables["known_error"].alias()
    here, there = (link.c.sid, link.c.target) if outward else (link.c.target, link.c.sid)
    k = known_error.c
    return (
        rows(
            "known_error",
            (here == p.sid) & link.c.type.in_(types),
            later_of(k.published_at, since_when(k.sid, "published_at")),
            fields=frozenset({"published_at"}),
            table=link,
            record=there,
        )
        .joining(known_error, k.sid == there)
        .where(k.published_at.is_not(None))
    )
