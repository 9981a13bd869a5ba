"""A fake Zabbix for sharp cases, and a real one, started once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import respx

from tests.zabbix.kit import Zabbix


@pytest.fixture
def zabbix():
    with respx.mock(assert_all_called=False) as router:
        yield Zabbix(router)


@pytest.fixture(scope="session")
def server(shared: Path):
    """Start Zabbix with its PostgreSQL; twenty seconds."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="hub-zabbix-"))
    folder.chmod(0o755)
    command = [sys.executable, "-B", str(shared / "peers" / "zabbix.py")]
    try:
        started = subprocess.run([*command, "up", str(folder)], capture_output=True, text=True, check=False)
        if started.returncode:
            reason = f"Zabbix does not start: {started.stderr.strip()}"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        yield json.loads(started.stdout.splitlines()[-1]) | {"folder": str(folder)}
    finally:
        subprocess.run([*command, "down", str(folder)], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)
