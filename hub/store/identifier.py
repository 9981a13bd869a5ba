"""By which words a person is known: logins, names, addresses; and which of them name nobody else."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import msgspec
import zstandard
from sqlalchemy import Connection, func, select

from hub.records import KINDS
from hub.store.redaction import check_row, hash_of, words_of
from hub.store.schema import field_shapes, kind_tables
from hub.store.tables import event, link, raw_document, record, revision, since

__all__ = ["Identifiers", "find_identifiers", "hashes_of", "people_behind"]

_SHORTEST = 3
"""A single word of fewer letters stands in too many texts to name anybody."""
_NAMES = ("name", "title", "phone", "email")


@dataclass(slots=True)
class Identifiers:
    """What to look for."""

    whole: set[tuple[str, ...]] = field(default_factory=set)
    """Words that name the person wherever they stand."""
    tails: set[tuple[str, ...]] = field(default_factory=set)
    """Words of an id (`user 42`) whose last names the person only after the others."""
    left: list[str] = field(default_factory=list)
    """What is left where it stands in texts, since it is a usual word or names somebody else too."""


def people_behind(conn: Connection, person_id: str) -> list[int]:
    """Return the human and all logins tied to it, as record.sid; empty where there is no such person."""
    found = conn.execute(
        select(record.c.sid, record.c.canonical).where(record.c.id == person_id, record.c.kind == "person")
    ).first()
    if found is None:
        return []
    if found.canonical is None:
        return [found.sid]
    return list(
        conn.execute(select(record.c.sid).where(record.c.canonical == found.canonical).order_by(record.c.sid)).scalars()
    )


def find_identifiers(conn: Connection, sids: Sequence[int], also: Iterable[str] = ()) -> Identifiers:
    """Collect every name, address and login the persons ever had, and what else is asked for."""
    found = Identifiers()
    vocabulary = _vocabulary(conn)
    others = list(_words_of_others(conn, sids))

    def is_own(words: tuple[str, ...]) -> bool:
        usual = len(words) == 1 and (
            len(words[0]) < _SHORTEST or words[0].isdigit() or words[0] in vocabulary or _is_thing(conn, words[0])
        )
        return not usual and not any(_stands_in(words, other) for other in others)

    for name in [*also, *_names(conn, sids)]:
        if not (words := words_of(name)):
            continue
        if is_own(words):
            found.whole.add(words)
        else:
            found.left.append(name)
    for record_id in conn.execute(select(record.c.id).where(record.c.sid.in_(sids))).scalars():
        path, slash, last = _split(record_id)
        words = words_of(last)
        if is_own(words) or len(words) != 1 or not slash:
            found.whole.add(words)
        else:
            found.tails.add((*words_of(path)[-1:], *words))
    found.left = sorted({name for name in found.left if words_of(name) not in found.whole})
    return found


def _split(record_id: str) -> tuple[str, str, str]:
    """Part `desk:user/557058:ab` into `user` and the login."""
    native = record_id.partition(":")[2]
    path, slash, last = native.partition("/")
    return (path, slash, last) if slash else ("", "", native)


def hashes_of(key: bytes, found: Identifiers) -> dict[bytes, int]:
    """Turn words into what the store keeps of them (`erased_identifier`)."""
    rows = {check_row(key): 0}
    for words in (*found.whole, *found.tails):
        rows.setdefault(hash_of(key, words[:1], first=True), 0)
    rows |= {hash_of(key, words): len(words) for words in found.whole}
    return rows | {hash_of(key, words): -len(words) for words in found.tails}


def _names(conn: Connection, sids: Sequence[int]) -> Iterator[str]:
    decompressor = zstandard.ZstdDecompressor()
    bodies = conn.execute(select(revision.c.body).where(revision.c.sid.in_(sids))).scalars()
    for body in bodies:
        state: dict[str, Any] = msgspec.json.decode(decompressor.decompress(body)) if body else {}
        for name in _NAMES:
            value = state.get(name) or ()
            yield from [value] if isinstance(value, str) else value
        for key in (state.get("key"), *state.get("aliases", ())):
            if key:
                yield key.partition("/")[2] or key


def _words_of_others(conn: Connection, sids: Sequence[int]) -> Iterator[tuple[str, ...]]:
    person = kind_tables["person"].c
    for row in conn.execute(
        select(record.c.id, person.name, person.title, person.email)
        .join(record, record.c.sid == person.sid)
        .where(person.sid.not_in(sids))
    ):
        for text in (_split(row.id)[2], row.name, row.title, *(row.email or ())):
            if text:
                yield words_of(text)


def _is_thing(conn: Connection, word: str) -> bool:
    """Tell whether something that is no person goes by the word: a service `register:services/shop`."""
    tails = conn.execute(
        select(record.c.id).where(record.c.kind != "person", func.lower(record.c.id).like(f"%/{word}"))
    ).scalars()
    return any(words_of(_split(one)[2]) == (word,) for one in tails)


def _stands_in(words: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return any(other[place : place + len(words)] == words for place in range(len(other) - len(words) + 1))


def _vocabulary(conn: Connection) -> set[str]:
    """Words the hub itself, or the tools' vocabulary, means something by."""
    words = set(_own_words())
    columns = [event.c.type, event.c.field, link.c.type, since.c.field, record.c.scope, record.c.source]
    columns += [raw_document.c.stream, *(table.c.status for table in kind_tables.values())]
    for column in columns:
        for text in conn.execute(select(column).distinct().where(column.is_not(None))).scalars():
            words.update(words_of(text))
    return words


@cache
def _own_words() -> frozenset[str]:
    words: set[str] = set()
    for kind, struct in KINDS.items():
        words.update(words_of(kind))
        _collect(struct, words)
    return frozenset(words)


def _collect(struct: type[msgspec.Struct], words: set[str]) -> None:
    for name, hint in typing.get_type_hints(struct).items():
        words.update(words_of(name))
        words.update(word for text in _literals(hint) for word in words_of(text))
    for shape in field_shapes(struct):
        if shape.part is not None:
            _collect(shape.part, words)


def _literals(hint: Any) -> Iterator[str]:
    if typing.get_origin(hint) is Literal:
        yield from (one for one in typing.get_args(hint) if isinstance(one, str))
    else:
        for inner in typing.get_args(hint):
            yield from _literals(inner)
