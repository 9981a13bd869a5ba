"""Documents become records: pure and total."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

import msgspec

from hub.records import Alert, AvailabilitySample, MaintenanceWindow, Measurement, Period, Record
from hub.records.base import Event
from hub.sync.source import Document, Normalised, Skip
from hub_zabbix.document import Level, Problem, Trends, Watch, Work
from hub_zabbix.vocabulary import SCOPE, SEVERITIES

if TYPE_CHECKING:
    from hub_zabbix.document import Update
    from hub_zabbix.vocabulary import Vocabulary

__all__ = ["LEVEL_METRIC", "normalise"]

T = TypeVar("T", bound=msgspec.Struct)
LEVEL_METRIC = "availability_by_tool"
"""Metric of what Zabbix computed itself; the hub's own is `availability`."""
_ACKNOWLEDGE, _TAKE_BACK = 2, 16
_HOUR_MS = 3_600_000


def normalise(document: Document, words: Vocabulary) -> Normalised:
    """Map one document; what it does not hold is a skip with the reason."""
    maps = {"event": _problem, "watch": _watch, "figure": _figures, "maintenance": _work, "sli": _level}
    try:
        return maps[document.stream](document.body, words)
    except KeyError:
        reason = "no such stream"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        reason = "the document is not of the expected shape"
    return Normalised([], [Skip(document.native_id, reason)])


def _read(body: bytes, shape: type[T]) -> T:
    return msgspec.json.decode(body, type=shape)


def _problem(body: bytes, words: Vocabulary) -> Normalised:
    one = _read(body, Problem)
    severity = SEVERITIES[one.severity] if 0 <= one.severity < len(SEVERITIES) else None
    over = one.ended is not None or one.gone is not None
    ended = one.ended if one.gone is None else one.gone[1]
    facts = [*one.facts, ("problem", one.name)]
    said = [("acknowledgement", update.text) for update in one.updates]
    record = Alert(
        id=f"{words.source}:event/{one.id}",
        source=words.source,
        scope=SCOPE,
        title=one.name,
        url=f"{words.settings.url}/tr_events.php?triggerid={one.trigger}&eventid={one.id}",
        status="RESOLVED" if over else "PROBLEM",
        status_category="resolved" if over else "in_progress" if one.acknowledged else "new",
        created_at=one.at,
        updated_at=max([one.at, ended or 0, *(update.at for update in one.updates)]),
        service_ids=words.services_of(facts, one.shows),
        labels=[f"{name}={value}" for name, value in one.facts],
        events=sorted(_events(one, severity, words), key=lambda event: event.at),
        custom={"maintenance": one.maintenances} if one.maintenances else {},
        fingerprint=f"trigger/{one.trigger}",
        resource=one.hosts[0] if one.hosts else None,
        severity=severity,
        started_at=one.at,
        ended_at=ended,
        ended_after=one.gone[0] if one.gone is not None else None,
        acknowledged_at=_taken(one.updates) if one.acknowledged else None,
        references=words.tickets.references([*said, *(("tag", value) for _, value in one.facts)]),
        outage=words.outage(facts, one.shows),
        security=words.security(facts),
        altered=words.altered(facts),
        ci_ids=words.items.named(facts),
        unknown_fields=["acknowledged_at"] if one.acknowledged and _taken(one.updates) is None else [],
    )
    return _with_hint(record, one.facts)


def _taken(updates: Iterable[Update]) -> int | None:
    """Return when it was acknowledged, counted from the last time that was taken back."""
    at: int | None = None
    for update in sorted(updates, key=lambda each: each.at):
        if update.action & _TAKE_BACK:
            at = None
        elif update.action & _ACKNOWLEDGE and at is None:
            at = update.at
    return at


def _events(one: Problem, severity: str | None, words: Vocabulary) -> Iterator[Event]:
    yield Event(at=one.at, type="created", to=severity, source_ref=one.id)
    for update in one.updates:
        kind = "accepted" if update.action & _ACKNOWLEDGE else "updated"
        actor, text = words.person(update.author), update.text or None
        yield Event(at=update.at, type=kind, actor=actor, field="message", to=text, source_ref=update.id)
    if one.ended is not None:
        yield Event(at=one.ended, type="resolved", source_ref=one.recovery or None)


def _with_hint(record: Record, facts: Iterable[tuple[str, str]]) -> Normalised:
    if record.service_ids:
        return Normalised([record])
    ranked = sorted(facts, key=lambda fact: {"service": 0, "hostgroup": 1, "host": 2}.get(fact[0], 3))
    rule = "=".join(ranked[0]) if ranked else "host=<name>"
    return Normalised([record], unmapped={f"service:{rule}": f'[services] "{rule}" = "register:services/<id>"'})


def _watch(body: bytes, words: Vocabulary) -> Normalised:
    one = _read(body, Watch)
    service = words.settings.availability.get(one.key)
    if service is None:
        return Normalised([], [Skip(one.key, "shows the state of no service any more")])
    records: list[Record] = [
        AvailabilitySample(
            id=f"{words.source}:sample/{one.trigger}/{span.begins}",
            source=words.source,
            scope=SCOPE,
            title=f"{one.key}: {span.state}",
            service_id=service,
            at=span.begins,
            state=span.state,
            interval_s=(span.ends - span.begins) // 1000,
            every_s=one.every_s or _HOUR_MS // 1000,
            probe=one.key,
        )
        for span in one.spans
        if span.ends > span.begins
    ]
    return Normalised(records, [] if records else [Skip(one.key, "no time")])


def _figures(body: bytes, words: Vocabulary) -> Normalised:
    one = _read(body, Trends)
    figure = words.figures.get((one.host, one.key))
    if figure is None:
        return Normalised([], [Skip(f"{one.host}:{one.key}", "a figure no longer kept")])
    values = {"min": "value_min", "avg": "value_avg", "max": "value_max"}
    records: list[Record] = [
        Measurement(
            id=f"{words.source}:measurement/{one.host}/{one.key}/{hour.begins}",
            source=words.source,
            scope=SCOPE,
            title=f"{figure.metric} of {one.host}",
            created_at=hour.begins + _HOUR_MS,
            metric_id=figure.metric,
            subject=figure.subject,
            period=Period(start=hour.begins, end=hour.begins + _HOUR_MS),
            actual=getattr(hour, values[figure.value]),
            target=figure.target,
            unit=figure.unit or one.unit or None,
            coverage=min(1.0, hour.count * one.every_s / 3600) if one.every_s else None,
            as_of=hour.begins + _HOUR_MS,
            query_ref=f"trend.get {one.host} {one.key} {figure.value}",
        )
        for hour in one.hours
    ]
    return Normalised(records, [] if records else [Skip(f"{one.host}:{one.key}", "no hour")])


def _work(body: bytes, words: Vocabulary) -> Normalised:
    one = _read(body, Work)
    records: list[Record] = []
    for begins, ends in one.windows:
        end = ends if one.removed is None else min(ends, one.removed)
        void = end <= begins
        records.append(
            MaintenanceWindow(
                id=f"{words.source}:maintenance/{one.id}/{begins}",
                source=words.source,
                scope=SCOPE,
                title=one.name,
                status="removed" if void else "scheduled",
                status_category="cancelled" if void else "new",
                created_at=one.noticed,
                service_ids=words.services_of(one.facts),
                labels=[f"{name}={value}" for name, value in one.facts],
                custom={"maintenance": one.maintenance},
                start=None if void else begins,
                end=None if void else end,
                announced_at=one.noticed,
            )
        )
    if not records:
        return Normalised([], [Skip(one.id, "maintenance without a time")])
    return Normalised(records, unmapped=_with_hint(records[0], one.facts).unmapped)


def _level(body: bytes, words: Vocabulary) -> Normalised:
    one = _read(body, Level)
    services = words.services_of([("zabbix_service", one.service_name), *one.facts])
    if not services:
        rule = f"zabbix_service={one.service_name}"
        hint = {f"service:{rule}": f'[services] "{rule}" = "register:services/<id>"'}
        return Normalised([], [Skip(one.service, "a service of Zabbix that stands for none of ours")], hint)
    excluded = sum(max(0, ends - begins) for begins, ends in one.excluded)
    known = one.up_s + one.down_s
    records: list[Record] = [
        Measurement(
            id=f"{words.source}:sli/{one.sla}/{one.service}/{service}/{one.begins}",
            source=words.source,
            scope=SCOPE,
            title=f"{one.sla_name}: {one.service_name}",
            created_at=one.ends,
            metric_id=LEVEL_METRIC,
            subject=service,
            service_ids=[service],
            period=Period(start=one.begins, end=one.ends),
            target=one.target,
            actual=one.share,
            unit="%",
            numerator=float(one.up_s) if known else None,
            denominator=float(known) if known else None,
            missing_reason=None if one.share is not None else "Zabbix has no figure for this period",
            as_of=one.ends,
            query_ref=f"sla.getsli {one.sla} {one.service}",
            custom={"excluded_s": excluded // 1000} if excluded else {},
        )
        for service in services
    ]
    return Normalised(records)
