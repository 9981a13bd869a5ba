"""From issue links, parents and fix versions to neutral links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.records import Event, Link
from hub_jira.value import as_dict, as_list, as_text, native_id

if TYPE_CHECKING:
    from hub_jira.changelog import Change
    from hub_jira.draft import Draft

__all__ = ["add_links"]

FIELD_OF: dict[tuple[str, str, str], tuple[str, bool]] = {
    ("incident", "caused_by", "problem"): ("problem_ids", True),
    ("incident", "caused_by", "change"): ("caused_by_change_id", False),
    ("request", "caused_by", "problem"): ("problem_ids", True),
    ("security_incident", "caused_by", "problem"): ("problem_ids", True),
    ("security_incident", "caused_by", "change"): ("caused_by_change_id", False),
    ("problem", "causes", "incident"): ("incident_ids", True),
    ("problem", "documented_as", "known_error"): ("known_error_id", False),
    ("known_error", "documents", "problem"): ("problem_id", False),
    ("complaint", "leads_to", "improvement_action"): ("actions", True),
}
"""(kind, relation, kind at the other end) to (reference field, many)."""


def add_links(draft: Draft) -> None:
    """Read the links an issue states, with the instant the changelog gives for them."""
    references: dict[str, list[str]] = {}
    for raw in as_list(draft.fields.get("issuelinks")):
        _add_link(draft, as_dict(raw), references)
    for name, targets in references.items():
        single = next((single for single in FIELD_OF.values() if single[0] == name), (name, True))
        distinct = sorted(set(targets))
        if single[1]:
            draft.offer(name, distinct)
        elif len(distinct) == 1:
            draft.offer(name, distinct[0])
        else:
            draft.unknown.add(name)
            draft.skip(f"{name}: several links where one is meant")
    _add_parent(draft)
    for raw in as_list(draft.fields.get("fixVersions")):
        _add_version(draft, as_dict(raw))
    for change in draft.history.changes:
        if change.field == "Link":
            draft.events.append(
                Event(
                    at=change.at,
                    type="updated" if change.empties else "linked",
                    actor=draft.accounts.ref(change.author),
                    field="links",
                    from_=change.old,
                    to=change.new,
                    source_ref=change.entry,
                )
            )


def _add_link(draft: Draft, link: dict[str, Any], references: dict[str, list[str]]) -> None:
    outward = isinstance(link.get("outwardIssue"), dict)
    other = as_dict(link.get("outwardIssue") if outward else link.get("inwardIssue"))
    native = native_id(other.get("id"))
    if native is None:
        draft.skip("link without an issue at its other end")
        return
    link_type = as_dict(link.get("type"))
    relation = draft.vocabulary.relation(link_type, outward=outward)
    if relation is None:
        word = as_text(link_type.get("name")) or native_id(link_type.get("id")) or "?"
        draft.unmapped[f"link:{word}"] = f'"{word}" = ["relates", "relates"]'
        relation = "relates"
    target = f"{draft.vocabulary.source}:issue/{native}"
    phrase = as_text(link_type.get("outward" if outward else "inward")) or ""
    at = draft.history.added("issuelinks", lambda change: _speaks_of(change, other, phrase))
    draft.links.append(Link(type=relation, target=target, at=at, source_ref=native_id(link.get("id"))))
    other_kind = draft.vocabulary.kind(as_dict(other.get("fields")).get("issuetype"))
    field = FIELD_OF.get((draft.kind, relation, other_kind or ""))
    if field is not None:
        references.setdefault(field[0], []).append(target)
    if relation == "raised_from" and draft.kind == "improvement_action":
        references.setdefault("source_ids", []).append(target)


def _speaks_of(change: Change, other: dict[str, Any], phrase: str) -> bool:
    key = as_text(other.get("key"))
    return key is not None and change.new == key and phrase in (change.new_text or "")


def _add_parent(draft: Draft) -> None:
    parent = as_dict(draft.fields.get("parent"))
    native = native_id(parent.get("id"))
    if native is None:
        return
    keys = {native, as_text(parent.get("key"))}
    at = draft.history.added("parent", lambda change: bool({change.new, change.new_text} & keys))
    draft.links.append(Link(type="part_of", target=f"{draft.vocabulary.source}:issue/{native}", at=at))


def _add_version(draft: Draft, version: dict[str, Any]) -> None:
    native = native_id(version.get("id"))
    if native is None:
        draft.skip("fix version without an id")
        return
    at = draft.history.added("fixVersions", lambda change: change.new == native)
    if at is None and draft.history.tells("fixVersions"):
        at = draft.history.created_at
    draft.links.append(Link(type="included_in", target=f"{draft.vocabulary.source}:version/{native}", at=at))
