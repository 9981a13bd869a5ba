"""Where waivers are kept: what a source that people write by hand offers, so that `hub waive` can write there too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["NewWaiver", "WaiverKeeper", "Written"]


@dataclass(frozen=True, slots=True)
class NewWaiver:
    """A waiver that was decided and is to be written down. Persons and records by their ids."""

    requirement_id: str
    subject: str | None
    subject_filter: str | None
    reason: str
    owner: str
    approver: str
    valid_from: str
    """Local date, `2026-11-22`."""
    valid_to: str
    """Local date; the first day it no longer holds."""
    declared_by: str
    declared_at: int
    """UTC milliseconds."""
    proof: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, and where."""

    id: str
    """Id of the record it will be."""
    file: str
    """As the configuration calls it."""


class WaiverKeeper(Protocol):
    """Writes waivers into a file people keep; comments and all other rows stay as they are.

    Nothing is written where the file has a fault before or would have one afterwards: ConfigurationError
    with file and line.
    """

    def add(self, waiver: NewWaiver) -> Written:
        """Write one more row."""
        ...

    def end(self, waiver_id: str, *, at: int, note: str) -> Written:
        """Let a waiver end at an instant (UTC milliseconds), saying why; one that has not begun is taken out."""
        ...
