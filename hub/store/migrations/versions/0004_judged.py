"""What the whole standard needs: check results, service level clocks, declarations that expire."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.schema import metadata

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables, columns and indexes; nothing that is there is written anew."""
    conn = op.get_bind()
    present = sa.inspect(conn)
    tables = set(present.get_table_names())
    for table in metadata.sorted_tables:
        if table.name not in tables:
            table.create(conn)
            continue
        columns = {column["name"] for column in present.get_columns(table.name)}
        for column in table.columns:
            if column.name not in columns:
                op.add_column(table.name, sa.Column(column.name, column.type))
        indexes = {index["name"] for index in present.get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in indexes:
                index.create(conn)
