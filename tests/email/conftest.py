"""One real mail server for all tests of a run: Dovecot, and aiosmtpd that delivers into its mailboxes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def server(shared: Path) -> Iterator[dict[str, Any]]:
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="hub-mail-"))
    folder.chmod(0o755)
    command = [sys.executable, "-B", str(shared / "peers" / "mail.py")]
    try:
        started = subprocess.run(
            [*command, "up", str(folder), "--python", sys.executable], capture_output=True, text=True, check=False
        )
        if started.returncode:
            reason = f"the mail server does not start: {started.stderr.strip()}"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        yield json.loads(started.stdout.splitlines()[-1])
        subprocess.run([*command, "down", str(folder)], capture_output=True, check=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
