"""Selects whose last steps are alike in many parts: these are written once an engine, not once a part.

Writing a select as text takes longer than running it on few records, and the large pack has hundreds of parts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from sqlalchemy import ClauseElement, Dialect, Select, TableClause, column, table

from hub.conformance.expression import tongue, write

__all__ = ["Piped", "given"]

_texts: dict[tuple[Hashable, str], str] = {}


def given(name: str, columns: Mapping[str, Any]) -> TableClause:
    """Stand in for an input of the last steps: its columns and their types."""
    return table(name, *(column(each, kind) for each, kind in columns.items()))


class Piped:
    """Inputs of a part's own, by name, and the steps that follow; called with a dialect, it is their text."""

    def __init__(self, inputs: Mapping[str, ClauseElement], alike: Hashable, rest: Callable[[], Select[Any]]) -> None:
        """Take `rest`, which reads the inputs by `given` and is the same for all that are `alike`; it has CTEs."""
        self._inputs = dict(inputs)
        self._alike = alike
        self._rest = rest

    def __call__(self, dialect: Dialect) -> str:
        """Write the whole as SQL, marked where it may be narrowed."""
        key = (self._alike, tongue(dialect))
        if key not in _texts:
            _texts[key] = write(self._rest(), dialect).removeprefix("WITH ")
        inputs = "".join(f"{name} AS ({write(rows, dialect)}), " for name, rows in self._inputs.items())
        return f"WITH {inputs}{_texts[key]}"
