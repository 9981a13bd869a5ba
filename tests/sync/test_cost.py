"""What reading costs, counted rather than timed: statements a page, rows for what changed."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import event, func, select

from hub.clock import FixedClock
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


def statements_of(store: Store, number: int, *, first: int) -> int:
    """Count the statements of reading one page of so many new records."""
    sent: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    tool = MemoryTool(*(change(f"issue/{first + n}", links=[], labels=["a"]) for n in range(number)))
    event.listen(store.engine, "before_cursor_execute", note)
    try:
        assert sync(store, tool, 10).documents == number
    finally:
        event.remove(store.engine, "before_cursor_execute", note)
    return len(sent)


def test_a_page_takes_as_many_statements_however_many_records_it_holds(make_store) -> None:
    few = statements_of(make_store(), 5, first=1)
    assert statements_of(make_store(), 100, first=1) == few
    assert few <= 60


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
