"""The full report as a document (PDF): identity, every finding, every table, and a mark where it ends.

The same report gives the same bytes on one version of reportlab and Pillow.
"""

from __future__ import annotations

import msgspec

from hub.conformance.answer import Subject
from hub.report.file.chart import charts
from hub.report.file.moment import day_text, minute_text
from hub.report.file.page import Cell, Line, Pages
from hub.report.file.topic import Cell as Told
from hub.report.file.topic import Column, Topic, topics_of
from hub.report.model import SEVERITIES, Action, Nonconformity, ReportModel
from hub.report.status import percent
from hub.report.wording import RESULT_WORDS, change_sentence, clean, safe_url, verdict_sentence

__all__ = ["document"]

_BAD = "#8c1d18"
_SIZE = 8.0
_PICTURE = 400.0
_SHOWN = {
    "Requirements": ("Requirement", "Title", "Severity", "Result", "Result before", "Why"),
    "Service levels": (
        *("No", "Agreement", "Metric", "Promise", "Before", "Before, restated", "Now", "Target", "Kept"),
        *("Next target", "Met", "Decided", "Not provable"),
    ),
    "Deadlines": ("Due", "What", "Requirement", "Title", "Subject", "Subject title", "Owner", "At risk or late"),
}
"""Columns of topics that have more than a page is wide; the workbook has them all."""


def document(model: ReportModel, hosts: frozenset[str]) -> bytes:
    """Write the document; links lead to `hosts` alone."""
    identity = model.identity
    name = f"{identity.report_id} revision {identity.revision}"
    pages = Pages(name)
    _cover(pages, model)
    for chart in charts(model):
        pages.picture(chart.png, _PICTURE, _PICTURE * chart.height / 1200)
        pages.paragraph(Line(chart.alt), _SIZE)
    _counts(pages, model)
    _actions(pages, model, hosts)
    _findings(pages, model, hosts)
    judged = msgspec.structs.replace(model, requirements=[r for r in model.requirements if r.verdict != "not_judged"])
    for topic in topics_of(judged):
        if topic.name != "Findings":
            _topic(pages, topic, identity.zone)
    pages.heading("End of report")
    pages.paragraph(Line(f"End of report {name}."))
    return pages.bytes(clean(f"{name} | {identity.scope} | {identity.period.label}"))


def _cover(pages: Pages, model: ReportModel) -> None:
    identity, zone = model.identity, model.identity.zone
    pages.paragraph(Line(clean(f"Conformance report {identity.scope}"), bold=True), 20)
    pages.paragraph(Line(f"{identity.period.label}: {model.status.word}", bold=True), 15)
    pages.paragraph(Line(clean(verdict_sentence(model))), 11)
    pages.paragraph(Line(clean(change_sentence(model.change))), 11)
    for reason in model.status.reasons:
        pages.paragraph(Line(f"- {clean(reason)}"))
    pages.paragraph(Line(" "), 6)
    rate, period = model.counts.rate, identity.period
    facts = [
        ("Report", f"{identity.report_id} revision {identity.revision}"),
        ("Why there is this revision", identity.note),
        ("Period", f"{day_text(period.start, period.zone)} to {day_text(period.end - 1, period.zone)}, {period.zone}"),
        ("As of", f"{minute_text(identity.as_of, zone)} {zone} ({minute_text(identity.as_of, 'UTC')} UTC)"),
        ("Known at", f"{minute_text(identity.known_at, zone)} {zone} ({minute_text(identity.known_at, 'UTC')} UTC)"),
        ("Approved by", identity.approved_by or "nobody"),
        ("Catalogue", identity.catalogue_version),
        ("Profile", identity.profile_version),
        ("Time-zone data, holidays", f"{identity.tz_version}, {identity.holidays_version}".strip(" ,")),
        (
            "Conformance rate",
            f"{percent(rate.numerator, rate.denominator)} ({rate.numerator} of {rate.denominator})",
        ),
    ]
    rows = ([[Line(name, bold=True)], [Line(clean(told))]] for name, told in facts if told)
    pages.table(("Identity", ""), (1, 4), rows, 9)


def _counts(pages: Pages, model: ReportModel) -> None:
    pages.heading("Requirements by result")
    told = {row.severity: row for row in model.by_severity}
    rows: list[list[Cell]] = []
    for severity in SEVERITIES:
        if severity in told:
            row = told[severity]
            rows.append([[Line(severity, bold=True)], *([Line(str(row.now.verdicts.get(v, 0)))] for v in RESULT_WORDS)])
            if row.before:
                before = row.before.verdicts
                rows.append([[Line("before")], *([Line(str(before.get(v, 0)))] for v in RESULT_WORDS)])
    pages.paragraph(
        Line(f"Not judged by any enabled pack: {model.counts.of('not_judged')}. The workbook names them."), 9
    )
    pages.table(("Severity", *RESULT_WORDS.values()), [1.2] + [1] * len(RESULT_WORDS), iter(rows), 9)


def _actions(pages: Pages, model: ReportModel, hosts: frozenset[str]) -> None:
    pages.heading("What has to be done")
    if not model.actions:
        pages.paragraph(Line("Nothing is open."))
        return
    zone = model.identity.zone
    rows = (_action(line, zone, hosts) for line in model.actions)
    pages.table(("Requirement", "What to do", "For", "Owner", "Due"), (2, 6, 4, 2, 1.6), rows, _SIZE)


def _action(line: Action, zone: str, hosts: frozenset[str]) -> list[Cell]:
    more = [Line(f"and {line.more} more")] if line.more else []
    late = [Line("LATE", bold=True, colour=_BAD)] if line.late else []
    return [
        [Line(line.requirement, bold=True), Line(line.severity)],
        [Line(clean(line.sentence))],
        [*_subject(line.subject, hosts), *more],
        [Line(clean(line.owner.label) if line.owner else "no owner")],
        [Line(day_text(line.due_at, zone) or "no date"), *late],
    ]


def _findings(pages: Pages, model: ReportModel, hosts: frozenset[str]) -> None:
    pages.heading("Findings")
    if not model.nonconformities:
        pages.paragraph(Line("No finding is open, and none was cured in the period."))
        return
    rows = (_finding(line, model, hosts) for line in model.nonconformities)
    head = ("Requirement", "About", "Expected, found, to do", "When", "Owner, due")
    pages.table(head, (2, 3.2, 6.4, 2, 2), rows, _SIZE)


def _finding(line: Nonconformity, model: ReportModel, hosts: frozenset[str]) -> list[Cell]:
    zone = model.identity.zone
    late = line.state == "open" and line.due_at is not None and line.due_at <= model.identity.as_of
    evidence = ", ".join(clean(proof.label) for proof in line.evidence)
    hashes = ", ".join(proof.document_hash[:12] for proof in line.evidence if proof.document_hash)
    return [
        [
            Line(line.requirement, bold=True),
            Line(f"{line.severity}, {line.state}", colour=_BAD if line.severity == "critical" else "#1a1a1a"),
            *([Line(line.news)] if line.news else []),
        ],
        _subject(line.subject, hosts),
        [
            Line(f"Expected: {clean(line.expected)}"),
            Line(f"Found: {clean(line.found)}"),
            Line(f"To do: {clean(line.action)}"),
            *([Line(f"Evidence: {evidence}; document {hashes}")] if evidence else []),
        ],
        [
            Line(f"breached {day_text(line.breached_at, zone)}"),
            Line(f"seen {day_text(line.first_seen_at, zone)}"),
            *([Line(f"cured {day_text(line.cured_at, zone)}")] if line.cured_at is not None else []),
            *([Line(f"reopened {line.reopened}")] if line.reopened else []),
        ],
        [
            Line(clean(line.owner.label) if line.owner else "no owner"),
            *([Line(f"due {day_text(line.due_at, zone)}")] if line.due_at is not None else []),
            *([Line("LATE", bold=True, colour=_BAD)] if late else []),
        ],
    ]


def _subject(subject: Subject, hosts: frozenset[str]) -> list[Line]:
    lines = [Line(clean(subject.key or subject.id), bold=True, url=safe_url(subject.url, hosts))]
    return [*lines, Line(clean(subject.title))] if subject.title else lines


def _topic(pages: Pages, topic: Topic, zone: str) -> None:
    pages.heading(topic.name)
    if not topic.rows:
        pages.paragraph(Line(topic.empty))
        return
    wanted = _SHOWN.get(topic.name)
    places = [n for n, column in enumerate(topic.columns) if wanted is None or column.name in wanted]
    columns = [topic.columns[n] for n in places]
    rows = (_row([row[n] for n in places], columns, zone) for row in topic.rows)
    pages.table([column.name for column in columns], [max(column.width, 9) for column in columns], rows, _SIZE)


def _row(cells: list[Told], columns: list[Column], zone: str) -> list[Cell]:
    return [[Line(_text(cell, column, zone))] for cell, column in zip(cells, columns, strict=True)]


def _text(cell: Told, column: Column, zone: str) -> str:
    if isinstance(cell, int):
        return {"minute": minute_text, "day": day_text}.get(column.kind, lambda number, _: str(number))(cell, zone)
    return clean(cell or "")
