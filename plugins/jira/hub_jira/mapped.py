"""The fields an administrator mapped: filled by the record's own annotation, with their history."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from hub_jira.field import UnconvertibleError, convert
from hub_jira.follow_up import name_actions
from hub_jira.service_level import stable_sla
from hub_jira.value import as_text

if TYPE_CHECKING:
    from hub.records import Part
    from hub_jira.draft import Draft
    from hub_jira.field import Target

__all__ = ["fill_mapped", "is_filled", "tell_since"]


def fill_mapped(draft: Draft, kind: str) -> dict[str, Any]:
    """Give the attributes that mapped fields fill for a kind; structs are put together.

    A value that does not fit leaves its field unknown and is counted. Fields of another kind than the
    draft's own (a review in the fields of a change) are named with their kind.
    """
    found: dict[str, Any] = {}
    prefix = "" if kind == draft.kind else f"{kind}."
    for field_id, target in draft.vocabulary.targets.get(kind, []):
        raw = draft.fields.get(field_id)
        value = None if raw is None else _value(draft, prefix + target.name, target, raw)
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


def _value(draft: Draft, name: str, target: Target, raw: Any) -> Any:
    if raw in ("", [], {}):
        return None
    if target.name == "tool_sla":
        clock = stable_sla(raw)
        return {as_text(clock.get("name")) or "sla": clock} if "name" in clock else clock or None
    try:
        if target.shape in {"person", "people"}:
            return _accounts(draft, target, raw)
        value = convert(target, raw, options=draft.vocabulary.options(target), zone=draft.vocabulary.zone)
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
    plan = draft.vocabulary.plan(draft.kind)
    for name, field_id in plan.dated:
        if is_filled(draft.values, name):
            _note(draft.since, name, draft.history.held_since(field_id))
    if draft.values.get("status"):
        _note(draft.since, "status", draft.history.last_change("status"))
    for attribute, parts in plan.parts:
        filled = [name for name in parts if is_filled(draft.values, name)]
        if filled and all(name in draft.since for name in filled):
            draft.since[attribute] = max(draft.since[name] for name in filled)


def _note(since: dict[str, int], name: str, at: int | None) -> None:
    if at is not None:
        since[name] = at


def is_filled(values: dict[str, Any], name: str) -> bool:
    """Whether a field, dotted or not, holds a value."""
    head, _, tail = name.partition(".")
    value = values[head] if head in values else values.get(f"{head}_")
    if value is None:
        return False
    if tail and isinstance(value, list):
        value = value[0] if value else None
    if tail:
        value = getattr(value, tail, getattr(value, f"{tail}_", None))
    return value is not None and value != []
