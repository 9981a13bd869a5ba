"""Prometheus and Alertmanager as a source: alerts and their history, availability, capacity, silences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.hookspecs import hookimpl
from hub.sync.source_type import SourceType
from hub_prometheus.offer import offers
from hub_prometheus.settings import PrometheusSettings
from hub_prometheus.source import make_source

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def hub_register_sources(register: Callable[[SourceType], None]) -> None:
    """Offer the kind of source `prometheus`."""
    register(SourceType("prometheus", PrometheusSettings, make_source, offers=offers))
