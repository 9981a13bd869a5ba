"""One row becomes one record. Pure: no file, no clock."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from hub import records
from hub.clock import format_instant
from hub.errors import Fault
from hub.records import KINDS, Record
from hub.sla.calendar import calendar_faults, from_record
from hub.sla.zone import load_zone
from hub_register.schema import (
    ALIASES,
    FILES,
    MUST_KEYS,
    RECORDED,
    REQUIRED,
    ROW_KEYS,
    declared_fields,
    row_fields,
)
from hub_register.value import MISSING, Reference, ValueReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub_register.row import Row, RowChange, RowHistory

__all__ = ["LATE_DAYS", "Reading", "is_late", "plain_digest", "read_row"]

LATE_DAYS = 5
"""Business days between a declaration and its commit after which it came late."""

_FRIDAY = 5
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(slots=True)
class Reading:
    """What a row says: a record, or why it is none."""

    record: Record | None
    faults: list[Fault]
    references: list[Reference] = field(default_factory=list)
    """Rows of this register it points to; whether they exist is for who sees all files."""


def read_row(row: Row, source: str) -> Reading:
    """Read a row strictly; any fault means no record.

    Where a history is kept, every field holds since it says; elsewhere since `declared_at`: the
    declaration is when we can know of it.
    """
    kind = FILES[row.stem]
    reader = ValueReader(source, row.file, row.zone)
    values = reader.mapping(row.node, declared_fields(kind), "")
    declaration = {name: values.pop(name, MISSING) for name in ROW_KEYS}
    given = values.keys() | {name for name in ROW_KEYS if declaration[name] is not MISSING}
    for name in (*MUST_KEYS, *REQUIRED.get(kind, ())):
        if name not in given and not any(fault.key == name for fault in reader.faults):
            reader.fault(row.node, name, "is missing")
    if row.refused and isinstance(row.node.value, dict):
        reader.fault(row.node.value.get("proof_hash", row.node), "proof_hash", row.refused)
    if reader.faults:
        return Reading(None, reader.faults, reader.references)
    record = _record(row, source, values, declaration, reader.raw_times)
    for key, message in (*_contradictions(record, row.zone), *_misdeclared(declaration)):
        place = (row.node.value or {}).get(key, row.node) if isinstance(row.node.value, dict) else row.node
        reader.fault(place, key, message)
    return Reading(None if reader.faults else record, reader.faults, reader.references)


def _record(
    row: Row, source: str, values: dict[str, Any], declaration: dict[str, Any], raw_times: dict[str, str]
) -> Record:
    kind = FILES[row.stem]
    written = {name: key for key, name in ALIASES.get(kind, {}).items()}
    envelope: dict[str, Any] = {
        "id": f"{source}:{row.native_id}",
        "source": source,
        "scope": row.stem,
        **_called(row, values, written),
        "declared_by": declaration["declared_by"],
        "proof": None if declaration["proof"] is MISSING else declaration["proof"],
        "raw_times": raw_times,
        **_recorded(row, source, values, declaration["declared_at"], written),
    }
    if declaration["expires_at"] is not MISSING:
        envelope["expires_at"] = declaration["expires_at"]
    if declaration["proof_hash"] is not MISSING:
        envelope.setdefault("custom", {})["proof_sha256"] = plain_digest(declaration["proof_hash"])
    times = {one["field"]: one["at"] for one in envelope["since"]}
    envelope |= {name: times.get(of) for name, of in RECORDED.get(kind, {}).items()}
    if "title" not in values and "name" in values:
        envelope["title"] = values["name"]
    return msgspec.convert({**values, **envelope}, KINDS[kind])


def _called(row: Row, values: dict[str, Any], written: dict[str, str]) -> dict[str, Any]:
    """Say what people call the record: its row, unless the file has a column for that; it is found by its row then too."""
    if "key" in written:
        return {"key": values.get("key"), "aliases": [row.native_id]}
    return {"key": row.native_id}


def _recorded(
    row: Row, source: str, values: dict[str, Any], declared_at: int, written: dict[str, str]
) -> dict[str, Any]:
    """Say when the row and its fields were written, and by whom."""
    kind = FILES[row.stem]
    filled = _filled(kind, values, written)
    history = row.history
    if history is None:
        return {"created_at": declared_at, "since": [{"field": name, "at": declared_at} for name in sorted(filled)]}
    known = {name: at for name, key in filled.items() if (at := _known(history, key)) is not None}
    since = [{"field": name, "at": at} for name, at in sorted(known.items())]
    custom: dict[str, Any] = {"declared_at": format_instant(declared_at)}
    if (recorded := history.since.get("declared_at")) is not None and is_late(declared_at, recorded, row.zone):
        custom["late_declared"] = f"written {format_instant(recorded)}, more than {LATE_DAYS} business days later"
    told: dict[str, Any] = {
        "created_at": history.created,
        "since": since,
        "custom": custom,
        "events": [
            event for number, change in enumerate(history.changes) for event in _events(kind, number, change, source)
        ],
    }
    if history.created is None:
        told["unknown_fields"] = ["created_at"]
    if history.changes:
        told["updated_at"] = history.changes[-1].at
    if history.by is not None and "creator" not in values:
        told["creator"] = f"{source}:{history.by}"
    return told


def _known(history: RowHistory, key: str) -> int | None:
    """Give since when a key has held its value; a part that is not written on its own holds since the whole does."""
    return history.since.get(key, history.since.get(key.partition(".")[0]))


def _events(kind: str, number: int, change: RowChange, source: str) -> Iterator[dict[str, Any]]:
    """Tell of one commit: that it made the row, or which fields it changed."""
    actor = None if change.by is None else f"{source}:{change.by}"
    event = {"at": change.at, "actor": actor, "source_ref": change.commit}
    if number == 0:
        yield {**event, "type": "created"}
        return
    fields = row_fields(kind)
    for key in change.keys:
        if "." not in key:
            yield {**event, "type": "updated", "field": fields[key].name if key in fields else key}


def _filled(kind: str, values: dict[str, Any], written: dict[str, str]) -> dict[str, str]:
    """Name every field the row fills, by its name in the record; dotted for those of a struct -> key of the row."""
    fields = row_fields(kind)
    names = {}
    for encoded, value in values.items():
        key = written.get(encoded, encoded)
        name = fields[key].name
        names[name] = key
        if isinstance(value, dict):
            names |= {f"{name}.{part}": f"{key}.{part}" for part in value}
    return names


def _contradictions(record: Record, zone: str) -> Iterator[tuple[str, str]]:
    """Say what single values cannot tell: (key, fault)."""
    match record:
        case records.Calendar():
            yield from (("weekly", message) for message in _calendar_faults(record, zone))
        case records.Waiver() if record.approver is not None and record.approver == record.owner:
            yield "approver", "is the owner; somebody else must accept the exception"
        case _:
            pass
    for first, last in (("valid_from", "valid_to"), ("active_from", "active_to"), ("from_", "to")):
        start, end = getattr(record, first, None), getattr(record, last, None)
        if isinstance(start, int) and isinstance(end, int) and end <= start:
            yield last, f"is not after {first.rstrip('_')}; it is the first day no longer covered"


def _misdeclared(declaration: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Say what is wrong with how a row is vouched for: (key, fault)."""
    digest, ends = declaration["proof_hash"], declaration["expires_at"]
    if digest is not MISSING and not _DIGEST.fullmatch(plain_digest(digest)):
        yield "proof_hash", f"{digest!r} is no SHA-256; write its 64 hexadecimal digits, as `sha256sum FILE` does"
    if digest is not MISSING and declaration["proof"] is MISSING:
        yield "proof_hash", "stands without `proof`; name what it is the hash of"
    if ends is not MISSING and ends <= declaration["declared_at"]:
        yield "expires_at", "is not after declared_at; it is the first instant at which the row no longer counts"


def is_late(declared_at: int, recorded_at: int, zone: str) -> bool:
    """Tell whether a declaration is more than `LATE_DAYS` days, Monday to Friday, older than its record."""
    place = load_zone(zone or "UTC")
    day, last = (datetime.fromtimestamp(at / 1000, place).date() for at in (declared_at, recorded_at))
    if (last - day).days > 2 * LATE_DAYS:
        return True
    passed = [day + timedelta(days=n) for n in range(1, (last - day).days + 1)]
    return sum(one.isoweekday() <= _FRIDAY for one in passed) > LATE_DAYS


def plain_digest(text: str) -> str:
    """Give a SHA-256 as it is compared: lower case, without `sha256:`."""
    return text.strip().lower().removeprefix("sha256:")


def _calendar_faults(record: records.Calendar, zone: str) -> list[str]:
    try:
        return calendar_faults(from_record(record, zone))
    except ValueError as error:
        return [str(error)]
