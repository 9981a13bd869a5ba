"""What a run of the hub did, as data: printed, logged, handed to observers."""

from __future__ import annotations

import msgspec

__all__ = ["RunSummary", "SourceSummary"]


class SourceSummary(msgspec.Struct, kw_only=True):
    """What reading one source did. Counts are of this run only."""

    source: str
    documents: int = 0
    """Documents read."""
    records: int = 0
    """Records those documents became."""
    changed: int = 0
    """Records written because they are new or differ."""
    unchanged: int = 0
    """Records that were as known."""
    skipped: dict[str, int] = {}
    """Pieces that gave no record, by reason."""
    unmapped: dict[str, int] = {}
    """Words of the tool without a mapping, by word."""
    vanished: int = 0
    """Records that are gone: the census no longer saw them, or they no longer stand in their document."""
    requests: int = 0
    seconds: float = 0.0
    complete: bool = True
    """Every configured scope was read to its end."""
    held_by: str = ""
    """Who is reading the source, so that this run left it alone; empty = it was free."""
    faults: list[str] = []
    """What went wrong, one sentence each."""
    warnings: list[str] = []
    """What will go wrong: expiring token, clock skew."""


class RunSummary(msgspec.Struct, kw_only=True):
    """What `hub run` did."""

    started_at: int
    finished_at: int
    sources: list[SourceSummary] = []
    obligations_written: int = 0
    findings_opened: int = 0
    findings_closed: int = 0
    reports: list[str] = []
    """Ids of reports issued."""
    undelivered: int = 0
    """Messages of the report that could not be handed over."""
