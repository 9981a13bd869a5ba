"""Chapters of event and supplier reports: one major incident, one release and what followed, one supplier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub.conformance.named import Subject
from hub.conformance.situation.change_outcome import WATCH_MS, released
from hub.conformance.situation.event import (
    Dispute,
    SupplierFacts,
    about_subjects,
    actions_of,
    release_facts,
    supplier_facts,
)
from hub.conformance.situation.protection import supplier_figures
from hub.records import Incident
from hub.report.file.topic import Cell, Column, Topic
from hub.report.model import Said
from hub.report.service.changes import releases_topic
from hub.report.service.chapter import Asked, Chapter, Part
from hub.report.service.known import known, name_of, person_of, whole
from hub.report.service.security import days_of, suppliers_topic
from hub.store.revision import read_record

__all__ = ["major_incident", "post_release", "supplier"]

_NONE = "not recorded"
_TOLD = {
    "created": "recorded",
    "accepted": "accepted",
    "assigned": "assigned",
    "prioritised": "prioritised",
    "responded": "answered",
    "onsite_arrived": "arrived on site",
    "escalated": "escalated",
    "customer_informed": "customer informed",
    "breach_notified": "customer told of the breach",
    "resolved": "resolved",
    "reopened": "reopened",
    "closed": "closed",
}
"""Event type -> how a timeline tells it; other events are not told."""
Moment = tuple[int, str, str]


def major_incident(asked: Asked) -> Chapter:
    """Tell timeline, impact, cause and actions of the incident the report is about."""
    title = "Major incident"
    said = known(asked, ("incident",))
    if said.absent:
        return whole(7, title, said, [], empty=True)
    found = [read_record(asked.conn, one, known_at=asked.known_at) for one in asked.terms.about]
    parts: list[Part] = []
    for one in found:
        if isinstance(one, Incident):
            parts += _incident(asked, one)
    return whole(7, title, said, parts, empty=not parts)


def _incident(asked: Asked, one: Incident) -> list[Part]:
    named = about_subjects(asked.conn, [one.id, *one.service_ids, *one.ci_ids, *one.problem_ids], asked.known_at)
    timeline = Topic(
        "Timeline",
        (Column("When", "minute", 17), Column("What", "word", 30), Column("Detail", width=60)),
        [(at, what, detail) for at, what, detail in sorted(set(_moments(one, asked.as_of)))],
        "nothing is recorded of its course",
    )
    actions = Topic(
        "Actions after the incident",
        (
            Column("Action", width=44),
            Column("Owner", "word", 24),
            Column("Due", "day", 13),
            Column("Closed", "day", 13),
        ),
        [
            (name_of(asked, row.subject), person_of(asked, row.owner) or "no owner", row.due_at, row.closed_at)
            for row in actions_of(asked.conn, [one.id, *one.problem_ids], asked.known_at)
        ],
        "no action is recorded",
    )
    return [_facts(asked, one, named), timeline, actions]


def _facts(asked: Asked, one: Incident, named: dict[str, Subject]) -> Topic:
    def names(ids: Sequence[str]) -> str:
        return ", ".join(name_of(asked, named.get(each)) or each for each in ids) or _NONE

    ended = one.resolved_at if one.resolved_at is not None and one.resolved_at <= asked.as_of else None
    begun = one.reported_at or one.recorded_at or one.created_at
    lasted = _NONE if begun is None or ended is None else f"{max(0, ended - begun) // 60_000}"
    rows: list[tuple[Cell, ...]] = [
        ("incident", name_of(asked, named.get(one.id)) or one.id),
        ("priority", one.priority or _NONE),
        ("services", names(one.service_ids)),
        ("configuration items", names(one.ci_ids)),
        ("minutes until resolved", lasted),
        ("impact", one.major_effect or _NONE),
        ("cause", one.major_cause or _NONE),
        ("cause of a missed level", (one.breach.cause_text or one.breach.cause_code or _NONE) if one.breach else _NONE),
        ("problems", names(one.problem_ids)),
        ("emergency plan", one.emergency_plan_id or _NONE),
        ("reopened", str(len(one.reopens))),
    ]
    return Topic("Incident", (Column("What", "word", 26), Column("Fact", "word", 70)), rows, "no cases")


def _moments(one: Incident, instant: int) -> Iterator[Moment]:
    """Yield (instant, what happened, detail) as far as the report reaches."""
    fields = (
        (one.reported_at, "reported"),
        (one.first_response_at, "answered"),
        (one.onsite_at, "arrived on site"),
        (one.resolved_at, "resolved"),
        (one.closed_at, "closed"),
        (one.breach.notified_at if one.breach else None, "customer told of the breach"),
    )
    told = [(at, what, "") for at, what in fields if at is not None]
    told += [(step.at, "step taken", step.text) for step in one.major_steps if step.at is not None]
    told += [(update.at, "customer informed", "") for update in one.customer_updates]
    told += [(up.at, "escalated", up.kind or "") for up in one.escalations]
    told += [(again.reopened_at, "reopened", "") for again in one.reopens]
    told += [(happened.at, _TOLD[happened.type], "") for happened in one.events if happened.type in _TOLD]
    yield from (moment for moment in told if moment[0] <= instant)


def post_release(asked: Asked) -> Chapter:
    """Tell how the release the report is about went, and the incidents of the 14 days after it."""
    title = "Release and what followed"
    said = known(asked, ("release", "incident", "change"), until=min(asked.as_of, asked.terms.end + WATCH_MS))
    if said.absent:
        return whole(8, title, said, [], empty=True)
    rows, _ = released(asked.conn, asked.period, asked.as_of, asked.known_at, only=asked.terms.about)
    parts: list[Part] = [releases_topic(asked, rows)] if rows else []
    if rows:
        parts += _brought(asked)
        if not all(one.over for one in rows):
            parts.append(Said(phrase="The 14 days are not over: more incidents may come."))
    return whole(8, title, said, parts, empty=not rows)


def _brought(asked: Asked) -> list[Topic]:
    """Lay out the changes of the release with their outcome, and its deployments."""
    facts = release_facts(asked.conn, asked.terms.about, asked.as_of, asked.known_at)
    changes = Topic(
        "Changes of the release",
        (Column("Change", width=44), Column("Type", "word", 12), Column("Outcome", "word", 16)),
        [
            (name_of(asked, one.subject), one.type or _NONE, (one.outcome or _NONE).replace("_", " "))
            for one in facts.changes
        ],
        "it names no change",
    )
    incidents = Topic(
        "Incidents of the 14 days",
        (
            Column("Incident", width=44),
            Column("Came", "minute", 17),
            Column("Priority", "word", 10),
            Column("Caused by the release", "word", 12),
        ),
        [
            (name_of(asked, one.subject), one.begun_at, one.priority or _NONE, "yes" if one.caused else _NONE)
            for one in facts.incidents
        ],
        "no incident came on its services",
    )
    return [changes, incidents]


def supplier(asked: Asked) -> Chapter:
    """Tell what the supplier reached of its targets, reviews held, disputes."""
    title = "Supplier performance"
    said = known(asked, ("supplier", "underpinning_contract", "measurement", "review"))
    if said.absent:
        return whole(11, title, said, [], empty=True)
    parts: list[Part] = []
    facts = supplier_facts(asked.conn, asked.terms.about, asked.period, asked.known_at)
    narrowed = facts.supplier.id if facts.supplier else None
    audience = None if narrowed else asked.audience
    figures = supplier_figures(
        asked.conn, asked.period, asked.known_at, audience, days=days_of(asked), supplier=narrowed
    )
    parts += [suppliers_topic(asked, figures), _reviews(asked, facts), _disputes(asked, facts.disputes)]
    empty = not (figures or facts.reviews or facts.disputes or facts.supplier)
    return whole(11, title, said, parts, empty=empty)


def _reviews(asked: Asked, facts: SupplierFacts) -> Topic:
    return Topic(
        "Supplier reviews",
        (
            Column("Review", width=36),
            Column("Contract", width=30),
            Column("Held", "day", 13),
            Column("Needs met", "word", 12),
            Column("Actions", "number", 9),
        ),
        [
            (
                name_of(asked, one.subject),
                name_of(asked, one.contract),
                one.held_at,
                _NONE if one.needs_met is None else "yes" if one.needs_met else "no",
                one.actions,
            )
            for one in facts.reviews
        ],
        "no review was held in the period",
    )


def _disputes(asked: Asked, rows: Sequence[Dispute]) -> Topic:
    return Topic(
        "Disputes",
        (
            Column("Contract", width=30),
            Column("Over what", width=44),
            Column("Since", "day", 13),
            Column("Owner", "word", 24),
            Column("Settled", "day", 13),
        ),
        [
            (
                name_of(asked, one.contract),
                one.text or "",
                one.opened_at,
                person_of(asked, one.owner) or "no owner",
                one.settled_at,
            )
            for one in rows
        ],
        "no dispute was open in the period",
    )
