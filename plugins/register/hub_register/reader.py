"""Reads a YAML file into text, lists and mappings that know their line and column.

Every plain value stays text: `no`, `1.10` and `2026-10-01` mean what the field they stand in says,
not what YAML guesses. Hostile or careless files (bombs, tags, duplicate keys) are faults.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from hub.errors import Fault

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "MAX_ALIASES",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_VALUES",
    "BrokenFile",
    "Node",
    "decode_text",
    "read_bytes",
    "read_file",
    "read_text",
]

MAX_BYTES = 5_000_000
MAX_ALIASES = 100
MAX_DEPTH = 20
MAX_VALUES = 500_000
"""Values of a file once its aliases are written out."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands."""

    value: str | list[Node] | dict[str, Node] | None
    line: int
    """From 1."""
    column: int
    """From 1."""
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Line and column of a mapping's keys."""
    size: int = 1
    """Values in it, aliases written out."""

    def plain(self) -> Any:
        """Give the value as JSON knows it."""
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        return self.value

    @staticmethod
    def of(plain: Any, line: int, column: int) -> Node:
        """Make a node again from what `plain` gave; everything in it stands at one place."""
        if isinstance(plain, list):
            return Node([Node.of(item, line, column) for item in plain], line, column)
        if isinstance(plain, dict):
            items = {str(key): Node.of(item, line, column) for key, item in plain.items()}
            return Node(items, line, column, dict.fromkeys(items, (line, column)))
        return Node(None if plain is None else str(plain), line, column)


class BrokenFile(Exception):
    """The file as a whole cannot be read; `fault` says where and why."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


def read_file(path: Path, name: str) -> Node:
    """Read a YAML file; `name` is how faults call it. Raises BrokenFile."""
    return read_text(decode_text(read_bytes(path, name), name), name)


def read_bytes(path: Path, name: str) -> bytes:
    """Read the bytes of a file that is not too large. Raises BrokenFile."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BrokenFile(Fault(f"larger than {MAX_BYTES // 1_000_000} MB; split it", name))
        return path.read_bytes()
    except OSError as error:
        raise BrokenFile(Fault(f"cannot be read: {error.strerror}", name)) from error


def decode_text(content: bytes, name: str) -> str:
    """Turn the bytes of a file into text; they are to be UTF-8. Raises BrokenFile."""
    if content.startswith(_UTF16):
        raise BrokenFile(Fault("is UTF-16; save it as UTF-8", name))
    try:
        return content.decode("utf-8-sig")  # a byte order mark does no harm
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        raise BrokenFile(Fault("is not UTF-8; save it as UTF-8", name, line=line, column=column)) from error


def read_text(text: str, name: str) -> Node:
    """Read YAML text; an empty text is an empty value. Raises BrokenFile."""
    builder = _Builder(name)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise BrokenFile(Fault(_problem(text, error), name, line=line, column=column)) from error
    except yaml.YAMLError as error:  # a character YAML does not allow
        raise BrokenFile(Fault("holds a control character that YAML does not allow", name)) from error
    return builder.root or Node(None, 1, 1)


def _problem(text: str, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark
    lines = text.splitlines()
    if mark and mark.line < len(lines) and "\t" in lines[mark.line][: mark.column + 1]:
        return "a tab stands where YAML wants spaces; indent with spaces"
    said = ", ".join(part for part in (error.context, error.problem) if part)
    return f"is not YAML here: {said}"


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is still open."""

    mark: Any
    anchor: str | None
    items: list[Node] | dict[str, Node]
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    key: str | None = None


class _Builder:
    """Builds nodes from YAML events; depth, aliases and size are bounded before anything is expanded."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Node | None = None
        self._open: list[_Frame] = []
        self._anchors: dict[str, Node] = {}
        self._aliases = 0
        self._documents = 0

    def take(self, event: Any) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise self._fault("holds a second document (`---`); keep one a file", event.start_mark)
            case yaml.AliasEvent():
                self._add(self._alias(event), event.start_mark, is_text=False)
            case yaml.ScalarEvent():
                self._refuse_tag(event)
                is_null = event.implicit[0] and event.value in _NULLS
                node = self._node(None if is_null else event.value, event.start_mark)
                self._remember(event.anchor, node)
                self._add(node, event.start_mark, is_text=not is_null)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._refuse_tag(event)
                if len(self._open) >= MAX_DEPTH:
                    raise self._fault(f"is nested deeper than {MAX_DEPTH} levels", event.start_mark)
                opened: list[Node] | dict[str, Node] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
                self._open.append(_Frame(event.start_mark, event.anchor, opened))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._close()
            case _:
                pass

    def _alias(self, event: Any) -> Node:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise self._fault(f"has more than {MAX_ALIASES} aliases (`*name`); write the values out", event.start_mark)
        if event.anchor not in self._anchors:
            raise self._fault(f"no anchor &{event.anchor} is complete before this alias", event.start_mark)
        return self._anchors[event.anchor]

    def _close(self) -> None:
        frame = self._open.pop()
        children = frame.items if isinstance(frame.items, list) else frame.items.values()
        node = self._node(frame.items, frame.mark, frame.keys, 1 + sum(child.size for child in children))
        if node.size > MAX_VALUES:
            raise self._fault(f"holds more than {MAX_VALUES} values once aliases are written out", frame.mark)
        self._remember(frame.anchor, node)
        self._add(node, frame.mark, is_text=False)

    def _add(self, node: Node, mark: Any, *, is_text: bool) -> None:
        if not self._open:
            self.root = node
            return
        frame = self._open[-1]
        if isinstance(frame.items, list):
            frame.items.append(node)
        elif frame.key is None:
            frame.key = self._key(frame, node, mark, is_text=is_text)
        else:
            frame.items[frame.key] = node
            frame.key = None

    def _key(self, frame: _Frame, node: Node, mark: Any, *, is_text: bool) -> str:
        if not is_text or not isinstance(node.value, str):
            raise self._fault("a key must be plain text", mark)
        if node.value == "<<":
            raise self._fault("merge keys (`<<`) are not read; write the values out", mark)
        if node.value in frame.keys:
            first = frame.keys[node.value][0]
            raise self._fault(f"key {node.value!r} stands twice in one row (first in line {first})", mark)
        frame.keys[node.value] = (mark.line + 1, mark.column + 1)
        return node.value

    def _node(self, value: Any, mark: Any, keys: dict[str, tuple[int, int]] | None = None, size: int = 1) -> Node:
        return Node(value, mark.line + 1, mark.column + 1, keys or {}, size)

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None:
            raise self._fault(f"the tag {event.tag!r} is not read; write the value alone", event.start_mark)

    def _fault(self, message: str, mark: Any) -> BrokenFile:
        return BrokenFile(Fault(message, self.name, line=mark.line + 1, column=mark.column + 1))
