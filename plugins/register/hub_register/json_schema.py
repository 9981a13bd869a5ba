"""JSON Schemas of the register's files, for editors that complete and underline (JSON Schema draft 7).

An editor sees what is misspelt while it is typed; what only the whole folder tells (a row that does
not exist, an id that stands twice) is for `hub register check`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec import inspect

from hub.records import KINDS, Period
from hub.sla.calendar import BUILT_IN
from hub_register.description import field_texts, kind_text
from hub_register.schema import ALIASES, FILES, MUST_KEYS, REQUIRED, row_fields, struct_fields, unwrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["DECLARATION", "file_schema", "write_schema"]

Json = dict[str, Any]

DECLARATION: Mapping[str, str] = {
    "id": "Id of the row within the file: letters, digits, '.', '_' and '-'.",
    "declared_by": "Who vouches for the row.",
    "declared_at": "Since when; not later than now.",
    "proof": "What it rests on: a path, URL or Message-ID.",
    "proof_hash": "SHA-256 of the proof; a file inside the folder of the register is compared with it.",
    "expires_at": "First instant at which the row no longer counts; renew it before.",
}
"""What every row may say beside its fields."""
_ID = r"^\w[\w.-]*$"
_DAY = r"\d{4}-\d\d-\d\d"
_TIME = r"[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?"
_DATE: Json = {"type": "string", "pattern": f"^{_DAY}$"}
_INSTANT: Json = {"type": "string", "pattern": f"^{_DAY}({_TIME})?$"}
_TEXT: Json = {"type": ["string", "number"]}
"""A number needs no quotes where text is asked for."""
_PLAIN: Mapping[type[inspect.Type], Json] = {
    inspect.BoolType: {"enum": [True, False, "yes", "no"]},
    inspect.IntType: {"type": ["integer", "string"], "pattern": r"^-?\d{1,15}$"},
    inspect.FloatType: {"type": ["number", "string"], "pattern": r"^-?\d{1,15}(\.\d+)?$"},
}


def write_schema(stem: str) -> str:
    """Give the schema of a file as the text of a `.json` file."""
    return json.dumps(file_schema(stem), indent=2, ensure_ascii=False) + "\n"


@cache
def file_schema(stem: str) -> Json:
    """Describe a file: rows, or a head with what all rows share and the rows below it."""
    kind = FILES[stem]
    row = _row(kind)
    shared = {name: row["properties"][name] for name in ("declared_by", "declared_at", "proof", "expires_at")}
    head = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "zone": {"type": "string", "description": "IANA zone of local times in this file."},
            **shared,
            "rows": {"type": ["array", "null"], "items": {"$ref": "#/definitions/row"}},
        },
        "allOf": [
            {"if": {"not": {"required": [name]}}, "then": {"properties": {"rows": {"items": {"required": [name]}}}}}
            for name in MUST_KEYS[1:]
        ],
    }
    bare = {"type": "array", "items": {"allOf": [{"$ref": "#/definitions/row"}, {"required": list(MUST_KEYS)}]}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"{stem}.yaml",
        "description": kind_text(kind),
        "if": {"type": "array"},
        "then": bare,
        "else": {"if": {"type": "object"}, "then": head, "else": {"type": "null"}},
        "definitions": {"row": row},
    }


def _row(kind: str) -> Json:
    said = dict(field_texts(KINDS[kind]))
    said |= {key: said[name] for key, name in ALIASES.get(kind, {}).items() if name in said}
    fields: dict[str, Json] = {
        "id": {"type": ["string", "number"], "pattern": _ID},
        "declared_by": _reference("person"),
        "declared_at": _INSTANT,
        "proof": {"type": "string", "minLength": 1},
        "proof_hash": {"type": "string", "pattern": "^(sha256:)?[0-9a-fA-F]{64}$"},
        "expires_at": _INSTANT,
    }
    fields = {key: {**schema, "description": DECLARATION[key]} for key, schema in fields.items()}
    fields |= _fields(row_fields(kind), said)
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", *REQUIRED.get(kind, ())],
        "properties": fields,
    }


def _fields(fields: Mapping[str, inspect.Field], said: Mapping[str, str]) -> dict[str, Json]:
    described = {}
    for name, field in fields.items():
        schema = _value(field.type)
        described[name] = {**schema, "description": said[name]} if name in said else schema
    return described


def _value(described: inspect.Type) -> Json:
    kind, marks = unwrap(described)
    match kind:
        case inspect.ListType():
            return {"type": "array", "items": _value(kind.item_type)}
        case inspect.StructType() if kind.cls is Period:
            return {"oneOf": [{"type": "string", "pattern": r"^\d{4}-\d\d$"}, _struct(kind)]}
        case inspect.StructType():
            return _struct(kind)
        case inspect.DictType():
            return {"type": "object"}
        case inspect.AnyType():
            return {}
        case _:
            return _scalar(kind, marks)


def _struct(kind: inspect.StructType) -> Json:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [part.encode_name for part in kind.fields if part.required],
        "properties": _fields(struct_fields(kind.cls), field_texts(kind.cls)),
    }


def _scalar(kind: inspect.Type, marks: Mapping[str, Any]) -> Json:
    if marks.get("unit") == "instant":
        return _INSTANT
    if marks.get("unit") == "date":
        return _DATE
    if "ref" in marks:
        return _reference(marks["ref"])
    if isinstance(kind, inspect.LiteralType):
        return {"enum": list(kind.values)}
    return _PLAIN.get(type(kind), _TEXT)


def _reference(kind: str) -> Json:
    stems = [stem for stem, of in FILES.items() if kind == "any" or issubclass(KINDS[of], KINDS[kind])]
    ways = [*_built_in(kind), rf"({'|'.join(stems)})/\w[\w.-]*" if stems else ""]
    ways.append(r"[A-Za-z0-9][\w.-]*:\S+")
    return {"type": "string", "pattern": f"^({'|'.join(way for way in ways if way)})$"}


def _built_in(kind: str) -> Iterable[str]:
    return sorted(BUILT_IN) if kind == "calendar" else ()
