"""Mail of monitoring tools as they ship: which problem on which thing, and which check is well again.

Every mail about a problem is one alert. A mail that it is over names the check (Zabbix: the problem) and no mail
before it: which alerts it ends is worked out where all of them are known (`hub.monitoring.recovery`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from hub_email.parse.header import instant

__all__ = ["Raised", "Recovered", "read_alerts", "read_recoveries"]

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


@dataclass(frozen=True, slots=True)
class Recovered:
    """A check that a mail says is well again."""

    fingerprint: str
    """As of the problem."""
    at: int | None
    """UTC milliseconds; None = it says none, or none with an offset."""


def read_recoveries(product: str, subject: str, text: str) -> list[Recovered]:
    """Return the checks a mail says are well again; an acknowledgement, a downtime or flapping ends nothing."""
    if product == "alertmanager":
        return [Recovered(one.fingerprint, None) for one in _labelled(subject, text)[1]]
    values = _values(text)
    if product == "zabbix":
        is_over = re.search(r"^\W*problem has been resolved", text, re.IGNORECASE | re.MULTILINE)
        fingerprint = _problem(values)
        return [Recovered(fingerprint, None)] if is_over and fingerprint else []
    host = values.get("host")
    if host is None or _kind(subject, values) != "RECOVERY":
        return []
    service = values.get("service")
    return [
        Recovered(f"{host}/{service}" if service else host, _instant(values.get("when") or values.get("date/time")))
    ]


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
    kind = _kind(subject, values)
    host, service = values.get("host"), values.get("service")
    if not kind or host is None:
        return None
    if kind != "PROBLEM":
        return []
    state = values.get("state")
    if state is None and (found := re.search(r"\bis (?:now )?(\w+)[!.\s*]*$", subject, re.IGNORECASE)):
        state = found.group(1)
    resource = f"{host}/{service}" if service else host
    when = values.get("when") or values.get("date/time")
    return [Raised(resource, resource, (state or "").upper() or None, subject[:300], _instant(when), when)]


def _kind(subject: str, values: Mapping[str, str]) -> str:
    told = _BRACKETS.search(subject.upper())
    return (values.get("notification type") or (told.group(1) if told else "")).upper()


def _problem(values: Mapping[str, str]) -> str | None:
    number, host, name = values.get("original problem id"), values.get("host"), values.get("problem name")
    if host is None or name is None:
        return None
    return f"problem {number}" if number else f"{host}/{name}"


def _zabbix(subject: str, text: str) -> list[Raised] | None:
    values = _values(text)
    host, fingerprint = values.get("host"), _problem(values)
    if host is None or fingerprint is None:
        return None
    if not re.search(r"^\W*problem started at", text, re.IGNORECASE | re.MULTILINE):
        return []
    started = re.search(r"problem started at ([^\n]{1,60})", text, re.IGNORECASE)
    return [
        Raised(fingerprint, host, values.get("severity"), subject[:300], None, started.group(1) if started else None)
    ]


def _alertmanager(subject: str, text: str) -> list[Raised] | None:
    if (told := _BRACKETS.search(subject)) is None:
        return None
    raised = _labelled(subject, text)[0]
    return raised or ([] if told.group(1) == "RESOLVED" else None)


def _labelled(subject: str, text: str) -> tuple[list[Raised], list[Raised]]:
    """Return the alerts of a mail that fire, and those that are over."""
    told = _BRACKETS.search(subject)
    if told is None or told.group(1) not in ("FIRING", "RESOLVED"):
        return [], []
    found: tuple[list[Raised], list[Raised]] = [], []
    is_over = told.group(1) == "RESOLVED"
    labels: dict[str, str] = {}
    reading = False
    for line in [*text.split("\n")[:5_000], "Labels"]:
        word = line.strip().rstrip(":").lower()
        if word in ("labels", "resolved", "firing", "annotations", "source") or re.fullmatch(r"\[\d+\] \w+", word):
            if labels:
                found[is_over].append(_of_labels(labels, subject))
            labels, reading = {}, word == "labels"
            is_over = is_over or word == "resolved" or word.endswith(" resolved")
            if len(found[0]) + len(found[1]) >= _MOST:
                break
        elif reading and (match := _LABEL.match(line[:1_000].strip())):
            labels[match.group(1)] = match.group(2).strip()
    return found


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
