"""Options that mean the same in every command."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "CONFIG",
    "AsOfOption",
    "ConfigOption",
    "Format",
    "FormatOption",
    "KnownAtOption",
    "LogFormat",
    "LogFormatOption",
    "examples",
]

CONFIG = Path("hub.toml")


class Format(StrEnum):
    """How a list is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class LogFormat(StrEnum):
    """How progress and faults are told on stderr."""

    TEXT = "text"
    JSON = "json"


ConfigOption = Annotated[
    Path, typer.Option("--config", envvar="HUB_CONFIG", metavar="PATH", help="Configuration file.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the list.")]
LogFormatOption = Annotated[
    LogFormat, typer.Option("--log-format", envvar="HUB_LOG_FORMAT", help="How to tell progress on stderr.")
]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="WHEN",
        help="Judge this instant: 2026-10-01T06:00:00Z, or a date (its first instant in the organisation's zone). "
        "Default: now.",
    ),
]
KnownAtOption = Annotated[
    str | None,
    typer.Option(
        "--known-at", metavar="WHEN", help="Use only what was known then; written like --as-of. Default: now."
    ),
]


def examples(*lines: str) -> str:
    """Write the end of a command's help: `app.command(epilog=examples("hub sync"))`."""
    return "\n\n".join(("Examples:" if len(lines) > 1 else "Example:", *(f"  {line}" for line in lines)))
