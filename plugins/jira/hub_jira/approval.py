"""From the approvals of Jira Service Management to records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.records import Approval, Event
from hub_jira.changelog import Change
from hub_jira.field import UnconvertibleError, instant_of, words
from hub_jira.people import account_key
from hub_jira.value import as_dict, as_list, as_text, native_id

if TYPE_CHECKING:
    from hub_jira.draft import Draft

__all__ = ["read_approvals"]

DECISIONS = {"approved": "approved", "declined": "rejected", "canceled": "abstained", "cancelled": "abstained"}


@dataclass(slots=True)
class _Round:
    """One approval step of an issue: its approvers decide together."""

    native: str
    title: str
    opened_at: int | None
    completed_at: int | None
    completed_text: str | None
    approvers: list[dict[str, Any]]


def read_approvals(draft: Draft) -> list[Approval]:
    """Make a record of each approver of each approval step, decided or not.

    The instant is that of the changelog entry by the approver; else the step's completion, which is
    the approver's own instant only where one person decided, and is marked unknown otherwise. A later
    rejection by the same person withdraws the earlier approval.
    """
    found: list[Approval] = []
    for field_id in draft.vocabulary.approvals:
        for raw in as_list(draft.fields.get(field_id)):
            step = _round(draft, as_dict(raw))
            if step is None:
                draft.skip("approval without an id")
                continue
            found.extend(filter(None, (_approval(draft, field_id, step, each) for each in step.approvers)))
    _withdraw(found)
    if found and draft.kind == "change":
        draft.values["approval_ids"] = sorted({each.id for each in found})
    for each in found:
        _tell(draft, each)
    return found


def _round(draft: Draft, value: dict[str, Any]) -> _Round | None:
    native = native_id(value.get("id"))
    if native is None:
        return None
    completed = as_dict(value.get("completedDate"))
    return _Round(
        native=native,
        title=as_text(value.get("name")) or "",
        opened_at=_time(draft, value.get("createdDate")),
        completed_at=_time(draft, value.get("completedDate")),
        completed_text=as_text(completed.get("jira") or completed.get("iso8601") or value.get("completedDate")),
        approvers=[as_dict(each) for each in as_list(value.get("approvers"))],
    )


def _time(draft: Draft, value: Any) -> int | None:
    if value is None:
        return None
    try:
        return instant_of(value)
    except UnconvertibleError as fault:
        draft.skip(f"approval: {fault}")
        return None


def _approval(draft: Draft, field_id: str, step: _Round, value: dict[str, Any]) -> Approval | None:
    user = as_dict(value.get("approver"))
    approver = draft.accounts.ref(user)
    key = account_key(user)
    if approver is None or key is None:
        draft.skip("approval without an approver")
        return None
    word = as_text(value.get("approverDecision"))
    decision = DECISIONS.get((word or "").lower())
    if word and decision is None and word.lower() != "pending":
        draft.unmapped[f"decision:{word}"] = ""
        draft.skip("approval decision not known")
    unknown: list[str] = []
    raw_times: dict[str, str] = {}
    at = None
    if decision is not None:
        at = _decided(draft, field_id, step, key, decision)
        if at is None:
            at = step.completed_at
            if at is None or sum(1 for each in step.approvers if _has_decided(each)) > 1:
                unknown.append("decided_at")
            if step.completed_text:
                raw_times["decided_at"] = step.completed_text
    revision = _revision(draft, at) if decision is not None and "decided_at" not in unknown else None
    if decision is not None and revision is None and not _revision_known(draft, at, unknown):
        unknown.append("subject_revision")
    return Approval(
        id=f"{draft.id}/approval/{step.native}/{key}",
        source=draft.vocabulary.source,
        scope=draft.values.get("scope") or "",
        title=step.title,
        key=draft.values.get("key"),
        url=draft.values.get("url"),
        status=word,
        created_at=step.opened_at,
        subject_id=draft.id,
        subject_revision=revision,
        approver=approver,
        decision=decision,  # type: ignore[arg-type] # the values of DECISIONS are the literal's
        decided_at=at,
        via="tool",
        evidence_ref=draft.values.get("url"),
        authenticity="tool_login",
        unknown_fields=unknown,
        raw_times=raw_times,
    )


def _has_decided(value: dict[str, Any]) -> bool:
    return (as_text(value.get("approverDecision")) or "").lower() in DECISIONS


def _decided(draft: Draft, field_id: str, step: _Round, key: str, decision: str) -> int | None:
    """Find the changelog entry in which this person decided in this step."""
    stem = {"approved": "approv", "rejected": "declin"}.get(decision, "")
    start = step.opened_at if step.opened_at is not None else -(2**62)
    end = step.completed_at + 1000 if step.completed_at is not None else 2**62

    def fits(change: Change) -> bool:
        text = f"{change.new_text or ''} {change.new or ''}".lower()
        rejected = decision == "rejected" and "reject" in text
        return start <= change.at <= end and account_key(change.author) == key and (stem in text or rejected)

    instants = [change.at for change in draft.history.of(field_id) if fits(change)]
    return instants[-1] if instants else None


def _revision_field(draft: Draft) -> str | None:
    targets = draft.vocabulary.targets.get(draft.kind, [])
    return next((field_id for field_id, target in targets if target.name == "revision"), None)


def _revision(draft: Draft, at: int | None) -> str | None:
    field_id = _revision_field(draft)
    if field_id is None or at is None or not draft.history.tells(field_id):
        return None
    return draft.history.text_at(field_id, words(draft.fields.get(field_id)), at)


def _revision_known(draft: Draft, at: int | None, unknown: list[str]) -> bool:
    """Whether "no revision" is a finding rather than a gap."""
    field_id = _revision_field(draft)
    return field_id is None or (at is not None and "decided_at" not in unknown and draft.history.tells(field_id))


def _withdraw(found: list[Approval]) -> None:
    for earlier in found:
        if earlier.decision != "approved" or earlier.decided_at is None:
            continue
        later = [
            each.decided_at
            for each in found
            if each.decision == "rejected"
            and each.approver == earlier.approver
            and each.decided_at is not None
            and each.decided_at > earlier.decided_at
        ]
        earlier.withdrawn_at = min(later, default=None)


def _tell(draft: Draft, approval: Approval) -> None:
    if approval.created_at is not None:
        draft.events.append(
            Event(at=approval.created_at, type="approval_requested", to=approval.approver, source_ref=approval.id)
        )
    if approval.decided_at is not None and approval.decision in {"approved", "rejected"}:
        draft.events.append(
            Event(
                at=approval.decided_at,
                type=approval.decision,
                actor=approval.approver,
                to=approval.subject_revision,
                source_ref=approval.id,
            )
        )
