"""The folder of a site: written beside the old one, put in its place at once.

Whoever kills a publish leaves the old pages, whole; the next one clears up. What no publish wrote is
never removed: a folder that holds such a file is refused.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hub.errors import StoreError

__all__ = ["MARK", "Written", "publish"]

MARK = "hub-publish.json"
"""Lists every other file with its SHA-256: the sign that a publish wrote the folder, and which files are its."""
_AT_FDCWD, _EXCHANGE = -100, 2
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


class _Mark(msgspec.Struct, frozen=True, kw_only=True):
    report: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Written:
    """What a publish left."""

    folder: Path
    files: int
    size: int
    """Bytes."""


def publish(folder: Path, report: str, files: Iterable[tuple[str, bytes]]) -> Written:
    """Put the files in the place of what an earlier publish left in `folder`; `report` names what they show.

    `files` is drawn while it is written: no more than one is held. Raises StoreError where the folder holds
    what no publish wrote, or cannot be written; then the folder is as it was.
    """
    place = folder.resolve()
    fresh, old = (place.with_name(f".{place.name}.{ending}") for ending in ("hub-new", "hub-old"))
    try:
        if old.exists() and not place.exists():  # killed between the two steps of a file system without exchange
            old.rename(place)
        _refuse_foreign(place)
        for left in (fresh, old):
            if left.exists():
                shutil.rmtree(left)
        place.parent.mkdir(parents=True, exist_ok=True)
        written = _write(fresh, report, files)
        _refuse_foreign(place)  # somebody may have put a file there meanwhile
        _swap(fresh, place, old)
        for left in (fresh, old):
            if left.exists():
                shutil.rmtree(left)
    except OSError as error:
        raise StoreError(f"{place} cannot be written: {error.strerror or error}") from error
    return Written(place, *written)


def _refuse_foreign(place: Path) -> None:
    if not place.exists():
        return
    if not place.is_dir():
        raise StoreError(f"{place} is no folder; name another")
    there = {path.relative_to(place).as_posix() for path in place.rglob("*") if not path.is_dir() or path.is_symlink()}
    if not there:
        return
    mark = place / MARK
    try:
        ours = {MARK, *msgspec.json.decode(mark.read_bytes(), type=_Mark).files} if mark.is_file() else set[str]()
    except msgspec.MsgspecError:
        ours = set()
    if foreign := sorted(there - ours):
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise StoreError(f"{place} holds what no publish wrote ({foreign[0]}{more}); name a folder of its own")


def _write(fresh: Path, report: str, files: Iterable[tuple[str, bytes]]) -> tuple[int, int]:
    fresh.mkdir()
    digests: dict[str, str] = {}
    made = {fresh}
    size = 0
    for name, body in files:
        if name in digests:
            raise StoreError(f"two pages would be called {name}")
        path = fresh / name
        if path.parent not in made:
            path.parent.mkdir(parents=True)
            made.add(path.parent)
        path.write_bytes(body)
        digests[name] = hashlib.sha256(body).hexdigest()
        size += len(body)
    mark = msgspec.json.encode(_Mark(report=report, files=digests), order="deterministic")
    (fresh / MARK).write_bytes(msgspec.json.format(mark, indent=1) + b"\n")
    return len(digests) + 1, size


def _swap(fresh: Path, place: Path, old: Path) -> None:
    """Put `fresh` in the place; in one step where the system can, so that there is never nothing."""
    if not place.exists():
        fresh.rename(place)
        return
    fresh.chmod(place.stat().st_mode)
    if not _exchange(fresh, place):
        place.rename(old)
        fresh.rename(place)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders by name at once (Linux, renameat2); False where that is not to be had."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(other))
