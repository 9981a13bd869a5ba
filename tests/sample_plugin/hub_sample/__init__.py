"""Incidents from a JSON-lines file, reports into a log file, and a command of its own."""

from __future__ import annotations

import typer

from hub import ChannelType, SourceType, hookimpl
from hub_sample.channel import LogChannel, LogSettings
from hub_sample.source import JsonLinesSource, SampleSettings


@hookimpl
def hub_register_sources(register):
    """Offer the source type `sample`."""
    register(SourceType("sample", SampleSettings, JsonLinesSource))


@hookimpl
def hub_register_channels(register):
    """Offer the channel type `sample-log`."""
    register(ChannelType("sample-log", LogSettings, LogChannel))


@hookimpl
def hub_register_commands(register):
    """Offer `hub guest greet`."""
    app = typer.Typer(help="Commands of the sample plugin.")

    @app.callback()
    def _root() -> None:
        """Commands of the sample plugin."""

    @app.command()
    def greet() -> None:
        """Say hello."""
        typer.echo("hello from outside")

    register("guest", app)
