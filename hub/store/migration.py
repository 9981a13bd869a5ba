"""Bring a store to the schema of this program, by Alembic, and say which schema it has.

An empty database gets the newest schema at once, which is the same as all revisions lead to (a test) in a fifth of the time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, inspect, text

from hub.errors import StoreError
from hub.store.schema import metadata
from hub.store.views import create_views, drop_views

__all__ = ["HEAD", "State", "require_current", "revision_of", "state", "upgrade"]

HEAD = "0004"
"""Newest revision in migrations/versions; a test keeps the two equal. Revisions are numbered in order."""
_VERSION_TABLE = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY)"
)
"""As Alembic makes it."""
State = Literal["empty", "foreign", "older", "current", "newer"]


def revision_of(conn: Connection) -> str | None:
    """Return the schema revision of the store, None where there is none."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()


def state(conn: Connection) -> State:
    """Tell how the store's schema stands to this program's."""
    revision = revision_of(conn)
    if revision is None:
        return "foreign" if inspect(conn).get_table_names() else "empty"
    if revision == HEAD:
        return "current"
    return "newer" if revision > HEAD else "older"


def require_current(found: State, place: str) -> None:
    """Raise StoreError unless the store has exactly the schema of this program."""
    if found == "current":
        return
    raise StoreError(
        {
            "empty": f"{place} is empty; run: hub db upgrade",
            "older": f"{place} has an older schema than this program; run: hub db backup FILE, then: hub db upgrade",
            "newer": f"{place} was written by a newer hub; install that version or restore an older backup",
            "foreign": f"{place} holds tables of another program; check store.url",
        }[found]
    )


def upgrade(conn: Connection, revision: str = "head") -> None:
    """Make or migrate the schema inside the transaction of `conn`, which commits or undoes it as a whole.

    There is no way back but a backup. Views are made for the newest schema only.
    """
    if revision in ("head", HEAD) and state(conn) == "empty":
        metadata.create_all(conn, checkfirst=False)
        conn.execute(text(_VERSION_TABLE))
        conn.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": HEAD})
        create_views(conn)
        return
    # Alembic is imported where it is used: every other command starts without it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    folder = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.attributes["connection"] = conn
    # Views stand on the tables and would be in the way of changing them.
    drop_views(conn)
    command.upgrade(config, revision)
    if revision_of(conn) == HEAD:
        create_views(conn)
