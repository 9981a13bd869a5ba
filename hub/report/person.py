"""How a report may name people: role and initials, unless the organisation allows names."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from hub.conformance.answer import Evidence, Subject
from hub.report.model import Person, Proof

__all__ = ["Naming", "initials"]


@dataclass(frozen=True, slots=True)
class Naming:
    """Names people and things for readers of a report."""

    roles: dict[str, str] = field(default_factory=dict)
    """Person id -> role."""
    names: bool = False
    """True = print names."""

    def person(self, subject: Subject | None) -> Person | None:
        """Name an owner or approver; a team is named as it is."""
        if subject is None:
            return None
        return Person(id=subject.id, label=self._label(subject))

    def subject(self, subject: Subject) -> Subject:
        """Hide the name where the thing itself is a person."""
        if subject.kind != "person" or self.names:
            return subject
        return msgspec.structs.replace(subject, key="", title=self._label(subject), url="")

    def proof(self, evidence: Evidence) -> Proof:
        """Name a record a statement rests on."""
        shown = self.subject(evidence.subject)
        return Proof(
            id=shown.id, label=shown.key or shown.title or shown.id, url=shown.url, document_hash=evidence.document_hash
        )

    def _label(self, subject: Subject) -> str:
        if subject.kind != "person":
            return subject.title or subject.key or subject.id
        role = self.roles.get(subject.id, "")
        name = subject.title if self.names else initials(subject.title)
        if role and name:
            return f"{role} ({name})"
        return role or name or "person without a name"


def initials(name: str) -> str:
    """Shorten a name to the first character of each of its parts: `Ann-Marie Li` -> `AML`."""
    return "".join(part[0].upper() for part in name.replace("-", " ").split() if part[0].isalnum())
