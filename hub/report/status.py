"""The one word over a report, and the rules behind it. Pure.

Shares are compared exactly, as whole numbers, and printed rounded down.
"""

from __future__ import annotations

import msgspec

from hub.report.model import Counts, Status

__all__ = ["StatusFacts", "Thresholds", "percent", "status_of"]

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


def status_of(facts: StatusFacts, limits: Thresholds) -> Status:
    """Return the first word that fits: INCOMPLETE (never hiding RED), RED, AMBER, GREEN.

    Requirements no enabled pack judges, and those not applicable, pending or at risk, are outside the
    shares. A report that judges nothing is INCOMPLETE: unknown is never a pass.
    """
    incomplete, red = _incomplete(facts, limits), _red(facts, limits)
    if incomplete:
        return Status(word="INCOMPLETE/RED" if red else "INCOMPLETE", reasons=incomplete + red)
    if red:
        return Status(word="RED", reasons=red)
    amber = _amber(facts, limits)
    return Status(word="AMBER" if amber else "GREEN", reasons=amber)


def percent(part: int, whole: int) -> str:
    """Write a share with two decimals, rounded down: `93.75 %`; `no cases` of nothing."""
    if not whole:
        return "no cases"
    units, hundredths = divmod(part * _WHOLE // whole, 100)
    return f"{units}.{hundredths:02d} %"


def _incomplete(facts: StatusFacts, limits: Thresholds) -> list[str]:
    counts = facts.counts
    reasons = []
    if facts.unread:
        reasons.append(f"Not or only partly read: {', '.join(facts.unread)}.")
    if not counts.judged:
        reasons.append("No requirement could be judged.")
    if _above(counts.of("not_provable"), counts.decided, limits.not_provable_share):
        reasons.append(
            _share_sentence(counts.of("not_provable"), counts.decided, "not provable", limits.not_provable_share)
        )
    return reasons


def _red(facts: StatusFacts, limits: Thresholds) -> list[str]:
    counts = facts.counts
    reasons = []
    if facts.critical_not_met:
        noun = "critical requirement is" if facts.critical_not_met == 1 else "critical requirements are"
        reasons.append(f"{facts.critical_not_met} {noun} not met.")
    if _above(counts.of("not_met"), counts.decided, limits.not_met_share):
        reasons.append(_share_sentence(counts.of("not_met"), counts.decided, "not met", limits.not_met_share))
    late = facts.latest_critical_action_ms
    if late is not None and late > limits.action_late_days * _DAY_MS:
        reasons.append(f"A critical action is {late // _DAY_MS} days late (limit {limits.action_late_days}).")
    return reasons


def _amber(facts: StatusFacts, limits: Thresholds) -> list[str]:
    counts = facts.counts
    table = [
        (counts.of("not_met"), "{} not met.", "requirement is", "requirements are"),
        (counts.of("not_provable"), "{} not provable.", "requirement is", "requirements are"),
        (
            facts.at_risk_soon,
            "{} at risk and due within " + str(limits.at_risk_days) + " days.",
            "item is",
            "items are",
        ),
        (facts.waivers_ending, "{} within " + str(limits.waiver_days) + " days.", "waiver ends", "waivers end"),
    ]
    return [text.format(f"{n} {one if n == 1 else many}") for n, text, one, many in table if n]


def _above(part: int, whole: int, limit: int) -> bool:
    return part * _WHOLE > limit * whole


def _share_sentence(part: int, whole: int, word: str, limit: int) -> str:
    return (
        f"{percent(part, whole)} of applicable requirements {word} ({part} of {whole}; limit {percent(limit, _WHOLE)})."
    )
