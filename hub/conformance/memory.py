"""What a pack compiles to, remembered between runs: files in the user's cache directory that may vanish at any time.

A file lies under the hash of all it was made from and counts only where the hash at its head fits. Nothing
here fails a command: what cannot be read is made anew, what cannot be written is not remembered.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import msgspec
import zstandard

__all__ = ["Memory"]

T = TypeVar("T")
_ROOMS = ("conformance", "records", "sla", "store")
"""Folders of the hub from which a pack may import."""
_KEPT = 12
"""Newest files that stay; a pack under one profile makes three, with PostgreSQL four."""
_HASH_BYTES = 32


class Memory:
    """What is made from the sources of one package and of the hub, and from nothing else."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._digest = _digest(package)

    def recall(self, what: str, kind: type[T], make: Callable[[], T]) -> T:
        """Return what the same sources made under the name `what` before, else make and remember it.

        `what` says all that decides the result beside the sources; `kind` is a type msgspec decodes.
        """
        if self._digest is None:
            return make()
        key = hashlib.sha256(self._digest + what.encode()).digest()
        found = _read(key, kind)
        if found is None:
            found = make()
            if _digest(self._package) == self._digest:  # an upgrade meanwhile may have mixed old modules with new
                _write(key, msgspec.msgpack.encode(found))
        return found


def _digest(package: str) -> bytes | None:
    """Hash all sources with the versions of what they are run by; None where they are no readable files."""
    digest = hashlib.sha256(repr((sys.version, version("sqlalchemy"), version("msgspec"))).encode())
    try:
        for file in _sources(package):
            content = file.read_bytes()
            digest.update(f"{file}\0{len(content)}\0".encode())
            digest.update(content)
    except (ImportError, OSError):
        return None
    return digest.digest()


def _sources(package: str) -> Iterator[Path]:
    hub = Path(__file__).parents[1]
    yield from sorted(hub.glob("*.py"))
    spec = find_spec(package)
    for folder in (*(hub / room for room in _ROOMS), *map(Path, (spec and spec.submodule_search_locations) or [""])):
        found = [file for file in folder.rglob("*") if "__pycache__" not in file.parts and file.is_file()]
        if not found or not folder.is_absolute():
            raise FileNotFoundError(folder)
        yield from sorted(found)


def _folder() -> Path:
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".cache") / "itsm-hub"


def _read(key: bytes, kind: type[T]) -> T | None:
    try:
        with (_folder() / key.hex()).open("rb") as file:
            if os.fstat(file.fileno()).st_uid != os.geteuid():  # SQL of somebody else is not run
                return None
            kept = file.read()
        head, content = kept[:_HASH_BYTES], kept[_HASH_BYTES:]
        if head != hashlib.sha256(key + content).digest():
            return None
        return msgspec.msgpack.decode(zstandard.decompress(content), type=kind)
    except (OSError, RuntimeError, zstandard.ZstdError, msgspec.DecodeError):
        return None


def _write(key: bytes, plain: bytes) -> None:
    content = zstandard.compress(plain)
    try:
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(hashlib.sha256(key + content).digest() + content)
            Path(name).replace(folder / key.hex())
        finally:
            Path(name).unlink(missing_ok=True)
        by_age = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime_ns)
        for old in by_age[:-_KEPT]:
            old.unlink(missing_ok=True)
    except (OSError, RuntimeError):  # no home, no room, no permission, or another run tidied up first
        return
