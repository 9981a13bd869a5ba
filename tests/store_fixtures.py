"""Stores for tests: on SQLite and PostgreSQL, migrated, empty, one a test (`store`) or as many as wanted (`make_store`)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from hub.store.store import Store

MakeStore = Callable[[], Store]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy: migrating takes half a second."""
    folder = tmp_path_factory.mktemp("template")
    Store.open("sqlite:///hub.db", base_dir=folder, create=True).close()
    return folder / "hub.db"


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """A private PostgreSQL server, started when the first test asks; skipped on a laptop without one, required in CI."""
    script = (
        Path(os.environ.get("HUB_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "peers" / "postgres.py"
    )
    # Not pytest's folder: as root the server runs as another user, who may not enter there.
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="hub-pg-"))
    folder.chmod(0o755)
    command = [sys.executable, "-B", str(script)]
    try:
        if not script.is_file():
            _lacking(f"no {script}")
        started = subprocess.run([*command, "up", str(folder)], capture_output=True, text=True, check=False)
        if started.returncode:
            _lacking(f"PostgreSQL does not start: {started.stderr.strip()}")
        yield json.loads(started.stdout.splitlines()[-1])["dsn"]
    finally:
        if script.is_file():
            subprocess.run([*command, "down", str(folder)], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _lacking(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_template(postgres_dsn: str) -> str:
    """Name of a migrated, empty database to copy."""
    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute("CREATE DATABASE hub_template")
    Store.open(database_url(postgres_dsn, "hub_template"), base_dir=Path(), create=True).close()
    return "hub_template"


_numbers = count(1)


def database_url(dsn: str, name: str) -> str:
    return f"{dsn.rsplit('/', 1)[0].replace('postgresql://', 'postgresql+psycopg://')}/{name}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeStore]:
    """Make a fresh store; all are closed at the end of the test."""
    made: list[Store] = []
    databases: list[str] = []

    def on_sqlite() -> Store:
        name = f"hub{next(_numbers)}.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / name)
        made.append(Store.open(f"sqlite:///{name}", base_dir=tmp_path))
        return made[-1]

    def on_postgresql() -> Store:
        dsn, template = request.getfixturevalue("postgres_dsn"), request.getfixturevalue("postgres_template")
        databases.append(f"hub{next(_numbers)}")
        with psycopg.connect(dsn, autocommit=True) as server:
            server.execute(f"CREATE DATABASE {databases[-1]} TEMPLATE {template}")
        made.append(Store.open(database_url(dsn, databases[-1]), base_dir=tmp_path))
        return made[-1]

    yield on_sqlite if request.param == "sqlite" else on_postgresql
    for store in made:
        store.close()
    if databases:
        with psycopg.connect(request.getfixturevalue("postgres_dsn"), autocommit=True) as server:
            for name in databases:
                server.execute(f"DROP DATABASE {name}")


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    """An empty store; the test runs once on SQLite and once on PostgreSQL."""
    return make_store()


@pytest.fixture
def sqlite_store(sqlite_template: Path, tmp_path: Path) -> Iterator[Store]:
    """An empty SQLite store, for what does not depend on the engine."""
    shutil.copyfile(sqlite_template, tmp_path / "hub.db")
    found = Store.open("sqlite:///hub.db", base_dir=tmp_path)
    yield found
    found.close()
