"""Chapter 7: incidents and problems: major ones, repeats, trends, known errors, whether solutions held."""

from __future__ import annotations

from hub.conformance.situation.incident_trend import IncidentTrend, incident_trend
from hub.report.file.topic import Column, Topic
from hub.report.model import Said
from hub.report.service.chapter import Asked, Chapter, Part
from hub.report.service.known import known, name_of, whole

__all__ = ["incidents"]

_TITLE = "Incidents and problems"
_NONE = "not recorded"


def incidents(asked: Asked) -> Chapter:
    """Tell major incidents, repeats and trends, problems opened and closed, known errors, effectiveness."""
    said = known(asked, ("incident", "problem", "known_error"))
    if said.absent:
        return whole(7, _TITLE, said, [], empty=True)
    facts, was = (
        incident_trend(asked.conn, span, asked.as_of, asked.known_at, asked.audience, before=asked.before)
        for span in (asked.period, asked.before)
    )
    parts: list[Part] = []
    if "incident" in said.kinds:
        parts += _incidents(asked, facts)
    if "problem" in said.kinds:
        parts += _problems(facts, was)
    if "known_error" in said.kinds:
        parts.append(_errors(facts, was))
    p, e = facts.problems, facts.errors
    told = (facts.opened, facts.major, facts.categories, p.opened, p.open, p.closed, p.resolved, p.reviewed, p.unknown)
    return whole(7, _TITLE, said, parts, empty=not any((*told, e.current, e.published, e.retired)))


def _incidents(asked: Asked, facts: IncidentTrend) -> list[Part]:
    major = Topic(
        "Major incidents",
        (
            Column("Incident", width=36),
            Column("Began", "minute", 17),
            Column("Resolved", "minute", 17),
            Column("Cause", "word", 14),
            Column("Steps recorded", "number", 10),
        ),
        [
            (
                name_of(asked, one.subject),
                one.begun_at,
                one.resolved_at if one.resolved_at is not None else "still open",
                "recorded" if one.cause_known else _NONE,
                one.steps,
            )
            for one in facts.major
        ],
        "there was no major incident",
    )
    trends = Topic(
        "Incidents by category",
        (
            Column("Category", "word", 28),
            Column("Now", "number", 8),
            Column("Before", "number", 8),
            Column("Change", width=8),
        ),
        [(one.name or _NONE, one.now, one.before, f"{one.now - one.before:+d}") for one in facts.categories],
        "no cases",
    )
    recurring = Topic(
        "Problems with several incidents",
        (Column("Problem", width=40), Column("Incidents", "number", 10)),
        [(name_of(asked, one.problem), one.incidents) for one in facts.recurring],
        "no problem has more than one incident of the period",
    )
    text = "{n} incidents came: {repeated} recorded as a repeat of an earlier one, {tied} belonging to a problem."
    values: dict[str, int | str] = {"n": facts.opened, "repeated": facts.repeated, "tied": facts.tied}
    parts: list[Part] = [Said(phrase=text, values=values), major]
    if facts.major_count > len(facts.major):
        phrase = "Of {n} major incidents the latest {shown} are listed."
        parts.append(Said(phrase=phrase, values={"n": facts.major_count, "shown": len(facts.major)}))
    return [*parts, trends, recurring]


def _problems(facts: IncidentTrend, was: IncidentTrend) -> list[Part]:
    lines = (
        ("opened", "opened"),
        ("solved", "resolved"),
        ("closed", "closed"),
        ("open at the end", "open"),
        ("of these with known cause", "caused"),
        ("of these late", "late"),
    )
    table = Topic(
        "Problems",
        (Column("Problems", "word", 26), Column("Now", "number", 8), Column("Before", "number", 8)),
        [(name, getattr(facts.problems, field), getattr(was.problems, field)) for name, field in lines],
        "no cases",
    )
    reviewed = facts.problems.reviewed
    effect = Topic(
        "Effectiveness of solutions",
        (Column("Result", "word", 18), Column("Solutions reviewed", "number", 10)),
        [(name or _NONE, reviewed[name]) for name in ("effective", "partly", "ineffective", "") if name in reviewed],
        "no solution was reviewed",
    )
    parts: list[Part] = [table, effect]
    if facts.problems.recurred:
        phrase = "{n} incidents came again after the solutions reviewed."
        parts.append(Said(phrase=phrase, values={"n": facts.problems.recurred}))
    if facts.problems.unknown:
        phrase = "{n} problems are done, nobody knows since when; they are in no figure."
        parts.append(Said(phrase=phrase, values={"n": facts.problems.unknown}))
    return parts


def _errors(facts: IncidentTrend, was: IncidentTrend) -> Topic:
    lines = (
        ("published", "published"),
        ("retired", "retired"),
        ("current at the end", "current"),
        ("of these without workaround", "without_workaround"),
    )
    return Topic(
        "Known errors",
        (Column("Known errors", "word", 26), Column("Now", "number", 8), Column("Before", "number", 8)),
        [(name, getattr(facts.errors, field), getattr(was.errors, field)) for name, field in lines],
        "no cases",
    )
