"""What every section is told from: the report, what a mail shows of it, and the reader's language."""

from __future__ import annotations

from dataclasses import dataclass

from hub.conformance.answer import Subject
from hub.report.language.words import Days, Words
from hub.report.model import ReportModel
from hub.report.section.block import Block, Note, Run
from hub.report.section.line import Person
from hub.report.status import told
from hub.report.view import View

__all__ = ["Telling"]

MANIFEST = "evidence-manifest.json"
FINDINGS = "findings.csv"


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells things in one language."""

    model: ReportModel
    view: View
    words: Words
    days: Days

    def subject(self, subject: Subject) -> list[Run]:
        """Name a record, with its link."""
        name = subject.key or subject.title or subject.id
        rest = f" {subject.title}" if subject.key and subject.title else ""
        return [Run(name, subject.url), *([Run(rest)] if rest else [])]

    def owner(self, person: Person | None) -> str:
        """Say who has to do it."""
        return person.label if person else self.words("no owner: name one")

    def due(self, due_at: int | None) -> str:
        """Say by when."""
        return self.words("no due date") if due_at is None else self.words("due {day}", day=self.days.day(due_at))

    def late(self, due_at: int | None) -> bool:
        """Tell whether the day it was due has passed."""
        return due_at is not None and due_at <= self.model.identity.as_of

    def more(self, number: int, file: str = FINDINGS) -> list[Block]:
        """Say how many entries are left out and where they stand; nothing where none are."""
        return [Note(self.words("… and {n} more, see {file}", n=number, file=file), small=True)] if number else []

    def absent(self, section: str) -> list[Block]:
        """Say why a section has no data; nothing where it has."""
        why = self.model.absent.get(section)
        return [Note(self.words("Not available because {why}.", why=told(why, self.words)))] if why else []
