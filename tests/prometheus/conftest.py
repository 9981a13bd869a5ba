"""A Prometheus with its Alertmanager, real ones: one pair for all tests of a session."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import respx

from tests.peer import unavailable
from tests.prometheus.kit import Servers
from tests.prometheus.stand import Stand, backfill


@pytest.fixture(scope="session")
def stand(shared: Path) -> Iterator[Stand]:
    """Servers with 29 days of February 2024 in their store; a skip where they are not installed, a failure in CI."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="hub-prom-"))
    folder.chmod(0o755)
    command = [sys.executable, "-B", str(shared / "peers" / "prometheus.py")]
    missing = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]
    try:
        if not missing:
            backfill(folder / "data")
        started = subprocess.run(
            [*command, "up", str(folder), "--no-wait"], capture_output=True, text=True, check=False
        )
        if missing or started.returncode:
            unavailable(f"Prometheus does not start: {', '.join(missing)} {started.stderr.strip()}")
        running = Stand(json.loads(started.stdout.splitlines()[-1]), folder)
        running.steady()
        running.scraped()
        yield running
        subprocess.run([*command, "down", str(folder)], capture_output=True, check=True)
        running.reap()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def servers() -> Iterator[Servers]:
    """The small ones, for what the real ones cannot be made to do."""
    made = Servers()
    with respx.mock(assert_all_called=False) as router:
        router.route(host__regex=r".*\.example$").mock(side_effect=made.answer)
        yield made
