"""One part of a requirement, compiled: who owes what by when, and what it takes to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import ClauseElement, Dialect

from hub.conformance.expression import narrow, write
from hub.conformance.reading import Need, Reads

__all__ = ["OBLIGATION_COLUMNS", "Outline", "Part", "Words"]

OBLIGATION_COLUMNS = (
    "unit",
    "anchor",
    "opened_at",
    "due_at",
    "warn_at",
    "met_at",
    "lost_at",
    "n",
    "d",
    "evidence",
    "declared",
    "lacks",
)
"""What the select of every part gives, in this order."""


@dataclass(frozen=True, slots=True)
class Words:
    """How a part is told to people: three plain sentences without jargon."""

    asks: str
    """What is expected, for example `Approved by the change authority before it starts.`"""
    missing: str
    """What was found when it is not met."""
    remedy: str
    """What to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """All of a part but its SQL."""

    requirement: str
    name: str
    shape: str
    """precondition, deadline, periodic, completeness, threshold, trend or attestation."""
    unit_kind: str
    """Record kind of the units; `organisation` where the organisation owes."""
    reads: Reads
    needs: tuple[Need, ...]
    complete: bool
    """Met only where everything that could speak against it was read (`for every`, withdrawable evidence)."""
    words: Words
    of_kind: bool = False
    """Every unit stands in the table of `unit_kind`: no other record is looked at."""
    lined: Reads = field(default_factory=dict)
    """Of what it reads, what concerns a unit only through rows in line (`hub.conformance.lineup`): a changed record of these
    kinds is found by its own rows, and only the obligations near one that moved are derived again. An obligation stands for a
    row that is asked; its anchor is the row's record. `reads` says what else of these kinds a select without lines would read."""
    applies: bool = True
    """False = the part counts the units that the organisation's profile leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Outline):
    """A named part of a requirement; all parts of a requirement must be met."""

    select: ClauseElement | Callable[[Dialect], str]
    """Gives OBLIGATION_COLUMNS; contains `touched(sid)` wherever it may be narrowed. Or what returns its text."""

    @property
    def wide(self) -> Reads:
        """What concerns a unit with all it owes."""
        return {kind: reach for kind, reach in self.reads.items() if kind not in self.lined}

    def written(self, dialect: Dialect) -> str:
        """Write the select as SQL, marked where it may be narrowed."""
        return self.select(dialect) if callable(self.select) else write(self.select, dialect)

    def sql(self, dialect: Dialect, *, units: str = "") -> str:
        """Write the select as SQL; `units` names the table of units to narrow to."""
        return narrow(self.written(dialect), units)
