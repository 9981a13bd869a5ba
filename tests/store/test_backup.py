from __future__ import annotations

import contextlib
import json
import stat
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, update

from hub.clock import SystemClock
from hub.errors import StoreError
from hub.records import KINDS
from hub.store import migration
from hub.store.backup import backup, restore
from hub.store.content import MANIFEST, contents
from hub.store.disposal import Authority, begin_disposal, finish
from hub.store.migration import HEAD
from hub.store.sqlite import sqlite3
from hub.store.status import status
from hub.store.store import Store
from hub.store.tables import raw_document, record
from hub.store.undone import Undone
from hub.store.writer import Write, write_records
from hub.sync.lock import hold
from tests.store import test_erasure
from tests.store_fixtures import MakeStore


def put(store: Store, number: int) -> None:
    with store.begin() as conn:
        write_records(conn, [Write(KINDS["incident"](id=f"desk:{number}", source="desk"))], number)


def size(store: Store) -> int:
    with store.connect() as conn:
        return conn.execute(select(func.count()).select_from(record)).scalar_one()


NOW = 1_790_000_000_000


def test_backup_comes_back(store: Store, make_store: MakeStore, tmp_path: Path) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    file = tmp_path / "copy"
    put(store, 1)
    with store.connect():  # a reader does not stand in the way
        assert backup(store, file) == file.stat().st_size > 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    put(store, 2)
    with pytest.raises(StoreError, match=r"is there already; .* add --force"):
        backup(store, file)
    with pytest.raises(StoreError, match="holds a store already; add --force"):
        restore(url, file, base_dir=tmp_path, now=NOW)
    assert size(store) == 2
    restored = restore(url, file, base_dir=tmp_path, now=NOW, force=True)
    assert (restored.place, size(store)) == (store.place, 1)
    put(store, 3)
    assert (size(store), status(store).state, status(store).records) == (2, "current", {"incident": 2})
    with store.connect() as conn:
        assert not inspect(conn).has_table(MANIFEST)
        assert "incident_v" in inspect(conn).get_view_names()
    assert _size_of_former(store, restored.former) == 2
    assert not list(tmp_path.glob("*.part*"))


def _size_of_former(store: Store, former: str | None) -> int:
    assert former is not None
    if store.dialect == "sqlite":
        kept = Store.open(f"sqlite:///{former}", base_dir=Path())
        found = size(kept)
        kept.close()
        return found
    with store.connect() as conn:
        return int(conn.exec_driver_sql(f"SELECT count(*) FROM {former.removeprefix('schema ')}.record").scalar_one())


@pytest.mark.peer
@pytest.mark.parametrize("back", [True, False])
def test_backup_is_loaded_into_either_engine(
    sqlite_store: Store, empty_database: str, tmp_path: Path, *, back: bool
) -> None:
    put(sqlite_store, 1)
    backup(sqlite_store, tmp_path / "copy")
    restore(empty_database, tmp_path / "copy", base_dir=tmp_path, now=NOW)
    there = Store.open(empty_database, base_dir=tmp_path)
    put(there, 2)
    if back:
        backup(there, tmp_path / "back")
        restore("sqlite:///other.db", tmp_path / "back", base_dir=tmp_path, now=NOW)
        other = Store.open("sqlite:///other.db", base_dir=tmp_path)
        with there.connect() as one, other.connect() as two:
            assert contents(one) == contents(two)
        assert size(other) == 2
        other.close()
    there.close()


def test_a_store_with_pages_of_another_size_is_as_good(sqlite_store: Store, tmp_path: Path) -> None:
    put(sqlite_store, 1)
    sqlite_store.close()
    with contextlib.closing(sqlite3.connect(sqlite_store.place, isolation_level=None)) as conn:
        for statement in ("PRAGMA journal_mode=DELETE", "PRAGMA page_size=4096", "VACUUM", "PRAGMA journal_mode=WAL"):
            conn.execute(statement)
    with sqlite_store.connect() as conn:
        assert conn.exec_driver_sql("PRAGMA page_size").scalar_one() == 4096
    backup(sqlite_store, tmp_path / "copy")
    put(sqlite_store, 2)
    restore(f"sqlite:///{sqlite_store.place}", tmp_path / "copy", base_dir=tmp_path, now=NOW, force=True)
    assert size(sqlite_store) == 1
    put(sqlite_store, 3)
    assert size(sqlite_store) == 2


def test_backup_is_one_state_while_others_write(store: Store, tmp_path: Path) -> None:
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            put(store, number)

    writer = threading.Thread(target=write)
    put(store, 0)
    writer.start()
    try:
        for _ in range(2):
            backup(store, tmp_path / "copy", force=True)
    finally:
        ended.set()
        writer.join()
    before = size(store)
    restore("sqlite:///other.db", tmp_path / "copy", base_dir=tmp_path, now=NOW)
    other = Store.open("sqlite:///other.db", base_dir=tmp_path)
    assert 0 < size(other) <= before
    other.close()


def test_any_damage_is_told_before_the_store_is_touched(sqlite_store: Store, tmp_path: Path) -> None:
    put(sqlite_store, 1)
    file = tmp_path / "copy"
    backup(sqlite_store, file)
    whole = file.read_bytes()
    at = whole.index(b"desk:1")  # a text no check of pages notices
    altered = whole[:at] + b"desk:7" + whole[at + 6 :]
    plain = sqlite3.connect(tmp_path / "plain")
    sqlite3.connect(tmp_path / "hub.db").backup(plain)
    plain.close()
    broken = {
        "half": whole[: len(whole) // 2],
        "no database": b"no database",
        "page of zeros": whole[:4096] + bytes(8192) + whole[12288:],
        "a byte": altered,
        "pg_dump": b"PGDMP and more",
        "plain copy": (tmp_path / "plain").read_bytes(),
        "nothing": b"",
    }
    for name, content in broken.items():
        file.write_bytes(content)
        with pytest.raises(StoreError, match=r"copy (is|was|does)") as told:
            restore("sqlite:///hub.db", file, base_dir=tmp_path, now=NOW, force=True)
        assert "\n" not in str(told.value), name
        assert size(sqlite_store) == 1
    assert not list(tmp_path.glob("hub.db.before*"))


def test_newer_backup_is_refused_and_an_older_one_awaits_its_upgrade(sqlite_store: Store, tmp_path: Path) -> None:
    for revision, refused in (("9999", True), ("0001", False)):
        folder = tmp_path / revision
        folder.mkdir()
        old = Store.attach("sqlite:///hub.db", base_dir=folder, create=True)
        with old.begin() as conn:
            migration.upgrade(conn, "0001")
            conn.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
        if refused:
            with pytest.raises(StoreError, match="was written by a newer hub"):
                backup(old, folder / "copy")
        else:
            backup(old, folder / "copy")
            restore("sqlite:///hub.db", folder / "copy", base_dir=tmp_path, now=NOW, force=True)
            with sqlite_store.connect() as conn:
                assert migration.state(conn) == "older"
        old.close()


def test_tables_of_another_program_are_never_replaced(sqlite_store: Store, tmp_path: Path) -> None:
    backup(sqlite_store, tmp_path / "copy")
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE t (x)")
    with pytest.raises(StoreError, match="holds tables of another program"):
        restore("sqlite:///other.db", tmp_path / "copy", base_dir=tmp_path, now=NOW, force=True)


def test_damaged_store_is_replaced_and_kept_aside(sqlite_store: Store, tmp_path: Path) -> None:
    put(sqlite_store, 1)
    backup(sqlite_store, tmp_path / "copy")
    sqlite_store.close()
    (tmp_path / "hub.db").write_bytes(b"scrambled" * 1000)
    with pytest.raises(StoreError, match="add --force"):
        restore("sqlite:///hub.db", tmp_path / "copy", base_dir=tmp_path, now=NOW)
    restored = restore("sqlite:///hub.db", tmp_path / "copy", base_dir=tmp_path, now=NOW, force=True)
    store = Store.open("sqlite:///hub.db", base_dir=tmp_path)
    assert size(store) == 1
    store.close()
    assert (restored.former is None, restored.undone) == (False, None)
    assert Path(str(restored.former)).read_bytes().startswith(b"scrambled")


def test_what_was_taken_out_since_the_backup_is_told(store: Store, tmp_path: Path) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    seconds = count(NOW, 1000)  # the former stores are told apart by the second

    def back(name: str) -> Undone | None:
        return restore(url, tmp_path / name, base_dir=tmp_path, now=next(seconds), force=True).undone

    test_erasure.fill(store)
    backup(store, tmp_path / "before")
    with store.begin() as conn:
        finish(conn, begin_disposal(conn, "rule", Authority("root", 1, 2, "by contract"), at=50, rule="old"), at=51)
    backup(store, tmp_path / "between")
    test_erasure.erase(store)
    backup(store, tmp_path / "after")
    # The human; her login goes with her.
    assert back("between") == Undone(0, 1, ("register:people/annlee7",))
    assert back("before") == Undone(1, 0, ())
    assert back("after") == Undone(0, 0, ())
    with store.begin() as conn:
        conn.execute(update(raw_document).values(chain=b"of another store, whose numbers mean other people"))
    assert back("before") == Undone(1, 1, ())


CONFIG = """
[organisation]
name = "Example"
zone = "Europe/Berlin"
calendar = "5x8"
judge_from = 2025-10-01

[store]
url = "sqlite:///hub.db"
"""


def test_commands(tmp_path: Path, run_hub: Callable[..., object]) -> None:
    config = tmp_path / "hub.toml"
    config.write_text(CONFIG)

    def hub(*words: object, code: int = 0) -> str:
        called = run_hub(*words, "--config", config)
        assert called.code == code, called.err
        return called.out + called.err

    assert "there is no store at" in hub("db", "status", code=2)
    assert f"has schema {HEAD} now (before: none)" in hub("db", "upgrade")
    assert f"has schema {HEAD} already" in hub("db", "upgrade")
    store = Store.open("sqlite:///hub.db", base_dir=tmp_path)
    put(store, 1)
    shown = {row["name"]: row["value"] for row in json.loads(hub("db", "status", "--format", "json"))}
    assert (shown["schema_state"], shown["records.incident"], shown["changes_not_derived"]) == ("current", 1, 1)
    assert "proven" in hub("db", "backup", tmp_path / "copy")
    assert "add --force" in hub("db", "restore", tmp_path / "copy", code=2)
    told = hub("db", "restore", tmp_path / "copy", "--force")
    assert "holds the backup" in told
    assert f"The former store is kept in {tmp_path / 'hub.db.before-'}" in told
    with hold(store, "source desk", clock=SystemClock()):
        hub("db", "restore", tmp_path / "copy", "--force")  # no source of this configuration
    with hold(store, "run", clock=SystemClock()):
        assert "hub: run: held by process" in hub("db", "restore", tmp_path / "copy", "--force", code=2)
    assert json.loads(hub("verify", "--format", "json"))[-1]["result"] == "ok"
    with store.begin() as conn:
        conn.exec_driver_sql("UPDATE revision SET hash = x'00'")
    assert "its state was altered" in hub("verify", code=2)
    store.close()


def test_command_says_what_to_erase_and_dispose_of_again(
    sqlite_store: Store, tmp_path: Path, run_hub: Callable[..., object]
) -> None:
    config = tmp_path / "hub.toml"
    config.write_text(CONFIG)

    def told(*words: object) -> list[str]:
        called = run_hub("db", "restore", *words, "--config", config)
        assert called.code == 0, called.err
        return called.err.splitlines()

    test_erasure.fill(sqlite_store)
    backup(sqlite_store, tmp_path / "copy")
    with sqlite_store.begin() as conn:
        finish(conn, begin_disposal(conn, "rule", Authority("root", 1, 2, "by contract"), at=50, rule="old"), at=51)
    test_erasure.erase(sqlite_store)
    sqlite_store.close()
    assert told(tmp_path / "copy", "--force") == [
        "Erasures after the backup that are undone: 1; the names are in the store again",
        "  erase again: hub retention erase register:people/annlee7 --reason … --approver …",
        "  and give each --also again; read no source before, or it names them once more",
        "Disposals after the backup that are undone: 1; the bodies are in the store again",
        "  dispose again: hub retention run --reason … --approver …",
    ]
    assert told(tmp_path / "copy", "--force") == []
    nothing_to_compare = (
        "No former store could be compared: what was disposed of or erased after the backup is in the store again"
    )
    (tmp_path / "hub.db").write_bytes(b"scrambled" * 1000)
    assert told(tmp_path / "copy", "--force") == [nothing_to_compare]
    (tmp_path / "hub.db").unlink()
    assert told(tmp_path / "copy") == [nothing_to_compare]
