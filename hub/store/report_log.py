"""What happened to reports, append-only: steps and rendered files as documents of the source `hub`, and who is who.

Each step and each file is a raw document, so they lie in the hub's own chain of hashes and `hub db verify` covers
them. Nothing here is ever changed; what state a report is in is worked out from them.

Every function works in the caller's transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import zstandard
from sqlalchemy import ColumnElement, Connection, or_, select

from hub.errors import StoreError
from hub.store.document import append_documents
from hub.store.schema import kind_tables
from hub.store.tables import link, raw_document, record

__all__ = [
    "FILES",
    "SOURCE",
    "Decided",
    "Human",
    "append_step",
    "decisions_on",
    "file_of",
    "human_of",
    "humans_of",
    "ids_of",
    "keep_file",
    "roles_at",
    "steps_of",
]

SOURCE = "hub"
STEPS, FILES = "report_step", "report_file"
"""Streams; no rule of retention disposes of them: steps stay, files go when their report does."""


@dataclass(frozen=True, slots=True)
class _Body:
    stream: str
    native_id: str
    body: bytes
    scope: str = ""


class Decided(NamedTuple):
    """A decision on a report that came by any source."""

    subject: str
    """Id of the report's record."""
    id: str
    hash: str | None
    """What it binds to."""
    person: str
    human: int | None
    word: str
    at: int
    withdrawn_at: int | None


class Human(NamedTuple):
    """A person of the register."""

    person: str
    human: int
    """record.sid of the human."""
    address: str
    """First mail address; empty where none is known."""


def append_step(conn: Connection, report_id: str, number: int, body: bytes, now: int) -> None:
    """Keep the next step of a report; StoreError where another process has kept one of that number."""
    name = f"{report_id}#{number:06d}"
    taken = select(raw_document.c.doc).where(
        raw_document.c.source == SOURCE, raw_document.c.stream == STEPS, raw_document.c.native_id == name
    )
    if conn.execute(taken).first() is not None:
        raise StoreError(f"{report_id} was changed by another process just now; look at it again")
    append_documents(conn, SOURCE, [_Body(STEPS, name, body)], now)


def steps_of(conn: Connection, report_id: str | None = None) -> dict[str, list[bytes]]:
    """Return report id -> its steps, the first first; of all reports or one."""
    d = raw_document.c
    asked = select(d.native_id, d.body).where(d.source == SOURCE, d.stream == STEPS).order_by(d.seq)
    if report_id is not None:
        asked = asked.where(d.native_id.startswith(f"{report_id}#", autoescape=True))
    unpack = zstandard.ZstdDecompressor()
    found: dict[str, list[bytes]] = {}
    for name, body in conn.execute(asked):
        if body is None:
            raise StoreError(f"the step {name} of a report was disposed of; restore it from a backup")
        found.setdefault(name.rpartition("#")[0], []).append(unpack.decompress(body))
    return found


def keep_file(conn: Connection, body: bytes, now: int) -> str:
    """Keep a rendered file once; return its SHA-256, by which it is found again."""
    digest = hashlib.sha256(body).hexdigest()
    append_documents(conn, SOURCE, [_Body(FILES, digest, body)], now)
    return digest


def file_of(conn: Connection, digest: str) -> bytes:
    """Return a kept file; StoreError where it is gone or no longer what it was."""
    d = raw_document.c
    asked = select(d.body).where(d.source == SOURCE, d.stream == FILES, d.native_id == digest).order_by(d.seq.desc())
    packed = conn.execute(asked.limit(1)).scalar()
    if packed is None:
        raise StoreError(f"the file {digest} is not in the store any more")
    try:
        body = zstandard.ZstdDecompressor().decompress(packed)
    except zstandard.ZstdError:
        body = b""
    if hashlib.sha256(body).hexdigest() != digest:
        raise StoreError(f"the file {digest} was altered in the store")
    return body


def ids_of(conn: Connection, kind: str) -> list[str]:
    """List the ids of all records of a kind."""
    return list(conn.scalars(select(record.c.id).where(record.c.kind == kind).order_by(record.c.id)))


def decisions_on(conn: Connection, subjects: Collection[str]) -> list[Decided]:
    """List the decisions on these records that other sources than the hub have told of, by instant."""
    a, about, who = kind_tables["approval"].c, record.alias(), record.alias()
    own = record.alias()
    asked = (
        select(
            about.c.id,
            own.c.id,
            a.subject_revision,
            who.c.id,
            who.c.canonical,
            a.decision,
            a.decided_at,
            a.withdrawn_at,
        )
        .select_from(
            kind_tables["approval"]
            .join(about, about.c.sid == a.subject_id)
            .join(who, who.c.sid == a.approver)
            .join(own, own.c.sid == a.sid)
        )
        .where(about.c.id.in_(sorted(subjects)), own.c.source != SOURCE, a.vanished_at.is_(None))
        .where(a.decision.is_not(None), a.decided_at.is_not(None))
        .order_by(a.decided_at, own.c.id)
    )
    return [Decided(*row) for row in conn.execute(asked)]


def roles_at(conn: Connection, human: int, at: int) -> frozenset[str]:
    """Name the roles a human holds at an instant; `role@service id` too where the role is for one service."""
    duty, named, service = kind_tables["role_assignment"].c, record.alias(), record.alias()
    asked = (
        select(duty.role, service.c.id)
        .select_from(
            kind_tables["role_assignment"]
            .join(named, named.c.sid == duty.person)
            .outerjoin(service, service.c.sid == duty.service)
        )
        .where(named.c.canonical == human, *_held(duty, at))
    )
    return frozenset(
        name for role, of in conn.execute(asked) if role for name in (role, *([f"{role}@{of}"] if of else []))
    )


def human_of(conn: Connection, person: str) -> Human | None:
    """Return whoever an id stands for: a person, or the one behind a login."""
    found = _people(conn, record.c.id == person)
    return found[0]._replace(person=person) if found else None


def humans_of(
    conn: Connection, *, person: str | None, role: str | None, service: str | None, team: str | None, at: int
) -> list[Human]:
    """List who is meant by a person, a role (for a service), the members of a team, or the owner of a service."""
    found: list[Human] = []
    if person is not None:
        found += _people(conn, record.c.id == person)
    if team is not None:
        group = record.alias()
        members = select(link.c.target).join(group, group.c.sid == link.c.sid)
        found += _people(conn, record.c.sid.in_(members.where(group.c.id == team, link.c.type == "members")))
    of = record.alias()
    if role is not None:
        duty = kind_tables["role_assignment"].c
        holding = select(duty.person).where(duty.role == role, *_held(duty, at))
        if service is not None:
            holding = holding.outerjoin(of, of.c.sid == duty.service).where(
                or_(duty.service.is_(None), of.c.id == service)
            )
        found += _people(conn, record.c.sid.in_(holding))
    elif service is not None:
        owned = kind_tables["service"].c
        found += _people(
            conn, record.c.sid.in_(select(owned.owner).join(of, of.c.sid == owned.sid).where(of.c.id == service))
        )
    once: dict[int, Human] = {}
    for one in found:
        once.setdefault(one.human, one)
    return list(once.values())


def _people(conn: Connection, condition: ColumnElement[bool]) -> list[Human]:
    human, person = record.alias(), kind_tables["person"].c
    asked = (
        select(human.c.id, human.c.sid, person.email)
        .select_from(record)
        .join(human, human.c.sid == record.c.canonical)
        .join(kind_tables["person"], person.sid == human.c.sid)
        .where(condition, person.vanished_at.is_(None))
        .order_by(human.c.id)
    )
    found = {row.sid: Human(row.id, row.sid, row.email[0] if row.email else "") for row in conn.execute(asked)}
    return list(found.values())


def _held(duty: Any, at: int) -> Iterable[ColumnElement[bool]]:
    yield or_(duty["from_"].is_(None), duty["from_"] <= at)
    yield or_(duty.to.is_(None), duty.to > at)
    yield duty.vanished_at.is_(None)
