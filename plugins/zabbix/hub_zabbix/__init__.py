"""Zabbix as a source of neutral records: alerts, maintenance, availability, figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.hookspecs import hookimpl
from hub.sync.source_type import SourceType
from hub_zabbix.offer import offers
from hub_zabbix.settings import ZabbixSettings
from hub_zabbix.source import make_source

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def hub_register_sources(register: Callable[[SourceType], None]) -> None:
    """Offer the kind of source `zabbix`."""
    register(SourceType("zabbix", ZabbixSettings, make_source, offers=offers))
