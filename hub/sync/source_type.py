"""What a plugin registers to offer a kind of source, and the settings every source has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from hub.sync.source import Provision, Source, SourceContext
from hub.sync.waiver import WaiverKeeper

__all__ = ["Offer", "SourceSettings", "SourceType"]

_UNIT_MS = {"h": 3_600_000, "d": 86_400_000}


class SourceSettings(BaseModel):
    """Settings of every source; a plugin's own settings inherit from here. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    plugin: str
    """Name of the plugin that reads this source."""
    enabled: bool = True
    """False = kept in the file, not read."""
    proxy: str | None = None
    """Proxy URL for this source only."""
    ca_bundle: Path | None = None
    """PEM file with the certificate authorities to trust, instead of the system's."""
    fetchers: int = Field(default=4, ge=1, le=8)
    """Threads that read at the same time."""
    census: str = Field(default="1d", pattern=r"^(never|[1-9][0-9]{0,3}[hd])$")
    """How often it is found out what vanished from the tool: hours or days (`12h`, `7d`), or `never`."""

    @property
    def census_every_ms(self) -> int | None:
        """Give `census` in milliseconds; None = never."""
        return None if self.census == "never" else int(self.census[:-1]) * _UNIT_MS[self.census[-1]]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a source would give, and the one thing to write for it."""

    write: str
    """Line of the configuration, or name of the file, ready to paste."""
    where: str
    """Where it goes: a table of the configuration, or `a new file`."""
    gives: tuple[Provision, ...]
    opens: bool = True
    """False = adds fields to kinds the source gives already, and gives nothing where it does not."""


def _offers_nothing(_name: str, _settings: Any) -> Sequence[Offer]:
    return ()


@dataclass(frozen=True, slots=True)
class SourceType:
    """A kind of source, such as `jira`."""

    name: str
    settings: type[SourceSettings]
    make: Callable[[Any, SourceContext], Source]
    """Called with (validated settings, context); must not use the network."""
    start_files: Mapping[str, str] = field(default_factory=dict)
    """Files `hub init` writes to start from: path below the configuration's folder -> text."""
    offers: Callable[[str, Any], Sequence[Offer]] = _offers_nothing
    """Called with (configured name, validated settings): what the source would give, what it gives already included.
    Where none is configured, with a name to suggest and None. No network, no file."""
    waivers: Callable[[Any, SourceContext], WaiverKeeper] | None = None
    """Called with (validated settings, context): what writes waivers down there; None = nobody writes there."""
