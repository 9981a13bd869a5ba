"""What an administrator writes under `[sources.<name>]` for a Prometheus with its Alertmanagers."""

# ruff: noqa: RUF012 - pydantic copies an empty default for each model

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from hub.monitoring.service_map import ItemRules, Rules, ServiceRules
from hub.monitoring.ticket_finder import TicketProject
from hub.sync.setting import TimeoutS, Token, ToolUrl
from hub.sync.source_type import SourceSettings
from hub_prometheus.matcher import each_matcher

__all__ = ["Availability", "Figure", "PrometheusSettings"]


class Availability(BaseModel):
    """A query that says whether a service can be used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service: str
    """Id of the service record."""
    query: str = Field(min_length=1)
    """PromQL that gives one series, such as `min(probe_success{service="shop"})`."""
    up_from: float = 1.0
    """The service is up where the value is no less."""
    degraded_from: float | None = None
    """It is degraded, not down, where the value is no less; None = there is nothing between up and down."""
    step_s: int = Field(default=60, ge=1, le=3600)
    """Seconds between two looks; no less than the scrape or evaluation interval behind the query."""


class Figure(BaseModel):
    """A query whose value is kept as a measurement, such as the use of a resource."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str = Field(min_length=1)
    """Metric id the hub knows it by; limits of a capacity plan name it."""
    query: str = Field(min_length=1)
    """PromQL that gives one series."""
    subject: str
    """Id of the record it is about: a service or a configuration item."""
    unit: str | None = None
    """Unit."""
    target: float | None = None
    """Threshold."""
    every: Literal["hour", "day"] = "day"
    """One measurement for each hour or day, in UTC."""
    take: Literal["max", "mean", "min", "last"] = "max"
    """Which value of the time stands for it."""
    step_s: int = Field(default=300, ge=1, le=3600)
    """Seconds between two values looked at."""


class PrometheusSettings(SourceSettings):
    """Connection and vocabulary of one Prometheus and the Alertmanagers it sends to."""

    model_config = ConfigDict(hide_input_in_errors=True)

    url: ToolUrl
    """Address of Prometheus, such as `https://prometheus.example.net:9090`."""
    alertmanagers: list[ToolUrl] = []
    """Addresses of its Alertmanagers; one of a cluster answers for all."""
    user: str | None = None
    """User for HTTP basic authentication."""
    password: SecretStr | None = None
    """Password of that user."""
    token: Token | None = None
    """Bearer token, in place of user and password."""
    client_certificate: Path | None = None
    """PEM file, where we are known by a certificate."""
    client_key: Path | None = None
    """Key of that certificate."""
    alerts: str = ""
    """Label matchers that choose the alerts to read, such as `severity!="none"`; empty = all."""
    services: ServiceRules = {}
    """`label=value` = id of a service record."""
    outage: Rules = []
    """Rules as in `services`: while an alert that fits one fires, its services cannot be used."""
    security: Rules = []
    """Rules as in `services`: alerts that fit one touch information security."""
    items: ItemRules = {}
    """`label=value` = id of a configuration item."""
    altered: Rules = []
    """Rules as in `services`: alerts that fit one report that their items were changed, such as a new version."""
    severity_label: str = "severity"
    """Label that says how grave an alert is."""
    ticket_projects: list[TicketProject] = []
    """Projects whose keys count as tickets where an annotation or the comment of a silence names them."""
    maintenance: str = ""
    """Pattern: silences whose comment fits it are planned work; empty = every silence may be."""
    availability: list[Availability] = []
    """Queries that say whether services can be used."""
    measurements: list[Figure] = []
    """Figures to keep."""
    heartbeat: str = "up"
    """Selector or query that has a value whenever Prometheus was at work: where it has none, the end of an alert is not
    known, and that nothing fires says nothing."""
    step_s: int = Field(default=60, ge=1, le=600)
    """Seconds between two looks at the history of alerts; no less than the evaluation interval of the rules."""
    history_days: int = Field(default=30, ge=1, le=3660)
    """How far back the first reading goes; Prometheus keeps 15 days unless told otherwise."""
    overlap_minutes: int = Field(default=5, ge=1, le=1440)
    """Each reading looks again at this much before the end of the last."""
    timeout_s: TimeoutS = 60
    """Longest silence within a request; a whole answer may take five times as long."""

    @field_validator("alerts")
    @classmethod
    def _matchers(cls, matchers: str) -> str:
        each_matcher(matchers)
        return matchers

    @field_validator("maintenance")
    @classmethod
    def _pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as fault:
            raise ValueError(f"no pattern: {fault}") from None
        return pattern

    @model_validator(mode="after")
    def _told_apart(self) -> PrometheusSettings:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("client_certificate and client_key belong together")
        if self.user is not None and self.token is not None:
            raise ValueError("either user and password, or token")
        for names in ([one.service for one in self.availability], [one.metric for one in self.measurements]):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"named twice: {', '.join(twice)}")
        return self
