"""How a command ends before its time: told to, cut off from who reads it, or out of room."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from hub.errors import MEMORY_USED_UP

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
READER_LEFT = 128 + signal.SIGPIPE
"""Exit code where whoever read the output left (`hub findings | head -1`), as of other programs."""


@contextmanager
def ending_clearly() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal end the process at once, after one line on stderr.

    Nothing is wound up: what is committed stays, what is not is undone, and threads that wait for a
    tool are not waited for. The process ends by the signal, so that a shell sees 130, 143 or 129. A
    signal that is ignored (nohup) stays ignored, and a handler of somebody else stays in charge.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    found = {number: signal.getsignal(number) for number in _TOLD}
    ours = [number for number, handler in found.items() if handler in (signal.SIG_DFL, signal.default_int_handler)]
    for number in ours:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, found[number])


def _end(number: int, _frame: FrameType | None) -> None:
    line = f"hub: ended by {signal.Signals(number).name}; what was committed is kept: run the command again\n"
    with suppress(OSError):  # the terminal is gone
        os.write(2, ((_SHOW_CURSOR if os.isatty(2) else "") + line).encode())
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def reason_of(error: OSError | MemoryError) -> str | None:
    """Say which room has run out, and how to get more; None for any other fault, which is a defect of ours."""
    if isinstance(error, MemoryError):
        return _SHORT[errno.ENOMEM]
    return _SHORT.get(error.errno or 0)
