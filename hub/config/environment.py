"""The layer above the file: `HUB_SECTION__KEY=value` replaces `key` in `[section]`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

from hub.errors import Fault

__all__ = ["SECTIONS", "read_environment"]

KeyPath = tuple[str, ...]


class _Layer(BaseSettings):
    """The sections there are; their contents are checked when all layers lie on each other."""

    model_config = SettingsConfigDict(env_prefix="HUB_", env_nested_delimiter="__", extra="ignore")

    plugins: list[str] = []
    organisation: dict[str, Any] = {}
    store: dict[str, Any] = {}
    packs: dict[str, Any] = {}
    sources: dict[str, Any] = {}
    channels: dict[str, Any] = {}
    reports: dict[str, Any] = {}
    findings: dict[str, Any] = {}
    retention: dict[str, Any] = {}
    waivers: dict[str, Any] = {}


SECTIONS = tuple(_Layer.model_fields)
"""Top-level keys of hub.toml."""


class _Environment(EnvSettingsSource):
    """Text stays text (a token of digits is no number); only JSON arrays and objects are decoded."""

    def decode_complex_value(self, field_name: str, field: Any, value: Any) -> Any:
        if isinstance(value, str) and value.lstrip()[:1] not in {"[", "{"}:
            return value
        return super().decode_complex_value(field_name, field, value)


def read_environment(below: Mapping[str, Any]) -> tuple[dict[str, Any], dict[KeyPath, str], list[Fault]]:
    """Read the process environment as a layer above `below` (the parsed file).

    Returns the nested values, the variable each came from, and faults. Names are matched with those
    of the file without regard to case, `_` standing for `-` too: HUB_SOURCES__SERVICE_DESK__TOKEN
    reaches `[sources.service-desk]`.
    """
    faults = [
        Fault(f"there is no section '{section}'; known: {', '.join(SECTIONS)}", file="environment", key=name)
        for name in sorted(os.environ)
        if name.upper().startswith("HUB_") and "__" in name
        if (section := name[len("HUB_") :].split("__")[0].lower()) not in SECTIONS
    ]
    try:
        raw = _Environment(_Layer)()
    except (SettingsError, RecursionError):
        # the library's message is dropped: it repeats the value
        return {}, {}, [*faults, Fault("a HUB_… variable holds JSON that cannot be read", file="environment")]
    values = {section: _aligned(item, below.get(section)) for section, item in raw.items()}
    origins: dict[KeyPath, str] = {}
    for path in _leaves(values):
        folded = "HUB_" + "__".join(_folded(part) for part in path)
        origins[path] = next((name for name in os.environ if _folded(name) == _folded(folded)), folded.upper())
    return values, origins, faults


def _aligned(value: Any, below: Any) -> Any:
    if not isinstance(value, dict):
        return value
    known = {_folded(key): key for key in below} if isinstance(below, Mapping) else {}
    return {
        (name := known.get(_folded(key), key)): _aligned(item, below.get(name) if isinstance(below, Mapping) else None)
        for key, item in value.items()
    }


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_")


def _leaves(node: dict[str, Any], above: KeyPath = ()) -> list[KeyPath]:
    paths: list[KeyPath] = []
    for key, item in node.items():
        path = (*above, key)
        paths.append(path)
        if isinstance(item, dict):
            paths.extend(_leaves(item, path))
    return paths
