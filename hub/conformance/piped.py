"""Selects whose last steps are alike in many parts: these are written once an engine, not once a part.

Writing a select as text takes longer than running it on few records, and the large pack has hundreds of parts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any

from sqlalchemy import CTE, ClauseElement, Dialect, Select, TableClause, column, table

from hub.conformance.expression import tongue, write

__all__ = ["Piped", "given", "once"]

_ONCE = "MATERIALIZED"
_texts: dict[tuple[Hashable, str], str] = {}


def given(name: str, columns: Mapping[str, Any]) -> TableClause:
    """Stand in for an input of the last steps: its columns and their types."""
    return table(name, *(column(each, kind) for each, kind in columns.items()))


def once(rows: Select[Any], name: str) -> CTE:
    """Name a step that several others read, so that it is worked out once: newer SQLites write it out in each of them."""
    return rows.cte(name).prefix_with(_ONCE)


class Piped:
    """Inputs of a part's own, by name, and the steps that follow; called with a dialect, it is their text."""

    def __init__(
        self,
        inputs: Mapping[str, ClauseElement],
        alike: Hashable,
        rest: Callable[[], Select[Any]],
        *,
        once: Collection[str] = (),
    ) -> None:
        """Take `rest`, which reads the inputs by `given` and is the same for all that are `alike`; it has CTEs.

        `once`: inputs that several steps read.
        """
        self._inputs = {name: (f"{_ONCE} " if name in once else "", rows) for name, rows in inputs.items()}
        self._alike = alike
        self._rest = rest

    def __call__(self, dialect: Dialect) -> str:
        """Write the whole as SQL, marked where it may be narrowed."""
        key = (self._alike, tongue(dialect))
        if key not in _texts:
            _texts[key] = write(self._rest(), dialect).removeprefix("WITH ")
        inputs = "".join(f"{name} AS {how}({write(rows, dialect)}), " for name, (how, rows) in self._inputs.items())
        return f"WITH {inputs}{_texts[key]}"
