"""Which file holds which kind, and what a row may say: read from the record structs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec import inspect

from hub.records import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ALIASES", "FILES", "REQUIRED", "ROW_KEYS", "provided", "row_fields", "struct_fields", "unwrap"]

FILES: Mapping[str, str] = {
    "people": "person",
    "roles": "role_assignment",
    "teams": "team",
    "services": "service",
    "customers": "customer",
    "calendars": "calendar",
    "waivers": "waiver",
    "reviews": "review",
    "documents": "document",
    "improvement_actions": "improvement_action",
    "disposals": "disposal",
    "service_reports": "service_report",
}
"""File name without `.yaml` to record kind. A line here is all a further kind needs."""
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "person": ("name",),
    "role_assignment": ("person", "role"),
    "team": ("name",),
    "service": ("name",),
    "customer": ("name",),
    "waiver": ("requirement_id", "reason", "approver", "valid_from", "valid_to"),
    "review": ("type",),
    "document": ("doc_type",),
    "improvement_action": ("title",),
    "disposal": ("subject_id",),
    "service_report": ("type", "period"),
}
"""Without these a row says nothing; everything else that is missing is for the requirements to judge."""
ALIASES: Mapping[str, Mapping[str, str]] = {"person": {"accounts": "same_as"}}
"""Kind to (key people write -> record field)."""
ROW_KEYS = ("id", "declared_by", "declared_at", "proof")
"""Who vouches for a row, since when, on what."""

_NOT_WRITTEN = frozenset(
    {
        "account",  # a person of the register is a human
        "aliases",
        "created_at",
        "custom",
        "events",
        "id",
        "invisible_at",
        "key",
        "raw_times",
        "scope",
        "since",
        "source",
        "unknown_fields",
        "updated_at",
        "vanished_at",
    }
)
"""Fields of a record that the hub fills, not a person."""


@cache
def struct_fields(struct: type) -> dict[str, inspect.Field]:
    """Give the fields of a struct by the name they are written with."""
    described = inspect.type_info(struct)
    assert isinstance(described, inspect.StructType)  # noqa: S101 - only structs come here
    return {field.encode_name: field for field in described.fields}


@cache
def row_fields(kind: str) -> dict[str, inspect.Field]:
    """Give what a row of a kind may hold beside its id and declaration, by the key people write."""
    fields = {name: field for name, field in struct_fields(KINDS[kind]).items() if field.name not in _NOT_WRITTEN}
    for name in ("declared_by", "proof"):
        del fields[name]
    for written, name in ALIASES.get(kind, {}).items():
        fields[written] = fields.pop(name)
    return fields


def unwrap(described: inspect.Type) -> tuple[inspect.Type, dict[str, Any]]:
    """Strip `| None` and collect the marks (`ref`, `unit`) of a described type."""
    extra: dict[str, Any] = {}
    while True:
        if isinstance(described, inspect.Metadata):
            extra |= described.extra or {}
            described = described.type
        elif isinstance(described, inspect.UnionType):
            described = next(one for one in described.types if not isinstance(one, inspect.NoneType))
        else:
            return described, extra


@cache
def provided(kind: str) -> frozenset[str]:
    """Name the record fields a register file can fill; dotted for those of a struct."""
    names = {"created_at", "declared_by", "proof", "since"}
    for field in row_fields(kind).values():
        names.add(field.name)
        inner, _ = unwrap(field.type)
        if isinstance(inner, inspect.ListType):
            inner, _ = unwrap(inner.item_type)
        if isinstance(inner, inspect.StructType):
            names |= {f"{field.name}.{part.name}" for part in inner.fields}
    return frozenset(names)
