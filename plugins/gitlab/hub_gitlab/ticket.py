"""Issues, incidents and Service Desk tickets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.records import CustomerUpdate
from hub_gitlab.draft import Draft
from hub_gitlab.history import label_since, read_labels, read_states
from hub_gitlab.lifecycle import escalate, follow
from hub_gitlab.moment import UnreadableTimeError, end_of_day, instant_or_none
from hub_gitlab.person import address_of
from hub_gitlab.subject import name_subjects
from hub_gitlab.value import as_dict, as_list, as_text, dicts, native_id
from hub_gitlab.vocabulary import labels_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub_gitlab.draft import Sheet
    from hub_gitlab.history import LabelHistory

__all__ = ["read_issue"]

_LONGEST_TEXT = 20_000
"""Characters of a description that a record keeps; the document keeps all."""


def read_issue(sheet: Sheet) -> None:
    """Turn a document of the stream `issue` into the record its label or type names."""
    issue = as_dict(sheet.body.get("issue"))
    native = native_id(issue.get("id"))
    if native is None:
        sheet.skip("issue without an id")
        return
    desk = address_of(issue.get("service_desk_reply_to"))
    word = (
        "service_desk" if desk else as_text(issue.get("issue_type")) or (as_text(issue.get("type")) or "issue").lower()
    )
    labels = labels_of(issue)
    kind, several = sheet.vocabulary.ticket_kind(word, labels)
    if kind is None:
        sheet.skip("issue: labels name several kinds" if several else f"issue type not mapped: {word[:80]}")
        if not several:
            sheet.unmapped[f"issue_type:{word[:80]}"] = f'"{word[:80]}" = "incident"'
        return
    draft = Draft(sheet, kind, sheet.vocabulary.ref("issue", native))
    created_at = draft.instant("created_at", issue.get("created_at"))
    history = read_labels(sheet.body, labels, created_at)
    _envelope(draft, issue, created_at, desk)
    follow(draft, issue, read_states(sheet.body, history))
    _meaning(draft, issue, history)
    escalate(draft, history)
    _conversation(draft)
    _links(draft, issue)
    if kind == "change":
        draft.unknown.add("approval.*")
    for at, name, came in history.steps:
        draft.event(at, "updated", field="labels", **({"to": name} if came else {"from_": name}))
    sheet.records = [draft.finish()]


def _envelope(draft: Draft, issue: dict[str, Any], created_at: int | None, desk: str | None) -> None:
    sheet, values, iid = draft.sheet, draft.values, native_id(issue.get("iid"))
    values["title"] = as_text(issue.get("title")) or draft.id
    values["key"] = as_text(as_dict(issue.get("references")).get("full")) or (iid and f"{sheet.path}#{iid}")
    values["url"] = as_text(issue.get("web_url"))
    values["created_at"] = created_at
    values["updated_at"] = draft.instant("updated_at", issue.get("updated_at"))
    author = sheet.accounts.ref(issue.get("author"))
    reporter = sheet.accounts.author(desk) if desk else author
    values["creator"] = author
    several = dicts(issue.get("assignees"))
    values["assignee"] = sheet.accounts.ref(issue.get("assignee") or (several[0] if several else None))
    values["labels"] = labels_of(issue)
    for name in ("reporter", "complainant"):
        draft.offer(name, reporter)
    if desk:
        draft.offer("channel", "email")
    for name in (
        "reported_at",
        "recorded_at",
        "received_at",
        *(() if draft.kind == "security_incident" else ("detected_at",)),
    ):
        draft.offer(name, created_at)
    draft.offer("description", (as_text(issue.get("description")) or "")[:_LONGEST_TEXT].strip() or None)
    if issue.get("confidential") is True:
        values["confidentiality"] = "secret"
    custom = {
        "issue_type": as_text(issue.get("issue_type")),
        "milestone": as_text(as_dict(issue.get("milestone")).get("title")),
        "severity": as_text(issue.get("severity")),
        "weight": issue.get("weight") if isinstance(issue.get("weight"), int) else None,
    }
    values["custom"] = {name: each for name, each in custom.items() if each is not None}
    draft.event(created_at, "created", actor=author)


def _meaning(draft: Draft, issue: dict[str, Any], history: LabelHistory) -> None:
    sheet, settings = draft.sheet, draft.sheet.vocabulary.settings
    labels = labels_of(issue)
    tables: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("priority", settings.priorities),
        ("category", settings.categories),
    )
    for name, table in tables:
        if not draft.takes(name):
            continue
        label, said, several = sheet.vocabulary.one_of(table, labels)
        if several:
            draft.unknown.add(name)
            sheet.skip(f"{name}: labels contradict each other")
        elif label is not None:
            draft.offer(name, said)
            at = label_since(history, {each for each in table if table[each] == said})
            if at is not None:
                draft.since[name] = at
    severity = as_text(issue.get("severity"))
    if severity:
        draft.offer("priority", settings.priorities.get(f"severity:{severity}"))
    _due(draft, issue.get("due_date"))
    name_subjects(draft, labels, history)


def _due(draft: Draft, day: Any) -> None:
    if day and draft.takes("due_at"):
        try:
            draft.offer("due_at", end_of_day(day, draft.sheet.vocabulary.zone))
        except UnreadableTimeError as fault:
            draft.unknown.add("due_at")
            draft.sheet.skip(f"due_at: {fault}")


def _conversation(draft: Draft) -> None:
    """Public notes of people are what the customer could see; of a Service Desk ticket, its own robot brings replies."""
    sheet = draft.sheet
    if not draft.takes("first_response_at"):
        return
    if not isinstance(sheet.body.get("notes"), list):
        draft.lacks("first_response_at", "first_response_ref", "customer_updates")
        return
    reporter = draft.values.get("reporter")
    updates: list[CustomerUpdate] = []
    notes = [(instant_or_none(each.get("created_at")), each) for each in dicts(sheet.body["notes"])]
    if any(at is None for at, _ in notes):
        sheet.skip("note without a time")
        draft.lacks("first_response_at", "first_response_ref", "customer_updates")
        return
    for at, note in sorted(notes, key=lambda one: one[0] or 0):
        public = not (note.get("system") is True or note.get("internal") is True or note.get("confidential") is True)
        author = sheet.accounts.ref(note.get("author"))
        entry = native_id(note.get("id"))
        if at is None or not public:
            continue
        draft.event(at, "responded", actor=author, visible_to_customer=True, source_ref=entry)
        if author is None or author == reporter or sheet.accounts.automatic(note.get("author")):
            continue
        updates.append(CustomerUpdate(at=at, ref=entry))
    if updates:
        draft.offer("first_response_at", updates[0].at)
        draft.offer("first_response_ref", updates[0].ref)
        draft.offer("customer_updates", updates)


def _links(draft: Draft, issue: dict[str, Any]) -> None:
    sheet = draft.sheet
    found = sheet.vocabulary.keys.mentions(
        branch=None, title=as_text(issue.get("title")), description=as_text(issue.get("description")), messages=()
    )
    draft.speak_of(("relates", each.source, each.key) for each in found)
    moved = native_id(issue.get("moved_to_id"))
    if moved is not None:
        draft.speak_of_own("duplicate_of", "issue", moved)
    epic = native_id(as_dict(issue.get("epic")).get("id"))
    if epic is not None:
        draft.values["custom"]["epic"] = epic
    for link in as_list(sheet.body.get("links")):
        other = native_id(as_dict(link).get("id"))
        if other is not None:
            draft.speak_of_own("relates", "issue", other)
