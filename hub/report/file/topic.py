"""The lists of a report as tables, the same for workbook and document. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hub.conformance.answer import RequirementRow, Subject
from hub.report.language.words import ENGLISH, Words
from hub.report.model import Nonconformity, Person, ReportModel
from hub.report.wording import KEPT, NO_LEVEL, RESULT_WORDS, clean

__all__ = ["Cell", "Column", "Kind", "Topic", "said_in", "topics_of"]

Cell = str | int | None
"""An instant is a number in a column of kind `minute` or `day`; None = nothing to say."""
Kind = Literal["text", "number", "minute", "day", "link", "word"]
"""A `word` is a phrase of `hub.report.language`, said in the reader's language."""
_SHOWN_REASONS = 3


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    """A phrase, as all names of a topic; whoever draws it says it."""
    kind: Kind = "text"
    width: int = 14
    """In characters, as a spreadsheet counts them."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One table."""

    name: str
    """At most 31 characters, as a spreadsheet allows."""
    columns: Sequence[Column]
    rows: Sequence[tuple[Cell, ...]]
    empty: str
    """Why there is nothing in it."""


def said_in(topic: Topic, say: Words) -> Topic:
    """Say the names of a topic and its columns, and why it is empty, in a language."""
    columns = [replace(column, name=say(column.name)) for column in topic.columns]
    return Topic(say(topic.name), columns, topic.rows, say(topic.empty))


def topics_of(model: ReportModel, say: Words = ENGLISH) -> Iterator[Topic]:
    """Give every table of a report, in the order of its mail; cells in the reader's language, addresses unchecked."""
    yield _findings(model, say)
    yield _requirements(model, say)
    yield _clauses(model, say)
    yield _levels(model, say)
    yield _deadlines(model, say)
    yield _coverage(model, say)
    yield _gaps(model, say)
    yield _waivers(model, say)


def _findings(model: ReportModel, say: Words) -> Topic:
    change = model.change
    told = {line.key for line in model.nonconformities}
    gone = [line for line in [*change.resolved, *change.waived] if line.key not in told] if change else []
    return Topic(
        "Findings",
        (
            Column("Requirement", width=18),
            Column("Title", width=34),
            Column("Clause", width=8),
            Column("Severity", width=10),
            Column("State", width=10),
            Column("Since last report", width=14),
            Column("Subject", width=16),
            Column("Subject title", width=34),
            Column("Address", "link", 24),
            Column("Expected", width=40),
            Column("Found", width=50),
            Column("What to do", width=50),
            Column("Breached", "minute", 17),
            Column("First seen", "minute", 17),
            Column("Age in days", "number", 11),
            Column("Owner", width=24),
            Column("Due", "minute", 17),
            Column("Cured", "minute", 17),
            Column("Reopened", "number", 10),
            Column("Evidence", width=40),
            Column("Key", width=40),
        ),
        [_finding(line, model, say) for line in [*model.nonconformities, *gone]],
        "No finding is open, and none was cured in the period.",
    )


def _finding(line: Nonconformity, model: ReportModel, say: Words) -> tuple[Cell, ...]:
    return (
        line.requirement,
        model.titles.get(line.requirement, ""),
        line.clause,
        say(line.severity),
        say(line.state),
        line.news and say(line.news),
        line.subject.key or line.subject.id,
        line.subject.title,
        line.subject.url,
        line.expected,
        line.found,
        line.action,
        line.breached_at,
        line.first_seen_at,
        line.age_days,
        _person(line.owner),
        line.due_at,
        line.cured_at,
        line.reopened,
        " ".join(proof.id for proof in line.evidence),
        line.key,
    )


_REQUIREMENT_CASES = ("not_met", "not_provable", "waived", "attested", "met", "at_risk", "pending", "not_applicable")


def _requirements(model: ReportModel, say: Words) -> Topic:
    moved = {line.requirement: line.before for line in model.change.moved} if model.change else {}
    return Topic(
        "Requirements",
        (
            Column("Requirement", width=18),
            Column("Title", width=44),
            Column("Clause", width=8),
            Column("Severity", width=10),
            Column("Result", width=14),
            Column("Result before", width=14),
            *(Column(f"Cases {RESULT_WORDS[verdict]}", "number", 12) for verdict in _REQUIREMENT_CASES),
            Column("Why", width=60),
        ),
        [_requirement(row, moved.get(row.requirement, ""), say) for row in model.requirements],
        "This report is older than the list of requirements in it.",
    )


def _requirement(row: RequirementRow, before: str, say: Words) -> tuple[Cell, ...]:
    return (
        row.requirement,
        row.title,
        row.clause,
        say(row.severity),
        say(RESULT_WORDS[row.verdict]),
        say(RESULT_WORDS[before]) if before else "",
        *(row.counts.get(verdict, 0) for verdict in _REQUIREMENT_CASES),
        "; ".join(row.reasons[:_SHOWN_REASONS]),
    )


def _clauses(model: ReportModel, say: Words) -> Topic:
    shown = [verdict for verdict in RESULT_WORDS if verdict != "not_judged"]
    return Topic(
        "Clauses",
        (
            Column("Clause", width=10),
            *(Column(RESULT_WORDS[verdict].capitalize(), "number", 13) for verdict in shown),
            Column("Conformance rate", width=18),
        ),
        [
            (
                row.clause,
                *(row.counts.verdicts.get(verdict, 0) for verdict in shown),
                say.percent(row.counts.rate.numerator, row.counts.rate.denominator),
            )
            for row in model.clauses
        ],
        "No enabled pack judges any clause.",
    )


def _levels(model: ReportModel, say: Words) -> Topic:
    return Topic(
        "Service levels",
        (
            Column("No", "number", 5),
            Column("Agreement", width=34),
            Column("Metric", width=16),
            Column("Promise", width=28),
            Column("Before", width=12),
            Column("Before, restated", width=16),
            Column("Now", width=12),
            Column("When it ended", width=14),
            Column("Target", width=12),
            Column("Kept", width=14),
            Column("Next target", width=12),
            Column("Met", "number", 8),
            Column("Decided", "number", 9),
            Column("Excluded", "number", 10),
            Column("Open", "number", 8),
            Column("At risk", "number", 8),
            Column("Not provable", "number", 13),
        ),
        [
            (
                number,
                row.title or say("under no agreement"),
                row.metric,
                row.promise,
                _figure(row.previous, say(row.no_figure_before)),
                _figure(row.restated),
                _figure(row.current, say(row.no_figure_now)),
                _figure(row.stood),
                _figure(row.target),
                say(KEPT[row.kept]),
                row.goal,
                row.met,
                row.decided,
                row.excluded,
                row.open,
                row.at_risk,
                row.lacking,
            )
            for number, row in enumerate(model.levels, 1)
        ],
        NO_LEVEL,
    )


def _deadlines(model: ReportModel, say: Words) -> Topic:
    due: list[tuple[int, str, str, Subject | None, str, str]] = [
        (line.due_at, say("finding to cure"), line.requirement, line.subject, _person(line.owner), "")
        for line in model.nonconformities
        if line.state == "open" and line.due_at is not None
    ]
    due += [
        (row.due_at, say("owed"), row.requirement, row.subject, "", say("at risk") if row.at_risk else "")
        for row in model.coming
    ]
    due += [
        (row.valid_to, say("waiver ends"), row.requirement, None, _person(row.approver), "")
        for row in model.waivers
        if row.expires_soon
    ]
    return Topic(
        "Deadlines",
        (
            Column("Due", "minute", 17),
            Column("What", width=16),
            Column("Requirement", width=18),
            Column("Title", width=40),
            Column("Subject", width=16),
            Column("Subject title", width=40),
            Column("Address", "link", 24),
            Column("Owner", width=24),
            Column("At risk or late", width=14),
        ),
        [
            (
                at,
                what,
                requirement,
                model.titles.get(requirement, ""),
                (subject.key or subject.id) if subject else "",
                subject.title if subject else "",
                subject.url if subject else "",
                owner,
                say("late") if at <= model.identity.as_of else risk,
            )
            for at, what, requirement, subject, owner, risk in sorted(due, key=lambda row: (row[0], row[1], row[2]))
        ],
        "Nothing is due in the next 30 days.",
    )


def _coverage(model: ReportModel, say: Words) -> Topic:
    return Topic(
        "Coverage",
        (
            Column("Source", width=18),
            Column("Scope", width=18),
            Column("Kind of record", width=20),
            Column("Read through", "minute", 17),
            Column("Records", "number", 10),
            Column("Why not further", width=70),
        ),
        [
            (
                row.source,
                row.scope,
                row.kind,
                row.through,
                row.records,
                row.reason or ("" if row.through is not None else say("never read to the end")),
            )
            for row in model.coverage
        ],
        "No source was read.",
    )


def _gaps(model: ReportModel, say: Words) -> Topic:
    return Topic(
        "Not provable",
        (
            Column("Why", width=60),
            Column("What would prove it", width=70),
            Column("Cases", "number", 8),
            Column("Requirements", width=60),
        ),
        [(row.reason, row.remedy, row.obligations, say.list(row.requirements)) for row in model.gaps],
        "Nothing is left undecided for want of data.",
    )


def _waivers(model: ReportModel, say: Words) -> Topic:
    rows: list[tuple[Cell, ...]] = [
        (
            row.requirement,
            model.titles.get(row.requirement, ""),
            say("waived"),
            row.unit_filter,
            row.reason,
            _person(row.approver),
            row.valid_to - 1,
            row.obligations,
            "; ".join([*([say("ends soon")] if row.expires_soon else []), *row.notes]),
        )
        for row in model.waivers
    ]
    rows += [
        (
            row.requirement,
            model.titles.get(row.requirement, ""),
            say("attested"),
            clean(row.subject.key or row.subject.id),
            say("rests on declarations only"),
            _person(row.who),
            None if row.until is None else row.until - 1,
            row.obligations,
            "" if row.until is not None else say("no end is recorded"),
        )
        for row in model.attestations
    ]
    told = {row.requirement for row in model.attestations}
    rows += [
        (name, model.titles.get(name, ""), say("attested"), "", say("rests on declarations only"), "", None, None, "")
        for name in model.attested
        if name not in told
    ]
    rows += [
        (
            line.requirement,
            model.titles.get(line.requirement, ""),
            say("left out"),
            line.scope,
            line.reason,
            line.set_by,
            None,
            line.left_out,
            f"set on {line.set_at}, {line.key}",
        )
        for line in model.profile
        if line.what == "judged" and line.ours is False
    ]
    return Topic(
        "Waivers and attestations",
        (
            Column("Requirement", width=18),
            Column("Title", width=40),
            Column("What", width=10),
            Column("For", width=30),
            Column("Reason", width=50),
            Column("Approved by", width=24),
            Column("Last day", "day", 12),
            Column("Cases", "number", 8),
            Column("Notes", width=40),
        ),
        rows,
        "No waiver is in force, nothing rests on declarations only, and nothing is left out by the profile.",
    )


def _person(person: Person | None) -> str:
    return clean(person.label) if person else ""


def _figure(share: str, nothing: str = "") -> str:
    return f"{share} %" if share else nothing
