"""Keys of another tool's tickets in branch, title, description and trailers of a merge request.

Only keys of configured projects are looked for: `note-1` and `CVE-2026` look like keys and are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["KeyFinder", "Mention", "key_id", "trailers"]

LONGEST_TEXT = 1_000_000
"""Characters that are looked through."""
_TRAILER = re.compile(r"^[A-Za-z][A-Za-z0-9-]*:\s*\S")
_CODE = re.compile(r"^(`{3,}|~{3,})")


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """A key, and whether it says what the merge request is for or only speaks of it."""

    source: str
    key: str
    firm: bool
    """Stands in the branch, the title or a trailer; otherwise in the description only."""


def key_id(source: str, key: str) -> str:
    """Make the id under which a record of another source is known by what people call it."""
    return f"{source}:key/{key}"


def trailers(text: str) -> list[str]:
    """Give the lines `Name: value` of the last paragraph of a message, if it holds nothing else."""
    paragraphs = [block for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").strip()) if block.strip()]
    lines = [line.strip() for line in paragraphs[-1].splitlines()] if paragraphs else []
    return lines if lines and all(_TRAILER.match(line) for line in lines) else []


class KeyFinder:
    """Finds the keys of configured projects; `projects` is source -> keys of its projects."""

    def __init__(self, projects: Mapping[str, Sequence[str]]) -> None:
        self._source_of = {key.upper(): source for source, keys in projects.items() for key in keys}
        either = "|".join(sorted(map(re.escape, self._source_of), key=lambda key: (-len(key), key)))
        number = r"([1-9][0-9]{0,17})"
        self._in_text = (
            re.compile(rf"(?<![A-Za-z0-9_-])({either})-{number}(?![A-Za-z0-9_]|[.-][A-Za-z0-9])") if either else None
        )
        self._in_branch = (
            re.compile(rf"(?<![A-Za-z0-9])({either})-{number}(?![A-Za-z0-9])", re.IGNORECASE) if either else None
        )

    def __bool__(self) -> bool:
        """Say whether any project is configured."""
        return self._in_text is not None

    def in_branch(self, name: str | None) -> set[tuple[str, str]]:
        """Find (source, key) in the name of a branch, in whatever case it is written there."""
        return self._found(self._in_branch, name)

    def in_text(self, text: str | None) -> set[tuple[str, str]]:
        """Find (source, key) in words, outside blocks of code."""
        if text and ("```" in text or "~~~" in text):
            text = _without_code(text[:LONGEST_TEXT])
        return self._found(self._in_text, text)

    def mentions(
        self, *, branch: str | None, title: str | None, description: str | None, messages: Iterable[str]
    ) -> list[Mention]:
        """Find every key once: firm where branch, title or a trailer names it."""
        if not self:
            return []
        firm = self.in_branch(branch) | self.in_text(title)
        for message in (description or "", *messages):
            for line in trailers(message[:LONGEST_TEXT]):
                firm |= self.in_text(line)
        loose = self.in_text(description) - firm
        return sorted([Mention(*each, firm=True) for each in firm] + [Mention(*each, firm=False) for each in loose])

    def _found(self, pattern: re.Pattern[str] | None, text: str | None) -> set[tuple[str, str]]:
        if pattern is None or not text:
            return set()
        found = pattern.findall(text[:LONGEST_TEXT])
        return {(self._source_of[project.upper()], f"{project.upper()}-{number}") for project, number in found}


def _without_code(text: str) -> str:
    kept: list[str] = []
    fence = ""
    for line in text.splitlines():
        mark = _CODE.match(line.strip())
        if mark and not fence:
            fence = mark[1]
        elif fence:
            if line.strip().startswith(fence):
                fence = ""
        else:
            kept.append(line)
    return "\n".join(kept)
