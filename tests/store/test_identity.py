from __future__ import annotations

from random import Random

import pytest
from sqlalchemy import select

from hub.records import KINDS, Record
from hub.records.base import Link
from hub.store.identity import LONGEST_ID, ambiguous_persons, sids_of
from hub.store.store import Store
from hub.store.tables import alias, change_log, record
from hub.store.writer import Write, write_records

LOGIN, MAIL, ALICE, BOB = "desk:user/a", "mail:a", "register:people/alice", "register:people/bob"


def person(name: str, *same_as: str) -> Record:
    return KINDS["person"](
        id=name, source=name.split(":", maxsplit=1)[0], account=not name.startswith("register"), same_as=list(same_as)
    )


def mailed(name: str, *addresses: str, key: str | None = None) -> Record:
    login = not name.startswith("register")
    return KINDS["person"](
        id=name, source=name.split(":", maxsplit=1)[0], account=login, email=list(addresses), key=key
    )


def canonical(store: Store) -> dict[str, str | None]:
    with store.connect() as conn:
        names = dict(conn.execute(select(record.c.sid, record.c.id)).all())
        return {row.id: names.get(row.canonical) for row in conn.execute(select(record))}


def identity_changes(store: Store) -> int:
    with store.connect() as conn:
        return len(conn.execute(select(change_log.c.seq).where(change_log.c.kind == "identity")).all())


def write(store: Store, at: int, *records: Record) -> None:
    with store.begin() as conn:
        write_records(conn, [Write(one) for one in records], at)


@pytest.mark.parametrize(
    ("records", "expected", "ambiguous"),
    [
        ([person(LOGIN), person(ALICE)], {LOGIN: None, ALICE: ALICE}, []),
        ([person(LOGIN), person(ALICE, LOGIN)], {LOGIN: ALICE, ALICE: ALICE}, []),
        ([person(LOGIN, ALICE), person(ALICE)], {LOGIN: ALICE, ALICE: ALICE}, []),
        ([person(ALICE, LOGIN)], {LOGIN: ALICE, ALICE: ALICE}, []),
        ([person(LOGIN, ALICE), person(ALICE, LOGIN)], {LOGIN: ALICE, ALICE: ALICE}, []),
        ([person(LOGIN, ALICE)], {LOGIN: None, ALICE: None}, []),
        ([person(LOGIN, MAIL), person(MAIL, ALICE), person(ALICE)], {LOGIN: ALICE, MAIL: ALICE, ALICE: ALICE}, []),
        (
            [person(LOGIN, ALICE, BOB), person(ALICE), person(BOB)],
            {LOGIN: None, ALICE: ALICE, BOB: BOB},
            [[LOGIN, ALICE, BOB]],
        ),
        (
            [mailed(MAIL, "A@x.test", key="a@x.test"), mailed(ALICE, "a@x.test "), mailed(BOB)],
            {MAIL: ALICE, ALICE: ALICE, BOB: BOB},
            [],
        ),
        ([mailed(LOGIN, "a@x.test", key="557058"), mailed(ALICE, "a@x.test")], {LOGIN: None, ALICE: ALICE}, []),
        (
            [mailed(MAIL, "a@x.test", key="a@x.test"), mailed(ALICE, "a@x.test"), mailed(BOB, "a@x.test")],
            {MAIL: None, ALICE: ALICE, BOB: BOB},
            [],
        ),
        (
            [mailed(MAIL, "a@x.test", key="a@x.test"), mailed(LOGIN, "a@x.test", key="a@x.test")],
            {MAIL: None, LOGIN: None},
            [],
        ),
        (
            [mailed(MAIL, "a@x.test", key="a@x.test"), person(LOGIN, MAIL), mailed(ALICE, "a@x.test")],
            {LOGIN: ALICE, MAIL: ALICE, ALICE: ALICE},
            [],
        ),
    ],
)
def test_one_human_behind_a_login_or_none(
    store: Store, records: list[Record], expected: dict[str, str | None], ambiguous: list[list[str]]
) -> None:
    write(store, 1, *records)
    assert canonical(store) == expected
    with store.connect() as conn:
        assert ambiguous_persons(conn) == ambiguous


def test_tie_made_and_undone_is_logged_once_each(store: Store) -> None:
    write(store, 1, person(LOGIN), person(ALICE))
    assert identity_changes(store) == 1
    write(store, 2, person(ALICE, LOGIN))
    assert (canonical(store)[LOGIN], identity_changes(store)) == (ALICE, 2)
    write(store, 3, person(ALICE, LOGIN))
    assert identity_changes(store) == 2
    write(store, 4, person(ALICE))
    assert (canonical(store)[LOGIN], identity_changes(store)) == (None, 3)


def test_ticket_that_is_the_same_as_another_ties_nobody(store: Store) -> None:
    ticket = KINDS["incident"](id="desk:issue/1", source="desk", same_as=["mail:1"])
    write(store, 1, ticket, person(ALICE))
    assert canonical(store) == {"desk:issue/1": None, "mail:1": None, ALICE: ALICE}


def test_whatever_a_tool_makes_a_record_refer_to_has_room(store: Store) -> None:
    """No index of PostgreSQL takes a text of thousands of characters."""
    one, other = ("desk:" + "".join(Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=20_000)) + end for end in "xy")
    for at, targets in enumerate([[one], [one, other]], start=1):
        links = [Link(type="causes", target=target) for target in targets]
        write(store, at, KINDS["incident"](id="desk:issue/1", source="desk", key=one, aliases=["A-1"], links=links))
    with store.connect() as conn:
        sids = sids_of(conn, [one, other, "desk:issue/1"])
        kept = conn.scalars(select(record.c.id)).all()
        assert conn.scalars(select(alias.c.key)).all() == ["A-1"]
    assert len(set(sids.values())) == len(kept) == 3
    assert max(map(len, kept)) == LONGEST_ID
