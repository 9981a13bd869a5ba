"""The files beside the mail: every finding as CSV, every proof as JSON. Pure."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping

import msgspec

from hub.clock import format_instant
from hub.report.model import Nonconformity, ReportModel, WaiverLine, encode_model
from hub.report.wording import clean, safe_url

__all__ = ["FORMULA", "defuse", "findings_csv", "manifest_json"]

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_COLUMNS = (
    "requirement",
    "title",
    "clause",
    "severity",
    "state",
    "since_last_report",
    "subject",
    "subject_title",
    "url",
    "expected",
    "found",
    "action",
    "breached_at_utc",
    "first_seen_at_utc",
    "age_days",
    "owner",
    "due_at_utc",
    "cured_at_utc",
    "evidence",
    "key",
)


def findings_csv(model: ReportModel, hosts: frozenset[str]) -> bytes:
    """Write every nonconformity, those resolved since the last report, and the waivers in force.

    UTF-8 with BOM (spreadsheets need it), RFC 4180.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    told = {line.key for line in model.nonconformities}
    resolved = [line for line in _gone(model) if line.key not in told]
    for line in [*model.nonconformities, *resolved]:
        writer.writerow([defuse(cell) for cell in _cells(line, model, hosts)])
    for waiver in model.waivers:
        writer.writerow([defuse(cell) for cell in _waiver_cells(waiver, model)])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


_HOW = [
    "files: the SHA-256 of every other file and picture of this mail (sha256sum FILE). The manifest's own stands in the mail.",
    "report_sha256: the SHA-256 of the report as data: hub report show ID --format json | tr -d '\\n' | sha256sum.",
    "documents: the SHA-256 of each raw document a finding rests on, as the tool gave it; hub document ID writes one out, hub verify follows the chain they are kept in.",
    "as_of and known_at: the same commands with these instants give the same verdicts while the versions named here are used.",
]


def manifest_json(
    model: ReportModel, hosts: frozenset[str] = frozenset(), files: Mapping[str, str] | None = None
) -> bytes:
    """List what the report rests on: findings with record ids, addresses and document hashes, coverage, identity.

    `files` are the other files of the mail, name -> SHA-256; addresses lead to `hosts` alone.
    """
    told = {line.key: line for line in model.nonconformities}
    told |= {line.key: line for line in _gone(model)}
    body = {
        "how_to_verify": _HOW,
        "report": model.identity.report_id,
        "revision": model.identity.revision,
        "report_sha256": hashlib.sha256(encode_model(model)).hexdigest(),
        "files": files or {},
        "period": {
            "label": model.identity.period.label,
            "start": format_instant(model.identity.period.start),
            "end": format_instant(model.identity.period.end),
            "zone": model.identity.period.zone,
        },
        "status": model.status.word,
        "counts": model.counts.verdicts,
        "as_of": format_instant(model.identity.as_of),
        "known_at": format_instant(model.identity.known_at),
        "catalogue_version": model.identity.catalogue_version,
        "profile_version": model.identity.profile_version,
        "tz_version": model.identity.tz_version,
        "holidays_version": model.identity.holidays_version,
        "verdicts": model.verdicts,
        "documents": sorted({p.document_hash for line in told.values() for p in line.evidence if p.document_hash}),
        "findings": [
            {
                "finding": line.key,
                "requirement": line.requirement,
                "state": line.state,
                "breached_at": format_instant(line.breached_at),
                "subject": line.subject.id,
                "url": safe_url(line.subject.url, hosts),
                "evidence": [
                    {"record": proof.id, "url": safe_url(proof.url, hosts), "document_sha256": proof.document_hash}
                    for proof in line.evidence
                ],
            }
            for line in sorted(told.values(), key=lambda line: line.key)
        ],
        "moved": model.change.moved if model.change else [],
        "profile": model.profile,
        "rules": model.change.rules if model.change else [],
        "coming": [
            {"requirement": row.requirement, "subject": row.subject.id, "due_at": format_instant(row.due_at)}
            for row in model.coming
        ],
        "gaps": model.gaps,
        "attestations": model.attestations,
        "not_understood": model.words,
        "coverage": [
            {
                "source": row.source,
                "scope": row.scope,
                "kind": row.kind,
                "through": None if row.through is None else format_instant(row.through),
                "reason": row.reason,
                "records": row.records,
            }
            for row in model.coverage
        ],
    }
    return msgspec.json.format(msgspec.json.encode(body, order="deterministic"), indent=1) + b"\n"


def defuse(cell: str) -> str:
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _cells(line: Nonconformity, model: ReportModel, hosts: frozenset[str]) -> list[str]:
    return [
        line.requirement,
        clean(model.titles.get(line.requirement, "")),
        line.clause,
        line.severity,
        line.state,
        line.news,
        clean(line.subject.key or line.subject.id),
        clean(line.subject.title),
        safe_url(line.subject.url, hosts),
        clean(line.expected),
        clean(line.found),
        clean(line.action),
        format_instant(line.breached_at),
        format_instant(line.first_seen_at),
        str(line.age_days),
        clean(line.owner.label) if line.owner else "",
        "" if line.due_at is None else format_instant(line.due_at),
        "" if line.cured_at is None else format_instant(line.cured_at),
        " ".join(clean(proof.id) for proof in line.evidence),
        clean(line.key),
    ]


def _gone(model: ReportModel) -> list[Nonconformity]:
    """List what is open no more since the last report."""
    return [*model.change.resolved, *model.change.waived] if model.change else []


def _waiver_cells(waiver: WaiverLine, model: ReportModel) -> list[str]:
    cells = dict.fromkeys(_COLUMNS, "")
    cells |= {
        "requirement": waiver.requirement,
        "title": clean(model.titles.get(waiver.requirement, "")),
        "state": "waiver in force",
        "subject": clean(waiver.unit_filter),
        "found": clean(waiver.reason),
        "owner": clean(waiver.approver.label) if waiver.approver else "",
        "due_at_utc": format_instant(waiver.valid_to),
    }
    return list(cells.values())
