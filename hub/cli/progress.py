"""Tells what is going on: bars on a terminal, lines from cron, JSON lines for log collectors. On stderr."""

from __future__ import annotations

import json
import sys
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from hub.cli.option import LogFormat
from hub.cli.output import plain
from hub.clock import Clock, format_instant

__all__ = ["Lines", "Progress", "make_progress"]


class Progress(Protocol):
    """Who watches a run. Every method may be called from any thread."""

    def begin(self, task: str, total: int | None = None) -> None:
        """Announce a task; `total` steps where that is known."""
        ...

    def advance(self, task: str, steps: int = 1) -> None:
        """Count steps of a task."""
        ...

    def end(self, task: str, result: str = "") -> None:
        """Say that a task is over, and in a few words how."""
        ...

    def say(self, message: str, **facts: Any) -> None:
        """Tell one thing; `facts` are JSON values for machines."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Lines:
    """One line when a task ends and when something is said; nothing in between."""

    def __init__(self, clock: Clock, *, log_format: LogFormat = LogFormat.TEXT, stream: TextIO | None = None) -> None:
        self._clock = clock
        self._format = log_format
        self._stream = stream
        self._steps: dict[str, int] = {}

    def begin(self, task: str, total: int | None = None) -> None:
        """Announce a task; told in JSON only."""
        self._steps[task] = 0
        if self._format is LogFormat.JSON:
            self._write("begin", task=task, total=total)

    def advance(self, task: str, steps: int = 1) -> None:
        """Count steps, to be told at the end."""
        self._steps[task] = self._steps.get(task, 0) + steps

    def end(self, task: str, result: str = "") -> None:
        """Tell how a task went."""
        self._write(f"{task}: {result or 'done'}", task=task, steps=self._steps.pop(task, 0))

    def say(self, message: str, **facts: Any) -> None:
        """Tell one thing."""
        self._write(message, **facts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        (self._stream or sys.stderr).flush()

    def _write(self, message: str, **facts: Any) -> None:
        if self._format is LogFormat.JSON:
            at = format_instant(self._clock.now_ms())
            line = json.dumps({"at": at, "message": message, **facts}, ensure_ascii=False)
        else:
            line = plain(message)
        (self._stream or sys.stderr).write(line + "\n")


def make_progress(clock: Clock, log_format: LogFormat) -> Progress:
    """Choose bars for a person at a terminal, lines for everybody else."""
    if log_format is LogFormat.TEXT and sys.stderr.isatty():
        from hub.cli.bars import make_bars

        return make_bars()
    return Lines(clock, log_format=log_format)
