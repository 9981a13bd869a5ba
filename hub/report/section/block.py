"""What a section consists of, before it is text or a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Block", "Heading", "Mark", "Note", "Row", "Run", "Section", "Table"]

Tone = Literal["critical", "major", "minor", "bad", "good", "plain"]


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a line."""

    text: str
    url: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A word that stands before a line, such as LATE."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section."""

    text: str
    marks: list[Mark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph."""

    text: str
    small: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a list: a first line with marks, further lines, and details in small print."""

    lines: list[list[Run]]
    marks: list[Mark] = field(default_factory=list)
    small: list[Run] = field(default_factory=list)
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table of figures; the first cell of a row names it."""

    head: list[str]
    rows: list[list[str]]
    bad: frozenset[tuple[int, int]] = frozenset()
    """(row, column) of cells that are to be seen first."""
    label: int = 10
    """Columns of text the first cell gets."""


Block = Heading | Note | Row | Table


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: list[Block]
    anchor: str = ""
