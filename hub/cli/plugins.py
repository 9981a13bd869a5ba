"""`hub plugins`: what is installed, what it offers, why it cannot be loaded."""

from __future__ import annotations

import typer

from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption, examples
from hub.cli.output import emit
from hub.config.load import named_plugins
from hub.registry import Registry

__all__ = ["register"]

_COLUMNS = ("name", "distribution", "version", "enabled", "sources", "channels", "packs", "commands", "fault")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("hub plugins", "hub plugins --format json"))(plugins)


def plugins(*, config: ConfigOption = CONFIG, output: FormatOption = Format.TABLE) -> None:
    """List the installed plugins, what they offer, and why one cannot be loaded."""
    found = Registry().describe(named_plugins(config))
    rows = [{column: getattr(plugin, column) for column in _COLUMNS} for plugin in found]
    emit(rows, _COLUMNS, output)
