"""`hub profile`: shows every parameter as shipped and as set, for whom, who set it, why and where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from hub.cli.judging import profile_of
from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption, examples
from hub.cli.output import emit
from hub.cli.session import Session
from hub.conformance.answer import ProfileLine
from hub.conformance.pack import CatalogueEntry
from hub.errors import ConfigurationError, Fault

__all__ = ["register"]

_COLUMNS = ("requirement", "what", "shipped", "effective", "scope", "set_by", "set_at", "reason", "key")
_WIDE = 60


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("hub profile", "hub profile --ours", "hub profile BS15000-8.2-c --format json"))(
        profile
    )


def profile(
    requirement: Annotated[str | None, typer.Argument(help="Requirement id. Default: all.")] = None,
    *,
    ours: Annotated[bool, typer.Option("--ours", help="List only what is set otherwise than shipped.")] = False,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show every parameter as shipped and as set: for whom, who set it, why, and by which key.

    Beside parameters: requirements that are not judged (`judged`) and severities that differ. Reads the
    configuration only.
    """
    with Session(config) as session:
        deviations = profile_of(session)
        packs = session.registry.packs()
        entries = [entry for name in session.configuration.packs for entry in packs[name].entries]
    if requirement is not None and all(entry.id != requirement for entry in entries):
        raise ConfigurationError(
            [Fault("no enabled pack has this requirement; see: hub coverage --requirements", key=requirement)]
        )
    rows = [
        row
        for entry in entries
        if requirement in (None, entry.id)
        for row in _rows(entry, [line for line in deviations if line.requirement == entry.id], ours=ours)
    ]
    if output is Format.TABLE:
        rows = [row | {name: _shown(row[name]) for name in ("shipped", "effective")} for row in rows]
    emit(rows, _COLUMNS, output)


def _rows(entry: CatalogueEntry, lines: list[ProfileLine], *, ours: bool) -> Iterator[dict[str, Any]]:
    """List parameters, each for everybody first, then what else is set."""
    for name, shipped in sorted(entry.parameters.items()):
        said = [line for line in lines if line.what == name]
        if not ours and not any(line.scope == "organisation" for line in said):
            yield _row(entry.id, name, shipped)
        yield from (_set(line) for line in said)
    yield from (_set(line) for line in lines if line.what not in entry.parameters)


def _row(requirement: str, what: str, shipped: Any) -> dict[str, Any]:
    row = dict.fromkeys(_COLUMNS, "")
    return row | {
        "requirement": requirement,
        "what": what,
        "shipped": shipped,
        "effective": shipped,
        "scope": "organisation",
    }


def _set(line: ProfileLine) -> dict[str, Any]:
    told = {name: getattr(line, name) for name in ("requirement", "what", "shipped", "scope", "set_by", "set_at")}
    return {**told, "effective": line.ours, "reason": line.reason, "key": line.key}


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        value = ", ".join(f"{name} {item}" for name, item in value.items())
    elif isinstance(value, list):
        value = ", ".join(map(str, value))
    text = "yes" if value is True else "no" if value is False else str(value)
    return text if len(text) <= _WIDE else f"{text[: _WIDE - 1]}…"
