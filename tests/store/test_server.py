"""What is wrong with a PostgreSQL server or database is one line that says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select, text

from hub.errors import StoreError
from hub.store import store as opened
from hub.store.bulk import put
from hub.store.store import Store
from hub.store.tables import record
from tests.postgresql import PASSWORD, Postgres

pytestmark = pytest.mark.peer


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    name = postgres.make()
    yield name
    postgres.drop(name)


def complaint(url: str) -> str:
    with pytest.raises(StoreError) as caught:
        Store.open(url, base_dir=Path(), create=True, wait_s=2)
    said = str(caught.value)
    assert "\n" not in said
    assert PASSWORD not in said
    return re.sub(r"^postgresql\+psycopg://[\w:*@.]+/\w+ ", "", said)


def test_who_may_not_enter_or_write(postgres: Postgres, database: str) -> None:
    url = postgres.url(database)
    assert complaint(url.replace(PASSWORD, "wrong")) == (
        'refuses the user or the password of store.url (password authentication failed for user "postgres")'
    )
    assert complaint(postgres.url("nowhere")) == (
        'does not exist; create the database first (createdb) (database "nowhere" does not exist)'
    )
    assert "cannot be reached" in complaint(url.replace(str(postgres.port), "1"))
    postgres.execute(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")
    try:
        assert complaint(url.replace("//postgres:", "//guest:")) == (
            "does not allow the user of store.url to do this; let the owner of the database run: hub db upgrade"
            " (permission denied for schema public)"
        )
        postgres.execute(f"REVOKE CONNECT ON DATABASE {database} FROM public")
        assert complaint(url.replace("//postgres:", "//guest:")).startswith("refuses the user of store.url (")
    finally:
        postgres.execute("DROP ROLE guest")


def test_a_session_plans_anew_and_compiles_nothing(postgres: Postgres, database: str) -> None:
    """Machine code for the thousand expressions of one derivation takes seconds to make, and is used once."""
    store = Store.open(postgres.url(database), base_dir=Path(), create=True)
    with store.connect() as conn:
        assert conn.scalar(text("SHOW jit")) == "off"
        assert conn.scalar(text("SHOW plan_cache_mode")) == "force_custom_plan"
    store.close()


def test_a_database_in_another_encoding(postgres: Postgres) -> None:
    name = postgres.make("template0", "ENCODING 'SQL_ASCII' LOCALE 'C'")
    assert complaint(postgres.url(name)).startswith("keeps text as SQL_ASCII")
    postgres.drop(name)


def test_a_server_too_old(postgres: Postgres, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "_OLDEST", 99)
    assert re.fullmatch(
        r"is PostgreSQL \d+; the hub needs 99 or newer", complaint(postgres.url(database)).split("/")[-1]
    )


def test_the_disk_of_the_server_is_full(postgres: Postgres, postgres_template: str) -> None:
    name = postgres.make(postgres_template)
    postgres.execute(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$",
        database=name,
    )
    postgres.execute("CREATE TRIGGER full_disk BEFORE INSERT ON record EXECUTE FUNCTION full_disk()", database=name)
    store = Store.open(postgres.url(name), base_dir=Path())
    with pytest.raises(StoreError, match="the disk of the database server is full"), store.begin() as conn:
        put(conn, record, [(1, "desk:1")], columns="sid id")
    store.close()
    postgres.drop(name)


@pytest.mark.parametrize("moment", ["before a transaction", "within", "before COPY", "before commit"])
def test_a_connection_that_was_ended(postgres: Postgres, postgres_template: str, moment: str) -> None:
    name = postgres.make(postgres_template)
    store = Store.open(postgres.url(name), base_dir=Path())

    def end() -> None:
        postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    if moment == "before a transaction":
        end()  # stale in the pool: no fault at all
    else:
        with pytest.raises(StoreError, match="ended the connection; run again"), store.begin() as conn:  # noqa: PT012
            put(conn, record, [(1, "desk:1")], columns="sid id")
            end()
            if moment == "within":
                conn.execute(text("SELECT 1"))
            elif moment == "before COPY":
                put(conn, record, [(2, "desk:2")], columns="sid id")
    with store.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM record")).scalar() == 0
        put(conn, record, [(1, "desk:1")], columns="sid id")
    store.close()
    postgres.drop(name)


def test_a_database_with_the_order_of_a_dictionary(postgres: Postgres) -> None:
    try:
        name = postgres.make("template0", "LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LOCALE 'C'")
    except psycopg.errors.FeatureNotSupported:  # the server of the wheel is built without
        name = postgres.make("template0", "LOCALE 'C.UTF-8'")
    store = Store.open(postgres.url(name), base_dir=Path(), create=True)
    ids = ["ä", "_", "b", "A", "a", "Z", "B", "-b", "10", "9"]
    with store.begin() as conn:
        put(conn, record, list(enumerate(ids)), columns="sid id")
        assert list(conn.execute(select(record.c.id).order_by(record.c.id)).scalars()) == sorted(ids)
    store.close()
    postgres.drop(name)
