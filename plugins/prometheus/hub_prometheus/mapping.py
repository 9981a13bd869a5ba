"""Documents become records: alerts, planned work, samples of availability, figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

import msgspec

from hub.records import Alert, AvailabilitySample, MaintenanceWindow, Measurement, Period, Record
from hub.sync.source import Document, Normalised, Skip
from hub_prometheus.document import Alarm, Day, Measured, Quiet

if TYPE_CHECKING:
    from hub_prometheus.settings import Availability
    from hub_prometheus.vocabulary import Vocabulary

__all__ = ["normalise"]

State = Literal["up", "down", "degraded", "unknown"]
_LATEST_S = 32_503_680_000
"""The year 3000: nothing is later."""
_SUMMARY = ("summary", "description", "message")
_TITLE = 300
UNREADABLE = "not a document of this plugin"
NO_VALUES = "no values that day: the service was not watched"
NOT_CONFIGURED = "its query is no longer configured"
NOT_PLANNED = "the comment does not say that it is planned work"


def normalise(document: Document, words: Vocabulary) -> Normalised:
    """Turn one document into records. Pure and total."""
    make = _MAKERS.get(document.stream)
    try:
        given = None if make is None else make(document, words)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, OverflowError):
        given = None
    return given or Normalised([], [Skip(document.native_id, UNREADABLE)])


# -- alerts -----------------------------------------------------------------------------------


def _alert(document: Document, words: Vocabulary) -> Normalised:
    one = msgspec.json.decode(document.body, type=Alarm)
    now, labels = one.now, one.labels
    _sane(one.start, one.end or 0, one.after or 0)
    started_at = one.start * 1000
    if now is not None and now.started <= started_at + one.step * 1000:
        _sane(now.started // 1000)
        started_at = now.started
    facts = list(labels.items())
    services = words.services.named(facts)
    annotations = {} if now is None else now.annotations
    silences = [] if now is None else now.silences
    texts = [(f"annotation {name}", text) for name, text in sorted(annotations.items())]
    texts += [("comment of a silence", silence.comment) for silence in silences]
    name = labels.get("alertname", "")
    told = next((annotations[word] for word in _SUMMARY if annotations.get(word)), "")
    unknown = ["started_at"] if one.cut and started_at == one.start * 1000 else []
    if words.asks_alertmanager and now is None:
        unknown.append("acknowledged_at")
    record = Alert(
        id=f"{words.name}:alert/{document.native_id}",
        source=words.name,
        scope=document.scope,
        title=f"{name}: {told}"[:_TITLE] if told else name or "alert",
        url=f"{words.url}/graph?g0.expr={quote(f'ALERTS{{alertname={chr(34)}{name}{chr(34)}}}')}" if name else None,
        status="firing" if one.end is None else "resolved",
        created_at=started_at,
        service_ids=services,
        labels=sorted(f"{key}={value}" for key, value in labels.items()),
        custom={"annotations": annotations, "silences": [silence.id for silence in silences]} if now else {},
        fingerprint=now.fingerprint if now is not None else document.native_id.partition("/")[0],
        resource=labels.get("instance") or labels.get("job"),
        severity=labels.get(words.severity_label),
        started_at=started_at,
        ended_at=None if one.end is None else max(one.end * 1000, started_at),
        ended_after=None if one.after is None else max(one.after * 1000, started_at),
        acknowledged_at=min((s.start for s in silences if s.start >= started_at), default=None),
        references=words.tickets.references(texts),
        outage=bool(words.outage.named(facts)) if words.outage else None,
        security=bool(words.security.named(facts)) if words.security else None,
        altered=bool(words.altered.named(facts)) if words.altered else None,
        ci_ids=words.items.named(facts),
        unknown_fields=unknown,
    )
    unmapped = {}
    if not services:
        unmapped[f"alert:{name}"] = 'services = { "alertname=%s" = "register:services/…" }' % name  # noqa: UP031 - braces
    if record.altered and not record.ci_ids:
        unmapped[f"item:{name}"] = 'items = { "alertname=%s" = "register:configuration_items/…" }' % name  # noqa: UP031 - braces
    return Normalised([record], unmapped=unmapped)


# -- planned work -----------------------------------------------------------------------------


def _silence(document: Document, words: Vocabulary) -> Normalised:
    one = msgspec.json.decode(document.body, type=Quiet)
    _sane(one.start // 1000, one.end // 1000, one.announced // 1000)
    if not words.maintenance.search(one.comment):
        return Normalised([], [Skip(document.native_id, NOT_PLANNED)])
    exact = [(name, value) for name, value, pattern, fits in one.matchers if fits and not pattern]
    services = words.services.named(exact)
    record = MaintenanceWindow(
        id=f"{words.name}:silence/{one.id}",
        source=words.name,
        scope=document.scope,
        title=one.comment[:_TITLE] or "silence",
        created_at=one.announced,
        service_ids=services,
        labels=sorted(
            f"{name}{'=' if fits else '!='}{'~' if pat else ''}{value}" for name, value, pat, fits in one.matchers
        ),
        custom={"created_by": one.by} if one.by else {},
        start=one.start,
        end=one.end,
        announced_at=one.announced,
    )
    unmapped = (
        {} if services else {f"silence:{one.id}": "a matcher that services of this source maps, such as service=shop"}
    )
    return Normalised([record], unmapped=unmapped)


# -- availability -----------------------------------------------------------------------------


def _day(document: Document, words: Vocabulary) -> Normalised:
    one = msgspec.json.decode(document.body, type=Day)
    asked = words.availability.get(one.service)
    if asked is None:
        return Normalised([], [Skip(document.native_id, NOT_CONFIGURED)])
    records: list[Record] = []
    for first, looks, state in _stretches(one, asked):
        _sane(first, first + looks * one.step)
        records.append(
            AvailabilitySample(
                id=f"{words.name}:sample/{document.native_id}" + (f"/{first}" if records else ""),
                source=words.name,
                scope=document.scope,
                title=f"{one.day} {state}",
                created_at=first * 1000,
                service_ids=[one.service],
                service_id=one.service,
                at=first * 1000,
                state=state,
                interval_s=looks * one.step,
                every_s=one.step,
                probe=asked.query,
            )
        )
    return Normalised(records, [] if records else [Skip(document.native_id, NO_VALUES)])


def _stretches(one: Day, asked: Availability) -> Iterator[tuple[int, int, State]]:
    """Put neighbouring looks of the same state together."""
    if not 0 < one.step <= 86_400:  # noqa: PLR2004 - a day has no more seconds
        raise ValueError("no step")
    begun: tuple[int, int, State] | None = None
    for first, looks, value in one.values:
        if looks < 1:
            raise ValueError("no looks")
        state = _state(value, asked)
        if begun is not None and begun[2] == state and begun[0] + begun[1] * one.step == first:
            begun = begun[0], begun[1] + looks, state
            continue
        if begun is not None:
            yield begun
        begun = first, looks, state
    if begun is not None:
        yield begun


def _state(text: str, asked: Availability) -> State:
    value = float(text)
    if math.isnan(value):
        return "unknown"
    if value >= asked.up_from:
        return "up"
    if asked.degraded_from is not None and value >= asked.degraded_from:
        return "degraded"
    return "down"


# -- figures ----------------------------------------------------------------------------------


def _figure(document: Document, words: Vocabulary) -> Normalised:
    one = msgspec.json.decode(document.body, type=Measured)
    asked = words.figures.get(one.metric)
    if asked is None:
        return Normalised([], [Skip(document.native_id, NOT_CONFIGURED)])
    _sane(one.start // 1000, one.end // 1000)
    value: float | None = getattr(one, asked.take)
    coverage = min(1.0, one.count / one.expected) if one.expected > 0 else 0.0
    record = Measurement(
        id=f"{words.name}:measurement/{document.native_id}",
        source=words.name,
        scope=document.scope,
        title=f"{one.metric}, {asked.take} of the {asked.every}",
        created_at=one.end,
        metric_id=one.metric,
        formula_version="1",
        subject=asked.subject,
        period=Period(start=one.start, end=one.end),
        target=asked.target,
        actual=value,
        unit=asked.unit,
        coverage=round(coverage, 6),
        missing_reason="the query had no value in that time" if value is None else None,
        as_of=one.end,
        query_ref=one.query,
    )
    return Normalised([record])


_MAKERS: dict[str, Callable[[Document, Vocabulary], Normalised]] = {
    "alert": _alert,
    "silence": _silence,
    "availability": _day,
    "figure": _figure,
}


def _sane(*seconds: int) -> None:
    if any(not 0 <= one < _LATEST_S for one in seconds):
        raise ValueError("no time")
