"""From a Jira field's value to a neutral field's value, by the annotation the record struct gives it."""

from __future__ import annotations

import types
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import msgspec

from hub.clock import FIRST_MS, LAST_MS, parse_instant
from hub.records import KINDS, Part, PlannedActual, Recommendation, SkippedStep, Weakness
from hub_jira.text import plain

__all__ = [
    "APPROVALS",
    "Target",
    "UnconvertibleError",
    "UnknownTargetError",
    "convert",
    "instant_of",
    "is_empty",
    "parse_target",
    "words",
]

APPROVALS = "approval"
"""Target of the approvals field of Jira Service Management; `change.approval_ids` says the same."""
LARGEST = 2**53
_WORDED = ("value", "name", "displayName")
"""Where an option, a version, a user has its word."""
DEADLINES = frozenset({"due_at", "planned_end", "planned_release_at", "target_resolution_at"})
"""Fields for which a day without time means its end in the organisation's zone."""
NEUTRAL_WORDS = {"change.reason": ("compliance", "fix", "improvement", "new_feature")}
"""Text fields with words of the hub's own, beside the source's."""
YES = frozenset({"yes", "true", "1", "ja", "是"})
NO = frozenset({"no", "false", "0", "nein", "否"})


class UnknownTargetError(ValueError):
    """A name in the field map that no record has."""


class UnconvertibleError(ValueError):
    """A value that does not fit the neutral field; the message is short and stable, without the value."""


@dataclass(frozen=True, slots=True)
class Target:
    """A neutral field, and how to fill it."""

    kind: str
    path: tuple[str, ...]
    """Attribute names of the struct, from the record down."""
    name: str
    """As written in configurations and in `since`, without the kind."""
    shape: str
    """instant, date, bool, int, float, text, choice, person, strings, refs, map, or a list of structs by name."""
    choices: tuple[str, ...] = ()
    """Valid neutral values of a choice; of a text the hub's own words for it, if it has any."""
    in_list: bool = False
    """The struct is the single element of a list."""
    struct: type[Part] | None = None
    """Struct the last attribute stands in, where it is not the record."""

    @property
    def full(self) -> str:
        """`kind.field`."""
        return f"{self.kind}.{self.name}"


@cache
def parse_target(text: str) -> Target:
    """Understand `kind.field` or `kind.struct.field`; raises UnknownTargetError with the nearest valid name."""
    if text == APPROVALS:
        return Target(APPROVALS, (), "", "approvals")
    kind, _, rest = text.partition(".")
    if kind not in KINDS:
        raise UnknownTargetError(f"no record kind {kind!r} in {text!r}{_near(kind, list(KINDS))}")
    if (kind, rest) == ("change", "approval_ids"):
        return Target("change", ("approval_ids",), "approval_ids", "approvals")
    names = rest.split(".")
    annotation, attribute = _member(KINDS[kind], names[0], text)
    inner, listed = _unwrap(annotation)
    if len(names) == 1:
        shape, choices = _shape(inner, listed=listed, text=text)
        return Target(kind, (attribute,), rest, shape, choices or NEUTRAL_WORDS.get(text, ()))
    if len(names) > 2 or not _is_part(inner):  # noqa: PLR2004 - kind.struct.field is the deepest there is
        raise UnknownTargetError(f"{text!r}: {names[0]} has no fields of its own")
    leaf, leaf_attribute = _member(inner, names[1], text)
    leaf_inner, leaf_listed = _unwrap(leaf)
    shape, choices = _shape(leaf_inner, listed=leaf_listed, text=text)
    return Target(kind, (attribute, leaf_attribute), rest, shape, choices, in_list=listed, struct=inner)


def _near(word: str, known: list[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}" if near else ""


def _member(struct: type, name: str, text: str) -> tuple[Any, str]:
    members = _members(struct)
    if name not in members:
        raise UnknownTargetError(f"no field {name!r} in {text!r}{_near(name, list(members))}")
    return members[name]


@cache
def _members(struct: type) -> dict[str, tuple[Any, str]]:
    hints = get_type_hints(struct, include_extras=True)
    return {each.encode_name: (hints[each.name], each.name) for each in msgspec.structs.fields(struct)}


def _unwrap(annotation: Any) -> tuple[Any, bool]:
    """Take `| None` and `list[…]` off."""
    origin = get_origin(annotation)
    if origin is Union or origin is types.UnionType:
        some = [each for each in get_args(annotation) if each is not type(None)]
        return _unwrap(some[0])
    if origin is list:
        return _unwrap(get_args(annotation)[0])[0], True
    return annotation, False


def _is_part(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Part)


_LISTS: dict[type[Part], str] = {
    PlannedActual: "planned",
    Recommendation: "advice",
    SkippedStep: "skipped",
    Weakness: "weak",
}


def _shape(inner: Any, *, listed: bool, text: str) -> tuple[str, tuple[str, ...]]:
    if _is_part(inner):
        if listed and inner in _LISTS:
            return _LISTS[inner], ()
        raise UnknownTargetError(
            f"{text!r} is a group of fields: name one of them, such as {text}.{inner.__struct_fields__[0]}"
        )
    extra: dict[str, Any] = {}
    if get_origin(inner) is Annotated:
        extra = next((m.extra or {} for m in get_args(inner) if isinstance(m, msgspec.Meta)), {})
        inner = get_args(inner)[0]
    if extra.get("unit") in {"instant", "date"}:
        return str(extra["unit"]), ()
    if extra.get("ref") == "person":
        return "people" if listed else "person", ()
    if get_origin(inner) is Literal:
        return "choice", tuple(str(each) for each in get_args(inner))
    if listed:
        return "strings", ()
    plain_shapes = {bool: "bool", int: "int", float: "float", str: "text"}
    return plain_shapes.get(inner, "map"), ()


def is_empty(value: Any) -> bool:
    """Whether a field holds nothing; zero and `false` are something."""
    return not value and (value is None or isinstance(value, (str, list, dict)))


def words(value: Any) -> str | None:
    """Give the text of a value: an option's word, a rich text's plain text; None where there is none."""
    if isinstance(value, dict) and value.get("type") != "doc":
        return next((word for key in _WORDED if isinstance(word := value.get(key), str)), None)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return words(value[0]) if len(value) == 1 else None
    return plain(value) or None


def instant_of(value: Any) -> int:
    """Read a time as Jira writes it (text with offset, or an object with `epochMillis`).

    Raises UnconvertibleError for anything without zone, without time or off the calendar.
    """
    if isinstance(value, dict):
        value = value.get("epochMillis", value.get("iso8601"))
    if isinstance(value, int) and not isinstance(value, bool):
        if not FIRST_MS <= value <= LAST_MS:
            raise UnconvertibleError("impossible time")
        return value
    if not isinstance(value, str):
        raise UnconvertibleError("not a time")
    try:
        return parse_instant(value)
    except (ValueError, OverflowError) as fault:
        reason = "time without zone" if "without zone" in str(fault) else "impossible time"
        raise UnconvertibleError(reason) from fault


def convert(target: Target, value: Any, *, options: dict[str, str], zone: str) -> Any:  # noqa: C901, PLR0911, PLR0912 - JSON in, one branch a shape
    """Turn a Jira value into what the neutral field holds; None and empty stay None.

    `options` are the configured neutral values of Jira's words; `zone` is the organisation's, for days that
    are deadlines. Raises UnconvertibleError; people and approvals are turned by the caller.
    """
    if is_empty(value):
        return None
    shape = target.shape
    if shape == "instant":
        return _deadline(target, value, zone) if _is_day(value) else instant_of(value)
    if shape == "map":
        return value if isinstance(value, dict) else {"value": value}
    if shape == "strings":
        listed = value if isinstance(value, list) else [value]
        return [word for word in (words(each) for each in listed) if word]
    word = words(value)
    if word is None or not word.strip():
        if isinstance(value, str):
            return None
        raise UnconvertibleError("not a single value")
    word = word.strip()
    mapped = options.get(word, word)
    if shape == "date":
        return _day(mapped)
    if shape == "text":
        return folded if target.choices and (folded := _fold(mapped)) in target.choices else mapped
    if shape == "bool":
        if mapped.lower() in YES | NO:
            return mapped.lower() in YES
        raise UnconvertibleError("neither yes nor no")
    if shape in {"int", "float"}:
        return _number(mapped, whole=shape == "int")
    if shape == "choice":
        return _choice(mapped, target.choices)
    lines = [line.strip() for line in word.splitlines() if line.strip()]
    if shape == "skipped":
        return [SkippedStep(step=s.strip(), reason=r.strip() or None) for s, _, r in (x.partition(":") for x in lines)]
    if shape == "weak":
        return [Weakness(text=line) for line in lines if line.lower() != "none"]
    if shape == "advice":
        return [Recommendation(text=line) for line in lines if line.lower() != "none"]
    return [_planned(line) for line in lines]


def _planned(line: str) -> PlannedActual:
    cells = [cell.strip() for cell in line.split("|")]
    aspect, rest = cells[0], [cell or None for cell in cells[1:]]
    if rest and rest[0] and rest[0].lower().startswith("n/a"):
        reason = rest[0][3:].lstrip(": ").strip()
        return PlannedActual(aspect=aspect, not_applicable_reason=reason or None)
    rest += [None, None]
    return PlannedActual(aspect=aspect, planned=rest[0], actual=rest[1])


def _fold(word: str) -> str:
    return word.lower().replace(" ", "_").replace("-", "_")


def _choice(word: str, choices: tuple[str, ...]) -> str:
    folded = _fold(word)
    for choice in choices:
        if choice in (word, folded) or choice.lower() == folded:
            return choice
    raise UnconvertibleError("word without a neutral value")


def _number(word: str, *, whole: bool) -> int | float:
    try:
        number = float(word)
    except ValueError as fault:
        raise UnconvertibleError("not a number") from fault
    if not abs(number) <= LARGEST or (whole and number != int(number)):
        raise UnconvertibleError("not a whole number" if whole else "not a number")
    return int(number) if whole else number


def _is_day(value: Any) -> bool:
    return isinstance(value, str) and len(value) == len("2026-01-31") and value[4:5] == "-"


def _day(word: str) -> str:
    try:
        return date.fromisoformat(word[:10]).isoformat()
    except ValueError as fault:
        raise UnconvertibleError("not a date") from fault


def _deadline(target: Target, value: str, zone: str) -> int:
    """Read a day as its end; only where the field is a deadline."""
    if target.path[-1] not in DEADLINES:
        raise UnconvertibleError("day without time")
    try:
        following = date.fromisoformat(value) + timedelta(days=1)
    except (ValueError, OverflowError) as fault:
        raise UnconvertibleError("impossible time") from fault
    return int(datetime.combine(following, time(), ZoneInfo(zone)).timestamp()) * 1000
