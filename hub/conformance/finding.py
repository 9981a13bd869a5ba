"""The life of a nonconformity: first seen, open, cured late, waived, withdrawn, reopened. Never twice.

A finding is kept under the key of its obligation. It opens when the obligation is judged not met after
`judge_from`; late evidence cures it; a waiver covers it and its end uncovers it; a corrected record
withdraws it. A source that can no longer be read changes nothing: a proven violation stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, bindparam, func, insert, select, update

from hub.conformance.answer import FindingRow
from hub.conformance.finding_past import open_after, states_known
from hub.conformance.judge import Judgement
from hub.conformance.listing import reason_of
from hub.conformance.pack import CatalogueEntry
from hub.conformance.redefinition import redefined
from hub.conformance.subject import evidence_of, opener, subjects
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["DEFAULT_DUE_DAYS", "FindingChange", "list_findings", "update_findings"]

_finding = metadata.tables["finding"]
_event = metadata.tables["finding_event"]
_record = metadata.tables["record"]
_link = metadata.tables["link"]
_DAY_MS = 86_400_000
DEFAULT_DUE_DAYS: Mapping[str, int] = {"critical": 7, "major": 30, "minor": 90}
"""Days after first sight by which a finding is to be dealt with, by severity."""
State = Literal["open", "cured", "waived", "withdrawn"]


class FindingChange(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a finding; handed to `hub_observe_finding`."""

    id: int
    requirement: str
    part: str
    unit: str
    """Id of the record."""
    before: str | None
    """State before; None = new."""
    after: str


def update_findings(
    judgement: Judgement,
    *,
    now: int,
    due_days: Mapping[str, int] = DEFAULT_DUE_DAYS,
    default_owner: str | None = None,
) -> list[FindingChange]:
    """Bring findings up to date with the verdicts of `judgement`; the same verdicts twice change nothing.

    An owner is the subject's owner, else the owner of its service, else who holds the process role of
    the requirement, else `default_owner`.
    """
    conn = judgement.conn
    wanted = _wanted(judgement)
    known = {(row.part, row.unit, row.anchor): row for row in conn.execute(select(_finding))}
    fresh = {key: row for key, row in wanted.items() if key not in known}
    changes: list[tuple[int, Any, str | None, State]] = []
    owners = _owners(judgement, fresh, default_owner)
    next_id = (conn.scalar(select(func.max(_finding.c.fid))) or 0) + 1
    inserted = []
    for fid, (key, row) in enumerate(sorted(fresh.items()), start=next_id):
        state = _state_of(row, judgement)
        severity = _severity(judgement, row.part)
        inserted.append(
            {
                "fid": fid,
                "part": key[0],
                "unit": key[1],
                "anchor": key[2],
                "state": state,
                "breached_at": row.due_at,
                "first_seen_at": now,
                "state_at": now,
                "cured_at": row.met_at if state == "cured" else None,
                "reopened": 0,
                "owner": owners.get(row.unit if row.unit in owners else -row.part),
                "due_at": now + due_days[severity] * _DAY_MS,
            }
        )
        changes.append((fid, key, None, state))
    if inserted:
        conn.execute(insert(_finding), inserted)
    changes += _move(judgement, known, wanted, now)
    if changes:
        conn.execute(insert(_event), [{"fid": fid, "at": now, "state": state} for fid, _, _, state in changes])
    return _described(judgement, changes)


def _wanted(judgement: Judgement) -> dict[tuple[int, int, int], Any]:
    """Return the obligations that are violations now, by key."""
    rows = judgement.rows("j.*", where="j.verdict IN ('not_met', 'waived') AND NOT j.baseline")
    return {(row.part, row.unit, row.anchor): row for row in rows}


def _state_of(row: Any, judgement: Judgement) -> State:
    if row.verdict == "waived":
        return "waived"
    late = row.met_at is not None and row.due_at < row.met_at <= judgement.as_of
    return "cured" if late else "open"


def _move(
    judgement: Judgement, known: Mapping[Any, Any], wanted: Mapping[Any, Any], now: int
) -> list[tuple[int, Any, str | None, State]]:
    """Change the state of findings that are known already."""
    gone = {key for key, row in known.items() if key not in wanted and row.state != "withdrawn"}
    hidden = _not_provable(judgement) if gone else set()
    moved: list[dict[str, Any]] = []
    changes: list[tuple[int, Any, str | None, State]] = []
    for key, row in known.items():
        if key in wanted:
            state = _state_of(wanted[key], judgement)
            cured_at = wanted[key].met_at if state == "cured" else None
        elif key in hidden or row.state == "withdrawn":
            continue
        else:
            state, cured_at = "withdrawn", None
        if state == row.state and cured_at == row.cured_at:
            continue
        again = state == "open" and row.state in ("cured", "withdrawn", "waived")
        moved.append(
            {"which": row.fid, "state": state, "state_at": now, "cured_at": cured_at, "reopened": row.reopened + again}
        )
        if state != row.state:
            changes.append((row.fid, key, row.state, state))
    if moved:
        values: dict[str, Any] = {name: bindparam(name) for name in ("state", "state_at", "cured_at", "reopened")}
        conn = judgement.conn
        conn.execute(update(_finding).where(_finding.c.fid == bindparam("which")).values(**values), moved)
    return changes


def _not_provable(judgement: Judgement) -> set[tuple[int, int, int]]:
    rows = judgement.rows("j.part, j.unit, j.anchor", where="j.verdict = 'not_provable'")
    return {(row.part, row.unit, row.anchor) for row in rows}


def _severity(judgement: Judgement, part: int) -> str:
    return _entry(judgement, part).severity


def _entry(judgement: Judgement, part: int) -> CatalogueEntry:
    wanted = judgement.parts[part].requirement
    return next(one.entry for one in judgement.requirements if one.id == wanted)


def _owners(judgement: Judgement, fresh: Mapping[Any, Any], default_owner: str | None) -> dict[int, int | None]:
    """Return unit -> owner; under minus the part's number, who holds the process role."""
    conn = judgement.conn
    units = {row.unit for row in fresh.values()}
    owners: dict[int, int | None] = {}
    by_kind: dict[str, list[int]] = defaultdict(list)
    for chunk in _chunks(sorted(units)):
        for row in conn.execute(select(_record.c.sid, _record.c.kind).where(_record.c.sid.in_(chunk))):
            by_kind[row.kind or ""].append(row.sid)
    for kind, sids in by_kind.items():
        if kind in kind_tables:
            owners |= _column(conn, kind_tables[kind], sids)
    service = kind_tables["service"]
    rest = sorted(units - owners.keys())
    for chunk in _chunks(rest):
        rows = conn.execute(
            select(_link.c.sid, func.min(service.c.owner))
            .join(service, service.c.sid == _link.c.target)
            .where(_link.c.type == "service_ids", _link.c.sid.in_(chunk), service.c.owner.is_not(None))
            .group_by(_link.c.sid)
        )
        owners |= {row[0]: row[1] for row in rows}
    fallback = None
    if default_owner is not None:
        fallback = conn.scalar(select(_record.c.sid).where(_record.c.id == default_owner))
    for part in {row.part for row in fresh.values()}:
        owners[-part] = _holder(judgement, _entry(judgement, part).role) or fallback
    return owners


def _column(conn: Connection, table: Any, sids: Sequence[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for chunk in _chunks(sids):
        rows = conn.execute(
            select(table.c.sid, func.coalesce(_record.c.canonical, table.c.owner))
            .join(_record, _record.c.sid == table.c.owner)
            .where(table.c.sid.in_(chunk))
        )
        found |= {row[0]: row[1] for row in rows}
    return found


def _holder(judgement: Judgement, role: str) -> int | None:
    """Return who holds a process role at the as-of; the first by id where several do."""
    duty = kind_tables["role_assignment"]
    holder: int | None = judgement.conn.scalar(
        select(func.min(duty.c.person)).where(
            duty.c.role == role,
            func.coalesce(duty.c.from_, 0) <= judgement.as_of,
            func.coalesce(duty.c.to, judgement.as_of + 1) > judgement.as_of,
            duty.c.vanished_at.is_(None),
        )
    )
    return holder


def _chunks(values: Sequence[int]) -> Iterable[Sequence[int]]:
    return (values[start : start + 500] for start in range(0, len(values), 500))


def _described(judgement: Judgement, changes: Sequence[tuple[int, Any, str | None, State]]) -> list[FindingChange]:
    names = subjects(judgement.conn, (key[1] for _, key, _, _ in changes))
    described = []
    for fid, key, before, after in changes:
        part = judgement.parts.get(key[0])
        if part is not None:
            described.append(
                FindingChange(
                    id=fid,
                    requirement=part.requirement,
                    part=part.name,
                    unit=names[key[1]].id,
                    before=before,
                    after=after,
                )
            )
    return described


def list_findings(judgement: Judgement, *, states: Iterable[str] = ()) -> list[FindingRow]:
    """List findings of the enabled requirements, critical first, then the oldest breach; `states` empty = all.

    Their state is that of the judgement's known-at; who deals with one is as it is now.
    """
    chosen = set(states)
    wanted = _wanted(judgement)
    known = judgement.conn.execute(select(_finding)).all()
    rows = [
        row
        for row in (known if judgement.known_at is None else states_known(judgement.conn, known, judgement.known_at))
        if row.part in judgement.parts and (not chosen or row.state in chosen)
    ]
    sids = [sid for row in rows for sid in (row.unit, row.owner, row.anchor)]
    units = subjects(judgement.conn, sids, judgement.known_at)
    proofs = evidence_of(judgement.conn, (one.evidence for one in wanted.values()), judgement.known_at)
    ours = redefined(judgement.conn)
    unwaived = open_after(judgement.conn, "waived", judgement.known_at)
    order = {"critical": 0, "major": 1, "minor": 2}
    listed = []
    for row in rows:
        part, entry = judgement.parts[row.part], _entry(judgement, row.part)
        now = wanted.get((row.part, row.unit, row.anchor))
        listed.append(
            FindingRow(
                id=row.fid,
                requirement=part.requirement,
                part=part.name,
                clause=entry.clause,
                severity=entry.severity,
                unit=units[row.unit],
                anchor=row.anchor,
                opened_by=opener(units, row.anchor),
                state=row.state,
                expected=part.words.asks,
                found=reason_of(judgement, now) if now is not None else part.words.missing,
                action=part.words.remedy,
                breached_at=row.breached_at,
                first_seen_at=row.first_seen_at,
                state_at=row.state_at,
                cured_at=_cured_at(row, now),
                reopened=row.reopened,
                owner=units.get(row.owner),
                due_at=row.due_at,
                evidence=[proofs[now.evidence]] if now is not None and now.evidence is not None else [],
                unwaived=row.state == "open" and row.fid in unwaived,
                by_rules=(row.part, row.unit, row.anchor) in ours,
            )
        )
    return sorted(listed, key=lambda one: (order[one.severity], one.breached_at, one.requirement, one.id))


def _cured_at(row: Any, now: Any) -> int | None:
    """Return when a finding was cured; a past state does not say, what was then judged does."""
    if row.state == "cured" and row.cured_at is None and now is not None:
        cured: int | None = now.met_at
        return cured
    kept: int | None = row.cured_at
    return kept
