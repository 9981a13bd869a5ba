"""What was disposed of and why, whose data was erased, and who read a raw document."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add columns and tables only: nothing that is there is written anew."""
    for table in ("raw_document", "revision"):
        op.add_column(table, sa.Column("disposal", sa.Integer()))
        present = sa.text("disposal IS NOT NULL")
        op.create_index(f"{table}_disposal_i", table, ["disposal"], sqlite_where=present, postgresql_where=present)
    op.create_table(
        "disposal_run",
        sa.Column("did", _KEY, primary_key=True),
        sa.Column("type", _TEXT, nullable=False),
        sa.Column("rule", _TEXT),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("operator", _TEXT, nullable=False),
        sa.Column("operated_by", sa.Integer(), nullable=False),
        sa.Column("approver", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("states", sa.Integer(), nullable=False),
        sa.Column("oldest", sa.BigInteger()),
        sa.Column("newest", sa.BigInteger()),
        sa.Column("digest", _TEXT),
        sa.Column("summary", sa.JSON(), nullable=False),
    )
    op.create_table(
        "erased_identifier",
        sa.Column("hash", sa.LargeBinary(), primary_key=True),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("did", sa.Integer(), nullable=False),
    )
    op.create_table(
        "erased_person",
        sa.Column("sid", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("did", sa.Integer(), nullable=False),
    )
    op.create_table(
        "document_access",
        sa.Column("aid", _KEY, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("doc", sa.Integer(), nullable=False),
        sa.Column("login", _TEXT, nullable=False),
        sa.Column("acting_as", _TEXT),
        sa.Column("reason", _TEXT, nullable=False),
    )
