"""A schema as data: a revision builds what stood when it was written, whatever the records are today.

Before the first release, and when a new revision needs the whole schema, write the file anew with

    python -m hub.store.migrations.frozen hub/store/migrations/versions/0004_judged.json

Once released, a revision and its file are never changed; a later revision holds the difference, or the whole
schema anew where it only adds (`add_missing`).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

__all__ = ["add_missing", "freeze", "tables"]

_TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "bigint": sa.BigInteger(),
    "binary": sa.LargeBinary(),
    "bool": sa.Boolean(),
    "float": sa.Float(),
    "int": sa.Integer(),
    "json": sa.JSON(none_as_null=True),
    "key": sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
    "smallint": sa.SmallInteger(),
    "text": sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
}
_WORDS: tuple[tuple[type[sa.types.TypeEngine[Any]], str], ...] = (
    (sa.SmallInteger, "smallint"),
    (sa.BigInteger, "bigint"),
    (sa.Integer, "int"),
    (sa.Boolean, "bool"),
    (sa.Float, "float"),
    (sa.JSON, "json"),
    (sa.LargeBinary, "binary"),
    (sa.Text, "text"),
)


class _Column(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    name: str
    type: str
    nullable: bool = True
    primary_key: bool = False
    counts_up: bool = False
    unique: bool = False


class _Index(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    name: str
    columns: list[str]
    unique: bool = False
    where: str | None = None


class _Table(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    name: str
    columns: list[_Column]
    indexes: list[_Index] = []
    sqlite_autoincrement: bool = False
    sqlite_with_rowid: bool = True


def freeze(metadata: sa.MetaData) -> bytes:
    """Describe every table, sorted by name, as JSON a person can compare line by line."""
    frozen = [_freeze_table(metadata.tables[name]) for name in sorted(metadata.tables)]
    # One column a line: a later revision's author reads this file next to its diff.
    return (
        b"[" + b",\n\n".join(msgspec.json.encode(table).replace(b'{"name"', b'\n{"name"') for table in frozen) + b"]\n"
    )


def _freeze_table(table: sa.Table) -> _Table:
    columns = [
        _Column(
            name=str(column.name),
            type=_word(column.type),
            nullable=bool(column.nullable),
            primary_key=column.primary_key,
            counts_up=column is table.autoincrement_column,
            unique=bool(column.unique),
        )
        for column in table.columns
    ]
    indexes = [
        _Index(
            name=str(index.name),
            columns=[str(column.name) for column in index.columns],
            unique=index.unique,
            where=None if (where := index.dialect_kwargs.get("sqlite_where")) is None else str(where),
        )
        for index in sorted(table.indexes, key=lambda index: str(index.name))
    ]
    options = table.dialect_kwargs
    return _Table(
        str(table.name),
        columns,
        indexes,
        sqlite_autoincrement=bool(options.get("sqlite_autoincrement")),
        sqlite_with_rowid=options.get("sqlite_with_rowid") is not False,
    )


def _word(kind: sa.types.TypeEngine[Any]) -> str:
    if "sqlite" in kind._variant_mapping:  # noqa: SLF001 - the one type of ours with a SQLite variant is the key
        return "key"
    return next(word for base, word in _WORDS if isinstance(kind, base))


def tables(file: Path) -> sa.MetaData:
    """Build the tables a file describes."""
    metadata = sa.MetaData()
    for frozen in msgspec.json.decode(file.read_bytes(), type=list[_Table]):
        columns: list[sa.Column[Any]] = [
            sa.Column(
                column.name,
                _TYPES[column.type],
                nullable=column.nullable,
                primary_key=column.primary_key,
                autoincrement=column.counts_up,
                unique=column.unique or None,
            )
            for column in frozen.columns
        ]
        options: dict[str, Any] = {"sqlite_autoincrement": True} if frozen.sqlite_autoincrement else {}
        if not frozen.sqlite_with_rowid:
            options["sqlite_with_rowid"] = False
        table = sa.Table(frozen.name, metadata, *columns, **options)
        for index in frozen.indexes:
            where: dict[str, Any] = (
                {} if index.where is None else dict.fromkeys(("sqlite_where", "postgresql_where"), sa.text(index.where))
            )
            sa.Index(index.name, *(table.c[name] for name in index.columns), unique=index.unique, **where)
    return metadata


def add_missing(conn: sa.Connection, wanted: sa.MetaData) -> None:
    """Create the tables, columns and indexes that a store lacks; what is there stays as it is."""
    present = sa.inspect(conn)
    known = set(present.get_table_names())
    operations = Operations(MigrationContext.configure(conn))
    for table in wanted.sorted_tables:
        if table.name not in known:
            table.create(conn)
            continue
        columns = {column["name"] for column in present.get_columns(table.name)}
        for column in table.columns:
            if column.name not in columns:
                operations.add_column(table.name, sa.Column(column.name, column.type))
        indexes = {index["name"] for index in present.get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in indexes:
                index.create(conn)


if __name__ == "__main__":
    from hub.store.schema import metadata as present

    Path(sys.argv[1]).write_bytes(freeze(present))
