"""Fixtures every room uses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with recorded answers, API descriptions and real servers, kept outside the repository.

    `HUB_SHARED`, or `../shared` beside the project. Missing: a skip on a laptop, a failure in CI.
    """
    folder = Path(os.environ.get("HUB_SHARED") or PROJECT.parent / "shared")
    if folder.is_dir():
        return folder
    reason = f"no folder {folder}: set HUB_SHARED to the folder with recorded answers and contracts"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
