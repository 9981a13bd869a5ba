"""The second command of a day does not compile the pack that the first one compiled."""

from __future__ import annotations

import subprocess
import sys

from hub_bs15000.catalogue import load_pack

START = """
import sys
from sqlalchemy.dialects import sqlite
from hub_bs15000.catalogue import load_pack
parts = [part for one in load_pack().requirements({}) for part in one.parts]
print(len(parts), sum(len(part.sql(sqlite.dialect())) for part in parts))
print(*(name for name in sys.modules if name.startswith(("hub_bs15000.", "hub.conformance.shape", "yaml"))))
"""


def test_a_warm_start_loads_neither_clauses_nor_catalogue():
    started = [
        subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True).stdout.splitlines()
        for _ in range(2)
    ]
    parts = [part for one in load_pack().requirements({}) for part in one.parts]
    assert [start[0].split()[0] for start in started] == [str(len(parts))] * 2
    assert started[0][0] == started[1][0]
    assert started[1][1].split() == ["hub_bs15000.catalogue"]
