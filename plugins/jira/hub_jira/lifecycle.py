"""From changes of state to events, resolutions, reopenings and pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.records import Escalation, Event, Pause, Reopen
from hub_jira.value import as_dict, as_text
from hub_jira.vocabulary import DONE, OPEN, PENDING

if TYPE_CHECKING:
    from hub_jira.changelog import Change
    from hub_jira.draft import Draft
    from hub_jira.vocabulary import Telling

__all__ = ["add_field_events", "follow_status"]

LONGEST_VALUE = 200
"""Longer texts are in the document; an event names the field only."""
FOLLOWED = frozenset({"status", "issuelinks"})
"""Told by other pieces of the mapping."""


def follow_status(draft: Draft) -> None:
    """Walk through the states an issue had: status now, events, resolutions, reopenings, pauses.

    With an incomplete history only the present state is taken over; what rests on the rest is unknown.
    """
    status = as_dict(draft.fields.get("status"))
    word = as_text(status.get("name"))
    category = draft.vocabulary.category(status)
    draft.values["status"] = word
    draft.values["status_category"] = category
    if category == "other" and word:
        draft.unmapped[f"status:{word}"] = f'"{word}" = "in_progress"'
    resolution = (
        draft.instant("resolved_at", draft.fields.get("resolutiondate")) if draft.takes("resolved_at") else None
    )
    if not draft.history.complete:
        _leave_open(draft, category, resolution)
        return
    steps = [(change, _before(draft, change), _after(draft, change, status)) for change in draft.history.of("status")]
    escalated = draft.vocabulary.settings.escalation.status
    for change, old, new in steps:
        draft.events.append(_status_event(draft, change, old, new))
        if escalated is not None and escalated in (change.new, change.new_text):
            _escalate(draft, change)
    spans = {old for _, old, _ in steps} | {new for _, _, new in steps} | {category}
    if "other" in spans:
        draft.unknown |= {name for name in ("pauses", "reopens") if draft.takes(name)}
    _resolutions(draft, steps, category, resolution)
    if "pauses" not in draft.unknown and draft.takes("pauses"):
        draft.offer("pauses", _pauses(steps, draft.history.created_at, category) or None)


def _leave_open(draft: Draft, category: str, resolution: int | None) -> None:
    for name in ("pauses", "reopens", "closed_at"):
        if draft.takes(name):
            draft.unknown.add(name)
    if category in {"resolved", "closed"}:
        draft.offer("resolved_at", resolution)
        if resolution is None and draft.takes("resolved_at"):
            draft.unknown.add("resolved_at")


def _before(draft: Draft, change: Change) -> str:
    return draft.vocabulary.past_category(change.old, change.old_text)


def _after(draft: Draft, change: Change, status: dict[str, Any]) -> str:
    if change.new != status.get("id"):
        return draft.vocabulary.past_category(change.new, change.new_text)
    named = {"id": change.new, "name": change.new_text, "statusCategory": status.get("statusCategory")}
    return draft.vocabulary.category(named)


def _status_event(draft: Draft, change: Change, old: str, new: str) -> Event:
    if new in DONE and old not in DONE:
        kind = {"resolved": "resolved", "closed": "closed"}.get(new, "cancelled")
    elif new == "closed":
        kind = "closed" if old != "closed" else "updated"
    elif new in OPEN and old in DONE:
        kind = "reopened"
    elif new in PENDING and old not in PENDING:
        kind = "paused"
    elif new in OPEN and old in PENDING and new not in PENDING:
        kind = "resumed"
    elif new == "in_progress" and old == "new":
        kind = "accepted"
    else:
        kind = "updated"
    return Event(
        at=change.at,
        type=kind,
        actor=draft.accounts.ref(change.author),
        field="status",
        from_=change.old_text,
        to=change.new_text,
        source_ref=change.entry,
    )


def _resolutions(draft: Draft, steps: list[tuple[Change, str, str]], category: str, resolution: int | None) -> None:
    resolved: int | None = None
    closed: int | None = None
    reopens: list[Reopen] = []
    for change, old, new in steps:
        if new in {"resolved", "closed"} and old not in {"resolved", "closed"}:
            resolved = change.at
        if new == "closed" and old != "closed":
            closed = change.at
        if new in OPEN and old in DONE:
            reopens.append(Reopen(resolved_at=resolved, reopened_at=change.at))
            closed = None
    if category == "other":
        draft.unknown |= {name for name in ("resolved_at", "closed_at") if draft.takes(name)}
        return
    done = category in {"resolved", "closed"}
    draft.offer("resolved_at", (resolved if resolved is not None else resolution) if done else None)
    draft.offer("closed_at", closed if category == "closed" else None)
    if draft.kind == "request":
        draft.offer("fulfilled_at", draft.values.get("resolved_at"))
    if "reopens" not in draft.unknown and draft.takes("reopens"):
        draft.offer("reopens", reopens or None)


def _pauses(steps: list[tuple[Change, str, str]], created_at: int | None, category: str) -> list[Pause]:
    pauses: list[Pause] = []
    if not steps:
        return [Pause(from_=created_at, reason=category)] if category in PENDING and created_at is not None else []
    first = steps[0][1]
    if first in PENDING and created_at is not None:
        pauses.append(Pause(from_=created_at, reason=first))
    for change, old, new in steps:
        if old in PENDING and new != old and pauses and pauses[-1].to is None:
            pauses[-1].to = change.at
        if new in PENDING and new != old:
            pauses.append(Pause(from_=change.at, reason=new))
    return pauses


def add_field_events(draft: Draft) -> None:
    """Turn every other change into an event, and mark escalations."""
    plan, accounts = draft.vocabulary.plan(draft.kind), draft.accounts
    by_name = {name.casefold(): field_id for field_id, name in draft.history.names.items()}
    label = draft.vocabulary.settings.escalation.label
    for change in draft.history.changes:
        field_id = change.field_id or by_name.get(change.field.casefold()) or change.field.lower()
        if field_id in FOLLOWED or change.field == "Link":
            continue
        told = plan.told.get(field_id) or plan.told.get(change.field)
        if field_id in plan.people or (told is not None and told.type == "assigned"):
            before, after = accounts.named(change.old), accounts.named(change.new)
        else:
            before, after = _said(told, change.old, change.old_text), _said(told, change.new, change.new_text)
        draft.events.append(
            Event(
                at=change.at,
                type=told.type if told else "updated",
                actor=accounts.ref(change.author),
                field=told.name if told else change.field_id or change.field,
                from_=before,
                to=after,
                source_ref=change.entry,
            )
        )
        if label and field_id == "labels" and label in _words(change.new_text) - _words(change.old_text):
            _escalate(draft, change)


def _escalate(draft: Draft, change: Change) -> None:
    actor = draft.accounts.ref(change.author)
    draft.events.append(Event(at=change.at, type="escalated", actor=actor, source_ref=change.entry))
    if draft.kind in {"incident", "request", "security_incident"}:
        draft.values.setdefault("escalations", []).append(Escalation(at=change.at))


def _words(text: str | None) -> set[str]:
    return set((text or "").split())


def _said(told: Telling | None, key: str | None, word: str | None) -> str | None:
    """Give a past value as the neutral value the configuration has for it, else in the tool's word."""
    if told is not None and (options := told.options):
        neutral = next((options[each] for each in (key, word) if each is not None and each in options), None)
        if neutral:
            return neutral
    text = word or key
    return text if text is None or len(text) <= LONGEST_VALUE else None
