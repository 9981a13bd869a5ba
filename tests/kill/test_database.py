"""Killed while the database itself is upgraded, backed up or moved: it stands as before or as after, never between."""

from __future__ import annotations

import os
import random

import pytest

from hub.cli.session import Session
from hub.store import migration
from hub.store.store import Store
from tests.kill.harness import KILLED, LATER, NOW, call
from tests.kill.picture import take_picture
from tests.postgresql import PASSWORD

NEXT, OTHER = "a month ago", "derived"
RESTORES = max(3, int(os.environ.get("HUB_KILLS", "0")) // 10)
NOWS = (NOW, LATER)


@pytest.fixture(scope="module")
def backed_up(workshop, tmp_path_factory):
    """Two stores, a backup of the first, and what restoring it over the second passes."""
    file = tmp_path_factory.mktemp("backup") / "kept.db"
    first, second = workshop.copy(NEXT), workshop.copy(OTHER)
    assert call(first, "db", "backup", str(file)).code == 0
    old, new = take_picture(second, NOW, NOWS), take_picture(first, NOW, NOWS)
    assert old != new
    restored = call(second, "db", "restore", str(file), "--force")
    assert restored.code == 0, restored.said
    assert take_picture(second, NOW, NOWS) == {**new, "files": old["files"]}
    return old, {**new, "files": old["files"]}, file, restored.passed, restored.seconds


def _state(folder) -> migration.State:
    with Session(folder / "hub.toml") as session:
        url = session.configuration.store.url_with_password()
    store = Store.attach(url, base_dir=folder)
    try:
        with store.connect() as conn:
            return migration.state(conn)
    finally:
        store.close()


def _make_first_schema(folder) -> None:
    with Session(folder / "hub.toml") as session:
        url = session.configuration.store.url_with_password()
    store = Store.attach(url, base_dir=folder, create=True)
    with store.begin() as conn:
        migration.upgrade(conn, "0001")
    store.close()


@pytest.mark.parametrize("first", [False, True], ids=["no store", "the first release's"])
def test_an_upgrade(workshop, first):
    folder = workshop.copy("empty")
    if first:
        _make_first_schema(folder)
    before = _state(folder) if first else "empty"
    whole = workshop.copy("empty")
    if first:
        _make_first_schema(whole)
    passed = call(whole, "db", "upgrade").passed
    for point in (("statement", passed["statement"] // 2), ("statement", passed["statement"] - 1), ("written", 1)):
        assert call(folder, "db", "upgrade", die_at=point).code == KILLED
        assert _state(folder) == before, point
        refused = call(folder, "findings")
        assert refused.code == 2
        assert "run: hub db" in refused.said
    assert call(folder, "db", "upgrade", die_at=("committed", 1)).code == KILLED
    assert _state(folder) == "current"
    assert "already" in call(folder, "db", "upgrade").said


@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.9])
def test_a_backup(workshop, part):
    folder = workshop.copy(NEXT)
    before = take_picture(folder, NOW, NOWS)
    target = folder / "copy.db"
    passed = call(folder, "db", "backup", str(folder / "first.db")).passed
    point = ("statement", 1 + int(part * (passed["statement"] - 1)))
    assert call(folder, "db", "backup", str(target), die_at=point).code == KILLED
    assert not target.exists()
    assert take_picture(folder, NOW, NOWS) == before
    again = call(folder, "db", "backup", str(target))
    assert again.code == 0, again.said
    assert not [file for file in folder.glob("copy.db*") if file != target]


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_move(workshop, part):
    folder = workshop.copy(NEXT)
    before = take_picture(folder, NOW, NOWS)
    counted = call(folder, "db", "move", "sqlite:///counted.db")
    assert counted.code == 0, counted.said
    point = ("statement", int(part * counted.passed["statement"]))
    assert call(folder, "db", "move", "sqlite:///moved.db", die_at=point).code == KILLED
    assert not (folder / "moved.db").exists()
    assert take_picture(folder, NOW, NOWS) == before
    again = call(folder, "db", "move", "sqlite:///moved.db")
    assert again.code == 0, again.said
    assert "moved.db holds the same" in again.said


@pytest.mark.peer
def test_a_move_into_postgresql(workshop, empty_database):
    folder = workshop.copy(NEXT)
    before = take_picture(folder, NOW, NOWS)
    url = empty_database.replace(f":{PASSWORD}@", "@")
    known = (("PGPASSWORD", PASSWORD),)
    assert call(folder, "db", "move", url, die_at=("statement", 300), environment=known).code == KILLED
    again = call(folder, "db", "move", url, environment=known)
    assert again.code == 0, again.said
    assert take_picture(folder, NOW, NOWS) == before


@pytest.mark.parametrize("seed", range(RESTORES))
def test_a_restore(workshop, backed_up, seed):
    """The store is the one before or the one of the backup, whole; a second call completes it."""
    old, new, file, passed, seconds = backed_up
    dice = random.Random(seed)
    folder = workshop.copy(OTHER)
    kind = dice.choice(["statement", "written", "committed", "flushed", "a moment"])
    more = {"delay": dice.uniform(0.3, 1) * seconds}
    if kind in passed:
        more = {"die_at": (kind, dice.randint(1, passed[kind]))}
    ended = call(folder, "db", "restore", str(file), "--force", **more)
    print(f"seed {seed}: {more}{'' if ended.code == KILLED else ' (too late)'}")  # noqa: T201 - a proof says what it tried
    assert ended.code in (KILLED, 0), ended.said
    found = take_picture(folder, NOW, NOWS)
    assert found in (old, new), more
    verified = call(folder, "verify")
    assert verified.code == 0, verified.said
    again = call(folder, "db", "restore", str(file), "--force", now=LATER)
    assert again.code == 0, again.said
    assert take_picture(folder, NOW, NOWS) == new
