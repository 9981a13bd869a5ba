"""The full report as a document (PDF): identity, every finding, every table, and a mark where it ends.

The same report gives the same bytes on one version of reportlab and Pillow.
"""

from __future__ import annotations

import msgspec

from hub.conformance.answer import Subject
from hub.report.file.chart import charts
from hub.report.file.moment import day_text, minute_text
from hub.report.file.page import Cell, Line, Pages
from hub.report.file.table import draw_table
from hub.report.file.topic import Cell as Told
from hub.report.file.topic import Column, Topic, said_in, topics_of
from hub.report.language.words import Words, words_of
from hub.report.model import SEVERITIES, Action, Nonconformity, ReportModel
from hub.report.status import told as said
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
    identity, say = model.identity, words_of(model.identity.language)
    name = say("{report} revision {revision}", report=identity.report_id, revision=str(identity.revision))
    pages = Pages(name, language=say.tag, paging=say("page {page} of {pages}"))
    _cover(pages, model, say)
    for chart in charts(model):
        pages.picture(chart.png, _PICTURE, _PICTURE * chart.height / 1200)
        pages.paragraph(Line(chart.alt), _SIZE)
    _counts(pages, model, say)
    _actions(pages, model, hosts, say)
    _findings(pages, model, hosts, say)
    judged = msgspec.structs.replace(model, requirements=[r for r in model.requirements if r.verdict != "not_judged"])
    for topic in topics_of(judged, say):
        if topic.name != "Findings":
            _topic(pages, topic, identity.zone, say)
    pages.heading(say("End of report"))
    told = {"report": identity.report_id, "revision": str(identity.revision)}
    pages.paragraph(Line(say("End of report {report} revision {revision}.", **told)))
    return pages.bytes(clean(f"{name} | {identity.scope} | {identity.period.label}"))


def _cover(pages: Pages, model: ReportModel, say: Words) -> None:
    identity, zone = model.identity, model.identity.zone
    pages.paragraph(Line(clean(say("Conformance report {scope}", scope=identity.scope)), bold=True), 20)
    pages.paragraph(Line(f"{identity.period.label}: {model.status.word}", bold=True), 15)
    pages.paragraph(Line(clean(verdict_sentence(model, say))), 11)
    pages.paragraph(Line(clean(change_sentence(model.change, say))), 11)
    for reason in [said(one, say) for one in model.status.said] or model.status.reasons:
        pages.paragraph(Line(f"- {clean(reason)}"))
    pages.paragraph(Line(" "), 6)
    rate, period = model.counts.rate, identity.period
    first, last = day_text(period.start, period.zone), day_text(period.end - 1, period.zone)
    whole = say("{report} revision {revision}", report=identity.report_id, revision=str(identity.revision))
    share = say.percent(rate.numerator, rate.denominator)
    facts = [
        (say("Report"), whole),
        (say("Why there is this revision"), identity.note),
        (say("Period"), say("{first} to {last}, {zone}", first=first, last=last, zone=period.zone)),
        (say("As of"), f"{minute_text(identity.as_of, zone)} {zone} ({minute_text(identity.as_of, 'UTC')} UTC)"),
        (
            say("Known at"),
            f"{minute_text(identity.known_at, zone)} {zone} ({minute_text(identity.known_at, 'UTC')} UTC)",
        ),
        (say("Approved by"), identity.approved_by or say("nobody")),
        (say("Catalogue"), identity.catalogue_version),
        (say("Profile"), identity.profile_version),
        (say("Time-zone data, holidays"), f"{identity.tz_version}, {identity.holidays_version}".strip(" ,")),
        (say("Conformance rate"), share + say(" ({part} of {whole})", part=rate.numerator, whole=rate.denominator)),
    ]
    rows = ([[Line(name, bold=True)], [Line(clean(told))]] for name, told in facts if told)
    pages.table((say("Identity"), ""), (1, 4), rows, 9)


def _counts(pages: Pages, model: ReportModel, say: Words) -> None:
    pages.heading(say("Requirements by result"))
    told = {row.severity: row for row in model.by_severity}
    rows: list[list[Cell]] = []
    for severity in SEVERITIES:
        if severity in told:
            row = told[severity]
            rows.append(
                [[Line(say(severity), bold=True)], *([Line(str(row.now.verdicts.get(v, 0)))] for v in RESULT_WORDS)]
            )
            if row.before:
                before = row.before.verdicts
                rows.append([[Line(say("before"))], *([Line(str(before.get(v, 0)))] for v in RESULT_WORDS)])
    pages.paragraph(
        Line(say("Not judged by any enabled pack: {n}. The workbook names them.", n=model.counts.of("not_judged"))), 9
    )
    pages.table(
        (say("Severity"), *(say(word) for word in RESULT_WORDS.values())),
        [1.2] + [1] * len(RESULT_WORDS),
        iter(rows),
        9,
    )


def _actions(pages: Pages, model: ReportModel, hosts: frozenset[str], say: Words) -> None:
    pages.heading(say("What has to be done"))
    if not model.actions:
        pages.paragraph(Line(say("Nothing is open.")))
        return
    zone = model.identity.zone
    rows = (_action(line, zone, hosts, say) for line in model.actions)
    head = (say("Requirement"), say("What to do"), say("For"), say("Owner"), say("Due"))
    pages.table(head, (2, 6, 4, 2, 1.6), rows, _SIZE)


def _action(line: Action, zone: str, hosts: frozenset[str], say: Words) -> list[Cell]:
    more = [Line(say("and {n} more", n=line.more))] if line.more else []
    late = [Line(say("LATE"), bold=True, colour=_BAD)] if line.late else []
    return [
        [Line(line.requirement, bold=True), Line(say(line.severity))],
        [Line(clean(line.sentence))],
        [*_subject(line.subject, hosts), *more],
        [Line(clean(line.owner.label) if line.owner else say("no owner"))],
        [Line(day_text(line.due_at, zone) or say("no date")), *late],
    ]


def _findings(pages: Pages, model: ReportModel, hosts: frozenset[str], say: Words) -> None:
    pages.heading(say("Findings"))
    if not model.nonconformities:
        pages.paragraph(Line(say("No finding is open, and none was cured in the period.")))
        return
    rows = (_finding(line, model, hosts, say) for line in model.nonconformities)
    head = (say("Requirement"), say("About"), say("Expected, found, to do"), say("When"), say("Owner, due"))
    pages.table(head, (2, 3.2, 6.4, 2, 2), rows, _SIZE)


def _finding(line: Nonconformity, model: ReportModel, hosts: frozenset[str], say: Words) -> list[Cell]:
    zone = model.identity.zone
    late = line.state == "open" and line.due_at is not None and line.due_at <= model.identity.as_of
    evidence = ", ".join(clean(proof.label) for proof in line.evidence)
    hashes = ", ".join(proof.document_hash[:12] for proof in line.evidence if proof.document_hash)
    breached, seen = day_text(line.breached_at, zone), day_text(line.first_seen_at, zone)
    cured, due = day_text(line.cured_at, zone), day_text(line.due_at, zone)
    return [
        [
            Line(line.requirement, bold=True),
            Line(
                say.list([say(line.severity), say(line.state)]),
                colour=_BAD if line.severity == "critical" else "#1a1a1a",
            ),
            *([Line(say(line.news))] if line.news else []),
        ],
        _subject(line.subject, hosts),
        [
            Line(say("Expected: {text}", text=clean(line.expected))),
            Line(say("Found: {text}", text=clean(line.found))),
            Line(say("To do: {text}", text=clean(line.action))),
            *([Line(say("Evidence: {names}; document {hashes}", names=evidence, hashes=hashes))] if evidence else []),
        ],
        [
            Line(say("breached {day}", day=breached)),
            Line(say("seen {day}", day=seen)),
            *([Line(say("cured {day}", day=cured))] if cured else []),
            *([Line(say("reopened {n}", n=line.reopened))] if line.reopened else []),
        ],
        [
            Line(clean(line.owner.label) if line.owner else say("no owner")),
            *([Line(say("due {day}", day=due))] if due else []),
            *([Line(say("LATE"), bold=True, colour=_BAD)] if late else []),
        ],
    ]


def _subject(subject: Subject, hosts: frozenset[str]) -> list[Line]:
    lines = [Line(clean(subject.key or subject.id), bold=True, url=safe_url(subject.url, hosts))]
    return [*lines, Line(clean(subject.title))] if subject.title else lines


def _topic(pages: Pages, topic: Topic, zone: str, say: Words) -> None:
    pages.heading(say(topic.name))
    wanted = _SHOWN.get(topic.name)
    places = [n for n, column in enumerate(topic.columns) if wanted is None or column.name in wanted]
    rows = [tuple(row[n] for n in places) for row in topic.rows]
    shown = said_in(Topic(topic.name, [topic.columns[n] for n in places], rows, topic.empty), say)
    draw_table(pages, shown, lambda cell, column: _text(cell, column, zone))


def _text(cell: Told, column: Column, zone: str) -> str:
    if isinstance(cell, int):
        return {"minute": minute_text, "day": day_text}.get(column.kind, lambda number, _: str(number))(cell, zone)
    return clean(cell or "")
