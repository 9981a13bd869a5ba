"""The folder of a sample: its documents, a manifest over every byte, and the proof that needs no store.

The manifest is written last: a folder without one was never finished.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from hub.clock import format_instant
from hub.conformance.exhibit import Exhibits
from hub.errors import StoreError
from hub.report.sample import Sheet, sheet_csv, sheet_json
from hub.store.access import RawDocument
from hub.store.provenance import ChainHead

__all__ = ["MANIFEST", "SEAL", "SHEET", "KeptDocument", "Manifest", "new_folder", "seal_of", "write_sample"]

MANIFEST, SEAL, SHEET = "manifest.json", "manifest.sha256", "sample.json"
_HOW = [
    "hub sample --verify FOLDER does all of the following, without a store and without a network.",
    "manifest.sha256 holds the SHA-256 of manifest.json (sha256sum -c manifest.sha256). Note it where nobody who keeps this folder can write.",
    "files: the SHA-256 of every other file. A raw document is named by its own.",
    "documents: chain = SHA-256(chain_before, stream, native_id, sha256). Hashes go in as bytes, each text as UTF-8 with its length before it in 4 bytes, most significant first. The chain of a source begins with the SHA-256 of its name.",
    "chains: how far the chain of each source had grown at known-at; hub verify follows it from its beginning.",
    "items of sample.json: rank = SHA-256 of the JSON array [seed, requirement, as_of, known_at, part, unit.id, anchor] without blanks, non-ASCII characters escaped. The sample is what ranks first of all obligations drawn from.",
    "The same hub sample command on the store, with the as-of and known-at of sample.json, writes the same bytes.",
]


class KeptDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A raw document of the sample and its place in the chain of its source."""

    sha256: str
    file: str | None
    """None: disposed of; the hash stays."""
    disposed_at: str | None
    source: str
    stream: str
    native_id: str
    position: int
    fetched_at: str
    size: int
    chain_before: str
    chain: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `manifest.json` says."""

    how_to_verify: list[str]
    files: dict[str, str]
    documents: list[KeptDocument]
    chains: list[ChainHead]


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Make a folder only its owner may read; where the block fails nothing of it is left.

    Raises StoreError where it cannot be made or holds something.
    """
    made = not folder.exists()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise StoreError(f"{folder} is there already and holds something; name a new folder")
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield
    except BaseException as error:
        for path in () if made else folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if made:
            shutil.rmtree(folder)
        if isinstance(error, OSError):
            raise _unwritable(folder, error) from error
        raise


def write_sample(
    folder: Path,
    sheet: Sheet,
    documents: Iterable[RawDocument],
    exhibits: Exhibits,
) -> tuple[Manifest, str]:
    """Write the sample into an empty folder; `documents` are those the exhibits name.

    Returns the manifest and its SHA-256, hexadecimal.

    Raises StoreError for a document that is not what was hashed when it was kept.
    """
    files = {SHEET: _write(folder / SHEET, sheet_json(sheet))}
    files["sample.csv"] = _write(folder / "sample.csv", sheet_csv(sheet))
    places, kept = exhibits.places, list[KeptDocument]()
    for one in documents:
        name = None
        if one.body is not None:
            if hashlib.sha256(one.body).digest() != one.hash:
                raise StoreError(f"{one.source}, document {one.seq}: the body was altered; run: hub verify")
            (folder / "documents").mkdir(mode=0o700, exist_ok=True)
            name = f"documents/{one.hash.hex()}.{_ending(one.body)}"
            files[name] = _write(folder / name, one.body)
        kept.append(_kept(one, name, places[one.doc].chain_before))
    manifest = Manifest(
        how_to_verify=_HOW,
        files=files,
        documents=sorted(kept, key=lambda one: (one.source, one.position)),
        chains=exhibits.chains,
    )
    body = msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1) + b"\n"
    digest = _write(folder / MANIFEST, body)
    _write(folder / SEAL, seal_of(digest))
    return manifest, digest


def seal_of(digest: str) -> bytes:
    """Return what `sha256sum` writes of the manifest."""
    return f"{digest}  {MANIFEST}\n".encode()


def _write(path: Path, body: bytes) -> str:
    """Write a file only its owner may read; return its SHA-256."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as stream:
        stream.write(body)
    return hashlib.sha256(body).hexdigest()


def _ending(body: bytes) -> str:
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "raw"
    return "json"


def _kept(one: RawDocument, name: str | None, before: str) -> KeptDocument:
    return KeptDocument(
        sha256=one.hash.hex(),
        file=name,
        disposed_at=None if one.disposed_at is None or name else format_instant(one.disposed_at),
        source=one.source,
        stream=one.stream,
        native_id=one.native_id,
        position=one.seq,
        fetched_at=format_instant(one.fetched_at),
        size=one.size,
        chain_before=before,
        chain=one.chain.hex(),
    )


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(f"{folder} cannot be written: {error.strerror or error}")
