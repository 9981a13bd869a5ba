"""Which row of evidence decides an obligation, and what it decides.

All parts lay their candidates out alike (`hub.conformance.evidence`), so what follows is the same for all of
them but for three choices; it is written once for each of these and engine, not once a part.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    union_all,
)

from hub.conformance.expression import earlier_of, no_instant
from hub.conformance.owed import HIDDEN, NEVER
from hub.conformance.piped import Piped, given
from hub.conformance.verdict import EXPIRED
from hub.store.tables import Text

__all__ = ["Choice", "best_first", "decision", "laid_out"]

_NO_DUE = "when it is due is not known"
_KEPT = ("unit", "anchor", "opened_at", "due_at", "hidden_at", "doubt", "at", "record", "declared", "expires_at", "who")
_TYPES: dict[str, Any] = {
    "unit": Integer,
    "doubt": Text,
    "record": Integer,
    "declared": Boolean,
    "who": Integer,
    "lacks": Text,
    "undated": Text,
    "counts": Boolean,
}
_NUMBERED = re.compile(
    r"row_number\(\) OVER \(PARTITION BY graded\.unit, graded\.anchor ORDER BY (?P<order>[^\n]*)\) AS place"
)
_LAST = "\n SELECT chosen."
_ENDS = "\nFROM chosen"
_LAID = {name: _TYPES.get(name, BigInteger) for name in (*_KEPT, "lost_at", "lacks", "undated", "counts")}


@dataclass(frozen=True, slots=True)
class Choice:
    """What differs between parts once their evidence is laid out."""

    nth: int
    """Evidence of that many different people; 0 = one row a unit, nothing to choose."""
    warn_permille: int | None
    """Share of the time after which it is at risk; None = nothing is due by a calendar."""
    complete: bool
    """Met only where nothing about the unit is unknown."""


def decision(laid: Select[Any], choice: Choice) -> Piped:
    """Return the select of a part: its evidence as `laid_out`, and what decides."""
    return Piped({"laid": laid}, choice, partial(_what_follows, choice))


def _what_follows(choice: Choice) -> Select[Any]:
    rows = _decided(given("laid", _LAID))
    if choice.nth:
        rows = _chosen(rows, choice.nth)
    return _judged(rows, choice.warn_permille, complete=choice.complete)


def laid_out(rows: Sequence[Select[Any]]) -> Select[Any]:
    """Put the rows behind a fence, or the engine works out an expression again wherever it is used further on.

    SQLite and PostgreSQL both keep apart what is limited, if only to everything.
    """
    if len(rows) == 1:
        return rows[0].limit(NEVER)
    return select(union_all(*rows).subquery("several")).limit(NEVER)


def best_first(written: str, before: str, after: str, joined: str) -> str:
    """Write a part's select so that of what a unit may be decided by the best comes first, all of it, with columns `before` and `after`.

    `joined` joins what `after` names, by `chosen.unit`, one row at most. Whoever keeps the first row of each unit and anchor has what
    the select gives, and the engine sorts but does not number. Empty where the select is of another form.
    """
    found = _NUMBERED.search(written)
    if found is None or _NUMBERED.search(written, found.end()) or not written.endswith(_ENDS):
        return ""
    plain = f"{written[: found.start()]}1 AS place{written[found.end() :]}"
    chosen, last = plain.removesuffix(_ENDS).split(_LAST)
    order = found["order"].replace("graded.", "chosen.")
    told = f"SELECT {before}, chosen.{last}, {after}"
    return f"{chosen}\n {told} {_ENDS} {joined}\n ORDER BY chosen.unit, chosen.anchor, {order}"


def _decided(laid: Any) -> Any:
    """Say of each row whether it speaks for or against the unit, and what it lacks."""
    one = laid.c
    lacks = func.coalesce(one.lacks, case((one.at.is_(None), one.undated)))
    kept = [one[name] for name in _KEPT]
    lost = earlier_of(one.lost_at, one.expires_at).label("lost_at")
    counts = and_(func.coalesce(one.counts, false()), or_(one.at.is_not(None), lacks.is_not(None)))
    return select(*kept, lost, lacks.label("lacks"), counts.label("counts")).where(one.unit.is_not(None)).cte("decided")


def _judged(chosen: Any, warn_permille: int | None, *, complete: bool) -> Select[Any]:
    """Say what the chosen row decides of what is owed."""
    o = chosen.c
    own_lacks = func.coalesce(
        case(
            (and_(o.hidden_at.is_not(None), func.coalesce(o.due_at, NEVER) > o.hidden_at), HIDDEN),
            (and_(o.due_at.is_(None), literal(value=warn_permille is not None)), _NO_DUE),
        ),
        o.doubt,
    )
    proven = and_(o.counts, o.lacks.is_(None), o.at.is_not(None))
    if complete:
        proven = and_(proven, own_lacks.is_(None))
    expired = and_(proven, o.expires_at == o.lost_at)
    warn = no_instant()
    if warn_permille is not None:  # whole numbers only: one engine rounds a fraction, the other cuts it off
        warn = o.opened_at + (o.due_at - o.opened_at) * literal(warn_permille, BigInteger) // 1000
    return select(
        o.unit,
        o.anchor,
        o.opened_at,
        o.due_at,
        warn.label("warn_at"),
        case((proven, o.at)).label("met_at"),
        case((proven, o.lost_at)).label("lost_at"),
        no_instant().label("n"),
        no_instant().label("d"),
        case((proven, o.record)).label("evidence"),
        and_(o.counts, func.coalesce(o.declared, false())).label("declared"),
        func.coalesce(own_lacks, case((o.counts, o.lacks)), case((expired, EXPIRED))).label("lacks"),
    )


def _chosen(decided: Any, nth: int) -> Any:
    """Let the candidate decide that proves most: in time, then in doubt, then late, then withdrawn.

    With `nth`, the one of the nth different person; what is no candidate comes last and decides nothing.
    """
    c = decided.c
    in_time = c.at <= func.coalesce(c.due_at, NEVER)
    stood = or_(c.lost_at.is_(None), c.lost_at > func.coalesce(c.due_at, NEVER))
    grade = case(
        (not_(c.counts), 9),
        (and_(c.lacks.is_(None), in_time, stood), 0),
        (and_(c.lacks.is_not(None), or_(c.at.is_(None), in_time)), 1),
        (and_(c.lacks.is_(None), stood), 2),
        (c.lacks.is_(None), 3),
        else_=4,
    )
    graded = select(*c, grade.label("grade")).cte("graded")
    if nth == 1:
        placed = _placed("placed", graded, graded.c.unit, graded.c.anchor)
        return select(*placed.c).where(placed.c.place == 1).cte("chosen")
    person = case((graded.c.counts, graded.c.who))
    turns = _placed("turn", graded, graded.c.unit, graded.c.anchor, person)
    once = select(*(turns.c[column.name] for column in graded.c)).where(turns.c.place == 1).cte("once")
    placed = _placed("placed", once, once.c.unit, once.c.anchor)
    # the row of the nth person, or a row that decides nothing where there are fewer
    last = func.max(placed.c.place).over(partition_by=(placed.c.unit, placed.c.anchor))
    numbered = select(*placed.c, last.label("last")).cte("numbered")
    n = numbered.c
    kept = [n[column.name] for column in decided.c if column.name != "counts"]
    reached = and_(n.counts, n.place == nth)
    where = n.place == case((n.last < nth, n.last), else_=nth)
    return select(*kept, reached.label("counts")).where(where).cte("chosen")


def _placed(name: str, rows: Any, *within: ColumnElement[Any]) -> Any:
    """Number the rows within a unit, best first; of equal instants by what they say, so that nothing hangs on arrival.

    What the tool recorded comes before what somebody declares, what stands longer before what was withdrawn. Only where
    two say the same in all this, the number of the record decides which of them is shown: no verdict hangs on it, and to
    look up the id of every candidate makes the whole derivation 4 % slower.
    """
    g = rows.c
    stands = func.coalesce(g.lost_at, NEVER).desc()
    order = (g.grade, g.at.nulls_last(), g.declared, stands, g.lacks.nulls_last(), g.record)
    place = func.row_number().over(partition_by=within, order_by=order).label("place")
    return select(*g, place).cte(name)
