from __future__ import annotations

import ctypes
import os
import platform
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.errors import Locked, StoreError
from hub.store.fault import is_conflict
from hub.store.sqlite import sqlite3
from hub.store.store import Store


def no_database(path: Path) -> None:
    path.write_bytes(b"this is not a database, but it is long enough to look like one" * 40)


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE songs (title TEXT)")


def with_revision(number: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with closing(sqlite3.connect(path)) as conn:
            conn.execute("CREATE TABLE alembic_version (version_num TEXT)")
            conn.execute("INSERT INTO alembic_version VALUES (?)", [number])
            conn.commit()

    return make


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (None, "there is no store at .*hub.db; run: hub db upgrade"),
        (no_database, "hub.db is not a database of the hub"),
        (Path.touch, "hub.db is empty; run: hub db upgrade"),
        (of_another_program, "tables of another program"),
        (with_revision("0000"), "older schema than this program; run: hub db backup FILE, then: hub db upgrade"),
        (with_revision("9999"), "written by a newer hub"),
        (Path.mkdir, "hub.db cannot be opened"),
    ],
)
def test_store_that_cannot_be_used(tmp_path: Path, make: Callable[[Path], None] | None, words: str) -> None:
    if make is not None:
        make(tmp_path / "hub.db")
    with pytest.raises(StoreError, match=words):
        Store.open("sqlite:///hub.db", base_dir=tmp_path)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("hub.db", "cannot be understood"),
        ("mysql://u:geheim@h/d", "knows sqlite and postgresql"),
        ("postgresql+asyncpg://u:geheim@h/d", "uses postgresql\\+psycopg"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("postgresql://u:geheim@127.0.0.1:1/d", "cannot be reached"),
        ("postgresql://u:geheim@h:port/d", "cannot be understood"),
    ],
)
def test_url_that_cannot_be_used_is_told_without_its_password(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as caught:
        Store.open(url, base_dir=tmp_path)
    assert "geheim" not in str(caught.value)


def test_only_the_owner_can_read_a_new_store(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = Store.open("sqlite:///data/hub.db", base_dir=tmp_path, create=True)
        with store.begin() as conn:
            conn.execute(text("INSERT INTO fingerprint (name, value) VALUES ('a', 'b')"))
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "data").iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}
    assert "hub.db-wal" in modes


def test_second_writer_is_told_who_is_in_the_way(store: Store, tmp_path: Path) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    other = Store.open(url, base_dir=tmp_path, wait_s=0.2)
    with store.begin(), pytest.raises(Locked, match="being written by another process"), other.begin():
        pass
    with other.begin() as conn:
        conn.execute(text("INSERT INTO fingerprint (name, value) VALUES ('a', 'b')"))
    other.close()


def test_reader_sees_one_snapshot_while_another_writes(store: Store) -> None:
    asked = text("SELECT count(*) FROM fingerprint")
    with store.connect() as reader:
        assert reader.execute(asked).scalar() == 0
        with store.begin() as writer:
            writer.execute(text("INSERT INTO fingerprint (name, value) VALUES ('a', 'b')"))
        assert reader.execute(asked).scalar() == 0
    with store.connect() as reader:
        assert reader.execute(asked).scalar() == 1


def test_a_session_that_has_written_keeps_nobody_from_writing_when_it_reads(store: Store, tmp_path: Path) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    other = Store.open(url, base_dir=tmp_path, wait_s=0.2)
    wrote, asked = "INSERT INTO fingerprint (name, value) VALUES (:name, 'b')", text("SELECT count(*) FROM fingerprint")
    with store.session() as conn:
        with store.writing(conn):
            conn.execute(text(wrote), {"name": "first"})
        with conn.begin():
            assert conn.execute(asked).scalar() == 1
            with other.begin() as beside:
                beside.execute(text(wrote), {"name": "second"})
        with store.writing(conn):
            conn.execute(text(wrote), {"name": "third"})
            assert conn.execute(asked).scalar() == 3
    other.close()


def test_full_disk_is_one_sentence(sqlite_store: Store) -> None:
    with pytest.raises(StoreError, match="the disk is full"), sqlite_store.begin() as conn:  # noqa: PT012 - set up inside
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
        conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        conn.execute(text("INSERT INTO fingerprint (name, value) VALUES ('a', :long)"), {"long": "x" * 100_000})


def test_read_only_store_can_be_read_and_says_why_not_more(sqlite_store: Store) -> None:
    with sqlite_store.connect() as conn:
        conn.exec_driver_sql("PRAGMA query_only=1")
        assert conn.execute(text("SELECT count(*) FROM record")).scalar() == 0
    with pytest.raises(StoreError, match="read-only"), sqlite_store.begin() as conn:
        conn.execute(text("INSERT INTO fingerprint (name, value) VALUES ('a', 'b')"))


def test_linux_on_x86_has_a_sqlite_of_the_hub():
    ours = sys.platform == "linux" and platform.machine() == "x86_64" and sys.version_info < (3, 15)
    assert sqlite3.__name__ == ("pysqlite3.dbapi2" if ours else "sqlite3")


@pytest.mark.skipif(sqlite3.__name__ == "sqlite3", reason="Python's own is as it is")
def test_it_does_not_count_its_memory(sqlite_store: Store):
    """It would do so under one lock, for which threads that derive side by side wait."""
    from pysqlite3 import _sqlite3

    with sqlite_store.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM record")).scalar() == 0
        assert ctypes.CDLL(_sqlite3.__file__).sqlite3_memory_used() == 0


def test_a_fault_comes_with_its_code_in_detail(sqlite_store: Store):
    with pytest.raises(DBAPIError) as caught, sqlite_store.begin() as conn:
        conn.execute(text("INSERT INTO record (sid, id) VALUES (1, 'desk:1'), (1, 'desk:2')"))
    constraint, primary_key = 19, 6
    assert caught.value.orig.sqlite_errorcode == constraint | primary_key << 8
    assert is_conflict(caught.value)


def test_without_it_pythons_own_is_taken(tmp_path: Path):
    """As on a machine for which there is none."""
    (tmp_path / "pysqlite3.py").write_text('raise ModuleNotFoundError("pysqlite3")')
    program = (
        "from pathlib import Path; from hub.store.store import Store, sqlite3; import sys\n"
        "Store.open('sqlite:///hub.db', base_dir=Path(sys.argv[1]), create=True).close(); print(sqlite3.__name__)"
    )
    path = os.pathsep.join(map(str, [tmp_path, *filter(None, sys.path)]))
    ended = subprocess.run(
        (sys.executable, "-c", program, tmp_path),
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.stdout, ended.stderr) == ("sqlite3\n", "")
