"""From states and labels to a ticket's status, events, resolutions, reopenings and pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.records import Escalation, Pause, Reopen
from hub_gitlab.value import as_text
from hub_gitlab.vocabulary import DONE, OPEN, PENDING, labels_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub_gitlab.draft import Draft
    from hub_gitlab.history import LabelHistory, Span, StateHistory

__all__ = ["escalate", "follow"]


def follow(draft: Draft, issue: dict[str, Any], history: StateHistory) -> None:
    """Walk through what an issue was. With an incomplete history only the present state is taken over."""
    words = draft.sheet.vocabulary
    state = as_text(issue.get("state"))
    assigned = bool(issue.get("assignee") or issue.get("assignees"))
    category, several = words.category(state, labels_of(issue), assigned=assigned)
    draft.values["status"], draft.values["status_category"] = state, category
    if several:
        draft.sheet.skip("status: labels contradict each other")
    elif category == "other" and state is not None:
        draft.sheet.unmapped[f"status:{state[:80]}"] = ""
    closed = draft.instant("closed_at", issue.get("closed_at"))
    if not history.complete:
        draft.lacks("pauses", "reopens")
        draft.unknown.add("events")
        if category in {"resolved", "closed"}:
            draft.offer("closed_at", closed if category == "closed" else None)
            draft.lacks("resolved_at")
        draft.sheet.skip("history of states and labels not read")
        return
    past = [words.category(each.state, each.labels, assigned=False)[0] for each in history.spans]
    steps = [
        (before, after, span)
        for before, after, span in zip(past, past[1:], history.spans[1:], strict=False)
        if before != after
    ]
    for before, after, span in steps:
        actor = draft.sheet.accounts.ref(span.actor)
        draft.event(
            span.at, _kind(before, after), actor=actor, field="status", from_=before, to=after, source_ref=span.entry
        )
    if "other" in past or category == "other":
        draft.lacks("pauses", "reopens", "resolved_at", "closed_at")
        return
    _ends(draft, steps, category)
    if draft.takes("pauses"):
        draft.offer("pauses", _pauses(history, past) or None)


def _kind(before: str, after: str) -> str:
    if after in DONE and before not in DONE:
        return {"resolved": "resolved", "closed": "closed"}.get(after, "cancelled")
    if after == "closed":
        return "closed"
    if after in OPEN and before in DONE:
        return "reopened"
    if after in PENDING and before not in PENDING:
        return "paused"
    if before in PENDING and after not in PENDING:
        return "resumed"
    return "accepted" if (before, after) == ("new", "in_progress") else "updated"


def _ends(draft: Draft, steps: Sequence[tuple[str, str, Span]], category: str) -> None:
    resolved: int | None = None
    closed: int | None = None
    reopens: list[Reopen] = []
    for before, after, span in steps:
        if after in {"resolved", "closed"} and before not in {"resolved", "closed"}:
            resolved = span.at
        if after == "closed":
            closed = span.at
        if after in OPEN and before in DONE:
            reopens.append(Reopen(resolved_at=resolved, reopened_at=span.at))
            closed = None
    done = category in {"resolved", "closed"}
    draft.offer("resolved_at", resolved if done else None)
    draft.offer("closed_at", closed if category == "closed" else None)
    if draft.kind == "request":
        draft.offer("fulfilled_at", draft.values.get("resolved_at"))
    draft.offer("reopens", reopens or None)


def _pauses(history: StateHistory, past: Sequence[str]) -> list[Pause]:
    pauses: list[Pause] = []
    for span, category in zip(history.spans, past, strict=True):
        running = pauses[-1] if pauses and pauses[-1].to is None else None
        if running is not None and category != running.reason:
            running.to = span.at
            running = None
        if category in PENDING and running is None:
            pauses.append(Pause(from_=span.at, reason=category))
    return pauses


def escalate(draft: Draft, labels: LabelHistory) -> None:
    """Tell each time the configured label was added."""
    wanted = draft.sheet.vocabulary.settings.escalation_label
    found = [at for at, name, came in labels.steps if came and name == wanted] if wanted else []
    for at in found:
        draft.event(at, "escalated", field="labels", to=wanted)
    draft.offer("escalations", [Escalation(at=at) for at in found] or None)
