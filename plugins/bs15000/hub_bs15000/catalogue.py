"""The catalogue of the standard with what judges it, as a requirement pack."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from hub.conformance.pack import CatalogueEntry, Declare, Pack
from hub_bs15000 import (
    clause_4_5,
    clause_7_2,
    clause_7_2_attention,
    clause_7_2_cluster,
    clause_8_2,
    clause_8_2_emergency,
    clause_8_2_review,
)

__all__ = ["DECLARATIONS", "load_pack"]

DECLARATIONS: dict[str, Declare] = {
    **clause_4_5.DECLARATIONS,
    **clause_7_2.DECLARATIONS,
    **clause_7_2_attention.DECLARATIONS,
    **clause_7_2_cluster.DECLARATIONS,
    **clause_8_2.DECLARATIONS,
    **clause_8_2_emergency.DECLARATIONS,
    **clause_8_2_review.DECLARATIONS,
}
"""Requirement -> what makes its parts."""


@cache
def load_pack() -> Pack:
    """Read the catalogue that ships with the pack."""
    text = files(__package__).joinpath("catalogue.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, in C where there is one
    return Pack(
        name="bs15000",
        version=content["version"],
        clauses=content["clauses"],
        entries=tuple(CatalogueEntry(**entry) for entry in content["entries"]),
        declarations=DECLARATIONS,
        clauses_zh=content["clauses_zh"],
    )


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
