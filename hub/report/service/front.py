"""Chapter 1: which report this is, for whom, on what time, and where its data came from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.records import Person, ReportParty
from hub.report.file.topic import Cell, Column, Topic
from hub.report.model import Said
from hub.report.person import initials
from hub.report.service.chapter import Asked, Chapter, Dated
from hub.store.revision import current_records

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Edition", "front"]


@dataclass(frozen=True, slots=True)
class Edition:
    """Which making of a report this is."""

    revision: int
    issued_at: int
    """When it was compiled; an approval comes later and binds to the bytes."""
    author: str | None
    """Id of a person."""
    note: str = ""
    """What a correction corrects."""
    names: bool = False
    """People are named; False = by role and initials."""
    sources: Sequence[Mapping[str, Any]] = ()
    """What was read, as frozen: `system`, `query`, `through`, `reason`."""


def front(asked: Asked, edition: Edition) -> Chapter:
    """Say everything that identifies the report, then each source with the instant it was read to."""
    terms, chapter = asked.terms, Chapter(1, "This report")
    said = chapter.parts.append
    number = str(edition.revision)
    said(Said(phrase="Report {report}, revision {revision}", values={"report": terms.report_id, "revision": number}))
    if edition.note:
        said(Said(phrase="This revision corrects: {note}", values={"note": edition.note}))
    if terms.purpose:
        said(Said(phrase="Purpose: {text}", values={"text": terms.purpose}))
    if terms.audience:
        roles = ", ".join(one.replace("_", " ") for one in terms.audience)
        said(Said(phrase="For: {text}", values={"text": roles}))
    text = "Period {label}: {first} to {last}, {zone}"
    values: dict[str, int | str] = {"label": terms.label, "zone": terms.zone}
    said(Dated(phrase=text, values=values, days={"first": terms.start, "last": terms.end - 1}))
    said(Dated(phrase="Data as of {when}", minutes={"when": asked.as_of}))
    if asked.as_of < terms.end:
        said(Said(phrase="Provisional: the period has not ended."))
    said(Dated(phrase="Issued {day}; due {when}", days={"day": edition.issued_at}, minutes={"when": terms.due_at}))
    said(Said(phrase="Author: {who}", values={"who": _person(asked, edition.author, edition) or "-"}))
    approvers = ", ".join(_party(asked, one, edition) for one in terms.approvers)
    if approvers:
        text = "Approved, in this order, by: {who}. An approval holds for exactly these bytes."
        said(Said(phrase=text, values={"who": approvers}))
    else:
        said(Said(phrase="The plan names nobody who approves it."))
    said(_confidentiality(terms.confidentiality, external=terms.direction == "external"))
    said(_sources(edition))
    return chapter


def _confidentiality(kind: str | None, *, external: bool) -> Said:
    text = "Internal: not for customers or suppliers without the author's consent."
    if external:
        text = "Confidential between provider and customer; partial copying only with consent."
    if kind and not (external and kind == "internal"):  # every row is internal to us unless it says otherwise
        named = "Confidentiality: {kind}; partial copying only with consent."
        return Said(phrase=named, values={"kind": kind})
    return Said(phrase=text)


def _person(asked: Asked, person: str | None, edition: Edition) -> str:
    if person is None:
        return ""
    found = current_records(asked.conn, [person])
    name = next((one.name or one.title for one in found if isinstance(one, Person)), "")
    return (name if edition.names else initials(name)) or person


def _party(asked: Asked, party: ReportParty, edition: Edition) -> str:
    role = (party.role or "").replace("_", " ")
    who = _person(asked, party.person, edition)
    return f"{role} ({who})" if role and who else role or who


def _sources(edition: Edition) -> Topic:
    """Tell a line a source; what was not read whole stands among the data notes, scope by scope."""
    by_system = defaultdict[str, list[Mapping[str, Any]]](list)
    for row in edition.sources:
        by_system[str(row["system"])].append(row)
    rows: list[tuple[Cell, ...]] = []
    for system, own in sorted(by_system.items()):
        through = [row["through"] for row in own if row["through"] is not None]
        whole = sum(row["through"] is not None and not row["reason"] for row in own)
        rows.append((system, min(through) if through else "never read to the end", whole, len(own)))
    return Topic(
        "Sources",
        (
            Column("Source", width=30),
            Column("Read through", "minute", 24),
            Column("Parts read whole", "number", 14),
            Column("Parts", "number", 10),
        ),
        rows,
        "No source was read.",
    )
