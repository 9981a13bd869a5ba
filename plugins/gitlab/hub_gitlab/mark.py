"""How far a list was read, what of it is asked after once more, and how that is kept between readings.

The cursor: `after` (latest change read, UTC milliseconds), `edge` (what was read near it, id -> change, so that
the overlap costs no parts), `waiting` (merge requests whose pipeline had not ended), `refused` (how far reading was
when a part was first refused, and of which object: once that is no longer so, reading goes back there), `reached`
(merge requests known to have come to production, where that decides what is a change).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub_gitlab.walk import Seen

__all__ = ["NAMED", "Mark"]

EDGE = 1_000
"""Objects near the mark that are remembered; those forgotten are merely read once more."""
NAMED = 100
"""Merge requests that one request can name; no more wait for their pipeline."""


@dataclass(slots=True)
class Mark:
    """How far one list was read."""

    overlap_ms: int
    after: int | None = None
    edge: dict[int, int] = field(default_factory=dict)
    waiting: list[int] = field(default_factory=list)
    refused: tuple[int | None, int] | None = None
    known: list[int] | None = None
    reached: frozenset[int] | None = None

    @classmethod
    def of(cls, cursor: Mapping[str, Any], overlap_ms: int, reached: frozenset[int] | None) -> Mark:
        """Read a cursor; `reached` = merge requests that are in production now, None = that is no matter."""
        refused = cursor.get("refused")
        return cls(
            overlap_ms,
            cursor.get("after"),
            {int(native): changed for native, changed in cursor.get("edge", {}).items()},
            list(cursor.get("waiting", [])),
            None if refused is None else (refused[0], refused[1]),
            None if reached is None else list(cursor.get("reached", [])),
            reached,
        )

    def named(self) -> list[int]:
        """List the merge requests that are read again though they may not have changed."""
        new = set(self.reached or ()) - set(self.known or ()) if self.after is not None else set()
        return sorted(new.union(self.waiting))

    def redo(self, found: Iterable[Seen[Any]]) -> None:
        """Take note that these are read now."""
        numbers = {each.head.iid for each in found}
        self.edge |= {each.head.id: each.updated_ms for each in found}
        self.waiting = [iid for iid in self.waiting if iid not in numbers]

    def reach(self, reached_ms: int | None, present_ms: int, found: Sequence[Seen[Any]]) -> None:
        """Move on after a page; never past the present, and never back."""
        if reached_ms is not None:
            before = self.after or 0
            self.after = min(max(reached_ms, before), max(present_ms, before))
        self.edge |= {each.head.id: each.updated_ms for each in found}

    def go_back(self) -> None:
        """Read again from where a part was first refused."""
        if self.refused is not None:
            self.after, self.refused = self.refused[0], None
            self.edge.clear()

    def end(self) -> bool:
        """Take note that the list was read to its end; tell whether that changes the cursor."""
        if self.reached is None:
            return False
        self.known = sorted(self.reached)
        return True

    def state(self) -> dict[str, Any]:
        """Write the cursor; forgets in `edge` what no overlap reaches any more."""
        if self.after is not None:
            oldest = self.after - self.overlap_ms
            self.edge = {native: changed for native, changed in self.edge.items() if changed >= oldest}
        latest = sorted(self.edge.items(), key=lambda each: each[1])[-EDGE:]
        state: dict[str, Any] = {"after": self.after, "edge": {str(native): changed for native, changed in latest}}
        if self.waiting:
            state["waiting"] = self.waiting[-NAMED:]
        if self.refused is not None:
            state["refused"] = list(self.refused)
        if self.known is not None:
            state["reached"] = self.known
        return state
