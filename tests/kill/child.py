"""The process that is killed: one `hub` command, with a clock that stands still and a point to die at."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from hub.cli import main, session
from hub.clock import FixedClock
from hub.conformance import cycle
from hub.store.store import Store

__all__ = ["Order", "Point", "obey"]

Point = tuple[str, int]
"""(`begun`, `statement`, `written`, `committed` or `flushed`; the how manieth of them, from 1)."""
_BOUND_BY_MODES = ~0b110  # without CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH


@dataclass(frozen=True)
class Order:
    """What to run, and what is to go wrong."""

    folder: Path
    arguments: tuple[str, ...]
    now: int
    die_at: Point | None = None
    pause_at: Point | None = None
    """Make the file `reached` and wait for the file `go on`."""
    pragmas: tuple[str, ...] = ()
    largest_file: int | None = None
    environment: tuple[tuple[str, str], ...] = ()
    by: int = signal.SIGKILL
    """The signal it dies of at `die_at`."""
    files: int | None = None
    """How many files it may have open besides those it was given."""
    no_temporary: bool = False
    """No folder for temporary files can be written."""
    memory: int | None = None
    """How many bytes more than at its start it may take."""
    modes_bind: bool = False
    """The modes of files hold for this process, though it may be root's."""


def obey(order: Order) -> None:
    """Run the command; `said` and `passed` (points, each with its number) stay in the folder."""
    with (order.folder / "said").open("wb") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    session.SystemClock = lambda: FixedClock(order.now)  # type: ignore[misc,assignment]
    # Fewer years of calendars: each run is a second instead of five.
    cycle.FIRST_DAY, cycle.horizon = date(2025, 1, 1), lambda _now, _zone: date(2027, 12, 31)  # type: ignore[misc]
    os.environ.update(order.environment)
    if order.by != signal.SIGKILL:
        signal.signal(order.by, signal.SIG_DFL)  # a job in the background of a shell has SIGINT ignored
    passed = _watch(order)
    if order.pragmas:
        event.listen(Engine, "connect", lambda raw, _: [raw.execute(f"PRAGMA {pragma}") for pragma in order.pragmas])
    if order.largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.largest_file, resource.RLIM_INFINITY))
    if order.no_temporary:
        tempfile._candidate_tempdir_list = lambda: ["/proc"]  # type: ignore[attr-defined]
        tempfile.tempdir = None
        os.environ["SQLITE_TMPDIR"] = "/proc"
    if order.files is not None:
        first_free = os.dup(0)
        os.close(first_free)
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (first_free + order.files, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        )
    if order.memory is not None:
        taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + order.memory, resource.RLIM_INFINITY))
    if order.modes_bind and os.geteuid() == 0:
        _drop_privilege()
    try:
        code = main([*order.arguments, "--config", str(order.folder / "hub.toml")])
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    if order.memory is not None:  # what follows is the harness's own, which needs memory too
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    if order.largest_file is None and order.files is None and not order.modes_bind:
        (order.folder / "passed").write_text(json.dumps(passed), encoding="utf-8")
    sys.exit(code)


def _watch(order: Order) -> Counter[str]:
    """Count the points the command passes, and die or wait at the chosen one."""
    passed: Counter[str] = Counter()
    guard = threading.Lock()

    def reach(kind: str) -> None:
        with guard:
            passed[kind] += 1
            if (kind, passed[kind]) == order.die_at:
                os.kill(os.getpid(), order.by)
            if (kind, passed[kind]) == order.pause_at:
                (order.folder / "reached").touch()
                while not (order.folder / "go on").exists():
                    time.sleep(0.01)

    begin, flush = Store.begin, os.fsync

    @contextmanager
    def watched(store: Store) -> Iterator[Connection]:
        with begin(store) as conn:
            reach("begun")
            yield conn
            reach("written")
        reach("committed")

    def flushed(file: Any) -> None:
        flush(file)
        reach("flushed")

    Store.begin = watched  # type: ignore[method-assign,assignment]
    os.fsync = flushed
    event.listen(Engine, "before_cursor_execute", lambda *_: reach("statement"))
    return passed


def _drop_privilege() -> None:
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # capabilities, version 3, of this process
    sets = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capget(header, sets):
        raise OSError(ctypes.get_errno(), "capget")
    sets[0] &= _BOUND_BY_MODES
    if libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")
