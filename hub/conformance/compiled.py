"""The parts of a pack under one profile, from its declarations or as remembered: plain data, and SQL as text."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import cache, partial
from typing import Any

from sqlalchemy import Dialect

from hub.conformance.expression import tongue
from hub.conformance.memory import Memory
from hub.conformance.part import Outline, Part

__all__ = ["Declared", "remembered_parts"]

Declared = dict[str, list[Part]]
"""Requirement -> its parts."""
_OUTLINE = [each.name for each in fields(Outline)]


def remembered_parts(memory: Memory, profile: str, declare: Callable[[], Declared]) -> Declared:
    """Return what `declare` does, which is asked only for what is not remembered under `profile`.

    SQL is written, and remembered, for all parts at once in each dialect that one is asked for.
    """
    declared = cache(_unswept()(declare))
    texts: dict[str, dict[str, list[str]]] = {}

    def outlines() -> dict[str, list[Outline]]:
        return {rid: [Outline(**_outline(part)) for part in parts] for rid, parts in declared().items()}

    @_unswept()
    def written(dialect: Dialect) -> dict[str, list[str]]:
        return {rid: [part.written(dialect) for part in parts] for rid, parts in declared().items()}

    def text(rid: str, place: int, dialect: Dialect) -> str:
        spoken = tongue(dialect)
        if spoken not in texts:
            kind = dict[str, list[str]]
            texts[spoken] = memory.recall(f"SQL for {spoken} of {profile}", kind, partial(written, dialect))
        return texts[spoken][rid][place]

    known = memory.recall(f"parts of {profile}", dict[str, list[Outline]], outlines)
    return {
        rid: [Part(**_outline(one), select=partial(text, rid, place)) for place, one in enumerate(parts)]
        for rid, parts in known.items()
    }


def _outline(part: Outline) -> dict[str, Any]:
    return {name: getattr(part, name) for name in _OUTLINE}


@contextmanager
def _unswept() -> Iterator[None]:
    """Keep the garbage collector from looking again and again through all that is built: none of it is garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
