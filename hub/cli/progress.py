"""Tells what is going on: bars on a terminal, lines from cron, JSON lines for log collectors. On stderr."""

from __future__ import annotations

import json
import sys
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from rich import progress as rich_progress
from rich.console import Console

from hub.cli.option import LogFormat
from hub.cli.output import plain
from hub.clock import Clock, format_instant

__all__ = ["Bars", "Lines", "Progress", "make_progress"]


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


class Bars:
    """A bar for each running task, what is said scrolling above."""

    def __init__(self, console: Console) -> None:
        self._bars = rich_progress.Progress(
            rich_progress.TextColumn("{task.description}", markup=False),
            rich_progress.BarColumn(),
            rich_progress.MofNCompleteColumn(),
            rich_progress.TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, rich_progress.TaskID] = {}

    def begin(self, task: str, total: int | None = None) -> None:
        """Show a bar; one that runs to and fro where the total is not known."""
        self._tasks[task] = self._bars.add_task(plain(task), total=total)

    def advance(self, task: str, steps: int = 1) -> None:
        """Move the bar."""
        if task in self._tasks:
            self._bars.advance(self._tasks[task], steps)

    def end(self, task: str, result: str = "") -> None:
        """Replace the bar by a line."""
        if task in self._tasks:
            self._bars.remove_task(self._tasks.pop(task))
        self.say(f"{task}: {result or 'done'}")

    def say(self, message: str, **_facts: Any) -> None:
        """Print one line above the bars."""
        self._bars.console.print(plain(message), markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()


def make_progress(clock: Clock, log_format: LogFormat) -> Progress:
    """Choose bars for a person at a terminal, lines for everybody else."""
    console = Console(stderr=True)
    if log_format is LogFormat.TEXT and console.is_terminal:
        return Bars(console)
    return Lines(clock, log_format=log_format)
