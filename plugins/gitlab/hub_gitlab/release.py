"""Tags and releases, with their evidences, milestones and assets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.records import Artefact
from hub_gitlab.change import change_of
from hub_gitlab.draft import Draft
from hub_gitlab.moment import UnreadableTimeError, end_of_day, instant_or_none
from hub_gitlab.value import as_dict, as_text, dicts, native_id
from hub_gitlab.vocabulary import names_of

if TYPE_CHECKING:
    from hub_gitlab.draft import Sheet

__all__ = ["read_release"]


def read_release(sheet: Sheet) -> None:
    """Turn a document of the stream `release` into a release; a bare tag is one that was never described."""
    said = as_dict(sheet.body.get("release"))
    tag_object = as_dict(sheet.body.get("tag"))
    tag = as_text(said.get("tag_name")) or as_text(tag_object.get("name"))
    if tag is None:
        sheet.skip("release without a tag")
        return
    draft = Draft(sheet, "release", sheet.vocabulary.ref("release", sheet.project_id, tag))
    values = draft.values
    values["title"] = as_text(said.get("name")) or tag
    values["version"] = tag
    values["key"] = f"{sheet.path}@{tag}"
    values["url"] = as_text(as_dict(said.get("_links")).get("self"))
    commit = as_dict(said.get("commit")) or as_dict(tag_object.get("commit"))
    made = said.get("created_at") or tag_object.get("created_at")
    values["created_at"] = draft.instant("created_at", made)
    values["creator"] = sheet.accounts.ref(said.get("author"))
    draft.event(values["created_at"], "created", actor=values["creator"])
    _dates(draft, said)
    _contents(draft, said, commit, tag_object)
    _changes(draft, said)
    served = sheet.vocabulary.services(names_of(sheet.project))
    values["service_ids"] = served
    if served and values["created_at"] is not None:
        draft.since["service_ids"] = values["created_at"]
    sheet.records = [draft.finish()]


def _dates(draft: Draft, said: dict[str, Any]) -> None:
    sheet, upcoming = draft.sheet, said.get("upcoming_release") is True
    at = draft.instant("planned_release_at" if upcoming else "released_at", said.get("released_at"))
    draft.values["status"] = "upcoming" if upcoming else "released" if at is not None else "tagged"
    draft.values["planned_release_at" if upcoming else "released_at"] = at
    if not upcoming:
        draft.event(at, "released", actor=draft.values["creator"])
    for milestone in dicts(said.get("milestones")):
        day = milestone.get("due_date")
        if not day:
            continue
        try:
            draft.offer("planned_release_at", end_of_day(day, sheet.vocabulary.zone))
        except UnreadableTimeError as fault:
            draft.unknown.add("planned_release_at")
            sheet.skip(f"planned_release_at: {fault}")


def _contents(draft: Draft, said: dict[str, Any], commit: dict[str, Any], tag: dict[str, Any]) -> None:
    """Assets are what is delivered; evidences are GitLab's own snapshots, with their hash and the instant they were taken."""
    artefacts = []
    for link in dicts(as_dict(said.get("assets")).get("links")):
        uri = as_text(link.get("direct_asset_url")) or as_text(link.get("url"))
        if uri is None:
            draft.sheet.skip("release link without an address")
        else:
            artefacts.append(Artefact(uri=uri))
    draft.values["artefacts"] = artefacts
    evidences = []
    for each in dicts(said.get("evidences")):
        sha, at = as_text(each.get("sha")), instant_or_none(each.get("collected_at"))
        if sha is None:
            draft.sheet.skip("release evidence without a hash")
            continue
        evidences.append({"sha": sha, "collected_at": at, "filepath": as_text(each.get("filepath"))})
        draft.event(at, "archived", field="evidences", to=sha, source_ref=as_text(each.get("filepath")))
    custom: dict[str, Any] = {
        "commit": as_text(commit.get("id")),
        "evidences": evidences,
        "milestones": [title for each in dicts(said.get("milestones")) if (title := as_text(each.get("title")))],
        "tag_protected": tag.get("protected") if isinstance(tag.get("protected"), bool) else None,
    }
    draft.values["custom"] = {name: each for name, each in custom.items() if each not in (None, [])}


def _changes(draft: Draft, said: dict[str, Any]) -> None:
    sheet, listed = draft.sheet, draft.sheet.body.get("merge_requests")
    mentioned = sheet.vocabulary.keys.mentions(
        branch=None, title=as_text(said.get("name")), description=as_text(said.get("description")), messages=()
    )
    draft.speak_of(("relates", each.source, each.key) for each in mentioned)
    if not isinstance(listed, list):
        draft.unknown.add("change_ids")
        return
    found = set()
    for request in dicts(listed):
        if native_id(request.get("id")) is None:
            sheet.skip("merge request without an id")
            continue
        one, why = change_of(sheet.vocabulary, sheet.project, request, in_production=True)
        if one is None:
            sheet.skip(why)
        else:
            found.add(one)
    draft.values["change_ids"] = sorted(found)
