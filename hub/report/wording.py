"""The report's sentences, days and figures, the same in every rendering. Pure."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from hub.clock import FIRST_MS, LAST_MS
from hub.report.model import Change, Identity, ProfileLine, ReportModel, RuleChange
from hub.report.status import percent

__all__ = [
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
_SUBJECT_LENGTH = 120
_DAY_MS = 86_400_000


class Days:
    """Prints instants in the organisation's zone."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)

    def day(self, instant: int | None) -> str:
        """Write the local date, `2026-10-12`; empty for None."""
        return "" if instant is None else self._local(instant).strftime("%Y-%m-%d")

    def minute(self, instant: int | None) -> str:
        """Write local date and time with the zone's name, `2026-11-03 09:00 CET`; empty for None."""
        return "" if instant is None else self._local(instant).strftime("%Y-%m-%d %H:%M %Z")

    def both(self, instant: int) -> str:
        """Write local time with UTC beside it."""
        moment = datetime.fromtimestamp(_shown(instant) // 1000, tz=UTC)
        return f"{self.minute(instant)} ({moment:%Y-%m-%d %H:%M} UTC)"

    def _local(self, instant: int) -> datetime:
        return datetime.fromtimestamp(_shown(instant) // 1000, tz=UTC).astimezone(self._zone)


def _shown(instant: int) -> int:
    """Keep a day away from the calendar's edges, where other zones would leave it."""
    return min(max(instant, FIRST_MS + _DAY_MS), LAST_MS - _DAY_MS)


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
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def subject_line(model: ReportModel) -> str:
    """Write the mail's subject, worst first, at most 120 characters; a long scope is cut, never a number."""
    counts, identity = model.counts, model.identity
    head = f"[{model.status.word}] "
    tail = (
        f" conformance {identity.period.label}: {counts.of('not_met')} not met ({model.not_met_critical} critical), "
        f"{counts.of('not_provable')} not provable, due {len(model.coming)}"
    )
    if identity.revision > 1:
        tail += f" rev {identity.revision}"
    scope, room = clean(identity.scope), _SUBJECT_LENGTH - len(head) - len(tail)
    if len(scope) > room:
        scope = scope[: room - 3].rstrip() + "..."
    return head + scope + tail


def verdict_sentence(model: ReportModel) -> str:
    """Say in one sentence how it stands."""
    counts = model.counts
    judged = plural(counts.judged, "requirement")
    if not counts.of("not_met") and not counts.of("not_provable"):
        return f"None of the {judged} judged is known to be broken." if counts.judged else "Nothing could be judged."
    critical = f" ({model.not_met_critical} critical)" if model.not_met_critical else ""
    return f"Of {judged} judged, {counts.of('not_met')} not met{critical} and {counts.of('not_provable')} not provable."


def change_sentence(change: Change | None) -> str:
    """Say in one sentence what moved since the last mail."""
    if change is None:
        return "This is the first mail; there is nothing to compare it with."
    excused = change.waived or change.unwaived
    if not (change.new or change.resolved or change.worse or change.moved or change.redefined or excused):
        still = f"; {plural(change.continuing, 'finding')} continuing" if change.continuing else ""
        return f"Nothing changed since the last mail{still}."
    parts = [f"{change.new:,} new", f"{len(change.resolved):,} resolved", f"{change.continuing:,} continuing"]
    if change.waived:
        parts.append(f"{len(change.waived):,} waived")
    if change.unwaived:
        parts.append(f"{len(change.unwaived):,} open again after a waiver")
    if change.worse:
        parts.append(f"{len(change.worse):,} of them now late or reopened")
    ours = ""
    if change.redefined:
        appear = sum(line.state == "open" for line in change.redefined)
        gone = len(change.redefined) - appear
        told = [f"{number:,} {word}" for number, word in ((appear, "appeared"), (gone, "went away")) if number]
        ours = f" Changed by us, because the rules changed and not the records: {', '.join(told)}."
    return f"Findings since the last mail: {', '.join(parts)}.{ours}"


def profile_sentence(line: ProfileLine) -> str:
    """Say what is set otherwise than shipped, for whom, who set it and why."""
    shipped, ours = (_value(line, value) for value in (line.shipped, line.ours))
    who = f"set by {line.set_by}, {line.set_at}" if line.set_by else "nobody is named"
    left_out = f"; {plural(line.left_out, 'case')} not asked" if line.left_out else ""
    return (
        f"{_what(line)}{_for(line)}: {ours}, shipped {shipped}{left_out}; "
        f"{line.reason or 'no reason is given'} ({who}; {line.key})"
    )


def rule_sentence(rule: RuleChange) -> str:
    """Say what we set otherwise than at the last mail, and what came of it."""
    before, now = (_value(rule.line, value) for value in (rule.before, rule.line.ours))
    told = [
        f"{plural(n, 'finding')} {word}" for n, word in ((rule.appeared, "appeared"), (rule.gone, "went away")) if n
    ]
    return f"{_what(rule.line)}{_for(rule.line)}: {before} -> {now}; {', '.join(told) or 'no finding changed by it'}"


def _what(line: ProfileLine) -> str:
    return line.requirement if line.what == "judged" else f"{line.requirement} {line.what}"


def _for(line: ProfileLine) -> str:
    return "" if line.scope == "organisation" else f" for {line.scope}"


def _value(line: ProfileLine, value: object) -> str:
    if line.what == "judged":
        return "judged" if value else "not judged"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def rate_sentence(model: ReportModel) -> str:
    """Write the conformance rate with its parts and the one before."""
    rate = model.counts.rate
    text = f"Conformance rate {percent(rate.numerator, rate.denominator)}"
    if rate.denominator:
        text += f" ({rate.numerator} of {rate.denominator})"
    if model.rate_before is not None:
        text += f", before {percent(model.rate_before.numerator, model.rate_before.denominator)}"
    return text


def counts_line(model: ReportModel) -> str:
    """`met 180 | attested 31 | … | n/a 67 of 290`, with what stands beside the rate after it."""
    counts = model.counts
    order = ("met", "attested", "waived", "not_met", "not_provable")
    line = " | ".join(f"{RESULT_WORDS[v]} {counts.verdicts.get(v, 0)}" for v in order)
    line += f" | n/a {counts.of('not_applicable')} of {counts.judged}"
    return line + f"; beside them pending {counts.of('pending')}, at risk {counts.of('at_risk')}"


def period_text(identity: Identity, days: Days) -> str:
    """`2026-10 (2026-10-01 to 2026-10-31, Europe/Berlin)`."""
    period = identity.period
    return f"{period.label} ({days.day(period.start)} to {days.day(period.end - 1)}, {period.zone})"
