"""Accepted exceptions: which waivers there are as known at an instant, when each holds, and what it covers.

A waiver counts at the instant judged: a violation is waived while the waiver holds and is open again
afterwards, and a month is judged by the waivers that held when it ended, however long ago that was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import zstandard
from sqlalchemy import ColumnElement, Connection, Select, or_, select

from hub.conformance.waiver_refusal import Refusal, refusals
from hub.conformance.waiver_rule import LONGEST_DAYS, conditions, faults_of, load_people
from hub.errors import ConfigurationError, Fault
from hub.records import Waiver, decode_record
from hub.store.reading import coverage_rows
from hub.store.tables import metadata

__all__ = ["KnownWaiver", "covered_units", "known_waivers"]

_record = metadata.tables["record"]
_revision = metadata.tables["revision"]
_document = metadata.tables["raw_document"]
_provision = metadata.tables["provision"]
_part = metadata.tables["part"]
_alias = metadata.tables["alias"]
_link = metadata.tables["link"]


@dataclass(frozen=True, slots=True)
class KnownWaiver:
    """A sound waiver."""

    waiver: Waiver
    valid_from: int
    valid_to: int
    """First instant it no longer holds: its end, or when it was taken out of its file."""
    refused: Sequence[Refusal] = ()
    """When it does not hold because who is named as its approver said no."""

    def holds(self, at: int) -> bool:
        """Say whether it holds at an instant."""
        return self.is_current(at) and self.refusal(at) is None

    def is_current(self, at: int) -> bool:
        """Say whether an instant lies between its first day and its end, refused or not."""
        return self.valid_from <= at < self.valid_to

    def refusal(self, at: int) -> Refusal | None:
        """Return the no that stands at an instant."""
        return next((one for one in self.refused if one.start <= at < one.end), None)


def known_waivers(
    conn: Connection,
    *,
    as_of: int,
    known_at: int | None,
    requirements: Mapping[str, str],
    longest_days: int = LONGEST_DAYS,
) -> list[KnownWaiver]:
    """Return every waiver known at `known_at` (None = now), ended ones and those to come included, by id.

    `requirements` is id -> process role of what is judged; one that was judged before and is switched off
    now is no fault. Raises ConfigurationError where waivers could not be read, and with file and line of
    whatever is wrong with one that stands in its file at `as_of`: nothing is judged without a waiver that
    is meant, nor with one that is not.
    """
    _refuse_unread(conn, known_at)
    waivers = _waivers(conn, known_at)
    if not waivers:
        return []
    known = dict.fromkeys(conn.scalars(select(_part.c.requirement).distinct()), "") | dict(requirements)
    people = load_people(conn, [name for one in waivers for name in (one.approver, one.owner)])
    refused = refusals(conn, waivers, known_at)
    faults: list[Fault] = []
    sound: list[KnownWaiver] = []
    for one in waivers:
        wrong = list(faults_of(one, known, people, longest_days))
        gone_at = one.vanished_at
        if wrong and (gone_at is None or gone_at > as_of):
            file, line = _place(conn, one)
            faults += [Fault(message, file, one.id, line) for message in wrong]
        if wrong or one.valid_from is None or one.valid_to is None:
            continue
        until = one.valid_to if gone_at is None else min(one.valid_to, gone_at)
        sound.append(KnownWaiver(one, one.valid_from, until, refused.get(one.id, ())))
    if faults:
        raise ConfigurationError(faults)
    return sound


def _as_known(asked: Select[Any], table: Any, known_at: int | None) -> Select[Any]:
    if known_at is None:
        return asked.where(table.c.known_to.is_(None))
    later = or_(table.c.known_to.is_(None), table.c.known_to > known_at)
    return asked.where(table.c.known_from <= known_at, later)


def _refuse_unread(conn: Connection, known_at: int | None) -> None:
    asked = select(_provision.c.source).distinct().where(_provision.c.kind == "waiver")
    keeping = sorted(conn.scalars(_as_known(asked, _provision, known_at)))
    if not keeping:
        return
    reasons: dict[str, str] = dict.fromkeys(keeping, "they were never read; run: hub sync")
    for row in coverage_rows(conn, known_at=known_at):
        if row.kind == "waiver" and row.source in reasons:
            reasons[row.source] = row.reason or ""
    faults = [
        Fault(f"nothing is judged while waivers cannot be read: {line}", key=f"sources.{source}")
        for source, reason in reasons.items()
        for line in reason.splitlines()
    ]
    if faults:
        raise ConfigurationError(faults)


def _waivers(conn: Connection, known_at: int | None) -> Sequence[Waiver]:
    asked = (
        select(_revision.c.body)
        .join(_record, _record.c.sid == _revision.c.sid)
        .where(_record.c.kind == "waiver")
        .order_by(_record.c.id)
    )
    decompressor = zstandard.ZstdDecompressor()
    bodies = conn.scalars(_as_known(asked, _revision, known_at))
    decoded = [decode_record(decompressor.decompress(body)) for body in bodies]
    return [one for one in decoded if isinstance(one, Waiver)]


def _place(conn: Connection, waiver: Waiver) -> tuple[str, int | None]:
    """Return file and line of a waiver, where its document says them; else the scope it was read from."""
    body = conn.scalar(
        select(_document.c.body)
        .join(_record, _record.c.document == _document.c.doc)
        .where(_record.c.id == waiver.id, _document.c.body.is_not(None))
    )
    try:
        told = json.loads(zstandard.ZstdDecompressor().decompress(body)) if body else None
    except ValueError:
        told = None
    if isinstance(told, dict) and isinstance(told.get("file"), str) and isinstance(told.get("line"), int):
        return told["file"], told["line"]
    return waiver.scope or "", None


def covered_units(conn: Connection, waiver: Waiver) -> set[int] | None:
    """Return the units a waiver covers, None = every unit of its requirement.

    `subject` names one record, or a service with all that is tied to it; `subject_filter` is `name=value`
    pairs joined by commas, all of which must hold: `id`, `key` (with `*`, in any case), `source`, `scope`,
    `service`.
    """
    if waiver.subject is not None:
        return _matching(conn, [_record.c.id == waiver.subject]) | _matching(conn, [_serves(waiver.subject)])
    if waiver.subject_filter is None:
        return None
    return _matching(conn, [_condition(name, value) for name, value in conditions(waiver.subject_filter)])


def _matching(conn: Connection, wanted: Iterable[ColumnElement[bool]]) -> set[int]:
    return set(conn.scalars(select(_record.c.sid).where(_record.c.kind.is_not(None), *wanted)))


def _condition(name: str, value: str) -> ColumnElement[bool]:
    if name == "key":
        pattern = value.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_").replace("*", "%")
        return _record.c.sid.in_(select(_alias.c.sid).where(_alias.c.key.ilike(pattern, escape="\\")))
    if name == "service":
        return _serves(value)
    named: ColumnElement[bool] = _record.c[name] == value
    return named


def _serves(service_id: str) -> ColumnElement[bool]:
    service = _record.alias()
    concerned = (
        select(_link.c.sid)
        .join(service, service.c.sid == _link.c.target)
        .where(_link.c.type == "service_ids", service.c.id == service_id)
    )
    return _record.c.sid.in_(concerned)
