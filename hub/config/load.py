"""Reads hub.toml, lays the environment over it, and checks everything before anything runs."""

from __future__ import annotations

import codecs
import os
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from hub.config.configuration import Configuration
from hub.config.environment import SECTIONS, read_environment
from hub.config.fault import complaints, nearest
from hub.config.line import key_lines, nearest_line
from hub.config.retention import RetentionSettings
from hub.config.secret import SecretReader
from hub.config.section import (
    FindingSettings,
    OrganisationSettings,
    PackSettings,
    ReportSettings,
    StoreSettings,
    WaiverSettings,
)
from hub.conformance.profile import objections
from hub.errors import ConfigurationError, Fault, PluginError
from hub.registry import ALWAYS_ENABLED, Registry
from hub.report.channel import ChannelSettings
from hub.sync.source_type import SourceSettings

__all__ = ["load_configuration", "named_plugins"]

KeyPath = tuple[str, ...]
Model = TypeVar("Model", bound=BaseModel)

_LARGEST = 1_000_000
"""Bytes of a configuration; a longer file is something else."""
_NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_RESERVED = {"hub": "the hub keeps its own records under it"}
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def load_configuration(path: Path, registry: Registry) -> Configuration:
    """Read and check one hub.toml, loading into `registry` what it enables.

    Layers, lowest first: defaults, file, environment (`HUB_SECTION__KEY`). Raises ConfigurationError
    with every fault found, each with file and line, or the variable; no message holds a secret.
    """
    path = path.absolute()
    text, parsed = _parse(path)
    loading = _Loading(path, text, parsed, registry)
    configuration = loading.build()
    if configuration is None:
        raise ConfigurationError(loading.in_order())
    return configuration


def named_plugins(path: Path) -> set[str]:
    """Return the plugin names a configuration enables, checking nothing else.

    Empty for a file that is missing or cannot be parsed: `hub plugins` and `hub --help` still work.
    """
    try:
        _, parsed = _parse(path.absolute())
    except ConfigurationError:
        return set()
    values, _, _ = read_environment(parsed)
    return _named(_overlay(parsed, values))


def _named(settings: Mapping[str, Any]) -> set[str]:
    listed = settings.get("plugins", [])
    names = {name for name in listed if isinstance(name, str)} if isinstance(listed, list) else set()
    names.update(pack for pack, section in _tables(settings, "packs") if _is_enabled(section))
    for kind in ("sources", "channels"):
        used = (section.get("plugin") for _, section in _tables(settings, kind) if _is_enabled(section))
        names.update(name for name in used if isinstance(name, str))
    return names


def _parse(path: Path) -> tuple[str, dict[str, Any]]:
    line = column = None
    try:
        text = _text(path).replace("\r\n", "\n")
        return text, tomllib.loads(text)
    except FileNotFoundError:
        said = "there is no such file; write one with: hub init"
    except OSError as error:
        said = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        said = "is not UTF-8 text; save it as UTF-8"
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        line, column = (int(place[1]), int(place[2])) if place and place[1] else (None, None)
        said = f"is not TOML: {_PLACE.sub('', str(error))}"
    except RecursionError:
        said = "is nested deeper than any configuration; look for brackets that are never closed"
    except ValueError as error:
        said = "holds a number of thousands of digits" if "digits" in str(error) else str(error)
    raise ConfigurationError([Fault(said, file=str(path), line=line, column=column)])


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"is larger than {_LARGEST // 1_000_000} MB; no configuration is")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("is UTF-16; save it as UTF-8")
    return content.decode("utf-8-sig")  # a byte order mark does no harm


class _Loading:
    """One reading of one file: collects faults until nothing more can be found."""

    def __init__(self, path: Path, text: str, parsed: dict[str, Any], registry: Registry) -> None:
        self._path = path
        self._lines = key_lines(text)
        values, self._origins, self.faults = read_environment(parsed)
        self._settings = _overlay(parsed, values)
        self._registry = registry
        self._secrets = SecretReader(
            path.parent,
            os.environ,
            is_from_environment=self._origins.__contains__,
            locate=self._locate,
        )

    def build(self) -> Configuration | None:
        """Check everything; None where there are faults."""
        for key in sorted(self._settings.keys() - set(SECTIONS)):
            self._fault((key,), f"unknown key{nearest(key, SECTIONS)}")
        self._refuse_control_characters()
        self._load_plugins()
        organisation = self._section("organisation", OrganisationSettings)
        store = self._section("store", StoreSettings)
        findings = self._section("findings", FindingSettings)
        retention = self._section("retention", RetentionSettings)
        waivers = self._section("waivers", WaiverSettings)
        packs = self._sections("packs", PackSettings)
        sources = self._of_types("sources", {name: kind.settings for name, kind in self._registry.sources().items()})
        channels = self._of_types("channels", {name: kind.settings for name, kind in self._registry.channels().items()})
        reports = self._sections("reports", ReportSettings)
        self._check_names(packs, reports)
        if retention:
            self._check_retention(retention)
        self.faults.extend(self._secrets.faults)
        if self.faults or not (organisation and store and findings and retention and waivers):
            return None
        return Configuration(
            path=self._path,
            plugins=tuple(self._settings.get("plugins", [])),
            organisation=organisation,
            store=store,
            packs=packs,
            sources={name: item for name, item in sources.items() if isinstance(item, SourceSettings)},
            channels={name: item for name, item in channels.items() if isinstance(item, ChannelSettings)},
            reports=reports,
            findings=findings,
            retention=retention,
            waivers=waivers,
        )

    def in_order(self) -> list[Fault]:
        """Return the faults in the order a person meets them in the file, secrets taken out."""
        ordered = sorted(self.faults, key=lambda fault: (fault.file == "environment", fault.line or 0, fault.key))
        return [self._without_secrets(fault) for fault in ordered]

    def _without_secrets(self, fault: Fault) -> Fault:
        message = fault.message
        for secret in self._secrets.values:
            message = message.replace(secret, "***")
        return Fault(message, fault.file, fault.key, fault.line, fault.column)

    def _refuse_control_characters(self) -> None:
        """No name, path, address or word has any; in a terminal, a path or a header they do harm."""
        waiting: list[tuple[KeyPath, Any]] = [((), self._settings)]
        while waiting:
            path, value = waiting.pop()
            if isinstance(value, Mapping):
                waiting += [((*path, key), part) for key, item in value.items() for part in (key, item)]
            elif isinstance(value, list):
                waiting += [(path, item) for item in value]
            elif isinstance(value, str) and any(unicodedata.category(char) in {"Cc", "Cs"} for char in value.strip()):
                self._fault(path, "holds a control character; take it out")

    def _load_plugins(self) -> None:
        listed = self._settings.get("plugins", [])
        if not (isinstance(listed, list) and all(isinstance(name, str) for name in listed)):
            self._fault(("plugins",), 'should be a list of names: plugins = ["…"]')
            self._settings["plugins"] = listed = []
        for name in sorted({*_named(self._settings), *ALWAYS_ENABLED}):
            if name in self._registry.installed or name in listed:
                try:
                    self._registry.enable(name)
                except PluginError as error:
                    self._fault(self._user_of(name), str(error))

    def _user_of(self, plugin: str) -> KeyPath:
        """Return the first key that asks for a plugin."""
        for kind in ("sources", "channels"):
            for name, section in _tables(self._settings, kind):
                if section.get("plugin") == plugin and _is_enabled(section):
                    return (kind, name, "plugin")
        return ("packs", plugin) if plugin in self._settings.get("packs", {}) else ("plugins",)

    def _section(self, name: str, model: type[Model]) -> Model | None:
        return self._validated((name,), self._settings.get(name, {}), model)

    def _sections(self, kind: str, model: type[Model]) -> dict[str, Model]:
        found: dict[str, Model] = {}
        for name, section in self._entries(kind):
            if _is_enabled(section) and (settings := self._validated((kind, name), section, model)):
                found[name] = settings
        return found

    def _of_types(self, kind: str, types: Mapping[str, type[BaseModel]]) -> dict[str, BaseModel]:
        """Check sections with the settings model of the plugin each of them names."""
        found: dict[str, BaseModel] = {}
        folded: dict[str, str] = {}
        for name, section in self._entries(kind):
            self._check_section_name(kind, name, folded)
            if not _is_enabled(section):
                continue
            plugin = section.get("plugin")
            if isinstance(plugin, str) and plugin in types:
                if settings := self._validated((kind, name), section, types[plugin]):
                    found[name] = settings
            elif plugin is None:
                self._fault(
                    (kind, name), f'is missing its plugin; write: plugin = "…"{nearest("", self._offered(types))}'
                )
            elif not any(fault.key == f"{kind}.{_key(name)}.plugin" for fault in self.faults):
                what = f"no plugin offers {kind} of the type '{plugin}'"
                self._fault((kind, name, "plugin"), what + nearest(str(plugin), self._offered(types)))
        return found

    def _offered(self, types: Mapping[str, object]) -> set[str]:
        """Return what loaded plugins offer, and the installed plugins that may offer more when enabled."""
        return {*types, *(set(self._registry.installed) - set(self._registry.enabled))}

    def _entries(self, kind: str) -> list[tuple[str, Mapping[str, Any]]]:
        """List the named tables of `[kind.…]`, reporting what is no table."""
        tables = self._settings.get(kind, {})
        if not isinstance(tables, Mapping):
            self._fault((kind,), f"should hold tables: [{kind}.<name>]")
            return []
        for name, section in tables.items():
            if not isinstance(section, Mapping):
                self._fault((kind, name), f"should be a table: [{kind}.{name}]")
        return _tables(self._settings, kind)

    def _check_section_name(self, kind: str, name: str, folded: dict[str, str]) -> None:
        plain = name.casefold().replace("_", "-")
        if (twin := folded.setdefault(plain, name)) != name:
            self._fault((kind, name), f"differs from '{twin}' in writing only; choose another name")
        if not _NAME.fullmatch(name):
            self._fault((kind, name), "the name may hold small letters, digits and single hyphens only")
        if kind == "sources" and name in _RESERVED:
            self._fault((kind, name), f"the name '{name}' is taken: {_RESERVED[name]}")

    def _check_names(self, packs: Mapping[str, PackSettings], reports: Mapping[str, ReportSettings]) -> None:
        channels = [name for name, _ in _tables(self._settings, "channels")]
        for name, pack in packs.items():
            if name in self._registry.packs():
                self._check_profile(name, pack)
            elif not any(fault.key == f"packs.{_key(name)}" for fault in self.faults):
                known = nearest(name, self._offered(self._registry.packs()))
                self._fault(("packs", name), f"no plugin offers a pack '{name}'{known}")
        for name, report in reports.items():
            for channel in report.channels:
                if channel not in channels:
                    what = f"there is no channel '{channel}'{nearest(channel, channels)}"
                    self._fault(("reports", name, "channels"), what)

    def _check_retention(self, retention: RetentionSettings) -> None:
        known = [name for name, _ in _tables(self._settings, "sources")]
        named = [("rules", place, rule.source) for place, rule in enumerate(retention.rules)]
        for part, place, source in (*named, *(("holds", n, hold.source) for n, hold in enumerate(retention.holds))):
            if source is not None and source not in known:
                path = ("retention", part, str(place), "source")
                self._fault(path, f"there is no source '{source}'{nearest(source, known)}")

    def _check_profile(self, name: str, settings: PackSettings) -> None:
        pack = self._registry.packs()[name]
        for below, said in objections(pack.entries, settings.parameters, settings.choices, place=("packs", name)):
            self._fault(("packs", name, *below), said)

    def _validated(self, path: KeyPath, value: object, model: type[Model]) -> Model | None:
        resolved = self._secrets.resolve(value, model, path)
        try:
            return model.model_validate(resolved)
        except ValidationError as error:
            for below, message in complaints(error, model):
                if (*path, *below) not in self._secrets.faulty:
                    self._fault((*path, *below), message)
            return None

    def _fault(self, path: KeyPath, message: str) -> None:
        self.faults.append(self._locate(path, message))

    def _locate(self, path: KeyPath, message: str) -> Fault:
        if variable := self._origins.get(path):
            return Fault(message, file="environment", key=variable)
        return Fault(message, file=str(self._path), key=".".join(map(_key, path)), line=nearest_line(self._lines, path))


def _key(part: str) -> str:
    """Write one part of a key as TOML does; what would break the line stays visible."""
    if re.fullmatch(r"[A-Za-z0-9_-]+", part):
        return part
    return '"' + "".join(char if char.isprintable() else repr(char)[1:-1] for char in part) + '"'


def _overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        base = merged.get(key)
        both = isinstance(base, Mapping) and isinstance(value, Mapping)
        merged[key] = _overlay(base, value) if both else value  # type: ignore[arg-type]  # both are mappings here
    return merged


def _tables(settings: Mapping[str, Any], kind: str) -> list[tuple[str, Mapping[str, Any]]]:
    tables = settings.get(kind, {})
    if not isinstance(tables, Mapping):
        return []
    return [(name, section) for name, section in tables.items() if isinstance(section, Mapping)]


def _is_enabled(section: Mapping[str, Any]) -> bool:
    return section.get("enabled", True) not in (False, "false", "0", "no", "off")
