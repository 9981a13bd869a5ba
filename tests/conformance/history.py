"""Random histories of records: few ids that collide, few instants, much left out, much corrected.

Which kinds and fields are worth drawing is read from the SQL of the pack, so that a new part is
covered the day it is written.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Literal

import msgspec
from sqlalchemy.dialects import sqlite

from hub.conformance.pack import Requirement
from hub.records import KINDS, Record, encode_record
from hub.records.base import Event, Link, Since
from hub.store.schema import child_tables, field_shapes, kind_tables
from hub.testing.factory import at

DAYS = (0, 1, 2, 3, 5, 9, 15, 31, 33, 47, 60, 90)
"""Instants fall on these days: equal ones are common, and every deadline is crossed somewhere."""
TICKETS = ("change", "problem", "incident", "known_error", "improvement_action")
_HUMANS = ("register:people/ann", "register:people/bob")
_LOGINS = ("desk:user/a", "desk:user/b", "desk:user/c")
_COUNT = {"change": 2, "approval": 3, "review": 4, "role_assignment": 3, "incident": 4}
_WEIGHT = {"change": 8, "approval": 8, "person": 2, "role_assignment": 2, "review": 6, "problem": 6, "incident": 6}
_TEXTS = ("", "one", "two")
_ROLES = ("change_authority", "emergency_authority", "problem_manager", "incident_manager")
_RELATIONS = ("causes", "caused_by", "affects", "relates", "implements", "implemented_by", "documents", "evidences")
_RELATIONS = (*_RELATIONS, "documented_as", "resolves", "resolved_by", "raised_from", "leads_to")
_KNOWN_TEXTS = {
    ("role_assignment", "role"): _ROLES,
    ("change", "revision"): ("r1", "r2"),
    ("approval", "subject_revision"): ("r1", "r2"),
}
_ENVELOPE = ("created_at", "updated_at", "status_category", "owner", "declared_by", "vanished_at", "invisible_at")


@dataclass(frozen=True)
class Scene:
    """What a pack looks at."""

    kinds: tuple[str, ...]
    fields: dict[str, frozenset[str]]
    """Kind (or child table) -> columns its SQL names."""
    texts: tuple[str, ...]
    """Words its SQL compares with."""


def scene(requirements: Sequence[Requirement]) -> Scene:
    """Read from the SQL of a pack what is worth drawing."""
    sql = "\n".join(part.sql(sqlite.dialect()) for one in requirements for part in one.parts)
    fields: dict[str, set[str]] = {}
    for table, column in re.findall(r"\b([a-z_]+?)(?:_\d+)?\.\"?([a-z_]+)\"?", sql):
        fields.setdefault(table, set()).add(column)
    kinds = sorted((fields.keys() | {"person", "request", "service", "configuration_item"}) & KINDS.keys())
    words = re.findall(r"'((?:[^']|'')*)'", sql)
    texts = sorted({word for word in words if re.fullmatch(r"[a-z][a-z_0-9]{2,40}", word)})
    return Scene(tuple(kinds), {name: frozenset(found) for name, found in fields.items()}, tuple(texts))


@cache
def _literals(struct: type[msgspec.Struct]) -> dict[str, tuple[Any, ...]]:
    found = {}
    for name, hint in typing.get_type_hints(struct).items():
        for one in (hint, *typing.get_args(hint)):
            if typing.get_origin(one) is Literal:
                found[name] = typing.get_args(one)
    return found


class Writer:
    """Draws records of a scene from a source of chance."""

    def __init__(self, scene: Scene, chance: Random) -> None:
        self.scene, self.chance = scene, chance
        self.written: dict[str, Record] = {}

    def record(self) -> Record:
        """A record of any kind: new, wholly different, or with one thing corrected."""
        if self.written and self.chance.random() < 0.4:
            before = self.written[self.chance.choice(sorted(self.written))]
            made = self._corrected(before)
        else:
            kinds = self.scene.kinds
            kind = self.chance.choices(kinds, [_WEIGHT.get(kind, 2) for kind in kinds])[0]
            made = self._record(kind)
        self.written[made.id] = made
        return made

    def _corrected(self, before: Record) -> Record:
        kind = next(name for name, struct in KINDS.items() if type(before) is struct)
        other = self._record(kind, before.id)
        names = [name for name in before.__struct_fields__ if getattr(before, name) != getattr(other, name)]
        if not names:
            return before
        name = self.chance.choice(names)
        return msgspec.structs.replace(before, **{name: getattr(other, name)})

    def _record(self, kind: str, record_id: str = "") -> Record:
        struct = KINDS[kind]
        record_id = record_id or self._id(kind)
        source = record_id.partition(":")[0]
        values: dict[str, Any] = {"id": record_id, "source": source}
        values["scope"] = "" if source == "register" else self.chance.choice(("OPS", "OPS", "CHG"))
        if kind == "person":
            values |= {"account": source != "register"}
            if values["account"]:
                values["same_as"] = [one for one in _HUMANS if self.chance.random() < 0.4]
            return struct(**values)
        columns = self.scene.fields.get(kind, frozenset())
        for shape in field_shapes(struct):
            if shape.name in ("id", "source", "scope", "events", "links", "since", "unknown_fields", "same_as"):
                continue
            value = self._field(kind, struct, shape, columns)
            if value is not None:
                values[shape.name] = value
        values |= self._history(kind, values)
        return struct(**values)

    def _id(self, kind: str) -> str:
        if kind == "person":
            return self.chance.choice((*_HUMANS, *_LOGINS))
        number = self.chance.randrange(_COUNT.get(kind, 2)) + 1
        if kind in TICKETS:  # now and then a ticket changes its kind
            native = kind if self.chance.random() < 0.95 else self.chance.choice(TICKETS)
            return f"desk:{native}/{number}"
        home = "register" if kind in ("service", "role_assignment", "document", "disposal", "risk") else "desk"
        return f"{home}:{kind}/{number}"

    def _reference(self, target: str | None) -> str:
        if target == "person":
            return self.chance.choice((*_LOGINS, *_LOGINS, *_HUMANS))
        known = [one for one in sorted(self.written) if one.startswith(("desk:change", "desk:problem", "desk:inc"))]
        if target == "any" and known and self.chance.random() < 0.75:
            return self.chance.choice(known)
        if target in self.scene.kinds:
            return self._id(target)
        return self._id(self.chance.choice((*TICKETS, "change", "problem", *self.scene.kinds)))

    def _day(self) -> int:
        return at(self.chance.choice(DAYS))

    def _field(self, kind: str, struct: type[Any], shape: Any, columns: frozenset[str]) -> Any:
        if shape.role == "parts":
            return self._parts(kind, shape)
        if shape.role == "struct":
            inner = {
                one.name: value
                for one in field_shapes(shape.part)
                if f"{shape.name}_{one.name}" in columns
                and (value := self._scalar(kind, shape.part, one)) is not None
                and (self._required(shape.part, one.name) or self.chance.random() < 0.8)
            }
            required = [one.name for one in field_shapes(shape.part) if self._required(shape.part, one.name)]
            return shape.part(**inner) if inner and all(name in inner for name in required) else None
        if shape.role == "references":
            return [self._reference(shape.target)] if self.chance.random() < 0.25 else None
        if shape.name not in columns and not (shape.role == "reference" and shape.target != "person"):
            return None
        if self._required(struct, shape.name):
            return self._scalar(kind, struct, shape)
        odds = {"vanished_at": 0.08, "invisible_at": 0.08, "declared_by": 0.15, "withdrawn_at": 0.25}
        default = 0.85 if shape.name.endswith("_at") or shape.indexed else 0.65
        return self._scalar(kind, struct, shape) if self.chance.random() < odds.get(shape.name, default) else None

    @staticmethod
    @cache
    def _required(struct: type[Any], name: str) -> bool:
        return any(one.name == name and one.required for one in msgspec.structs.fields(struct))

    def _scalar(self, kind: str, struct: type[Any], shape: Any) -> Any:  # noqa: PLR0911 - one return a type
        if shape.role == "reference":
            return self._reference(shape.target)
        if shape.role == "json":
            return ["one"]
        if shape.instant:
            return self._day()
        known = _literals(struct).get(shape.name)
        if shape.name == "decision" and self.chance.random() < 0.6:
            return "approved"
        if known:
            wanted = [one for one in known if one in self.scene.texts] or list(known)
            return self.chance.choice(wanted if self.chance.random() < 0.9 else known)
        if shape.scalar is bool:
            return self.chance.random() < 0.5
        if shape.scalar in (int, float):
            return shape.scalar(self.chance.randrange(3))
        return self._text(kind, shape.name)

    def _text(self, kind: str, name: str) -> str:
        if (kind, name) in _KNOWN_TEXTS:
            return self.chance.choice(_KNOWN_TEXTS[kind, name])
        if name in ("doc_type", "reason", "class_", "aspect", "name") and self.scene.texts:
            return self.chance.choice(self.scene.texts)
        if name == "commit":
            return self.chance.choice(("r1", "r2"))
        return self.chance.choice(_TEXTS)

    def _parts(self, kind: str, shape: Any) -> Any:
        if (kind, shape.name) not in child_tables or f"{kind}_{shape.name}" not in self.scene.fields:
            return None
        made = []
        for _ in range(self.chance.choice((0, 0, 1, 1, 2))):
            inner = {
                one.name: self._scalar(kind, shape.part, one)
                for one in field_shapes(shape.part)
                if one.role in ("scalar", "reference")
                and (self._required(shape.part, one.name) or self.chance.random() < 0.75)
            }
            made.append(shape.part(**inner))
        return made

    def _history(self, kind: str, values: dict[str, Any]) -> dict[str, Any]:
        history: dict[str, Any] = {}
        names = [name for name in values if name not in ("id", "source", "scope", *_ENVELOPE)]
        dotted = [
            f"{name}.{inner}"
            for name in names
            if isinstance(values[name], msgspec.Struct)
            for inner in values[name].__struct_fields__
        ]
        history["since"] = [
            Since(field=name, at=self._day()) for name in (*names, *dotted) if self.chance.random() < 0.7
        ]
        if "event" in self.scene.fields and kind in TICKETS and self.chance.random() < 0.3:
            types = [one for one in self.scene.texts if one.endswith(("ed", "ing"))] or ["updated"]
            history["events"] = [
                Event(
                    at=self._day(),
                    type=self.chance.choice(types),
                    visible_to_customer=self.chance.random() < 0.5,
                    actor=self._reference("person") if self.chance.random() < 0.5 else None,
                )
                for _ in range(self.chance.choice((1, 2)))
            ]
        if self.chance.random() < 0.45:
            history["links"] = [
                Link(
                    type=self.chance.choice(_RELATIONS),
                    target=self._reference("any"),
                    at=self._day() if self.chance.random() < 0.7 else None,
                )
                for _ in range(self.chance.choice((1, 1, 2)))
            ]
        if self.chance.random() < 0.1 and names:
            history["unknown_fields"] = [self.chance.choice(names)]
        return history


class Step(tuple[Record, ...]):
    """Records read together before the next derivation; prints as it would be told."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n  ".join(["read", *(encode_record(one).decode() for one in self)])


def draw_history(scene: Scene, chance: Random, *, steps: int, size: int) -> list[Step]:
    """Draw steps; within one, an id comes once."""
    writer = Writer(scene, chance)
    history = []
    for _ in range(steps):
        read: dict[str, Record] = {}
        for _ in range(chance.randrange(size) + 1):
            one = writer.record()
            read[one.id] = one
        history.append(Step(read.values()))
    return history


def ids_of(history: Iterable[Step]) -> set[str]:
    """Return every id written."""
    return {one.id for step in history for one in step}


assert set(TICKETS) <= kind_tables.keys()
