"""Reads a CSV file into the rows a YAML file would give, each cell with its line and column.

The first line names the fields; `continuity_agreed.by` is a field of a struct, `lines.1.amount` one of
the first of several. A cell of a list holds `one; two`, and `[]` says: none, explicitly. An empty cell
is not given. Quoted cells may hold commas, quotes (doubled) and line breaks (RFC 4180).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import inspect

from hub.errors import Fault
from hub.records import Period
from hub_register.nearest import nearest
from hub_register.reader import MAX_VALUES, BrokenFile, Node
from hub_register.schema import struct_fields, unwrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["CsvRows", "read_csv"]

MAX_COLUMNS = 500
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_CELL = re.compile(r'"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>[^,"\r\n]*)')
_NUMBER = re.compile(r"[1-9]\d?", re.ASCII)
_ITEM = re.compile(r"[^;]+")


@dataclass(slots=True)
class CsvRows:
    """What stands in a CSV file."""

    rows: list[Node] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    """What is wrong with the header, or with the number of cells of a row; such rows are left out."""


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class _Column:
    """One column: where its values go."""

    path: tuple[str, ...]
    is_list: bool


def read_csv(text: str, name: str, fields: Mapping[str, inspect.Field]) -> CsvRows:
    """Read CSV text for rows of `fields`. Raises BrokenFile where it cannot be told what is a cell."""
    found = CsvRows()
    if odd := _CONTROL.search(text):
        line, column = _place(text, odd.start())
        raise BrokenFile(Fault("holds a control character", name, line=line, column=column))
    lines = _lines(text, name)
    header = next(lines, None)
    if header is None:
        return found
    columns = _columns(header, name, fields, found.faults)
    values = 0
    for cells in lines:
        values += len(cells)
        if values > MAX_VALUES:
            raise BrokenFile(Fault(f"holds more than {MAX_VALUES} values", name, line=cells[0].line))
        if len(cells) != len(columns):
            said = f"has {len(cells)} cells where the header has {len(columns)}; quote a text that holds a comma"
            found.faults.append(Fault(said, name, line=cells[0].line, column=cells[0].column))
            continue
        found.rows.append(_row(cells, columns))
    return found


def _place(text: str, position: int) -> tuple[int, int]:
    before = text[:position].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _lines(text: str, name: str) -> Iterator[list[_Cell]]:
    """Cut text into lines of cells; lines without any character are left out."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    position, line, start = 0, 1, 0
    cells: list[_Cell] = []
    while position <= len(text):
        match = _CELL.match(text, position)
        assert match is not None  # noqa: S101 - an empty cell always matches
        quoted = match["quoted"]
        column = position - start + 1
        value = match["plain"] if quoted is None else quoted.replace('""', '"')
        cells.append(_Cell(value, line, column))
        end = match.end()
        if quoted is not None and "\n" in quoted:
            line += quoted.count("\n")
            start = position + 1 + quoted.rfind("\n") + 1
        if end < len(text) and text[end] not in ",\n":
            raise BrokenFile(_unquoted(text[end], name, cells[-1], (line, end - start + 1)))
        if end >= len(text) or text[end] == "\n":
            if len(cells) > 1 or cells[0].text or quoted is not None:
                yield cells
            cells, line, start = [], line + 1, end + 1
        position = end + 1


def _unquoted(char: str, name: str, cell: _Cell, place: tuple[int, int]) -> Fault:
    if char == '"' and not cell.text:
        return Fault("a quote is never closed", name, line=cell.line, column=cell.column)
    said = "a quote stands inside a cell; quote the whole cell and double the quotes in it"
    return Fault(said, name, line=place[0], column=place[1])


def _columns(
    header: list[_Cell], name: str, fields: Mapping[str, inspect.Field], faults: list[Fault]
) -> list[_Column | None]:
    if len(header) == 1 and ";" in header[0].text:
        raise BrokenFile(Fault("is separated by semicolons; save it with commas", name, line=1, column=1))
    if len(header) > MAX_COLUMNS:
        raise BrokenFile(Fault(f"has more than {MAX_COLUMNS} columns", name, line=1, column=header[MAX_COLUMNS].column))
    columns: list[_Column | None] = []
    known: dict[tuple[str, ...], int] = {}
    for cell in header:
        path = tuple(part.strip() for part in cell.text.split("."))
        try:
            if path in known:
                raise ValueError(f"stands twice (first in column {known[path]})")  # noqa: TRY301 - said below
            known[path] = cell.column
            columns.append(_Column(path, _is_list(path, fields)))
        except ValueError as error:
            columns.append(None)
            faults.append(Fault(str(error), name, cell.text.strip(), cell.line, cell.column))
    if ("id",) not in known:
        faults.append(Fault("the header has no column id", name, "id", header[0].line, header[0].column))
    return columns


def _is_list(path: tuple[str, ...], fields: Mapping[str, inspect.Field]) -> bool:
    """Follow a dotted column through the types; tell whether its cells are lists. Raises ValueError."""
    first, *rest = path
    if first not in fields:
        raise ValueError(f"unknown column{nearest(first, fields)}")
    kind, _ = unwrap(fields[first].type)
    if isinstance(kind, inspect.ListType):
        item, _ = unwrap(kind.item_type)
        if not isinstance(item, inspect.StructType):
            if rest:
                raise ValueError("is a list of single values; write them into one column, separated by `;`")
            return True
        if not rest or not _NUMBER.fullmatch(rest[0]):
            raise ValueError(f"is a list; write {first}.1.{next(iter(struct_fields(item.cls)))} for the first of it")
        rest, kind = rest[1:], item
    if isinstance(kind, inspect.StructType) and rest:
        return _is_list(tuple(rest), struct_fields(kind.cls))
    _refuse_parts(first, rest, kind)
    return False


def _refuse_parts(name: str, rest: list[str], kind: inspect.Type) -> None:
    """Raise ValueError where a column has parts it cannot have, or lacks those it must have."""
    if isinstance(kind, inspect.StructType) and kind.cls is not Period:
        raise ValueError(f"has parts; write {', '.join(f'{name}.{part}' for part in struct_fields(kind.cls))}")
    if isinstance(kind, inspect.DictType) and len(rest) != 1:
        raise ValueError(f"is a map; write {name}.<name>")
    if rest and not isinstance(kind, inspect.DictType):
        raise ValueError("has no parts")


def _row(cells: list[_Cell], columns: list[_Column | None]) -> Node:
    root: dict[str, Node] = {}
    keys: dict[str, tuple[int, int]] = {}
    for cell, column in zip(cells, columns, strict=True):
        if column is None or not cell.text.strip():
            continue
        target, known = root, keys
        for part in column.path[:-1]:
            inner = target.get(part)
            if inner is None or not isinstance(inner.value, dict):
                inner = Node({}, cell.line, cell.column)
                target[part], known[part] = inner, (cell.line, cell.column)
            assert isinstance(inner.value, dict)  # noqa: S101 - made just now
            target, known = inner.value, inner.keys
        target[column.path[-1]] = _items(cell) if column.is_list else _text(cell.text, cell.line, cell.column)
        known[column.path[-1]] = (cell.line, cell.column)
    return Node({key: _listed(node) for key, node in root.items()}, cells[0].line, cells[0].column, keys)


def _text(text: str, line: int, column: int) -> Node:
    stripped = text.strip()
    return Node(stripped, line, column + len(text) - len(text.lstrip()))


def _items(cell: _Cell) -> Node:
    if cell.text.strip() == "[]":
        return Node([], cell.line, cell.column)
    items = [_text(item[0], cell.line, cell.column + item.start()) for item in _ITEM.finditer(cell.text)]
    return Node([item for item in items if item.value], cell.line, cell.column)


def _listed(node: Node) -> Node:
    """Turn a mapping of the numbers 1, 2 … into the list it stands for."""
    if not isinstance(node.value, dict):
        return node
    items = {key: _listed(item) for key, item in node.value.items()}
    if items and all(_NUMBER.fullmatch(key) for key in items):
        return Node([items[key] for key in sorted(items, key=int)], node.line, node.column)
    return Node(items, node.line, node.column, node.keys)
