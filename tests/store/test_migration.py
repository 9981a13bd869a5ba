from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from hub.store import migration
from hub.store.content import stored_tables
from hub.store.schema import metadata
from hub.store.store import Store

FREEZE = "the records changed: see hub/store/migrations/frozen.py"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database without any table."""
    url = "sqlite:///migrated.db" if request.param == "sqlite" else request.getfixturevalue("empty_database")
    store = Store.attach(url, base_dir=tmp_path, create=True)
    yield store
    store.close()


def described(conn: Connection) -> object:
    """Tables with the types and keys of their columns, indexes, and which tables lie under their key."""
    look = inspect(conn)
    columns = {key: sorted((c["name"], c["nullable"]) for c in cs) for key, cs in look.get_multi_columns().items()}
    indexes = {
        key: sorted(
            (i["name"], i["column_names"], bool(i["unique"]), sorted(map(str, i["dialect_options"]))) for i in found
        )
        for key, found in look.get_multi_indexes().items()
    }
    clustered = None
    if conn.dialect.name == "sqlite":
        clustered = sorted(conn.exec_driver_sql("SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%'"))
    return stored_tables(conn), columns, indexes, clustered, sorted(look.get_view_names())


def test_a_schema_made_at_once_is_the_one_the_revisions_lead_to_and_that_of_the_program(empty: Store) -> None:
    with empty.connect() as conn:
        migration.upgrade(conn)
        at_once = described(conn)
        assert migration.state(conn) == "current"
    with empty.begin() as conn:
        migration.upgrade(conn, "0001")
        migration.upgrade(conn)
        assert described(conn) == at_once
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == [], FREEZE


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migration.__file__).with_name("migrations")))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [migration.HEAD]
    numbers = [one.revision for one in script.walk_revisions()]
    assert numbers == sorted(numbers, reverse=True)


def test_text_is_ordered_by_its_bytes(store: Store) -> None:
    with store.begin() as conn:
        conn.execute(text("INSERT INTO fingerprint (name, value) VALUES ('a', ''), ('B', ''), ('ä', ''), ('Z', '')"))
        names = conn.execute(text("SELECT name FROM fingerprint ORDER BY name")).scalars().all()
    assert names == ["B", "Z", "a", "ä"]


def test_upgrade_undoes_itself_when_it_fails(tmp_path: Path) -> None:
    store = Store.attach("sqlite:///hub.db", base_dir=tmp_path, create=True)
    with pytest.raises(ZeroDivisionError), store.begin() as conn:  # noqa: PT012 - fails after the migration
        migration.upgrade(conn)
        raise ZeroDivisionError
    with store.connect() as conn:
        assert migration.state(conn) == "empty"
    store.close()
