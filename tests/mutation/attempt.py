"""Run pytest with one module loaded from another text: `python -m tests.mutation.attempt MODULE TEXT ...`."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

__all__ = ["Mutated"]


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another text; tracebacks still name its own file."""

    def __init__(self, module: str, text: Path) -> None:
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
        exec(compile(self.text.read_bytes(), str(self.path), "exec"), module.__dict__)  # noqa: S102 - a mutant of our own


if __name__ == "__main__":
    sys.meta_path.insert(0, Mutated(sys.argv[1], Path(sys.argv[2])))
    sys.exit(pytest.main(sys.argv[3:]))
