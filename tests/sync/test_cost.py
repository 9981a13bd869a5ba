"""What reading costs, counted rather than timed: statements a page, rows for what changed."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from sqlalchemy import Select, event, func, select

from hub.clock import FixedClock
from hub.records import Record
from hub.store import document, text
from hub.store.store import Store
from hub.store.tables import metadata
from hub.sync.run import SourceSummary
from hub.sync.runner import SourceJob, sync_source
from hub.testing.factory import at, change
from hub.testing.memory import MemorySource, MemoryTool


def sync(store: Store, tool: MemoryTool, day: int, *, page_size: int = 100) -> SourceSummary:
    source = MemorySource("desk", tool, page_size=page_size)
    return sync_source(store, SourceJob("desk", source), clock=FixedClock(at(day)), census=False)


def rows(store: Store) -> Counter[str]:
    with store.connect() as conn:
        return Counter(
            {t.name: conn.execute(select(func.count()).select_from(t)).scalar_one() for t in metadata.sorted_tables}
        )


def statements_of(store: Store, number: int) -> list[str]:
    """Return the statements of reading one page of so many new records."""
    sent: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    tool = MemoryTool(*(change(f"issue/{n}", links=[], labels=["a"]) for n in range(number)))
    event.listen(store.engine, "before_cursor_execute", note)
    try:
        assert sync(store, tool, 10).documents == number
    finally:
        event.remove(store.engine, "before_cursor_execute", note)
    return sent


def test_a_page_takes_as_many_statements_however_many_records_it_holds(make_store) -> None:
    """SQLite takes the rows of a table many a statement, and what is left over by one more."""
    few, many, more = (statements_of(make_store(), number) for number in (5, 47, 100))
    assert len(many) == len(more)
    written = {one.split()[2] for one in few if one.startswith("INSERT INTO")}
    several = len(written) if make_store().dialect == "sqlite" else 0
    assert len(few) <= len(many) <= len(few) + several
    assert len(few) <= 60


def test_a_record_is_encoded_once_and_a_page_compressed_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []
    made: list[int] = []
    encode, compressor = text.encode_record, document.zstandard.ZstdCompressor

    def note(record: Record) -> bytes:
        encoded.append(record.id)
        return encode(record)

    def make(level: int) -> object:
        made.append(level)
        return compressor(level=level)

    monkeypatch.setattr(text, "encode_record", note)
    monkeypatch.setattr(document.zstandard, "ZstdCompressor", make)
    tool = MemoryTool(*(change(f"issue/{n}", links=[]) for n in range(200)))
    assert sync(store, tool, 10).changed == 200
    assert sorted(encoded) == sorted(set(encoded)), "a record was encoded to be checked, and again to be written"
    assert len(made) == 2 * 2, "documents and past states of each of two pages"


def test_queries_are_made_once_not_once_a_page(make_store, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    make = Select.__init__

    def note(self: Select[tuple[int]], *entities: object) -> None:
        made[-1] += 1
        make(self, *entities)

    monkeypatch.setattr(Select, "__init__", note)
    for pages in (1, 1, 5):
        made.append(0)
        tool = MemoryTool(*(change(f"issue/{n}", links=[]) for n in range(100 * pages)))
        assert sync(make_store(), tool, 10).documents == 100 * pages
    assert made[2] == made[1], "pages that make queries of their own"


def test_one_per_cent_changed_writes_one_per_cent_and_nothing_else(store: Store) -> None:
    tool = MemoryTool(*(change(f"issue/{n}") for n in range(300)))
    sync(store, tool, 10)
    before = rows(store)
    tool.put(*(change(f"issue/{n}", title="other") for n in range(0, 300, 100)))
    summary = sync(store, tool, 11)
    assert (summary.documents, summary.changed, summary.unchanged, summary.requests) == (3, 3, 0, 1)
    assert dict(rows(store) - before) == {
        "raw_document": 3,
        "revision": 3,
        "change_log": 3,
        "sync_run": 1,
        "coverage": 1,
    }


def test_reading_starts_without_what_others_need() -> None:
    """Neither what draws reports nor bars for a terminal, nor the dialects of a database that is not asked."""
    code = "import sys, hub.cli.progress, hub.cli.sync, hub.sync.runner, hub_email.settings; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    loaded = set(ran.stdout.split())
    assert {"sqlalchemy", "sqlalchemy.dialects.sqlite"} <= loaded
    assert (
        not {"PIL", "alembic", "jinja2", "reportlab", "rich", "sqlalchemy.dialects.postgresql", "xlsxwriter"} & loaded
    )
