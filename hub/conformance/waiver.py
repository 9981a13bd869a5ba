"""Accepted exceptions: which obligations a waiver covers at an instant, as then known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import zstandard
from sqlalchemy import ColumnElement, Connection, and_, false, or_, select

from hub.errors import ConfigurationError, Fault
from hub.records import Waiver, decode_record
from hub.store.tables import metadata

__all__ = ["ActiveWaiver", "active_waivers", "covered_units"]

_record = metadata.tables["record"]
_revision = metadata.tables["revision"]
_alias = metadata.tables["alias"]
_link = metadata.tables["link"]


@dataclass(frozen=True, slots=True)
class ActiveWaiver:
    """A waiver in force, with what it covers."""

    waiver: Waiver
    valid_from: int
    valid_to: int


def active_waivers(
    conn: Connection, *, as_of: int, known_at: int | None, requirements: Iterable[str]
) -> list[ActiveWaiver]:
    """Return the waivers in force at `as_of` as known then, by id.

    Raises ConfigurationError naming every waiver without requirement, reason, approver or end, for an
    unknown requirement, or approved by the owner: a malformed waiver stops the run, it is never ignored.
    """
    known = set(requirements)
    faults: list[Fault] = []
    active: list[ActiveWaiver] = []
    for waiver in _waivers(conn, known_at):
        if waiver.vanished_at is not None and waiver.vanished_at <= as_of:
            continue
        wrong = _faults(waiver, known)
        faults += [Fault(message, file=waiver.scope, key=waiver.id) for message in wrong]
        if wrong or waiver.valid_from is None or waiver.valid_to is None:
            continue
        if waiver.valid_from <= as_of < waiver.valid_to:
            active.append(ActiveWaiver(waiver, waiver.valid_from, waiver.valid_to))
    if faults:
        raise ConfigurationError(faults)
    return active


def _waivers(conn: Connection, known_at: int | None) -> Sequence[Waiver]:
    asked = (
        select(_revision.c.body)
        .join(_record, _record.c.sid == _revision.c.sid)
        .where(_record.c.kind == "waiver")
        .order_by(_record.c.id)
    )
    if known_at is None:
        asked = asked.where(_revision.c.known_to.is_(None))
    else:
        later = or_(_revision.c.known_to.is_(None), _revision.c.known_to > known_at)
        asked = asked.where(_revision.c.known_from <= known_at, later)
    decompressor = zstandard.ZstdDecompressor()
    decoded = [decode_record(decompressor.decompress(row.body)) for row in conn.execute(asked)]
    return [one for one in decoded if isinstance(one, Waiver)]


def _faults(waiver: Waiver, known: set[str]) -> list[str]:
    wrong = [
        f"{name} is missing"
        for name in ("requirement_id", "reason", "approver", "valid_from", "valid_to")
        if getattr(waiver, name) is None
    ]
    if waiver.requirement_id is not None and waiver.requirement_id not in known:
        wrong.append(f"unknown requirement {waiver.requirement_id!r}")
    if waiver.approver is not None and waiver.approver == waiver.owner:
        wrong.append("the approver of a waiver may not be its owner")
    if waiver.subject_filter is not None:
        try:
            _conditions(waiver.subject_filter)
        except ValueError as error:
            wrong.append(str(error))
    return wrong


def covered_units(conn: Connection, waiver: Waiver) -> set[int] | None:
    """Return the units a waiver covers, None = every unit of its requirement.

    `subject` names one record; `subject_filter` is `name=value` pairs joined by commas, all of which
    must hold: `id`, `key` (with `*`, in any case), `source`, `scope`, `service`.
    """
    if waiver.subject is None and waiver.subject_filter is None:
        return None
    condition = _record.c.id == waiver.subject if waiver.subject is not None else _filter(waiver.subject_filter or "")
    return set(conn.scalars(select(_record.c.sid).where(condition)))


def _conditions(text: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for piece in text.split(","):
        name, equals, value = (part.strip() for part in piece.partition("="))
        if not equals or not value or name not in ("id", "key", "source", "scope", "service"):
            raise ValueError(f"filter {piece.strip()!r} is not `name=value` with id, key, source, scope or service")
        pairs.append((name, value))
    return pairs


def _filter(text: str) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = []
    for name, value in _conditions(text):
        if name == "key":
            pattern = value.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_").replace("*", "%")
            conditions.append(_record.c.sid.in_(select(_alias.c.sid).where(_alias.c.key.ilike(pattern, escape="\\"))))
        elif name == "service":
            service = _record.alias()
            concerned = (
                select(_link.c.sid)
                .join(service, service.c.sid == _link.c.target)
                .where(_link.c.type == "service_ids", service.c.id == value)
            )
            conditions.append(_record.c.sid.in_(concerned))
        else:
            conditions.append(_record.c[name] == value)
    return and_(*conditions) if conditions else false()
