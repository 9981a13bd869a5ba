"""A timeline's steps as entries of Jira's changelog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub_sandbox.jira_person import account_ref
from hub_sandbox.jira_text import show_time, show_time_for_people
from hub_sandbox.people import PEOPLE, SERVICES
from hub_sandbox.vocabulary import FIELDS, ISSUE_TYPES, LINK_TYPES, PRIORITIES, PROJECTS, STATUSES, FieldSpec

if TYPE_CHECKING:
    from hub_sandbox.jira_person import Flavour
    from hub_sandbox.timeline import Issue, Link

__all__ = ["history_entries"]

_COMPONENTS = {service.id: service for service in SERVICES}
_SYSTEM_TEXT = {"summary", "description"}


def history_entries(
    issue: Issue, steps: int, flavour: Flavour, people: dict[str, Any], now_ms: int
) -> list[dict[str, Any]]:
    """Return the entries for the first `steps` steps, oldest first; comments make none."""
    fields = dict(issue.fields)
    key = issue.keys[0][1]
    entries = []
    for step in issue.steps[:steps]:
        items: list[dict[str, Any]] = []
        for word, value in step.changes.items():
            before = fields.get(word)
            fields[word] = value
            if before == value:
                continue
            if word == "project":
                after = issue.key_at(step.at)
                items.append(_item("Key", None, None, key, None, after))
                key = after
            items.extend(_items(word, before, value, flavour))
        if step.link is not None:
            items.append(_link_item(issue, step.link, now_ms, added=True))
        if step.unlink is not None:
            items.append(_link_item(issue, step.unlink, now_ms, added=False))
        if items:
            if flavour == "data_center":
                for item in items:
                    item.pop("fieldId", None)
            entries.append(
                {"id": str(step.id), "author": people[step.actor], "created": show_time(step.at), "items": items}
            )
    return entries


def _item(  # noqa: PLR0917 - from and to, id and text
    name: str,
    field_id: str | None,
    before: str | None,
    before_text: str | None,
    after: str | None,
    after_text: str | None,
) -> dict[str, Any]:
    item: dict[str, Any] = {
        "field": name,
        "fieldtype": "custom" if field_id and field_id.startswith("customfield") else "jira",
    }
    if field_id:
        item["fieldId"] = field_id
    return item | {"from": before, "fromString": before_text, "to": after, "toString": after_text}


def _items(word: str, before: Any, after: Any, flavour: Flavour) -> list[dict[str, Any]]:
    spec = FIELDS.get(word)
    if spec is not None:
        if spec.type in {"approvals", "sla"}:
            return []
        return [_item(spec.name, spec.id, *_custom(spec, before, flavour), *_custom(spec, after, flavour))]
    if word in _SYSTEM_TEXT:
        return [_item(word, word, None, before, None, after)]
    if word == "labels":
        return [_item("labels", "labels", "", " ".join(before or ()), "", " ".join(after or ()))]
    if word == "components":
        gone = [
            _item("Component", "components", str(_COMPONENTS[c].component_id), _COMPONENTS[c].name, None, None)
            for c in before or ()
            if c not in (after or ())
        ]
        new = [
            _item("Component", "components", None, None, str(_COMPONENTS[c].component_id), _COMPONENTS[c].name)
            for c in after or ()
            if c not in (before or ())
        ]
        return gone + new
    return [_item(word, word, *_system(word, before, flavour), *_system(word, after, flavour))]


def _system(word: str, value: str | None, flavour: Flavour) -> tuple[str | None, str | None]:
    if value is None:
        return None, None
    if word in {"priority", "resolution"}:
        return str(PRIORITIES.get(value, 10_000)), value
    if word == "project":
        return str(PROJECTS[value].id), PROJECTS[value].name
    if word in {"status", "issuetype"}:
        return str((STATUSES if word == "status" else ISSUE_TYPES)[value].id), value
    return account_ref(value, flavour), PEOPLE[value].name


def _custom(spec: FieldSpec, value: Any, flavour: Flavour) -> tuple[str | None, str | None]:
    if value is None:
        return None, None
    match spec.type:
        case "option":
            return spec.option_id(value), value
        case "user":
            return account_ref(value, flavour), PEOPLE[value].name
        case "datetime":
            return show_time(value), show_time_for_people(value)
        case _:
            return None, str(value)


def _link_item(issue: Issue, link: Link, now_ms: int, *, added: bool) -> dict[str, Any]:
    kind = LINK_TYPES[link.type]
    outward = link.source is issue
    key = (link.target if outward else link.source).key_at(now_ms)
    text = f"This issue {kind.outward if outward else kind.inward} {key}"
    return _item("Link", None, *((None, None, key, text) if added else (key, text, None, None)))
