"""How far each kind of each scope was read: decided once all slices of a source have ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Reach", "SliceOutcome", "settle"]

NOT_CONFIGURED = "the source is no longer configured to read it"


@dataclass(frozen=True, slots=True)
class SliceOutcome:
    """How reading one slice ended."""

    scope: str
    kinds: frozenset[str]
    began_at: int | None
    """When reading began, UTC milliseconds; None = not begun."""
    reason: str | None
    """Why it was not read whole; None = read to the end without a gap."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known now of one kind of one scope."""

    scope: str
    kind: str
    through: int | None
    """Everything up to here was read, UTC milliseconds; None = no further than before."""
    reason: str | None
    """Why not further; None = read whole."""


def settle(outcomes: Iterable[SliceOutcome], known: Iterable[tuple[str, str]]) -> list[Reach]:
    """Tell for every (scope, kind) read now, or known from before, how far it reaches.

    A kind that several slices of a scope hold is read only as far as the slice that began first, and
    not further at all when one of them was not read whole. What is no longer read says so.
    """
    throughs: dict[tuple[str, str], int] = {}
    reasons: dict[tuple[str, str], list[str]] = {}
    for outcome in outcomes:
        for key in ((outcome.scope, kind) for kind in outcome.kinds):
            found = reasons.setdefault(key, [])
            if outcome.reason is not None or outcome.began_at is None:
                found.append(outcome.reason or "reading did not begin")
            else:
                throughs[key] = min(outcome.began_at, throughs.get(key, outcome.began_at))
    for key in known:
        reasons.setdefault(key, [NOT_CONFIGURED])
    return [
        Reach(scope, kind, None, "; ".join(dict.fromkeys(found)))
        if (found := reasons[scope, kind])
        else Reach(scope, kind, throughs[scope, kind], None)
        for scope, kind in sorted(reasons)
    ]
