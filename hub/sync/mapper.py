"""Pages mapped in a process of their own, on another core, while the one before is written.

Mapping is Python and nothing else, so that no thread could do it beside the writer. It needs nothing but the
source as it was made, which a fork of this process has; documents go over and encoded records come back.
Where anything is out of the ordinary (a defect of the plugin, text to be repaired, no memory), the page is
mapped here as if there were no such process, and what is to be said of it is said here.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import msgspec

from hub.records import decode_record
from hub.sync.intake import Intake, take_in
from hub.sync.source import Document, Normalised, Skip, Source

__all__ = ["Begin", "Mapped", "can_map_apart", "mapping_apart"]

Mapped = Callable[[], Intake]
"""Waits for what a page became."""
Begin = Callable[[Sequence[Document]], Mapped]
"""Begins to map the documents of a page; safe to call from any thread."""
_PATIENCE_S = 60.0
"""A page takes a fraction of a second; what takes so long has come to a stand."""
_HERE = b""
"""The answer that leaves a page to whoever asked."""


class _Told(msgspec.Struct, array_like=True):
    """What a document became, as it goes from one process to the other."""

    records: list[bytes]
    skipped: list[Skip]
    unmapped: dict[str, str]


_encode = msgspec.msgpack.Encoder().encode
_documents = msgspec.msgpack.Decoder(list[Document])
_told = msgspec.msgpack.Decoder(list[_Told])


def can_map_apart() -> bool:
    """Tell whether this machine has a core to spare, and a system on which a process may be copied as it runs."""
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1


@contextmanager
def mapping_apart(source: Source, name: str) -> Iterator[Begin | None]:
    """Map what the source `name` reads in a process of its own for as long as the block lasts; None = no room for one.

    To be entered before any thread reads: a copy of this process has no other thread than the one that made it.
    """
    worker = _begin_worker(source, name)
    if worker is None:
        yield None
        return
    pid, pipe = worker
    with ThreadPoolExecutor(1, "mapper") as messenger:

        def ask(documents: Sequence[Document]) -> bytes | bytearray:
            try:
                _send(pipe, _encode(documents))
                return _receive(pipe)
            except (EOFError, OSError):  # it has ended, whyever: what it did is done here from now on
                return _HERE

        def begin(documents: Sequence[Document]) -> Mapped:
            answer = messenger.submit(ask, documents)

            def finish() -> Intake:
                try:
                    intake = _understand(answer.result(_PATIENCE_S))
                except TimeoutError:  # whatever holds it up must not hold up the reading
                    _end(pid)
                    intake = None
                return take_in(source, name, documents) if intake is None else intake

            return finish

        try:
            messenger.submit(bool)  # its thread begins now: no page is lost where there is no room for it
        except RuntimeError:
            begun = None
        else:
            begun = begin
        try:
            yield begun
        finally:
            _end(pid)  # it keeps nothing, and a page nobody waits for may hold it up
            messenger.shutdown(cancel_futures=True)
            pipe.close()
            with suppress(ChildProcessError):  # somebody has this process's children waited for by the system
                os.waitpid(pid, 0)


def _understand(told: bytes | bytearray) -> Intake | None:
    """Decode what came back, which checks it too; None = the page is left to this process."""
    if told == _HERE:
        return None
    intake = Intake()
    for each in _told.decode(told):
        try:
            records = [decode_record(body) for body in each.records]
        except msgspec.MsgspecError:
            return None
        intake.encoded |= {id(record): (record, body) for record, body in zip(records, each.records, strict=True)}
        intake.normalised.append(Normalised(records, each.skipped, each.unmapped))
    return intake


def _begin_worker(source: Source, name: str) -> tuple[int, socket.socket] | None:
    try:
        ours, theirs = socket.socketpair()
    except OSError:
        return None
    try:
        with warnings.catch_warnings():
            # Python from 3.12 on warns where there is another thread, such as that which draws the bars of a terminal,
            # of locks it may hold: the copy draws nothing, logs nothing, and one that comes to a stand is ended.
            warnings.filterwarnings("ignore", ".* is multi-threaded", DeprecationWarning)
            pid = os.fork()
    except OSError:
        ours.close()
        theirs.close()
        return None
    if pid == 0:
        _work(source, name, theirs)
    theirs.close()
    return pid, ours


def _send(pipe: socket.socket, message: bytes) -> None:
    pipe.sendall(len(message).to_bytes(8))
    pipe.sendall(message)


def _receive(pipe: socket.socket) -> bytearray:
    """Wait for a message, all of it at once: each piece would have to wait for Python's lock. Raises EOFError at the end."""
    message = bytearray(int.from_bytes(_whole(pipe, bytearray(8))))
    return _whole(pipe, message)


def _whole(pipe: socket.socket, room: bytearray) -> bytearray:
    with memoryview(room) as left:
        filled = 0
        while filled < len(room):
            got = pipe.recv_into(left[filled:], flags=socket.MSG_WAITALL)
            if not got:
                raise EOFError
            filled += got
    return room


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _work(source: Source, name: str, pipe: socket.socket) -> NoReturn:
    """Map page after page until whoever asks has closed the pipe or is gone."""
    try:
        _let_go(pipe.fileno())
        while True:
            intake = take_in(source, name, _documents.decode(_receive(pipe)), checked=False)
            _send(pipe, _tell(intake))
    finally:
        os._exit(0)  # nothing that was copied is wound up: it is not ours


def _let_go(kept: int) -> None:
    """Close what the copy holds open: a lock or a connection must not outlive the process it belongs to."""
    gc.freeze()  # what was there before is never looked through, so that its memory stays shared
    logging.disable()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    for handle in [int(each.name) for each in Path("/proc/self/fd").iterdir()]:
        if handle > 2 and handle != kept:  # noqa: PLR2004 - the three every process has
            with suppress(OSError):  # that of the list itself
                os.close(handle)


def _tell(intake: Intake) -> bytes:
    if intake.gaps:
        return _HERE
    told = []
    for each in intake.normalised:
        if any(id(record) not in intake.encoded for record in each.records):
            return _HERE
        bodies = [intake.encoded[id(record)][1] for record in each.records]
        told.append(_Told(bodies, each.skipped, each.unmapped))
    return _encode(told)
