"""`hub init`: files to start from."""

from __future__ import annotations

import datetime as dt
import json
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError

from hub.cli.option import CONFIG, examples
from hub.clock import Clock, SystemClock
from hub.config.fault import complaints
from hub.config.section import OrganisationSettings
from hub.errors import ConfigurationError, Fault
from hub.registry import Registry

__all__ = ["register", "write_start"]

_STARTING = ("register",)
"""Plugins whose sources stand in the written hub.toml without a comment sign."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("hub init", 'hub init /etc/hub --name "Example Ltd" --zone Europe/London'))(init)


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write; made where it is missing.")] = Path(),
    *,
    name: Annotated[str, typer.Option(help="Name of the organisation.")] = "Example Organisation",
    zone: Annotated[str, typer.Option(help="Its IANA time zone.")] = "UTC",
) -> None:
    """Write a commented configuration to start from.

    Makes hub.toml, the folder secrets/ that only you can read, and templates of the register. Files that
    exist are never overwritten.
    """
    for path in write_start(folder, name=name, zone=zone, clock=SystemClock()):
        typer.echo(f"wrote {path}")
    where = "" if folder == Path() else f" --config {folder / CONFIG}"
    typer.echo(f"Next: edit {folder / CONFIG}, then run: hub check{where}")


def write_start(folder: Path, *, name: str, zone: str, clock: Clock) -> list[Path]:
    """Write the files and return their paths. Raises ConfigurationError where one exists already."""
    try:
        OrganisationSettings(name=name, zone=zone)
    except ValidationError as error:
        faults = [Fault(message, key=f"--{path[0]}") for path, message in complaints(error, OrganisationSettings)]
        raise ConfigurationError(faults) from None
    today = dt.datetime.fromtimestamp(clock.now_ms() / 1000, tz=ZoneInfo(zone)).date().isoformat()
    words = {"name": json.dumps(name, ensure_ascii=False), "zone": json.dumps(zone), "judge_from": today}
    templates = [*_templates(resources.files("hub.cli") / "template"), *_start_files()]
    texts = {folder / place: text for place, text in templates}
    if existing := [str(path) for path in texts if path.exists()]:
        verb = "exists" if len(existing) == 1 else "exist"
        raise ConfigurationError([Fault(f"{', '.join(existing)} {verb} already; nothing was written")])
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        for word, value in words.items():
            text = text.replace("{{" + word + "}}", value)  # noqa: PLW2901 - three words
        path.write_text(text, encoding="utf-8")
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    secrets.chmod(0o700)
    return [*texts, secrets]


def _start_files() -> list[tuple[Path, str]]:
    """Collect what the sources of the start bring along."""
    registry = Registry()
    for name in _STARTING:
        registry.enable(name)
    kinds = registry.sources().values()
    return [(Path(place), text) for kind in kinds for place, text in sorted(kind.start_files.items())]


def _templates(folder: Traversable, above: Path = Path()) -> list[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []
    for item in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if item.is_dir():
            found.extend(_templates(item, above / item.name))
        else:
            found.append((above / item.name, item.read_text(encoding="utf-8")))
    return found
