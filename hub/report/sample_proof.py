"""Prove the folder of a sample by itself: no store, no network, and nothing in it is believed."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from hub.conformance.sample import rank_of
from hub.errors import StoreError
from hub.report.sample import Sheet, counted, sheet_csv
from hub.report.sample_folder import MANIFEST, SEAL, SHEET, KeptDocument, Manifest, seal_of
from hub.store.document import chain_of
from hub.store.redaction import TOKEN

__all__ = ["Proof", "prove_folder"]

T = TypeVar("T")


class Proof(msgspec.Struct, kw_only=True):
    """How much was looked at, and what is wrong."""

    manifest_sha256: str
    """To be compared with the one noted when the sample was drawn."""
    files: int = 0
    documents: int = 0
    disposed: int = 0
    """Of the documents, those of which the hash alone is left."""
    items: int = 0
    faults: list[tuple[str, str]] = []
    """(place, fault)."""


def prove_folder(folder: Path) -> Proof:
    """Check every byte of a sample's folder, every hash and link of a chain, every rank.

    Raises StoreError where there is no finished sample at all.
    """
    if not folder.is_dir():
        raise StoreError(f"there is no folder {folder}")
    try:
        found = dict(_files(folder))
        if found.get(MANIFEST) is None:
            raise StoreError(f"{folder} has no {MANIFEST}: it is no sample, or was not finished")
        return _prove(folder, found)
    except OSError as error:
        raise StoreError(f"{error.filename or folder} cannot be read: {error.strerror or error}") from error


def _prove(folder: Path, found: dict[str, str | None]) -> Proof:
    proof = Proof(manifest_sha256=found[MANIFEST] or "", files=len(found))
    if found.get(SEAL) is None or (folder / SEAL).read_bytes() != seal_of(proof.manifest_sha256):
        proof.faults.append((MANIFEST, f"was altered: {SEAL} does not say its hash"))
    manifest = _decoded(folder / MANIFEST, Manifest, proof)
    if manifest is None:
        return proof
    for name in sorted({*found, *manifest.files} - {MANIFEST, SEAL}):
        if name not in manifest.files:
            proof.faults.append((name, "does not belong to the sample"))
        elif name not in found:
            proof.faults.append((name, "is missing"))
        elif found[name] != manifest.files[name]:
            proof.faults.append((name, "was altered"))
    for one in manifest.documents:
        _prove_document(one, manifest, proof)
    sheet = _decoded(folder / SHEET, Sheet, proof) if found.get(SHEET) else None
    if sheet is not None:
        _prove_sheet(sheet, manifest, proof)
    return proof


def _prove_document(one: KeptDocument, manifest: Manifest, proof: Proof) -> None:
    proof.documents += 1
    place = f"{one.source}, document {one.position}"
    if one.file is None:
        proof.disposed += 1
        if one.disposed_at is None:
            proof.faults.append((place, "is not there, and nothing says that it was disposed of"))
    elif manifest.files.get(one.file) != one.sha256:
        proof.faults.append((place, f"{one.file} is not what was hashed when it was kept"))
    if TOKEN.search(one.native_id):
        return  # the id an erasure took out was part of what was hashed
    try:
        before, digest = bytes.fromhex(one.chain_before), bytes.fromhex(one.sha256)
    except ValueError:
        proof.faults.append((place, "its hashes are no hexadecimal numbers"))
        return
    if chain_of(before, one.stream, one.native_id, digest).hex() != one.chain:
        proof.faults.append((place, "does not follow from the one before it in the chain"))


def _prove_sheet(sheet: Sheet, manifest: Manifest, proof: Proof) -> None:
    proof.items = len(sheet.items)
    proof.faults += [(f"{SHEET}, {place}", fault) for place, fault in _sheet_faults(sheet)]
    if hashlib.sha256(sheet_csv(sheet)).hexdigest() != manifest.files.get("sample.csv"):
        proof.faults.append(("sample.csv", f"does not say what {SHEET} says"))
    hashes = {one.sha256 for one in manifest.documents}
    for line in sheet.items:
        for exhibit in (line.unit, *line.evidence):
            if exhibit.document_sha256 not in {None, *hashes}:
                proof.faults.append((f"{SHEET}, item {line.number}", f"the document of {exhibit.id} is not listed"))


def _sheet_faults(sheet: Sheet) -> list[tuple[str, str]]:
    """List (place, fault) of what contradicts itself: ranks that are not the hash of their line, wrong counts."""
    asked = sheet.asked
    faults = []
    for number, line in enumerate(sheet.items, 1):
        rank = rank_of(
            seed=asked.seed,
            requirement=asked.requirement,
            as_of=asked.as_of,
            known_at=asked.known_at,
            part=line.part,
            unit=line.unit.id,
            anchor=line.anchor,
        )
        if (line.number, line.rank) != (number, rank):
            faults.append((f"item {number}", "its rank does not follow from seed, question and unit"))
    ranks = [line.rank for line in sheet.items]
    if ranks != sorted(set(ranks)):
        faults.append(("items", "are not in the order of their ranks, or one stands there twice"))
    if sheet.sample != counted(Counter(line.verdict for line in sheet.items)):
        faults.append(("sample", "is not what the items add up to"))
    population = sheet.population.verdicts
    there = sum(n for verdict, n in population.items() if not asked.verdicts or verdict in asked.verdicts)
    if there != sheet.drawn_from or len(sheet.items) != min(asked.n, there):
        faults.append(("items", f"are {len(sheet.items)}; {asked.n} were asked for of {there}"))
    if sheet.population.size != sum(population.values()):
        faults.append(("population", "is not what its verdicts add up to"))
    return faults


def _decoded(path: Path, form: type[T], proof: Proof) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=form)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        proof.faults.append((path.name, f"cannot be understood: {error}"))
        return None


def _files(folder: Path) -> Iterator[tuple[str, str | None]]:
    """Yield every file below with its SHA-256, None for what is no plain file; links are not followed."""
    for place, folders, names in os.walk(folder):
        for name in sorted(names) + [one for one in folders if (Path(place) / one).is_symlink()]:
            path = Path(place) / name
            digest = None
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
            yield path.relative_to(folder).as_posix(), digest
