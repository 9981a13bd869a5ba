"""The fields an administrator mapped: filled by the record's own annotation, with their history."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from hub_jira.field import UnconvertibleError, convert, is_empty
from hub_jira.follow_up import name_actions
from hub_jira.service_level import clocks_of

if TYPE_CHECKING:
    from hub.records import Part
    from hub_jira.draft import Draft
    from hub_jira.field import Target
    from hub_jira.vocabulary import Filling

__all__ = ["fill_mapped", "is_filled", "tell_since"]


def fill_mapped(draft: Draft, kind: str) -> dict[str, Any]:
    """Give the attributes that mapped fields fill for a kind; structs are put together.

    A value that does not fit leaves its field unknown and is counted. Fields of another kind than the
    draft's own (a review in the fields of a change) are named with their kind.
    """
    found: dict[str, Any] = {}
    prefix = "" if kind == draft.kind else f"{kind}."
    for filling in draft.vocabulary.plan(kind).fillings:
        raw = draft.fields.get(filling.field_id)
        if is_empty(raw):
            continue
        target = filling.target
        value = _value(draft, prefix + target.name, filling, raw)
        if value is None:
            continue
        _place(found, target, value)
        if target.name == "process_weaknesses" and value == []:
            found["no_weaknesses"] = True
    return found


def _place(found: dict[str, Any], target: Target, value: Any) -> None:
    attribute = target.path[0]
    if target.struct is None:
        if target.shape == "map" and isinstance(found.get(attribute), dict):
            found[attribute].update(value)
        elif found.get(attribute) is None:
            found[attribute] = value
        return
    part = found.get(attribute)
    if target.in_list:
        part = part[0] if part else None
    if part is None:
        part = target.struct(**dict.fromkeys(_required(target.struct), ""))
        found[attribute] = [part] if target.in_list else part
    setattr(part, target.path[1], value)


@cache  # msgspec reads the annotations anew at every call
def _required(struct: type[Part]) -> tuple[str, ...]:
    return tuple(each.name for each in msgspec.structs.fields(struct) if each.required)


def _value(draft: Draft, name: str, filling: Filling, raw: Any) -> Any:
    target = filling.target
    if target.name == "tool_sla":
        return clocks_of(raw) or None
    try:
        if target.shape in {"person", "people"}:
            return _accounts(draft, target, raw)
        value = convert(target, raw, options=filling.options, zone=draft.vocabulary.zone)
    except UnconvertibleError as fault:
        draft.unknown.add(name)
        draft.skip(f"{name}: {fault}")
        if target.shape == "instant":
            draft.keep_time(name, raw)
        return None
    if target.shape == "instant" and value is not None:
        draft.keep_time(name, raw, value)
    if target.shape in {"advice", "weak"} and value:
        name_actions(draft, value)
    return value


def _accounts(draft: Draft, target: Target, raw: Any) -> Any:
    listed = raw if isinstance(raw, list) else [raw]
    known = [ref for ref in map(draft.accounts.ref, listed) if ref is not None]
    if len(known) != len(listed) or (target.shape == "person" and len(known) != 1):
        raise UnconvertibleError("not an account")
    return known if target.shape == "people" else known[0]


def tell_since(draft: Draft) -> None:
    """Say since when fields hold their values, as far as the complete history shows it.

    `status` is dated from its last change; every other field from when it was last empty. A list whose
    parts are mapped singly (`tests`) holds since its last part came.
    """
    plan, since, history = draft.vocabulary.plan(draft.kind), draft.since, draft.history
    held: dict[str, int | None] = {}
    for name, path, field_id in plan.dated:
        if is_filled(draft.values, path):
            held[name] = at = history.held_since(field_id)
            if at is not None:
                since[name] = at
    if draft.values.get("status") and (at := history.last_change("status")) is not None:
        since["status"] = at
    for attribute, names in plan.parts:
        known = [at for name in names if name in held and (at := held[name]) is not None]
        if known and len(known) == sum(name in held for name in names):
            since[attribute] = max(known)


def is_filled(values: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Whether an attribute, or one of the struct that stands in it or in its list, holds a value."""
    value = values.get(path[0])
    if value is not None and len(path) > 1:
        if isinstance(value, list):
            value = value[0] if value else None
        value = getattr(value, path[1], None)
    return value is not None and value != []
