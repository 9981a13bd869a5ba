"""`hub demo`: the whole hub on a simulated organisation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.option import examples
from hub.registry import Registry

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("hub demo", "hub demo --folder /tmp/demo"))(demo)


def demo(
    *,
    folder: Annotated[
        Path, typer.Option("--folder", help="Folder to make; one of an earlier demo is made anew.")
    ] = Path("demo"),
) -> None:
    """Run the whole hub on a simulated organisation.

    A local server plays the organisation's Jira; nothing leaves the machine. Takes some seconds.
    """
    registry = Registry()
    registry.enable("sandbox")
    group = typer.main.get_command(registry.commands()["sandbox"])
    group.main(["demo", "--folder", str(folder)], standalone_mode=False)
