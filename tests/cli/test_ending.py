"""A command that is told to end, whose reader leaves, or that runs out of room ends in one line or none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

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
