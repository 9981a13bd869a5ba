"""The store is gone through every month: what was altered is told, and what was not looked at is not known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import zstandard
from sqlalchemy import Connection, insert, select, text

from hub.conformance.probe import run_probes
from hub.records import KINDS
from hub.store import tables
from hub.store.provenance import documents_known
from hub.store.schema import kind_tables
from hub.store.writer import write_page
from hub.sync.source import Document, Normalised
from hub.testing.factory import at
from hub_bs15000 import evidence_store
from hub_bs15000.evidence_store import PROBES
from hub_bs15000.store_check import CHAIN, CITED, DECODES, STATES

THIRD = "(SELECT sid FROM record WHERE id = 'desk:3')"
_result: Any = kind_tables["check_result"].c


@pytest.fixture
def conn(empty: Connection) -> Iterator[Connection]:
    fill(empty, 1, 5)
    yield empty
    empty.rollback()


def fill(conn: Connection, first: int, last: int) -> None:
    for source in ("desk", "other"):
        for n in range(first, last + 1):
            write_page(
                conn,
                source=source,
                documents=[Document("issue", str(n), "OPS", b'{"n": %d}' % n)],
                normalised=[Normalised([KINDS["incident"](id=f"{source}:{n}", source=source, title=str(n))])],
                known_at=n,
            )


def found(conn: Connection, now: int = at(1)) -> dict[str, tuple[str | None, int | None, int | None]]:
    run_probes(conn, PROBES, now)
    row = _result
    asked = select(row.check, row.result, row.counted, row.out_of).order_by(row.period_start)
    return {check: tuple(rest) for check, *rest in conn.execute(asked)}


def test_what_is_as_it_was_passes_and_is_written_once(conn: Connection) -> None:
    assert found(conn) == {
        CHAIN: ("passed", 10, 10),
        STATES: ("passed", 10, 10),
        DECODES: ("passed", 10, 10),
        CITED: ("passed", 0, 0),
    }
    assert run_probes(conn, PROBES, at(2)) == 0
    fill(conn, 6, 6)
    assert found(conn, at(2))[CHAIN] == ("passed", 12, 12)


@pytest.mark.parametrize(
    ("tamper", "broken", "says"),
    [
        ("UPDATE raw_document SET body = hash WHERE doc = 3", {CHAIN, DECODES}, "document 3 (issue 3)"),
        ("UPDATE raw_document SET native_id = '9' WHERE doc = 3", {CHAIN}, "does not follow"),
        ("UPDATE raw_document SET body = NULL WHERE doc = 3", {CHAIN}, "nothing says that it was disposed of"),
        ("DELETE FROM raw_document WHERE doc = 3", {CHAIN}, "removed or reordered"),
        ("DELETE FROM raw_document WHERE doc = 10", {CHAIN, STATES}, "document 10, which is not there"),
        ("UPDATE raw_document SET seq = 9 WHERE doc = 5", {CHAIN}, "removed or reordered"),
        (
            f"UPDATE revision SET hash = (SELECT hash FROM raw_document WHERE doc = 1) WHERE sid = {THIRD}",
            {STATES},
            "the present state of record desk:3 was altered",
        ),
        (
            f"DELETE FROM revision WHERE sid = {THIRD}",
            {STATES},
            "record desk:3 has no present state",
        ),
        (
            f"UPDATE revision SET body = hash WHERE sid = {THIRD}",
            {STATES, DECODES},
            "desk:3",
        ),
    ],
)
def test_what_is_not_as_it_was_fails(conn: Connection, tamper: str, broken: set[str], says: str) -> None:
    conn.execute(text(tamper))
    results = found(conn)
    assert {check for check, (result, *_) in results.items() if result == "failed"} == broken
    details = conn.scalars(select(_result.detail).where(_result.result == "failed")).all()
    assert any(says in (one or "") for one in details), details
    assert run_probes(conn, PROBES, at(2)) == 0, "a fault is told once"


def test_a_fault_stays_until_it_is_mended(conn: Connection) -> None:
    conn.execute(text("UPDATE raw_document SET native_id = '9' WHERE doc = 3"))
    assert found(conn)[CHAIN] == ("failed", 2, 10)
    conn.execute(text("UPDATE raw_document SET native_id = '3' WHERE doc = 3"))
    assert found(conn, at(2))[CHAIN] == ("passed", 10, 10)


def test_what_was_looked_at_and_is_gone_is_missed(conn: Connection) -> None:
    found(conn)
    conn.execute(text("UPDATE record SET document = NULL WHERE document = 10"))
    conn.execute(text("DELETE FROM raw_document WHERE doc = 10"))
    assert found(conn, at(2))[CHAIN] == ("failed", 10, 10)


def test_nothing_is_known_before_all_was_looked_at(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_store, "AT_LEAST", 2)
    monkeypatch.setattr(evidence_store, "AT_MOST", 4)
    seen = [found(conn, now)[CHAIN] for now in (at(-4), at(-4) + 1, at(20), at(21))]
    assert seen == [(None, 2, 10), (None, 4, 10), (None, 8, 10), ("passed", 10, 10)]
    assert found(conn, at(30))[CHAIN] == (None, 2, 10), "the next month begins anew"


def test_the_share_that_decodes_is_counted_over_several_runs(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_store, "AT_LEAST", 5)
    monkeypatch.setattr(evidence_store, "AT_MOST", 5)
    conn.execute(text("UPDATE raw_document SET body = hash WHERE doc IN (2, 7)"))
    seen = [found(conn, at(-4) + n)[DECODES] for n in range(3)]
    assert seen == [(None, 4, 5), ("failed", 8, 10), ("failed", 8, 10)]


def test_reports_cite_what_is_there(conn: Connection) -> None:
    there = documents_known(conn, ["desk:1"], at(0))["desk:1"].hash

    def issue(revision: int, digest: str) -> None:
        proof = {"id": "desk:1", "label": "1", "document_hash": digest}
        model = msgspec.json.encode({"identity": 1, "nonconformities": [{"evidence": [proof]}]})
        row = {"report_id": "r", "revision": revision, "type": "conformance", "period": "2026-01", "hash": ""}
        row |= {"as_of": at(0), "known_at": at(0), "created_at": at(0), "model": zstandard.compress(model)}
        conn.execute(insert(tables.report), row)

    issue(1, there)
    assert found(conn)[CITED] == ("passed", 1, 1)
    issue(2, there[::-1])
    assert found(conn, at(2))[CITED] == ("failed", 1, 2)
