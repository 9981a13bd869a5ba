"""A fake Icinga for sharp cases, and a real one, started once."""

from __future__ import annotations

from pathlib import Path

import pytest
import respx

from tests.icinga.kit import Icinga
from tests.peer import running


@pytest.fixture
def icinga():
    with respx.mock(assert_all_called=False) as router:
        yield Icinga(router)


@pytest.fixture(scope="session")
def server(shared: Path):
    """Start Icinga 2: `up()` again restarts it with its state kept."""
    with running(shared, "icinga2.py") as started:
        yield started
