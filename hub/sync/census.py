"""When a source is asked what vanished: on a schedule of its own, again until the answer was whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hub.store import reading
from hub.store.store import Connection
from hub.sync.source import Slice

__all__ = ["LastCensus", "keep_census", "last_census"]

_EARLY = 20
"""A census is due a twentieth of its period early: cron does not start to the second."""


@dataclass(frozen=True, slots=True)
class LastCensus:
    """What is kept of the censuses of a source."""

    done_at: int | None = None
    """When the last whole one began, UTC milliseconds; None = there was none."""
    reasons: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(stream, scope) -> why the census after it was not whole."""
    closed: frozenset[tuple[str, str]] = frozenset()
    """(stream, scope) that could not be read then: what vanished from there is asked as soon as it can."""

    def due(self, every_ms: int | None, now: int) -> bool:
        """Tell whether it is time; `every_ms` None = never."""
        if every_ms is None:
            return False
        return self.done_at is None or now - self.done_at >= every_ms - every_ms // _EARLY or now < self.done_at

    def reopened(self, parts: Iterable[Slice]) -> bool:
        """Tell whether something can be read now that was closed when it was last asked what vanished."""
        return any(part.unreadable is None and (part.stream, part.scope) in self.closed for part in parts)


def last_census(conn: Connection, source: str) -> LastCensus:
    """Read what is kept."""
    kept = reading.get_cursor(conn, source, reading.CENSUS, "") or {}
    reasons = {(stream, scope): reason for stream, scope, reason in kept.get("reasons", [])}
    closed = frozenset((stream, scope) for stream, scope in kept.get("closed", []))
    return LastCensus(kept.get("done_at"), reasons, closed)


def keep_census(conn: Connection, source: str, state: LastCensus, *, at: int) -> None:
    """Keep it; a row beside the cursors of the source's own streams."""
    reasons = [[stream, scope, reason] for (stream, scope), reason in sorted(state.reasons.items())]
    kept = {"done_at": state.done_at, "reasons": reasons, "closed": [list(one) for one in sorted(state.closed)]}
    reading.set_cursor(conn, source, reading.CENSUS, "", kept, committed_at=at)
