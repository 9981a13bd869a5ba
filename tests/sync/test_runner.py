"""Reading a source: nothing lost, nothing twice, whatever goes wrong."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from hub.clock import FixedClock
from hub.errors import AuthenticationFailed, Retriable, ScopeUnreadable
from hub.records import encode_record
from hub.store.reading import coverage_rows, forget_cursors, get_cursor, last_runs
from hub.store.revision import read_record
from hub.store.store import Store
from hub.store.tables import metadata, raw_document, record, revision
from hub.sync.run import SourceSummary
from hub.sync.runner import SourceJob, replay_all, sync_all, sync_source
from hub.sync.source import Document, Normalised, Page, Skip, Slice
from hub.testing.factory import at, change, incident, problem
from hub.testing.memory import MemorySource, MemoryTool

SECRET = "s3cret"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(at(10))


def tool_of(n: int = 5) -> MemoryTool:
    return MemoryTool(
        *(change(f"issue/{i}", title=f"change {i}") for i in range(n)),
        *(incident(f"issue/{100 + i}") for i in range(n)),
    )


def sync(store: Store, source: MemorySource, clock: FixedClock, **options: object) -> SourceSummary:
    census = bool(options.pop("census", True))
    return sync_source(store, SourceJob(source.name, source, **options), clock=clock, census=census)


def rows(store: Store, *leave_out: str) -> dict[str, list[tuple[object, ...]]]:
    with store.connect() as conn:
        return {
            table.name: sorted((tuple(row) for row in conn.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
            if table.name not in leave_out
        }


def titles(store: Store) -> dict[str, str]:
    with store.connect() as conn:
        ids = conn.execute(select(record.c.id).where(record.c.kind.is_not(None))).scalars().all()
        return {one: found.title for one in ids if (found := read_record(conn, one)) is not None}


def covered(store: Store) -> dict[tuple[str, str], tuple[int | None, str | None]]:
    with store.connect() as conn:
        return {(row.scope, row.kind): (row.through, row.reason) for row in coverage_rows(conn)}


def test_reads_everything_once_and_says_how_far(store: Store, clock: FixedClock) -> None:
    summary = sync(store, MemorySource("desk", tool_of()), clock)
    assert (summary.documents, summary.records, summary.changed, summary.unchanged) == (10, 10, 10, 0)
    assert (summary.requests, summary.complete, summary.faults, summary.warnings) == (6, True, [], [])
    assert len(titles(store)) == 10
    assert covered(store) == {("CHG", "change"): (at(10), None), ("OPS", "incident"): (at(10), None)}
    with store.connect() as conn:
        (run,) = last_runs(conn, "desk")
    assert (run.complete, run.finished_at, run.summary["documents"]) == (True, at(10), 10)


def test_the_same_again_writes_coverage_and_the_run_log_only(store: Store, clock: FixedClock) -> None:
    source = MemorySource("desk", tool_of())
    sync(store, source, clock)
    before = rows(store, "coverage", "sync_run")
    clock.instant_ms = at(11)
    summary = sync(store, source, clock, census=False)
    assert summary.changed == 0
    assert rows(store, "coverage", "sync_run") == before
    assert covered(store)["CHG", "change"] == (at(11), None)


def test_reading_from_the_start_again_writes_nothing(store: Store, clock: FixedClock) -> None:
    tool = tool_of()
    sync(store, MemorySource("desk", tool), clock)
    before = rows(store, "coverage", "sync_run", "sync_cursor")
    with store.begin() as conn:
        forget_cursors(conn, "desk")
    summary = sync(store, MemorySource("desk", tool), clock)
    assert (summary.documents, summary.changed, summary.unchanged) == (10, 0, 10)
    assert rows(store, "coverage", "sync_run", "sync_cursor") == before


class KilledError(BaseException):
    """What `kill -9` looks like from inside: nothing that follows is run."""


@pytest.mark.parametrize("pages", range(1, 6))
def test_killed_after_any_page_the_next_run_ends_the_same(
    make_store: Callable[[], Store], clock: FixedClock, pages: int
) -> None:
    tool = tool_of()
    threads = set(threading.enumerate())
    seen = 0

    def kill(_summary: SourceSummary) -> None:
        nonlocal seen
        seen += 1
        if seen == pages:
            raise KilledError

    whole, killed = make_store(), make_store()
    sync(whole, MemorySource("desk", tool), clock)
    with pytest.raises(KilledError):
        sync_source(killed, SourceJob("desk", MemorySource("desk", tool)), clock=clock, progress=kill)
    assert set(threading.enumerate()) <= threads
    assert covered(killed) == {}
    with killed.connect() as conn:
        assert last_runs(conn)[0].finished_at is None
    before = len(titles(killed))
    assert 0 < before < 10
    summary = sync(killed, MemorySource("desk", tool), clock)
    assert summary.documents == 10 - before
    assert titles(killed) == titles(whole)
    assert covered(killed) == covered(whole)
    hashes = select(raw_document.c.native_id, raw_document.c.hash).order_by(raw_document.c.native_id)
    bodies = select(record.c.id, revision.c.hash).join(revision, revision.c.sid == record.c.sid).order_by(record.c.id)
    with killed.connect() as one, whole.connect() as other:
        assert one.execute(hashes).all() == other.execute(hashes).all()
        assert one.execute(bodies).all() == other.execute(bodies).all()


def test_a_fault_in_one_slice_leaves_the_others_alone(store: Store, clock: FixedClock) -> None:
    tool = tool_of()
    sync(store, MemorySource("desk", tool), clock)
    clock.instant_ms = at(11)
    tool.put(*(change(f"issue/{i}", title="later") for i in range(5)), incident("issue/100", title="later"))
    tool.faults["CHG"] = (1, Retriable("the tool is down"))
    summary = sync(store, MemorySource("desk", tool), clock)
    assert summary.faults == ["CHG: the tool is down"]
    assert not summary.complete
    assert covered(store) == {
        ("CHG", "change"): (at(10), "the tool is down"),
        ("OPS", "incident"): (at(11), None),
    }
    assert sorted(titles(store).values()).count("later") == 3
    tool.faults.clear()
    summary = sync(store, MemorySource("desk", tool), clock)
    assert summary.documents == 3
    assert covered(store)["CHG", "change"] == (at(11), None)


def test_a_refused_credential_stops_the_source_and_keeps_what_was_covered(store: Store, clock: FixedClock) -> None:
    tool = tool_of()
    sync(store, MemorySource("desk", tool), clock)
    clock.instant_ms = at(11)
    tool.refusal = AuthenticationFailed("the token has expired; make a new one")
    summary = sync(store, MemorySource("desk", tool), clock)
    assert summary.faults == ["the token has expired; make a new one"]
    assert covered(store) == {
        ("CHG", "change"): (at(10), "the token has expired; make a new one"),
        ("OPS", "incident"): (at(10), "the token has expired; make a new one"),
    }
    assert summary.vanished == 0


def test_a_credential_refused_on_the_way_ends_the_slices_not_yet_begun(store: Store, clock: FixedClock) -> None:
    tool = tool_of()
    tool.faults["CHG"] = (0, AuthenticationFailed("the token has expired"))
    summary = sync(store, MemorySource("desk", tool), clock, fetchers=1)
    assert summary.faults == ["CHG: the token has expired", "OPS: the token has expired"]
    assert titles(store) == {}


def test_a_scope_closed_to_us_is_said_in_coverage_and_fails_nothing(store: Store, clock: FixedClock) -> None:
    tool = tool_of()
    tool.unreadable["SEC"] = "no permission to browse project SEC"
    tool.faults["OPS"] = (0, ScopeUnreadable("no permission to browse project OPS"))
    summary = sync(store, MemorySource("desk", tool), clock)
    assert summary.faults == []
    assert not summary.complete
    assert sorted(summary.warnings) == [
        "OPS: no permission to browse project OPS",
        "SEC: no permission to browse project SEC",
    ]
    assert covered(store)["SEC", "change"] == (None, "no permission to browse project SEC")
    assert covered(store)["OPS", "incident"] == (None, "no permission to browse project OPS")
    assert covered(store)["CHG", "change"] == (at(10), None)


def test_a_scope_no_longer_configured_says_so(store: Store, clock: FixedClock) -> None:
    sync(store, MemorySource("desk", tool_of()), clock)
    sync(store, MemorySource("desk", MemoryTool(change("issue/1"))), clock, census=False)
    assert covered(store)["OPS", "incident"] == (at(10), "the source is no longer configured to read it")


def test_a_scope_that_was_never_read_and_is_not_asked_for_any_more_leaves_nothing(
    store: Store, clock: FixedClock
) -> None:
    """A project known by its name until it can be read, and by its id from then on."""
    tool = tool_of()
    tool.unreadable["SEC"] = "no permission to browse project SEC"
    sync(store, MemorySource("desk", tool), clock)
    assert ("SEC", "change") in covered(store)
    sync(store, MemorySource("desk", tool_of()), clock)
    assert ("SEC", "change") not in covered(store)


def test_after_a_gap_the_cursor_waits_until_the_gap_is_read(store: Store, clock: FixedClock) -> None:
    tool = tool_of()
    tool.gaps["CHG"] = "history of CHG-1 cut off"
    summary = sync(store, MemorySource("desk", tool), clock)
    assert covered(store)["CHG", "change"] == (None, "history of CHG-1 cut off (and 2 more)")
    assert summary.warnings[0] == "CHG: history of CHG-1 cut off"
    assert len(titles(store)) == 10, "what was read is kept all the same"
    with store.connect() as conn:
        assert get_cursor(conn, "desk", "record", "CHG") is None
        assert get_cursor(conn, "desk", "record", "OPS") is not None
    tool.gaps.clear()
    summary = sync(store, MemorySource("desk", tool), clock)
    assert (summary.documents, summary.changed) == (5, 0)
    assert covered(store)["CHG", "change"] == (at(10), None)


class OddSource(MemorySource):
    """Keeps none of a plugin's promises for some documents."""

    def normalise(self, document: Document) -> Normalised:
        if document.native_id.endswith("/0"):
            raise KeyError(SECRET)
        if document.native_id.endswith("/1"):
            return Normalised([])
        if document.native_id.endswith("/2"):
            return Normalised([change("issue/2", source="other")])
        if document.native_id.endswith("/3"):
            return Normalised(
                [change("issue/3", created_at="yesterday"), change("issue/3b", actual_start=2**70), change("3" * 500)]
            )
        return super().normalise(document)


def test_what_a_plugin_cannot_deal_with_is_skipped_with_the_reason(
    store: Store, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    summary = sync(store, OddSource("desk", tool_of()), clock)
    assert summary.skipped == {
        "normalise failed: KeyError": 1,
        "plugin returned nothing": 1,
        "record not valid: its id does not carry the source's name": 1,
        "record not valid: Expected `int | null`, got `str` - at `$.created_at`": 1,
        "record not valid: a number of more than 64 bits": 1,
        "record not valid: its id has more than 500 characters": 1,
    }
    assert (summary.documents, summary.records, summary.complete) == (10, 6, False)
    assert covered(store)["CHG", "change"] == (
        None,
        "record desk:issue/0: normalise failed: KeyError (and 5 more)",
    )
    assert SECRET not in caplog.text + repr(summary)
    with store.connect() as conn:
        assert conn.execute(select(func.count()).select_from(raw_document)).scalar() == 10


class DefectSource(MemorySource):
    def provides(self) -> list[object]:
        raise TypeError(SECRET)


def test_a_source_that_fails_does_not_stop_the_next(store: Store, clock: FixedClock) -> None:
    down = MemoryTool()
    down.refusal = ValueError(SECRET)
    jobs = [
        SourceJob("down", MemorySource("down", down)),
        SourceJob("odd", DefectSource("odd", down)),
        SourceJob("desk", MemorySource("desk", tool_of()), notes=["the token expires in 3 days"] * 2),
    ]
    first, second, third = sync_all(store, jobs, clock=clock)
    assert first.faults[0].startswith("slices raised ValueError at memory.py:")
    assert second.faults[0].startswith("provides raised TypeError at test_runner.py:")
    assert SECRET not in repr((first, second))
    assert (third.documents, third.complete, third.warnings) == (10, True, ["the token expires in 3 days"])


def test_deleted_hidden_and_moved_are_told_apart(store: Store, clock: FixedClock) -> None:
    tool = tool_of()
    sync(store, MemorySource("desk", tool), clock)
    tool.delete("desk:issue/1")
    tool.put(change("issue/2", scope="OPS"))
    summary = sync(store, MemorySource("desk", tool), clock)
    assert summary.vanished == 1
    assert sync(store, MemorySource("desk", tool), clock).vanished == 0


def test_a_census_that_fails_leaves_everything_as_it_is(store: Store, clock: FixedClock) -> None:
    tool = tool_of()
    sync(store, MemorySource("desk", tool), clock)
    tool.delete("desk:issue/1")
    tool.census_fault = Retriable("the tool is down")
    summary = sync(store, MemorySource("desk", tool), clock)
    assert (summary.vanished, summary.faults) == (0, [])
    assert sorted(summary.warnings) == [
        "CHG: what vanished from record is not known: the tool is down",
        "OPS: what vanished from record is not known: the tool is down",
    ]
    assert covered(store)["CHG", "change"] == (at(10), "what vanished from record is not known: the tool is down")
    assert not summary.complete


def test_many_that_disappear_at_once_are_not_called_deleted(store: Store, clock: FixedClock) -> None:
    tool = tool_of(30)
    sync(store, MemorySource("desk", tool), clock)
    tool.delete(*(f"desk:issue/{n}" for n in range(20)))
    clock.instant_ms = at(11)
    summary = sync(store, MemorySource("desk", tool), clock)
    assert (summary.vanished, summary.complete, summary.faults) == (0, False, [])
    assert "20 of 30 known in record are no longer listed" in summary.warnings[0]
    through, reason = covered(store)["CHG", "change"]
    assert (through, reason) == (at(10), summary.warnings[0].removeprefix("CHG: "))
    assert covered(store)["OPS", "incident"] == (at(11), None)
    job = SourceJob("desk", MemorySource("desk", tool))
    assert sync_source(store, job, clock=clock, accept=True).vanished == 20
    assert covered(store)["CHG", "change"] == (at(11), None)


def test_nothing_counts_as_deleted_while_one_scope_cannot_be_listed(store: Store, clock: FixedClock) -> None:
    tool = tool_of()
    sync(store, MemorySource("desk", tool), clock)
    tool.delete("desk:issue/1")  # for all we know it moved to OPS
    tool.faults["OPS"] = (0, Retriable("the tool is down"))
    assert sync(store, MemorySource("desk", tool), clock).vanished == 0
    tool.faults.clear()
    assert sync(store, MemorySource("desk", tool), clock).vanished == 1


def test_a_changed_mapping_reaches_documents_read_before(store: Store, clock: FixedClock) -> None:
    tool = tool_of()
    sync(store, MemorySource("desk", tool), clock, mapping_fingerprint="one")
    tool.delete("desk:issue/4")
    sync(store, MemorySource("desk", tool), clock, mapping_fingerprint="one")
    source = MemorySource("desk", tool)
    source.retitle = "mapped anew"
    summary = sync(store, source, clock, mapping_fingerprint="two")
    assert (summary.documents, summary.changed) == (0, 10)
    assert set(titles(store).values()) == {"mapped anew"}
    with store.connect() as conn:
        deleted = read_record(conn, "desk:issue/4")
    assert deleted is not None
    assert deleted.vanished_at is not None, "mapping anew does not bring back what was deleted"
    assert deleted.title == "mapped anew"
    assert sync(store, source, clock, mapping_fingerprint="two").changed == 0


def test_a_changed_mapping_survives_being_killed_and_taken_back(store: Store, clock: FixedClock) -> None:
    tool = tool_of()
    sync(store, MemorySource("desk", tool), clock, mapping_fingerprint="one")
    tool.put(change("issue/9", title="change 9"))
    source = MemorySource("desk", tool)
    source.retitle = "mapped anew"

    def kill(_summary: SourceSummary) -> None:
        raise KilledError

    job = SourceJob("desk", source, mapping_fingerprint="two")
    with pytest.raises(KilledError):
        sync_source(store, job, clock=clock, progress=kill)
    assert titles(store)["desk:issue/9"] == "mapped anew"
    sync(store, MemorySource("desk", tool), clock, mapping_fingerprint="one")
    assert "mapped anew" not in titles(store).values()


class HalfMapped(MemorySource):
    def normalise(self, document: Document) -> Normalised:
        if document.native_id == "desk:issue/3" and self.retitle is not None:
            raise KeyError(SECRET)
        return super().normalise(document)


def test_what_could_not_be_mapped_anew_is_tried_again_and_not_called_complete(store: Store, clock: FixedClock) -> None:
    source = HalfMapped("desk", tool_of())
    sync(store, source, clock, mapping_fingerprint="one")
    source.retitle = "mapped anew"
    for _ in range(2):
        summary = sync(store, source, clock, mapping_fingerprint="two")
        assert not summary.complete
        assert summary.warnings == [
            "1 kept documents could not be mapped anew, the first: record desk:issue/3: normalise failed: KeyError"
        ]
    assert titles(store)["desk:issue/3"] == "change 3"
    mended = MemorySource("desk", source.tool)
    mended.retitle = source.retitle
    assert sync(store, mended, clock, mapping_fingerprint="two").complete
    assert titles(store)["desk:issue/3"] == "mapped anew"


class Quits(MemorySource):
    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        if part.scope == "CHG":
            sys.exit(1)
        return super().fetch(part, cursor)


def test_a_plugin_that_ends_its_thread_is_not_taken_for_one_that_found_nothing(store: Store, clock: FixedClock) -> None:
    summary = sync(store, Quits("desk", tool_of()), clock, fetchers=1)
    assert [fault[:33] for fault in summary.faults] == ["CHG: fetch raised SystemExit at t"]
    assert covered(store)["CHG", "change"][0] is None
    assert covered(store)["OPS", "incident"] == (at(10), None)


def test_text_no_database_can_keep_is_replaced_and_said(store: Store, clock: FixedClock) -> None:
    tool = MemoryTool(change("issue/1", title="a\0b"))
    summary = sync(store, MemorySource("desk", tool), clock)
    assert summary.warnings == ["1 records held text no database can keep; it was replaced"]
    assert titles(store) == {"desk:issue/1": "a\ufffdb"}


def test_replay_reads_no_tool(store: Store, clock: FixedClock) -> None:
    tool = tool_of()
    sync(store, MemorySource("desk", tool), clock)
    tool.refusal = Retriable("the tool is down")
    source = MemorySource("desk", tool)
    source.retitle = "mapped anew"
    (summary,) = replay_all(store, [SourceJob("desk", source)], clock=clock)
    assert (summary.documents, summary.changed, summary.complete) == (10, 10, True)
    assert set(titles(store).values()) == {"mapped anew"}
    assert replay_all(store, [SourceJob("desk", source)], clock=clock)[0].changed == 0


class SlowToWrite:
    """Notes how far reading is ahead whenever a page is written."""

    def __init__(self, source: MemorySource) -> None:
        self.source, self.ahead = source, 0

    def __call__(self, summary: SourceSummary) -> None:
        threading.Event().wait(0.02)
        self.ahead = max(self.ahead, self.source.given - summary.requests)


class CountingSource(MemorySource):
    given = 0

    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        for page in super().fetch(part, cursor):
            self.given += 1
            yield page


@pytest.mark.parametrize("fetchers", [1, 2])
def test_reading_is_never_far_ahead_of_writing(store: Store, clock: FixedClock, fetchers: int) -> None:
    source = CountingSource("desk", tool_of(30), page_size=1)
    watch = SlowToWrite(source)
    job = SourceJob("desk", source, fetchers=fetchers)
    sync_source(store, job, clock=clock, progress=watch, census=False)
    assert source.given == 60
    # two pages a thread wait, one more is in the hand of each thread, one in the writer's
    assert 2 <= watch.ahead <= 3 * fetchers + 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["record", "other", "cut", "none", "raise"]), max_size=12), st.integers(1, 4))
def test_documents_are_records_and_skips(
    sqlite_template: Path, clock: FixedClock, sorts: list[str], page_size: int
) -> None:
    tool = MemoryTool()
    for i, sort in enumerate(sorts):
        body = encode_record(problem(f"issue/{i}", source="other" if sort == "other" else "desk"))
        tool.put_raw("PRB", f"{sort}/{i}", body[: len(body) // 2] if sort == "cut" else body)

    class Source(MemorySource):
        def normalise(self, document: Document) -> Normalised:
            match document.native_id.partition("/")[0]:
                case "raise":
                    raise IndexError
                case "none":
                    return Normalised([], [Skip("", "not of interest")] if len(document.body) % 2 else [])
            return super().normalise(document)

    with TemporaryDirectory() as folder, closing(_copied(sqlite_template, Path(folder))) as store:
        summary = sync(store, Source("desk", tool, page_size=page_size), clock)
        assert summary.documents == len(sorts) == summary.records + sum(summary.skipped.values())
        assert len(titles(store)) == sorts.count("record")


def _copied(template: Path, folder: Path) -> Store:
    shutil.copyfile(template, folder / "hub.db")
    return Store.open("sqlite:///hub.db", base_dir=folder)
