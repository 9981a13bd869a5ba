"""Every kind, with every field filled, comes back from its tables as it went in."""

from __future__ import annotations

from itertools import count
from typing import Any

import msgspec
from msgspec import inspect as kinds_of
from sqlalchemy import select

from hub.records import KINDS, Record
from hub.store import tables
from hub.store.revision import read_record
from hub.store.schema import ENVELOPE_LISTS, child_tables, field_shapes, kind_tables
from hub.store.store import Store
from hub.store.writer import Write, write_records

_OUTSIDE = ENVELOPE_LISTS | {"id", "source", "scope"}


def sample(kind: kinds_of.Type, number: count[int]) -> Any:  # noqa: PLR0911 - one return a type
    """Give a value of a type; no two texts or numbers are equal, so that a swapped column shows."""
    match kind:
        case kinds_of.Metadata():
            return sample(kind.type, number)
        case kinds_of.UnionType():
            return sample(next(one for one in kind.types if not isinstance(one, kinds_of.NoneType)), number)
        case kinds_of.LiteralType():
            return kind.values[next(number) % len(kind.values)]
        case kinds_of.BoolType():
            return True
        case kinds_of.IntType():
            return 1_700_000_000_000 + next(number)
        case kinds_of.FloatType():
            return next(number) + 0.5
        case kinds_of.StrType():
            return f"text:{next(number)}"
        case kinds_of.ListType():
            return [sample(kind.item_type, number), sample(kind.item_type, number)]
        case kinds_of.DictType():
            return {f"key {next(number)}": sample(kind.value_type, number)}
        case kinds_of.AnyType():
            return [next(number), None, {"a": "b"}]
        case kinds_of.StructType():
            return {one.encode_name: sample(one.type, number) for one in kind.fields}
    raise AssertionError(kind)


def filled(kind: str) -> Record:
    given = sample(kinds_of.type_info(KINDS[kind]), count(1)) | {"id": f"desk:{kind}", "source": "desk"}
    return msgspec.convert(given, KINDS[kind])


def flat(value: Any, sids: dict[str, int], prefix: str = "") -> dict[str, Any]:
    """Say by the rule of the schema, on its own, what the columns of a struct hold."""
    row: dict[str, Any] = {}
    for shape in field_shapes(type(value)):
        found, name = getattr(value, shape.name), f"{prefix}{shape.name}"
        if not prefix and isinstance(value, Record) and shape.name in _OUTSIDE:
            continue
        if shape.role == "struct":
            row |= flat(found, sids, f"{name}_")
        elif shape.role == "reference":
            row[name] = sids[found]
        elif shape.role in ("scalar", "json"):
            row[name] = found
    return row


def test_every_kind_through_its_tables(store: Store) -> None:
    records = {kind: filled(kind) for kind in KINDS}
    with store.begin() as conn:
        write_records(conn, [Write(record) for record in records.values()], 5)
    with store.connect() as conn:
        sids = dict(conn.execute(select(tables.record.c.id, tables.record.c.sid)).all())
        for kind, record in records.items():
            sid = sids[record.id]
            assert read_record(conn, record.id) == record
            rows = conn.execute(select(kind_tables[kind])).mappings().all()
            assert [dict(row) for row in rows] == [{"sid": sid, **flat(record, sids)}], kind
            for (owner, field), table in child_tables.items():
                if owner == kind:
                    children = conn.execute(select(table).order_by(table.c.pos)).mappings().all()
                    expected = [
                        {"sid": sid, "pos": pos, **flat(part, sids)} for pos, part in enumerate(getattr(record, field))
                    ]
                    assert [dict(row) for row in children] == expected, (kind, field)
            linked = {
                (row.type, row.target) for row in conn.execute(select(tables.link).where(tables.link.c.sid == sid))
            }
            for shape in field_shapes(type(record)):
                value = getattr(record, shape.name)
                targets = value if shape.role == "references" else [value] if shape.role == "reference" else []
                is_linked = shape.role == "references" or shape.target != "person"
                assert all(((shape.name, sids[one]) in linked) == is_linked for one in targets), (kind, shape.name)
            events = conn.execute(select(tables.event).where(tables.event.c.sid == sid).order_by(tables.event.c.pos))
            assert [(row.at, row.actor, row.from_, row.to) for row in events] == [
                (one.at, sids[one.actor or ""], one.from_, one.to) for one in record.events
            ]


def test_empty_records_of_every_kind_can_be_written(store: Store) -> None:
    required = {kind: sample(kinds_of.type_info(struct), count(1)) for kind, struct in KINDS.items()}
    records = [
        msgspec.convert(
            {
                **{f.encode_name: required[kind][f.encode_name] for f in msgspec.structs.fields(struct) if f.required},
                "id": f"desk:{kind}",
                "source": "desk",
            },
            struct,
        )
        for kind, struct in KINDS.items()
    ]
    with store.begin() as conn:
        assert write_records(conn, [Write(record) for record in records], 5).changed == len(KINDS)
