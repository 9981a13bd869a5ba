"""Shares: of the rows counted in a period, so many are good.

`n` and `d` of the obligation are the good ones and all. What is not known of a row may go either way: only
where it could change the answer is the share not provable. No rows: nothing is owed.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, literal, not_, select

from hub.conformance.evidence import Rows
from hub.conformance.figure import figure, sums
from hub.conformance.owed import Doubt, owed_columns
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.unit import Unit
from hub.store.tables import metadata

__all__ = ["ratio"]

_period = metadata.tables["period"].c
_WHY = "how some of those counted stand is not known"


def ratio(
    requirement: str,
    name: str,
    words: Words,
    *,
    unit: Unit,
    of: Rows,
    good: ColumnElement[bool],
    share: float,
    at_most: bool = False,
    min_sample: int = 1,
    judged_at: ColumnElement[Any] | None = None,
    fields: Sequence[str] = (),
    doubts: Sequence[Doubt] = (),
    needs: Sequence[Need] = (),
) -> Part:
    """Of the rows `of` whose instant lies in the unit's period, at least `share` are `good` (`at_most`: at most).

    `unit` comes from `each(...)`. `good` is NULL where it is not known; a doubtful row might not count at
    all. Decided at `judged_at`, by default the end of the period. Under `min_sample` rows nothing is owed.
    """
    due = _period.ends_at if judged_at is None else judged_at
    owed = owed_columns(unit, due, frozenset(fields), doubts, [*of.needs, *needs])
    verdict = case((good, literal(1)), (not_(good), literal(0)))
    counted = sums(unit, owed, of, value=verdict).subquery("counts")
    f = select(counted).where(counted.c.most >= min_sample).cte("figures").c
    wanted = Fraction(str(share))
    holds, fails = _certain(f, wanted, at_most=at_most)
    return figure(
        requirement,
        name,
        words,
        unit=unit,
        of=of,
        sums=f,
        n=f.total,
        holds=holds,
        fails=fails,
        why=_WHY,
        fields=fields,
        needs=needs,
    )


def _certain(f: Any, wanted: Fraction, *, at_most: bool) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Say when the share surely holds, and when it surely fails, whatever is not known turns out to be."""
    top, bottom = (literal(number, BigInteger) for number in wanted.as_integer_ratio())
    # lowest share: what may be bad is bad and counts, what may only be good does not; highest: the other way round
    fewest = (f.total * bottom, (f.most - f.most_yes + f.total) * top)
    most = ((f.most - f.most_no) * bottom, (f.most - f.most_no + f.no) * top)
    if at_most:
        return most[0] <= most[1], fewest[0] > fewest[1]
    return fewest[0] >= fewest[1], most[0] < most[1]
