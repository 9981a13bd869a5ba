"""Mail of monitoring tools as they ship: which problem on which thing.

Every mail about a problem is one alert. A mail that it is over names no problem it ends, so that it
stays a message: when an alert ended is told by the tool itself, not by its mail.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from hub_email.parse.header import instant

__all__ = ["Raised", "read_alerts"]

_LINE = re.compile(r"^\W{0,3}([A-Za-z][A-Za-z/ ]{1,30}?)\s*[:=]\s*(\S.*)$")
_LABEL = re.compile(r"^\W{0,3}([A-Za-z_][A-Za-z0-9_]{0,100})\s*=\s*(.*)$")
_BRACKETS = re.compile(
    r"\[?\*{0,2}\s*\[?(PROBLEM|RECOVERY|ACKNOWLEDGEMENT|FIRING|RESOLVED|CUSTOM|FLAPPING\w*|DOWNTIME\w*)\b"
)
_WHEN = re.compile(r"^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2}) ?([+-]\d{2}):?(\d{2})")
_MOST = 100
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Raised:
    """A problem that a mail tells of."""

    fingerprint: str
    resource: str
    severity: str | None
    title: str
    started_at: int | None
    """UTC milliseconds; None = it says none, or none with an offset."""
    started_text: str | None


def read_alerts(product: str, subject: str, text: str) -> list[Raised] | None:
    """Return the problems a mail tells of, none where it tells that one is over; None where it is no such mail."""
    if product == "alertmanager":
        return _alertmanager(subject, text)
    if product == "zabbix":
        return _zabbix(subject, text)
    return _nagios(subject, text)


def _values(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.split("\n")[:300]:
        if match := _LINE.match(line[:1_000].strip()):
            found.setdefault(match.group(1).strip().lower(), match.group(2).strip())
    return found


def _nagios(subject: str, text: str) -> list[Raised] | None:
    values = _values(text)
    told = _BRACKETS.search(subject.upper())
    kind = values.get("notification type") or (told.group(1) if told else "")
    host, service = values.get("host"), values.get("service")
    if not kind or host is None:
        return None
    if kind.upper() != "PROBLEM":
        return []
    state = values.get("state")
    if state is None and (found := re.search(r"\bis (?:now )?(\w+)[!.\s*]*$", subject, re.IGNORECASE)):
        state = found.group(1)
    resource = f"{host}/{service}" if service else host
    when = values.get("when") or values.get("date/time")
    return [Raised(resource, resource, (state or "").upper() or None, subject[:300], _instant(when), when)]


def _zabbix(subject: str, text: str) -> list[Raised] | None:
    values = _values(text)
    name, host = values.get("problem name"), values.get("host")
    if name is None or host is None:
        return None
    if not re.search(r"^\W*problem started at", text, re.IGNORECASE | re.MULTILINE):
        return []
    started = re.search(r"problem started at ([^\n]{1,60})", text, re.IGNORECASE)
    number = values.get("original problem id")
    fingerprint = f"problem {number}" if number else f"{host}/{name}"
    return [
        Raised(fingerprint, host, values.get("severity"), subject[:300], None, started.group(1) if started else None)
    ]


def _alertmanager(subject: str, text: str) -> list[Raised] | None:
    if (told := _BRACKETS.search(subject)) is None:
        return None
    if told.group(1) == "RESOLVED":
        return []
    raised: list[Raised] = []
    labels: dict[str, str] = {}
    reading = False
    for line in [*text.split("\n")[:5_000], "Labels"]:
        word = line.strip().rstrip(":").lower()
        if word in ("labels", "resolved", "firing", "annotations", "source") or re.fullmatch(r"\[\d+\] \w+", word):
            if labels:
                raised.append(_of_labels(labels, subject))
            labels, reading = {}, word == "labels"
            if word == "resolved" or word.endswith(" resolved") or len(raised) >= _MOST:
                break
        elif reading and (match := _LABEL.match(line[:1_000].strip())):
            labels[match.group(1)] = match.group(2).strip()
    return raised or None


def _of_labels(labels: dict[str, str], subject: str) -> Raised:
    said = "\n".join(f"{name}={labels[name]}" for name in sorted(labels))
    resource = labels.get("instance") or labels.get("service") or labels.get("job") or labels.get("alertname") or ""
    title = labels.get("alertname") or subject
    fingerprint = hashlib.sha256(said.encode()).hexdigest()[:16]
    return Raised(fingerprint, resource, labels.get("severity"), title[:300], None, None)


def _instant(text: str | None) -> int | None:
    """Read `2026-11-02 10:00:00 +0100`, or a date as in mail headers; None without an offset."""
    if text is None:
        return None
    if found := _WHEN.match(text):
        year, month, day = found.group(1).split("-")
        if not 1 <= int(month) <= len(_MONTHS):
            return None
        return instant(f"{day} {_MONTHS[int(month) - 1]} {year} {found.group(2)} {found.group(3)}{found.group(4)}")
    return instant(text)
