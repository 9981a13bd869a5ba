"""The whole plugin surface: six hooks.

A plugin is a module registered under the entry-point group `hub.plugins`. It implements what it
needs with `@hub.hookimpl`. A `register` hook hands over typed objects; behaviour lives in their
classes, where a type checker can read it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import typer

    from hub.conformance.finding import FindingChange
    from hub.conformance.pack import Pack
    from hub.report.channel import ChannelType
    from hub.sync.run import RunSummary
    from hub.sync.source_type import SourceType

hookspec = pluggy.HookspecMarker("hub")
hookimpl = pluggy.HookimplMarker("hub")


@hookspec
def hub_register_sources(register: Callable[[SourceType], None]) -> None:
    """Offer kinds of sources: `register(SourceType(name, settings, make))`."""


@hookspec
def hub_register_channels(register: Callable[[ChannelType], None]) -> None:
    """Offer ways of delivery: `register(ChannelType(name, settings, make))`."""


@hookspec
def hub_register_requirements(register: Callable[[Pack], None]) -> None:
    """Offer a pack of requirements: `register(Pack(...))`."""


@hookspec
def hub_register_commands(register: Callable[[str, typer.Typer], None]) -> None:
    """Offer a command group: `register("name", typer_app)` becomes `hub name …`."""


@hookspec
def hub_observe_run(summary: RunSummary) -> None:
    """Hear of a finished run: sources, counts, faults."""


@hookspec
def hub_observe_finding(change: FindingChange) -> None:
    """Hear of a finding that was opened, cured, waived or reopened."""
