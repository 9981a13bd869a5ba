from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from hub.errors import StoreError
from hub.records import KINDS
from hub.store.backup import backup, restore
from hub.store.migration import HEAD
from hub.store.status import status
from hub.store.store import Store
from hub.store.tables import record
from hub.store.writer import Write, write_records


def put(store: Store, number: int) -> None:
    with store.begin() as conn:
        write_records(conn, [Write(KINDS["incident"](id=f"desk:{number}", source="desk"))], number)


def size(store: Store) -> int:
    with store.connect() as conn:
        return conn.execute(select(func.count()).select_from(record)).scalar_one()


def test_backup_comes_back(store: Store, tmp_path: Path) -> None:
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
        restore(url, file, base_dir=tmp_path)
    assert size(store) == 2
    restore(url, file, base_dir=tmp_path, force=True)
    assert size(store) == 1
    put(store, 3)
    assert (size(store), status(store).state, status(store).records) == (2, "current", {"incident": 2})
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".part"] == []


def test_broken_backup_is_refused_before_the_store_is_touched(sqlite_store: Store, tmp_path: Path) -> None:
    put(sqlite_store, 1)
    file = tmp_path / "copy"
    backup(sqlite_store, file)
    whole = file.read_bytes()
    for broken in (whole[: len(whole) // 2], b"no database", whole[:4096] + bytes(8192) + whole[12288:]):
        file.write_bytes(broken)
        with pytest.raises(StoreError, match=r"is damaged|is no backup"):
            restore("sqlite:///hub.db", file, base_dir=tmp_path, force=True)
        assert size(sqlite_store) == 1


def test_damaged_store_is_replaced_and_kept_aside(sqlite_store: Store, tmp_path: Path) -> None:
    put(sqlite_store, 1)
    backup(sqlite_store, tmp_path / "copy")
    sqlite_store.close()
    (tmp_path / "hub.db").write_bytes(b"scrambled" * 1000)
    with pytest.raises(StoreError, match="add --force"):
        restore("sqlite:///hub.db", tmp_path / "copy", base_dir=tmp_path)
    restore("sqlite:///hub.db", tmp_path / "copy", base_dir=tmp_path, force=True)
    store = Store.open("sqlite:///hub.db", base_dir=tmp_path)
    assert size(store) == 1
    store.close()
    assert (tmp_path / "hub.db.damaged").read_bytes().startswith(b"scrambled")


def test_backup_of_the_other_engine_is_refused(sqlite_store: Store, tmp_path: Path) -> None:
    (tmp_path / "dump").write_bytes(b"PGDMP and more")
    with pytest.raises(StoreError, match="is a backup of PostgreSQL, the store is sqlite"):
        restore("sqlite:///hub.db", tmp_path / "dump", base_dir=tmp_path, force=True)


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
    assert "checked" in hub("db", "backup", tmp_path / "copy")
    assert "add --force" in hub("db", "restore", tmp_path / "copy", code=2)
    assert "holds the backup" in hub("db", "restore", tmp_path / "copy", "--force")
    assert json.loads(hub("verify", "--format", "json"))[-1]["result"] == "ok"
    with store.begin() as conn:
        conn.exec_driver_sql("UPDATE revision SET hash = x'00'")
    assert "its state was altered" in hub("verify", code=2)
    store.close()
