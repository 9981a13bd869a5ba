"""When it is found out what vanished, and what is kept of it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from hub.clock import FixedClock
from hub.errors import Retriable
from hub.records import KINDS, encode_record
from hub.store.reading import coverage_rows, last_censuses
from hub.store.revision import read_record
from hub.store.store import Store
from hub.sync.run import SourceSummary
from hub.sync.runner import SourceJob, sync_source
from hub.sync.source import Document, Slice
from hub.sync.source_type import SourceSettings
from hub.testing.factory import at, change, incident
from hub.testing.memory import MemorySource, MemoryTool

HOUR = 3_600_000


class Counting(MemorySource):
    """Counts how often ids are listed."""

    listed = 0

    def census(self, part: Slice):
        self.listed += 1
        yield from super().census(part)


@pytest.fixture
def tool() -> MemoryTool:
    return MemoryTool(*(change(f"issue/{n}") for n in range(40)), incident("issue/100"))


def read(store: Store, source: MemorySource, when: int, *, every: int | None = 24 * HOUR, **asked) -> SourceSummary:
    job = SourceJob("desk", source, census_every_ms=every)
    return sync_source(store, job, clock=FixedClock(when), **asked)


def reasons(store: Store) -> set[str | None]:
    with store.connect() as conn:
        return {row.reason for row in coverage_rows(conn) if row.kind == "change"}


def done_at(store: Store) -> dict[str, int]:
    with store.connect() as conn:
        return last_censuses(conn)


def marks(store: Store, *native_ids: str) -> list[str | None]:
    with store.connect() as conn:
        found = [read_record(conn, each) for each in native_ids]
    return ["deleted" if one.vanished_at else "not visible" if one.invisible_at else None for one in found if one]


@pytest.mark.parametrize(
    ("text", "expected"), [("1d", 24 * HOUR), ("12h", 12 * HOUR), ("7d", 168 * HOUR), ("never", None)]
)
def test_the_rhythm_is_written_in_hours_or_days(text: str, expected: int | None) -> None:
    assert SourceSettings(plugin="x", census=text).census_every_ms == expected


@pytest.mark.parametrize("text", ["", "0d", "7", "7w", "daily", "-1d"])
def test_another_rhythm_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        SourceSettings(plugin="x", census=text)


def test_ids_are_listed_when_it_is_due_or_asked_for(store: Store, tool: MemoryTool) -> None:
    source = Counting("desk", tool)
    steps = [
        (0, {}, 2, 0),
        (22, {}, 2, 0),  # not due: nothing is asked
        (22, {"census": True}, 4, 22),
        (44, {"every": None}, 4, 22),
        (60, {"census": False}, 4, 22),
        (45, {}, 6, 45),  # cron may be early by a little
        (46, {"accept": True}, 8, 46),
    ]
    for hours, options, listed, done in steps:
        read(store, source, at(10) + hours * HOUR, **options)
        assert (source.listed, done_at(store)) == (listed, {"desk": at(10) + done * HOUR}), (hours, options)


@pytest.mark.parametrize("failure", ["held", "fails"])
def test_one_that_was_not_whole_is_due_again_and_its_reason_stays(store: Store, tool: MemoryTool, failure: str) -> None:
    source = Counting("desk", tool)
    read(store, source, at(10))
    if failure == "held":
        tool.delete(*(f"desk:issue/{n}" for n in range(20)))
    else:
        tool.census_fault = Retriable("the tool is down")
    read(store, source, at(11))
    (why,) = reasons(store)
    assert why is not None
    assert ("20 of 40 known" if failure == "held" else "the tool is down") in why
    assert done_at(store) == {"desk": at(10)}
    assert read(store, source, at(11) + HOUR, census=False).complete is False
    assert reasons(store) == {why}
    tool.census_fault = None
    read(store, source, at(11) + 2 * HOUR, accept=True)
    assert (reasons(store), done_at(store)) == ({None}, {"desk": at(11) + 2 * HOUR})


def test_what_is_found_elsewhere_has_moved_and_is_asked_after_once(store: Store, tool: MemoryTool) -> None:
    source = Counting("desk", tool)
    read(store, source, at(10))
    tool.delete("desk:issue/1", "desk:issue/2", "desk:issue/3")
    moved = {"desk:issue/1": "OPS", "desk:issue/2": "FAR"}
    for native_id, scope in moved.items():
        kept = KINDS["change"](id=native_id, source="desk", scope=scope)
        tool.elsewhere.append(Document("record", native_id, scope, encode_record(kept)))
    summary = read(store, source, at(11))
    names = ["desk:issue/1", "desk:issue/2", "desk:issue/3"]
    assert tool.asked_after == names
    assert marks(store, *names) == [None, "not visible", "deleted"]
    assert [each for each in summary.warnings if "FAR" in each]


@pytest.mark.parametrize(
    ("deletes", "sealed", "mark"),
    [
        (True, True, "deleted"),
        (True, False, "not visible"),
        (False, True, "not visible"),
        (False, False, "not visible"),
    ],
)
def test_a_closed_scope_may_hold_what_is_absent(
    store: Store, tool: MemoryTool, *, deletes: bool, sealed: bool, mark: str
) -> None:
    tool.unreadable["SEC"] = "no permission"
    tool.deletes = deletes
    tool.sealed = {"SEC"} if sealed else set()
    read(store, Counting("desk", tool), at(10))
    tool.delete("desk:issue/1")
    summary = read(store, Counting("desk", tool), at(11))
    assert marks(store, "desk:issue/1") == [mark]
    (told,) = [each for each in summary.warnings if "listed" in each] or [""]
    assert ("SEC cannot be read" in told, "may be hidden" in told) == (not sealed, not deletes)


def test_what_was_closed_is_asked_as_soon_as_it_can_be_read(store: Store, tool: MemoryTool) -> None:
    """Else what vanished meanwhile would be believed to be there for the rest of the period."""
    source = Counting("desk", tool)
    read(store, source, at(0))
    tool.delete("desk:issue/7")
    tool.unreadable["CHG"] = "no permission"
    read(store, source, at(1))
    read(store, source, at(1, hours=1))
    asked = source.listed
    assert marks(store, "desk:issue/7") == [None]
    del tool.unreadable["CHG"]
    assert read(store, source, at(1, hours=2)).vanished == 1
    assert (source.listed, marks(store, "desk:issue/7")) == (asked + 2, ["deleted"]), "both scopes are listed, once"
    read(store, source, at(1, hours=3))
    assert source.listed == asked + 2
