"""Chapter 8: changes and releases: outcomes, failures, the forward schedule, incidents after release."""

from __future__ import annotations

from collections.abc import Sequence

from hub.conformance.situation.change_outcome import Ended, Released, Scheduled, ended_changes, released, scheduled
from hub.conformance.situation.control import control
from hub.conformance.situation.fact import Control
from hub.report.file.topic import Cell, Column, Topic
from hub.report.model import Said
from hub.report.service.chapter import Asked, Chapter, Part
from hub.report.service.known import known, minute_of, name_of, whole

__all__ = ["changes", "releases_topic"]

_TITLE = "Changes and releases"
_NONE = "not recorded"
_UNSEEN = "Incidents after releases are not known:"
_AHEAD_MS = 30 * 86_400_000
_OUTCOMES = ("successful", "with_issues", "backed_out", "failed", "cancelled", None)


def changes(asked: Asked) -> Chapter:
    """Tell changes by type and outcome, success rate, failed ones, the forward schedule, releases and what followed."""
    said = known(asked, ("change", "release", "deployment"))
    if said.absent:
        return whole(8, _TITLE, said, [], empty=True)
    conn, audience = asked.conn, asked.audience
    ended, before = (ended_changes(conn, span, asked.as_of, audience) for span in (asked.period, asked.before))
    facts = control(conn, asked.period, asked.as_of, asked.known_at, audience)
    ahead, planned = scheduled(conn, asked.instant, asked.instant + _AHEAD_MS, asked.known_at, audience)
    live, number = released(conn, (asked.terms.start, asked.instant), asked.as_of, asked.known_at, audience)
    parts: list[Part] = []
    if "change" in said.kinds:
        parts += [_outcomes(ended), *_success(ended, before, facts), *_failed(asked, facts), _ahead(asked, ahead)]
        if planned > len(ahead):
            phrase = "Of {n} planned changes the next {shown} are listed."
            parts.append(Said(phrase=phrase, values={"n": planned, "shown": len(ahead)}))
    if "release" in said.kinds:
        parts += [releases_topic(asked, live), *_release_notes(asked, live, number)]
        if live:
            seen = known(asked, ("incident",), until=max(one.watched_until for one in live))
            parts += [Said(phrase=_UNSEEN), seen.absent] if seen.absent else seen.notes
    if "deployment" in said.kinds:
        phrase = "{n} deployments to production, {bad} of them failed or rolled back."
        parts.append(Said(phrase=phrase, values={"n": facts.deployments, "bad": facts.deployments_failed}))
    return whole(8, _TITLE, said, parts, empty=not (ended or before or ahead or live or facts.deployments))


def _outcomes(ended: Sequence[Ended]) -> Topic:
    types = sorted({one.type for one in ended}, key=lambda name: (name is None, name or ""))
    numbers = {(one.type, one.outcome): one.number for one in ended}
    rows: list[tuple[Cell, ...]] = [
        (name or _NONE, *(numbers.get((name, outcome), 0) for outcome in _OUTCOMES), _of(ended, name)) for name in types
    ]
    if len(rows) > 1:
        totals = (sum(one.number for one in ended if one.outcome == outcome) for outcome in _OUTCOMES)
        rows.append(("all", *totals, sum(one.number for one in ended)))
    return Topic(
        "Changes by type and outcome",
        (
            Column("Type", "word", 14),
            Column("Successful", "number", 11),
            Column("With issues", "number", 11),
            Column("Backed out", "number", 11),
            Column("Failed", "number", 9),
            Column("Cancelled", "number", 10),
            Column("Not recorded", "number", 12),
            Column("All", "number", 8),
        ),
        rows,
        "no change ended in the period",
    )


def _of(ended: Sequence[Ended], name: str | None) -> int:
    return sum(one.number for one in ended if one.type == name)


def _success(ended: Sequence[Ended], before: Sequence[Ended], facts: Control) -> list[Part]:
    now, was = _share(ended), _share(before)
    phrase = "Success rate {share} ({part} of {whole} that were carried out with a recorded outcome), before {before}."
    shares = {"share": now, "before": was}
    parts: list[Part] = [Said(phrase=phrase, values={"part": now[0], "whole": now[1]}, shares=shares)]
    parts.append(Said(phrase="Emergency changes: {n}.", values={"n": facts.emergency}))
    if unknown := sum(one.number for one in ended if one.outcome is None):
        phrase = "Of {n} changes the outcome is not recorded: they are not in the success rate."
        parts.append(Said(phrase=phrase, values={"n": unknown}))
    return parts


def _share(ended: Sequence[Ended]) -> tuple[int, int]:
    """Return (successful, carried out with a recorded outcome); what was called off was not carried out."""
    done = [one for one in ended if one.outcome not in (None, "cancelled")]
    return sum(one.number for one in done if one.outcome == "successful"), sum(one.number for one in done)


def _failed(asked: Asked, facts: Control) -> list[Part]:
    table = Topic(
        "Failed changes",
        (Column("Change", width=50), Column("Address", "link", 24)),
        [(name_of(asked, one), one.url) for one in facts.failed],
        "no change failed or was backed out",
    )
    if facts.failed_count <= len(facts.failed):
        return [table]
    phrase = "Of {n} failed changes the latest {shown} are listed."
    return [table, Said(phrase=phrase, values={"n": facts.failed_count, "shown": len(facts.failed)})]


def _ahead(asked: Asked, rows: Sequence[Scheduled]) -> Topic:
    return Topic(
        "Forward schedule of changes",
        (
            Column("Change", width=44),
            Column("Type", "word", 12),
            Column("Planned start", "minute", 17),
            Column("Planned end", "minute", 17),
            Column("Published", "word", 10),
        ),
        [
            (
                name_of(asked, one.subject),
                one.type or _NONE,
                one.starts_at,
                one.ends_at,
                "yes" if one.published else "no",
            )
            for one in rows
        ],
        "no change is planned in the 30 days after the period",
    )


def releases_topic(asked: Asked, rows: Sequence[Released]) -> Topic:
    """Lay out releases with the incidents of the 14 days after each."""
    return Topic(
        "Incidents after release",
        (
            Column("Release", width=34),
            Column("Version", width=12),
            Column("Live since", "minute", 17),
            Column("Changes", "number", 9),
            Column("Incidents caused by it", "number", 12),
            Column("Incidents on its services", "number", 12),
            Column("Watched until", "minute", 17),
            Column("14 days over", "word", 10),
        ),
        [
            (
                name_of(asked, one.subject),
                one.version or "",
                one.released_at,
                one.changes,
                one.caused,
                one.beside,
                one.watched_until,
                "yes" if one.over else "no",
            )
            for one in rows
        ],
        "no release went live in the period",
    )


def _release_notes(asked: Asked, rows: Sequence[Released], number: int) -> list[Part]:
    parts: list[Part] = []
    if number > len(rows):
        phrase = "Of {n} releases the latest {shown} are listed."
        parts.append(Said(phrase=phrase, values={"n": number, "shown": len(rows)}))
    if still := sum(not one.over for one in rows):
        phrase = "{n} releases were still watched at {when}: incidents after them may come."
        parts.append(Said(phrase=phrase, values={"n": still, "when": minute_of(asked.as_of, asked.zone)}))
    return parts
