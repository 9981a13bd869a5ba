"""Loads the plugins a configuration enables, one entry point at a time, and hands out what they offer.

Which plugins are enabled: `email` (delivery belongs to every hub), every name in `plugins = […]`, and
every entry point that bears the name a source or channel gives as its `plugin`, or the name of a pack.
A type with another name than its plugin's (`smtp` and `file` of `email`) is found because the plugin is
enabled by one of the other rules. A plugin nobody enables is never imported, broken or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from hub import hookspecs
from hub.errors import PluginError

if TYPE_CHECKING:
    import typer

    from hub.conformance.finding import FindingChange
    from hub.conformance.pack import Pack
    from hub.report.channel import ChannelType
    from hub.sync.run import RunSummary
    from hub.sync.source_type import SourceType

__all__ = ["ALWAYS_ENABLED", "GROUP", "InstalledPlugin", "Registry"]

GROUP = "hub.plugins"
ALWAYS_ENABLED = ("email",)


@dataclass(slots=True)
class _Offer:
    """What one plugin registered, by name."""

    sources: dict[str, SourceType] = field(default_factory=dict)
    channels: dict[str, ChannelType] = field(default_factory=dict)
    packs: dict[str, Pack] = field(default_factory=dict)
    commands: dict[str, typer.Typer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """One row of `hub plugins`."""

    name: str
    distribution: str
    version: str
    enabled: bool
    sources: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    packs: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    fault: str = ""
    """Why it cannot be loaded; empty = it can."""


class Registry:
    """The plugins of one run."""

    def __init__(self, entry_points: Iterable[metadata.EntryPoint] | None = None) -> None:
        """Start empty. `entry_points` replaces what is installed, for tests of plugins."""
        self._entry_points = list(metadata.entry_points(group=GROUP) if entry_points is None else entry_points)
        self._manager = pluggy.PluginManager("hub")
        self._manager.add_hookspecs(hookspecs)
        self._offers: dict[str, _Offer] = {}

    @property
    def installed(self) -> list[str]:
        """Names of all installed plugins, loaded or not."""
        return sorted({point.name for point in self._entry_points})

    @property
    def enabled(self) -> list[str]:
        """Names of the plugins that are loaded."""
        return sorted(self._offers)

    def enable(self, name: str) -> None:
        """Load one installed plugin; again does nothing. Raises PluginError with what to run."""
        if name in self._offers:
            return
        points = [point for point in self._entry_points if point.name == name]
        if len(points) != 1:
            what = "is not installed" if not points else "is offered by several distributions"
            raise PluginError(f"Plugin '{name}' {what}. Installed: {', '.join(self.installed) or 'none'}")
        self._offers[name] = self._load(points[0])

    def sources(self) -> dict[str, SourceType]:
        """Return all kinds of sources on offer, by the name `plugin =` takes."""
        return {name: kind for offer in self._offers.values() for name, kind in offer.sources.items()}

    def version_of_source(self, kind: str) -> str:
        """Return distribution and version of the plugin that offers a kind of source."""
        plugin = next(name for name, offer in self._offers.items() if kind in offer.sources)
        point = next(point for point in self._entry_points if point.name == plugin)
        return f"{point.dist.name} {point.dist.version}" if point.dist else ""

    def channels(self) -> dict[str, ChannelType]:
        """Return all kinds of channels on offer, by the name `plugin =` takes."""
        return {name: kind for offer in self._offers.values() for name, kind in offer.channels.items()}

    def packs(self) -> dict[str, Pack]:
        """Return all packs of requirements on offer, by name."""
        return {name: pack for offer in self._offers.values() for name, pack in offer.packs.items()}

    def commands(self) -> dict[str, typer.Typer]:
        """Return the command groups plugins bring, by the word after `hub`."""
        return {name: app for offer in self._offers.values() for name, app in offer.commands.items()}

    def observe_run(self, summary: RunSummary) -> None:
        """Tell all loaded plugins of a finished run."""
        self._manager.hook.hub_observe_run(summary=summary)

    def observe_finding(self, change: FindingChange) -> None:
        """Tell all loaded plugins of a finding that was opened, cured, waived or reopened."""
        self._manager.hook.hub_observe_finding(change=change)

    def describe(self, enabled: Iterable[str]) -> list[InstalledPlugin]:
        """List every installed plugin, loading each on its own to see what it offers.

        `enabled` are the names the configuration enables. Meant for `hub plugins`: what was loaded only
        to look at it would observe runs too, so look with a registry of your own.
        """
        names = {*enabled, *ALWAYS_ENABLED}
        rows = []
        for name in self.installed:
            point = next(point for point in self._entry_points if point.name == name)
            offer, fault = _Offer(), ""
            try:
                self.enable(name)
                offer = self._offers[name]
            except PluginError as error:
                fault = str(error)
            rows.append(
                InstalledPlugin(
                    name=name,
                    distribution=point.dist.name if point.dist else "",
                    version=point.dist.version if point.dist else "",
                    enabled=name in names,
                    sources=tuple(sorted(offer.sources)),
                    channels=tuple(sorted(offer.channels)),
                    packs=tuple(sorted(offer.packs)),
                    commands=tuple(sorted(offer.commands)),
                    fault=fault,
                )
            )
        return rows

    def _load(self, point: metadata.EntryPoint) -> _Offer:
        name = point.name
        try:
            module = point.load()
            self._manager.register(module, name)
            self._manager.check_pending()
            return self._ask(name, module)
        except pluggy.PluginValidationError as error:
            problem = PluginError(f"Plugin '{name}' does not fit this hub: {' '.join(str(error).split())}")
            cause: BaseException = error
        except PluginError as error:
            problem, cause = error, error
        except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code may end in anything; the hub says whose
            said = " ".join(str(error).split()) or type(error).__name__
            problem = PluginError(f"Plugin '{name}' cannot be loaded: {said}.{_remedy(point, error)}")
            cause = error
        if self._manager.has_plugin(name):
            self._manager.unregister(name=name)
        raise problem from cause

    def _ask(self, name: str, module: ModuleType) -> _Offer:
        """Let one plugin register what it has, keeping account of whose it is."""
        from hub.conformance.pack import Pack  # noqa: PLC0415 - `hub --help` needs none of this
        from hub.report.channel import ChannelType  # noqa: PLC0415 - the same
        from hub.sync.source_type import SourceType  # noqa: PLC0415 - the same

        offer = _Offer()
        others = [plugin for plugin in self._manager.get_plugins() if plugin is not module]

        def collect(hook: str, kept: dict[str, Any], what: str, kind: type[SourceType | ChannelType | Pack]) -> None:
            def register(offered: Any) -> None:
                if not isinstance(offered, kind):
                    raise PluginError(f"Plugin '{name}' registered a {type(offered).__name__} in {hook}, not a {what}")
                self._refuse_double(name, what, offered.name, {**self._known(what), **kept})
                kept[offered.name] = offered

            self._manager.subset_hook_caller(hook, others)(register=register)

        def register_command(word: str, app: typer.Typer) -> None:
            self._refuse_double(name, "command", word, {**self.commands(), **offer.commands})
            offer.commands[word] = app

        collect("hub_register_sources", offer.sources, "SourceType", SourceType)
        collect("hub_register_channels", offer.channels, "ChannelType", ChannelType)
        collect("hub_register_requirements", offer.packs, "Pack", Pack)
        self._manager.subset_hook_caller("hub_register_commands", others)(register=register_command)
        return offer

    def _known(self, what: str) -> Mapping[str, Any]:
        known: dict[str, Mapping[str, Any]] = {
            "SourceType": self.sources(),
            "ChannelType": self.channels(),
            "Pack": self.packs(),
        }
        return known[what]

    @staticmethod
    def _refuse_double(plugin: str, what: str, name: str, known: dict[str, Any]) -> None:
        if name in known:
            raise PluginError(f"Plugin '{plugin}' offers a {what} '{name}', which is offered already")


def _remedy(point: metadata.EntryPoint, error: BaseException) -> str:
    """Say what to run: the extra of that name, where the distribution has one."""
    if point.dist is None or not isinstance(error, ImportError):
        return ""
    extras = point.dist.metadata.get_all("Provides-Extra") or []
    wanted = f"{point.dist.name}[{point.name}]" if point.name in extras else point.dist.name
    return f" Run: pip install '{wanted}'"
