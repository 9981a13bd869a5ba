"""One reader a source, one deriver a store: locks that die with the process that holds them."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from hub.clock import Clock, format_instant
from hub.errors import Locked, StoreError
from hub.store.lock import hold_advisory
from hub.store.store import Store

__all__ = ["DERIVE", "hold", "hold_all", "source_lock"]

DERIVE = "derive"
"""Name of the lock for deriving and reporting."""


def source_lock(source: str) -> str:
    """Name the lock of one source."""
    return f"source {source}"


@contextmanager
def hold(store: Store, name: str, *, clock: Clock) -> Iterator[None]:
    """Hold the lock `name` of this store for as long as the block lasts; never waits for it.

    SQLite: a locked file beside the database, which the kernel releases however the process ends.
    PostgreSQL: a session's advisory lock, which the server releases with the connection. Raises
    Locked, saying who holds it since when; StoreError where the file cannot be made.
    """
    holder = f"process {os.getpid()} on {socket.gethostname()} since {format_instant(clock.now_ms())}"
    if store.dialect == "sqlite":
        with _hold_file(Path(f"{store.place}.{quote(name, safe='')}.lock"), name, holder):
            yield
    else:
        with hold_advisory(store, name, holder):
            yield


@contextmanager
def hold_all(store: Store, sources: Iterable[str], *, clock: Clock) -> Iterator[None]:
    """Hold every lock there is for these sources: nobody reads, derives, reports or delivers meanwhile."""
    with ExitStack() as stack:
        for name in ("run", *(source_lock(source) for source in sorted(sources)), DERIVE):
            stack.enter_context(hold(store, name, clock=clock))
        yield


@contextmanager
def _hold_file(path: Path, name: str, holder: str) -> Iterator[None]:
    # The file is never removed: a second run could lock a name that no longer leads to it.
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.pread(handle, 300, 0).decode(errors="replace").strip()
            raise Locked(f"{name}: held by {other or 'another process'}") from None
        with suppress(OSError):  # on a full disk the lock holds all the same, it only does not say whose it is
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{holder}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
