"""However a driver words it, memory that ran out is one kind of fault and one line, at connect as later."""

from __future__ import annotations

import os
import sqlite3 as python_sqlite3  # noqa: TID251 - its constants
import subprocess
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, event, text

from hub.errors import MEMORY_USED_UP, StoreError
from hub.store.fault import DAMAGED, as_store_error
from hub.store.sqlite import sqlite3
from hub.store.store import Store


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("out of memory")
    error.sqlite_errorcode = code
    return error


NO_MEMORY = {
    "address": psycopg.ProgrammingError("out of memory\n"),  # what psycopg makes of libpq's parsing of an address
    "libpq": psycopg.OperationalError("out of memory"),
    "libpq, longer": psycopg.OperationalError("connection is bad: out of memory allocating GSSAPI buffer (16384)\n"),
    "result": psycopg.DatabaseError("out of memory for query result\n"),
    "C library": psycopg.OperationalError("could not send data to server: Cannot allocate memory"),
    "name server": psycopg.OperationalError('could not translate host name "db": Memory allocation failure'),
    "driver": psycopg.InternalError("couldn't allocate PGresult"),
    "Python": MemoryError(),
    "sqlite": sqlite_error(python_sqlite3.SQLITE_NOMEM),
    "sqlite, its file": sqlite_error(python_sqlite3.SQLITE_IOERR_NOMEM),
}
ADDRESS = (
    '[organisation]\nname = "A"\nzone = "Europe/Berlin"\n[store]\nurl = "postgresql+psycopg://hub@127.0.0.1/hub"\n'
)


def raiser(error: Exception):
    def fail(*_arguments, **_more):
        raise error

    return fail


def store_of(error: Exception, *, at_connect: bool) -> Store:
    url = "postgresql+psycopg://" if isinstance(error, psycopg.Error) and at_connect else "sqlite+pysqlite://"
    driver = {"module": sqlite3} if url.startswith("sqlite") else {}
    engine = create_engine(url, creator=raiser(error), **driver) if at_connect else create_engine(url, **driver)
    if not at_connect:
        event.listen(engine, "do_execute", raiser(error))
    return Store(engine, place="here")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SQLITE_NOTADB", "is not a database of the hub"),
        ("SQLITE_CORRUPT_INDEX", DAMAGED),
        ("SQLITE_FULL", "the disk is full"),
        ("SQLITE_READONLY_DIRECTORY", "read-only for this user"),
        ("SQLITE_CANTOPEN", "cannot be opened: its folder"),
        ("SQLITE_IOERR_WRITE", "the disk reports a fault"),
        ("SQLITE_IOERR_SHMSIZE", "is left for its index"),
        ("SQLITE_IOERR_SHMOPEN", "is left for its index"),
        ("SQLITE_IOERR_SHMLOCK", "is left for its index"),
        ("SQLITE_IOERR_SHMMAP", "is left for its index"),
        ("SQLITE_PERM", "by this user"),
        ("SQLITE_BUSY_SNAPSHOT", "is being written by another process"),
        ("SQLITE_LOCKED", "is being written by another process"),
    ],
)
def test_a_code_in_detail_is_told_in_words(name: str, said: str) -> None:
    assert said in str(as_store_error(sqlite_error(getattr(python_sqlite3, name)), "here"))


def test_what_is_no_fault_of_the_database_is_left_as_it_is() -> None:
    assert as_store_error(sqlite_error(python_sqlite3.SQLITE_CONSTRAINT_UNIQUE), "here") is None


@pytest.mark.parametrize("when", ["at connect", "later"])
@pytest.mark.parametrize("name", NO_MEMORY)
def test_no_memory_is_one_fault(name: str, when: str) -> None:
    error = NO_MEMORY[name]
    at_connect = when == "at connect"
    store = store_of(error, at_connect=at_connect)
    if not at_connect and isinstance(error, psycopg.Error):
        assert str(as_store_error(error, "here")) == MEMORY_USED_UP
        return
    with pytest.raises(MemoryError), store.connect() as conn:
        conn.execute(text("SELECT 1"))


def test_no_memory_is_one_line(tmp_path, monkeypatch, run_hub) -> None:
    (tmp_path / "hub.toml").write_text(ADDRESS)
    monkeypatch.setattr(psycopg, "connect", raiser(NO_MEMORY["address"]))
    ended = run_hub("verify", "--config", tmp_path / "hub.toml")
    assert (ended.code, ended.err) == (2, f"hub: {MEMORY_USED_UP}\n")


def test_the_memory_of_a_server_is_not_ours() -> None:
    fault = as_store_error(psycopg.errors.OutOfMemory("out of shared memory"), "there")
    assert isinstance(fault, StoreError)
    assert (
        str(fault)
        == "there is on a server whose memory is used up; give it more, then run again (out of shared memory)"
    )


def test_a_defect_of_ours_stays_one() -> None:
    assert as_store_error(psycopg.ProgrammingError('syntax error at or near "memory"'), "here") is None


@pytest.fixture
def disk(tmp_path: Path):
    """A file system of its own; needs to be root."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        reason = f"nothing can be mounted: {mounted.stderr.decode().strip()}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_file_system_that_is_read_only_says_so_and_nothing_is_lost(disk: Path) -> None:
    def write(name: str) -> None:
        store = Store.open("sqlite:///hub.db", base_dir=disk)
        try:
            with store.begin() as conn:
                conn.execute(text("INSERT INTO record (sid, id) VALUES (:sid, :id)"), {"sid": len(name), "id": name})
        finally:
            store.close()

    Store.open("sqlite:///hub.db", base_dir=disk, create=True).close()
    write("a")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with pytest.raises(StoreError, match=r"hub\.db cannot be .* read-only"):
        write("bb")
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    write("ccc")
    store = Store.open("sqlite:///hub.db", base_dir=disk)
    with store.connect() as conn:
        assert conn.scalars(text("SELECT id FROM record ORDER BY sid")).all() == ["a", "ccc"]
    store.close()
