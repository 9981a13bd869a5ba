"""The one word over a report, and the rules behind it. Pure.

Shares are compared exactly, as whole numbers, and printed rounded down.
"""

from __future__ import annotations

import msgspec

from hub.report.language.words import ENGLISH, Words
from hub.report.model import Counts, Said, Status, Word

__all__ = ["NOT_MET", "NOT_PROVABLE", "ON_TIME", "StatusFacts", "Thresholds", "percent", "status_of", "told"]

_WHOLE = 10_000
_DAY_MS = 86_400_000


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """Where the words begin; an organisation may set its own. Shares in basis points of applicable requirements."""

    not_provable_share: int = 1000
    """More than this not provable: INCOMPLETE."""
    not_met_share: int = 500
    """More than this not met: RED."""
    action_late_days: int = 30
    """A critical action later than this: RED."""
    at_risk_days: int = 14
    """Something at risk that is due within: AMBER."""
    waiver_days: int = 30
    """A waiver that ends within: AMBER."""
    coming_days: int = 30
    """How far ahead the report looks for deadlines."""
    reports_share: int = 9500
    """Less than this of the reports on time: AMBER."""
    fresh_hours: int = 24
    """While the period lasts, a source read longer ago than this counts as not read."""


class StatusFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the word depends on."""

    counts: Counts
    critical_not_met: int
    unread: list[str] = []
    """Required sources and scopes not read, or read partly; `desk / SEC`."""
    latest_critical_action_ms: int | None = None
    """How late the latest open critical action is; None = no critical action has a due date."""
    at_risk_soon: int = 0
    """Obligations at risk and due within `at_risk_days`."""
    waivers_ending: int = 0
    """Waivers that end within `waiver_days`."""
    overdue: list[str] = []
    """Requirements on audit, annual report and joint review that are not met."""
    levels_missed: int = 0
    """Promised levels that were missed."""
    critical_levels_missed: int = 0
    """Of them the critical ones."""
    reports_on_time: int = 0
    narrowed: bool = False
    """The report is about some services or teams only."""
    reports_due: int = 0
    """Reports owed in the period; 0 = the share is not known."""


def status_of(facts: StatusFacts, limits: Thresholds) -> Status:
    """Return the first word that fits: INCOMPLETE (never hiding RED), RED, AMBER, GREEN.

    Requirements no enabled pack judges, and those not applicable, pending or at risk, are outside the
    shares. A report that judges nothing is INCOMPLETE: unknown is never a pass.
    """
    incomplete, red = _incomplete(facts, limits), _red(facts, limits)
    if incomplete:
        return _status("INCOMPLETE/RED" if red else "INCOMPLETE", incomplete + red)
    if red:
        return _status("RED", red)
    amber = _amber(facts, limits)
    return _status("AMBER" if amber else "GREEN", amber)


def percent(part: int, whole: int) -> str:
    """Write a share with two decimals, rounded down: `93.75 %`; `no cases` of nothing."""
    return ENGLISH.percent(part, whole)


def _status(word: Word, said: list[Said]) -> Status:
    return Status(word=word, reasons=[told(one, ENGLISH) for one in said], said=said)


def told(said: Said, words: Words) -> str:
    """Say a reason in a language."""
    values: dict[str, object] = dict(said.values)
    if said.shares:
        values |= {name: words.percent(part, whole) for name, (part, whole) in said.shares.items()}
    return words(said.phrase, **values)


def _incomplete(facts: StatusFacts, limits: Thresholds) -> list[Said]:
    counts = facts.counts
    reasons = []
    if facts.unread:
        reasons.append(Said(phrase="Not or only partly read: {names}.", values={"names": ", ".join(facts.unread)}))
    if not counts.judged or (facts.narrowed and not counts.decided):
        reasons.append(Said(phrase="No requirement could be judged."))
    if _above(counts.of("not_provable"), counts.decided, limits.not_provable_share):
        reasons.append(_share(NOT_PROVABLE, counts.of("not_provable"), counts.decided, limits.not_provable_share))
    return reasons


def _red(facts: StatusFacts, limits: Thresholds) -> list[Said]:
    counts = facts.counts
    reasons = []
    if n := facts.critical_not_met:
        phrase = "{n} critical requirement is not met." if n == 1 else "{n} critical requirements are not met."
        reasons.append(Said(phrase=phrase, values={"n": n}))
    if n := facts.critical_levels_missed:
        phrase = "{n} critical service level was missed." if n == 1 else "{n} critical service levels were missed."
        reasons.append(Said(phrase=phrase, values={"n": n}))
    if _above(counts.of("not_met"), counts.decided, limits.not_met_share):
        reasons.append(_share(NOT_MET, counts.of("not_met"), counts.decided, limits.not_met_share))
    if facts.overdue:
        phrase = "Audit, annual report or joint review is overdue: {names}."
        reasons.append(Said(phrase=phrase, values={"names": ", ".join(facts.overdue)}))
    late = facts.latest_critical_action_ms
    if late is not None and late > limits.action_late_days * _DAY_MS:
        phrase = "A critical action is {days} days late (limit {limit})."
        reasons.append(Said(phrase=phrase, values={"days": late // _DAY_MS, "limit": limits.action_late_days}))
    return reasons


def _amber(facts: StatusFacts, limits: Thresholds) -> list[Said]:
    counts = facts.counts
    table = [
        (counts.of("not_met"), "{n} requirement is not met.", "{n} requirements are not met."),
        (facts.levels_missed, "{n} service level was missed.", "{n} service levels were missed."),
        (counts.of("not_provable"), "{n} requirement is not provable.", "{n} requirements are not provable."),
        (
            facts.at_risk_soon,
            "{n} item is at risk and due within {days} days.",
            "{n} items are at risk and due within {days} days.",
        ),
        (facts.waivers_ending, "{n} waiver ends within {days} days.", "{n} waivers end within {days} days."),
    ]
    days = {2: 0, 3: limits.at_risk_days, 4: limits.waiver_days}
    reasons = [
        Said(phrase=one if n == 1 else many, values={"n": n, "days": days.get(place, 0)})
        for place, (n, one, many) in enumerate(table)
        if n
    ]
    if facts.reports_on_time * _WHOLE < limits.reports_share * facts.reports_due:
        reasons.append(_share(ON_TIME, facts.reports_on_time, facts.reports_due, limits.reports_share))
    return reasons


NOT_MET = "{share} of applicable requirements not met ({part} of {whole}; limit {limit})."
NOT_PROVABLE = "{share} of applicable requirements not provable ({part} of {whole}; limit {limit})."
ON_TIME = "{share} of reports were on time ({part} of {whole}; limit {limit})."


def _above(part: int, whole: int, limit: int) -> bool:
    return part * _WHOLE > limit * whole


def _share(phrase: str, part: int, whole: int, limit: int) -> Said:
    return Said(
        phrase=phrase,
        values={"part": part, "whole": whole},
        shares={"share": (part, whole), "limit": (limit, _WHOLE)},
    )
