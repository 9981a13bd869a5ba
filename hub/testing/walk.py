"""Finds the instants and the field names of records by their types."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Union

import msgspec

__all__ = ["field_names", "instants"]


@cache
def _fields(struct: type[msgspec.Struct]) -> tuple[tuple[str, bool, type[msgspec.Struct] | None], ...]:
    """List (attribute, is an instant, struct it holds one or many of)."""
    hints = typing.get_type_hints(struct, include_extras=True)
    return tuple((name, *_look(hints[name])) for name in struct.__struct_fields__)


def _look(hint: Any) -> tuple[bool, type[msgspec.Struct] | None]:
    instant = False
    while True:
        if typing.get_origin(hint) is Annotated:
            instant |= any((getattr(mark, "extra", None) or {}).get("unit") == "instant" for mark in hint.__metadata__)
            hint = hint.__origin__
        elif typing.get_origin(hint) in (Union, types.UnionType):
            hint = next(each for each in typing.get_args(hint) if each is not types.NoneType)
        elif typing.get_origin(hint) is list:
            hint = typing.get_args(hint)[0]
        else:
            break
    return instant, hint if isinstance(hint, type) and issubclass(hint, msgspec.Struct) else None


def instants(value: msgspec.Struct, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted place, value) of every instant that a record or part holds."""
    for name, instant, struct in _fields(type(value)):
        held = getattr(value, name)
        if held is None:
            continue
        if instant:
            yield f"{place}{name}", held
        elif struct is not None:
            for part in held if isinstance(held, list) else [held]:
                yield from instants(part, f"{place}{name}.")


def field_names(struct: type[msgspec.Struct], prefix: str = "") -> frozenset[str]:
    """List all fields of a record kind, those of structs inside it dotted as well (`impact.service`).

    A field that Python cannot name so has both names: `class_`, and `class` as it is written.
    """
    names = {f"{prefix}{name}" for name in (*struct.__struct_fields__, *struct.__struct_encode_fields__)}
    for name, _, inner in _fields(struct):
        if inner is not None:
            names |= field_names(inner, f"{prefix}{name}.")
    return frozenset(names)
