"""A sample as it is handed to an auditor: one JSON text with everything, one CSV to work with. Pure."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from hub.clock import format_instant
from hub.conformance.answer import Subject
from hub.conformance.exhibit import Exhibits
from hub.conformance.pack import CatalogueEntry
from hub.conformance.sample import Chosen, Sample
from hub.report.attachment import defuse
from hub.report.wording import clean

__all__ = ["Asked", "Sheet", "counted", "make_sheet", "sheet_csv", "sheet_json"]

_COLUMNS = (
    *("number", "requirement", "part", "unit", "unit_key", "unit_title", "unit_url", "verdict", "reason"),
    *("opened_at", "due_at", "met_at", "lost_at", "anchor"),
    *("unit_document_sha256", "evidence", "evidence_url", "evidence_document_sha256"),
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The question: the same question to the same store gives the same sample."""

    requirement: str
    n: int
    seed: int
    verdicts: list[str]
    """Empty = all."""
    as_of: str
    known_at: str
    judge_from: str | None
    parameters: dict[str, Any]
    """Of the requirement: as shipped, and as chosen over it."""


class Exhibit(msgspec.Struct, frozen=True, kw_only=True):
    """A record with the hash of the document it stood in at known-at."""

    id: str
    kind: str
    key: str
    title: str
    url: str
    document_sha256: str | None
    """None: it came from no document, as the organisation itself."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One obligation of the sample."""

    number: int
    rank: str
    part: str
    anchor: str
    unit: Exhibit
    verdict: str
    reason: str
    opened_at: str
    due_at: str | None
    met_at: str | None
    lost_at: str | None
    evidence: list[Exhibit]


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How many, and how many of each verdict."""

    size: int
    verdicts: dict[str, int]


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `sample.json` says."""

    hub: str
    """Version that drew the sample."""
    packs: list[str]
    """Name and version of the requirement packs."""
    clause: str
    title: str
    statement: str
    severity: str
    iso20000: str | None
    asked: Asked
    population: Counted
    baseline: Counted
    """Decided before the organisation began to be judged; counted apart, never drawn."""
    drawn_from: int
    """Obligations of the population with one of the verdicts asked for."""
    sample: Counted
    items: list[Line]


def make_sheet(
    drawn: Sample,
    entry: CatalogueEntry,
    exhibits: Exhibits,
    *,
    hub: str,
    packs: list[str],
    judge_from: int | None,
    parameters: dict[str, Any],
) -> Sheet:
    """Put a sample into words; `hub` and `packs` name the versions that judged, `parameters` how."""
    question = drawn.asked
    return Sheet(
        hub=hub,
        packs=packs,
        clause=entry.clause,
        title=entry.title,
        statement=entry.statement,
        severity=entry.severity,
        iso20000=entry.iso20000,
        asked=Asked(
            requirement=question.requirement,
            n=question.size,
            seed=question.seed,
            verdicts=sorted(question.verdicts),
            as_of=format_instant(drawn.as_of),
            known_at=format_instant(drawn.known_at),
            judge_from=_instant(judge_from),
            parameters=parameters,
        ),
        population=counted(drawn.population),
        baseline=counted(drawn.baseline),
        drawn_from=drawn.drawn_from,
        sample=counted(Counter(one.obligation.verdict for one in drawn.chosen)),
        items=[_line(number, one, exhibits) for number, one in enumerate(drawn.chosen, 1)],
    )


def sheet_json(sheet: Sheet) -> bytes:
    """Write the sheet as JSON, keys of objects in a fixed order."""
    return msgspec.json.format(msgspec.json.encode(sheet, order="deterministic"), indent=1) + b"\n"


def sheet_csv(sheet: Sheet) -> bytes:
    """Write one line an obligation: UTF-8 with BOM (spreadsheets need it), RFC 4180, no cell a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for line in sheet.items:
        proofs = line.evidence
        told = {
            **{name: getattr(line, name) for name in ("number", "part", "verdict", "reason", "anchor")},
            **{name: getattr(line, name) for name in ("opened_at", "due_at", "met_at", "lost_at")},
            "requirement": sheet.asked.requirement,
            "unit": line.unit.id,
            "unit_key": line.unit.key,
            "unit_title": line.unit.title,
            "unit_url": line.unit.url,
            "unit_document_sha256": line.unit.document_sha256,
            "evidence": " ".join(one.id for one in proofs),
            "evidence_url": " ".join(one.url for one in proofs),
            "evidence_document_sha256": " ".join(one.document_sha256 or "-" for one in proofs),
        }
        writer.writerow(["" if told[name] is None else defuse(clean(str(told[name]))) for name in _COLUMNS])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def counted(verdicts: Mapping[str, int]) -> Counted:
    """Add up verdicts, in a fixed order."""
    return Counted(size=sum(verdicts.values()), verdicts=dict(sorted(verdicts.items())))


def _line(number: int, one: Chosen, exhibits: Exhibits) -> Line:
    row = one.obligation
    return Line(
        number=number,
        rank=one.rank,
        part=row.part,
        anchor=one.anchor,
        unit=_exhibit(row.unit, exhibits),
        verdict=row.verdict,
        reason=row.reason,
        opened_at=format_instant(row.opened_at),
        due_at=_instant(row.due_at),
        met_at=_instant(row.met_at),
        lost_at=_instant(row.lost_at),
        evidence=[_exhibit(proof.subject, exhibits) for proof in row.evidence],
    )


def _exhibit(subject: Subject, exhibits: Exhibits) -> Exhibit:
    return Exhibit(
        id=subject.id,
        kind=subject.kind,
        key=subject.key,
        title=subject.title,
        url=subject.url,
        document_sha256=exhibits.documents[subject.id].hash if subject.id in exhibits.documents else None,
    )


def _instant(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)
