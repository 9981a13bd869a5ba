"""Means: what is counted in a period takes so long on average.

`n` of the obligation is the sum in whole minutes, `d` how many were counted. What is not known of a row may be
anything from nothing upwards: with such a row the mean never surely keeps the limit. No rows: nothing is owed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_

from hub.conformance.evidence import Rows
from hub.conformance.expression import MINUTE_MS
from hub.conformance.figure import figure, sums
from hub.conformance.owed import Doubt, owed_columns
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.unit import Unit
from hub.store.tables import metadata

__all__ = ["mean"]

_period = metadata.tables["period"].c
_WHY = "how long some of those counted took is not known"


def mean(
    requirement: str,
    name: str,
    words: Words,
    *,
    unit: Unit,
    of: Rows,
    took: ColumnElement[Any],
    at_most_minutes: float,
    fields: Sequence[str] = (),
    doubts: Sequence[Doubt] = (),
    needs: Sequence[Need] = (),
) -> Part:
    """The rows `of` whose instant lies in the unit's period took `at_most_minutes` on average.

    `unit` comes from `each(...)`. `took` is in milliseconds, NULL where it is not known; a doubtful row might not
    count at all. Decided at the end of the period.
    """
    owed = owed_columns(unit, _period.ends_at, frozenset(fields), doubts, [*of.needs, *needs])
    f = sums(unit, owed, of, value=took, valid=took >= 0).cte("figures").c
    limit = int(at_most_minutes * MINUTE_MS)
    holds = and_(f.most == f.counted, f.total <= limit * f.counted)
    fails = f.total > limit * f.most  # even if what is not known took no time at all
    return figure(
        requirement,
        name,
        words,
        unit=unit,
        of=of,
        sums=f,
        n=f.total // MINUTE_MS,
        holds=holds,
        fails=fails,
        why=_WHY,
        fields=fields,
        needs=needs,
    )
