"""The YAML at the head of a document: fields of the record under their neutral names, and a few everyday ones.

Every scalar is read as text, so that version 1.10 stays 1.10; the record's own annotations say what it is to be.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any, Literal

import msgspec
import yaml

from hub.records import KINDS
from hub_gitlab.moment import UnreadableTimeError, begin_of_day, instant_of

__all__ = ["FrontMatterError", "convert", "fillable", "split_front_matter"]

LONGEST = 50_000
"""Characters; a longer head is none."""
DEEPEST = 20
_BRACKET = re.compile(r"[\[{}\]]")
_DAYS = (
    re.compile(r"^(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)$"),
    re.compile(r"^(?P<y>\d{4})/(?P<m>\d\d?)/(?P<d>\d\d?)$"),
    re.compile(r"^(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)$"),
    re.compile(r"^(?P<d>\d\d?)\.(?P<m>\d\d?)\.(?P<y>\d{4})$"),
    re.compile(r"^(?P<y>\d{4})\s*年\s*(?P<m>\d\d?)\s*月\s*(?P<d>\d\d?)\s*日$"),
)
"""A day can be written so; `01/02/2026` says two days and is not read."""
_NOTHING = frozenset({"", "~", "null"})
_OWN = frozenset({"aliases", "confidentiality", "customer_id", "labels", "owner", "service_ids", "site", "title"})
"""Fields of the envelope that a document may say of itself."""
_ALIASES = {
    "effective": "effective_from",
    "effective_date": "effective_from",
    "last_review": "last_review_at",
    "last_reviewed": "last_review_at",
    "review_interval_days": "review_days",
    "reviewed": "last_review_at",
    "services": "service_ids",
    "status": "doc_status",
}


class FrontMatterError(ValueError):
    """Something that cannot be taken over; the message is short and stable, without the value."""


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """Part a text into what stands at its head and the rest. Raises FrontMatterError where the head is no YAML object."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if not text.startswith("---\n"):
        return {}, text
    head, mark, rest = text[4 : LONGEST + 4].partition("\n---")
    if not mark:
        raise FrontMatterError("front matter without an end")
    rest = text[4 + len(head) + len(mark) :]
    if _depth(head) > DEEPEST:  # the parser's time grows with the square of it
        raise FrontMatterError("front matter nested too deep")
    try:
        if any(isinstance(each, yaml.AliasEvent) for each in yaml.parse(head, yaml.BaseLoader)):
            raise FrontMatterError("front matter with aliases")
        found = yaml.load(head, yaml.BaseLoader)  # noqa: S506 - BaseLoader makes text, lists and maps only
    except (yaml.YAMLError, RecursionError, ValueError) as fault:
        if isinstance(fault, FrontMatterError):
            raise
        raise FrontMatterError("front matter is not YAML") from None
    if found in (None, ""):
        return {}, rest
    if not isinstance(found, dict):
        raise FrontMatterError("front matter is not a list of fields")
    return {str(name): value for name, value in found.items()}, rest


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in _BRACKET.findall(text):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


@cache
def fillable(kind: str) -> dict[str, tuple[str, Any]]:
    """Give what front matter may fill of a kind: name -> (attribute, its type)."""
    described = msgspec.inspect.type_info(KINDS[kind])
    envelope = {field.encode_name for field in msgspec.structs.fields(KINDS["person"].__mro__[1])} - _OWN
    assert isinstance(described, msgspec.inspect.StructType)  # noqa: S101 - records are structs
    found = {each.encode_name: (each.name, each.type) for each in described.fields if each.encode_name not in envelope}
    typed = "doc_type" if "doc_type" in found else "plan_type" if "plan_type" in found else None
    extra = {**_ALIASES, **({"type": typed} if typed and "type" not in found else {})}
    return found | {alias: found[name] for alias, name in extra.items() if name in found}


def convert(annotation: Any, value: Any, *, zone: str, person: Callable[[str], str | None]) -> Any:
    """Turn what front matter says into what the field holds; None where it says nothing.

    `person` gives the id of whom a text names, or None. Days begin at midnight in `zone`. Raises FrontMatterError.
    """
    try:
        return _fill(annotation, value, zone, person)
    except (msgspec.ValidationError, RecursionError):
        raise FrontMatterError("value does not fit") from None


def _fill(kind: Any, value: Any, zone: str, person: Callable[[str], str | None]) -> Any:
    if isinstance(value, str) and value.strip() in _NOTHING:
        return None
    inspect = msgspec.inspect
    if isinstance(kind, inspect.UnionType):
        return _fill(next(one for one in kind.types if not isinstance(one, inspect.NoneType)), value, zone, person)
    if isinstance(kind, inspect.Metadata):
        return _marked(kind, value, zone, person)
    if isinstance(kind, inspect.ListType):
        listed = value if isinstance(value, list) else [value]
        return [each for each in (_fill(kind.item_type, one, zone, person) for one in listed) if each is not None]
    if isinstance(kind, inspect.StructType):
        return _struct(kind, value, zone, person)
    found = msgspec.convert(value.strip() if isinstance(value, str) else value, _plain(kind), strict=False)
    if isinstance(found, int) and not -(2**63) <= found < 2**63:  # no store has room for it
        raise FrontMatterError("value does not fit")
    return found


def _plain(kind: Any) -> Any:
    inspect = msgspec.inspect
    if isinstance(kind, inspect.LiteralType):
        return Literal[kind.values]
    plain: dict[Any, type] = {inspect.IntType: int, inspect.FloatType: float, inspect.BoolType: bool}
    return plain.get(type(kind), str)


def _struct(kind: Any, value: Any, zone: str, person: Callable[[str], str | None]) -> Any:
    if not isinstance(value, dict):
        raise FrontMatterError("value does not fit")
    types = {each.encode_name: each for each in kind.fields}
    if set(value) - types.keys():
        raise FrontMatterError("a field is not known")
    found = {types[name].name: _fill(types[name].type, each, zone, person) for name, each in value.items()}
    if any(each.required and found.get(each.name) is None for each in kind.fields):
        raise FrontMatterError("a field is missing")
    return kind.cls(**{name: each for name, each in found.items() if each is not None})


def _marked(kind: Any, value: Any, zone: str, person: Callable[[str], str | None]) -> Any:
    extra = kind.extra or {}
    if extra.get("unit") == "instant":
        return _instant(value, zone)
    if not isinstance(value, str):
        raise FrontMatterError("value does not fit")
    text = value.strip()
    if extra.get("unit") == "date":
        return _day(text).isoformat()
    if extra.get("ref") == "person":
        found = person(text)
        if found is None:
            raise FrontMatterError("nobody is known by that name")
        return found
    if extra.get("ref") and ":" not in text:
        raise FrontMatterError("not the id of a record")
    return _fill(kind.type, value, zone, person)


def _instant(value: Any, zone: str) -> int:
    if not isinstance(value, str):
        raise FrontMatterError("not a time")
    try:
        return begin_of_day(_day(value.strip()), zone)
    except FrontMatterError:
        pass
    except UnreadableTimeError:
        raise FrontMatterError("impossible time") from None
    try:
        return instant_of(value)
    except UnreadableTimeError as fault:
        raise FrontMatterError(str(fault)) from None


def _day(text: str) -> date:
    for pattern in _DAYS:
        found = pattern.match(text)
        if found:
            try:
                return date(int(found["y"]), int(found["m"]), int(found["d"]))
            except ValueError:
                raise FrontMatterError("impossible time") from None
    raise FrontMatterError("not a day")
