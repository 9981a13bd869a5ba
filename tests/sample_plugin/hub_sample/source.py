"""One file, one incident a line: the smallest source that keeps every promise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hub import (
    Census,
    CheckLine,
    Document,
    Normalised,
    Page,
    Provision,
    Skip,
    Slice,
    SourceContext,
    SourceSettings,
)


class SampleSettings(SourceSettings):
    """Where the file is."""

    file: Path
    """One JSON object a line: `{"id": "1", "title": "…"}`; relative to the configuration."""


class JsonLinesSource:
    """Reads the whole file each time: any line may have been edited, so there is nothing to go on from."""

    def __init__(self, settings: SampleSettings, context: SourceContext) -> None:
        self._file = context.base_dir / settings.file
        self._name = context.name

    def check(self) -> list[CheckLine]:
        """Say whether the file can be read."""
        if self._file.is_file():
            return [CheckLine("ok", f"{self._file} can be read")]
        return [CheckLine("error", f"{self._file} does not exist", "correct `file` in this source's section")]

    def provides(self) -> list[Provision]:
        """Incidents have a title, nothing more."""
        return [Provision("incident", frozenset({"title"}))]

    def slices(self) -> list[Slice]:
        """The file is one scope."""
        missing = None if self._file.is_file() else "the file does not exist"
        return [Slice("line", self._file.name, frozenset({"incident"}), unreadable=missing)]

    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """Give all lines in one page."""
        lines = self._lines()
        documents = [
            Document(part.stream, self._native_id(line, number), part.scope, line.encode())
            for number, line in enumerate(lines, start=1)
        ]
        if documents:
            yield Page(documents, {"line": len(lines)})

    def normalise(self, document: Document) -> Normalised:
        """One line is one incident."""
        from hub.records import KINDS

        try:
            row = json.loads(document.body)
            record = KINDS["incident"](
                id=f"{self._name}:{document.native_id}", source=self._name, scope=document.scope, title=row["title"]
            )
        except (ValueError, KeyError, TypeError):
            return Normalised([], [Skip(document.native_id, "not an incident")])
        return Normalised([record])

    def census(self, part: Slice) -> Iterator[Census]:
        """List the ids in the file: a line that is gone was deleted."""
        lines = self._lines()
        yield Census(part.stream, part.scope, [self._native_id(line, at) for at, line in enumerate(lines, start=1)])

    def look_for(self, stream: str, native_ids: Sequence[str]) -> Iterator[Page]:
        """Give nothing: what a file does not hold is nowhere else."""
        yield from ()

    def close(self) -> None:
        """Nothing is held."""

    def _lines(self) -> list[str]:
        return [line for line in self._file.read_text(encoding="utf-8").splitlines() if line.strip()]

    @staticmethod
    def _native_id(line: str, number: int) -> str:
        try:
            return str(json.loads(line)["id"])
        except (ValueError, KeyError, TypeError):
            return f"line-{number}"
