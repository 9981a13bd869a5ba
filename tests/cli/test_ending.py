"""A command that is told to end, whose reader leaves, or that runs out of room ends in one line or none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event

from hub.cli.ending import ending_clearly

PLUGINS = (sys.executable, "-c", "import sys; from hub.cli import main; sys.exit(main(['plugins']))")


def test_who_reads_the_output_leaves():
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(PLUGINS, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_the_disk_behind_the_output_is_full():
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(PLUGINS, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 2
    assert ended.stderr == b"hub: no room is left on the disk; make room and run again\n"


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda _number, _frame: None], ids=["ignored", "somebody's"])
def test_a_signal_somebody_took_care_of_stays_theirs(handler):
    before = signal.signal(signal.SIGHUP, handler)
    try:
        with ending_clearly():
            assert signal.getsignal(signal.SIGHUP) is handler
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is handler
    finally:
        signal.signal(signal.SIGHUP, before)


def test_every_handler_is_given_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with ending_clearly():
        assert signal.getsignal(signal.SIGTERM) not in before
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


@pytest.mark.parametrize(
    "words", ["<f> returned NULL without setting an exception", "error return without exception set"]
)
@pytest.mark.parametrize(
    ("limited", "said"),
    [(True, b"hub: the memory is used up; raise the limit"), (False, b"Traceback (most recent call")],
)
def test_compiled_code_that_lost_its_memory_error(limited, said, words):
    raiser = f"def lose(**_): raise SystemError('{words}')\n"
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 33, resource.RLIM_INFINITY))\n"
    program = (
        f"import sys; from hub.cli import app\n{raiser}{limit if limited else ''}app.app = lose\nsys.exit(app.main([]))"
    )
    ended = subprocess.run((sys.executable, "-c", program), capture_output=True, check=False)
    assert (ended.returncode, ended.stderr[: len(said)]) == (2 if limited else 1, said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("mmap.so: failed to map segment from shared object", b"hub: the memory is used up; raise the limit"),
        ("No module named 'hub.cli.nothing'", b"Traceback (most recent call"),
    ],
)
def test_a_library_for_which_there_is_no_memory(words, said):
    raiser = f'def lose(**_): raise ImportError("{words}")\n'
    program = f"import sys; from hub.cli import app\n{raiser}app.app = lose\nsys.exit(app.main([]))"
    ended = subprocess.run((sys.executable, "-c", program), capture_output=True, check=False)
    assert ended.stderr[: len(said)] == said


@pytest.mark.parametrize(
    ("lose", "said"),
    [
        ("threading.Thread(target=print).start()", b"hub: the memory is used up; raise the limit"),
        ("raise RuntimeError('a defect')", b"Traceback (most recent call"),
    ],
)
def test_a_thread_for_whose_stack_there_is_no_memory(lose, said):
    program = f"""import resource, sys, threading
from hub.cli import app
def lose(**_):
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (1 << 20), resource.RLIM_INFINITY))
    {lose}
app.app = lose
sys.exit(app.main([]))"""
    ended = subprocess.run((sys.executable, "-c", program), capture_output=True, check=False)
    assert (ended.returncode, ended.stderr[: len(said)]) == (1 if said.startswith(b"Trace") else 2, said)


@pytest.mark.parametrize("where", ["threading.Thread(target=print)", "ThreadPoolExecutor(2)"])
def test_a_thread_that_found_no_memory_to_begin_is_not_waited_for(where):
    """It ended before it could say that it had begun."""
    program = f"""import sys, threading
from concurrent.futures import ThreadPoolExecutor
from hub.cli import app, ending
ending._THREAD_BEGINS_S = 0.2
threading.Thread._bootstrap = lambda _thread: None
def lose(**_):
    it = {where}
    it.submit(print, 1) if hasattr(it, "submit") else it.start()
app.app = lose
sys.exit(app.main([]))"""
    ended = subprocess.run((sys.executable, "-c", program), capture_output=True, check=False, timeout=60)
    said = b"hub: the memory is used up; raise the limit (ulimit -v, MemoryMax=) and run again\n"
    assert (ended.returncode, ended.stderr) == (2, said)


def test_threads_begin_as_they_did_afterwards():
    before = threading.Thread.start
    with ending_clearly():
        thread = threading.Thread(target=time.sleep, args=(0.01,))
        thread.start()
        assert threading.Thread.start is not before
    assert threading.Thread.start is before
    thread.join()


def test_what_could_not_be_wound_up_without_memory_is_not_told(capsys):
    class Held:
        def __init__(self, error):
            self.error = error

        def __del__(self):
            raise self.error

    with ending_clearly():
        Held(MemoryError())
        assert capsys.readouterr().err == ""


def test_a_connection_that_cannot_be_reset_is_not_told_beside_its_cause(caplog):
    engine = create_engine("sqlite://")

    @event.listens_for(engine, "reset")
    def _lose(*_):
        raise MemoryError

    def give_back():
        with suppress(MemoryError):
            engine.connect().close()

    with ending_clearly():
        give_back()
    assert not caplog.records
    give_back()
    assert [record.name.partition(".impl")[0] for record in caplog.records] == ["sqlalchemy.pool"]
