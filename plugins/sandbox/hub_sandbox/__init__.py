"""A simulated organisation behind the tools' real protocols: demo, tests, benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hub.hookspecs import hookimpl

if TYPE_CHECKING:
    import typer

__all__ = ["hub_register_commands"]


@hookimpl
def hub_register_commands(register: Callable[[str, typer.Typer], None]) -> None:
    """Offer `hub sandbox`."""
    from hub_sandbox.command import app  # noqa: PLC0415 - the simulation is loaded only when asked for

    register("sandbox", app)
