"""Which kept documents have served their time: by rule, by age, and what still holds them back.

A rule speaks of a document with all its versions, since they are one thing at the tool. The first rule
that fits decides, so that a narrow rule stands before a wide one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    union_all,
)

from hub.store.schema import kind_tables
from hub.store.tables import finding, obligation, raw_document, record, revision

__all__ = ["HOLDS", "Due", "Hold", "Plan", "Rule", "make_plan", "past_states"]

Since = Literal["changed", "closed"]
_ENDED = ("closed", "cancelled", "rejected")
_EVIDENCE_BY_STATE = "waiver"
"""Waivers are read as they were known at an instant: their past states are never disposed of."""
HOLDS = ("legal hold", "open finding", "still judged", "month not closed")
"""Why something due is kept all the same, the strongest first."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How long something is kept; an empty condition fits everything."""

    name: str
    before: int
    """UTC milliseconds: what changed or closed before has served its time."""
    since: Since = "changed"
    source: str | None = None
    stream: str | None = None
    scope: str | None = None
    kind: str | None = None
    """A record of this kind was made from the document."""
    documents: bool = True
    """Bodies of documents go."""
    states: bool = False
    """Past states of the records go with it."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What must be kept whatever its age; an empty condition fits everything."""

    record: str | None = None
    """Id of a record."""
    source: str | None = None
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """One document that has served its time."""

    source: str
    stream: str
    native_id: str
    at: int
    """When it last changed, or was closed."""
    versions: int
    """How many of its versions still have a body."""
    states: int
    """Past states of its records that go with it."""


@dataclass(slots=True)
class Plan:
    """What one rule disposes of, and what it does not yet."""

    rule: Rule
    due: list[Due] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)
    """Documents kept, by reason."""

    @property
    def documents(self) -> int:
        """Bodies to be disposed of."""
        return sum(one.versions for one in self.due)

    @property
    def states(self) -> int:
        """Past states to be disposed of."""
        return sum(one.states for one in self.due)


def make_plan(
    conn: Connection, rules: Sequence[Rule], holds: Sequence[Hold], *, now: int, month_starts_at: int
) -> list[Plan]:
    """Find what is due under each rule at `now`; `month_starts_at` is the first instant of the open month."""
    kinds = [kind for kind in conn.execute(select(record.c.kind).distinct()).scalars() if kind is not None]
    found = []
    for place, rule in enumerate(rules):
        plan = Plan(rule)
        asked = _candidates(rule, _lives(sorted(kinds)), _holding(holds, now, month_starts_at))
        asked = asked.having(*(not_(_fits(one)) for one in rules[:place]))
        for row in conn.execute(asked):
            reason = next((one for one, held in zip(HOLDS, row[:4], strict=True) if held), None)
            if reason is None:
                plan.due.append(Due(*row[4:]))
            else:
                plan.held[reason] = plan.held.get(reason, 0) + 1
        found.append(plan)
    return found


def past_states(group: Due, before: int) -> Select[Any]:
    """Select (sid, known_from) of the states that go with a document."""
    return (
        select(revision.c.sid, revision.c.known_from)
        .join(record, record.c.sid == revision.c.sid)
        .join(raw_document, raw_document.c.doc == record.c.document)
        .where(
            raw_document.c.source == group.source,
            raw_document.c.stream == group.stream,
            raw_document.c.native_id == group.native_id,
            _is_past(before),
        )
    )


def _is_past(before: int) -> ColumnElement[bool]:
    return and_(
        revision.c.known_to < before,
        func.length(revision.c.body) > 0,
        record.c.kind.not_in(("person", _EVIDENCE_BY_STATE)),
    )


def _holding(holds: Sequence[Hold], now: int, month: int) -> tuple[ColumnElement[bool], ...]:
    """Give a condition for each of HOLDS."""
    return (
        or_(false(), *(_is_held(hold) for hold in holds)),
        _in(record.c.sid, select(finding.c.unit).where(finding.c.state == "open")),
        _judged(now),
        _decided_since(month),
    )


def _candidates(rule: Rule, life: Any, holding: Sequence[ColumnElement[bool]]) -> Select[Any]:
    d, r = raw_document.c, record.c
    changed = func.coalesce(func.max(life.c.changed), func.max(d.fetched_at))
    tracked = func.count(life.c.category)
    ended = and_(tracked > 0, tracked == func.count(life.c.ended))
    at = changed if rule.since == "changed" else case((ended, func.max(life.c.ended)))
    states = (
        select(func.count())
        .select_from(revision)
        .where(revision.c.sid == r.sid, _is_past(rule.before))
        .correlate(record)
        .scalar_subquery()
    )
    shown: list[ColumnElement[Any]] = [_any(one) for one in holding]
    return (
        select(
            *shown,
            d.source,
            d.stream,
            d.native_id,
            at.label("at"),
            # A version counts once, however many records were made from it.
            func.count(case((d.body.is_not(None), d.doc)).distinct()) if rule.documents else literal(0),
            cast(func.coalesce(func.sum(states), 0), BigInteger) if rule.states else literal(0),
        )
        .select_from(raw_document)
        .outerjoin(record, r.document == d.doc)
        .outerjoin(life, life.c.sid == r.sid)
        .group_by(d.source, d.stream, d.native_id)
        .where(
            not_(and_(d.source == "hub", d.stream.in_(("report_step", "report_file"))))
        )  # they have a life of their own
        .having(_fits(rule), at < rule.before)
        .having(or_(*([func.count(d.body) > 0] * rule.documents), *([func.sum(states) > 0] * rule.states)))
        .order_by(d.source, d.stream, d.native_id)
    )


def _any(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.max(case((condition, 1), else_=0))


def _in(sid: ColumnElement[Any], asked: Select[Any]) -> ColumnElement[bool]:
    return and_(sid.is_not(None), sid.in_(asked))


def _fits(rule: Rule) -> ColumnElement[bool]:
    """Tell by the group; a document that moved between scopes belongs to all it was in."""
    d = raw_document.c
    wanted: list[ColumnElement[bool]] = [
        column == value for column, value in ((d.source, rule.source), (d.stream, rule.stream)) if value is not None
    ]
    if rule.scope is not None:
        wanted.append(_any(d.scope == rule.scope) == 1)
    if rule.kind is not None:
        wanted.append(_any(and_(record.c.kind.is_not(None), record.c.kind == rule.kind)) == 1)
    return and_(true(), *wanted)


def _is_held(hold: Hold) -> ColumnElement[bool]:
    d = raw_document.c
    pairs = ((record.c.id, hold.record), (d.source, hold.source), (d.scope, hold.scope))
    return and_(true(), *(and_(column.is_not(None), column == value) for column, value in pairs if value is not None))


def _lives(kinds: Sequence[str]) -> Any:
    """Give for every record but persons when it changed, whether it has a state, and when that state ended."""
    selects = []
    for kind in kinds or ("incident",):
        table = kind_tables[kind].c
        if kind == "person":
            continue
        closings = [table[name] for name in ("closed_at", "resolved_at") if name in table]
        ended = func.coalesce(*closings, table.updated_at, table.created_at)
        selects.append(
            select(
                table.sid,
                func.coalesce(table.updated_at, table.created_at).label("changed"),
                table.status_category.label("category"),
                case((table.status_category.in_(_ENDED), ended)).label("ended"),
            )
        )
    if not selects:
        return _lives(())
    return union_all(*selects).subquery()


def _judged(now: int) -> ColumnElement[bool]:
    """Obligations of the record, or decided by it, whose verdict may still change."""
    o = obligation.c
    waiting = and_(o.known_to.is_(None), o.met_at.is_(None), or_(o.due_at.is_(None), o.due_at > now))
    return _concerned(waiting)


def _decided_since(month: int) -> ColumnElement[bool]:
    """Obligations of the record, or decided by it, that count in the month that is still open."""
    o = obligation.c
    decided = and_(o.known_to.is_(None), or_(o.met_at >= month, o.due_at >= month))
    return _concerned(decided)


def _concerned(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    o = obligation.c
    units = select(o.unit).where(condition)
    deciding = select(o.evidence).where(condition, o.evidence.is_not(None))
    return or_(_in(record.c.sid, units), _in(record.c.sid, deciding))
