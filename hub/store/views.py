"""Views for people who ask with SQL: `incident_v` shows times as text and ids in place of numbers.

The hub itself never reads them. They are made anew by every migration.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, inspect

from hub.records import KINDS
from hub.store.schema import ENVELOPE_LISTS, FieldShape, child_tables, field_shapes

__all__ = ["create_views", "drop_views"]

_OUTSIDE = ENVELOPE_LISTS | {"id", "source", "scope"}
_INSTANT = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%SZ', {column} / 1000, 'unixepoch')",
    "postgresql": """to_char(to_timestamp({column} / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
}


def create_views(conn: Connection) -> None:
    """Make a view `<kind>_v` of every kind and `<kind>_<field>_v` of every list of structs."""
    for kind, struct in KINDS.items():
        shapes = tuple(shape for shape in field_shapes(struct) if shape.name not in _OUTSIDE)
        _create(conn, kind, ("r.id", "r.source", "r.scope"), shapes)
    for (kind, field), table in child_tables.items():
        part = next(shape.part for shape in field_shapes(KINDS[kind]) if shape.name == field)
        assert part is not None  # noqa: S101 - a child table is a list of structs
        _create(conn, table.name, ("r.id AS record_id", "t.pos"), field_shapes(part))


def drop_views(conn: Connection) -> None:
    """Take the views away, whatever version of the hub made them."""
    for name in inspect(conn).get_view_names():
        if name.endswith("_v"):
            conn.exec_driver_sql(f"DROP VIEW {conn.dialect.identifier_preparer.quote(name)}")


def _create(conn: Connection, table: str, first: tuple[str, ...], shapes: tuple[FieldShape, ...]) -> None:
    columns = ", ".join((*first, *_columns(conn, shapes, "")))
    quoted = conn.dialect.identifier_preparer.quote(table)
    conn.exec_driver_sql(f"CREATE VIEW {table}_v AS SELECT {columns} FROM {quoted} t JOIN record r ON r.sid = t.sid")


def _columns(conn: Connection, shapes: tuple[FieldShape, ...], prefix: str) -> Iterator[str]:
    for shape in shapes:
        name = f"{prefix}{shape.name}"
        quoted = conn.dialect.identifier_preparer.quote(name)
        match shape.role:
            case "scalar" if shape.instant:
                yield f"{_INSTANT[conn.dialect.name].format(column=f't.{quoted}')} AS {quoted}"
            case "scalar" | "json":
                yield f"t.{quoted}"
            case "reference":
                yield f"(SELECT x.id FROM record x WHERE x.sid = t.{quoted}) AS {quoted}"
            case "struct" if shape.part is not None:
                yield from _columns(conn, field_shapes(shape.part), f"{name}_")
            case _:
                pass
