"""Rows lie under their key: an obligation needs no number of its own, and what is asked a record at a time is one look-up.

SQLite keeps the tables named here WITHOUT ROWID. An obligation says from when on its verdict is settled,
so that the verdicts of a period are found without reading any other.
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SHARED = ("event", "link", "since", "unknown_field", "alias")
_NEVER = 9_000_000_000_000_000
_SETTLED = (
    "CASE WHEN met_at < coalesce(due_at, met_at + 1) AND (lost_at IS NULL OR lost_at > due_at) THEN met_at "
    f"ELSE coalesce(due_at, {_NEVER}) END"
)
_PLACED = (
    "UPDATE record SET place = (SELECT p.place FROM place p WHERE p.source = record.source "
    "AND p.scope = coalesce(record.scope, '')) WHERE source IS NOT NULL"
)
_OBLIGATION = (
    "part, unit, anchor, opened_at, due_at, warn_at, met_at, lost_at, n, d, evidence, declared, place, lacks, "
    "known_from, known_to"
)


def upgrade() -> None:
    """Write the tables anew where SQLite needs it; nothing that is there changes."""
    conn = op.get_bind()
    if conn.dialect.name == "sqlite":
        for table in [*_SHARED, *_children(conn)]:
            _cluster(table)
    op.add_column("record", sa.Column("place", sa.Integer()))
    op.execute(_PLACED)
    op.create_index("disposal_subject_id_i", "disposal", ["subject_id"])
    _obligation()
    if conn.dialect.name == "postgresql":
        op.execute("ALTER INDEX obligation_fresh_pkey RENAME TO obligation_pkey")


def _children(conn: sa.Connection) -> list[str]:
    """Lists of structs: tables under (sid, pos)."""
    found = conn.exec_driver_sql(
        "SELECT m.name FROM sqlite_master m WHERE m.type = 'table' AND (SELECT group_concat(name) FROM "
        "(SELECT name FROM pragma_table_info(m.name) WHERE pk > 0 ORDER BY pk)) = 'sid,pos' ORDER BY m.name"
    )
    return [row[0] for row in found if row[0] not in _SHARED]


def _cluster(table: str) -> None:
    conn = op.get_bind()
    made: str = conn.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)
    ).scalar_one()
    indexes = conn.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL", (table,)
    ).scalars()
    statements = list(indexes)
    fresh = re.sub(r'^CREATE TABLE\s+("[^"]+"|\w+)', f'CREATE TABLE "{table}_fresh"', made, count=1) + " WITHOUT ROWID"
    conn.exec_driver_sql(fresh)
    conn.exec_driver_sql(f'INSERT INTO "{table}_fresh" SELECT * FROM "{table}"')
    conn.exec_driver_sql(f'DROP TABLE "{table}"')
    conn.exec_driver_sql(f'ALTER TABLE "{table}_fresh" RENAME TO "{table}"')
    for statement in statements:
        conn.exec_driver_sql(statement)


def _obligation() -> None:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.drop_index("obligation_now_i", "obligation")
    op.create_table(
        "obligation_fresh",
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("unit", sa.Integer(), nullable=False),
        sa.Column("anchor", sa.BigInteger(), nullable=False),
        sa.Column("known_from", sa.BigInteger(), nullable=False),
        sa.Column("known_to", sa.BigInteger()),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("warn_at", sa.BigInteger()),
        sa.Column("met_at", sa.BigInteger()),
        sa.Column("lost_at", sa.BigInteger()),
        sa.Column("settled_at", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer()),
        sa.Column("d", sa.Integer()),
        sa.Column("evidence", sa.Integer()),
        sa.Column("declared", sa.Boolean(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("lacks", text),
        sa.PrimaryKeyConstraint("part", "unit", "anchor", "known_from"),
        sqlite_with_rowid=False,
    )
    op.execute(
        f"INSERT INTO obligation_fresh ({_OBLIGATION}, settled_at) SELECT {_OBLIGATION}, {_SETTLED} FROM obligation"
    )
    op.drop_table("obligation")
    op.rename_table("obligation_fresh", "obligation")
    op.create_index("obligation_settled_i", "obligation", ["part", "settled_at"])
