"""A store of the first release, filled, comes to the newest schema with all it held: kept for every later revision.

A revision that changes what a column says on purpose names that column in `MEANT`, and has a test of its own.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from hub.store import migration
from hub.store.content import StoredTable, TableContent, contents, stored_tables
from hub.store.migrations import frozen
from hub.store.store import Store
from tests.kill.harness import KILLED, call
from tests.upgrade.first_store import END, SCHEMA, fill_first

RECORDS = 10_000
NOW = END + 3 * 86_400_000
MEANT: dict[str, set[str]] = {"obligation": {"oid"}}
"""Table -> columns that a revision changed on purpose: since 0003 an obligation has no number."""
CONFIG = """
[organisation]
name = "Example"
zone = "Europe/Berlin"
calendar = "5x8"
judge_from = 2025-10-01

[store]
url = "{url}"
{password}

[packs.bs15000]

[sources.register]
plugin = "register"
folder = "register"

[channels.outbox]
plugin = "file"
folder = "out"

[reports.conformance]
to = ["register:people/ann"]
channels = ["outbox"]
"""
PEOPLE = """
zone: Europe/Berlin
rows:
- id: ann
  name: Ann
  email: [ann@example.com]
  declared_by: people/ann
  declared_at: 2025-10-01
"""


@dataclass(frozen=True)
class Workplace:
    """A configuration and the store of the first schema it names."""

    folder: Path
    url: str

    def open(self) -> Store:
        return Store.attach(self.url, base_dir=self.folder)

    def hub(self, *words: str, **more: object) -> str:
        ended = call(self.folder, *words, now=NOW, **more)
        assert ended.code == 0, ended.said
        return ended.said


@pytest.fixture(scope="module")
def first_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    _fill("sqlite:///hub.db", folder)
    return folder / "hub.db"


def _fill(url: str, folder: Path) -> None:
    store = Store.attach(url, base_dir=folder, create=True)
    with store.begin() as conn:
        migration.upgrade(conn, "0001")
        fill_first(conn, records=RECORDS)
    store.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def first(request: pytest.FixtureRequest, tmp_path: Path) -> Workplace:
    """A workplace of the first release, with 10,000 records and all that goes with them."""
    url, secret, password = "sqlite:///hub.db", "", ""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("first_file"), tmp_path / "hub.db")
    else:
        url = request.getfixturevalue("empty_database")
        _fill(url, tmp_path)
        secret = str(make_url(url).password)
        (tmp_path / "password").write_text(secret)
        (tmp_path / "password").chmod(0o600)
        password = 'password = { file = "password" }'
    told = url.replace(f":{secret}@", "@")
    (tmp_path / "hub.toml").write_text(CONFIG.format(url=told, password=password))
    (tmp_path / "register").mkdir()
    (tmp_path / "register" / "people.yaml").write_text(PEOPLE)
    return Workplace(tmp_path, url)


def kept(place: Workplace) -> list[TableContent]:
    """Count and hash all columns of the first schema that mean today what they meant then."""
    first_schema = frozen.tables(SCHEMA)
    store = place.open()
    with store.connect() as conn:
        present = {table.name: table for table in stored_tables(conn)}
        asked = []
        for name, table in sorted(first_schema.tables.items()):
            names = {str(column.name) for column in table.columns} - MEANT.get(name, set())
            key = tuple(str(column.name) for column in table.primary_key.columns)
            now = present[name]
            pairs = [(name, word) for name, word in zip(now.columns, now.types, strict=True) if name in names]
            columns = tuple(name for name, _ in pairs)
            assert set(columns) == names, f"{name} lost {names.difference(columns)}"
            words = tuple(word for _, word in pairs)
            asked.append(StoredTable(name, columns, words, key if names.issuperset(key) else columns))
        found = contents(conn, asked)
    store.close()
    return found


def drop_waivers(place: Workplace) -> None:
    """Waivers drawn by chance are malformed, and stop all judging as they should."""
    store = place.open()
    with store.begin() as conn:
        conn.exec_driver_sql("DELETE FROM revision WHERE sid IN (SELECT sid FROM waiver)")
        conn.exec_driver_sql("DELETE FROM waiver")
    store.close()


def test_everything_is_there_and_the_hub_works(first: Workplace) -> None:
    before = kept(first)
    assert [one.name for one in before if not one.rows] == [], "the first store does not hold everything"
    assert sum(one.rows for one in before) > 10 * RECORDS
    assert f"has schema {migration.HEAD} now (before: 0001)" in first.hub("db", "upgrade")
    assert kept(first) == before
    assert "ok" in first.hub("verify")
    drop_waivers(first)
    first.hub("run")
    assert "BS15000-" in first.hub("findings")
    assert "old" in first.hub("report", "show", "SR-example-conformance-2026-09")
    assert "Compared with SR-example-conformance-2026-09" in first.hub(
        "report", "show", "SR-example-conformance-2026-10"
    )


def test_an_interrupted_upgrade_leaves_the_old_store(first: Workplace) -> None:
    before = kept(first)
    for die_at in (("statement", 5), ("statement", 100), ("written", 1)):
        assert call(first.folder, "db", "upgrade", die_at=die_at).code == KILLED
        store = first.open()
        with store.connect() as conn:
            assert migration.revision_of(conn) == "0001", die_at
        store.close()
        assert kept(first) == before
    refused = call(first.folder, "derive")
    assert (refused.code, "then: hub db upgrade" in refused.said) == (2, True)
    first.hub("db", "upgrade")
    assert kept(first) == before
