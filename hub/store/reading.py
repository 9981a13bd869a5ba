"""What reading the sources leaves behind besides records: cursors, coverage, provisions, the run log.

Every function works in the caller's transaction (`Store.begin`, `Store.connect`). Instants are UTC
milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, bindparam, case, func, insert, or_, select, update

from hub.store.census import CensusCount, mark_vanished
from hub.store.document import KeptDocument, documents_for_replay
from hub.store.tables import coverage, provision, sync_cursor, sync_run

__all__ = [
    "CENSUS",
    "CensusCount",
    "Covered",
    "KeptDocument",
    "Run",
    "coverage_rows",
    "documents_for_replay",
    "finish_run",
    "forget_coverage",
    "forget_cursors",
    "get_cursor",
    "last_censuses",
    "last_runs",
    "last_successes",
    "mark_vanished",
    "record_coverage",
    "set_cursor",
    "set_provisions",
    "start_run",
    "words_since",
]

CENSUS = "hub:census"
"""Stream of the row that keeps when it was last found out what vanished: `done_at`, and `reasons` if not whole."""


class Covered(NamedTuple):
    """How far a kind of one scope of one source was read."""

    source: str
    scope: str
    kind: str
    through: int | None
    """Everything up to here was read; None = never."""
    reason: str | None
    """Why not further; None = the last reading was complete."""
    known_from: int


class Run(NamedTuple):
    """One reading of one source."""

    run: int
    source: str
    started_at: int
    finished_at: int | None
    """None = it was killed, or still runs."""
    complete: bool
    summary: dict[str, Any]


class _Provision(Protocol):
    """What a source can say of a kind (`hub.sync.source.Provision`)."""

    @property
    def kind(self) -> str: ...
    @property
    def fields(self) -> frozenset[str]: ...
    @property
    def within_subject(self) -> bool: ...


# -- cursors ----------------------------------------------------------------------------------


def get_cursor(conn: Connection, source: str, stream: str, scope: str) -> dict[str, Any] | None:
    """Return where to go on reading a slice, None = from the beginning."""
    found: dict[str, Any] | None = conn.execute(_CURSOR, _slice(source, stream, scope)).scalar_one_or_none()
    return found


def set_cursor(
    conn: Connection, source: str, stream: str, scope: str, cursor: Mapping[str, Any], *, committed_at: int
) -> None:
    """Remember where to go on; nothing is written when it is there already."""
    before = get_cursor(conn, source, stream, scope)
    if before == cursor:
        return
    values = {"cursor": dict(cursor), "committed_at": committed_at}
    if before is None:
        conn.execute(insert(sync_cursor), [{"source": source, "stream": stream, "scope": scope, **values}])
    else:
        conn.execute(_MOVE_CURSOR, {**_slice(source, stream, scope), **values})


def forget_cursors(conn: Connection, source: str) -> None:
    """Let the next run read the source from the beginning."""
    conn.execute(sync_cursor.delete().where(sync_cursor.c.source == source))


def last_censuses(conn: Connection, *, known_at: int | None = None) -> dict[str, int]:
    """Tell when the last whole census of each source began, where that was no later than `known_at`."""
    kept = conn.execute(select(sync_cursor.c.source, sync_cursor.c.cursor).where(sync_cursor.c.stream == CENSUS))
    done = {row.source: row.cursor.get("done_at") for row in kept}
    return {source: at for source, at in done.items() if at is not None and (known_at is None or at <= known_at)}


def _slice(source: str, stream: str, scope: str) -> dict[str, str]:
    return {"of_source": source, "of_stream": stream, "of_scope": scope}


_OF_SLICE = (
    (sync_cursor.c.source == bindparam("of_source"))
    & (sync_cursor.c.stream == bindparam("of_stream"))
    & (sync_cursor.c.scope == bindparam("of_scope"))
)
_CURSOR = select(sync_cursor.c.cursor).where(_OF_SLICE)
_MOVE_CURSOR = update(sync_cursor).where(_OF_SLICE)


# -- coverage ---------------------------------------------------------------------------------


_REACHED = select(coverage.c.cid, coverage.c.through, coverage.c.reason, coverage.c.known_from).where(
    coverage.c.source == bindparam("of_source"),
    coverage.c.scope == bindparam("of_scope"),
    coverage.c.kind == bindparam("of_kind"),
    coverage.c.known_to.is_(None),
)
_END_REACH = update(coverage).where(coverage.c.cid == bindparam("which")).values(known_to=bindparam("at"))
_REACH = insert(coverage)


def record_coverage(
    conn: Connection,
    source: str,
    scope: str,
    kind: str,
    *,
    through: int | None,
    reason: str | None,
    known_at: int,
) -> None:
    """Say how far a kind of a scope was read; what was known before stays answerable.

    With `reason` (the reading failed or was not whole) coverage stays where it was, and says why.
    Nothing is written where nothing differs.
    """
    now = conn.execute(_REACHED, {"of_source": source, "of_scope": scope, "of_kind": kind}).first()
    if reason is not None:
        through = now.through if now else None
    start = known_at
    if now is not None:
        if (now.through, now.reason) == (through, reason):
            return
        start = max(known_at, now.known_from + 1)
        conn.execute(_END_REACH, {"which": now.cid, "at": start})
    conn.execute(
        _REACH,
        [
            {
                "source": source,
                "scope": scope,
                "kind": kind,
                "through": through,
                "reason": reason,
                "known_from": start,
                "known_to": None,
            }
        ],
    )


def forget_coverage(conn: Connection, source: str, scope: str, kind: str, *, known_at: int) -> None:
    """Say no more of a scope that was never read and is not asked for any longer, such as a name that has found its id."""
    conn.execute(
        update(coverage)
        .where(coverage.c.source == source, coverage.c.scope == scope, coverage.c.kind == kind)
        .where(coverage.c.known_to.is_(None))
        .values(known_to=case((coverage.c.known_from < known_at, known_at), else_=coverage.c.known_from + 1))
    )


def coverage_rows(conn: Connection, source: str | None = None, *, known_at: int | None = None) -> list[Covered]:
    """List coverage as known at an instant, None = now; sorted by source, scope, kind."""
    columns = coverage.c
    asked = select(
        columns.source, columns.scope, columns.kind, columns.through, columns.reason, columns.known_from
    ).order_by(columns.source, columns.scope, columns.kind)
    if source is not None:
        asked = asked.where(columns.source == source)
    if known_at is None:
        asked = asked.where(columns.known_to.is_(None))
    else:
        asked = asked.where(
            columns.known_from <= known_at, or_(columns.known_to.is_(None), columns.known_to > known_at)
        )
    return [Covered(*row) for row in conn.execute(asked)]


# -- provisions -------------------------------------------------------------------------------


def set_provisions(conn: Connection, source: str, provided: Iterable[_Provision], known_at: int) -> int:
    """Keep which kinds and fields a source can fill; write the differences only and return how many."""
    wanted: set[tuple[str, str, bool]] = set()
    for one in provided:
        wanted |= {(one.kind, field, one.within_subject) for field in ("", *one.fields)}
    now = {
        (row.kind, row.field, row.within_subject): row
        for row in conn.execute(select(provision).where(provision.c.source == source, provision.c.known_to.is_(None)))
    }
    closed = [now[key] for key in sorted(now.keys() - wanted)]
    opened = sorted(wanted - now.keys())
    start = max([known_at, *(row.known_from + 1 for row in closed)])
    if closed:
        conn.execute(
            update(provision).where(provision.c.pid == bindparam("which")).values(known_to=bindparam("known_to")),
            [{"which": row.pid, "known_to": start} for row in closed],
        )
    if opened:
        conn.execute(
            insert(provision),
            [
                {
                    "source": source,
                    "kind": kind,
                    "field": field,
                    "within_subject": within,
                    "known_from": start,
                    "known_to": None,
                }
                for kind, field, within in opened
            ],
        )
    return len(closed) + len(opened)


# -- run log ----------------------------------------------------------------------------------


def start_run(conn: Connection, source: str, started_at: int) -> int:
    """Write down that reading begins; return the number of the run."""
    row = {"source": source, "started_at": started_at, "finished_at": None, "complete": False, "summary": {}}
    key = conn.execute(insert(sync_run).values(**row)).inserted_primary_key
    assert key is not None  # noqa: S101 - one row was inserted
    return int(key[0])


def finish_run(conn: Connection, run: int, finished_at: int, *, complete: bool, summary: Mapping[str, Any]) -> None:
    """Write down how the run ended; `summary` is JSON-serialisable."""
    conn.execute(
        update(sync_run)
        .where(sync_run.c.run == run)
        .values(finished_at=finished_at, complete=complete, summary=dict(summary))
    )


def last_runs(conn: Connection, source: str | None = None, *, limit: int = 20) -> list[Run]:
    """List runs, newest first."""
    asked = select(sync_run).order_by(sync_run.c.run.desc()).limit(limit)
    if source is not None:
        asked = asked.where(sync_run.c.source == source)
    return [Run(r.run, r.source, r.started_at, r.finished_at, r.complete, r.summary) for r in conn.execute(asked)]


def words_since(conn: Connection, since: int, until: int) -> tuple[int, dict[tuple[str, str, str], int]]:
    """Count what became nothing that can be judged, by source, `unmapped` or `skipped`, and word; and the runs read for it."""
    asked = select(sync_run.c.source, sync_run.c.summary).where(
        sync_run.c.started_at >= since, sync_run.c.started_at <= until
    )
    runs, found = 0, dict[tuple[str, str, str], int]()
    for source, summary in conn.execute(asked):
        runs += 1
        for what in ("unmapped", "skipped"):
            for word, number in (summary.get(what) or {}).items():
                found[source, what, word] = found.get((source, what, word), 0) + number
    return runs, found


def last_successes(conn: Connection) -> dict[str, int]:
    """Return source -> when it was last read whole; one that never was is left out."""
    ended = func.max(sync_run.c.finished_at)
    found = conn.execute(select(sync_run.c.source, ended).where(sync_run.c.complete).group_by(sync_run.c.source))
    return {source: at for source, at in found if at is not None}
