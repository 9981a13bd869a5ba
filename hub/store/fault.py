"""What a database says when it cannot, in words a person can act on."""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from hub.errors import MEMORY_USED_UP, Locked, StoreError

__all__ = ["DAMAGED", "as_store_error", "is_conflict"]

DAMAGED = "is damaged; restore a backup with: hub db restore FILE"

_SQLITE: dict[int, str] = {
    26: "is not a database of the hub; check store.url",  # SQLITE_NOTADB
    11: DAMAGED,  # SQLITE_CORRUPT
    13: "cannot be written: the disk is full; make room and run again",  # SQLITE_FULL
    8: "cannot be written: the file or its folder is read-only for this user",  # SQLITE_READONLY
    14: "cannot be opened: its folder is missing, not open to this user, or on a file system that is read-only",  # SQLITE_CANTOPEN
    10: "cannot be read or written: the disk reports a fault",  # SQLITE_IOERR
    3: "cannot be opened by this user",  # SQLITE_PERM
}
_NO_INDEX = "cannot be read or written: no memory, or no room in its folder, is left for its index"
_SHARED = frozenset(10 | detail << 8 for detail in (18, 19, 20, 21))  # SQLITE_IOERR_SHMOPEN, -SIZE, -LOCK, -MAP
_OUT_OF_MEMORY = frozenset((7, 10 | 12 << 8))  # SQLITE_NOMEM, SQLITE_IOERR_NOMEM
_TAKEN = frozenset((5, 6))  # SQLITE_BUSY, SQLITE_LOCKED
_CONSTRAINT = 19  # SQLITE_CONSTRAINT
_POSTGRESQL: dict[str, str] = {
    "53200": "is on a server whose memory is used up; give it more, then run again",
    "53100": "cannot be written: the disk of the database server is full",
    "53300": "has no connection left; raise max_connections or run fewer workers",
    "25006": "cannot be written: the server is read-only",
    "28P01": "refuses the user or the password of store.url",
    "28000": "refuses the user of store.url",
    "3D000": "does not exist; create the database first (createdb)",
    "42501": "does not allow the user of store.url to do this; let the owner of the database run: hub db upgrade",
    "57P03": "is starting up or shutting down; run again in a moment",
    "57P01": "ended the connection; run again",
    "57P02": "ended the connection; run again",
}
_CONNECTING = {
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    "permission denied for database": "28000",
    "database ": "3D000",
    "role ": "28000",
    "sorry, too many clients": "53300",
    "remaining connection slots": "53300",
    "the database system is ": "57P03",
}
"""What the server says before there is a connection -> the code the driver does not hand on then."""
_LOST = ("server closed the connection", "connection is lost", "connection is closed", "terminating connection")
_MEMORY = ("out of memory", "cannot allocate memory", "memory allocation failure", "couldn't allocate")
"""How libpq, its driver and the C library say that this process may take no more."""
_LOCKED = "is being written by another process; wait for it or end it, then run again"


def as_store_error(error: Exception, place: str) -> StoreError | MemoryError | None:
    """Translate a fault of the database, as its driver or SQLAlchemy raises it; None for a defect of the hub.

    That this process has no memory left is a MemoryError, as everywhere else: the database is sound.
    """
    original: Any = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(original, "sqlite_errorcode", None)
    if code is not None:
        return _of_sqlite(code, original, place)
    state = getattr(original, "sqlstate", None) or _before_connection(str(original))
    if state is not None:
        return _of_server(state, original, place)
    if any(words in str(original).lower() for words in _MEMORY):
        return MemoryError(MEMORY_USED_UP)  # whatever its class: it may come as a ProgrammingError of the address
    if isinstance(error, OperationalError) or type(original).__name__ == "OperationalError":
        if any(words in str(original) for words in _LOST):
            return StoreError(f"{place} {_POSTGRESQL['57P01']} ({_first_line(original)})")
        return StoreError(f"{place} cannot be reached: {_first_line(original)}")
    return None


def _of_server(state: str, original: Exception, place: str) -> StoreError | None:
    if state == "55P03":
        return Locked(f"{place} {_LOCKED}")
    words = _POSTGRESQL.get(state)
    return None if words is None else StoreError(f"{place} {words} ({_first_line(original)})")


def _before_connection(said: str) -> str | None:
    _, fatal, reason = said.partition("FATAL:  ")
    if not fatal:
        return None
    return next((code for words, code in _CONNECTING.items() if reason.startswith(words)), None)


def _of_sqlite(code: int, original: Exception, place: str) -> StoreError | MemoryError | None:
    kind = code & 0xFF  # the rest is in detail
    if code in _OUT_OF_MEMORY:
        return MemoryError(MEMORY_USED_UP)
    if kind in _TAKEN:
        return Locked(f"{place} {_LOCKED}")
    words = _NO_INDEX if code in _SHARED else _SQLITE.get(kind)
    return None if words is None else StoreError(f"{place} {words} ({_first_line(original)})")


def is_conflict(error: DBAPIError) -> bool:
    """Tell whether a row was refused because it may not stand beside another, whatever class the driver gives that."""
    code = getattr(error.orig, "sqlite_errorcode", 0)
    return isinstance(error, IntegrityError) or code & 0xFF == _CONSTRAINT


def _first_line(error: object) -> str:
    said = str(error).rsplit("FATAL:  ", 1)[-1]
    return (said.splitlines() or ["no reason given"])[0]
