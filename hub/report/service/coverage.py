"""How far the data of a report was read: a figure is whole only where every source of its kinds was."""

from __future__ import annotations

from collections.abc import Collection

from hub.report.language.words import words_of
from hub.report.service.chapter import Asked
from hub.report.service.order import language_of
from hub.store.reading import Covered, coverage_rows

__all__ = ["TICKETS", "covered", "is_short", "unread"]

TICKETS = ("incident", "request")
"""Kinds of records whose clocks are promised to customers."""


def covered(asked: Asked) -> list[Covered]:
    """List how far everything was read, as known.

    Why something could not be read is told to readers of the organisation as the tool worded it; to customers,
    whose business addresses of tools are not, only that it could not.
    """
    rows = coverage_rows(asked.conn, known_at=asked.known_at)
    if asked.terms.direction != "external" and asked.terms.customer is None:
        return rows
    withheld = words_of(language_of(asked.terms))("it could not be read")
    return [row._replace(reason=withheld) if row.reason else row for row in rows]


def is_short(row: Covered, until: int) -> bool:
    """Whether something was not read, or not up to an instant."""
    return bool(row.reason) or row.through is None or row.through < until


def unread(asked: Asked, kinds: Collection[str] | None = None) -> list[Covered]:
    """List what was not read to the end of the period (or to as-of): nothing that rests on it is proven.

    `kinds` None = every kind. A kind no source ever gave is told as one row without a source.
    """
    rows = [one for one in covered(asked) if one.source != "hub"]
    known = [one for one in rows if kinds is None or one.kind in kinds]
    gaps = [one for one in known if is_short(one, asked.instant)]
    if kinds is not None and not known:
        kind = ", ".join(sorted(kinds))
        gaps.append(Covered("", "", kind, None, "no source gives it", 0))
    return gaps
