"""Tables of the records, derived from the record structs by one rule.

A scalar is a column; a struct is prefixed columns (`impact_service`); a list of structs is a
child table (`change_tests`); a reference is a column holding the integer `record.sid`; a list of
references is rows of `link`; an open map or a list of texts is JSON, of which requirements ask only whether a
list holds a text (`hub.conformance.listed`).
The envelope's lists (`events`, `links`, `since`, `unknown_fields`, `aliases`, `same_as`) share one
table each. Instants are BIGINT UTC milliseconds.
"""

from __future__ import annotations

import sys
import types
import typing
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union

import msgspec
from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, Table

from hub.records import KINDS
from hub.records.base import Part, Record
from hub.store.tables import Key, Text, metadata

__all__ = ["ENVELOPE_LISTS", "FieldShape", "child_tables", "field_shapes", "kind_tables", "metadata"]

ENVELOPE_LISTS = frozenset({"aliases", "events", "links", "same_as", "since", "unknown_fields"})
"""Fields of the envelope that live in tables shared by all kinds."""
_OUTSIDE = ENVELOPE_LISTS | {"id", "source", "scope"}
"""Fields a kind's table does not repeat: identity stands in `record`."""

Role = Literal["scalar", "reference", "struct", "parts", "references", "json"]


@dataclass(frozen=True, slots=True)
class FieldShape:
    """How one field of a record is stored."""

    name: str
    """Attribute of the struct."""
    encoded: str
    """Name in the encoded record (`from` for `from_`)."""
    role: Role
    scalar: type
    """Python type of a scalar: int, float, bool or str."""
    target: str | None
    """Kind a reference points to, or `any`."""
    indexed: bool
    part: type[Part] | None
    """Struct type of a struct field or of a list's elements."""
    instant: bool = False
    """A scalar that is an instant, UTC milliseconds."""


@cache
def field_shapes(struct: type[msgspec.Struct]) -> tuple[FieldShape, ...]:
    """Describe every field of a record or part, in order."""
    hints = {name: hint for each in reversed(struct.__mro__) for name, hint in _own_hints(each).items()}
    encoded = dict(zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True))
    return tuple(_shape(name, encoded[name], hints[name]) for name in struct.__struct_fields__)


@cache  # the envelope's are those of sixty kinds
def _own_hints(struct: type) -> dict[str, Any]:
    own = types.SimpleNamespace(__annotations__=vars(struct).get("__annotations__", {}))
    return typing.get_type_hints(own, vars(sys.modules[struct.__module__]), include_extras=True)


def _shape(name: str, encoded: str, hint: Any) -> FieldShape:  # noqa: PLR0911 - one return a rule
    kind, extra = _unwrap(hint)
    origin = typing.get_origin(kind)
    if origin is list:
        element, element_extra = _unwrap(typing.get_args(kind)[0])
        if "ref" in element_extra:
            return FieldShape(name, encoded, "references", int, element_extra["ref"], False, None)
        if isinstance(element, type) and issubclass(element, Part):
            return FieldShape(name, encoded, "parts", int, None, False, element)
        return FieldShape(name, encoded, "json", str, None, False, None)
    if origin is dict or kind is Any:
        return FieldShape(name, encoded, "json", str, None, False, None)
    if origin is Literal:
        first = typing.get_args(kind)[0]
        return FieldShape(name, encoded, "scalar", type(first), None, bool(extra.get("index")), None)
    if isinstance(kind, type) and issubclass(kind, Part):
        return FieldShape(name, encoded, "struct", int, None, False, kind)
    if "ref" in extra:
        return FieldShape(name, encoded, "reference", int, extra["ref"], bool(extra.get("index")), None)
    is_instant = extra.get("unit") == "instant"
    return FieldShape(name, encoded, "scalar", kind, None, bool(extra.get("index")), None, is_instant)


def _unwrap(hint: Any) -> tuple[Any, dict[str, Any]]:
    """Strip `Annotated` and `| None`; collect the marks msgspec carries."""
    extra: dict[str, Any] = {}
    while True:
        if typing.get_origin(hint) is Annotated:
            for mark in hint.__metadata__:
                extra |= getattr(mark, "extra", None) or {}
            hint = hint.__origin__
        elif typing.get_origin(hint) in (Union, types.UnionType):
            hint = next(arg for arg in typing.get_args(hint) if arg is not types.NoneType)
        else:
            return hint, extra


_COLUMN_TYPES: dict[type, Any] = {int: BigInteger, float: Float, bool: Boolean, str: Text}


def _columns(shapes: tuple[FieldShape, ...], prefix: str = "") -> list[Column[Any]]:
    columns: list[Column[Any]] = []
    for shape in shapes:
        name = f"{prefix}{shape.name}"
        match shape.role:
            case "scalar":
                columns.append(Column(name, _COLUMN_TYPES[shape.scalar]))
            case "reference":
                columns.append(Column(name, Integer))
            case "json":
                columns.append(Column(name, JSON(none_as_null=True)))
            case "struct":
                assert shape.part is not None  # noqa: S101 - a struct field always has its type
                columns += _columns(field_shapes(shape.part), f"{name}_")
            case "parts" | "references":
                pass
    return columns


def _kind_table(kind: str, struct: type[Record]) -> Table:
    shapes = tuple(shape for shape in field_shapes(struct) if shape.name not in _OUTSIDE)
    indexes = [Index(f"{kind}_{s.name}_i", s.name) for s in shapes if s.indexed]
    return Table(kind, metadata, Column("sid", Key, primary_key=True, autoincrement=False), *_columns(shapes), *indexes)


def _child_table(kind: str, shape: FieldShape) -> Table:
    assert shape.part is not None  # noqa: S101 - a list of parts always has its type
    return Table(
        f"{kind}_{shape.name}",
        metadata,
        Column("sid", Key, primary_key=True, autoincrement=False),
        Column("pos", Integer, primary_key=True, autoincrement=False),
        *_columns(field_shapes(shape.part)),
        sqlite_with_rowid=False,
    )


kind_tables: dict[str, Table] = {kind: _kind_table(kind, struct) for kind, struct in KINDS.items()}
"""One table a record kind."""
child_tables: dict[tuple[str, str], Table] = {
    (kind, shape.name): _child_table(kind, shape)
    for kind, struct in KINDS.items()
    for shape in field_shapes(struct)
    if shape.role == "parts" and shape.name not in ENVELOPE_LISTS
}
"""(kind, field) -> table of a list of structs."""
