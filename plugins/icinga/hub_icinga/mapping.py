"""Documents become records: pure and total."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

import msgspec

from hub.clock import format_instant
from hub.records import Alert, AvailabilitySample, MaintenanceWindow, Measurement, Period, Record
from hub.records.base import Event
from hub.sync.source import Document, Normalised, Skip
from hub_icinga.document import Downtime, Problem, Reading, Watch

if TYPE_CHECKING:
    from hub_icinga.document import Note
    from hub_icinga.vocabulary import Vocabulary

__all__ = ["SCOPE", "normalise"]

T = TypeVar("T", bound=msgspec.Struct)
SCOPE = "monitoring"
"""All that one ApiUser may see; Icinga's permissions do not tell more."""
_MOST_PIECES = 20_000
"""Pieces of availability one document may become: two years of hours. More is a document gone wrong."""


def normalise(document: Document, words: Vocabulary) -> Normalised:
    """Map one document; what it does not hold is a skip with the reason."""
    maps = {"problem": _problem, "watch": _watch, "figure": _figure, "downtime": _downtime}
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
    taken = [note for note in one.notes if note.acknowledges]
    over = one.ended is not None
    bounds = {"good_at": one.ok_at or None, "bad_at": one.bad_at}
    record = Alert(
        id=f"{words.source}:alert/{one.native}",
        source=words.source,
        scope=SCOPE,
        title=f"{one.object}: {one.severity or 'problem'}",
        status=one.severity,
        status_category="resolved" if over else "in_progress" if taken else "new",
        created_at=one.since,
        updated_at=max([one.since, one.ended or 0, *(note.at for note in one.notes)]),
        service_ids=words.services_of(one.object, one.facts),
        labels=[f"{name}={value}" for name, value in one.facts],
        events=sorted(_events(one, words), key=lambda event: event.at),
        custom={name: format_instant(at) for name, at in bounds.items() if at},
        fingerprint=one.object,
        resource=one.host,
        severity=one.severity,
        started_at=one.since,
        ended_at=one.ended,
        ended_after=max(one.since, one.bad_at or 0) if over and one.end_unsure else None,
        acknowledged_at=min((note.at for note in taken), default=None),
        references=words.tickets.references(
            ("acknowledgement" if note.acknowledges else "comment", note.text) for note in one.notes
        ),
        outage=words.outage(one.object, one.facts, one.severity),
        security=words.security(one.facts),
        altered=words.altered(one.facts),
        ci_ids=words.items.named(one.facts),
        unknown_fields=["started_at"] if one.since_unsure else [],
    )
    return _with_hint(record, one.facts)


def _events(one: Problem, words: Vocabulary) -> Iterator[Event]:
    yield Event(at=one.since, type="created", to=one.severity)
    for note in one.notes:
        yield _said(note, words)
    if one.ended is not None:
        yield Event(at=one.ended, type="resolved")


def _said(note: Note, words: Vocabulary) -> Event:
    kind = "accepted" if note.acknowledges else "updated"
    actor = words.person(note.author)
    return Event(at=note.at, type=kind, actor=actor, field="comment", to=note.text or None, source_ref=note.id)


def _with_hint(record: Record, facts: Iterable[tuple[str, str]]) -> Normalised:
    if record.service_ids:
        return Normalised([record])
    ranked = sorted(facts, key=lambda fact: fact[0] not in {"hostgroup", "servicegroup"})
    rule = "=".join(ranked[0]) if ranked else "host=<name>"
    return Normalised([record], unmapped={f"service:{rule}": f'[services] "{rule}" = "register:services/<id>"'})


def _watch(body: bytes, words: Vocabulary) -> Normalised:
    one = _read(body, Watch)
    service = words.settings.availability.get(one.object)
    if service is None:
        return Normalised([], [Skip(one.object, "shows the state of no service any more")])
    step = words.settings.sample_minutes * 60_000
    if sum((span.ends - span.begins) // step + 2 for span in one.spans) > _MOST_PIECES:
        return Normalised([], [Skip(one.object, "a time longer than any between two readings")])
    records: list[Record] = [
        AvailabilitySample(
            id=f"{words.source}:sample/{one.object}/{begins}",
            source=words.source,
            scope=SCOPE,
            title=f"{one.object}: {span.state}",
            service_id=service,
            at=begins,
            state=span.state,
            interval_s=(ends - begins) // 1000,
            every_s=one.every_s or None,
            probe=one.object,
        )
        for span in one.spans
        for begins, ends in _pieces(span.begins // 1000 * 1000, span.ends // 1000 * 1000, step)
    ]
    return Normalised(records, [] if records else [Skip(one.object, "less than a second")])


def _pieces(begins: int, ends: int, step: int) -> Iterator[tuple[int, int]]:
    """Cut a time at round instants, so that no piece reaches from one month into the next."""
    while begins < ends:
        cut = min(ends, (begins // step + 1) * step)
        yield begins, cut
        begins = cut


def _figure(body: bytes, words: Vocabulary) -> Normalised:
    one = _read(body, Reading)
    figure = words.figures.get((one.object, one.label))
    if figure is None:
        return Normalised([], [Skip(one.object, "a figure no longer kept")])
    record = Measurement(
        id=f"{words.source}:measurement/{one.object}/{one.label}/{one.at}",
        source=words.source,
        scope=SCOPE,
        title=f"{figure.metric} of {one.object}",
        created_at=one.at,
        metric_id=figure.metric,
        subject=figure.subject,
        period=Period(start=one.at, end=one.at + 1),
        actual=one.value,
        target=figure.target,
        unit=figure.unit or one.unit or None,
        as_of=one.at,
        query_ref=f"{one.object} {one.label}",
    )
    return Normalised([record])


def _downtime(body: bytes, words: Vocabulary) -> Normalised:
    one = _read(body, Downtime)
    begins, ends = (one.begins, one.ends) if one.fixed else (one.triggered, one.triggered + one.lasts)
    waiting = not one.fixed and not one.triggered
    if one.removed is not None:
        ends = min(ends, one.removed[0])
    void = waiting or ends <= begins
    record = MaintenanceWindow(
        id=f"{words.source}:downtime/{one.native}",
        source=words.source,
        scope=SCOPE,
        title=one.comment or f"downtime of {one.object}",
        status="removed" if one.removed else "waiting" if waiting else "scheduled",
        status_category="cancelled" if one.removed else "new",
        created_at=one.entered or None,
        creator=words.person(one.author),
        service_ids=words.services_of(one.object, one.facts),
        labels=[f"{name}={value}" for name, value in one.facts],
        custom={"object": one.object},
        start=None if void else begins,
        end=None if void else ends,
        announced_at=one.entered or None,
    )
    return _with_hint(record, one.facts)
