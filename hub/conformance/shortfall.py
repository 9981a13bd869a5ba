"""What a requirement lacks to be provable: kinds no source gives, fields no source fills, scopes nobody read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hub.conformance.horizon import Horizon, Reach
from hub.conformance.part import Part
from hub.conformance.reading import Need

__all__ = ["Shortfall", "holders", "shortfalls"]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One thing that keeps a part from being provable."""

    part: str
    need: Need
    source: str = ""
    """Source that gives the kind but not all of it; empty = none does."""
    missing: frozenset[str] = frozenset()
    """Fields no source fills that would have to."""
    scope: str | None = None
    """Scope that was not read; None = it is not a matter of reading."""
    reason: str = ""
    remedy: str = ""

    @property
    def size(self) -> int:
        """How many lines it takes at least, to compare two states."""
        return max(1, len(self.missing) + (not self.source))


def shortfalls(horizon: Horizon, parts: Iterable[Part], *, needed: int) -> list[Shortfall]:
    """List what keeps parts from being provable; `needed` is the instant through which all must have been read.

    Empty = whatever these parts owe can be decided.
    """
    return list(dict.fromkeys(found for part in parts for found in _of_part(horizon, part, needed)))


def holders(horizon: Horizon, part: Part, need: Need) -> list[str]:
    """List the sources from which a need of a part may be filled."""
    if not need.evidence:
        return horizon.sources(need.kind)
    near = {source for own in part.needs if not own.evidence for source in horizon.sources(own.kind)}
    return [s for s in horizon.sources(need.kind) if s in near or not horizon.is_within_subject(s, need.kind)]


def _of_part(horizon: Horizon, part: Part, needed: int) -> Iterator[Shortfall]:
    for need in part.needs:
        found = holders(horizon, part, need)
        if not found:
            wanted = need.fields or next((one.fields for one in need.alternatives), frozenset())
            yield Shortfall(part.name, need, missing=wanted, reason=f"no source gives any {_words(need.kind)}")
            continue
        lacking = {source: missing for source in found if (missing := horizon.missing(source, need))}
        if lacking and (not need.evidence or len(lacking) == len(found)):
            if need.evidence:  # one source is enough
                nearest = min(lacking, key=lambda source: (len(lacking[source]), source))
                lacking = {nearest: lacking[nearest]}
            for source, missing in lacking.items():
                names = ", ".join(f"{need.kind}.{name}" for name in sorted(missing))
                yield Shortfall(part.name, need, source, missing, reason=f"{source} gives no {names}")
        for source in found:
            yield from _unread(part, need, source, horizon, needed)


def _unread(part: Part, need: Need, source: str, horizon: Horizon, needed: int) -> Iterator[Shortfall]:
    read = horizon.read(source, need.kind) or {"": Reach(None, "")}
    for scope, reach in read.items():
        if reach.through is None or reach.through < needed:
            plain = "was never read" if reach.through is None else "was read too long ago"
            reason = reach.reason or f"{source} {scope} {plain}".replace("  ", " ")
            remedy = reach.remedy if reach.reason else "hub sync"
            yield Shortfall(part.name, need, source, scope=scope, reason=reason, remedy=remedy)


def _words(kind: str) -> str:
    return kind.replace("_", " ")
