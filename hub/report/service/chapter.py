"""What a chapter of a service report consists of, before it is a page, a document or a sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hub.report.file.topic import Topic
from hub.report.model import Said
from hub.report.person import Naming

if TYPE_CHECKING:
    from hub.conformance.situation.audience import Audience
    from hub.report.plan.plan import Terms
    from hub.report.service.issued import Issued
    from hub.sla.open_time import Span
    from hub.sla.statement import Line
    from hub.store.store import Connection

__all__ = ["Asked", "Chapter", "Compile", "Dated", "Part"]

Part = Said | Topic
"""A sentence, or a table; sentences and column names are phrases of `hub.report.language`."""


class Dated(Said, frozen=True, kw_only=True):
    """A sentence that tells instants, UTC milliseconds, in the reader's zone."""

    days: dict[str, int] = {}  # noqa: RUF012 - msgspec copies an empty default
    """Told as local days."""
    minutes: dict[str, int] = {}  # noqa: RUF012
    """Told to the minute."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What every chapter is compiled from: the store at one instant, for one report of the plan."""

    conn: Connection
    terms: Terms
    """Whose report it is: type, customer, services, period."""
    before: Span
    """The period before, [start, end)."""
    as_of: int
    known_at: int | None
    zone: str
    """IANA name; local days are counted and told in it."""
    audience: Audience | None
    """The records of the report's services; None = those of the whole organisation."""
    naming: Naming = field(default_factory=Naming)
    """How people are named."""
    issued: Sequence[Issued] = ()
    """Reports of the same row of the plan on earlier periods, as they were handed over, the latest first."""
    statements: dict[object, list[Line]] = field(default_factory=dict)
    """What was promised and kept in a period, worked out once for all reports on it inside a transaction."""

    @property
    def period(self) -> Span:
        """The time the report is about, [start, end)."""
        return self.terms.start, self.terms.end

    @property
    def instant(self) -> int:
        """The instant at which figures stand: the period's end, or as-of if that is earlier."""
        return min(self.terms.end, self.as_of)


@dataclass(frozen=True, slots=True)
class Chapter:
    """One of the fourteen. Without parts to tell, `absent` says why; nothing is left out silently."""

    number: int
    title: str
    """A phrase."""
    parts: list[Part] = field(default_factory=list)
    absent: Said | None = None
    """Why it has no data: `no cases`, or what was not read; None where it has."""


Compile = Callable[[Asked], Chapter]
