"""Bars for a person at a terminal, drawn by a library that nobody else need load."""

from __future__ import annotations

from typing import Any, Self

from rich import progress as rich_progress
from rich.console import Console

from hub.cli.output import plain

__all__ = ["Bars", "make_bars"]


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


def make_bars() -> Bars:
    """Make bars on stderr."""
    return Bars(Console(stderr=True))
