"""Performance data of checks: `'label'=value[unit];warn;crit;min;max`, or the same as an object."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

__all__ = ["figures"]

_PLAIN = re.compile(r"\s*(?:'((?:[^']|'')*)'|([^'=\s]+))=(-?[0-9.,]+(?:[eE][+-]?[0-9]+)?)([^;\s0-9]*)")


def figures(told: Iterable[Any]) -> Iterator[tuple[str, float, str]]:
    """Yield (label, value, unit) of all that can be read; `U`, a value nobody knows, is left out."""
    for one in told:
        if isinstance(one, dict):
            label, value, unit = one.get("label"), one.get("value"), one.get("unit")
            if isinstance(label, str) and isinstance(value, (int, float)) and not isinstance(value, bool):
                yield label, float(value), unit if isinstance(unit, str) else ""
        elif isinstance(one, str):
            for quoted, plain, number, unit in _PLAIN.findall(one):
                try:
                    value = float(number.replace(",", "."))
                except ValueError:
                    continue
                if math.isfinite(value):
                    yield quoted.replace("''", "'") or plain, value, unit
