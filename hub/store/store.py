"""The database: opened, checked, and handed out one transaction at a time.

SQLite is one file beside the configuration (WAL, mode 0600); PostgreSQL is reached by URL. On both,
writers stand in one queue (`BEGIN IMMEDIATE`, an advisory lock), so that the change log, the chain of
documents and the revisions have one order; readers see one unchanging snapshot and wait for nobody.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import zstandard
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from hub.errors import StoreError
from hub.store import migration
from hub.store.fault import DAMAGED, as_store_error
from hub.store.sqlite import OPENING, sqlite3

__all__ = ["Connection", "Store", "sqlite_path"]

_WRITER_LOCK = 0x6875625F77726974
"""Key of the PostgreSQL advisory lock writers take; any constant other programs do not use."""
_BEGIN = "hub_begin"
_OLDEST = 14
"""The oldest PostgreSQL the hub is for."""


class Store:
    """One organisation's records, history, proof and verdicts."""

    def __init__(self, engine: Engine, *, place: str) -> None:
        self.engine = engine
        self.place = place
        """Where it is, without password: a path, or a URL."""
        self.made = False
        """It was made when it was opened: there was none."""
        self.dialect = engine.dialect.name
        """`sqlite` or `postgresql`."""
        self._driver_error: type[Exception] = engine.dialect.loaded_dbapi.Error

    @classmethod
    def open(cls, url: str, *, base_dir: Path, create: bool = False, wait_s: float = 30.0) -> Store:
        """Open the store at `url`; a relative SQLite path starts at `base_dir`.

        `create` makes and migrates a store where there is none; one that exists is never migrated
        here. A writer waits up to `wait_s` seconds for another. Raises StoreError in plain words:
        absent, not a database, not migrated, newer than this program, unreachable.
        """
        store = cls.attach(url, base_dir=base_dir, create=create, wait_s=wait_s)
        try:
            with store.connect() as conn:
                state = migration.state(conn)
            if create and state == "empty":
                with store.begin() as conn:
                    migration.upgrade(conn)
                state, store.made = "current", True
            migration.require_current(state, store.place)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def attach(cls, url: str, *, base_dir: Path, create: bool = False, wait_s: float = 30.0) -> Store:
        """Connect without asking whether the schema fits; for `hub db` only."""
        target = _parse(url)
        if (path := _sqlite_path(target, base_dir)) is not None:
            if not path.exists():
                _make_file(path, create=create)
            return cls(_sqlite_engine(path, wait_s), place=str(path))
        place = target.render_as_string(hide_password=True)
        return cls(_postgresql_engine(target, wait_s), place=place)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Write: one transaction, committed at the end, rolled back on any exception.

        Raises Locked when another writer does not finish in time.
        """
        with self.session() as conn, self.writing(conn):
            yield conn

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Several transactions on one connection: what stands in temporary tables lasts from one to the next."""
        with self.faults(), self.engine.connect() as conn:
            yield conn

    @contextmanager
    def writing(self, conn: Connection) -> Iterator[None]:
        """Write within a session, as `begin` does."""
        conn.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        with conn.begin():
            conn.execution_options(**{_BEGIN: "BEGIN"})  # what the session begins next may only read
            if self.dialect == "postgresql":
                conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITER_LOCK})
            yield

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Read: one snapshot of the store for as long as the block lasts; whatever is written is undone."""
        with self.faults(), self.engine.connect() as conn:
            if self.dialect == "postgresql":
                conn.execution_options(isolation_level="REPEATABLE READ")
            transaction = conn.begin()
            try:
                yield conn
            finally:
                transaction.rollback()

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Tell faults of this database, its driver's own included, as StoreError; defects of the hub stay as they are."""
        try:
            yield
        except (DBAPIError, self._driver_error) as error:
            fault = as_store_error(error, self.place)
            if fault is None:
                raise
            raise fault from error
        except msgspec.ValidationError:  # sound JSON that does not fit is a defect of ours
            raise
        except (zstandard.ZstdError, msgspec.DecodeError) as error:
            raise StoreError(f"{self.place} {DAMAGED} ({error})") from error


def _parse(url: str) -> URL:
    try:
        target = make_url(url)
        backend, driver = target.get_backend_name(), target.drivername
    except (ArgumentError, ValueError):
        # The text is not repeated: a mistyped URL may hold a password.
        raise StoreError("store.url cannot be understood; write sqlite:///hub.db or postgresql+psycopg://…") from None
    if backend == "postgresql":
        if driver not in ("postgresql", "postgresql+psycopg"):
            raise StoreError(f"store.url names the driver {driver!r}; the hub uses postgresql+psycopg")
        return target.set(drivername="postgresql+psycopg")
    if driver not in ("sqlite", "sqlite+pysqlite"):
        raise StoreError(f"store.url names {driver!r}; the hub knows sqlite and postgresql+psycopg")
    if target.database in (None, "", ":memory:"):
        raise StoreError("store.url names no file; write sqlite:///hub.db")
    return target


def sqlite_path(url: str, base_dir: Path) -> Path | None:
    """Return the file a URL names, None for PostgreSQL; StoreError for a URL that is neither."""
    return _sqlite_path(_parse(url), base_dir)


def _sqlite_path(target: URL, base_dir: Path) -> Path | None:
    if target.get_backend_name() != "sqlite":
        return None
    assert target.database is not None  # noqa: S101 - refused in _parse
    return base_dir / target.database


def _make_file(path: Path, *, create: bool) -> None:
    if not create:
        raise StoreError(f"there is no store at {path}; run: hub db upgrade")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise StoreError(f"{path} cannot be created: {error.strerror}") from error


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


_PRAGMAS = (
    "page_size=8192",  # of a store that is made now: half the look-ups and half the frames in its log
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "temp_store=MEMORY",
    "cache_size=-8192",
    "wal_autocheckpoint=2048",  # 16 MB: a page of records fills several, and each checkpoint waits for the disk
)


def _sqlite_engine(path: Path, wait_s: float) -> Engine:
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        module=sqlite3,
        connect_args={"timeout": wait_s, **OPENING},
        hide_parameters=True,
        json_serializer=_to_json,
        json_deserializer=msgspec.json.decode,
    )

    @event.listens_for(engine, "connect")
    def configure(dbapi_connection: Any, _record: Any) -> None:
        # sqlite3 must not begin transactions itself: it would do so late, and never for DDL.
        dbapi_connection.isolation_level = None
        for pragma in _PRAGMAS:
            dbapi_connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(conn: Connection) -> None:
        conn.exec_driver_sql(conn.get_execution_options().get(_BEGIN, "BEGIN"))

    return engine


def _postgresql_engine(target: URL, wait_s: float) -> Engine:
    try:
        engine = create_engine(
            target,
            connect_args={
                "connect_timeout": max(2, int(wait_s)),
                # A plan kept from when the tables were empty reads them whole ever after; a lock whose holder's
                # machine is gone is given back after two minutes, not two hours. Compiling one derivation's thousand
                # expressions to machine code takes longer (20 s) than running it a hundred times.
                "options": f"-c lock_timeout={int(wait_s * 1000)} -c timezone=UTC -c plan_cache_mode=force_custom_plan"
                " -c jit=off -c tcp_keepalives_idle=60 -c tcp_keepalives_interval=20 -c tcp_keepalives_count=3",
                "application_name": "hub",
            },
            pool_pre_ping=True,
            hide_parameters=True,
            json_serializer=_to_json,
            json_deserializer=msgspec.json.decode,
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise StoreError("the PostgreSQL driver is missing; run: pip install 'itsm-hub[postgres]'") from error
    place = target.render_as_string(hide_password=True)

    # Before SQLAlchemy asks the server anything: in another encoding it would not understand the answer.
    @event.listens_for(engine, "connect", insert=True)
    def look(dbapi_connection: Any, _record: Any) -> None:
        server = dbapi_connection.info
        if server.server_version < _OLDEST * 10_000:
            found = server.server_version // 10_000
            raise StoreError(f"{place} is PostgreSQL {found}; the hub needs {_OLDEST} or newer")
        if (encoding := server.parameter_status("server_encoding")) != "UTF8":
            raise StoreError(
                f"{place} keeps text as {encoding}, which does not hold every language;"
                " make the database anew: createdb --encoding UTF8 --template template0"
            )

    return engine
