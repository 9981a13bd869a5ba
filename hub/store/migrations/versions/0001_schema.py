"""The first schema: identity, current state, history, reading, judging, reporting."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from hub.store.migrations import frozen

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table of the file beside this one."""
    frozen.tables(Path(__file__).with_suffix(".json")).create_all(op.get_bind(), checkfirst=False)
