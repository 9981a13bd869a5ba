"""The contract every source inherits holds for the source in memory, and breaks for one that cheats."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.errors import AuthenticationFailed, ConnectorOutdated, ProtocolFault, Retriable, ScopeUnreadable
from hub.sync.source import Census, CheckLine, Document, Normalised, Page, Provision, Slice, Source, SourceContext
from hub.testing.contract import Fault, SourceContract
from hub.testing.factory import account, approval, at, change, since
from hub.testing.memory import MemorySource, MemoryTool

SECRET = "s3cret-token/1"
FAULTS: dict[Fault, Exception] = {
    "unauthorised": AuthenticationFailed("401"),
    "forbidden": ScopeUnreadable("403"),
    "missing": ScopeUnreadable("404"),
    "gone": ConnectorOutdated("410"),
    "busy": Retriable("429"),
    "broken": Retriable("503"),
    "cut": Retriable("cut"),
    "not_json": ProtocolFault("no JSON"),
}


class Guarded(MemorySource):
    """A source in memory that asks through `context.call`, as one with a network does."""

    def __init__(self, context: SourceContext, tool: MemoryTool, **options: Any) -> None:
        super().__init__(context.name, tool, **options)
        self.context = context

    def check(self) -> list[CheckLine]:
        return [CheckLine("error", str(fault)) for _, fault in self.tool.faults.values()] or super().check()

    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        pages = super().fetch(part, cursor)
        while (page := self.context.call(lambda: next(pages, None))) is not None:
            yield page


class TestMemory(SourceContract):
    secrets = (SECRET,)
    source_type: type[Guarded] = Guarded

    def tool(self, name: str) -> MemoryTool:
        changes = [change(f"issue/{i}", source=name, since=since(backout_plan=at(1))) for i in range(3)]
        login = account(source=name, scope="CHG")
        return MemoryTool(*changes, login, approval(changes[0], login))

    def make(self, context: SourceContext) -> Source:
        return self.source_type(context, self.tool(context.name))

    def make_faulty(self, fault: Fault, context: SourceContext) -> Source:
        tool = self.tool(context.name)
        tool.faults["CHG"] = (0, FAULTS[fault])
        return self.source_type(context, tool)

    def requests_seen(self) -> list[str]:
        return ["GET /record"]


class Leaks(Guarded):
    def check(self) -> list[CheckLine]:
        return [CheckLine("ok", "token s3cret-token%2F1 is valid")]


class Writes(Guarded):
    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        (self.context.base_dir / "cache").write_text(os.urandom(8).hex())
        yield from super().fetch(part, cursor)


class SkipsAPage(Guarded):
    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        ahead = 0 if cursor else 1
        return (replace(page, cursor={"place": page.cursor["place"] + ahead}) for page in super().fetch(part, cursor))


class KeepsTuples(Guarded):
    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        return (replace(page, cursor={**page.cursor, "seen": (1, 2)}) for page in super().fetch(part, cursor))


class Counts(Guarded):
    made = 0

    def normalise(self, document: Document) -> Normalised:
        Counts.made += 1
        given = super().normalise(document)
        return Normalised(
            [msgspec.structs.replace(r, id=f"{r.id}/{Counts.made}") for r in given.records], given.skipped
        )


class CountsSeconds(Guarded):
    def normalise(self, document: Document) -> Normalised:
        given = super().normalise(document)
        return Normalised([msgspec.structs.replace(r, created_at=1_767_571_200) for r in given.records], given.skipped)


class UsesTheLocalZone(Guarded):
    def normalise(self, document: Document) -> Normalised:
        given = super().normalise(document)
        local = int(datetime(2026, 1, 5).timestamp() * 1000)  # noqa: DTZ001 - the mistake this test is about
        return Normalised([msgspec.structs.replace(r, created_at=local) for r in given.records], given.skipped)


class Asks(Guarded):
    def normalise(self, document: Document) -> Normalised:
        with socket.socket() as asking:
            asking.connect(("127.0.0.1", 9))
        return super().normalise(document)


class Trusts(Guarded):
    def normalise(self, document: Document) -> Normalised:
        whole = msgspec.json.decode(document.body)
        if whole["source"] == self.name:
            return super().normalise(document)
        return super().normalise(document)


class SaysNothing(Guarded):
    def normalise(self, document: Document) -> Normalised:
        return Normalised(super().normalise(document).records)


class PromisesMuch(Guarded):
    def provides(self) -> list[Provision]:
        return [*super().provides(), Provision("change", frozenset({"impact.weather"}))]


class ProvidesNothing(Guarded):
    def provides(self) -> list[Provision]:
        return [Provision("change", frozenset())]


class LosesIds(Guarded):
    def census(self, part: Slice) -> Iterator[Census]:
        return (replace(census, native_ids=census.native_ids[1:]) for census in super().census(part))


class SeesNoFault(Guarded):
    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        self.tool.faults.clear()
        return super().fetch(part, cursor)


class AsksPastTheRetry(Guarded):
    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        return MemorySource.fetch(self, part, cursor)


BROKEN = [
    (Leaks, "test_shows_no_secret", "a secret shows"),
    (Leaks, "test_each_fault_of_the_tool_becomes_its_error", "check\\(\\) says all is well"),
    (Writes, "test_reads_only", "changed files"),
    (SkipsAPage, "test_resumes_from_every_cursor_without_a_gap", "were never read"),
    (KeepsTuples, "test_pages_hold_documents_and_a_cursor_that_json_can_carry", "changed by JSON"),
    (Counts, "test_ids_are_stable_and_carry_the_source_name", "different ids"),
    (Counts, "test_normalise_is_pure", "normalised twice"),
    (Asks, "test_normalise_is_pure", "used the network"),
    (CountsSeconds, "test_instants_are_utc_milliseconds_wherever_the_hub_runs", "no milliseconds"),
    (UsesTheLocalZone, "test_instants_are_utc_milliseconds_wherever_the_hub_runs", "zone of the machine"),
    (Trusts, "test_normalise_survives_damaged_documents", "normalise raised"),
    (SaysNothing, "test_normalise_survives_damaged_documents", "neither record nor skip"),
    (PromisesMuch, "test_provides_names_real_fields_of_real_kinds", "impact.weather"),
    (ProvidesNothing, "test_provides_names_real_fields_of_real_kinds", "not provided"),
    (LosesIds, "test_census_lists_what_was_read", "not in the census"),
    (SeesNoFault, "test_each_fault_of_the_tool_becomes_its_error", "unauthorised: read as if all were well"),
    (AsksPastTheRetry, "test_each_fault_of_the_tool_becomes_its_error", "busy: raised outside context.call"),
]


@pytest.mark.parametrize(("broken", "test", "complaint"), BROKEN, ids=[f"{b.__name__}-{t}" for b, t, _ in BROKEN])
def test_the_contract_finds(  # noqa: PLR0917 - fixtures come by name
    broken: type[Guarded],
    test: str,
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    contract = TestMemory()
    contract.source_type = broken
    contract.prepare(tmp_path)
    given = {"monkeypatch": monkeypatch, "caplog": caplog}
    method = getattr(contract, test)
    wanted = {name: given[name] for name in method.__annotations__ if name in given}
    with pytest.raises((AssertionError, pytest.fail.Exception), match=complaint):
        method(**wanted)
