"""The catalogue of the standard with what judges it, as a requirement pack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

from hub.conformance.memory import Memory
from hub.conformance.pack import CatalogueEntry, Declare, Pack

if TYPE_CHECKING:
    from hub.conformance.probe import Probe

__all__ = ["load_pack"]

_TOPICS = {
    "overdue": ("BS15000-4.4-i", "BS15000-4.6-a", "BS15000-6.1-a"),
    "customer_told": ("BS15000-7.1-i", "BS15000-7.1-j", "SD-10", "CMP-03"),
    "unauthorised_change": ("BS15000-8.1-k", "BS15000-8.2-c"),
    "emergency_open": ("BS15000-8.2-k",),
}
"""What a report tells apart -> the requirements that speak of it."""


class _Catalogue(msgspec.Struct, frozen=True):
    version: str
    clauses: dict[str, str]
    clauses_zh: dict[str, str]
    entries: tuple[CatalogueEntry, ...]


@cache
def load_pack() -> Pack:
    """Return the catalogue that ships with the pack; its clauses' modules load when something must be compiled."""
    memory = Memory("hub_bs15000")
    catalogue = memory.recall("catalogue", _Catalogue, _read_catalogue)
    return Pack(
        name="bs15000",
        version=catalogue.version,
        clauses=catalogue.clauses,
        entries=catalogue.entries,
        declarations=_declarations,
        memory=memory,
        probes=_probes,
        clauses_zh=catalogue.clauses_zh,
        topics=_TOPICS,
    )


def _read_catalogue() -> _Catalogue:
    import yaml  # noqa: PLC0415 - not where the catalogue is remembered

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = files(__package__).joinpath("catalogue.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader, in C where there is one
    entries = tuple(CatalogueEntry(**entry) for entry in content["entries"])
    return _Catalogue(content["version"], content["clauses"], content["clauses_zh"], entries)


def _probes() -> Sequence[Probe]:
    from hub_bs15000 import activity, evidence_store, independence, measurable  # noqa: PLC0415 - only where something is derived

    return (*activity.PROBES, *evidence_store.PROBES, *independence.PROBES, *measurable.PROBES)


def _declarations() -> Mapping[str, Declare]:
    from hub_bs15000.declaration import DECLARATIONS  # noqa: PLC0415 - not where what they make is remembered

    return DECLARATIONS
