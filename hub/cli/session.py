"""What every command works with: configuration, plugins, store, clock, progress; each made when first asked for."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from hub.cli.option import LogFormat
from hub.clock import Clock, SystemClock, monotonic_s
from hub.config.fault import nearest
from hub.config.load import load_configuration
from hub.config.section import local_instant
from hub.errors import ConfigurationError, Fault
from hub.registry import Registry
from hub.sync.source import SourceContext

if TYPE_CHECKING:
    from hub.cli.progress import Progress
    from hub.config.configuration import Configuration
    from hub.conformance.pack import Requirement
    from hub.conformance.probe import Probe
    from hub.report.channel import Channel
    from hub.store.store import Store
    from hub.sync.runner import SourceJob
    from hub.sync.source_type import SourceSettings
    from hub.sync.waiver import WaiverKeeper

__all__ = ["ENABLE_PACK", "Session"]

ENABLE_PACK = "[packs.bs15000]"
"""The line that enables the requirements the hub comes with."""


class Session:
    """One call of `hub`, used as a context: everything opened is closed at its end.

    `create_store` lets a command that writes (sync, run, demo) make the store where there is none.
    """

    def __init__(
        self,
        config: Path,
        *,
        log_format: LogFormat = LogFormat.TEXT,
        clock: Clock | None = None,
        create_store: bool = False,
    ) -> None:
        self.config = config
        self.log_format = log_format
        self.clock: Clock = clock or SystemClock()
        self._create_store = create_store
        self._registry = Registry()
        self._open: list[Any] = []

    @cached_property
    def configuration(self) -> Configuration:
        """The checked configuration; ConfigurationError lists every fault."""
        return load_configuration(self.config, self._registry)

    @property
    def registry(self) -> Registry:
        """The plugins the configuration enables; asking for them loads it."""
        _ = self.configuration
        return self._registry

    @cached_property
    def store(self) -> Store:
        """The open store; StoreError says what to run where it is absent or not migrated."""
        from hub.store.store import Store

        configuration = self.configuration
        store = Store.open(
            configuration.store.url_with_password(), base_dir=configuration.base_dir, create=self._create_store
        )
        self._open.append(store)
        if store.made:
            self.progress.say(f"there was no store at {store.place}: a new one was made there", level="warning")
        return store

    @cached_property
    def progress(self) -> Progress:
        """Who is told what is going on; shown from here to the end of the session."""
        from hub.cli.progress import make_progress

        return make_progress(self.clock, self.log_format).__enter__()

    def instant(self, text: str | None) -> int:
        """Turn `--as-of` or `--known-at` into UTC milliseconds; None = now."""
        if text is None:
            return self.clock.now_ms()
        try:
            return local_instant(text, self.configuration.organisation.zone)
        except ValueError as error:
            raise ConfigurationError([Fault(f"'{text}' {error}", key="WHEN")]) from None

    def jobs(self, names: Iterable[str] = ()) -> list[SourceJob]:
        """Make the configured sources, all or those named, ready for `hub.sync.runner`.

        No network. The sources are closed with the session.
        """
        from hub.sync.mapper import can_map_apart
        from hub.sync.runner import SourceJob

        kinds = self.registry.sources()
        configured = self.configuration.sources
        made: list[SourceJob] = []
        for name in self._chosen("sources", names, configured):
            settings = configured[name]
            notes: list[str] = []
            source = kinds[settings.plugin].make(settings, self._context(name, settings, notes))
            self._open.append(source)
            made.append(
                SourceJob(
                    name,
                    source,
                    settings.fetchers,
                    self._fingerprint(settings),
                    self.erasure_key,
                    notes,
                    census_every_ms=settings.census_every_ms,
                    apart=can_map_apart(),
                )
            )
        return made

    def waiver_keepers(self) -> dict[str, WaiverKeeper]:
        """Make what writes waivers down, by the name of the source that keeps them. No network."""
        kinds = self.registry.sources()
        made = {}
        for name, settings in self.configuration.sources.items():
            make = kinds[settings.plugin].waivers
            if make is not None:
                made[name] = make(settings, self._context(name, settings))
        return made

    @property
    def erasure_key(self) -> str | None:
        """What finds erased persons again; not to be logged."""
        secret = self.configuration.retention.key
        return None if secret is None else secret.get_secret_value()

    def requirements(self) -> list[Requirement]:
        """Return what the enabled packs judge, with the configured parameters."""
        return self._requirements

    @cached_property
    def _requirements(self) -> list[Requirement]:
        packs = self.registry.packs()
        enabled = self.configuration.packs
        return [
            each for name, pack in enabled.items() for each in packs[name].requirements(pack.parameters, pack.choices)
        ]

    def probes(self) -> list[Probe]:
        """Return the checks by Python of the enabled packs; none where no requirement asks for their results."""
        if not any(part.reads.get("check_result") == "all" for one in self.requirements() for part in one.parts):
            return []
        packs = self.registry.packs()
        return [probe for name in self.configuration.packs if (given := packs[name].probes) for probe in given()]

    def channels(self, names: Iterable[str] = ()) -> dict[str, Channel]:
        """Make the configured channels, all or those named. No network."""
        kinds = self.registry.channels()
        configured = self.configuration.channels
        return {
            name: kinds[configured[name].plugin].make(configured[name], self._context(name))
            for name in self._chosen("channels", names, configured)
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._open:
            self._open.pop().close()
        if "progress" in self.__dict__:
            self.progress.__exit__(kind, fault, trace)

    def _chosen(self, section: str, names: Iterable[str], configured: Mapping[str, object]) -> list[str]:
        chosen = list(names) or list(configured)
        faults = [
            Fault(f"there is no '{name}'{nearest(name, configured)}", file=str(self.config), key=section)
            for name in chosen
            if name not in configured
        ]
        if faults:
            raise ConfigurationError(faults)
        return chosen

    def _fingerprint(self, settings: SourceSettings) -> str:
        """Hash what decides how documents become records: settings without secrets, zone, plugin's version."""
        chosen = settings.model_dump_json(exclude={"enabled", "proxy", "ca_bundle", "fetchers", "census"})
        parts = (self.registry.version_of_source(settings.plugin), self.configuration.organisation.zone, chosen)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _context(
        self, name: str, settings: SourceSettings | None = None, notes: list[str] | None = None
    ) -> SourceContext:
        from hub.sync.retry import RetryPolicy, make_caller

        base_dir = self.configuration.base_dir
        plain = SourceContext(
            name=name,
            base_dir=base_dir,
            zone=self.configuration.organisation.zone,
            clock=self.clock,
            call=make_caller(RetryPolicy(), sleep=time.sleep, monotonic=monotonic_s),
            log=lambda message: self.progress.say(f"{name}: {message}", source=name),
        )
        if settings is None:
            return plain
        return replace(
            plain,
            log=plain.log if notes is None else notes.append,
            proxy=settings.proxy,
            ca_bundle=base_dir / settings.ca_bundle if settings.ca_bundle else None,
            fetchers=settings.fetchers,
        )
