"""What putting a backup in the place of a store brings back that was taken out of the store since."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, inspect, select

from hub.store.tables import disposal_run, erased_person, raw_document, record

__all__ = ["Undone", "undone_by"]


@dataclass(frozen=True, slots=True)
class Undone:
    """Disposals and erasures the former store has in its log, and the backup does not."""

    disposals: int
    erasures: int
    people: tuple[str, ...]
    """Ids, as the backup has them, to erase again: logins come with their human. Empty where the backup
    was not made of this store, for its numbers of persons then mean others."""


def undone_by(backup: Connection, former: Connection) -> Undone:
    """Compare the logs of two stores, of any schema; one that was killed halfway counts as not done."""
    done, kept = _log(former), _log(backup)
    lost = {did: entry for did, entry in done.items() if kept.get(did) != entry}
    erasures = [did for did, (kind, *_) in lost.items() if kind == "erasure"]
    people = _people(backup, former, erasures) if erasures and _stems_from(backup, former) else ()
    return Undone(len(lost) - len(erasures), len(erasures), people)


def _log(conn: Connection) -> dict[int, tuple[str, int, int | None]]:
    if not inspect(conn).has_table(disposal_run.name):
        return {}
    return {row.did: (row.type, row.begun_at, row.finished_at) for row in conn.execute(select(disposal_run))}


def _stems_from(backup: Connection, former: Connection) -> bool:
    """Tell whether every chain of documents of the backup goes on in the store."""
    d = raw_document.c
    last = select(d.source, func.max(d.seq).label("seq")).group_by(d.source).subquery()
    ends = select(d.source, d.seq, d.chain).join(last, and_(last.c.source == d.source, last.c.seq == d.seq))
    return all(
        former.execute(select(d.chain).where(d.source == end.source, d.seq == end.seq)).scalar() == end.chain
        for end in backup.execute(ends)
    )


def _people(backup: Connection, former: Connection, erasures: list[int]) -> tuple[str, ...]:
    sids = set(former.execute(select(erased_person.c.sid).where(erased_person.c.did.in_(erasures))).scalars())
    r = record.c
    rows = backup.execute(select(r.sid, r.id, r.canonical).where(r.sid.in_(sids), r.kind == "person")).all()
    return tuple(sorted(row.id for row in rows if row.canonical == row.sid or row.canonical not in sids))
