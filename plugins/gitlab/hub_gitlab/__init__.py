"""GitLab, GitLab.com and self-managed, as a source of neutral records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.hookspecs import hookimpl
from hub.sync.source_type import SourceType
from hub_gitlab.offer import offers
from hub_gitlab.settings import GitlabSettings
from hub_gitlab.source import make_source

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def hub_register_sources(register: Callable[[SourceType], None]) -> None:
    """Offer the kind of source `gitlab`."""
    register(SourceType("gitlab", GitlabSettings, make_source, offers=offers))
