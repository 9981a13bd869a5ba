"""Real servers for tests: started by a script each, from the folder kept outside the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

__all__ = ["running", "unavailable"]


def unavailable(reason: str) -> NoReturn:
    """A skip on a laptop, a failure in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def running(shared: Path, script: str, *more: str) -> Iterator[dict[str, Any]]:
    """Start the server of `peers/SCRIPT`, give what it says of itself and its `folder`, and take it down."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix=f"hub-{Path(script).stem}-"))
    folder.chmod(0o755)  # servers run as users of their own
    command = [sys.executable, "-B", str(shared / "peers" / script)]
    try:
        started = subprocess.run([*command, "up", str(folder), *more], capture_output=True, text=True, check=False)
        if started.returncode:
            unavailable(f"{script} does not start: {started.stderr.strip()}")
        yield json.loads(started.stdout.splitlines()[-1]) | {"folder": str(folder)}
    finally:
        subprocess.run([*command, "down", str(folder)], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)
