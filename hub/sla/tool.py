"""The tool's own clocks beside the hub's: evidence to compare with, not the truth (R12).

A source tells them in `tool_sla`: name -> `cycles`, each with `start`, `due`, `stop` (UTC ms), `target_s`,
`counted_s`, `missed`, `paused`, as far as the tool says. A reopened ticket has several cycles; they are one clock.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from hub.sla.attainment import TicketClock
from hub.store.bulk import among
from hub.store.schema import kind_tables

__all__ = ["TOLERANCE_S", "Comparison", "ToolClock", "compare"]

TOLERANCE_S = 60
"""Differences up to this long are none."""
_WORDS = (("onsite", ("site", "visit")), ("response", ("respon", "reply")), ("resolution", ("resol", "done", "fix")))
"""Clock -> words in the name a tool gives its own."""
_DECIDED = ("met", "missed", "breached")
_KINDS = ("incident", "request", "security_incident")


@dataclass(frozen=True, slots=True)
class ToolClock:
    """One clock as the tool keeps it; instants in UTC ms, None = it does not say."""

    name: str
    started_at: int | None
    due_at: int | None
    stopped_at: int | None
    target_s: int | None
    counted_s: int | None
    missed: bool | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both computations of one clock, side by side."""

    ours: TicketClock
    theirs: ToolClock
    differences: Mapping[str, int | None]
    """Field -> seconds by which the tool's figure is larger, where that is more than a minute; None = only one of
    the two has stopped, or they disagree whether the promise was kept (`result`)."""


def compare(conn: Connection, clocks: Collection[TicketClock]) -> tuple[list[Comparison], int]:
    """Set clocks beside the tool's; return them and how many of the clocks the tool has none for.

    What either does not tell, or the hub cannot compute, is not compared.
    """
    told = dict(_told(conn, {one.sid for one in clocks}))
    found, alone = [], 0
    for ours in clocks:
        theirs = [one for one in told.get(ours.sid, ()) if _metric(one.name) == ours.metric]
        alone += not theirs
        found += [Comparison(ours, one, _differences(ours, one)) for one in theirs]
    return found, alone


def _told(conn: Connection, sids: Collection[int]) -> Iterator[tuple[int, list[ToolClock]]]:
    for kind in _KINDS:
        c: Any = kind_tables[kind].c
        wanted = select(c.sid, c.tool_sla).where(among(conn, c.sid, sorted(sids)), c.tool_sla.is_not(None))
        for sid, kept in conn.execute(wanted):
            content = json.loads(kept) if isinstance(kept, str) else kept
            yield sid, [clock for name, one in content.items() if (clock := _clock(str(name), one)) is not None]


def _clock(name: str, told: Any) -> ToolClock | None:
    cycles = told.get("cycles") if isinstance(told, dict) else None
    if not isinstance(cycles, list) or not cycles:
        return None
    last = cycles[-1]
    counted = [one.get("counted_s") for one in cycles]
    missed = [one.get("missed") for one in cycles]
    return ToolClock(
        name=name,
        started_at=cycles[0].get("start"),
        due_at=last.get("due"),
        stopped_at=last.get("stop"),
        target_s=last.get("target_s"),
        counted_s=None if None in counted else sum(counted),
        missed=True if True in missed else None if None in missed else False,
    )


def _metric(name: str) -> str | None:
    folded = name.lower()
    return next((metric for metric, words in _WORDS if any(word in folded for word in words)), None)


def _differences(ours: TicketClock, theirs: ToolClock) -> dict[str, int | None]:
    if ours.lacks:
        return {}
    pairs = {
        "start": (ours.started_at, theirs.started_at, 1000),
        "due": (ours.due_at, theirs.due_at, 1000),
        "stop": (ours.stopped_at, theirs.stopped_at, 1000),
        "counted": (ours.counted_s, theirs.counted_s, 1),
        "target": (ours.target_s, theirs.target_s, 1),
    }
    found: dict[str, int | None] = {}
    for name, (mine, other, scale) in pairs.items():
        if mine is not None and other is not None and abs(other - mine) > TOLERANCE_S * scale:
            found[name] = (other - mine) // scale
    if (ours.stopped_at is None) != (theirs.stopped_at is None):
        found["stop"] = None
    if ours.state in _DECIDED and theirs.missed is not None and (ours.state != "met") != theirs.missed:
        found["result"] = None
    return found
