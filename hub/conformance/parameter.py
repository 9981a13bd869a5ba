"""Parameters of requirements: the pack's defaults, an organisation's choices, and what a choice may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Parameters", "chosen_over", "objection"]

_LARGEST = 36_525
"""Largest number a parameter takes: a century in days."""


class Parameters:
    """Parameters of one requirement: the pack's defaults with the profile's values over them."""

    def __init__(self, defaults: Mapping[str, Any], chosen: Mapping[str, Any]) -> None:
        self._values = chosen_over(defaults, chosen)

    def __getattr__(self, name: str) -> Any:
        """Return a parameter by name."""
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def items(self) -> list[tuple[str, Any]]:
        """Name and value, sorted by name."""
        return sorted(self._values.items())


def chosen_over(defaults: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Lay chosen values over defaults; a mapping keeps the entries nobody chose."""
    return {**defaults, **{name: _over(defaults.get(name), value) for name, value in chosen.items()}}


def _over(default: Any, value: Any) -> Any:
    return {**default, **value} if isinstance(default, dict) and isinstance(value, dict) else value


def objection(name: str, value: Any, default: Any) -> str:
    """Say in one sentence why nothing can be judged by a value; empty = it can.

    A value is what its default is: a whole number, a share from 0 to 1 (a default with a decimal point),
    yes or no, a text, a list of texts, or a mapping with the default's names only.
    """
    if isinstance(value, bool) != isinstance(default, bool) or not isinstance(value, _accepted(default)):
        return f"{name!r} is {type(value).__name__}, expected {type(default).__name__}"
    if isinstance(default, dict):
        return _mapping_objection(name, value, default)
    if isinstance(default, list):
        return "" if all(isinstance(item, str) for item in value) else f"{name!r} should hold words only"
    if isinstance(default, str | bool):
        return "" if name != "period" or value in _PERIODS else f"{name!r} should be one of {', '.join(_PERIODS)}"
    most = 1 if isinstance(default, float) else _LARGEST
    return "" if 0 <= value <= most else f"{name!r} should be a number from 0 to {most}"


_PERIODS = ("month", "quarter", "year")


def _accepted(default: Any) -> Any:
    return (int, float) if isinstance(default, float) else type(default)


def _mapping_objection(name: str, value: dict[str, Any], default: dict[str, Any]) -> str:
    if unknown := sorted(map(str, value.keys() - default.keys())):
        return f"{name!r} has no {', '.join(unknown)}; known: {', '.join(sorted(default))}"
    return next((said for key in value if (said := objection(f"{name}.{key}", value[key], default[key]))), "")
