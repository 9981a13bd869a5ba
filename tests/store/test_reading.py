from __future__ import annotations

from sqlalchemy import select

from hub.store import reading, tables
from hub.store.store import Store
from hub.sync.source import Provision


def test_cursor_is_kept_a_slice(store: Store) -> None:
    with store.begin() as conn:
        assert reading.get_cursor(conn, "desk", "issue", "OPS") is None
        reading.set_cursor(conn, "desk", "issue", "OPS", {"since": 5, "ids": ["a"]}, committed_at=1)
        reading.set_cursor(conn, "desk", "issue", "CHG", {"since": 6}, committed_at=1)
        reading.set_cursor(conn, "desk", "issue", "OPS", {"since": 7}, committed_at=2)
        reading.set_cursor(conn, "desk", "issue", "OPS", {"since": 7}, committed_at=3)
    with store.begin() as conn:
        assert reading.get_cursor(conn, "desk", "issue", "OPS") == {"since": 7}
        assert reading.get_cursor(conn, "desk", "issue", "CHG") == {"since": 6}
        assert max(conn.execute(select(tables.sync_cursor.c.committed_at)).scalars()) == 2
        reading.forget_cursors(conn, "desk")
        assert reading.get_cursor(conn, "desk", "issue", "CHG") is None


def test_coverage_keeps_what_was_known(store: Store) -> None:
    steps = [
        (100, None, 10),
        (200, None, 20),
        (None, "no permission", 30),
        (None, "no permission", 40),
        (300, None, 40),
    ]
    with store.begin() as conn:
        for through, reason, known_at in steps:
            reading.record_coverage(conn, "desk", "OPS", "change", through=through, reason=reason, known_at=known_at)
        answers = {
            at: [(row.through, row.reason) for row in reading.coverage_rows(conn, "desk", known_at=at)]
            for at in (9, 10, 20, 35, 40)
        }
        assert len(conn.execute(select(tables.coverage)).all()) == 4
    assert answers == {
        9: [],
        10: [(100, None)],
        20: [(200, None)],
        35: [(200, "no permission")],
        40: [(300, None)],
    }


def test_coverage_never_read(store: Store) -> None:
    with store.begin() as conn:
        reading.record_coverage(conn, "desk", "SEC", "change", through=None, reason="not found", known_at=1)
        assert reading.coverage_rows(conn) == [reading.Covered("desk", "SEC", "change", None, "not found", 1)]


def test_provisions_write_differences_only(store: Store) -> None:
    now = select(tables.provision.c.kind, tables.provision.c.field).where(tables.provision.c.known_to.is_(None))
    first = [Provision("change", frozenset({"type", "risk"})), Provision("approval", frozenset(), within_subject=True)]
    second = [Provision("change", frozenset({"type", "owner"})), first[1]]
    with store.begin() as conn:
        assert reading.set_provisions(conn, "desk", first, 1) == 4
        assert reading.set_provisions(conn, "desk", first, 2) == 0
        assert reading.set_provisions(conn, "desk", second, 3) == 2
        assert set(conn.execute(now).all()) == {
            ("change", ""),
            ("change", "type"),
            ("change", "owner"),
            ("approval", ""),
        }


def test_run_that_was_killed_shows(store: Store) -> None:
    with store.begin() as conn:
        first, second = reading.start_run(conn, "desk", 1), reading.start_run(conn, "desk", 5)
        reading.finish_run(conn, first, 2, complete=True, summary={"documents": 3})
    with store.connect() as conn:
        assert reading.last_runs(conn, "desk") == [
            reading.Run(second, "desk", 5, None, complete=False, summary={}),
            reading.Run(first, "desk", 1, 2, complete=True, summary={"documents": 3}),
        ]
