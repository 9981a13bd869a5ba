"""What a part of a requirement reads, and what must be known for it to be provable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Need", "Reach", "Reads", "merge_reads"]

Reach = Literal["near", "far", "all"]
"""How a changed record finds the units it may concern: `near` = one reference away in either direction,
`far` = one reference further, `all` = derive the whole part again (people, roles, calendars, documents)."""
Reads = dict[str, Reach]
"""Record kind -> reach; also `identity`, `calendar`, `period`."""

_WIDER: dict[Reach, int] = {"near": 0, "far": 1, "all": 2}


def merge_reads(*several: Reads) -> Reads:
    """Combine what several pieces read; the widest reach wins."""
    merged: Reads = {}
    for reads in several:
        for kind, reach in reads.items():
            if kind not in merged or _WIDER[reach] > _WIDER[merged[kind]]:
                merged[kind] = reach
    return merged


@dataclass(frozen=True, slots=True)
class Need:
    """A kind, and fields of it, that some source must be able to say."""

    kind: str
    fields: frozenset[str] = frozenset()
    evidence: bool = False
    """True = could stand in any source; False = the unit's own, looked for in the unit's source."""
    alternatives: tuple[Need, ...] = ()
    """Any one of these would do instead."""
