"""Merge requests as changes: what is changed, who made it, who approved it, what tested it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub_gitlab.approval import read_approvals, read_versions
from hub_gitlab.draft import Draft
from hub_gitlab.history import label_since, read_labels
from hub_gitlab.moment import instant_or_none
from hub_gitlab.pipeline import add_tests
from hub_gitlab.report import decisions_on_report
from hub_gitlab.subject import name_subjects
from hub_gitlab.value import as_dict, as_text, dicts, native_id
from hub_gitlab.vocabulary import labels_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.records import Record, StatusCategory
    from hub_gitlab.approval import Version
    from hub_gitlab.draft import Sheet
    from hub_gitlab.history import LabelHistory
    from hub_gitlab.vocabulary import Vocabulary

__all__ = ["change_of", "read_merge_request"]

_STATES: dict[str, StatusCategory] = {
    "closed": "cancelled",
    "locked": "in_progress",
    "merged": "closed",
    "opened": "in_progress",
}
_NOT_A_CHANGE = "merge request is no change by configuration"


def change_of(
    vocabulary: Vocabulary, project: dict[str, Any], request: dict[str, Any], *, in_production: bool
) -> tuple[str | None, str]:
    """Give the record id of the change a merge request is: (None, why) where it is none."""
    native = native_id(request.get("id"))
    if native is None:
        return None, "merge request without an id"
    default = as_text(project.get("default_branch"))
    target = as_text(request.get("target_branch"))
    decided = vocabulary.is_change(labels_of(request), target, default, in_production=in_production)
    if decided is None:
        return None, "merge request: whether it is a change cannot be told"
    return (vocabulary.ref("merge_request", native), "") if decided else (None, _NOT_A_CHANGE)


def read_merge_request(sheet: Sheet) -> None:
    """Turn a document of the stream `merge_request` into a change and its approvals."""
    body = sheet.body
    request = as_dict(body.get("merge_request"))
    reached = body.get("reached_production") is True
    one, why = change_of(sheet.vocabulary, sheet.project, request, in_production=reached)
    if one is None:
        sheet.skip(why)
        sheet.records = _decided(sheet, body, request)
        return
    draft = Draft(sheet, "change", one)
    versions = read_versions(sheet, body)
    labels = read_labels(body, labels_of(request), instant_or_none(request.get("created_at")))
    _envelope(draft, request)
    _revision(draft, request, versions)
    _people(draft, request)
    _meaning(draft, request, labels)
    _course(draft, request)
    add_tests(draft, body, versions)
    approvals = read_approvals(draft, body, versions)
    _links(draft, request)
    for at, name, added in labels.steps:
        draft.event(at, "updated", field="labels", **({"to": name} if added else {"from_": name}))
    sheet.records = [draft.finish(), *approvals, *decisions_on_report(sheet, request, approvals)]


def _decided(sheet: Sheet, body: dict[str, Any], request: dict[str, Any]) -> list[Record]:
    """Give what was decided on the report of a merge request that is no change."""
    native = native_id(request.get("id"))
    if native is None or body.get("report_files") is None:
        return []
    bare = Draft(sheet, "change", sheet.vocabulary.ref("merge_request", native))
    return [*decisions_on_report(sheet, request, read_approvals(bare, body, read_versions(sheet, body)))]


def _envelope(draft: Draft, request: dict[str, Any]) -> None:
    sheet, values, state = draft.sheet, draft.values, as_text(request.get("state"))
    iid = native_id(request.get("iid"))
    values["title"] = as_text(request.get("title")) or draft.id
    values["key"] = as_text(as_dict(request.get("references")).get("full")) or (iid and f"{sheet.path}!{iid}")
    values["url"] = as_text(request.get("web_url"))
    values["status"] = state
    values["status_category"] = _STATES.get(state or "", "other")
    if state is not None and state not in _STATES:
        sheet.unmapped[f"merge_request_state:{state[:80]}"] = ""
    values["created_at"] = draft.instant("created_at", request.get("created_at"))
    values["updated_at"] = draft.instant("updated_at", request.get("updated_at"))
    values["creator"] = sheet.accounts.ref(request.get("author"))
    values["assignee"] = sheet.accounts.ref(request.get("assignee"))
    values["labels"] = labels_of(request)
    custom = {name: request.get(name) for name in ("source_branch", "target_branch", "merge_commit_sha", "squash")}
    milestone = as_text(as_dict(request.get("milestone")).get("title"))
    values["custom"] = {name: each for name, each in {**custom, "milestone": milestone}.items() if each is not None}
    draft.event(values["created_at"], "created", actor=values["creator"])


def _revision(draft: Draft, request: dict[str, Any], versions: list[Version] | None) -> None:
    head = as_text(request.get("sha")) or as_text(as_dict(request.get("diff_refs")).get("head_sha"))
    if head is None and versions:
        head = versions[-1].head
    if head is None:
        draft.unknown.add("revision")
    draft.values["revision"] = head
    since: int | None = None
    for version in versions or ():
        draft.event(version.at, "updated", field="revision", to=version.head)
        since = None if version.head != head else version.at if since is None else since
    if since is not None:
        draft.since["revision"] = since


def _people(draft: Draft, request: dict[str, Any]) -> None:
    """The author carries it out; whoever wrote or committed a part of it had a hand in it."""
    accounts, commits = draft.sheet.accounts, draft.sheet.body.get("commits")
    author = accounts.ref(request.get("author"))
    draft.values["implementer"] = author
    if author is None:
        draft.unknown.add("implementer")
    if commits is None:
        draft.unknown.add("contributors")
        return
    found: set[str] = set()
    for commit in dicts(commits):
        for name in ("author_email", "committer_email"):
            person = accounts.author(commit.get(name))
            if person is not None:
                found.add(person)
        if accounts.author(commit.get("author_email")) is None and as_text(commit.get("author_email")) is None:
            draft.sheet.skip("commit without the address of its author")
            draft.unknown.add("contributors")
    draft.values["contributors"] = sorted(found - {author})


def _meaning(draft: Draft, request: dict[str, Any], history: LabelHistory) -> None:
    """What labels and the project's path say."""
    sheet, settings = draft.sheet, draft.sheet.vocabulary.settings
    labels = labels_of(request)
    tables: tuple[tuple[str, Mapping[str, Any], Any], ...] = (
        ("class", settings.change_classes, "software"),
        ("type", settings.change_types, settings.change_type),
        ("reason", settings.reasons, None),
        ("outcome", settings.outcomes, settings.outcome if request.get("state") == "merged" else None),
    )
    for name, table, otherwise in tables:
        label, said, several = sheet.vocabulary.one_of(table, labels)
        if several:
            draft.unknown.add(name)
            sheet.skip(f"{name}: labels contradict each other")
            continue
        draft.values["class_" if name == "class" else name] = said if label is not None else otherwise
        if label is not None:
            at = label_since(history, {each for each in table if table[each] == said})
            if at is not None:
                draft.since[name] = at
        elif otherwise is not None and history.complete and name != "outcome":
            at = history.never(set(table))
            if at is not None:
                draft.since[name] = at
    if settings.major_label is not None:
        draft.values["major"] = settings.major_label in labels
        wanted = {settings.major_label}
        at = label_since(history, wanted) if draft.values["major"] else history.never(wanted)
        if at is not None:
            draft.since["major"] = at
    name_subjects(draft, labels, history)


def _course(draft: Draft, request: dict[str, Any]) -> None:
    """Work on what runs begins and ends when it is merged; what happens at deployment is told by the deployment."""
    merged = draft.instant("actual_start", request.get("merged_at"))
    closed = draft.instant("closed_at", request.get("closed_at"))
    draft.unknown.discard("closed_at")
    by = draft.sheet.accounts.ref(request.get("merge_user") or request.get("merged_by"))
    if request.get("state") == "merged":
        draft.values["actual_start"] = draft.values["actual_end"] = merged
        if merged is None:
            draft.unknown |= {"actual_start", "actual_end"}
        draft.event(merged, "implementation_started", actor=by)
    elif request.get("state") == "closed":
        draft.event(closed, "cancelled", actor=draft.sheet.accounts.ref(request.get("closed_by")))
    for each in dicts(draft.sheet.body.get("state_events")):
        if each.get("state") == "reopened":
            actor = draft.sheet.accounts.ref(each.get("user"))
            draft.event(instant_or_none(each.get("created_at")), "reopened", actor=actor)


def _links(draft: Draft, request: dict[str, Any]) -> None:
    sheet, body = draft.sheet, draft.sheet.body
    found = sheet.vocabulary.keys.mentions(
        branch=as_text(request.get("source_branch")),
        title=as_text(request.get("title")),
        description=as_text(request.get("description")),
        messages=[as_text(each.get("message")) or "" for each in dicts(body.get("commits"))],
    )
    draft.speak_of(("implements" if each.firm else "relates", each.source, each.key) for each in found)
    closes = body.get("closes")
    for issue in closes if isinstance(closes, list) else ():
        native = native_id(as_dict(issue).get("id"))
        if native is None:
            sheet.skip("closed issue without an id")
        else:
            draft.speak_of_own("closes", "issue", native)
