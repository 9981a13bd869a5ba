from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from hub.store import migration
from hub.store.schema import metadata
from hub.store.store import Store

FREEZE = "the records changed: see hub/store/migrations/frozen.py"


def test_migrated_schema_is_the_schema_of_the_program(store: Store) -> None:
    with store.connect() as conn:
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
