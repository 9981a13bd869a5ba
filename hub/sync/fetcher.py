"""Threads that read a source ahead of the one writer, behind a bounded queue."""

from __future__ import annotations

import logging
import queue
import threading
import traceback
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.clock import Clock
from hub.errors import (
    MEMORY_USED_UP,
    AuthenticationFailed,
    ConfigurationError,
    ScopeUnreadable,
    SourceError,
    for_want_of_memory,
)
from hub.sync.source import Census, Page, Slice, Source

if TYPE_CHECKING:
    from hub.sync.mapper import Begin, Mapped

__all__ = ["Arrival", "Ended", "PageRead", "Task", "describe_defect", "read_ahead"]

_log = logging.getLogger("hub.sync")


@dataclass(frozen=True, slots=True)
class Task:
    """A slice to read, and where to go on."""

    part: Slice
    cursor: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class PageRead:
    """A page came in. Pages of one slice arrive in the order they were read."""

    part: Slice
    page: Page
    mapped: Mapped | None = None
    """Waits for what its documents became; None = nobody has begun to map them."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A slice was read to its end, or could not be."""

    part: Slice
    began_at: int
    """When reading began, UTC milliseconds; everything older was there to be read."""
    fault: str | None = None
    """Why reading stopped early; None = read to the end."""
    unreadable: bool = False
    """The scope is closed to us: a gap of this scope, not a fault of the source."""
    census: Census | None = None
    """Ids visible after reading; None where the tool has no way, or none was asked for."""
    census_fault: str | None = None


Arrival = PageRead | Ended


def describe_defect(error: BaseException, where: str) -> str:
    """Name an unexpected exception without its message, which may hold a secret or a customer's text.

    The stack goes to the log, again without messages. Memory that ran out is nobody's defect.
    """
    if for_want_of_memory(error):
        return f"{where}: {MEMORY_USED_UP}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    text = f"{where} raised {type(error).__name__}{place}: a defect of the plugin, please report it"
    _log.error("%s\n%s", text, "".join(traceback.format_list(frames)))
    return text


def read_ahead(
    source: Source, tasks: Sequence[Task], *, fetchers: int, clock: Clock, census: bool, begin: Begin | None = None
) -> Generator[Arrival, None, None]:
    """Read all tasks on up to `fetchers` threads; yield pages and ends as they come.

    At most two pages a thread wait unread: one in the queue, one in its hands. An exception of one
    slice becomes its `Ended`; a refused credential ends the slices not yet begun too. Closing the
    generator stops the threads after the request they are at and waits for them. `begin`: with it mapping
    a page begins as soon as it came in.
    """
    reading = _Reading(source, tasks, fetchers=fetchers, clock=clock, census=census, begin=begin)
    reading.start()
    try:
        while (arrival := reading.next()) is not None:
            yield arrival
    finally:
        reading.stop()


class _Reading:
    def __init__(
        self,
        source: Source,
        tasks: Sequence[Task],
        *,
        fetchers: int,
        clock: Clock,
        census: bool,
        begin: Begin | None,
    ) -> None:
        self._source = source
        self._begin = begin
        self._clock = clock
        self._census = census
        self._tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        for task in tasks:
            self._tasks.put(task)
        self._running = max(1, min(fetchers, len(tasks)))
        self._arrivals: queue.Queue[Arrival | None] = queue.Queue(maxsize=self._running)
        self._stopping = threading.Event()
        self._refused: str | None = None
        self._threads = [
            threading.Thread(target=self._work, name=f"fetcher-{n}", daemon=True) for n in range(self._running)
        ]

    def start(self) -> None:
        for begun, thread in enumerate(self._threads):
            try:
                thread.start()
            except RuntimeError as error:  # no memory, or no process, is left for one more
                if not begun:
                    raise MemoryError(str(error)) from error
                del self._threads[begun:]
                self._running = begun
                return

    def next(self) -> Arrival | None:
        """Wait for the next arrival; None = all threads are through."""
        while self._running:
            arrival = self._arrivals.get()
            if arrival is not None:
                return arrival
            self._running -= 1
        return None

    def stop(self) -> None:
        """Let every thread finish; what still arrives is dropped, its cursor was not committed."""
        self._stopping.set()
        while self.next() is not None:
            pass
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    task = self._tasks.get_nowait()
                except queue.Empty:
                    return
                self._read(task)
        finally:
            self._arrivals.put(None)

    def _read(self, task: Task) -> None:
        began_at = self._clock.now_ms()
        if self._refused is not None:
            self._arrivals.put(Ended(task.part, began_at, fault=self._refused))
            return
        try:
            if not self._fetch(task):
                return
        except ScopeUnreadable as error:
            self._arrivals.put(Ended(task.part, began_at, fault=str(error), unreadable=True))
        except AuthenticationFailed as error:
            self._refused = str(error)
            self._arrivals.put(Ended(task.part, began_at, fault=str(error)))
        except (SourceError, ConfigurationError) as error:
            self._arrivals.put(Ended(task.part, began_at, fault=str(error)))
        except BaseException as error:  # noqa: BLE001 - a defect, even sys.exit, in one slice must not stop the others
            self._arrivals.put(Ended(task.part, began_at, fault=describe_defect(error, "fetch")))
        else:
            found, fault = self._list(task.part) if self._census else (None, None)
            self._arrivals.put(Ended(task.part, began_at, census=found, census_fault=fault))

    def _fetch(self, task: Task) -> bool:
        """Hand on all pages; False = told to stop before the end."""
        pages = self._source.fetch(task.part, task.cursor)
        try:
            for page in pages:
                mapped = self._begin(page.documents) if self._begin is not None else None
                self._arrivals.put(PageRead(task.part, page, mapped))
                if self._stopping.is_set():
                    return False
        finally:
            close = getattr(pages, "close", None)
            if close is not None:
                close()
        return True

    def _list(self, part: Slice) -> tuple[Census | None, str | None]:
        try:
            return next(iter(self._source.census(part)), None), None
        except SourceError as error:
            return None, str(error)
        except Exception as error:  # noqa: BLE001 - as above: the records stay as they are
            return None, describe_defect(error, "census")
