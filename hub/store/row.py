"""Turn a record into the rows of its tables; how is worked out once a kind, from its fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec

from hub.records import kind_of
from hub.records.base import Part, Record
from hub.store.bulk import Row
from hub.store.schema import ENVELOPE_LISTS, FieldShape, field_shapes

__all__ = ["Rows", "Stated", "references", "rows_of", "stated"]

LONGEST_KEY = 500
"""Characters; nobody asks for a longer one, and no index of PostgreSQL takes it."""
_OUTSIDE = ENVELOPE_LISTS | {"id", "source", "scope"}

_json = msgspec.json.Encoder(order="deterministic").encode
"""Alike for alike maps, in whichever order a mapping or a decoder filled them."""

Sids = Mapping[str, int]
Fill = Callable[[Any, list[Any], Sids], None]
"""Append to a row what a value says in the columns of one field."""


@dataclass(slots=True)
class Rows:
    """The rows of records of many kinds, by table, each in the order of its columns."""

    kinds: dict[str, list[Row]] = field(default_factory=dict)
    """Kind -> rows of its table."""
    children: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    """(kind, field) -> rows of the child table."""
    event: list[Row] = field(default_factory=list)
    link: list[Row] = field(default_factory=list)
    since: list[Row] = field(default_factory=list)
    unknown_field: list[Row] = field(default_factory=list)
    alias: list[Row] = field(default_factory=list)


# -- references -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Way:
    """How to reach references inside a record: a field, through structs and lists of structs."""

    path: tuple[tuple[str, bool], ...]
    """(attribute, is a list) from the record to the value."""
    name: str
    """Dotted field name, the link type."""
    linked: bool
    """The link table holds it; a single person stands in a column only."""


@cache
def _ways(struct: type[msgspec.Struct]) -> tuple[_Way, ...]:
    return tuple(_find_ways(struct, (), ""))


def _find_ways(struct: type[msgspec.Struct], path: tuple[tuple[str, bool], ...], prefix: str) -> Iterator[_Way]:
    for shape in field_shapes(struct):
        if not path and shape.name in ENVELOPE_LISTS - {"same_as"}:
            continue
        name = f"{prefix}{shape.name}"
        if shape.role in ("reference", "references"):
            many = shape.role == "references"
            yield _Way((*path, (shape.name, many)), name, many or shape.target != "person")
        elif shape.part is not None:
            yield from _find_ways(shape.part, (*path, (shape.name, shape.role == "parts")), f"{name}.")


@cache
def _first_steps(struct: type[msgspec.Struct]) -> Callable[[Any], tuple[Any, ...]]:
    """Say how to take the first step of all ways at once; the envelope alone has several."""
    return attrgetter(*(way.path[0][0] for way in _ways(struct)))


Stated = list[tuple[_Way, str]]
"""The ids in a record's own fields, and where each stands."""


def stated(record: Record) -> Stated:
    """Find the ids in a record's own fields; most fields hold none."""
    struct = type(record)
    ids: Stated = []
    for way, found in zip(_ways(struct), _first_steps(struct)(record), strict=True):
        if found:
            if len(way.path) > 1:
                ids += [(way, one) for one in _follow(found, way.path)]
            elif way.path[0][1]:
                ids += [(way, one) for one in found if one]
            else:
                ids.append((way, found))
    return ids


def _follow(found: Any, path: tuple[tuple[str, bool], ...]) -> Iterator[str]:
    """Yield the ids below what the first step of a path found."""
    (_, many), *rest = path
    for one in found if many else (found,):
        if not rest:
            if one:
                yield one
        elif (further := getattr(one, rest[0][0])) is not None:
            yield from _follow(further, tuple(rest))


def references(record: Record, own: Stated | None = None) -> list[str]:
    """List the id of everything a record refers to, persons included; ids may come twice. `own` = what is `stated`."""
    found = [one for _, one in (stated(record) if own is None else own)]
    found += [event.actor for event in record.events if event.actor]
    found += [link.target for link in record.links]
    return found


# -- rows -------------------------------------------------------------------------------------


@cache
def _fills(struct: type[msgspec.Struct]) -> tuple[Fill, ...]:
    """Say how to fill the columns of a struct, in the order in which the schema makes them."""
    top = issubclass(struct, Record)
    shapes = [shape for shape in field_shapes(struct) if not (top and shape.name in _OUTSIDE)]
    fills: list[Fill] = []
    for scalar, run in groupby(shapes, key=lambda shape: shape.role == "scalar"):
        if scalar:
            fills.append(_scalars([shape.name for shape in run]))
        else:
            fills += [fill for shape in run if (fill := _fill(shape)) is not None]
    return tuple(fills)


def _scalars(names: list[str]) -> Fill:
    """Fill neighbouring columns at once."""
    if len(names) == 1:
        (name,) = names
        return lambda value, row, _sids: row.append(getattr(value, name))
    read = attrgetter(*names)
    return lambda value, row, _sids: row.extend(read(value))


def _fill(shape: FieldShape) -> Fill | None:
    name = shape.name
    match shape.role:
        case "reference":

            def reference(value: Any, row: list[Any], sids: Sids) -> None:
                target = getattr(value, name)
                row.append(sids[target] if target else None)

            return reference
        case "json":

            def open_value(value: Any, row: list[Any], _sids: Sids) -> None:
                # An empty list or map is stored as NULL: it says no more, and thousands of them cost.
                found = getattr(value, name)
                row.append(_json(found).decode() if found else None)

            return open_value
        case "struct":
            assert shape.part is not None  # noqa: S101 - a struct field always has its type
            return _struct_fill(name, _fills(shape.part), [None] * _width(shape.part))
    return None


def _struct_fill(name: str, fills: tuple[Fill, ...], empty: list[Any]) -> Fill:
    def struct(value: Any, row: list[Any], sids: Sids) -> None:
        part = getattr(value, name)
        if part is None:
            row += empty
        else:
            for fill in fills:
                fill(part, row, sids)

    return struct


def _width(part: type[Part]) -> int:
    """Count the columns of a struct."""
    return sum(
        _width(shape.part) if shape.role == "struct" and shape.part is not None else 1
        for shape in field_shapes(part)
        if shape.role not in ("parts", "references")
    )


@cache
def _children(struct: type[Record]) -> tuple[tuple[str, tuple[Fill, ...]], ...]:
    return tuple(
        (shape.name, _fills(shape.part))
        for shape in field_shapes(struct)
        if shape.role == "parts" and shape.name not in ENVELOPE_LISTS and shape.part is not None
    )


def rows_of(record: Record, own: Stated, sids: Sids, rows: Rows) -> None:
    """Add the rows of one record, given what is `stated`; `sids` knows it and everything it refers to."""
    kind, sid = kind_of(record), sids[record.id]
    row: list[Any] = [sid]
    for fill in _fills(type(record)):
        fill(record, row, sids)
    rows.kinds.setdefault(kind, []).append(tuple(row))
    for name, fills in _children(type(record)):
        for pos, part in enumerate(getattr(record, name)):
            child: list[Any] = [sid, pos]
            for fill in fills:
                fill(part, child, sids)
            rows.children.setdefault((kind, name), []).append(tuple(child))
    rows.event += [
        (
            sid,
            pos,
            event.at,
            event.type,
            sids[event.actor] if event.actor else None,
            event.field,
            event.from_,
            event.to,
            event.visible_to_customer,
            event.source_ref,
        )
        for pos, event in enumerate(record.events)
    ]
    rows.link += _link_rows(record, own, sid, sids)
    since = {one.field: one.at for one in record.since}
    rows.since += [(sid, name, at) for name, at in since.items()]
    rows.unknown_field += [(sid, name) for name in dict.fromkeys(record.unknown_fields)]
    keys = dict.fromkeys([*([record.key] if record.key else []), *record.aliases])
    rows.alias += [(key, sid) for key in keys if len(key) <= LONGEST_KEY]


def _link_rows(record: Record, own: Stated, sid: int, sids: Sids) -> list[Row]:
    """One row a (type, target): a stated link wins over a field of the same name, the earliest instant first."""
    found: dict[tuple[str, int], Row] = {}
    for link in sorted(record.links, key=lambda link: (link.at is None, link.at or 0)):
        key = (link.type, sids[link.target])
        found.setdefault(key, (sid, *key, link.at, link.source_ref))
    for way, target in own:
        if way.linked:
            key = (way.name, sids[target])
            found.setdefault(key, (sid, *key, None, None))
    return list(found.values())
