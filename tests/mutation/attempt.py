"""Run the tests of a module with other texts in its place, each text in a forked process.

The first process imports libraries and the rooms below the one that judges, which import nothing of it; every attempt
is a fork of it and imports what judges anew, the mutated module among it.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import Phase, settings

from hub.store.store import Store

__all__ = ["Attempts", "Mutated"]

_PATIENCE_S = 120
"""Tests that take longer hang: that is noticed too."""
_BELOW = (
    "alembic.command",
    "hub.sla.clocks",
    "hub.sla.materialise",
    "hub.testing.factory",
    "pydantic_settings",
    "rich.progress",
    "sqlalchemy.dialects.sqlite",
    "typer",
)
"""What every attempt would import: never anything that imports `hub.conformance`."""
_PLUGINS = ("-p", "pytest_timeout", "-p", "_hypothesis_pytestplugin")
_OPTIONS = ("-x", "-q", *_PLUGINS, "-p", "no:cacheprovider", "--assert", "plain", "-m", "not peer")
"""Nobody reads why a test is red, so assertions stay as they are; a server would take longer than all tests."""
_FORK = multiprocessing.get_context("fork")


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another text; tracebacks still name its own file."""

    def __init__(self, module: str, text: str) -> None:
        self.name = ".".join(Path(module).with_suffix("").parts)
        self.path, self.text = Path(module).resolve(), text

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Answer for the one module only."""
        return (
            importlib.util.spec_from_file_location(fullname, self.path, loader=self) if fullname == self.name else None
        )

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Leave that to Python."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run the other text."""
        exec(compile(self.text, str(self.path), "exec"), module.__dict__)  # noqa: S102 - a mutant of our own


class Attempts:
    """Tries texts of modules, some at once; what they leave behind stands in `folder`."""

    def __init__(self, folder: Path, workers: int) -> None:
        self._folder, self._workers = folder, workers
        for name in _BELOW:
            importlib.import_module(name)
        settings.register_profile("mutant", derandomize=True, database=None, phases=(Phase.explicit, Phase.generate))
        settings.load_profile("mutant")  # the same verdict of every run, and nothing to shrink
        Store.open("sqlite:///template.db", base_dir=folder, create=True).close()
        os.environ["HUB_TEST_TEMPLATE"] = str(folder / "template.db")
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        assert not any(name.startswith("hub.conformance") for name in sys.modules)

    def noticed(self, module: str, texts: Sequence[str], tests: Sequence[str]) -> Iterator[tuple[int, bool]]:
        """Yield (index of the text, whether a test noticed) as they end."""

        def run(index: int) -> bool:
            sys.meta_path.insert(0, Mutated(module, texts[index]))
            return pytest.main([*_OPTIONS, *tests]) != pytest.ExitCode.OK

        yield from self._forked(len(texts), run)

    def _forked(self, count: int, run: Callable[[int], bool]) -> Iterator[tuple[int, bool]]:
        running: dict[int, tuple[int, ForkProcess, float]] = {}
        for index in range(count):
            while len(running) >= self._workers:
                yield from self._ended(running)
            child = _FORK.Process(target=self._silently, args=(run, index))
            child.start()
            running[child.sentinel] = (index, child, time.monotonic() + _PATIENCE_S)
        while running:
            yield from self._ended(running)

    def _ended(self, running: dict[int, tuple[int, ForkProcess, float]]) -> Iterator[tuple[int, bool]]:
        """Wait until one ends, or until the patience with the oldest does."""
        oldest = min(limit for _, _, limit in running.values())
        ended = set(wait(list(running), max(0.0, oldest - time.monotonic())))
        for sentinel, (index, child, limit) in list(running.items()):
            if sentinel in ended or limit <= time.monotonic():
                child.kill()  # does nothing to one that has ended
                child.join()
                del running[sentinel]
                shutil.rmtree(self._folder / str(index), ignore_errors=True)
                yield index, child.exitcode != 0

    def _silently(self, run: Callable[[int], bool], index: int) -> None:
        folder = self._folder / str(index)
        folder.mkdir()
        silence = os.open(folder / "told", os.O_WRONLY | os.O_CREAT)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        tempfile.tempdir = str(folder)  # whoever is killed leaves nothing elsewhere
        os.environ["XDG_CACHE_HOME"] = str(folder)  # compiled packs are remembered by the files on disk
        os._exit(1 if run(index) else 0)
