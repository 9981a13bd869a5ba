"""Documents under control that are kept in Git: an edition for each commit that changed the file.

Version, dates and type come from the front matter; who authorised it is who approved the merge request that
brought it. An edition ends when the next one takes effect.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from hub.records import Section
from hub_gitlab.approval import read_approvals, read_versions
from hub_gitlab.draft import Draft
from hub_gitlab.front_matter import FrontMatterError, convert, fillable, split_front_matter
from hub_gitlab.moment import instant_or_none
from hub_gitlab.person import address_of
from hub_gitlab.value import as_dict, as_text, dicts, native_id

if TYPE_CHECKING:
    from hub.records import Approval
    from hub_gitlab.draft import Sheet
    from hub_gitlab.mapping_settings import DocumentRule

__all__ = ["read_document"]

LONGEST_TEXT = 2_000_000
"""Characters; what is longer is no document people read."""
_MOST_SECTIONS, _LONGEST_SECTION = 300, 4_000
_HEADING = re.compile(r"^#{1,6}[ \t]+(.{1,300}?)[ \t]*#*$")
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
_DAY_MS = 86_400_000
_BY_APPROVAL = frozenset({"authorised_at", "authorised_by"})
"""What a file says of itself here proves nothing: the merge request does."""


@dataclass(slots=True)
class _Edition:
    """One state of the file."""

    draft: Draft
    came_at: int | None
    """When GitLab had it: the merge, else the commit."""
    drafted: bool
    """Says of itself that it is a draft."""


def read_document(sheet: Sheet) -> None:
    """Turn a document of the stream `document` into one record for each edition of the file."""
    path = as_text(sheet.body.get("path"))
    rule = None if path is None else sheet.vocabulary.document_rule(sheet.project, path)
    if path is None or rule is None:
        sheet.skip("file is no document by configuration")
        return
    editions = [_edition(sheet, path, rule, sheet.body)]
    editions += [_edition(sheet, path, rule, each) for each in dicts(sheet.body.get("history"))]
    found = [each for each in editions if each is not None]
    for newer, older in pairwise(found):
        _supersede(older, newer)
    sheet.records = [each.draft.finish() for each in found]


def _edition(sheet: Sheet, path: str, rule: DocumentRule, said: dict[str, Any]) -> _Edition | None:
    commit, text = as_dict(said.get("commit")), said.get("text")
    mark = as_text(commit.get("id")) or as_text(said.get("blob_sha"))
    if mark is None or not isinstance(text, str) or len(text) > LONGEST_TEXT:
        sheet.skip("edition without a commit or a text that can be kept")
        return None
    draft = Draft(sheet, rule.kind, sheet.vocabulary.ref("document", sheet.project_id, f"{path}@{mark[:12]}"))
    committed = draft.instant("created_at", commit.get("committed_date") or commit.get("created_at"))
    approvals, merged_at = _approved(draft, said)
    came_at = merged_at if merged_at is not None else committed
    draft.values["created_at"] = came_at
    draft.values["creator"] = sheet.accounts.author(commit.get("author_email"))
    draft.event(came_at, "published", to=mark[:12], actor=draft.values["creator"], source_ref=mark[:64])
    try:
        head, body = split_front_matter(text)
    except FrontMatterError as fault:
        sheet.skip(str(fault))
        draft.unknown |= {"doc_type", "effective_from", "last_review_at", "version", "doc_status", "sections"}
        head, body = {}, text
    _fill(draft, head)
    _own(draft, rule, path, mark)
    _text(draft, text, body)
    _authorise(draft, approvals, merged_at)
    if came_at is not None:
        taken = {name for name, each in draft.values.items() if each not in (None, [], "")}
        draft.since |= dict.fromkeys(taken - {"created_at", "creator", "custom", "url"}, came_at)
    return _Edition(draft, came_at, draft.values.get("doc_status") == "draft")


def _fill(draft: Draft, head: dict[str, Any]) -> None:
    """Take over the fields that stand at the head; others are kept as they came."""
    sheet, known, custom = draft.sheet, fillable(draft.kind), {}
    for name, value in head.items():
        plain = name.strip().lower().replace("-", "_").replace(" ", "_")
        if plain == "next_review":
            continue
        if plain not in known or plain in _BY_APPROVAL:
            custom[name[:100]] = value
            continue
        attribute, annotation = known[plain]
        said = value
        if attribute == "sections" and isinstance(value, dict):
            said = [{"name": key, "text": each} for key, each in value.items()]
        try:
            found = convert(annotation, said, zone=sheet.vocabulary.zone, person=lambda text: _person(draft, text))
        except FrontMatterError as fault:
            draft.unknown.add(attribute)
            sheet.skip(f"{attribute}: {fault}")
        else:
            draft.offer(attribute, found)
    if custom:
        draft.values["custom"] = custom
    _next_review(draft, head)


def _next_review(draft: Draft, head: dict[str, Any]) -> None:
    """A day of the next review says after how many days it is due."""
    day = next((value for name, value in head.items() if name.strip().lower().replace("-", "_") == "next_review"), None)
    last = draft.values.get("last_review_at") or draft.values.get("effective_from")
    if day is None or not draft.takes("review_days"):
        return
    try:
        annotation = fillable(draft.kind)["last_review_at"][1]
        due = convert(annotation, day, zone=draft.sheet.vocabulary.zone, person=lambda _: None)
    except FrontMatterError as fault:
        draft.unknown.add("review_days")
        draft.sheet.skip(f"next_review: {fault}")
        return
    if last is not None and due is not None:
        draft.offer("review_days", max(0, round((due - last) / _DAY_MS)))


def _person(draft: Draft, text: str) -> str | None:
    tied = draft.sheet.vocabulary.settings.accounts.get(text.removeprefix("@"))
    if tied is not None or (":" in text and "/" in text):
        return tied or text
    return draft.sheet.accounts.author(text) if address_of(text) else None


def _text(draft: Draft, text: str, body: str) -> None:
    """What its headings say, and its hash."""
    values = draft.values
    told = {each.name for each in values.get("sections") or ()}
    values["sections"] = [*(values.get("sections") or ()), *(each for each in _sections(body) if each.name not in told)]
    values["hash"] = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _own(draft: Draft, rule: DocumentRule, path: str, mark: str) -> None:
    """What Git and the configuration know of the file."""
    sheet, values = draft.sheet, draft.values
    draft.offer("title", path)
    draft.offer("version", mark[:12])
    draft.offer("doc_type", rule.doc_type)
    draft.offer("plan_type", rule.doc_type)
    if draft.takes("doc_status") and values.get("effective_from") is not None:
        draft.offer("doc_status", "effective")
    web = as_text(sheet.project.get("web_url"))
    place = as_text(sheet.body.get("ref")) or as_text(sheet.project.get("default_branch")) or mark
    draft.offer("uri", f"{web}/-/blob/{place}/{path}" if web else path)
    values["url"] = f"{web}/-/blob/{mark}/{path}" if web else None
    values["key"] = f"{sheet.path}:{path}@{mark[:12]}"


def _sections(body: str) -> list[Section]:
    found: list[tuple[str, list[str]]] = []
    fence = ""
    for line in body.splitlines():
        mark = _FENCE.match(line)
        if mark:
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        heading = None if fence else _HEADING.match(line)
        if heading:
            found.append((re.sub(r"\W+", "_", heading[1].casefold()).strip("_"), []))
        elif found:
            found[-1][1].append(line)
    named = {name: "\n".join(lines).strip()[:_LONGEST_SECTION] for name, lines in reversed(found) if name}
    return [Section(name=name, text=text or None) for name, text in list(reversed(named.items()))[:_MOST_SECTIONS]]


def _approved(draft: Draft, said: dict[str, Any]) -> tuple[list[Approval] | None, int | None]:
    """Give the approvals of the one merge request that brought the commit, and when it was merged.

    None = it is not known which brought it, or who approved that.
    """
    sheet, listed = draft.sheet, said.get("merge_requests")
    if not isinstance(listed, list):
        sheet.skip("merge request of a document not read")
        return None, None
    merged = [each for each in dicts(listed) if each.get("state") == "merged" and native_id(each.get("id"))]
    if len(merged) != 1:
        if merged:
            sheet.skip("document: several merge requests brought the commit")
        return (None if merged else []), None
    request = merged[0]
    scratch = Draft(sheet, "change", sheet.vocabulary.ref("merge_request", native_id(request["id"]) or ""))
    approvals = read_approvals(scratch, request, read_versions(sheet, request))
    author, at = sheet.accounts.ref(request.get("author")), instant_or_none(request.get("merged_at"))
    if "approval.*" in scratch.unknown:
        return None, at
    head = as_text(request.get("sha"))
    return [
        each
        for each in approvals
        if each.decision == "approved"
        and each.approver != author
        and each.decided_at is not None
        and (at is None or each.decided_at <= at)
        and (each.withdrawn_at is None or (at is not None and each.withdrawn_at > at))
        and (head is None or each.subject_revision in {None, head})
    ], at


def _authorise(draft: Draft, approvals: list[Approval] | None, merged_at: int | None) -> None:
    """Who approved the merge request last put it in force; an approval of the author's own counts for nothing."""
    if approvals is None:
        draft.unknown |= _BY_APPROVAL
        return
    last = max(approvals, key=lambda each: (each.decided_at or 0, each.id), default=None)
    if last is None:
        return
    draft.values["authorised_by"], draft.values["authorised_at"] = last.approver, last.decided_at
    draft.event(last.decided_at, "approved", actor=last.approver, source_ref=last.id)
    draft.event(merged_at, "updated", field="authorised_by", to=last.approver)


def _supersede(older: _Edition, newer: _Edition) -> None:
    """End an edition when the next takes effect; Git withdraws it when the next one takes its place."""
    if newer.drafted or older.drafted:
        return
    ends = newer.draft.values.get("effective_from")
    values = older.draft.values
    if ends is None:
        older.draft.unknown |= {"superseded_at", "withdrawn_at"}
        return
    if older.draft.takes("superseded_at"):
        values["superseded_at"] = ends
        older.draft.event(newer.came_at, "superseded", to=newer.draft.values.get("version"))
        if newer.came_at is not None:
            older.draft.since["superseded_at"] = newer.came_at
    if older.draft.takes("withdrawn_at") and newer.came_at is not None:
        values["withdrawn_at"] = max(ends, newer.came_at)
        older.draft.since["withdrawn_at"] = newer.came_at
    values["doc_status"] = "obsolete"
