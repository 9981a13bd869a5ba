"""Alerts that come as messages end with the recovery of their check, and with nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import pytest
from sqlalchemy import Connection, StaticPool, create_engine, text

from hub.monitoring.recovery import refresh_recoveries
from hub.records import Alert, Communication, Link, Record
from hub.store.document import Raw
from hub.store.revision import current_records
from hub.store.schema import metadata
from hub.store.store import Store
from hub.store.writer import Write, write_page, write_records
from hub.sync.source import Document, Normalised

CHECK, OTHER = "mail:check/nagios:web1/HTTP", "mail:check/nagios:web2/HTTP"


@pytest.fixture(scope="module")
def tables() -> Iterator[Connection]:
    made = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(made)
    with made.connect() as conn:
        conn.commit()
        yield conn


@pytest.fixture
def conn(tables: Connection) -> Iterator[Connection]:
    yield tables
    tables.rollback()


def problem(name: str, at: int | None, check: str = CHECK) -> Alert:
    unknown = ["ended_at"] if at is not None else ["ended_at", "started_at"]
    links = [Link(type="of_check", target=check)]
    return Alert(id=f"mail:alert/{name}", source="mail", started_at=at, links=links, unknown_fields=unknown)


def recovery(name: str, at: int | None, *checks: str) -> Communication:
    links = [Link(type="ends", target=check, at=at) for check in checks or (CHECK,)]
    return Communication(id=f"mail:message/{name}", source="mail", links=links)


def run(conn: Connection, *records: Record) -> int:
    """Do what a run does: write, work out, and let the derivation consume the change log."""
    write_records(conn, [Write(one) for one in records], 1)
    changed = refresh_recoveries(conn, now=2)
    conn.execute(text("DELETE FROM change_log"))
    return changed


def ended(conn: Connection) -> dict[str, tuple[int | None, str | None, bool]]:
    """Return alert -> when it ended, by which message, and whether that is said to be unknown."""
    ids = [f"mail:alert/{name}" for name in "abcd"]
    return {
        one.id[-1]: (one.ended_at, one.custom.get("ended_by"), "ended_at" in one.unknown_fields)
        for one in current_records(conn, ids)
        if isinstance(one, Alert)
    }


UNKNOWN = (None, None, True)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([problem("a", 10)], {"a": UNKNOWN}),  # silence ends nothing
        ([problem("a", 10), recovery("r", 20)], {"a": (20, "mail:message/r", False)}),
        ([problem("a", 10), recovery("r", 10)], {"a": (10, "mail:message/r", False)}),
        ([problem("a", 10), recovery("r", 9)], {"a": UNKNOWN}),
        ([problem("a", 10), recovery("r", None)], {"a": UNKNOWN}),
        ([problem("a", None), recovery("r", 20)], {"a": UNKNOWN}),
        ([problem("a", 10), recovery("r", 20, OTHER)], {"a": UNKNOWN}),
        (
            [problem("a", 10), problem("b", 15), recovery("r", 20), problem("c", 30), recovery("s", 40)],
            {
                "a": (20, "mail:message/r", False),
                "b": (20, "mail:message/r", False),
                "c": (40, "mail:message/s", False),
            },
        ),
        (
            [problem("a", 10), problem("b", 11, OTHER), recovery("r", 20, CHECK, OTHER), problem("c", 21)],
            {"a": (20, "mail:message/r", False), "b": (20, "mail:message/r", False), "c": UNKNOWN},
        ),
    ],
)
def test_which_recovery_ends_which_problem(
    conn: Connection, records: list[Record], expected: dict[str, object]
) -> None:
    run(conn, *records)
    assert ended(conn) == expected
    assert refresh_recoveries(conn, now=3, whole=True) == 0


def test_the_order_in_which_mail_is_read_makes_no_difference(conn: Connection) -> None:
    records = [problem("a", 10), recovery("r", 20), problem("b", 25), recovery("early", 15)]
    for order in permutations(records):
        for one in order:
            run(conn, one)
        assert ended(conn) == {"a": (15, "mail:message/early", False), "b": UNKNOWN}
        assert refresh_recoveries(conn, now=9, whole=True) == 0
        conn.rollback()


def test_either_engine_ends_the_same(any_store: Store) -> None:
    with any_store.begin() as conn:
        assert run(conn, problem("a", 10), recovery("r", 20), problem("b", 25), problem("c", 12, OTHER)) == 1
        assert ended(conn) == {"a": (20, "mail:message/r", False), "b": UNKNOWN, "c": UNKNOWN}
        assert refresh_recoveries(conn, now=9, whole=True) == 0


def test_a_recovery_that_is_none_any_more_opens_the_alert(conn: Connection) -> None:
    run(conn, problem("a", 10), recovery("r", 20))
    assert run(conn, Communication(id="mail:message/r", source="mail")) == 1
    assert ended(conn) == {"a": UNKNOWN}


def test_reading_the_mail_again_does_not_open_the_alert(conn: Connection) -> None:
    def read(body: bytes) -> int:
        page: list[Raw] = [Document("mail", "a", "", body)]
        given = [Normalised([problem("a", 10)])]
        changed = write_page(conn, source="mail", documents=page, normalised=given, known_at=3).changed
        return changed + run(conn)

    run(conn, recovery("r", 20))
    assert read(b"a") == 2, "the alert, its end"
    assert read(b"a again") == 0
    assert ended(conn) == {"a": (20, "mail:message/r", False)}
