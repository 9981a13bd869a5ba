"""What the organisation has configured, checked and frozen."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, SerializeAsAny

from hub.config.section import (
    FindingSettings,
    IdentitySettings,
    OrganisationSettings,
    PackSettings,
    ReportSettings,
    StoreSettings,
)
from hub.report.channel import ChannelSettings
from hub.sync.source_type import SourceSettings

__all__ = ["Configuration"]

_SQLITE = "sqlite:///"


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
    identity: IdentitySettings

    @property
    def base_dir(self) -> Path:
        """Folder of the configuration file; relative paths start here."""
        return self.path.parent

    def store_url(self) -> str:
        """Return the URL to connect with, SQLite paths made absolute. Holds the password: never log it."""
        url = self.store.url_with_password()
        if url.startswith(_SQLITE) and url not in {_SQLITE, f"{_SQLITE}:memory:"}:
            return _SQLITE + str(self.base_dir / url.removeprefix(_SQLITE))
        return url
