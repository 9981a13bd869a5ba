"""Deployments: what went where, by whom, out of which merge requests, and who approved that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.records import Approval
from hub_gitlab.change import change_of
from hub_gitlab.draft import Draft
from hub_gitlab.moment import instant_or_none
from hub_gitlab.value import as_dict, as_text, dicts, native_id
from hub_gitlab.vocabulary import names_of

if TYPE_CHECKING:
    from hub_gitlab.draft import Sheet

__all__ = ["read_deployment"]

_STATUS = {
    "blocked": "blocked",
    "canceled": "cancelled",
    "cancelled": "cancelled",
    "created": "blocked",
    "failed": "failed",
    "running": "running",
    "skipped": "cancelled",
    "success": "success",
}
"""`created` waits as `blocked` does: nothing was deployed yet."""
_DECISIONS = {"approved": "approved", "rejected": "rejected"}


def read_deployment(sheet: Sheet) -> None:
    """Turn a document of the stream `deployment` into a deployment and, where it can be told, its approvals."""
    said = as_dict(sheet.body.get("deployment"))
    native = native_id(said.get("id"))
    if native is None:
        sheet.skip("deployment without an id")
        return
    draft = Draft(sheet, "deployment", sheet.vocabulary.ref("deployment", native))
    job = as_dict(said.get("deployable"))
    _envelope(draft, said)
    _place(draft, said)
    _course(draft, said, job)
    _origin(draft, said, job)
    _changes(draft)
    approvals = _approvals(draft)
    sheet.records = [draft.finish(), *approvals]


def _envelope(draft: Draft, said: dict[str, Any]) -> None:
    sheet, values, iid = draft.sheet, draft.values, native_id(said.get("iid"))
    values["key"] = f"{sheet.path} deployment {iid}" if iid else None
    values["created_at"] = draft.instant("created_at", said.get("created_at"))
    values["updated_at"] = draft.instant("updated_at", said.get("updated_at"))
    values["actor"] = values["creator"] = sheet.accounts.ref(said.get("user"))
    draft.event(values["created_at"], "created", actor=values["actor"])
    served = sheet.vocabulary.services(names_of(sheet.project))
    values["service_ids"] = served
    if served and values["created_at"] is not None:
        draft.since["service_ids"] = values["created_at"]


def _place(draft: Draft, said: dict[str, Any]) -> None:
    sheet = draft.sheet
    environment = {**as_dict(said.get("environment")), **as_dict(sheet.body.get("environment"))}
    name = as_text(environment.get("name"))
    draft.values["environment"] = name
    draft.values["title"] = f"{sheet.path} to {name}" if name else draft.id
    tier = sheet.vocabulary.tier(environment)
    draft.values["tier"] = tier
    if tier is None:
        draft.unknown.add("tier")
        if name:
            sheet.unmapped[f"environment:{name[:80]}"] = f'"{name[:80]}" = "production"'


def _course(draft: Draft, said: dict[str, Any], job: dict[str, Any]) -> None:
    sheet, word = draft.sheet, as_text(said.get("status")) or as_text(job.get("status"))
    status = _STATUS.get(word or "")
    draft.values["status"], draft.values["deployment_status"] = word, status
    if status is None:
        draft.unknown.add("deployment_status")
        if word is not None:
            sheet.skip("deployment status not known")
            sheet.unmapped[f"deployment_status:{word[:80]}"] = ""
    started = draft.instant("started_at", job.get("started_at"))
    finished = draft.instant("finished_at", said.get("finished_at") or job.get("finished_at"))
    draft.values["started_at"], draft.values["finished_at"] = started, finished
    if status in {"running", "success", "failed"}:
        draft.unknown |= {name for name, at in (("started_at", started),) if at is None}
    draft.event(started, "implementation_started", actor=draft.values["actor"])
    if status in {"success", "failed"}:
        draft.unknown |= {name for name, at in (("finished_at", finished),) if at is None}
        draft.event(finished, "deployed" if status == "success" else "implementation_ended", to=status)


def _origin(draft: Draft, said: dict[str, Any], job: dict[str, Any]) -> None:
    sheet = draft.sheet
    pipeline = as_dict(job.get("pipeline"))
    draft.values["commit"] = as_text(said.get("sha")) or as_text(as_dict(job.get("commit")).get("id"))
    draft.values["source_uri"] = as_text(pipeline.get("web_url")) or as_text(job.get("web_url"))
    draft.offer("source_uri", as_text(sheet.project.get("web_url")))
    draft.values["url"] = as_text(job.get("web_url"))
    guarded = sheet.body.get("ref_protected")
    draft.values["from_protected_ref"] = guarded if isinstance(guarded, bool) else None
    if draft.values["from_protected_ref"] is None:
        draft.unknown.add("from_protected_ref")
    ref = as_text(said.get("ref"))
    if ref is not None:
        draft.values["custom"] = {"ref": ref}
    if job.get("tag") is True and ref is not None:
        draft.values["release_id"] = sheet.vocabulary.ref("release", sheet.project_id, ref)


def _changes(draft: Draft) -> None:
    """One change stands in `change_id`, several in `change_ids`; which of several is meant is not guessed.

    What was merged into the branch of another merge request came through that one, and was approved with it.
    """
    sheet, listed = draft.sheet, draft.sheet.body.get("merge_requests")
    if not isinstance(listed, list):
        draft.unknown |= {"change_id", "change_ids"}
        return
    production = draft.values["tier"] in {"production", None}
    found: list[str] = []
    through = {as_text(each.get("source_branch")) for each in dicts(listed)} - {None}
    for request in dicts(listed):
        if as_text(request.get("target_branch")) in through:
            sheet.skip("merge request came with the one it was merged into")
            continue
        one, why = change_of(sheet.vocabulary, sheet.project, request, in_production=production)
        if one is not None:
            found.append(one)
        else:
            sheet.skip(why)
            if "cannot be told" in why:
                draft.unknown |= {"change_id", "change_ids"}
    distinct = sorted(set(found))
    if len(distinct) == 1:
        draft.values["change_id"] = distinct[0]
    else:
        draft.values["change_ids"] = distinct


def _approvals(draft: Draft) -> list[Approval]:
    """Deployment approvals exist from Premium on; below that nobody can tell."""
    sheet, listed = draft.sheet, draft.sheet.body.get("approvals")
    if not isinstance(listed, list):
        draft.unknown |= {"approvals", "approval.*"}
        sheet.skip("deployment approvals: not_provable (tier)")
        return []
    found: list[Approval] = []
    for each in dicts(listed):
        user = as_dict(each.get("user"))
        native, decision = native_id(user.get("id")), _DECISIONS.get(as_text(each.get("status")) or "")
        at = instant_or_none(each.get("created_at"))
        if native is None or decision is None:
            sheet.skip("deployment approval without person or decision")
            continue
        approval = Approval(
            id=f"{draft.id}/approval/{native}",
            source=sheet.vocabulary.source,
            scope=sheet.scope,
            title=f"{decision} {draft.values['title']}",
            url=draft.values["url"],
            created_at=at,
            subject_id=draft.id,
            subject_revision=draft.values["commit"],
            approver=sheet.accounts.ref(user),
            decision=decision,  # type: ignore[arg-type] # the values of _DECISIONS are the literal's
            decided_at=at,
            via="tool",
            evidence_ref=draft.values["url"],
            authenticity="tool_login",
            comment=as_text(each.get("comment")),
            unknown_fields=[] if at is not None else ["decided_at"],
        )
        found.append(approval)
        draft.event(at, decision, actor=approval.approver, source_ref=approval.id)
    draft.values["approvals"] = sorted({each.id for each in found})
    return found
