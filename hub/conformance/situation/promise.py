"""Clocks of tickets in a period one by one: missed, left out by rule, still running late, counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, func, or_, select

from hub.conformance.named import Subject
from hub.conformance.situation.audience import Audience
from hub.conformance.situation.tie import id_of
from hub.conformance.subject import evidence_of, subjects
from hub.sla.attainment import decided_condition
from hub.sla.open_time import Span
from hub.sla.statement import Line
from hub.sla.ticket import TICKET_KINDS
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["ClockLine", "Lacking", "at_risk_clocks", "counted_clocks", "excluded_clocks", "lacking_clocks", "missed_clocks", "promised_lines"]  # fmt: skip

_record = metadata.tables["record"]
_table = metadata.tables["sla_clock"]
_clock: Any = _table.c
_NEVER = 9_000_000_000_000_000


class ClockLine(msgspec.Struct, frozen=True, kw_only=True):
    """One clock of one ticket as it stood. Instants are UTC milliseconds."""

    subject: Subject
    metric: str
    agreement: str
    """Id of the agreement; empty = none."""
    target: str
    """Id of the target within it."""
    due_at: int | None
    stopped_at: int | None
    """None = it still runs."""
    rule: str = ""
    """Rule by which it is left out."""
    cause: str = ""
    """Why it was missed, as recorded; empty = nobody recorded it."""
    told_at: int | None = None
    """When the customer was told that it was missed."""
    document_hash: str = ""
    """Hash of the document the ticket came from."""

    @property
    def in_time(self) -> bool:
        """It stopped by the instant it was due."""
        return self.stopped_at is not None and (self.due_at is None or self.stopped_at <= self.due_at)


class Lacking(msgspec.Struct, frozen=True, kw_only=True):
    """Clocks that cannot be measured, by reason."""

    metric: str
    reason: str
    number: int


Found = tuple[int, list[ClockLine]]
"""How many there are, and the first of them by due instant."""


def promised_lines(conn: Connection, lines: Sequence[Line], audience: Audience | None) -> list[Line]:
    """Keep of a statement's lines those of agreements in scope; tickets under no agreement promise nothing."""
    if audience is None:
        return [line for line in lines if line.agreement]
    own = set(conn.scalars(select(_record.c.id).where(_record.c.kind == "sla", audience.holds(_record.c.sid))))
    return [line for line in lines if line.agreement in own]


def missed_clocks(
    conn: Connection, period: Span, instant: int, known_at: int | None, audience: Audience | None, *, most: int
) -> Found:
    """Find the clocks that missed their target in a period, with cause and notice."""
    decided, at, in_time = decided_condition(instant)
    wanted = [decided, ~in_time, at >= period[0], at < period[1], *_measured()]
    return _found(conn, wanted, instant, known_at, audience, most=most)


def counted_clocks(
    conn: Connection, period: Span, instant: int, known_at: int | None, audience: Audience | None, *, most: int
) -> Found:
    """Find every clock that was decided in a period, with the hash of the document behind the ticket."""
    decided, at, _ = decided_condition(instant)
    wanted = [decided, at >= period[0], at < period[1], *_measured()]
    return _found(conn, wanted, instant, known_at, audience, most=most, proven=True)


def excluded_clocks(
    conn: Connection, period: Span, instant: int, known_at: int | None, audience: Audience | None, *, most: int
) -> Found:
    """Find the clocks a rule leaves out of a period's result."""
    decided, at, _ = decided_condition(instant)
    inside = and_(decided, at >= period[0], at < period[1])
    wanted = [_clock.excluded.is_not(None), _clock.lacks.is_(None), or_(inside, _running(period, instant, decided))]
    return _found(conn, wanted, instant, known_at, audience, most=most)


def at_risk_clocks(
    conn: Connection, period: Span, instant: int, known_at: int | None, audience: Audience | None, *, most: int
) -> Found:
    """Find the clocks that run with more than their warning share used up."""
    decided, _, _ = decided_condition(instant)
    wanted = [_running(period, instant, decided), _clock.due_at.is_not(None), _clock.warn_at <= instant, *_measured()]
    return _found(conn, wanted, instant, known_at, audience, most=most)


def lacking_clocks(conn: Connection, period: Span, audience: Audience | None) -> list[Lacking]:
    """Count the clocks begun in a period that cannot be measured, by metric and what is missing or impossible."""
    rows = conn.execute(
        select(_clock.metric, _clock.lacks, func.count())
        .where(_clock.lacks.is_not(None), _clock.started_at >= period[0], _clock.started_at < period[1])
        .where(*_of(audience))
        .group_by(_clock.metric, _clock.lacks)
        .order_by(func.count().desc(), _clock.metric, _clock.lacks)
    )
    return [Lacking(metric=metric, reason=reason, number=number) for metric, reason, number in rows]


def _measured() -> Iterable[Any]:
    return _clock.lacks.is_(None), _clock.excluded.is_(None)


def _running(period: Span, instant: int, decided: Any) -> Any:
    return and_(~decided, _clock.started_at < period[1], _clock.started_at <= instant)


def _of(audience: Audience | None) -> list[Any]:
    return [] if audience is None else [audience.holds(_clock.sid)]


def _found(
    conn: Connection,
    wanted: Sequence[Any],
    instant: int,
    known_at: int | None,
    audience: Audience | None,
    *,
    most: int,
    proven: bool = False,
) -> Found:
    conditions = [*wanted, *_of(audience)]
    number = conn.scalar(select(func.count()).select_from(_table).where(*conditions)) or 0
    rows = conn.execute(
        select(_clock, _record.c.id.label("promise"))
        .select_from(_table.outerjoin(_record, _record.c.sid == _clock.agreement))
        .where(*conditions)
        .order_by(func.coalesce(_clock.due_at, _NEVER), id_of(_clock.sid), _clock.metric)
        .limit(most)
    ).all()
    sids = [row.sid for row in rows]
    named = subjects(conn, sids, known_at)
    hashes = {sid: one.document_hash for sid, one in evidence_of(conn, sids, known_at).items()} if proven else {}
    causes = _causes(conn, sids, named)
    return number, [
        ClockLine(
            subject=named[row.sid],
            metric=row.metric,
            agreement=row.promise or "",
            target=row.target or "",
            due_at=row.due_at,
            stopped_at=row.stopped_at if row.stopped_at is not None and row.stopped_at <= instant else None,
            rule=row.excluded or "",
            cause=causes.get(row.sid, ("", None))[0],
            told_at=causes.get(row.sid, ("", None))[1],
            document_hash=hashes.get(row.sid, ""),
        )
        for row in rows
    ]


def _causes(conn: Connection, sids: Iterable[int], named: dict[int, Subject]) -> dict[int, tuple[str, int | None]]:
    """Return the recorded cause of each missed ticket, and when the customer was told."""
    by_kind = defaultdict[str, list[int]](list)
    for sid in sids:
        by_kind[named[sid].kind].append(sid)
    found: dict[int, tuple[str, int | None]] = {}
    for kind in TICKET_KINDS:
        c: Any = kind_tables[kind].c
        if "breach_cause_text" not in c:
            continue
        listed = sorted(set(by_kind.get(kind, ())))
        for start in range(0, len(listed), 500):
            asked = select(c.sid, c.breach_cause_text, c.breach_cause_code, c.breach_notified_at)
            for sid, text, code, told_at in conn.execute(asked.where(c.sid.in_(listed[start : start + 500]))):
                found[sid] = (text or code or "", told_at)
    return found
