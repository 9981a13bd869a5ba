"""Rows that people keep by hand, in a folder of YAML files, as a source of neutral records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.hookspecs import hookimpl
from hub.sync.source_type import SourceType
from hub_register.offer import offers
from hub_register.settings import RegisterSettings
from hub_register.source import RegisterSource
from hub_register.templates import START_FILES
from hub_register.waiver_file import WaiverFile

if TYPE_CHECKING:
    from collections.abc import Callable

    import typer


@hookimpl
def hub_register_sources(register: Callable[[SourceType], None]) -> None:
    """Offer the kind of source `register`."""
    register(SourceType("register", RegisterSettings, RegisterSource, START_FILES, offers, WaiverFile))


@hookimpl
def hub_register_commands(register: Callable[[str, typer.Typer], None]) -> None:
    """Offer `hub register`."""
    from hub_register.command import app  # noqa: PLC0415 - a source needs no command line

    register("register", app)
