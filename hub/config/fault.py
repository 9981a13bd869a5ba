"""Turns pydantic's complaints into sentences a person can act on, without what was typed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from hub.config.secret import models_in

__all__ = ["complaints", "nearest"]

KeyPath = tuple[str, ...]
_LISTED = 40
_PLAINLY = {
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "date_from_datetime_parsing": "should be a date: 2026-10-01",
    "date_type": "should be a date: 2026-10-01",
    "dict_type": "should be a table",
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "list_type": 'should be a list: ["…"]',
    "model_type": "should be a table",
    "string_type": 'should be text: "…"',
    "tuple_type": 'should be a list: ["…"]',
}
"""What pydantic says in words of its own types."""


def complaints(error: ValidationError, model: type[BaseModel]) -> list[tuple[KeyPath, str]]:
    """List (path below the model, message). Input values are dropped: one of them may be a secret."""
    found: list[tuple[KeyPath, str]] = []
    for item in error.errors(include_url=False, include_input=False):
        path = tuple(str(part) for part in item["loc"] if part != "[key]")
        match item["type"]:
            case "extra_forbidden":
                holder = _model_at(model, path[:-1])
                message = f"unknown key{nearest(path[-1], holder.model_fields) if holder else ''}"
            case "missing":
                message = f"is missing; write: {path[-1]} = …"
            case kind:
                message = item["msg"].removeprefix("Value error, ")
                message = _PLAINLY.get(kind) or message.replace("Input should", "should", 1)
        found.append((path, message))
    return found


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean …? known: …` for a word that is not among the known ones; a long list is left out."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    if not names or len(names) > _LISTED:
        return hint
    return f"{hint or ';'} known: {', '.join(names)}"


def _model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """Follow a path of keys and indices through nested models, mappings and lists."""
    annotation: Any = model
    for part in path:
        holders = models_in(annotation)
        if holders:
            field = next((holder.model_fields[part] for holder in holders if part in holder.model_fields), None)
            if field is None:
                return None
            annotation = field.annotation
        elif arguments := get_args(annotation):
            annotation = arguments[-1]
        else:
            return None
    holders = models_in(annotation)
    return holders[0] if holders else None
