"""One row becomes one record. Pure: no file, no clock."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from hub import records
from hub.errors import Fault
from hub.records import KINDS, Record
from hub.sla.calendar import calendar_faults, from_record
from hub_register.schema import (
    ALIASES,
    FILES,
    MUST_KEYS,
    RECORDED,
    REQUIRED,
    ROW_KEYS,
    declared_fields,
    row_fields,
    struct_fields,
)
from hub_register.value import MISSING, Reference, ValueReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub_register.row import Row

__all__ = ["Reading", "plain_digest", "read_row"]

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

    Every field it fills holds since `declared_at`: the declaration is when we can know of it.
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
    declared_at = declaration["declared_at"]
    envelope: dict[str, Any] = {
        "id": f"{source}:{row.native_id}",
        "source": source,
        "scope": row.stem,
        "key": row.native_id,
        "created_at": declared_at,
        "declared_by": declaration["declared_by"],
        "proof": None if declaration["proof"] is MISSING else declaration["proof"],
        "raw_times": raw_times,
        "since": [{"field": name, "at": declared_at} for name in _filled(kind, values, written)],
    }
    if declaration["expires_at"] is not MISSING and "expires_at" in struct_fields(KINDS[kind]):
        envelope["expires_at"] = declaration["expires_at"]
    if declaration["proof_hash"] is not MISSING:
        envelope["custom"] = {"proof_sha256": plain_digest(declaration["proof_hash"])}
    for name, of in RECORDED.get(kind, {}).items():
        if of in values:
            envelope[name] = declared_at
    if "title" not in values and "name" in values:
        envelope["title"] = values["name"]
    return msgspec.convert({**values, **envelope}, KINDS[kind])


def _filled(kind: str, values: dict[str, Any], written: dict[str, str]) -> list[str]:
    """Name every field the row fills, by its name in the record; dotted for those of a struct."""
    fields = row_fields(kind)
    names = []
    for encoded, value in values.items():
        name = fields[written.get(encoded, encoded)].name
        names.append(name)
        if isinstance(value, dict):
            names += [f"{name}.{part}" for part in value]
    return sorted(names)


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


def plain_digest(text: str) -> str:
    """Give a SHA-256 as it is compared: lower case, without `sha256:`."""
    return text.strip().lower().removeprefix("sha256:")


def _calendar_faults(record: records.Calendar, zone: str) -> list[str]:
    try:
        return calendar_faults(from_record(record, zone))
    except ValueError as error:
        return [str(error)]
