"""Findings as they stood at an earlier instant, told from their events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, select

from hub.store.tables import finding_event

__all__ = ["open_after", "states_known"]


def states_known(conn: Connection, rows: Iterable[Any], known_at: int) -> list[Any]:
    """Return rows of findings with the state they had at `known_at`; those first seen later are left out.

    `cured_at` stays only where nothing happened to a finding since.
    """
    past: dict[int, list[Any]] = defaultdict(list)
    e = finding_event.c
    for event in conn.execute(select(e.fid, e.at, e.state).where(e.at <= known_at).order_by(e.fid, e.at)):
        past[event.fid].append(event)
    return [_as_was(row, past[row.fid], known_at) for row in rows if row.first_seen_at <= known_at and row.fid in past]


def open_after(conn: Connection, before: str, known_at: int | None = None) -> set[int]:
    """Return the findings that went from a state straight to open, by the last that happened to them."""
    e = finding_event.c
    asked = select(e.fid, e.state).order_by(e.fid, e.at)
    if known_at is not None:
        asked = asked.where(e.at <= known_at)
    again = select(e.fid).where(e.state == before)
    last: dict[int, list[str]] = defaultdict(list)
    for event in conn.execute(asked.where(e.fid.in_(again))):
        last[event.fid] = [*last[event.fid][-1:], event.state]
    return {fid for fid, states in last.items() if states == [before, "open"]}


def _as_was(row: Any, events: list[Any], known_at: int) -> Any:
    if row.state_at <= known_at:
        return row
    last = events[-1]
    again = sum(one.state == "open" for one in events[1:])
    changed = {"state": last.state, "state_at": last.at, "cured_at": None, "reopened": again}
    return SimpleNamespace(**{**row._mapping, **changed})  # noqa: SLF001 - SQLAlchemy's public name for a row's columns
