"""Fixtures every room uses."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub.cli import main
from tests.peer import unavailable

PROJECT = Path(__file__).resolve().parent.parent

pytest_plugins = ["tests.store_fixtures"]


def pytest_configure(config: pytest.Config) -> None:
    """Remember compiled packs where all processes of this run share them, and nowhere else.

    Garbage is looked for seldom, or it takes a quarter of the run; a tenth as seldom as a command does, which ends soon.
    """
    gc.set_threshold(50_000, 10, 50)
    if not hasattr(config, "workerinput"):  # a worker has what the first process set
        os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="hub-cache-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ["XDG_CACHE_HOME"], ignore_errors=True))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: at the end one worker would be at it while the others have nothing left."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with recorded answers, API descriptions and real servers, kept outside the repository.

    `HUB_SHARED`, or `../shared` beside the project. Missing: a skip on a laptop, a failure in CI.
    """
    folder = Path(os.environ.get("HUB_SHARED") or PROJECT.parent / "shared")
    if not folder.is_dir():
        unavailable(f"no folder {folder}: set HUB_SHARED to the folder with recorded answers and contracts")
    return folder


@dataclass(frozen=True)
class Called:
    """What one call of `hub` left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def run_hub(capsys: pytest.CaptureFixture[str]) -> Callable[..., Called]:
    """Call the command line as a person does: `run_hub("check", "--config", path)`."""

    def run(*arguments: object) -> Called:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        out, err = capsys.readouterr()
        return Called(code, out, err)

    return run
