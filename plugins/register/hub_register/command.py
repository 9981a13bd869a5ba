"""`hub register`: begin a file, check all of them, give editors something to complete from."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption, examples
from hub.cli.output import emit, plain
from hub.clock import SystemClock
from hub.errors import ConfigurationError, Fault
from hub.sla.zone import zone_names
from hub.sync.source import SourceContext
from hub_register.json_schema import write_schema
from hub_register.nearest import nearest
from hub_register.row import CSV, YAML
from hub_register.schema import FILES
from hub_register.settings import RegisterSettings
from hub_register.source import RegisterSource
from hub_register.templates import SCHEMAS, TEMPLATES, csv_template, live, summary

__all__ = ["app"]

_CHECKED = ("file", "line", "column", "level", "key", "message")
_LISTED = ("kind", "file", "keeps", "text")

app = typer.Typer(
    help="Rows that people keep by hand: begin files, check them, describe them to editors.", no_args_is_help=True
)

ZoneOption = Annotated[
    str | None,
    typer.Option("--zone", help="IANA zone of local times. Default: the organisation's, of the configuration."),
]


@app.callback()
def _group() -> None:
    """Begin, check and describe the files of the register."""


@app.command(
    epilog=examples(
        "hub register new --list", "hub register new suppliers", "hub register new shifts --file shifts.csv"
    )
)
def new(
    kind: Annotated[str, typer.Argument(help="Which file, such as suppliers.")] = "",
    *,
    file: Annotated[
        Path | None, typer.Option("--file", help="Where to write. Default: KIND.yaml in the folder of the register.")
    ] = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="Write the example rows as rows that count, not as comments.")
    ] = False,
    show: Annotated[bool, typer.Option("--list", help="List the kinds there are, and write nothing.")] = False,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Write a filled-in, commented file to start from, and the schema its editor completes from.

    The examples are comments until you take the sign away: nothing counts that you did not write. A file
    that exists is never overwritten. A name that ends in .csv gives a header and, with --rows, one row.
    """
    if show:
        emit([_about(stem) for stem in FILES], _LISTED, output)
        return
    if kind not in FILES:
        said = (
            f"no kind {kind!r}{nearest(kind, FILES)}" if kind else "name a kind; `hub register new --list` lists them"
        )
        raise ConfigurationError([Fault(said, key="KIND")])
    path = file or _folders(config)[0] / f"{kind}{YAML}"
    if path.suffix not in (YAML, CSV) or path.stem != kind:
        raise ConfigurationError([Fault(f"must be named {kind}{YAML} or {kind}{CSV}", str(path), "--file")])
    for standing in (path.with_suffix(YAML), path.with_suffix(CSV)):
        if standing.exists():
            raise ConfigurationError([Fault("exists already; nothing was written", str(standing))])
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == CSV:
        path.write_text(csv_template(kind, rows=rows), encoding="utf-8", newline="")
    else:
        path.write_text(live(kind) if rows else TEMPLATES[f"{kind}{YAML}"], encoding="utf-8")
        _write_schemas(path.parent / SCHEMAS, (kind,))
    typer.echo(f"wrote {path}")


@app.command(epilog=examples("hub register check", "hub register check register --format json"))
def check(
    path: Annotated[
        Path | None, typer.Argument(help="Folder of the register. Default: those of the configuration.")
    ] = None,
    *,
    zone: ZoneOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Read every file and say everything that is wrong, as file:line:column: key: message.

    Needs no store, no tool and no secret. Exit code 2 where anything is wrong; warnings (rows without
    proof, declarations that came late) leave it at 0.
    """
    found = [row for folder in ([path] if path else _folders(config)) for row in _look(folder, zone or _zone(config))]
    if output is Format.TABLE:
        for row in found:
            typer.echo(_line(row))
    else:
        emit(found, _CHECKED, output)
    if any(row["level"] == "error" for row in found):
        raise typer.Exit(2)


@app.command(epilog=examples("hub register schema register/schema"))
def schema(folder: Annotated[Path, typer.Argument(help="Where to write; made where it is missing.")]) -> None:
    """Write a JSON Schema for every kind of file, for editors that complete and underline.

    Existing schemas are replaced: they are written from the hub that reads the files.
    """
    _write_schemas(folder, tuple(FILES))
    typer.echo(f"wrote {len(FILES)} schemas into {folder}")


def _about(stem: str) -> dict[str, Any]:
    return {"kind": stem, "file": f"{stem}{YAML}", "keeps": FILES[stem], "text": summary(stem)}


def _write_schemas(folder: Path, stems: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for stem in stems:
        (folder / f"{stem}.json").write_text(write_schema(stem), encoding="utf-8")


def _look(folder: Path, zone: str) -> list[dict[str, Any]]:
    context = SourceContext("register", Path(), zone, SystemClock(), lambda request: request())
    with RegisterSource(RegisterSettings(plugin="register", folder=folder), context) as source:
        faults = source.faults()
        rows = [_row(fault, "error") for fault in faults]
        if not faults:
            rows = [_row(fault, "warning") for fault in source.warnings()]
            rows += [_row(Fault(line.text), line.level) for line in source.check() if line.level == "ok"]
    return rows


def _row(fault: Fault, level: str) -> dict[str, Any]:
    place = {"file": fault.file, "line": fault.line, "column": fault.column}
    return {**place, "level": level, "key": fault.key, "message": fault.message}


def _line(row: dict[str, Any]) -> str:
    fault = Fault(row["message"], row["file"], row["key"], row["line"], row["column"])
    return plain(f"warning: {fault}" if row["level"] == "warning" else str(fault))


def _folders(config: Path) -> list[Path]:
    """Give the folders of the registers a configuration names, without asking for anything else it names."""
    sources = _toml(config).get("sources")
    tables = sources.values() if isinstance(sources, dict) else ()
    named = [one.get("folder") for one in tables if isinstance(one, dict) and one.get("plugin") == "register"]
    return [config.parent / name for name in named if isinstance(name, str)] or [config.parent / "register"]


def _zone(config: Path) -> str:
    organisation = _toml(config).get("organisation")
    zone = organisation.get("zone") if isinstance(organisation, dict) else None
    return zone if zone in zone_names() else ""


def _toml(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):  # `hub check` says what is wrong with it
        return {}
