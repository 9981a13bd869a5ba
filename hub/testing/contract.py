"""The promises every source keeps, as tests its author inherits.

```python
class TestDesk(SourceContract):
    secrets = ("s3cret-token",)
    reads_by_post = (r"/rest/api/3/search/jql",)

    @pytest.fixture(autouse=True)
    def desk(self):
        with DeskServer() as self.server:
            yield

    def make(self, context): return DeskSource(settings_for(self.server), context)
    def make_faulty(self, fault, context): ...
    def requests_seen(self): return self.server.log
```

The tool behind `make` should hold enough for two pages in one slice at least.
"""

# ruff: noqa: S101, D102 - these are tests, written where plugin authors can import them; their names say what they hold

from __future__ import annotations

import json
import logging
import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NoReturn, TypeVar
from urllib.parse import quote

import msgspec
import pytest

from hub.clock import Clock, SystemClock
from hub.errors import AuthenticationFailed, ConnectorOutdated, ProtocolFault, Retriable, ScopeUnreadable, SourceError
from hub.records import KINDS, Record, decode_record, encode_record, kind_of
from hub.sync.source import Document, Normalised, Page, Slice, Source, SourceContext
from hub.testing.mutation import mutations
from hub.testing.walk import field_names, instants

__all__ = ["Fault", "SourceContract"]

T = TypeVar("T")
Fault = Literal["unauthorised", "forbidden", "missing", "gone", "busy", "broken", "cut", "not_json"]
"""401, 403, 404, 410, 429, 503, a connection cut inside the answer, an answer that is no JSON."""

_READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_EARLIEST_MS, _LATEST_MS = 315_532_800_000, 4_102_444_800_000
"""1980 and 2100: outside, seconds were taken for milliseconds or the other way round."""


class SourceContract:
    """What a source promises the hub. Inherit, say how to make it, and add tests of its own."""

    name: ClassVar[str] = "under-test"
    """Configured name the source is made with."""
    secrets: ClassVar[tuple[str, ...]] = ()
    """Every secret the settings hold; none may show anywhere."""
    pages: ClassVar[int] = 2
    """Pages the fullest slice gives at least; 1 only where the tool has no pages."""
    reads_by_post: ClassVar[tuple[str, ...]] = ()
    """Patterns of paths that only read although they are called with POST."""
    faults: ClassVar[dict[Fault, tuple[type[SourceError], ...]]] = {
        "unauthorised": (AuthenticationFailed,),
        "forbidden": (ScopeUnreadable,),
        "missing": (ScopeUnreadable,),
        "gone": (ConnectorOutdated,),
        "busy": (Retriable,),
        "broken": (Retriable,),
        "cut": (Retriable, ProtocolFault),
        "not_json": (ProtocolFault,),
    }
    """What each fault of the tool must become; empty for a source without a network."""

    def make(self, context: SourceContext) -> Source:
        """Make the source as its users configure it, against a tool that works."""
        raise NotImplementedError

    def make_faulty(self, fault: Fault, context: SourceContext) -> Source:
        """Make the source against a tool that answers every request for data with one fault."""
        raise NotImplementedError

    def requests_seen(self) -> Sequence[str]:
        """List the requests the tool has seen as `METHOD /path`; empty for a source that reads files."""
        raise NotImplementedError

    # -- what tests share ----------------------------------------------------------------------

    @pytest.fixture(autouse=True)
    def _prepare(self, tmp_path: Path) -> None:
        self.prepare(tmp_path)

    def prepare(self, base_dir: Path) -> None:
        """Forget what was said; relative paths of the source start at `base_dir`."""
        self.base_dir = base_dir
        self.said: list[str] = []
        self.asked_again = 0

    def context(self, *, name: str | None = None, clock: Clock | None = None) -> SourceContext:
        """Give what the hub would hand the source; nothing is retried, retriable faults are counted."""

        def call(request: Callable[[], T]) -> T:
            try:
                return request()
            except Retriable:
                self.asked_again += 1
                raise

        return SourceContext(
            name=name or self.name,
            base_dir=self.base_dir,
            zone="Europe/Berlin",
            clock=clock or SystemClock(),
            call=call,
            log=self.said.append,
        )

    def open(self, *, name: str | None = None) -> Source:
        """Make a fresh source, as the next run of the hub would."""
        return self.make(self.context(name=name))

    def readable(self, source: Source) -> list[Slice]:
        """List the slices that can be read."""
        found = [part for part in source.slices() if part.unreadable is None]
        assert found, "slices() gave no readable slice: the contract has nothing to read"
        return found

    def documents(self, source: Source) -> list[Document]:
        """Read everything."""
        found = [d for part in self.readable(source) for page in source.fetch(part, None) for d in page.documents]
        assert found, "fetch() gave no document: the contract has nothing to check"
        return found

    # -- reading -------------------------------------------------------------------------------

    def test_pages_hold_documents_and_a_cursor_that_json_can_carry(self) -> None:
        source = self.open()
        counts = []
        for part in self.readable(source):
            pages = list(source.fetch(part, None))
            counts.append(len(pages))
            for page in pages:
                assert json.loads(json.dumps(page.cursor)) == page.cursor, f"{part}: cursor is changed by JSON"
                assert page.requests >= 0, f"{part}: {page.requests} requests"
        assert max(counts) >= self.pages, f"the fullest slice gave {max(counts)} pages, {self.pages} are needed here"

    def test_resumes_from_every_cursor_without_a_gap(self) -> None:
        source = self.open()
        for part in self.readable(source):
            pages = list(source.fetch(part, None))
            whole = _latest(pages)
            for number, page in enumerate(pages):
                cursor = json.loads(json.dumps(page.cursor))
                rest = list(self.open().fetch(part, cursor))
                again = _latest([*pages[: number + 1], *rest])
                missing = sorted(set(whole) - set(again))
                assert not missing, f"{part}: resumed after page {number + 1}, {missing} were never read"
                assert again == whole, f"{part}: resumed after page {number + 1}, documents differ"

    def test_reads_only(self) -> None:
        before = _files(self.base_dir)
        source = self.open()
        source.check()
        self.documents(source)
        for part in self.readable(source):
            list(source.census(part))
        source.close()
        wrote = [line for line in self.requests_seen() if not self._only_reads(line)]
        assert not wrote, f"a source only reads, but the tool saw {wrote}"
        assert _files(self.base_dir) == before, "reading changed files beside the configuration"

    def test_census_lists_what_was_read(self) -> None:
        source = self.open()
        for part in self.readable(source):
            read = {d.native_id for page in source.fetch(part, None) for d in page.documents if d.stream == part.stream}
            found = list(source.census(part))
            assert len(found) <= 1, f"{part}: {len(found)} answers, one or none is right"
            for census in found:
                assert (census.stream, census.scope) == (part.stream, part.scope), f"{part}: census of another slice"
                missing = read - set(census.native_ids)
                assert not missing, f"{part}: read, but not in the census, so they would count as deleted: {missing}"

    # -- records -------------------------------------------------------------------------------

    def test_ids_are_stable_and_carry_the_source_name(self) -> None:
        first, second, other = (self._records(self.open(name=name)) for name in (None, None, "elsewhere"))
        assert {r.id for r in first} == {r.id for r in second}, "two readings of the same gave different ids"
        for record in first:
            assert record.id.startswith(f"{self.name}:"), f"{record.id} does not begin with {self.name}:"
            assert record.source == self.name, f"{record.id} names {record.source!r} as its source"
        moved = {r.id.removeprefix("elsewhere:") for r in other}
        assert moved == {r.id.removeprefix(f"{self.name}:") for r in first}, "ids depend on more than the native id"

    def test_instants_are_utc_milliseconds_wherever_the_hub_runs(self) -> None:
        source = self.open()
        documents = self.documents(source)
        for record in (r for d in documents for r in source.normalise(d).records):
            for place, value in instants(record):
                assert type(value) is int, f"{record.id} {place}: {value!r} is no integer"
                assert _EARLIEST_MS <= value < _LATEST_MS, f"{record.id} {place}: {value} are no milliseconds"
        for zone in ("Asia/Shanghai", "America/St_Johns"):
            assert _in_zone(zone, source, documents) == _in_zone("UTC", source, documents), (
                f"instants depend on the zone of the machine: they differ in {zone}"
            )

    def test_normalise_is_pure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        source = self.open()
        documents = self.documents(source)
        monkeypatch.setattr(socket.socket, "connect", _no_network)
        for document in documents:
            first, again = source.normalise(document), source.normalise(document)
            assert _encoded(first) == _encoded(again), f"{document.native_id}: normalised twice, it differs"
            assert first.records or first.skipped, f"{document.native_id}: neither record nor skip"

    def test_normalise_survives_damaged_documents(self) -> None:
        source = self.open()
        for document in _samples(self.documents(source)):
            for body in mutations(document.body):
                damaged = msgspec.structs.replace(document, body=body)
                try:
                    given = source.normalise(damaged)
                    for record in given.records:
                        decode_record(encode_record(record))
                except Exception as error:  # noqa: BLE001 - whatever it is, it breaks the promise
                    pytest.fail(f"normalise raised {error!r} on {body[:2000]!r}")
                assert given.records or given.skipped, f"neither record nor skip for {body[:2000]!r}"
                assert all(skip.reason for skip in given.skipped), f"skip without reason for {body[:2000]!r}"
                foreign = [record.id for record in given.records if not record.id.startswith(f"{self.name}:")]
                assert not foreign, f"ids without the source's name {foreign} for {body[:2000]!r}"

    def test_provides_names_real_fields_of_real_kinds(self) -> None:
        source = self.open()
        provisions = {each.kind: each for each in source.provides()}
        for kind, provision in provisions.items():
            assert kind in KINDS, f"provides() names the kind {kind!r}, there is none"
            unknown = provision.fields - field_names(KINDS[kind])
            assert not unknown, f"provides() names fields {kind} does not have: {sorted(unknown)}"
        for part in source.slices():
            assert part.kinds <= set(KINDS), f"{part}: kinds that do not exist: {sorted(part.kinds - set(KINDS))}"
            unstated = part.kinds - set(provisions)
            assert not unstated, f"{part}: nothing may be concluded of kinds not provided: {sorted(unstated)}"
        given = {kind_of(record) for record in self._records(source)}
        assert given <= set(provisions), f"records of kinds provides() does not name: {given - set(provisions)}"

    # -- faults and secrets --------------------------------------------------------------------

    def test_each_fault_of_the_tool_becomes_its_error(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        for fault, expected in self.faults.items():
            self.asked_again = 0
            source = self.make_faulty(fault, self.context())
            found = _provoke(source)
            wanted = " or ".join(each.__name__ for each in expected)
            assert found is not None, f"{fault}: read as if all were well, {wanted} is right"
            assert isinstance(found, expected), f"{fault}: became {found!r}, {wanted} is right"
            if isinstance(found, Retriable):
                assert self.asked_again, f"{fault}: raised outside context.call, so it is never retried"
            lines = source.check()
            assert any(line.level != "ok" for line in lines), f"{fault}: check() says all is well"
            self._assert_no_secret(str(found), repr(found), *_causes(found), repr(lines), caplog.text, *self.said)
            source.close()

    def test_shows_no_secret(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        context = self.context()
        source = self.make(context)
        shown = [repr(source), str(source), repr(vars(source)) if hasattr(source, "__dict__") else ""]
        shown += [repr(source.check()), repr(source.provides()), repr(source.slices())]
        for part in self.readable(source):
            for page in source.fetch(part, None):
                shown += [repr(page.cursor), repr(page.gaps)]
                shown += [document.body.decode("utf-8", "replace") for document in page.documents]
        shown += [encode_record(record).decode() for record in self._records(source)]
        source.close()
        self._assert_no_secret(*shown, caplog.text, *self.said)

    # -- inside --------------------------------------------------------------------------------

    def _records(self, source: Source) -> list[Record]:
        return [record for document in self.documents(source) for record in source.normalise(document).records]

    def _only_reads(self, line: str) -> bool:
        method, _, path = line.partition(" ")
        return method in _READ_METHODS or (
            method == "POST" and any(re.search(pattern, path) for pattern in self.reads_by_post)
        )

    def _assert_no_secret(self, *texts: str) -> None:
        for secret in self.secrets:
            for form in {secret, quote(secret, safe="")}:
                for text in texts:
                    assert form not in text, f"a secret shows: …{text[max(0, text.index(form) - 80) :][:80]}…"


def _latest(pages: Sequence[Page]) -> dict[tuple[str, str], bytes]:
    return {(d.stream, d.native_id): d.body for page in pages for d in page.documents}


def _encoded(given: Normalised) -> tuple[list[bytes], list[tuple[str, str]], dict[str, str]]:
    skipped = [(skip.native_id, skip.reason) for skip in given.skipped]
    return [encode_record(record) for record in given.records], skipped, given.unmapped


def _samples(documents: list[Document]) -> list[Document]:
    """Choose the longest document of every stream: it has the most places to damage."""
    longest: dict[str, Document] = {}
    for document in documents:
        if document.stream not in longest or len(document.body) > len(longest[document.stream].body):
            longest[document.stream] = document
    return list(longest.values())


def _provoke(source: Source) -> SourceError | None:
    """Read until something is said to be wrong: an error, an unreadable slice, or a gap."""
    try:
        for part in source.slices():
            if part.unreadable is not None:
                return ScopeUnreadable(part.unreadable)
            for page in source.fetch(part, None):
                if page.gaps:
                    return ProtocolFault(page.gaps[0])
    except SourceError as error:
        return error
    return None


def _causes(error: BaseException | None) -> Iterator[str]:
    """Write out what a traceback would show."""
    while error is not None:
        yield repr(error)
        yield str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _in_zone(zone: str, source: Source, documents: list[Document]) -> list[Any]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        return [_encoded(source.normalise(document)) for document in documents]
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


def _no_network(*_: object) -> NoReturn:
    raise AssertionError("normalise used the network")
