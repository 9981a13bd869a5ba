"""The report's sentences, days and figures, the same in every rendering. Pure."""

from __future__ import annotations

import unicodedata
from urllib.parse import urlsplit

from hub.report.language.words import ENGLISH, Days, Words
from hub.report.model import Change, Identity, ProfileLine, ReportModel, RuleChange

__all__ = [
    "KEPT",
    "NO_LEVEL",
    "RESULT_WORDS",
    "Days",
    "change_sentence",
    "clean",
    "counts_line",
    "period_text",
    "plural",
    "profile_sentence",
    "rate_sentence",
    "rule_sentence",
    "safe_url",
    "subject_line",
    "verdict_sentence",
]

RESULT_WORDS: dict[str, str] = {
    "met": "met",
    "attested": "attested",
    "waived": "waived",
    "not_met": "not met",
    "not_provable": "not provable",
    "not_applicable": "n/a",
    "pending": "pending",
    "at_risk": "at risk",
    "not_judged": "not judged",
}
"""Verdict -> how people read it."""
KEPT: dict[str, str] = {"met": "kept", "missed": "missed", "no_cases": "no cases", "not_provable": "not provable"}
"""How a promised level fared, as people read it."""
NO_LEVEL = (
    "No service level was measured: no agreement in force names a target or no ticket falls under one, "
    "and availability of no service was measured."
)
_SUBJECT_LENGTH = 120


def clean(text: str) -> str:
    """Make one line of a text from elsewhere: no control characters, no marks that turn its direction."""
    if text.isprintable() and "  " not in text and text == text.strip():
        return text
    kept = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c) not in _HIDDEN)
    return " ".join(kept.split())


_HIDDEN = frozenset({"Cc", "Cf", "Cs"})


def safe_url(url: str, hosts: frozenset[str]) -> str:
    """Return the URL if it is http(s) to a configured host, else nothing. Hosts in lower case, without port."""
    if not url or url != clean(url) or " " in url or "\\" in url:
        return ""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or host not in hosts:
        return ""
    return url


def plural(number: int, one: str, many: str = "") -> str:
    """`1 finding`, `2 findings`."""
    return ENGLISH.count(number, one, many)


def subject_line(model: ReportModel) -> str:
    """Write the mail's subject, worst first, at most 120 characters; a long scope is cut, never a number.

    It is the same in every language, for filters.
    """
    counts, identity = model.counts, model.identity
    kept, levels = model.levels_kept
    head = f"[{model.status.word}] "
    tail = (
        f" conformance {identity.period.label}: {counts.of('not_met')} not met ({model.not_met_critical} critical), "
        f"{counts.of('not_provable')} not provable, SLA {kept}/{levels}, due {len(model.coming)}"
    )
    if model.urgent:
        tail += " URGENT"
    if identity.revision > 1:
        tail += f" rev {identity.revision}"
    scope, room = clean(identity.scope), _SUBJECT_LENGTH - len(head) - len(tail)
    if len(scope) > room:
        scope = scope[: room - 3].rstrip() + "..."
    return clean(head + scope + tail)


def verdict_sentence(model: ReportModel, words: Words = ENGLISH) -> str:
    """Say in one sentence how it stands."""
    counts = model.counts
    judged = words.count(counts.judged - model.left_out, "requirement")
    if not counts.of("not_met") and not counts.of("not_provable"):
        if not counts.judged:
            return words("Nothing could be judged.")
        return words("None of the {judged} judged is known to be broken.", judged=judged)
    critical = words(" ({n} critical)", n=model.not_met_critical) if model.not_met_critical else ""
    return words(
        "Of {judged} judged, {bad} not met{critical} and {unknown} not provable.",
        judged=judged,
        bad=counts.of("not_met"),
        critical=critical,
        unknown=counts.of("not_provable"),
    )


def change_sentence(change: Change | None, words: Words = ENGLISH) -> str:
    """Say in one sentence what moved since the last mail."""
    if change is None:
        return words("This is the first mail; there is nothing to compare it with.")
    excused = change.waived or change.unwaived
    if not (change.new or change.resolved or change.worse or change.moved or change.redefined or excused):
        if not change.continuing:
            return words("Nothing changed since the last mail.")
        findings = words.count(change.continuing, "finding")
        return words("Nothing changed since the last mail; {findings} continuing.", findings=findings)
    continuing = words("{n} continuing", n=change.continuing)
    if change.worse:
        continuing += words(" ({n} of them worse)", n=len(change.worse))
    parts = [words("{n} new", n=change.new), words("{n} resolved", n=len(change.resolved)), continuing]
    if change.waived:
        parts.append(words("{n} waived", n=len(change.waived)))
    if change.unwaived:
        parts.append(words("{n} open again after a waiver", n=len(change.unwaived)))
    return words("Findings since the last mail: {parts}.", parts=words.list(parts)) + _ours(change, words)


def _ours(change: Change, words: Words) -> str:
    if not change.redefined:
        return ""
    appear = sum(line.state == "open" for line in change.redefined)
    gone = len(change.redefined) - appear
    parts = [words("{n} appeared", n=appear)] if appear else []
    parts += [words("{n} went away", n=gone)] if gone else []
    text = " Changed by us, because the rules changed and not the records: {parts}."
    return words(text, parts=words.list(parts))


def profile_sentence(line: ProfileLine, words: Words = ENGLISH) -> str:
    """Say what is set otherwise than shipped, for whom, who set it and why."""
    shipped, ours = (_value(line, value, words) for value in (line.shipped, line.ours))
    who = words("nobody is named")
    if line.set_by:
        who = words("set by {who}, {day}", who=line.set_by, day=line.set_at)
    left_out = ""
    if line.left_out:
        left_out = words("; {cases} not asked", cases=words.count(line.left_out, "case"))
    return words(
        "{what}: {ours}, shipped {shipped}{left_out}; {reason} ({who}; {key})",
        what=_what(line) + _for(line, words),
        ours=ours,
        shipped=shipped,
        left_out=left_out,
        reason=line.reason or words("no reason is given"),
        who=who,
        key=line.key,
    )


def rule_sentence(rule: RuleChange, words: Words = ENGLISH) -> str:
    """Say what we set otherwise than at the last mail, and what came of it."""
    before, now = (_value(rule.line, value, words) for value in (rule.before, rule.line.ours))
    told = [words("{n} appeared", n=rule.appeared)] if rule.appeared else []
    told += [words("{n} went away", n=rule.gone)] if rule.gone else []
    came = words("findings: {parts}", parts=words.list(told)) if told else words("no finding changed by it")
    return f"{_what(rule.line)}{_for(rule.line, words)}: {before} → {now}; {came}"


def _what(line: ProfileLine) -> str:
    return line.requirement if line.what == "judged" else f"{line.requirement} {line.what}"


def _for(line: ProfileLine, words: Words) -> str:
    return "" if line.scope == "organisation" else words(" for {scope}", scope=line.scope)


def _value(line: ProfileLine, value: object, words: Words) -> str:
    if line.what == "judged":
        return words("judged") if value else words("not judged")
    if isinstance(value, bool):
        return words("yes") if value else words("no")
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def rate_sentence(model: ReportModel, words: Words = ENGLISH) -> str:
    """Write the conformance rate with its parts and the one before."""
    rate = model.counts.rate
    text = words("Conformance rate {share}", share=words.percent(rate.numerator, rate.denominator))
    if rate.denominator:
        text += words(" ({part} of {whole})", part=rate.numerator, whole=rate.denominator)
    if model.rate_before is not None:
        before = words.percent(model.rate_before.numerator, model.rate_before.denominator)
        text += words(", before {share}", share=before)
    return text


def counts_line(model: ReportModel, words: Words = ENGLISH) -> str:
    """`met 180 | attested 31 | … | n/a 67 of 290`, with what stands beside the rate after it."""
    counts = model.counts
    order = ("met", "attested", "waived", "not_met", "not_provable")
    line = " | ".join(f"{words(RESULT_WORDS[v])} {words.number(counts.verdicts.get(v, 0))}" for v in order)
    line += " | " + words("n/a {n} of {whole}", n=counts.of("not_applicable"), whole=counts.judged)
    beside = words("beside them pending {n}, at risk {risk}", n=counts.of("pending"), risk=counts.of("at_risk"))
    return f"{line}; {beside}"


def period_text(identity: Identity, words: Words = ENGLISH) -> str:
    """`2026-10 (1 Oct 2026 to 31 Oct 2026, Europe/Berlin)`, in the zone the period is of."""
    period = identity.period
    days = Days(period.zone, words)
    first, last = days.day(period.start), days.day(period.end - 1)
    return words("{label} ({first} to {last}, {zone})", label=period.label, first=first, last=last, zone=period.zone)
