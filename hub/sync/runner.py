"""Read sources into the store: pages in order, each committed with its cursor, nothing lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass, field, replace

import msgspec

from hub.clock import Clock, monotonic_s
from hub.errors import ConfigurationError, Locked, SourceError
from hub.store import reading
from hub.store.census import mark_invisible
from hub.store.store import Store
from hub.store.writer import WriteCount, write_page
from hub.sync.absence import Absence
from hub.sync.census import LastCensus, keep_census, last_census
from hub.sync.coverage import SliceOutcome, settle
from hub.sync.erased import Erased
from hub.sync.fetcher import Ended, PageRead, Task, describe_defect, read_ahead
from hub.sync.intake import Intake, take_in
from hub.sync.lock import hold, source_lock
from hub.sync.mapper import mapping_apart
from hub.sync.mapping import DISPOSED, Mapping
from hub.sync.roster import ask_after_accounts
from hub.sync.run import SourceSummary
from hub.sync.source import Page, Slice, Source

__all__ = ["Progress", "SourceJob", "replay_all", "sync_all", "sync_source"]

Progress = Callable[[SourceSummary], None]
"""Called after every page and at the end with what was done so far; must not keep or change it."""
_SHOWN = 20
"""Gaps of a slice that are named one by one."""


def _silent(_summary: SourceSummary) -> None:
    """Watch nothing."""


@dataclass(frozen=True, slots=True)
class SourceJob:
    """One configured source, ready to be read."""

    name: str
    source: Source
    fetchers: int = 4
    mapping_fingerprint: str = ""
    """Changes whenever the source's settings or its plugin do: then all kept documents are mapped anew."""
    erasure_key: str | None = field(default=None, repr=False)
    """Finds erased persons again (`retention.key`); needed as soon as somebody was erased."""
    notes: list[str] = field(default_factory=list)
    """What the source says through its context's `log`; becomes the summary's warnings."""
    census_every_ms: int | None = 86_400_000
    """How often it is found out what vanished; None = only when asked to."""
    apart: bool = False
    """Map in a process of its own what is read from its beginning (`hub.sync.mapper`)."""


def sync_all(
    store: Store,
    jobs: Iterable[SourceJob],
    *,
    clock: Clock,
    progress: Progress = _silent,
    census: bool | None = None,
    accept: bool = False,
) -> list[SourceSummary]:
    """Read one source after the other, each under its lock; a source that fails never stops the others.

    A source that another run is reading is left alone: its summary says by whom (`held_by`).
    """

    def read(job: SourceJob) -> SourceSummary:
        return sync_source(store, job, clock=clock, progress=progress, census=census, accept=accept)

    return _each(store, jobs, clock, read)


def replay_all(
    store: Store, jobs: Iterable[SourceJob], *, clock: Clock, progress: Progress = _silent
) -> list[SourceSummary]:
    """Map all kept documents anew, source by source, each under its lock; reads no tool."""

    def replay(job: SourceJob) -> SourceSummary:
        started = monotonic_s()
        with store.begin() as conn:
            erased = Erased(conn, job.erasure_key)
            mapping = Mapping(store, job.name, job.source, job.mapping_fingerprint, clock, erased=erased)
            mapping.begin(conn)
        summary = SourceSummary(source=job.name)
        mapping.replay(summary, lambda: progress(summary))
        with store.begin() as conn:
            mapping.end(conn)
        summary.seconds = round(monotonic_s() - started, 3)
        progress(summary)
        return summary

    return _each(store, jobs, clock, replay)


def _each(
    store: Store, jobs: Iterable[SourceJob], clock: Clock, work: Callable[[SourceJob], SourceSummary]
) -> list[SourceSummary]:
    summaries = []
    for job in jobs:
        with ExitStack() as stack:
            try:
                stack.enter_context(hold(store, source_lock(job.name), clock=clock))
            except Locked as error:
                summaries.append(SourceSummary(source=job.name, complete=False, held_by=str(error)))
            else:
                summaries.append(_guarded(job, work))
    return summaries


def _guarded(job: SourceJob, work: Callable[[SourceJob], SourceSummary]) -> SourceSummary:
    """Try what a plugin must be able to say without a network before anything rests on it."""
    try:
        job.source.provides()
    except Exception as error:  # noqa: BLE001 - a defect of one plugin must not stop the other sources
        return SourceSummary(source=job.name, complete=False, faults=[describe_defect(error, "provides")])
    return work(job)


def sync_source(
    store: Store,
    job: SourceJob,
    *,
    clock: Clock,
    progress: Progress = _silent,
    census: bool | None = None,
    accept: bool = False,
) -> SourceSummary:
    """Read what is new in one source, and state how far each kind of each scope was read.

    Every page is committed together with its cursor, so that a run killed anywhere goes on where it
    was. After a gap the cursor stays: what was missed is read again until it can be read whole. A fault
    of the tool or a defect of the plugin ends up in the summary and in the coverage; a fault of the
    store is raised. `census` None: it is found out what vanished when that is due; what was not known
    after the last time stays so until then. `accept`: a person says that what is no longer listed is gone,
    however much it is.
    """
    return _Run(store, job, clock, progress).sync(census=census, accept=accept)


class _Run:
    def __init__(self, store: Store, job: SourceJob, clock: Clock, progress: Progress) -> None:
        self._store = store
        self._job = job
        self._clock = clock
        self._progress = progress
        self._summary = SourceSummary(source=job.name)
        self._outcomes: list[SliceOutcome] = []
        self._gaps: dict[Slice, list[str]] = {}
        self._ends: list[Ended] = []
        self._repaired = 0
        with store.connect() as conn:
            self._erased = Erased(conn, job.erasure_key)

    def sync(self, *, census: bool | None, accept: bool) -> SourceSummary:
        started, job, summary = monotonic_s(), self._job, self._summary
        mapping = Mapping(self._store, job.name, job.source, job.mapping_fingerprint, self._clock, erased=self._erased)
        with self._store.begin() as conn:
            run = reading.start_run(conn, job.name, self._clock.now_ms())
            rows = reading.coverage_rows(conn, job.name)
            known = [(row.scope, row.kind) for row in rows]
            reached = {(row.scope, row.kind) for row in rows if row.through is not None}
            changed = mapping.begin(conn)
            last = last_census(conn, job.name)
        began = self._clock.now_ms()
        parts = self._slices()
        asked = self._census_is_due(last, parts, began) or accept if census is None else census
        if parts is None:
            self._outcomes = [SliceOutcome(scope, frozenset({kind}), None, summary.faults[-1]) for scope, kind in known]
        else:
            self._read(parts, census=asked)
            if asked:
                last = self._ask_what_vanished(parts, last, began, accept=accept)
            else:
                self._remember(parts, last)
        if changed:
            again = SourceSummary(source=job.name)
            mapping.replay(again, lambda: self._progress(summary))
            summary.changed += again.changed
            summary.vanished += again.vanished
            summary.warnings += again.warnings
            if disposed := again.skipped.get(DISPOSED):
                summary.warnings.append(
                    f"{disposed} documents were not mapped anew: {DISPOSED}; of their records no more is known"
                )
            summary.complete = again.complete
        summary.warnings += [note for note in dict.fromkeys(job.notes) if note not in summary.warnings]
        summary.complete &= not summary.faults and all(outcome.reason is None for outcome in self._outcomes)
        summary.seconds = round(monotonic_s() - started, 3)
        self._erased.summary(summary)
        with self._store.begin() as conn:
            now = self._clock.now_ms()
            told = {(outcome.scope, kind) for outcome in self._outcomes for kind in outcome.kinds}
            for scope, kind in [each for each in known if each not in told and each not in reached]:
                reading.forget_coverage(conn, job.name, scope, kind, known_at=now)
            for reach in settle(self._outcomes, [each for each in known if each in reached]):
                reading.record_coverage(
                    conn, job.name, reach.scope, reach.kind, through=reach.through, reason=reach.reason, known_at=now
                )
            if asked:
                keep_census(conn, job.name, last, at=now)
            mapping.end(conn)
            reading.finish_run(conn, run, now, complete=summary.complete, summary=msgspec.to_builtins(summary))
        self._progress(summary)
        return summary

    def _ask_what_vanished(self, parts: list[Slice], last: LastCensus, began: int, *, accept: bool) -> LastCensus:
        absence = Absence(
            self._store,
            self._job.name,
            self._job.source,
            parts,
            self._ends,
            self._summary,
            self._clock,
            self._keep_elsewhere,
            accept=accept,
        )
        absence.mark()
        if any(end.fault is None for end in self._ends):
            ask_after_accounts(self._store, self._job.name, self._job.source, self._summary, self._clock, accept=accept)
        self._outcomes += [SliceOutcome(part.scope, part.kinds, None, why) for part, why in absence.reasons.items()]
        if absence.whole:
            unread = [*(part for part in parts if part.unreadable), *(end.part for end in self._ends if end.unreadable)]
            return LastCensus(began, closed=frozenset((part.stream, part.scope) for part in unread))
        told = zip(absence.reasons, self._erased.texts(absence.reasons.values()), strict=True)
        return LastCensus(
            last.done_at, {**last.reasons, **{(part.stream, part.scope): why for part, why in told}}, last.closed
        )

    def _census_is_due(self, last: LastCensus, parts: Sequence[Slice] | None, now: int) -> bool:
        every_ms = self._job.census_every_ms
        return last.due(every_ms, now) or (every_ms is not None and last.reopened(parts or ()))

    def _remember(self, parts: list[Slice], last: LastCensus) -> None:
        """What the last census could not tell stays untold until one can."""
        for part in parts:
            reason = last.reasons.get((part.stream, part.scope))
            if reason is not None and part.unreadable is None:
                self._outcomes.append(SliceOutcome(part.scope, part.kinds, None, reason))
                self._summary.warnings.append(f"{part.scope}: {reason}")

    def _slices(self) -> list[Slice] | None:
        """List the slices; None = the source cannot be read at all, the summary says why."""
        try:
            return self._job.source.slices()
        except (SourceError, ConfigurationError) as error:
            self._summary.faults.append(str(error))
        except Exception as error:  # noqa: BLE001 - a defect of one plugin must not stop the other sources
            self._summary.faults.append(describe_defect(error, "slices"))
        return None

    def _read(self, parts: list[Slice], *, census: bool) -> None:
        tasks = []
        with self._store.connect() as conn:
            for part in parts:
                if part.unreadable is None:
                    tasks.append(Task(part, reading.get_cursor(conn, self._job.name, part.stream, part.scope)))
                else:
                    self._outcomes.append(SliceOutcome(part.scope, part.kinds, None, part.unreadable))
                    warning = f"{part.scope}: {part.unreadable}"
                    if warning not in self._summary.warnings:  # every stream of the scope says it
                        self._summary.warnings.append(warning)
        if not tasks:
            return
        job = self._job
        # What is redacted is redacted before it is mapped; a few changed pages are not worth a process.
        apart = job.apart and not self._erased and any(task.cursor is None for task in tasks)
        with (
            mapping_apart(job.source, job.name) if apart else nullcontext() as begin,
            closing(
                read_ahead(job.source, tasks, fetchers=job.fetchers, clock=self._clock, census=census, begin=begin)
            ) as arrivals,
        ):
            for arrival in arrivals:
                if isinstance(arrival, PageRead):
                    self._write(arrival)
                else:
                    self._end(arrival)
        if self._repaired:
            self._summary.warnings.append(f"{self._repaired} records held text no database can keep; it was replaced")

    def _write(self, arrival: PageRead) -> None:
        part, page, job = arrival.part, arrival.page, self._job
        documents = self._erased.documents(page.documents)
        intake = arrival.mapped() if arrival.mapped is not None else take_in(job.source, job.name, documents)
        intake.normalised = self._erased.normalised(intake.normalised)
        gaps = self._gaps.setdefault(part, [])
        gaps += self._erased.texts([*page.gaps, *intake.gaps])
        now = self._clock.now_ms()
        with self._store.begin() as conn:
            count = write_page(
                conn,
                source=job.name,
                documents=documents,
                normalised=intake.normalised,
                known_at=now,
                encoded=intake.encoded,
            )
            if not gaps:
                reading.set_cursor(conn, job.name, part.stream, part.scope, page.cursor, committed_at=now)
        self._count(page, intake, count)

    def _keep_elsewhere(self, page: Page, stream: str, invisible_ids: list[str]) -> None:
        """Write documents that no slice lists; where we do not read they are seen this once."""
        documents = self._erased.documents(page.documents)
        intake = take_in(self._job.source, self._job.name, documents)
        intake.normalised = self._erased.normalised(intake.normalised)
        now, name = self._clock.now_ms(), self._job.name
        with self._store.begin() as conn:
            count = write_page(conn, source=name, documents=documents, normalised=intake.normalised, known_at=now)
            mark_invisible(conn, source=name, stream=stream, native_ids=invisible_ids, at=now)
        self._summary.warnings += self._erased.texts([*page.gaps, *intake.gaps])
        self._count(page, intake, count)

    def _count(self, page: Page, intake: Intake, count: WriteCount) -> None:
        intake.count(self._summary, count)
        self._repaired += count.repaired
        self._summary.requests += page.requests
        self._progress(self._summary)

    def _end(self, end: Ended) -> None:
        part, summary = end.part, self._summary
        gaps = self._gaps.get(part, [])
        named = [f"{part.scope}: {gap}" for gap in gaps[:_SHOWN]]
        more = [f"{part.scope}: {len(gaps) - _SHOWN} more gaps"] if len(gaps) > _SHOWN else []
        summary.warnings += [*named, *more]
        if end.fault is not None:
            (summary.warnings if end.unreadable else summary.faults).append(f"{part.scope}: {end.fault}")
        reason = end.fault or (f"{gaps[0]} (and {len(gaps) - 1} more)" if len(gaps) > 1 else next(iter(gaps), None))
        self._outcomes.append(SliceOutcome(part.scope, part.kinds, end.began_at, reason))
        self._ends.append(replace(end, census=self._erased.census(end.census)))
