"""Jira and Jira Service Management, Cloud and Data Center, as a source of neutral records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.hookspecs import hookimpl
from hub.sync.source_type import SourceType
from hub_jira.offer import offers
from hub_jira.settings import JiraSettings
from hub_jira.source import make_source

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def hub_register_sources(register: Callable[[SourceType], None]) -> None:
    """Offer the kind of source `jira`."""
    register(SourceType("jira", JiraSettings, make_source, offers=offers))
