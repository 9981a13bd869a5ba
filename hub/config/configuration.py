"""What the organisation has configured, checked and frozen."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, SerializeAsAny

from hub.config.retention import RetentionSettings
from hub.config.section import (
    FindingSettings,
    OrganisationSettings,
    PackSettings,
    ReportSettings,
    StoreSettings,
    WaiverSettings,
)
from hub.report.channel import ChannelSettings
from hub.sync.source_type import SourceSettings

__all__ = ["Configuration"]


class Configuration(BaseModel):
    """One hub.toml with everything laid over it. Sections that say `enabled = false` are left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    """The file it was read from, absolute."""
    plugins: tuple[str, ...] = ()
    """Plugins enabled though no source, channel or pack names them: commands, observers, others' types."""
    organisation: OrganisationSettings
    store: StoreSettings
    packs: dict[str, PackSettings]
    """By name of the pack."""
    sources: dict[str, SerializeAsAny[SourceSettings]]
    """By configured name; each is an instance of its plugin's own settings."""
    channels: dict[str, SerializeAsAny[ChannelSettings]]
    """By configured name; each is an instance of its plugin's own settings."""
    reports: dict[str, ReportSettings]
    """By name of the report, such as `conformance`."""
    findings: FindingSettings
    retention: RetentionSettings = RetentionSettings()
    waivers: WaiverSettings = WaiverSettings()

    @property
    def base_dir(self) -> Path:
        """Folder of the configuration file; relative paths start here."""
        return self.path.parent
