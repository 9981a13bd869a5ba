"""Icinga 2 as a source of neutral records: alerts, downtimes, availability, figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.hookspecs import hookimpl
from hub.sync.source_type import SourceType
from hub_icinga.offer import offers
from hub_icinga.settings import IcingaSettings
from hub_icinga.source import make_source

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def hub_register_sources(register: Callable[[SourceType], None]) -> None:
    """Offer the kind of source `icinga`."""
    register(SourceType("icinga", IcingaSettings, make_source, offers=offers))
