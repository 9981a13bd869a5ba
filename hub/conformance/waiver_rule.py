"""What makes a waiver sound: everything said, an end in reach, and somebody else who allowed it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, select

from hub.records import Waiver
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["LONGEST_DAYS", "People", "conditions", "faults_of", "load_people"]

LONGEST_DAYS = 365
"""A waiver holds no longer, unless the organisation says so (`waivers.longest_days`)."""
_DAY_MS = 86_400_000
_SLACK_MS = 2 * 3_600_000
"""Between two local midnights the clocks may go back."""
_FILTERS = ("id", "key", "source", "scope", "service")
_record = metadata.tables["record"]


class _Span(NamedTuple):
    role: str
    start: int | None
    end: int | None
    vanished_at: int | None

    def holds(self, at: int) -> bool:
        ends = [one for one in (self.end, self.vanished_at) if one is not None]
        return (self.start is None or self.start <= at) and all(at < end for end in ends)


@dataclass(frozen=True, slots=True)
class People:
    """Those named in waivers, with the humans behind them and what they were at which time."""

    humans: Mapping[str, int]
    """Id of a person or login -> record.sid of the human."""
    active: Mapping[int, _Span]
    """Human -> from when to when active."""
    duties: Mapping[int, Collection[_Span]]
    """Human -> roles held."""

    def is_active(self, person: str, at: int) -> bool:
        """Say whether an id stands for a human who was active at an instant."""
        human = self.humans.get(person)
        return human is not None and self.active[human].holds(at)

    def holds(self, person: str, role: str, at: int) -> bool:
        """Say whether the human behind an id held a role at an instant."""
        return any(one.role == role and one.holds(at) for one in self.duties.get(self.humans.get(person, -1), ()))

    def same(self, one: str, other: str) -> bool:
        """Say whether two ids stand for the same human."""
        return one == other or (one in self.humans and self.humans.get(one) == self.humans.get(other))


def load_people(conn: Connection, ids: Iterable[str | None]) -> People:
    """Load the humans behind ids, in three queries."""
    wanted = sorted({one for one in ids if one is not None})
    person, duty = kind_tables["person"].c, kind_tables["role_assignment"].c
    rows = conn.execute(
        select(_record.c.id, person.sid, person.active_from, person.active_to, person.vanished_at)
        .join(person.sid.table, person.sid == _record.c.canonical)
        .where(_record.c.id.in_(wanted), _record.c.kind == "person", person.account.is_not(True))
    ).all()
    duties: dict[int, list[_Span]] = {}
    held = conn.execute(
        select(_record.c.canonical, duty.role, duty["from_"], duty.to, duty.vanished_at)
        .join(_record, _record.c.sid == duty.person)
        .where(_record.c.canonical.in_([row.sid for row in rows]))
    )
    for human, role, start, end, vanished_at in held:
        duties.setdefault(human, []).append(_Span(role or "", start, end, vanished_at))
    return People(
        {row.id: row.sid for row in rows},
        {row.sid: _Span("", row.active_from, row.active_to, row.vanished_at) for row in rows},
        duties,
    )


def faults_of(waiver: Waiver, requirements: Mapping[str, str], people: People, longest_days: int) -> Iterator[str]:
    """Say everything that is wrong with a waiver; `requirements` is id -> process role, empty where it is not known.

    Who approved is asked about as of the declaration (`created_at`), or else of the first day.
    """
    for name in ("requirement_id", "reason", "approver", "valid_from", "valid_to"):
        if getattr(waiver, name) is None:
            yield f"{name} is missing"
    if waiver.requirement_id is not None and waiver.requirement_id not in requirements:
        yield f"unknown requirement {waiver.requirement_id!r}"
    if waiver.valid_from is not None and waiver.valid_to is not None:
        if waiver.valid_to <= waiver.valid_from:
            yield "valid_to is not after valid_from; it is the first day no longer covered"
        elif waiver.valid_to - waiver.valid_from > longest_days * _DAY_MS + _SLACK_MS:
            yield f"holds for longer than {longest_days} days; end it sooner and decide again (waivers.longest_days)"
    approved_at = waiver.created_at if waiver.created_at is not None else waiver.valid_from
    if waiver.approver is not None and approved_at is not None:
        yield from _approver_faults(waiver, waiver.approver, requirements, people, approved_at)
    if waiver.subject_filter is not None:
        try:
            conditions(waiver.subject_filter)
        except ValueError as error:
            yield str(error)


def _approver_faults(
    waiver: Waiver, approver: str, requirements: Mapping[str, str], people: People, at: int
) -> Iterator[str]:
    if approver not in people.humans:
        yield f"the approver {approver} is no person that is known"
    elif not people.is_active(approver, at):
        yield f"the approver {approver} was not active when it was approved"
    if waiver.owner is not None and people.same(approver, waiver.owner):
        yield "the approver of a waiver may not be its owner"
    role = requirements.get(waiver.requirement_id or "")
    if role and people.holds(approver, role, at):
        yield f"the approver {approver} answers for the requirement (role {role}); somebody else must accept it"


def conditions(text: str) -> list[tuple[str, str]]:
    """Take a filter apart: `name=value` pairs joined by commas. Raises ValueError with the piece that is wrong."""
    pairs: list[tuple[str, str]] = []
    for piece in text.split(","):
        name, equals, value = (part.strip() for part in piece.partition("="))
        if not equals or not value or name not in _FILTERS:
            raise ValueError(f"filter {piece.strip()!r} is not `name=value` with id, key, source, scope or service")
        pairs.append((name, value))
    return pairs
