"""Rows that people keep by hand, in a folder of YAML files, as a source of neutral records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.hookspecs import hookimpl
from hub.sync.source_type import SourceType
from hub_register.offer import offers
from hub_register.settings import RegisterSettings
from hub_register.source import RegisterSource
from hub_register.templates import TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def hub_register_sources(register: Callable[[SourceType], None]) -> None:
    """Offer the kind of source `register`."""
    start_files = {f"register/{name}": text for name, text in TEMPLATES.items()}
    register(SourceType("register", RegisterSettings, RegisterSource, start_files, offers=offers))
