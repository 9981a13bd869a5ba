"""What a mapping reads only after documents were disposed of is not known of their records; it is not missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from hub.clock import FixedClock
from hub.records import Change, Record
from hub.store.disposal import Authority, dispose
from hub.store.retention import Rule, make_plan
from hub.store.revision import read_record
from hub.store.store import Store
from hub.store.tables import change_log, revision
from hub.sync.run import SourceSummary
from hub.sync.runner import SourceJob, replay_all, sync_source
from hub.sync.source import Document, Normalised, Provision, Slice
from hub.testing.factory import account, approval, at, change, incident, since
from hub.testing.memory import MemorySource, MemoryTool
from tests.conformance.kit import House, approved, planned, prepare

PLANNED: dict[str, Any] = {"backout_plan": "switch back", "since": since(backout_plan=at(0))}


class PartlyMapped(MemorySource):
    """Gives no more than its mapping names: fields of a change that are not in it are neither filled nor provided."""

    def __init__(self, tool: MemoryTool, *unmapped: str) -> None:
        super().__init__("desk", tool)
        self.unmapped = frozenset(unmapped)

    def provides(self) -> list[Provision]:
        return [
            Provision(one.kind, one.fields - self.unmapped, one.within_subject) if one.kind == "change" else one
            for one in super().provides()
            if one.kind != "waiver"  # it would have to read them
        ]

    def normalise(self, document: Document) -> Normalised:
        given = super().normalise(document)
        return Normalised([_without(one, self.unmapped) for one in given.records], given.skipped)


def _without(record: Record, fields: frozenset[str]) -> Record:
    if not isinstance(record, Change) or not fields:
        return record
    kept = [one for one in record.since if one.field not in fields]
    return msgspec.structs.replace(record, **dict.fromkeys(fields), since=kept)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(at(10))


def read(store: Store, source: MemorySource, clock: FixedClock, mapping: str, day: float) -> SourceSummary:
    clock.instant_ms = at(day)
    return sync_source(store, SourceJob("desk", source, mapping_fingerprint=mapping), clock=clock)


def dispose_closed(store: Store, day: float) -> None:
    """Dispose of the documents of what was closed in the first five days."""
    rule = Rule("closed", before=at(5), since="closed", source="desk")
    with store.connect() as conn:
        (plan,) = make_plan(conn, [rule], (), now=at(day), month_starts_at=at(day))
    assert plan.due
    dispose(store, plan, Authority("root", 1, 2, "test"), now=at(day))


def started(native: str, *, closed: bool = False, **fields: object) -> Change:
    ended = {"status_category": "closed", "updated_at": at(2)} if closed else {"updated_at": at(9)}
    return change(native, type="normal", actual_start=at(1), **ended, **fields)


def unknown(store: Store, *natives: str) -> list[Sequence[str]]:
    with store.connect() as conn:
        found = [read_record(conn, f"desk:{native}") for native in natives]
    return [one.unknown_fields for one in found if one is not None]


def count(store: Store) -> list[int]:
    """States of records, marks for derivation."""
    with store.connect() as conn:
        return [conn.execute(select(func.count()).select_from(one)).scalar_one() for one in (revision, change_log)]


def test_a_plan_mapped_after_disposal_is_not_provable_and_not_missing(store: Store, clock: FixedClock) -> None:
    house = House(store, [planned()])
    with store.begin() as conn:
        prepare(conn, date(2025, 10, 1), date(2026, 12, 31))
    tool = MemoryTool(
        started("issue/1", closed=True, **PLANNED),
        started("issue/2", closed=True),
        started("issue/3", **PLANNED),
        started("issue/4"),
    )
    read(store, PartlyMapped(tool, "backout_plan"), clock, "one", 10)
    house.derive()
    assert {house.verdict("T-planned", f"desk:issue/{n}", at(10)) for n in range(1, 5)} == {"not_provable"}

    dispose_closed(store, 20)
    summary = read(store, PartlyMapped(tool), clock, "two", 30)
    assert summary.changed == 3, "two marked as unknown, one filled"
    assert "2 documents were not mapped anew: disposed of" in summary.warnings[0]
    assert house.derive().requirements
    verdicts = [house.verdict("T-planned", f"desk:issue/{n}", at(30)) for n in range(1, 5)]
    assert verdicts == ["not_provable", "not_provable", "met", "not_met"]
    assert house.owed("T-planned", "desk:issue/1").lacks == "the source could not give backout_plan"


def test_approvals_mapped_after_disposal_are_not_provable_and_not_missing(store: Store, clock: FixedClock) -> None:
    house = House(store, [approved()])
    with store.begin() as conn:
        prepare(conn, date(2025, 10, 1), date(2026, 12, 31))

    class WithApprovals(PartlyMapped):
        """An approval stands in each document of a change, but in that of issue 3."""

        def provides(self) -> list[Provision]:
            kinds = {one.kind: one.fields for one in super().provides() if one.kind in ("change", "approval")}
            if self.unmapped:
                del kinds["approval"]
            return [Provision(kind, fields, kind == "approval") for kind, fields in kinds.items()]

        def slices(self) -> list[Slice]:
            return [Slice(one.stream, one.scope, frozenset({"change", "approval"})) for one in super().slices()]

        def normalise(self, document: Document) -> Normalised:
            (subject,) = super().normalise(document).records
            given = [] if self.unmapped or "/3" in subject.id else [approval(subject, "register:people/dora")]
            return Normalised([subject, *given])

    tool = MemoryTool(started("issue/1", closed=True), started("issue/2"), started("issue/3"))
    read(store, WithApprovals(tool, "risk"), clock, "one", 10)
    dispose_closed(store, 20)
    read(store, WithApprovals(tool), clock, "two", 30)
    house.derive()
    verdicts = [house.verdict("T-approved", f"desk:issue/{n}", at(30)) for n in range(1, 4)]
    assert verdicts == ["not_provable", "met", "not_met"]
    lacks = house.owed("T-approved", "desk:issue/1").lacks
    assert lacks == "the source could not give the approval records that stand in it"
    before = count(store)
    replay_all(store, [SourceJob("desk", WithApprovals(tool), mapping_fingerprint="two")], clock=clock)
    assert count(store) == before


def test_what_was_mapped_before_disposal_stays_known(store: Store, clock: FixedClock) -> None:
    tool = MemoryTool(started("issue/1", closed=True, **PLANNED), started("issue/2", closed=True), incident("issue/9"))
    read(store, PartlyMapped(tool, "risk"), clock, "one", 10)
    dispose_closed(store, 20)
    read(store, PartlyMapped(tool, "risk", "backout_plan"), clock, "two", 30)
    read(store, PartlyMapped(tool), clock, "three", 40)
    assert unknown(store, "issue/1", "issue/2") == [["risk"], ["risk"]]


def test_mapping_anew_twice_writes_nothing_more(store: Store, clock: FixedClock) -> None:
    """Bob stands in a ticket that was disposed of and in one that was not."""
    bob = account("user/bob", name="Bob")
    tool = MemoryTool(started("issue/1", closed=True), started("issue/2"))

    class WithPeople(PartlyMapped):
        def provides(self) -> list[Provision]:
            return [one for one in super().provides() if one.kind != "person" or not self.unmapped]

        def normalise(self, document: Document) -> Normalised:
            return Normalised([*super().normalise(document).records, bob])

    read(store, WithPeople(tool, "risk"), clock, "one", 10)
    dispose_closed(store, 20)
    source = WithPeople(tool)
    read(store, source, clock, "two", 30)
    assert unknown(store, "issue/1", "issue/2", "user/bob") == [["risk"], [], []]
    before = count(store)
    for day in (40, 41):
        clock.instant_ms = at(day)
        (again,) = replay_all(store, [SourceJob("desk", source, mapping_fingerprint="two")], clock=clock)
        assert (again.changed, count(store)) == (0, before)
    read(store, source, clock, "two", 50)
    assert count(store) == before


def test_a_ticket_opened_again_says_itself_what_it_holds(store: Store, clock: FixedClock) -> None:
    tool = MemoryTool(started("issue/1", closed=True, **PLANNED))
    read(store, PartlyMapped(tool, "backout_plan"), clock, "one", 10)
    dispose_closed(store, 20)
    read(store, PartlyMapped(tool), clock, "two", 30)
    assert unknown(store, "issue/1") == [["backout_plan"]]
    tool.put(started("issue/1", title="opened again", **PLANNED))
    read(store, PartlyMapped(tool), clock, "two", 40)
    assert unknown(store, "issue/1") == [[]]
