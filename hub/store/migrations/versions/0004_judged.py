"""What the whole standard needs: check results, service level clocks, declarations that expire, further fields.

The file beside this one holds the schema as it stood then.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

from hub.store.migrations import frozen

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables, columns and indexes; nothing that is there is written anew."""
    frozen.add_missing(op.get_bind(), frozen.tables(Path(__file__).with_suffix(".json")))
