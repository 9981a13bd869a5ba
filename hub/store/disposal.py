"""Dispose of bodies that have served their time; what was disposed of, why and by whose leave stays on record.

Hash and place in the chain of a document stay, so that the chain still verifies. Work goes in bounded
transactions under one number (`disposal_run`); one that was killed is closed as it stands by the next,
which does the rest under its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, select, update

from hub.errors import StoreError
from hub.store.retention import Due, Plan, past_states
from hub.store.store import Store
from hub.store.tables import disposal_run, raw_document, record, revision

__all__ = [
    "Authority",
    "Disposal",
    "begin_disposal",
    "close_interrupted",
    "digest_of_run",
    "disposals",
    "dispose",
    "finish",
    "scrub",
]

Kind = Literal["rule", "erasure"]
_OPEN = "is in use, so what was removed may still stand in its file; end other hub processes, then: hub retention scrub"
BATCH = 200
"""Documents, with all their versions, that one transaction disposes of."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Who does it, by whose leave, and why."""

    login: str
    """Name at the machine."""
    operator: int
    """record.sid of the human behind the login."""
    approver: int
    """record.sid of another human."""
    reason: str


@dataclass(frozen=True, slots=True)
class Disposal:
    """One entry of the log."""

    did: int
    type: Kind
    rule: str | None
    reason: str
    login: str
    operator: str
    approver: str
    begun_at: int
    finished_at: int | None
    """None = it was killed, or is running."""
    documents: int
    states: int
    oldest: int | None
    newest: int | None
    digest: str | None
    """SHA-256 over the hashes of what was disposed of."""
    summary: dict[str, Any]


def begin_disposal(
    conn: Connection, kind: Kind, authority: Authority, *, at: int, rule: str | None = None, **told: Any
) -> int:
    """Open an entry of the log; return its number. `told` goes into its summary."""
    did = int(conn.execute(select(func.coalesce(func.max(disposal_run.c.did), 0))).scalar_one()) + 1
    conn.execute(
        insert(disposal_run),
        {
            "did": did,
            "type": kind,
            "rule": rule,
            "reason": authority.reason,
            "operator": authority.login,
            "operated_by": authority.operator,
            "approver": authority.approver,
            "begun_at": at,
            "documents": 0,
            "states": 0,
            "summary": told,
        },
    )
    return did


def dispose(store: Store, plan: Plan, authority: Authority, *, now: int, batch: int = BATCH) -> int | None:
    """Carry out what a plan found due; return the number in the log, None where nothing was due.

    Nobody else may read sources or derive meanwhile: what the plan saw must still hold.
    """
    if not plan.due:
        return None
    with store.begin() as conn:
        _forget_what_goes(conn)
        did = begin_disposal(
            conn, "rule", authority, at=now, rule=plan.rule.name, before=plan.rule.before, held=dict(plan.held)
        )
        ages = {"oldest": min(one.at for one in plan.due), "newest": max(one.at for one in plan.due)}
        conn.execute(update(disposal_run).where(disposal_run.c.did == did).values(ages))
    for start in range(0, len(plan.due), batch):
        with store.begin() as conn:
            _forget_what_goes(conn)
            for one in plan.due[start : start + batch]:
                if plan.rule.states:
                    _dispose_states(conn, one, plan.rule.before, did)
                if plan.rule.documents:
                    _dispose_documents(conn, one, did, now)
    with store.begin() as conn:
        finish(conn, did, at=now)
    return did


def _forget_what_goes(conn: Connection) -> None:
    """Have SQLite write over what is removed, as it is removed."""
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA secure_delete=ON")


def _dispose_states(conn: Connection, one: Due, before: int, did: int) -> None:
    gone = past_states(one, before).subquery()
    conn.execute(
        update(revision)
        .where(
            select(gone.c.sid).where(gone.c.sid == revision.c.sid, gone.c.known_from == revision.c.known_from).exists()
        )
        .values(body=b"", disposal=did)
    )


def _dispose_documents(conn: Connection, one: Due, did: int, now: int) -> None:
    d = raw_document.c
    conn.execute(
        update(raw_document)
        .where(d.source == one.source, d.stream == one.stream, d.native_id == one.native_id, d.body.is_not(None))
        .values(body=None, disposed_at=now, disposal=did)
    )


def finish(conn: Connection, did: int, *, at: int, **told: Any) -> None:
    """Close an entry of the log with what was done: counts, and one hash over all hashes."""
    documents, states, digest = digest_of_run(conn, did)
    summary = conn.execute(select(disposal_run.c.summary).where(disposal_run.c.did == did)).scalar_one()
    conn.execute(
        update(disposal_run)
        .where(disposal_run.c.did == did)
        .values(finished_at=at, documents=documents, states=states, digest=digest, summary={**summary, **told})
    )


def close_interrupted(conn: Connection, *, at: int) -> list[int]:
    """Close the disposals by rule that were killed, with what they had done; return their numbers."""
    killed = (
        select(disposal_run.c.did)
        .where(disposal_run.c.finished_at.is_(None), disposal_run.c.type == "rule")
        .order_by(disposal_run.c.did)
    )
    found = list(conn.execute(killed).scalars())
    for did in found:
        finish(conn, did, at=at, interrupted=True)
    return found


def digest_of_run(conn: Connection, did: int) -> tuple[int, int, str]:
    """Count the documents and states that are gone by a disposal, and hash their hashes in order."""
    state = hashlib.sha256()
    documents = states = 0
    d, r = raw_document.c, revision.c
    for doc, digest, chain in conn.execute(
        select(d.doc, d.hash, d.chain).where(d.disposal == did).order_by(d.doc).execution_options(yield_per=1000)
    ):
        state.update(doc.to_bytes(8, "big") + digest + chain)
        documents += 1
    for sid, known_from, digest in conn.execute(
        select(r.sid, r.known_from, r.hash)
        .where(r.disposal == did)
        .order_by(r.sid, r.known_from)
        .execution_options(yield_per=1000)
    ):
        state.update(sid.to_bytes(8, "big") + known_from.to_bytes(8, "big", signed=True) + digest)
        states += 1
    return documents, states, state.hexdigest()


def disposals(conn: Connection, dids: Sequence[int] | None = None) -> Iterator[Disposal]:
    """Yield the log, the oldest entry first."""
    operator, approver, log = record.alias(), record.alias(), disposal_run.c
    asked = (
        select(disposal_run, operator.c.id.label("by"), approver.c.id.label("leave"))
        .outerjoin(operator, operator.c.sid == log.operated_by)
        .outerjoin(approver, approver.c.sid == log.approver)
        .order_by(log.did)
    )
    for row in conn.execute(asked if dids is None else asked.where(log.did.in_(dids))):
        yield Disposal(
            row.did,
            row.type,
            row.rule,
            row.reason,
            row.operator,
            row.by,
            row.leave,
            row.begun_at,
            row.finished_at,
            row.documents,
            row.states,
            row.oldest,
            row.newest,
            row.digest,
            row.summary,
        )


def scrub(store: Store) -> None:
    """Rewrite the database without what was removed, so that no page and no log of it holds a trace.

    Raises StoreError where others keep it open. PostgreSQL: its write-ahead log and backups are not reached.
    """
    statements = ["VACUUM FULL"]
    if store.dialect == "sqlite":
        statements = ["PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"]
    # Past SQLAlchemy, which would begin a transaction; VACUUM stands in none.
    connection = store.engine.raw_connection()
    faults = store.engine.dialect.loaded_dbapi.Error
    try:
        driver: Any = connection.driver_connection
        connection.detach()
        if store.dialect == "postgresql":
            driver.autocommit = True
        for statement in statements:
            answer = driver.execute(statement)
            if "checkpoint" in statement and answer.fetchone()[0]:
                raise StoreError(f"{store.place} {_OPEN}")
    except faults as error:
        raise StoreError(f"{store.place} {_OPEN} ({error})") from error
    finally:
        connection.close()
