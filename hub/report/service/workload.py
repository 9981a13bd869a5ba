"""Chapter 4: the work of the period. Every line balances."""

from __future__ import annotations

from collections.abc import Sequence

from hub.conformance.situation.workload import Contacts, Flow, Uncounted, Workload
from hub.conformance.situation.workload import workload as facts_of
from hub.report.file.topic import Cell, Column, Topic
from hub.report.model import Said
from hub.report.service.chapter import Asked, Chapter, Part
from hub.report.service.known import hours_of, known, whole

__all__ = ["KINDS", "workload"]

_TITLE = "Workload"
KINDS = ("contact", "incident", "request", "change", "onsite_visit")
"""Kinds of record the chapter is made from."""
_NONE = "not recorded"
_FIGURES = (
    Column("Opening backlog", "number", 10),
    Column("Opened", "number", 9),
    Column("Reopened", "number", 10),
    Column("Resolved", "number", 9),
    Column("Cancelled", "number", 10),
    Column("Closing backlog", "number", 10),
)


def workload(asked: Asked) -> Chapter:
    """Tell contacts, incidents, requests and changes from opening to closing backlog, by priority, service and channel."""
    said = known(asked, KINDS, beside=("security_incident",))
    if said.absent:
        return whole(4, _TITLE, said, [], empty=True)
    facts = facts_of(asked.conn, asked.period, asked.as_of, asked.known_at, asked.audience)
    empty = not (facts.flows or facts.contacts or facts.visits.number or facts.uncounted)
    parts: list[Part] = [_total(facts), *_groups(facts), _ages(facts.flows)]
    if "contact" in said.kinds or facts.contacts:
        parts.append(_contacts(facts.contacts))
    if "onsite_visit" in said.kinds or facts.visits.number:
        parts.append(_visits(facts))
    parts.append(
        Said(phrase="Of effort only the hours of contacts and visits are recorded; other effort is not known.")
    )
    parts += [*_rules(facts), *(one for row in facts.uncounted for one in _uncounted(row))]
    return whole(4, _TITLE, said, parts, empty=empty)


def _total(facts: Workload) -> Topic:
    rows: list[tuple[Cell, ...]] = [(_kind(one.kind), *_figures(one)) for one in facts.flows]
    if len(facts.flows) > 1:
        rows.append(("all", *(sum(column) for column in zip(*map(_figures, facts.flows), strict=True))))
    return Topic("Workload", (Column("Kind", "word", 18), *_FIGURES), rows, "no cases")


def _groups(facts: Workload) -> list[Topic]:
    ways = (
        ("Workload by priority", Column("Priority", "word", 14), facts.by_class),
        ("Workload by service", Column("Service", "word", 28), facts.by_service),
        ("Workload by channel", Column("Channel", "word", 14), facts.by_channel),
    )
    return [
        Topic(
            name,
            (Column("Kind", "word", 18), column, *_FIGURES),
            [(_kind(one.kind), one.group or _NONE, *_figures(one)) for one in flows],
            "no cases",
        )
        for name, column, flows in ways
    ]


def _figures(flow: Flow) -> tuple[int, ...]:
    return (flow.opening, flow.opened, flow.reopened, flow.resolved, flow.cancelled, flow.closing)


def _ages(flows: Sequence[Flow]) -> Topic:
    columns = ("Under 1 day", "1 to 7 days", "7 to 30 days", "30 to 90 days", "90 days and more")
    return Topic(
        "Age of the backlog",
        (
            Column("Kind", "word", 18),
            *(Column(name, "number", 11) for name in columns),
            Column("Oldest opened", "day", 13),
        ),
        [(_kind(one.kind), *one.ages, one.oldest) for one in flows if one.closing],
        "nothing was open at the end",
    )


def _contacts(rows: Sequence[Contacts]) -> Topic:
    return Topic(
        "Contacts",
        (
            Column("Channel", "word", 14),
            Column("Contacts", "number", 10),
            Column("Answered", "number", 10),
            Column("Not answered", "number", 12),
            Column("Not known", "number", 11),
            Column("Hours spoken", width=12),
        ),
        [
            (
                one.channel or _NONE,
                one.number,
                one.answered,
                one.unanswered,
                one.number - one.answered - one.unanswered,
                hours_of(one.seconds)
                if one.timed == one.number
                else f">= {hours_of(one.seconds)}"
                if one.timed
                else "",
            )
            for one in rows
        ],
        "no cases",
    )


def _visits(facts: Workload) -> Said:
    visits = facts.visits
    if not visits.number:
        return Said(phrase="No on-site visit is recorded.")
    phrase = "On-site visits: {n}, of which {confirmed} confirmed by the customer; {hours} hours on site, recorded of {timed}."
    values: dict[str, int | str] = {"n": visits.number, "confirmed": visits.confirmed, "timed": visits.timed}
    return Said(phrase=phrase, values={**values, "hours": hours_of(visits.seconds)})


def _rules(facts: Workload) -> list[Part]:
    parts: list[Part] = [
        Said(phrase="Opening + opened + reopened - resolved - cancelled = closing, line by line."),
        Said(
            phrase="Each counts for the whole period under the priority, channel and services it has now (a change under its type); "
            "what belongs to several services stands in each of them."
        ),
    ]
    if gone := sum(one.gone for one in facts.flows):
        phrase = "Among the cancelled are {n} that were deleted at their source while they were open."
        parts.append(Said(phrase=phrase, values={"n": gone}))
    return parts


def _uncounted(row: Uncounted) -> list[Part]:
    told = (
        (row.unopened, "Of {n} ({kind}) nobody knows when they came; they are in no figure."),
        (row.unended, "{n} ({kind}) are done, nobody knows since when; they are in no figure."),
        (row.unreopened, "{n} ({kind}) are open again, nobody knows since when; they count as resolved."),
        (row.unseen, "{n} ({kind}) can no longer be seen at their source; they count as they were last seen."),
    )
    kind = _kind(row.kind)
    return [Said(phrase=phrase, values={"n": number, "kind": kind}) for number, phrase in told if number]


def _kind(kind: str) -> str:
    return kind.replace("_", " ")
