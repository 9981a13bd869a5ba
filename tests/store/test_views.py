from __future__ import annotations

from sqlalchemy import inspect, text

from hub.records import KINDS, control
from hub.store import migration
from hub.store.schema import child_tables
from hub.store.store import Store
from hub.store.views import create_views, drop_views
from hub.store.writer import Write, write_records


def test_people_see_times_and_ids(store: Store) -> None:
    change = KINDS["change"](
        id="desk:1", source="desk", scope="CHG", key="CHG-1", title="disk", owner="register:people/alice",
        created_at=1_759_298_400_000, tests=[control.Test(name="load", finished_at=0)],
    )  # fmt: skip
    with store.begin() as conn:
        write_records(conn, [Write(change)], 1)
        asked = "SELECT id, scope, key, title, owner, assignee, created_at, updated_at FROM change_v"
        assert conn.execute(text(asked)).all() == [
            ("desk:1", "CHG", "CHG-1", "disk", "register:people/alice", None, "2025-10-01T06:00:00Z", None)
        ]
        asked = "SELECT record_id, pos, name, finished_at FROM change_tests_v"
        assert conn.execute(text(asked)).all() == [("desk:1", 0, "load", "1970-01-01T00:00:00Z")]


def test_views_can_be_made_anew(store: Store) -> None:
    with store.begin() as conn:
        made = set(inspect(conn).get_view_names())
        assert len(made) == len(KINDS) + len(child_tables)
        for name in made:
            conn.execute(text(f"SELECT * FROM {name}"))
        drop_views(conn)
        assert inspect(conn).get_view_names() == []
        create_views(conn)
        assert migration.state(conn) == "current"
