"""The SQLite that opens a store, wherever one is opened: `from hub.store.sqlite import sqlite3`.

It is pysqlite3's, which brings a SQLite of its own, where that is installed, else Python's. Never both for one file: two
copies of SQLite in one process release each other's locks. As it is built, SQLite keeps a count of all its memory under one
lock, which threads that derive side by side wait for: a tenth of their time. The one we bring is told not to count.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

OPENING: dict[str, Any]
"""What else `sqlite3.connect` is given. A fault comes with its code in detail: no memory is not a broken disk. A connection,
which no two threads use at once, takes no lock for each value bound."""

if TYPE_CHECKING:
    import sqlite3  # noqa: TID251 - the one place that chooses
else:
    _first = "pysqlite3" not in sys.modules  # else somebody may have a connection
    try:
        from pysqlite3 import _sqlite3 as _driver
        from pysqlite3 import dbapi2 as sqlite3

        if _first:
            with suppress(AttributeError, OSError):  # built so that its functions cannot be reached
                _library = ctypes.CDLL(_driver.__file__)
                _library.sqlite3_shutdown()  # importing it began it
                _library.sqlite3_config(9, 0)  # SQLITE_CONFIG_MEMSTATUS
        _EXTENDED_CODES = 0x02000000  # SQLITE_OPEN_EXRESCODE
        _NO_MUTEX = 0x00008000  # SQLITE_OPEN_NOMUTEX
        _WRITABLE = sqlite3.SQLITE_OPEN_READWRITE | sqlite3.SQLITE_OPEN_CREATE
        OPENING = {"flags": _WRITABLE | _EXTENDED_CODES | _NO_MUTEX}
    except ModuleNotFoundError:
        import sqlite3  # noqa: TID251 - the same

        OPENING = {}  # of itself

__all__ = ["OPENING", "sqlite3"]

# Of every value that is no number or text the driver asks whether it can adapt itself, by look-ups that fail: of a wide
# row that took two thirds of the time of its insert. An adapter that gives back what it is given ends the asking.
_nothing: Any = {}.get  # gives None; a function of Python would cost again
sqlite3.register_adapter(type(None), _nothing)
sqlite3.register_adapter(bool, int)
sqlite3.register_adapter(bytes, bytes)
