"""How a command ends before its time: told to, cut off from who reads it, or out of room."""

from __future__ import annotations

import errno
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partialmethod
from types import FrameType

from hub.errors import MEMORY_USED_UP, for_want_of_memory

__all__ = ["READER_LEFT", "ending_clearly", "reason_of"]

_TOLD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHOW_CURSOR = "\x1b[?25h"
_SHORT = {
    errno.ENOSPC: "no room is left on the disk; make room and run again",
    errno.EDQUOT: "no room is left in the quota of this user; make room and run again",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n) and run again",
    errno.ENFILE: "too many files are open on this machine; end other programs and run again",
    errno.ENOMEM: MEMORY_USED_UP,
}
_THREAD_BEGINS_S = 30.0
"""Longest wait for a thread to begin; it takes a thousandth of a second."""
READER_LEFT = 128 + signal.SIGPIPE
"""Exit code where whoever read the output left (`hub findings | head -1`), as of other programs."""


@contextmanager
def ending_clearly() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal end the process at once, after one line on stderr.

    Nothing is wound up: what is committed stays, what is not is undone, and threads that wait for a
    tool are not waited for. The process ends by the signal, so that a shell sees 130, 143 or 129. A
    signal that is ignored (nohup) stays ignored, and a handler of somebody else stays in charge. Where
    memory has run out, what Python would tell of each object it could not wind up is not told; nor is what the
    pool of connections logs of one it could not reset and throws away: why it could not is what the command says.
    A thread that finds no memory for its first step ends unseen, and Python waits for it for ever: here it does not.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    found = {number: signal.getsignal(number) for number in _TOLD}
    ours = [number for number, handler in found.items() if handler in (signal.SIG_DFL, signal.default_int_handler)]
    for number in ours:
        signal.signal(number, _end)
    told, sys.unraisablehook = sys.unraisablehook, _tell_unraisable
    begin = threading.Thread.start
    threading.Thread.start = partialmethod(_begin, begin)  # type: ignore[assignment, method-assign]
    pool = logging.getLogger("sqlalchemy.pool")
    logged = pool.level
    pool.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        sys.unraisablehook = told
        threading.Thread.start = begin  # type: ignore[method-assign]
        pool.setLevel(logged)
        for number in ours:
            signal.signal(number, found[number])


def _end(number: int, _frame: FrameType | None) -> None:
    line = f"hub: ended by {signal.Signals(number).name}; what was committed is kept: run the command again\n"
    with suppress(OSError):  # the terminal is gone
        os.write(2, ((_SHOW_CURSOR if os.isatty(2) else "") + line).encode())
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _begin(thread: threading.Thread, begin: Callable[[threading.Thread], None]) -> None:
    """Start a thread. Raises MemoryError where it ended before it began."""
    begun: threading.Event | None = getattr(thread, "_started", None)
    if begun is None:  # a Python that waits in another way
        begin(thread)
        return

    def wait() -> None:
        if not threading.Event.wait(begun, _THREAD_BEGINS_S):
            raise MemoryError

    begun.wait = wait  # type: ignore[assignment, method-assign]
    try:
        begin(thread)
    finally:
        del begun.wait


def _tell_unraisable(told: sys.UnraisableHookArgs) -> None:
    if not isinstance(told.exc_value, MemoryError):
        sys.__unraisablehook__(told)


def reason_of(error: OSError | MemoryError | SystemError | ImportError | RuntimeError) -> str | None:
    """Say which room has run out, and how to get more; None for any other fault, which is a defect of ours."""
    if for_want_of_memory(error) or (isinstance(error, SystemError) and _lost_for_memory(error)):
        return MEMORY_USED_UP
    if isinstance(error, ImportError) and "failed to map segment" in str(error):  # of a library, while it is loaded
        return MEMORY_USED_UP
    return _SHORT.get(error.errno or 0) if isinstance(error, OSError) else None


def _lost_for_memory(error: SystemError) -> bool:
    """Tell whether compiled code lost its MemoryError on the way: it may only where memory has a limit.

    Python words it as "returned NULL without setting an exception" and as "error return without exception set".
    """
    limited = resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
    return limited and "exception" in str(error)
