"""Who is who: integer keys for ids, and the one human behind several logins."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, or_, select, update

from hub.store.bulk import as_listed, listed, put
from hub.store.schema import kind_tables
from hub.store.tables import change_log, link, record

__all__ = ["CHUNK", "LONGEST_ID", "ambiguous_persons", "intern", "kept_id", "next_sid", "resolve_persons", "sids_of"]

CHUNK = 500
"""Ids looked up by one statement."""
LONGEST_ID = 500
"""Characters of the id of a record; the indexes of PostgreSQL take not many more."""


def kept_id(one: str) -> str:
    """Return an id as `record.id` holds it: whatever a tool makes a record refer to, it has room there."""
    if len(one) <= LONGEST_ID:
        return one
    return f"{one[: LONGEST_ID - 65]} {hashlib.sha256(one.encode('utf-8', 'surrogatepass')).hexdigest()}"


def sids_of(conn: Connection, ids: Iterable[str]) -> dict[str, int]:
    """Return id -> record.sid of those the store knows."""
    wanted = {kept_id(one): one for one in ids}
    if not wanted:
        return {}
    found = conn.execute(_sids(conn.dialect.name), as_listed(conn, list(wanted)))
    return {wanted[one]: sid for one, sid in found}


@cache
def _sids(engine: str) -> Select[Any]:
    return select(record.c.id, record.c.sid).where(listed(engine, record.c.id))


_LAST_SID = select(record.c.sid).order_by(record.c.sid.desc()).limit(1)


def next_sid(conn: Connection) -> int:
    """Return the first free record.sid; writers stand in one queue, so it stays free in this transaction."""
    last = conn.execute(_LAST_SID).scalar()
    return (last or 0) + 1


def intern(conn: Connection, ids: Iterable[str]) -> dict[str, int]:
    """Return id -> record.sid for every id; one that was never seen gets a row without kind."""
    wanted = list(dict.fromkeys(ids))
    found = sids_of(conn, wanted)
    missing = [one for one in wanted if one not in found]
    if missing:
        start = next_sid(conn)
        new = {one: start + place for place, one in enumerate(missing)}
        put(conn, record, [(sid, kept_id(one)) for one, sid in new.items()], columns="sid id")
        found |= new
    return found


def _by_address(account: dict[int, bool | None], addresses: dict[int, set[str]]) -> Iterator[tuple[int, int]]:
    """Yield (login, human) where the login goes by an address that one human, and no other, has."""
    owners: dict[str, set[int]] = defaultdict(set)
    for sid, known in addresses.items():
        if account[sid] is not True:
            for address in known:
                owners[address].add(sid)
    for sid, known in addresses.items():
        if account[sid] is True:
            for address in known:
                if len(owners.get(address, ())) == 1:
                    yield sid, next(iter(owners[address]))


def _components(conn: Connection) -> tuple[list[list[int]], set[int]]:
    """Return the groups of persons tied by `same_as` or an address, and which of them are humans."""
    person = kind_tables["person"]
    account: dict[int, bool | None] = {}
    addresses: dict[int, set[str]] = {}
    for sid, is_account, key, mail in conn.execute(
        select(person.c.sid, person.c.account, person.c.key, person.c.email)
    ):
        account[sid] = is_account
        if mail:
            found = {each.strip().casefold() for each in mail}
            addresses[sid] = found & {(key or "").casefold()} if is_account is True else found
    ties = conn.execute(
        select(link.c.sid, link.c.target)
        .where(link.c.type == "same_as")
        .where(or_(link.c.sid.in_(select(person.c.sid)), link.c.target.in_(select(person.c.sid))))
    )
    near: dict[int, list[int]] = defaultdict(list)
    for one, other in ties:
        near[one].append(other)
        near[other].append(one)
    for one, other in _by_address(account, addresses):
        near[one].append(other)
        near[other].append(one)
    seen: set[int] = set()
    groups: list[list[int]] = []
    for start in sorted(account.keys() | near.keys()):
        if start in seen:
            continue
        seen.add(start)
        group, waiting = [], [start]
        while waiting:
            sid = waiting.pop()
            group.append(sid)
            new = {other for other in near.get(sid, ()) if other not in seen}  # a tie may be said from both sides
            seen.update(new)
            waiting += new
        groups.append(sorted(group))
    return groups, {sid for sid, is_account in account.items() if is_account is not True}


def resolve_persons(conn: Connection) -> int:
    """Work out `record.canonical` of all persons anew; return how many changed.

    The canonical person of a login is the one human tied to it by `same_as`, directly or through
    others, or by a mail address: a login that goes by one (its `key`) is the one human who has it. No human,
    or more than one, leaves it NULL: not known, never guessed. A human is its own.
    A change is written to the change log once, as kind `identity`.
    """
    groups, humans = _components(conn)
    now: dict[int, int | None] = {}
    for group in groups:
        found = [sid for sid in group if sid in humans]
        for sid in group:
            now[sid] = sid if sid in humans else found[0] if len(found) == 1 else None
    before = dict(conn.execute(select(record.c.sid, record.c.canonical).where(record.c.canonical.is_not(None))).all())
    differing = [
        {"which": sid, "canonical": now.get(sid)}
        for sid in sorted(now.keys() | before.keys())
        if now.get(sid) != before.get(sid)
    ]
    if differing:
        conn.execute(
            update(record).where(record.c.sid == bindparam("which")).values(canonical=bindparam("canonical")), differing
        )
        conn.execute(insert(change_log), [{"kind": "identity", "sid": None, "touched": None}])
    return len(differing)


def ambiguous_persons(conn: Connection) -> list[list[str]]:
    """List the groups that `same_as` ties to more than one human, by id: a fault of the configuration."""
    groups, humans = _components(conn)
    doubtful = [group for group in groups if len(humans.intersection(group)) > 1]
    sids = sorted({sid for group in doubtful for sid in group})
    names: dict[int, str] = {}
    for start in range(0, len(sids), CHUNK):
        names.update(
            conn.execute(select(record.c.sid, record.c.id).where(record.c.sid.in_(sids[start : start + CHUNK]))).all()
        )
    return [sorted(names[sid] for sid in group) for group in doubtful]
