from __future__ import annotations

import pytest
from sqlalchemy import text

from hub.records import KINDS
from hub.store.store import Connection, Store
from hub.store.verify import verify_chain, verify_revisions
from hub.store.writer import write_page
from hub.sync.source import Document, Normalised


def fill(store: Store) -> None:
    for source in ("desk", "other"):
        for n in range(1, 6):
            with store.begin() as conn:
                write_page(
                    conn,
                    source=source,
                    documents=[Document("issue", str(n), "OPS", f"body {n}".encode())],
                    normalised=[Normalised([KINDS["incident"](id=f"{source}:{n}", source=source, title=str(n))])],
                    known_at=n,
                )


def faults(conn: Connection) -> list[str]:
    found = [*verify_chain(conn), verify_revisions(conn)]
    return [str(broken) for one in found for broken in one.broken]


def test_untouched_store_is_whole(store: Store) -> None:
    fill(store)
    with store.connect() as conn:
        assert [(c.source, c.count, c.broken) for c in verify_chain(conn)] == [("desk", 5, []), ("other", 5, [])]
        assert verify_revisions(conn).count == 10
        assert faults(conn) == []


SWAP = """UPDATE raw_document SET seq = -seq WHERE source = 'desk' AND seq IN (2, 3);
UPDATE raw_document SET seq = 5 + seq WHERE source = 'desk' AND seq < 0"""


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (
            "UPDATE raw_document SET body = (SELECT body FROM raw_document WHERE doc = 1) WHERE doc = 3",
            ["desk, document 3 (issue 3): the body was altered"],
        ),
        (
            "UPDATE raw_document SET body = hash WHERE doc = 3",
            ["desk, document 3 (issue 3): the body was altered"],
        ),
        (
            "UPDATE raw_document SET native_id = '9' WHERE doc = 3",
            ["desk, document 3 (issue 9): does not follow from the one before it: altered or reordered"],
        ),
        (
            "DELETE FROM raw_document WHERE doc = 3; UPDATE record SET document = NULL WHERE document = 3",
            ["desk, document 4 (issue 4): document 3 before it removed"],
        ),
        (
            (
                "DELETE FROM raw_document WHERE doc IN (2, 3); UPDATE record SET document = 1 WHERE document IN (2, 3);"
                "UPDATE raw_document SET seq = seq - 10 WHERE source = 'desk' AND seq > 1;"
                "UPDATE raw_document SET seq = seq + 8 WHERE source = 'desk' AND seq < 1"
            ),
            ["desk, document 2 (issue 4): does not follow from the one before it: altered or reordered"],
        ),
        (
            "DELETE FROM raw_document WHERE doc = 5",
            ["desk, record desk:5: document 5, from which it was made, is not there"],
        ),
        (
            "DELETE FROM raw_document WHERE source = 'desk' AND seq > 1; UPDATE record SET document = 1 WHERE document > 5",
            [f"desk, record desk:{n}: document {n}, from which it was made, is not there" for n in range(2, 6)],
        ),
        (SWAP, 3),
        (
            "UPDATE raw_document SET body = NULL WHERE doc = 3",
            ["desk, document 3 (issue 3): the body was removed, and nothing says that it was disposed of"],
        ),
        ("UPDATE raw_document SET body = NULL, disposed_at = 9 WHERE doc = 3", []),
        (
            "UPDATE revision SET body = (SELECT r.body FROM revision r WHERE r.sid = 1) WHERE sid = 2",
            ["record desk:2 as known from 2: its state was altered"],
        ),
        (
            (
                "UPDATE revision SET body = (SELECT r.body FROM revision r WHERE r.sid = 1),"
                " hash = (SELECT r.hash FROM revision r WHERE r.sid = 1) WHERE sid = 2"
            ),
            ["record desk:2 as known from 2: its state is another record's"],
        ),
        (
            "DELETE FROM revision WHERE sid = 2",
            ["current states: 10 records were read, 9 have a current state"],
        ),
    ],
)
def test_tampering_is_found(store: Store, tamper: str, expected: list[str] | int) -> None:
    fill(store)
    with store.begin() as conn:
        for statement in tamper.split(";"):
            conn.execute(text(statement))
    with store.connect() as conn:
        found = faults(conn)
    if isinstance(expected, int):
        assert len(found) == expected
        assert all("altered or reordered" in fault for fault in found)
    else:
        assert found == expected
