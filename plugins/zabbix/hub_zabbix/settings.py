"""What an administrator writes under `[sources.<name>]` for a Zabbix source."""

# ruff: noqa: RUF012 - pydantic copies an empty default for each model

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from hub.monitoring.service_map import ItemRules, Rules, ServiceRules
from hub.monitoring.ticket_finder import TicketProject
from hub.sync.setting import TimeoutS, Token, ToolUrl, ZoneName
from hub.sync.source_type import SourceSettings

__all__ = ["Figure", "ZabbixSettings"]


class Figure(BaseModel):
    """One item whose hourly trend is kept as measurements."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str
    """Technical name of the host."""
    key: str
    """Key of the item, such as `system.cpu.util`."""
    metric: str
    """Metric id the hub knows it by; limits of a capacity plan name it."""
    subject: str
    """Id of the record it is about: a service or a configuration item."""
    value: Literal["max", "avg", "min"] = "max"
    """Which value of the hour."""
    unit: str | None = None
    """Unit, where it is another than the item's."""
    target: float | None = None
    """Threshold."""


class ZabbixSettings(SourceSettings):
    """Connection, scope and vocabulary of one Zabbix."""

    model_config = ConfigDict(hide_input_in_errors=True)

    url: ToolUrl
    """Address of the frontend, such as `https://zabbix.example.net/zabbix`."""
    token: Token
    """API token."""
    since: date | None = None
    """Events before this day are not read; without it, all that Zabbix still has."""
    services: ServiceRules = {}
    """`<tag>=<value>`, `host=…`, `hostgroup=…`, `problem=<its name>` or `zabbix_service=…` = id of a service record."""
    availability: dict[str, str] = {}
    """`<host>: <name of a trigger>` = id of the service record that is down while the trigger is in problem state."""
    measurements: list[Figure] = []
    """Items to keep figures of."""
    outage: Rules = []
    """Rules as in `services`: while an alert that fits one lasts, its services cannot be used."""
    security: Rules = []
    """Rules as in `services`; alerts that fit one touch information security."""
    items: ItemRules = {}
    """As in `services` = id of a configuration item."""
    altered: Rules = []
    """Rules as in `services`: alerts that fit one report that their items were changed."""
    ticket_projects: list[TicketProject] = []
    """Projects whose keys count as tickets where an acknowledgement, a message or a tag names them."""
    accounts: dict[str, str] = {}
    """User name = id of a person record."""
    least_severity: int = Field(default=2, ge=0, le=5)
    """Events of a lower severity are not read: 0 not classified, 1 information, 2 warning, 3 average, 4 high, 5 disaster."""
    time_zone: ZoneName | None = None
    """IANA zone in which Zabbix's server keeps recurring maintenance; the organisation's, where it is not set."""
    maintenance_days: int = Field(default=400, ge=1, le=3660)
    """Recurring maintenance is written out this far ahead."""
    overlap_minutes: int = Field(default=10, ge=0, le=1440)
    """Each run reads again events this young: Zabbix does not write them in order."""
    page_size: int = Field(default=500, ge=1, le=10_000)
    """Events a request."""
    timeout_s: TimeoutS = 60
    """Longest silence within a request; a whole answer may take five times as long."""

    @field_validator("url")
    @classmethod
    def _root(cls, url: str) -> str:
        return url.removesuffix("/api_jsonrpc.php")

    @field_validator("availability")
    @classmethod
    def _triggers(cls, shown: dict[str, str]) -> dict[str, str]:
        for key in shown:
            host, sign, name = key.partition(": ")
            if not (sign and host.strip() and name.strip()):
                raise ValueError(f'{key!r}: write "<host>: <name of the trigger>"')
        return shown
