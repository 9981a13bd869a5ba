"""Turns the text of one row into values, by the types of the record it becomes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import inspect

from hub.errors import Fault
from hub.records import KINDS, Period
from hub.sla.calendar import BUILT_IN
from hub_register.moment import read_date, read_instant, read_period
from hub_register.nearest import nearest
from hub_register.schema import FILES, struct_fields, unwrap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hub_register.reader import Node

__all__ = ["MISSING", "Reference", "ValueReader"]

_SHORT = re.compile(r"([a-z_]+)/(\w[\w.-]*)")
_FULL = re.compile(r"[A-Za-z0-9][\w.-]*:\S+")
_INTEGER = re.compile(r"-?\d{1,15}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,15}(\.\d+)?", re.ASCII)
_BOOLS = {"true": True, "yes": True, "false": False, "no": False}

MISSING: Any = object()
"""Stands for a value that is faulty or not given."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A row of this register that a row points to."""

    target: str
    """`people/alice`."""
    key: str
    line: int
    column: int


@dataclass(slots=True)
class ValueReader:
    """Reads the values of one row and collects everything wrong with them."""

    source: str
    """Configured name: the prefix of short references."""
    file: str
    zone: str
    faults: list[Fault] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    raw_times: dict[str, str] = field(default_factory=dict)
    """Dotted key to the text of an instant that carried an offset."""

    def fault(self, node: Node, key: str, message: str) -> Any:
        """Note a fault at a value; gives MISSING."""
        self.faults.append(Fault(message, self.file, key, node.line, node.column))
        return MISSING

    def mapping(self, node: Node, fields: Mapping[str, inspect.Field], key: str) -> dict[str, Any]:
        """Read a mapping; unknown keys are faults, empty values are not given."""
        if not isinstance(node.value, dict):
            self.fault(node, key, f"must be a mapping with {', '.join(fields)}")
            return {}
        values: dict[str, Any] = {}
        for name, item in node.value.items():
            place = f"{key}.{name}" if key else name
            if name not in fields:
                line, column = node.keys.get(name, (item.line, item.column))
                self.faults.append(Fault(f"unknown key{nearest(name, fields)}", self.file, place, line, column))
            elif item.value is not None:
                value = self.value(item, fields[name].type, place)
                if value is not MISSING:
                    values[fields[name].encode_name] = value
        return values

    def value(self, node: Node, described: inspect.Type, key: str) -> Any:
        """Read one value as its described type says; MISSING after a fault."""
        kind, marks = unwrap(described)
        match kind:
            case inspect.ListType():
                return self._list(node, kind, key)
            case inspect.StructType():
                return self._struct(node, kind, key)
            case inspect.DictType() | inspect.AnyType():
                return node.plain()
            case _:
                return self._scalar(node, kind, marks, key)

    def _list(self, node: Node, kind: inspect.ListType, key: str) -> Any:
        if not isinstance(node.value, list):
            return self.fault(node, key, "must be a list: `[one, two]`, or one `- value` a line")
        items = []
        for number, item in enumerate(node.value):
            place = f"{key}[{number}]"
            value = (
                self.fault(item, place, "is empty") if item.value is None else self.value(item, kind.item_type, place)
            )
            if value is not MISSING:
                items.append(value)
        return items

    def _struct(self, node: Node, kind: inspect.StructType, key: str) -> Any:
        if kind.cls is Period and isinstance(node.value, str):
            try:
                start, end = read_period(node.value, self.zone)
            except ValueError as error:
                return self.fault(node, key, str(error))
            return {"start": start, "end": end}
        before = len(self.faults)
        values = self.mapping(node, struct_fields(kind.cls), key)
        if len(self.faults) == before:
            for part in kind.fields:
                if part.required and part.encode_name not in values:
                    self.fault(node, f"{key}.{part.encode_name}", "is missing")
        if kind.cls is Period and len(self.faults) == before and values["end"] <= values["start"]:
            self.fault(node, key, "ends before it begins")
        return values if len(self.faults) == before else MISSING

    def _scalar(self, node: Node, kind: inspect.Type, marks: dict[str, Any], key: str) -> Any:
        text = node.value
        if not isinstance(text, str):
            return self.fault(node, key, "must be one value, not a list or mapping")
        if not text.strip():
            return self.fault(node, key, "is empty text; leave the key out where there is nothing to say")
        try:
            return self._text(text, node, kind, marks, key)
        except ValueError as error:
            return self.fault(node, key, str(error))

    def _text(self, text: str, node: Node, kind: inspect.Type, marks: dict[str, Any], key: str) -> Any:
        if marks.get("unit") == "instant":
            instant, has_offset = read_instant(text, self.zone)
            if has_offset:
                self.raw_times[key] = text
            return instant
        if marks.get("unit") == "date":
            return read_date(text).isoformat()
        if "ref" in marks:
            return self._reference(text, node, marks["ref"], key)
        return _word(text, kind)

    def _reference(self, text: str, node: Node, kind: str, key: str) -> str:
        if kind == "calendar" and text in BUILT_IN:
            return text
        own = f"{self.source}:"
        if _FULL.fullmatch(text) and not text.startswith(own):
            return text
        short = _SHORT.fullmatch(text.removeprefix(own))
        if not short:
            stem = next((stem for stem, of in FILES.items() if of == kind), "people")
            raise ValueError(f"{text!r} is no reference; write {stem}/<id> or <source>:<native id>")
        if short[1] not in FILES:
            raise ValueError(f"no register file {short[1]!r}{nearest(short[1], FILES)}")
        if kind != "any" and not issubclass(KINDS[FILES[short[1]]], KINDS[kind]):
            raise ValueError(f"{text!r} is a {FILES[short[1]]}, but a {kind} must stand here")
        self.references.append(Reference(short[0], key, node.line, node.column))
        return own + short[0]


def _word(text: str, kind: inspect.Type) -> Any:
    """Read text as a truth value, number, one of several words, or itself. Raises ValueError."""
    if isinstance(kind, inspect.LiteralType):
        words = {str(word): word for word in kind.values}
        if text not in words:
            raise ValueError(f"unknown word {text!r}{nearest(text, words)}")
        return words[text]
    if isinstance(kind, inspect.BoolType):
        if text.lower() not in _BOOLS:
            raise ValueError(f"{text!r} is neither true nor false")
        return _BOOLS[text.lower()]
    if isinstance(kind, inspect.IntType) and not _INTEGER.fullmatch(text):
        raise ValueError(f"{text!r} is not a whole number")
    if isinstance(kind, inspect.FloatType) and not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a number; write it with a decimal point and without a unit")
    readers: dict[type[inspect.Type], Callable[[str], Any]] = {inspect.IntType: int, inspect.FloatType: float}
    return readers.get(type(kind), str)(text)
