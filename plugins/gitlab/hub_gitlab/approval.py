"""Who approved a merge request, when, and which revision: from the approvals, the notes and the versions.

`approved: true` says nothing: it is what GitLab answers where no rule exists. Only `approved_by` and the notes
name people. A push after an approval voids it, whatever GitLab goes on showing, unless the difference stayed the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hub.records import Approval
from hub_gitlab.moment import instant_or_none
from hub_gitlab.value import as_dict, as_text, dicts, native_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub_gitlab.draft import Draft, Sheet

__all__ = ["Version", "read_approvals", "read_versions"]

Step = Literal["approved", "rejected", "withdrawn", "reset"]
_SAID: tuple[tuple[str, Step], ...] = (
    ("approved this merge request", "approved"),
    ("unapproved this merge request", "withdrawn"),
    ("requested changes", "rejected"),
    ("reset approvals", "reset"),
    ("removed all approvals", "reset"),
)
"""How the notes that GitLab writes itself begin."""


@dataclass(frozen=True, slots=True)
class Version:
    """One push to a merge request."""

    at: int
    head: str
    patch: str | None
    """Equal for the same difference on another base; GitLab 15 tells none."""


@dataclass(slots=True)
class _Decision:
    """One person's decision, from when to when it held."""

    user: dict[str, Any]
    native: str
    decision: Literal["approved", "rejected"]
    at: int | None
    raw: str | None = None
    entry: str | None = None
    """Native id of the note."""
    until: int | None = None


def read_versions(sheet: Sheet, body: dict[str, Any]) -> list[Version] | None:
    """Give the pushes, oldest first; None where they were not read."""
    if body.get("versions") is None:
        return None
    found: list[Version] = []
    for each in dicts(body["versions"]):
        at, head = instant_or_none(each.get("created_at")), as_text(each.get("head_commit_sha"))
        if at is None or head is None:
            sheet.skip("version without head or time")
            return None
        found.append(Version(at, head, as_text(each.get("patch_id_sha"))))
    return sorted(found, key=lambda one: one.at)


def read_approvals(draft: Draft, body: dict[str, Any], versions: list[Version] | None) -> list[Approval]:
    """Make a record of each decision on what `draft` becomes; what cannot be told is unknown, on the subject too.

    Instants come from the notes, else from `approved_at` of newer GitLabs. Without either it stays unknown when somebody
    approved; without versions, what.
    """
    sheet = draft.sheet
    present = as_dict(body.get("approvals")).get("approved_by")
    told = body.get("approval_events")
    if not isinstance(present, list) and not isinstance(told, list):
        draft.unknown.add("approval.*")
        sheet.skip("approvals not read")
        return []
    decisions = _from_notes(sheet, told)
    if isinstance(present, list):
        _compare(draft, decisions, dicts(present))
    found = [_approval(draft, each, versions) for each in decisions]
    if found and versions is None:
        draft.unknown.add("approval.*")
        sheet.skip("approvals: the revision approved is not known")
    draft.offer("approval_ids", sorted({each.id for each in found}) or None)
    return found


def _from_notes(sheet: Sheet, told: Any) -> list[_Decision]:
    steps: list[tuple[int, str, Step, dict[str, Any], dict[str, Any]]] = []
    for note in dicts(told):
        text = (as_text(note.get("body")) or "").strip().casefold()
        step = next((kind for start, kind in _SAID if text.startswith(start)), None)
        at, user = instant_or_none(note.get("created_at")), as_dict(note.get("author") or note.get("user"))
        if step is None or note.get("system") is False:  # anybody may write these words
            continue
        if at is None or (native_id(user.get("id")) is None and step != "reset"):
            sheet.skip("approval note without person or time")
            continue
        steps.append((at, native_id(note.get("id")) or "", step, user, note))
    decisions: list[_Decision] = []
    for at, entry, step, user, note in sorted(steps, key=lambda one: (one[0], one[1])):
        native = native_id(user.get("id")) or ""
        _end(decisions, at, None if step == "reset" else native)
        if step in {"approved", "rejected"}:
            decisions.append(_Decision(user, native, step, at, as_text(note.get("created_at")), entry or None))
    return decisions


def _end(decisions: list[_Decision], at: int, native: str | None) -> None:
    """End what one person, or everybody, had decided before."""
    for each in decisions:
        if each.until is None and native in {None, each.native}:
            each.until = at


def _compare(draft: Draft, decisions: list[_Decision], present: list[dict[str, Any]]) -> None:
    """Add who is listed and stands in no note; tell of an approval that is gone though nothing says since when."""
    holding = {each.native for each in decisions if each.decision == "approved" and each.until is None}
    listed: set[str] = set()
    for entry in present:
        user = as_dict(entry.get("user") or entry)
        native = native_id(user.get("id"))
        if native is None:
            draft.sheet.skip("approval without a person")
            continue
        listed.add(native)
        if native not in holding:
            raw = as_text(entry.get("approved_at"))
            decisions.append(_Decision(user, native, "approved", instant_or_none(raw), raw))


def _approval(draft: Draft, one: _Decision, versions: list[Version] | None) -> Approval:
    sheet = draft.sheet
    unknown: list[str] = []
    revision, voided = None, None
    if one.at is None:
        unknown.append("decided_at")
        sheet.skip("approval without a time")
    if one.at is None or versions is None:
        unknown.append("subject_revision")
    else:
        revision, voided = _bound(versions, one.at)
        if revision is None:
            unknown.append("subject_revision")
    ends = [each for each in (one.until, voided if one.decision == "approved" else None) if each is not None]
    mark = one.entry or (str(one.at) if one.at is not None else "now")
    approval = Approval(
        id=f"{draft.id}/approval/{one.native}-{mark}",
        source=sheet.vocabulary.source,
        scope=sheet.scope,
        title=f"{one.decision} {draft.values.get('key') or ''}".strip(),
        url=draft.values.get("url"),
        created_at=one.at,
        subject_id=draft.id,
        subject_revision=revision,
        approver=sheet.accounts.ref(one.user),
        decision=one.decision,
        decided_at=one.at,
        withdrawn_at=min(ends, default=None),
        via="tool",
        evidence_ref=draft.values.get("url"),
        authenticity="tool_login",
        unknown_fields=unknown,
        raw_times={"decided_at": one.raw} if one.raw and not one.raw.endswith("Z") else {},
    )
    draft.event(one.at, one.decision, actor=approval.approver, to=revision, source_ref=approval.id)
    if approval.withdrawn_at is not None:
        draft.event(approval.withdrawn_at, "approval_withdrawn", from_=revision, source_ref=approval.id)
    return approval


def _bound(versions: list[Version], at: int) -> tuple[str | None, int | None]:
    """Give the revision that was there to be approved, carried over equal pushes, and when a push voided that."""
    before = [each for each in versions if each.at <= at]
    if not before:
        return None, None
    held = before[-1]
    for later in _after(versions, at):
        if later.head != held.head and (held.patch is None or later.patch != held.patch):
            return held.head, later.at
        held = later
    return held.head, None


def _after(versions: list[Version], at: int) -> Iterator[Version]:
    return (each for each in versions if each.at > at)
