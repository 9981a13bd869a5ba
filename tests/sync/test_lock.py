"""A second run says who is at it, and leaves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hub.clock import FixedClock
from hub.errors import Locked
from hub.store.store import Store
from hub.sync.lock import DERIVE, hold, source_lock
from hub.sync.runner import SourceJob, sync_all
from hub.testing.factory import at, change
from hub.testing.memory import MemorySource, MemoryTool

HOLD = """
import sys
from pathlib import Path
from hub.clock import FixedClock
from hub.store.store import Store
from hub.sync.lock import hold
store = Store.open(sys.argv[1], base_dir=Path())
with hold(store, "source desk", clock=FixedClock(1767571200000)):
    print("held", flush=True)
    sys.stdin.read()
"""


def url_of(store: Store) -> str:
    return store.engine.url.render_as_string(hide_password=False)


def test_a_lock_held_by_another_process_names_it_and_dies_with_it(store: Store) -> None:
    clock = FixedClock(at(1))
    job = SourceJob("desk", MemorySource("desk", MemoryTool(change())))
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, url_of(store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(Locked, match=f"source desk: held by process {other.pid} .*since 2026-01-05T00"),
            hold(store, source_lock("desk"), clock=clock),
        ):
            pass
        (summary,) = sync_all(store, [job], clock=clock)
        assert (summary.complete, summary.faults, summary.documents) == (False, [], 0)
        assert f"process {other.pid} " in summary.held_by
        with hold(store, source_lock("other"), clock=clock), hold(store, DERIVE, clock=clock):
            pass
        other.kill()
    (summary,) = sync_all(store, [job], clock=clock)
    assert (summary.held_by, summary.documents) == ("", 1)


def test_a_lock_is_given_back_whatever_happens(store: Store) -> None:
    clock = FixedClock(at(1))
    with pytest.raises(RuntimeError), hold(store, DERIVE, clock=clock):
        raise RuntimeError
    with hold(store, DERIVE, clock=clock), pytest.raises(Locked), hold(store, DERIVE, clock=clock):
        pass


def test_the_lock_file_is_private_whatever_the_source_is_called(sqlite_store: Store, tmp_path: Path) -> None:
    with hold(sqlite_store, source_lock("../it's"), clock=FixedClock(0)):
        (file,) = tmp_path.glob("*.lock")
        assert file.name == "hub.db.source%20..%2Fit%27s.lock"
        assert file.stat().st_mode & 0o777 == 0o600
