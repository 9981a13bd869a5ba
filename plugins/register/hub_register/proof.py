"""Whether the file a row rests on is still the one that was hashed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from hub_register.mapping import plain_digest

if TYPE_CHECKING:
    from pathlib import Path

    from hub_register.row import Row

__all__ = ["ProofCheck"]


class ProofCheck:
    """Hashes files inside the folder of the register, each once as long as it does not change.

    A proof that is a URL, a Message-ID or a path outside the folder is not looked at.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[tuple[Path, int, int], str] = {}

    def fault(self, row: Row) -> str:
        """Say what is wrong with the proof of a row; empty = nothing, or nothing that can be told."""
        cells = row.node.value if isinstance(row.node.value, dict) else {}
        proof, given = (cells[key].value if key in cells else None for key in ("proof", "proof_hash"))
        if not isinstance(proof, str) or not isinstance(given, str):
            return ""
        digest = self._digest(proof)
        stated = plain_digest(given)
        if digest is None or digest == stated:
            return ""
        return f"{proof} has the SHA-256 {digest}, not {stated}; it was altered, or the row is of another file"

    def _digest(self, proof: str) -> str | None:
        """Hash a file of the folder; None = it is none, or cannot be read."""
        try:
            path = (self._folder / proof).resolve()
            if not path.is_relative_to(self._folder.resolve()) or not path.is_file():
                return None
            state = path.stat()
            key = (path, state.st_size, state.st_mtime_ns)
            if key not in self._known:
                with path.open("rb") as file:
                    self._known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError):  # not a path at all, or closed to us
            return None
        return self._known[key]
