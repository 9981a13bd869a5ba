"""Prints lists: for people, for programs, for spreadsheets."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from hub.cli.option import Format

__all__ = ["as_json", "defuse", "emit", "plain"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def emit(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    output: Format = Format.TABLE,
    file: TextIO | None = None,
) -> None:
    """Print rows with the given columns, in their order.

    JSON is one array of objects with exactly these keys: a stable interface. Instants are to come as
    RFC 3339 text. In CSV a text cell that a spreadsheet would run as a formula gets a leading `'`;
    in tables control characters of tools are made harmless.
    """
    stream = file or sys.stdout
    match output:
        case Format.JSON:
            chosen = [{column: row.get(column) for column in columns} for row in rows]
            stream.write(as_json(chosen) + "\n")
        case Format.CSV:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([defuse(row.get(column)) for column in columns] for row in rows)
        case Format.TABLE:
            _emit_table(rows, columns, stream)


def defuse(value: Any) -> Any:
    """Make a cell safe for a spreadsheet; numbers stay numbers."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = _joined(value)
    return f"'{plain(text)}" if text.startswith(_FORMULA) else plain(text)


def as_json(value: Any) -> str:
    """Write JSON that a terminal may show: what is not printable stands there escaped, the value is the same."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    for char in set(text):
        if not char.isprintable() and char != "\n":
            text = text.replace(char, json.dumps(char)[1:-1])
    return text


def plain(text: str) -> str:
    """Take line breaks and terminal control characters out of a text of a tool."""
    return "".join(
        char if char.isprintable() else " " if char.isspace() else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def _joined(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_joined(item) for item in value)
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value)


def _emit_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], stream: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        numeric = bool(rows) and all(isinstance(row.get(column), int | float) for row in rows)
        table.add_column(column.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(_joined(row.get(column)))) for column in columns))
    console = Console(file=stream, highlight=False)
    if not console.is_terminal:
        # piped: one row per line, whatever its length
        console = Console(file=stream, highlight=False, width=max(80, console.measure(table).maximum, 10_000))
    console.print(table)
