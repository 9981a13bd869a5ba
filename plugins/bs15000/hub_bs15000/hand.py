"""Who had a hand in a change, in whatever tool that shows: their own approval of it is not independent.

A change that carries out another (a merge request that names a ticket) is made by the same hands: who wrote
its commits had a hand in the ticket's change, and who carries the ticket out had one in the merge request.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_

from hub.conformance.evidence import Rows
from hub.conformance.reading import merge_reads
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["by_other_hands"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_unknown = metadata.tables["unknown_field"]
_c: Any = kind_tables["change"].c


def by_other_hands(found: Rows, person: ColumnElement[Any]) -> Rows:
    """Leave out rows whose `person` had a hand in the change that owes, by login or as the same human.

    A hand that belongs to nobody known leaves the row in doubt, and so do commits that could not be read.
    """
    login = _record.alias()
    same = [
        _some(person_of, lambda hand, other: or_(hand == person, other.c.canonical == login.c.canonical))
        for person_of in _HANDS
    ]
    nobody = [
        _some(person_of, lambda hand, other: and_(hand != person, other.c.canonical.is_(None))) for person_of in _HANDS
    ]
    unread = exists().where(_unknown.c.sid == _c.sid, _unknown.c.field == "contributors").correlate_except(_unknown)
    found = found.joining(login, login.c.sid == person).where(*(~each for each in same))
    found = found.doubtful(or_(*nobody, unread), "whether it was the decision of somebody who made it is not known")
    return replace(found, reads=merge_reads(found.reads, {"change": "near", "identity": "all"}))


def _some(person_of: Any, says: Any) -> ColumnElement[bool]:
    conditions, hand, tables = person_of()
    other = _record.alias()
    return exists().where(*conditions, other.c.sid == hand, says(hand, other)).correlate_except(other, *tables)


def _own() -> tuple[list[Any], Any, list[Any]]:
    """Contributors of the change."""
    named = _link.alias()
    return [named.c.sid == _c.sid, named.c.type == "contributors"], named.c.target, [named]


def _made_it() -> tuple[list[Any], Any, list[Any]]:
    """Who carries out a change that carries this one out."""
    tie, made = _link.alias(), kind_tables["change"].alias()
    return (
        [tie.c.target == _c.sid, tie.c.type == "implements", made.c.sid == tie.c.sid],
        made.c.implementer,
        [tie, made],
    )


def _helped() -> tuple[list[Any], Any, list[Any]]:
    """Contributors of a change that carries this one out."""
    tie, named = _link.alias(), _link.alias()
    ties = [
        tie.c.target == _c.sid,
        tie.c.type == "implements",
        named.c.sid == tie.c.sid,
        named.c.type == "contributors",
    ]
    return ties, named.c.target, [tie, named]


def _ordered() -> tuple[list[Any], Any, list[Any]]:
    """Who carries out the change that this one carries out."""
    tie, whole = _link.alias(), kind_tables["change"].alias()
    ties = [tie.c.sid == _c.sid, tie.c.type == "implements", whole.c.sid == tie.c.target]
    return ties, whole.c.implementer, [tie, whole]


_HANDS = (_own, _made_it, _helped, _ordered)
