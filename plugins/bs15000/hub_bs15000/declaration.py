"""What judges each demand: every module `clause_*` of the pack declares some."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import hub_bs15000
from hub.conformance.pack import Declare

__all__ = ["DECLARATIONS"]


def _declared() -> dict[str, Declare]:
    found: dict[str, Declare] = {}
    for module in sorted(each.name for each in iter_modules(hub_bs15000.__path__)):
        if not module.startswith("clause_"):
            continue
        declarations: dict[str, Declare] = import_module(f"hub_bs15000.{module}").DECLARATIONS
        if twice := found.keys() & declarations.keys():
            raise ValueError(f"{module} declares again: {', '.join(sorted(twice))}")
        found |= declarations
    return found


DECLARATIONS = _declared()
"""Requirement -> what makes its parts."""
