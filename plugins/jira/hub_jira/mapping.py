"""From a document of Jira to neutral records: pure and total.

Nothing here reads a clock or the network, and no document makes it fail: what cannot be taken over is
left out of the record, named in `unknown_fields` and counted with a reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hub.records import Event, Record
from hub.sync.leniency import read_leniently
from hub.sync.source import Document, Normalised, Skip
from hub_jira.approval import read_approvals
from hub_jira.changelog import read_history
from hub_jira.conversation import follow_comments
from hub_jira.draft import Draft, instant_or_none
from hub_jira.lifecycle import add_field_events, follow_status
from hub_jira.mapped import fill_mapped, tell_since
from hub_jira.people import Accounts
from hub_jira.relation import add_links
from hub_jira.review import make_review
from hub_jira.text import plain
from hub_jira.value import as_dict, as_list, as_text, native_id
from hub_jira.version import read_version

if TYPE_CHECKING:
    from hub_jira.vocabulary import Vocabulary

__all__ = ["normalise"]

PRIORITIES = frozenset({"P1", "P2", "P3", "P4"})
_decoder = msgspec.json.Decoder()


def normalise(document: Document, vocabulary: Vocabulary) -> Normalised:
    """Turn one document of the streams `issue` and `version` into records."""
    try:
        body = _decoder.decode(document.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            body = read_leniently(document.body)
        except ValueError:
            return Normalised([], [Skip(document.native_id, "document is not JSON")])
    if not isinstance(body, dict):
        return Normalised([], [Skip(document.native_id, "document is not an object")])
    if document.stream == "version":
        return read_version(document, body, vocabulary)
    return _issue(document, body, vocabulary)


def _issue(document: Document, issue: dict[str, Any], vocabulary: Vocabulary) -> Normalised:
    fields = as_dict(issue.get("fields"))
    issue_type = as_dict(fields.get("issuetype"))
    kind = vocabulary.kind(issue_type)
    if kind is None:
        word = as_text(issue_type.get("name")) or native_id(issue_type.get("id")) or "?"
        skip = Skip(document.native_id, f"issue type not mapped: {word}")
        return Normalised([], [skip], {f"issue_type:{word}": f'"{word}" = "incident"'})
    settings = vocabulary.settings
    accounts = Accounts(vocabulary.source, settings.accounts, vocabulary.automation, vocabulary.people)
    history = read_history(issue, instant_or_none(fields.get("created")), by_id=settings.flavour == "cloud")
    draft = Draft(vocabulary, accounts, kind, document.native_id, issue, fields, history)
    created_at = draft.instant("created_at", fields.get("created"))
    _envelope(draft, document.scope, created_at)
    draft.values.update(fill_mapped(draft, kind))
    pir = fill_mapped(draft, "review") if kind != "review" else {}
    follow_status(draft)
    _own_times(draft, created_at)
    follow_comments(draft)
    add_links(draft)
    add_field_events(draft)
    approvals = read_approvals(draft)
    tell_since(draft)
    if not draft.history.complete:
        draft.unknown.add("events")
        if "changelog" not in issue:
            draft.skip("changelog missing")
    distinct = {each.id: each for each in approvals}
    records: list[Record] = [draft.finish(), *distinct.values()]
    if pir:
        records.append(make_review(draft, pir))
    records.extend(accounts.records())
    return Normalised(records, draft.skipped, draft.unmapped)


def _envelope(draft: Draft, scope: str, created_at: int | None) -> None:
    fields, values = draft.fields, draft.values
    key = as_text(draft.issue.get("key"))
    values["scope"] = scope
    values["key"] = key
    values["title"] = as_text(fields.get("summary")) or key or draft.native_id
    values["url"] = f"{draft.vocabulary.settings.url}/browse/{key}" if key else None
    former = {change.old_text or change.old for change in draft.history.of("issuekey")} - {key, None}
    values["aliases"] = sorted(each for each in former if each)
    values["created_at"] = created_at
    values["updated_at"] = draft.instant("updated_at", fields.get("updated"))
    values["assignee"] = draft.accounts.ref(fields.get("assignee"))
    values["creator"] = draft.accounts.ref(fields.get("creator"))
    reporter = draft.accounts.ref(fields.get("reporter"))
    draft.offer("reporter" if draft.takes("reporter") else "complainant", reporter)
    values["labels"] = [each for each in as_list(fields.get("labels")) if isinstance(each, str)]
    taken = draft.vocabulary.plan(draft.kind).taken
    values["custom"] = {
        name: value
        for name, value in fields.items()
        if value is not None and name.startswith("customfield_") and name not in taken
    }
    _services(draft)
    if created_at is not None:
        draft.events.append(Event(at=created_at, type="created", actor=values["creator"] or reporter))


def _services(draft: Draft) -> None:
    components = [as_dict(each) for each in as_list(draft.fields.get("components"))]
    named = {word for each in components for word in (native_id(each.get("id")), as_text(each.get("name"))) if word}
    for each in components:
        word = as_text(each.get("name"))
        if word and not draft.vocabulary.serves((word, native_id(each.get("id")) or word)):
            draft.unmapped[f"component:{word}"] = f'"{word}" = "register:services/…"'
    project = as_dict(draft.fields.get("project"))
    key = (draft.values["key"] or "").rpartition("-")[0]
    scope = {as_text(project.get("key")) or key, draft.values["scope"]} - {""}
    vocabulary, history, labels = draft.vocabulary, draft.history, frozenset(draft.values["labels"])
    found = vocabulary.services(frozenset(named | labels | scope))
    draft.values["service_ids"] = found
    if found:
        sinces = [
            history.last_change("issuekey") if vocabulary.serves(scope) else None,
            history.set_held_since("components", frozenset(named), vocabulary.serves),
            history.set_held_since("labels", labels, vocabulary.serves),
        ]
        known = [each for each in sinces if each is not None]
        if known:
            draft.since["service_ids"] = min(known)


def _own_times(draft: Draft, created_at: int | None) -> None:
    """Fill what Jira's own fields say where no mapped field said it."""
    for name in ("reported_at", "recorded_at", "detected_at", "received_at"):
        if draft.kind != "security_incident" or name != "detected_at":
            draft.offer(name, created_at)
    draft.offer("description", plain(draft.fields.get("description")) or None)
    priority = as_dict(draft.fields.get("priority"))
    word = as_text(priority.get("name"))
    if word and draft.takes("priority") and "priority" not in draft.unknown:
        options = draft.vocabulary.settings.values.get(f"{draft.kind}.priority", {})
        mapped = options.get(word, word).upper()
        if mapped in PRIORITIES:
            draft.values["priority"] = mapped
        else:
            draft.unknown.add("priority")
            draft.skip("priority: word without a neutral value")
            draft.unmapped[f"value:{draft.kind}.priority:{word}"] = f'"{word}" = "P3"'
