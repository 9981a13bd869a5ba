"""HTTP connections on which an answer has to be there by a deadline, however busily it drips.

A read time-out bounds silence only: a server, or what stands before it, that sends a byte now and then
would hold a reading for ever.
"""

from __future__ import annotations

import http.client
import io
import socket
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from hub.clock import monotonic_s

if TYPE_CHECKING:
    from urllib3 import PoolManager

__all__ = ["PatientAdapter"]

BUFFER = 65_536
"""Bytes read at once, each with a look at the clock."""


class _UntilDeadline(io.RawIOBase):
    """Reads from a socket; TimeoutError once the time is over."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, total_s: float) -> None:
        self._raw = raw
        self._sock = sock
        self._end_s = monotonic_s() + total_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._end_s - monotonic_s()
        if left <= 0:
            raise TimeoutError("the answer is not there in time")
        silence = self._sock.gettimeout()
        self._sock.settimeout(left if silence is None else min(left, silence))
        try:
            return self._raw.readinto(buffer)
        finally:
            self._sock.settimeout(silence)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _patient(connection: type[HTTPConnection], total_s: float) -> type[HTTPConnection]:
    class Response(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
            super().__init__(sock, *args, **more)
            self.fp = io.BufferedReader(_UntilDeadline(self.fp.detach(), sock, total_s), BUFFER)

    return type(connection.__name__, (connection,), {"response_class": Response})


class PatientAdapter(HTTPAdapter):
    """Waits `total_s` seconds for the whole of an answer, from its first byte asked for to its last.

    Keeps up to `connections` open to a host.
    """

    def __init__(self, total_s: float, connections: int = 10) -> None:
        self._pools = {
            "http": _pool(HTTPConnectionPool, _patient(HTTPConnection, total_s)),
            "https": _pool(HTTPSConnectionPool, _patient(HTTPSConnection, total_s)),
        }
        super().__init__(pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """Make the connections to servers."""
        super().init_poolmanager(*args, **more)
        self._equip(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **more: Any) -> Any:
        """Make the connections through a proxy."""
        manager = super().proxy_manager_for(*args, **more)
        self._equip(manager)
        return manager

    def _equip(self, manager: PoolManager) -> None:
        manager.pool_classes_by_scheme = dict(self._pools)


def _pool(pool: type[HTTPConnectionPool], connection: type[HTTPConnection]) -> type[HTTPConnectionPool]:
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})
