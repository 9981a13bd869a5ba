from __future__ import annotations

import json
import os
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, insert, inspect, select
from sqlalchemy.engine import make_url

from hub.clock import SystemClock
from hub.errors import StoreError
from hub.records import KINDS
from hub.store import migration, verify
from hub.store.content import contents, stored_tables
from hub.store.counter import counters
from hub.store.document import KeptDocument, append_documents
from hub.store.move import move
from hub.store.status import lag
from hub.store.store import Store
from hub.store.tables import change_log, raw_document, requirement_state
from hub.store.writer import Write, write_records
from hub.sync.lock import DERIVE, hold, source_lock
from tests.postgresql import Postgres
from tests.store.test_verify import fill
from tests.upgrade.first_store import fill_first

pytestmark = pytest.mark.peer
_DOCUMENT = {
    **dict.fromkeys(("source", "stream", "native_id", "scope"), "new"),
    **dict.fromkeys(("hash", "chain", "body"), b""),
    **dict.fromkeys(("seq", "fetched_at", "size"), 1),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with rows in every table, and a change log that was worked off."""
    folder = tmp_path_factory.mktemp("filled")
    store = Store.attach("sqlite:///hub.db", base_dir=folder, create=True)
    with store.begin() as conn:
        migration.upgrade(conn, "0001")
        fill_first(conn, records=400)
        migration.upgrade(conn)
        conn.execute(insert(change_log), [{"kind": "incident", "sid": 1, "touched": 1}] * 5000)
        conn.execute(change_log.delete())
    store.close()
    return folder / "hub.db"


@pytest.fixture
def source(filled: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copyfile(filled, tmp_path / "hub.db")
    store = Store.open("sqlite:///hub.db", base_dir=tmp_path)
    yield store
    store.close()


def quiet(_: str) -> None:
    pass


def test_there_and_back_again(source: Store, empty_database: str, tmp_path: Path) -> None:
    with source.connect() as conn:
        before = contents(conn)
        tables = stored_tables(conn)
    assert sum(one.rows > 0 for one in before) > 100, "the test moves hardly anything"
    place, found = move(source, empty_database, base_dir=tmp_path, told=quiet)
    assert (found, make_url(place).host) == (before, "127.0.0.1")
    there = Store.open(empty_database, base_dir=tmp_path)
    with there.connect() as conn:
        assert contents(conn) == before
        assert [(one.name, one.columns, one.key) for one in stored_tables(conn)] == [
            (one.name, one.columns, one.key) for one in tables
        ]
        assert "incident_v" in inspect(conn).get_view_names()
    assert move(there, "sqlite:///back.db", base_dir=tmp_path, told=quiet) == (str(tmp_path / "back.db"), before)
    back = Store.open("sqlite:///back.db", base_dir=tmp_path)
    with source.connect() as conn, back.connect() as other:
        assert contents(conn) == before, "the source was changed"
        assert counters(conn) == counters(other)
    assert (tmp_path / "back.db").stat().st_mode & 0o777 == 0o600
    back.close()
    there.close()


def test_numbers_go_on_where_they_were(source: Store, empty_database: str, tmp_path: Path) -> None:
    """A change written after the move must not come below what requirements have read already."""
    with source.begin() as conn:
        seen = counters(conn)["change_log"]
        conn.execute(requirement_state.update().values(watermark=seen))
    move(source, empty_database, base_dir=tmp_path, told=quiet)
    there = Store.open(empty_database, base_dir=tmp_path)
    move(there, "sqlite:///back.db", base_dir=tmp_path, told=quiet)
    for store in (there, Store.open("sqlite:///back.db", base_dir=tmp_path)):
        with store.begin() as conn:
            assert lag(conn) == 0
            conn.execute(insert(change_log), [{"kind": "incident", "sid": 1, "touched": 1}])
            assert (lag(conn), conn.scalar(select(change_log.c.seq))) == (1, seen + 1)
            conn.execute(insert(raw_document), [_DOCUMENT])  # no number that is there already
        store.close()


def test_what_is_in_the_way_is_told_and_nothing_changes(
    source: Store, empty_database: str, tmp_path: Path, postgres_dsn: str
) -> None:
    def refused(url: str) -> str:
        with pytest.raises(StoreError) as told:
            move(source, url, base_dir=tmp_path, told=quiet)
        return str(told.value)

    (tmp_path / "there.db").write_bytes(b"something")
    assert "is there already; name a file that does not exist" in refused("sqlite:///there.db")
    assert "is there already" in refused("sqlite:///hub.db")
    assert "does not exist" in refused(empty_database + "_not")
    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute("CREATE ROLE mover LOGIN PASSWORD 'guest'")
        server.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    guest = make_url(empty_database).set(username="mover", password="guest").render_as_string(hide_password=False)
    assert "does not allow the user of store.url to do this" in refused(guest)
    latin = make_url(empty_database).set(database="latin").render_as_string(hide_password=False)
    assert "keeps text as LATIN1, which does not hold every language; make the database anew" in refused(latin)
    with psycopg.connect(empty_database.replace("+psycopg", ""), autocommit=True) as other:
        other.execute("CREATE TABLE t (x int)")
    assert "holds tables already; name an empty database" in refused(empty_database)
    with source.begin() as conn:
        conn.exec_driver_sql("UPDATE raw_document SET hash = x'00' WHERE doc = 1")
    assert "does not verify" in refused("sqlite:///new.db")
    assert not list(tmp_path.glob("new.db*"))
    with source.begin() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert "has an older schema than this program" in refused("sqlite:///new.db")


def test_what_postgresql_cannot_hold_is_named(sqlite_store: Store, empty_database: str, tmp_path: Path) -> None:
    fill(sqlite_store)
    with sqlite_store.begin() as conn:
        conn.exec_driver_sql("UPDATE raw_document SET stream = 'a' || char(0) || 'b' WHERE doc = 1")
    with pytest.raises(StoreError, match=r"table raw_document cannot hold what the store has: .*0x00"):
        move(sqlite_store, empty_database, base_dir=tmp_path, told=quiet)


CONFIG = """
[organisation]
name = "Example"
zone = "Europe/Berlin"
calendar = "5x8"
judge_from = 2025-10-01

[store]
url = "sqlite:///hub.db"

[sources.people]
plugin = "register"
folder = "people"
"""


def test_command(
    source: Store,
    empty_database: str,
    tmp_path: Path,
    run_hub: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = tmp_path / "hub.toml"
    config.write_text(CONFIG)
    (tmp_path / "people").mkdir()
    password = make_url(empty_database).password
    assert password is not None
    told = run_hub("db", "move", empty_database, "--config", config)
    assert (told.code, password in told.out + told.err) == (2, False)
    assert "set PGPASSWORD or write ~/.pgpass" in told.err
    url = empty_database.replace(f":{password}@", "@")
    monkeypatch.setitem(os.environ, "PGPASSWORD", password)
    for lock in (DERIVE, "run", source_lock("people")):
        with hold(source, lock, clock=SystemClock()):
            told = run_hub("db", "move", url, "--config", config)
            assert (told.code, told.err) == (2, told.err)
            assert f"hub: {lock}: held by process {os.getpid()}" in told.err
    told = run_hub("db", "move", url, "--config", config, "--format", "json")
    assert told.code == 0, told.err
    shown = {row["table"]: row["rows"] for row in json.loads(told.out)}
    assert shown["incident"] > 0
    assert f'  url = "{url}"' in told.err
    config.write_text(CONFIG.replace("sqlite:///hub.db", url))
    told = run_hub("verify", "--config", config)
    assert told.code == 0, told.err


def test_memory_does_not_grow_with_the_store(
    sqlite_template: Path, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2 and 10 batches of documents, 4 KB each, peak alike; no answer of PostgreSQL is a whole table."""
    monkeypatch.setattr(verify, "_BATCH", 500)
    peaks: dict[str, list[int]] = {"there": [], "back": []}
    answers = [0]

    def note(_conn: object, cursor: psycopg.Cursor, *_: object) -> None:
        answers.append(cursor.rowcount)

    for documents in (1000, 5000):
        shutil.copyfile(sqlite_template, tmp_path / f"{documents}.db")
        source = Store.open(f"sqlite:///{documents}.db", base_dir=tmp_path)
        for start in range(0, documents, 500):
            kept = [KeptDocument("issue", str(one), "OPS", os.urandom(4096)) for one in range(start, start + 500)]
            writes = [Write(KINDS["incident"](id=f"desk:{one}", source="desk")) for one in range(start, start + 500)]
            with source.begin() as conn:
                append_documents(conn, "desk", kept, 1)
                write_records(conn, writes, 1)
        name = postgres.make()
        peaks["there"].append(_peak(source, postgres.url(name), tmp_path))
        source.close()
        there = Store.open(postgres.url(name), base_dir=tmp_path)
        event.listen(there.engine, "after_cursor_execute", note)
        peaks["back"].append(_peak(there, f"sqlite:///back{documents}.db", tmp_path))
        there.close()
        postgres.drop(name)
    grown = {way: large - small for way, (small, large) in peaks.items()}
    # What is under way between two drivers levels off at some megabytes; 4,000 more documents are 16.
    assert max(grown.values()) < 8_000_000, (peaks, grown)
    assert max(answers) < 5000, "an answer of PostgreSQL is held whole"


def _peak(source: Store, url: str, folder: Path) -> int:
    """Move a store; return the most bytes Python held at once."""
    tracemalloc.start()
    try:
        move(source, url, base_dir=folder, told=quiet)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
