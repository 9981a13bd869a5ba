"""What an administrator writes under `[sources.<name>]` for a register."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from hub.sync.source_type import SourceSettings
from hub_register.history import HistoryMode
from hub_register.schema import FILES

__all__ = ["RegisterSettings"]


class RegisterSettings(SourceSettings):
    """A folder of YAML files, one a kind of row."""

    folder: Path = Field(examples=["register"])
    """The folder; relative to the configuration file."""
    files: tuple[str, ...] = ()
    """Files that must be there, without `.yaml`: a missing one is unreadable. Empty = what is there."""
    history: HistoryMode = "auto"
    """What tells when a row was written: `git`, `declared` (declared_at alone), or `auto`: Git where files are committed."""

    @field_validator("files")
    @classmethod
    def _known(cls, files: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(files) - FILES.keys())
        if unknown:
            raise ValueError(f"no such register file: {', '.join(unknown)}; there are {', '.join(FILES)}")
        return files
