"""What an administrator writes under `[sources.<name>]` for an Icinga 2 source."""

# ruff: noqa: RUF012 - pydantic copies an empty default for each model

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from hub.monitoring.service_map import ItemRules, Rules, ServiceRules
from hub.monitoring.ticket_finder import TicketProject
from hub.sync.setting import TimeoutS, ToolUrl
from hub.sync.source_type import SourceSettings

__all__ = ["Figure", "IcingaSettings"]


class Figure(BaseModel):
    """One value of a check's performance data that is kept as a measurement."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    object: str
    """`host` or `host!service`."""
    label: str
    """Label of the performance data, such as `load1`."""
    metric: str
    """Metric id the hub knows it by; limits of a capacity plan name it."""
    subject: str
    """Id of the record it is about: a service or a configuration item."""
    unit: str | None = None
    """Unit, where the check names none or another."""
    target: float | None = None
    """Threshold."""


class IcingaSettings(SourceSettings):
    """Connection, scope and vocabulary of one Icinga 2."""

    model_config = ConfigDict(hide_input_in_errors=True)

    url: ToolUrl
    """Base address of the API, such as `https://icinga.example.net:5665`."""
    user: str | None = None
    """Name of the ApiUser."""
    password: SecretStr | None = None
    """Its password."""
    client_certificate: Path | None = None
    """PEM file, where the ApiUser is known by its certificate."""
    client_key: Path | None = None
    """Key of that certificate."""
    services: ServiceRules = {}
    """`hostgroup=…`, `servicegroup=…`, `host=…`, `service=<host>!<service>` or `vars.<name>=…` = id of a service record."""
    availability: dict[str, str] = {}
    """`host` or `host!service` = id of the service record whose state it shows: critical or down is an outage."""
    outage: Rules = []
    """Rules as in `services`: while an alert that fits one is critical or down, its services cannot be used."""
    security: Rules = []
    """Rules as in `services`; alerts that fit one touch information security."""
    items: ItemRules = {}
    """As in `services` = id of a configuration item."""
    altered: Rules = []
    """Rules as in `services`: alerts that fit one report that their items were changed."""
    ticket_projects: list[TicketProject] = []
    """Projects whose keys count as tickets where an acknowledgement or a comment names them."""
    accounts: dict[str, str] = {}
    """Author of acknowledgements, comments and downtimes = id of a person record."""
    measurements: list[Figure] = []
    """Figures to keep from performance data."""
    sample_minutes: int = Field(default=1440, ge=1, le=1440)
    """Availability is kept in pieces no longer than this."""
    page_size: int = Field(default=500, ge=1, le=10_000)
    """Documents written at once."""
    timeout_s: TimeoutS = 60
    """Longest silence within a request; a whole answer may take five times as long."""

    @property
    def variables(self) -> frozenset[str]:
        """Custom variables (`vars.team`) that rules name; no other is asked for."""
        rules = [*self.services, *self.outage, *self.security, *self.items, *self.altered]
        names = (rule.partition("=")[0].strip() for rule in rules)
        return frozenset(name for name in names if name.startswith("vars."))

    @field_validator("url")
    @classmethod
    def _root(cls, url: str) -> str:
        if not url.startswith("https:"):
            raise ValueError("not an address of the API; write https://<host>:5665")
        return url.removesuffix("/v1")

    @field_validator("measurements")
    @classmethod
    def _told_apart(cls, figures: list[Figure]) -> list[Figure]:
        seen: set[tuple[str, str]] = set()
        for figure in figures:
            if (figure.object, figure.label) in seen:
                raise ValueError(f"{figure.object} {figure.label} is named twice")
            seen.add((figure.object, figure.label))
        return figures

    @model_validator(mode="after")
    def _identity(self) -> IcingaSettings:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("client_certificate and client_key belong together")
        if self.user is None and self.client_certificate is None:
            raise ValueError("user and password, or client_certificate and client_key, are missing")
        return self
