"""A fake Zabbix for sharp cases, and a real one, started once."""

from __future__ import annotations

from pathlib import Path

import pytest
import respx

from tests.peer import running
from tests.zabbix.kit import Zabbix


@pytest.fixture
def zabbix():
    with respx.mock(assert_all_called=False) as router:
        yield Zabbix(router)


@pytest.fixture(scope="session")
def server(shared: Path):
    """Start Zabbix with its PostgreSQL; twenty seconds."""
    with running(shared, "zabbix.py") as started:
        yield started
