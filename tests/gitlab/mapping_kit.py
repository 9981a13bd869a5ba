"""Documents of a GitLab as they are kept, and what the maps of a source say."""

from __future__ import annotations

import json
from typing import Any

from hub.clock import parse_instant
from hub.records import Record, decode_record, kind_of
from hub.store.text import encode_clean
from hub.sync.source import Document, Normalised
from hub_gitlab.mapping import normalise
from hub_gitlab.mapping_settings import MappingSettings
from hub_gitlab.vocabulary import Vocabulary

PROJECT = {
    "id": 501,
    "path_with_namespace": "shop/web",
    "web_url": "https://git.example.net/shop/web",
    "default_branch": "main",
}
B1, B2, B3, MERGED = "b1" * 20, "b2" * 20, "b3" * 20, "3e" * 20


def at(text: str) -> int:
    return parse_instant(text)


def words(**changes: Any) -> Vocabulary:
    entries: dict[str, Any] = {
        "jira": {"desk": ["OPS", "CHG"]},
        "issue_types": {"incident": "incident", "service_desk": "request", "label:type::problem": "problem"},
        "statuses": {"workflow::doing": "in_progress", "waiting::customer": "pending_customer", "fixed": "resolved"},
        "priorities": {"P1": "P1", "P2": "P2", "severity:CRITICAL": "P1"},
        "change_types": {"change::normal": "normal", "change::emergency": "emergency"},
        "services": {"shop/web": "register:services/shop"},
        "items": {"db": "register:configuration_items/db"},
        "documents": [{"project": "shop/web", "paths": ["policies/**/*.md"], "doc_type": "change_policy"}],
        "automation_accounts": ["robot", "ci@example.net"],
        "escalation_label": "escalated",
        "accounts": {"dora": "register:people/dora"},
    }
    settings = MappingSettings.model_validate({**entries, **changes})
    return Vocabulary.of("git", "Europe/Berlin", "https://git.example.net", settings)


def user(native: int, name: str, **more: Any) -> dict[str, Any]:
    return {"id": native, "username": name, "name": name.title(), "state": "active", **more}


ANN, BEN, CLEO = user(1, "ann"), user(2, "ben"), user(3, "cleo")


def request(**more: Any) -> dict[str, Any]:
    said = {
        "id": 9001,
        "iid": 45,
        "project_id": 501,
        "title": "CHG-7: new disk",
        "description": "See OPS-3.",
        "state": "merged",
        "author": ANN,
        "sha": B2,
        "merge_commit_sha": MERGED,
        "source_branch": "chg-7-disk",
        "target_branch": "main",
        "labels": ["change::normal"],
        "created_at": "2026-03-02T09:00:00.000Z",
        "updated_at": "2026-03-04T12:00:00.000Z",
        "merged_at": "2026-03-04T12:00:00.000Z",
        "web_url": "https://git.example.net/shop/web/-/merge_requests/45",
        "references": {"full": "shop/web!45"},
    }
    return {**said, **more}


def version(sha: str, when: str, **more: Any) -> dict[str, Any]:
    return {"id": 1, "head_commit_sha": sha, "created_at": when, **more}


def note(entry: int, who: dict[str, Any], when: str, text: str = "approved this merge request") -> dict[str, Any]:
    return {"id": entry, "author": who, "created_at": when, "body": text, "system": True}


def commit(author: str, committer: str | None = None, message: str = "Work") -> dict[str, Any]:
    return {"id": B2, "author_email": author, "committer_email": committer or author, "message": message}


def label_event(name: str, when: str, action: str = "add", by: dict[str, Any] = ANN) -> dict[str, Any]:
    return {"id": 5, "user": by, "created_at": when, "label": {"id": 1, "name": name}, "action": action}


def state_event(state: str, when: str, by: dict[str, Any] = BEN) -> dict[str, Any]:
    return {"id": 6, "user": by, "created_at": when, "state": state}


def merge_request(**more: Any) -> dict[str, Any]:
    """A merge request pushed twice, approved in between and after, tested, merged."""
    body = {
        "project": PROJECT,
        "merge_request": request(),
        "approvals": {"approved": True, "approved_by": [{"user": BEN}, {"user": CLEO}]},
        "approval_events": [note(71, BEN, "2026-03-02T12:00:00Z"), note(72, CLEO, "2026-03-04T11:00:00Z")],
        "versions": [version(B2, "2026-03-03T09:00:00Z"), version(B1, "2026-03-02T09:00:01Z")],
        "commits": [commit("ann@example.net"), commit("3-cleo@users.noreply.git.example.net", "ci@example.net")],
        "pipeline": {
            "id": 3,
            "sha": B2,
            "status": "success",
            "finished_at": "2026-03-03T10:00:00Z",
            "web_url": "https://git.example.net/shop/web/-/pipelines/3",
            "jobs": [{"name": "unit", "status": "success", "finished_at": "2026-03-03T09:30:00Z"}],
        },
        "state_events": [state_event("merged", "2026-03-04T12:00:00Z")],
        "label_events": [label_event("change::normal", "2026-03-02T09:10:00Z")],
        "closes": [{"id": 70, "iid": 7, "project_id": 501}],
    }
    return {name: each for name, each in {**body, **more}.items() if each is not ...}


def issue(**more: Any) -> dict[str, Any]:
    said = {
        "id": 70,
        "iid": 7,
        "project_id": 501,
        "title": "Checkout is slow",
        "description": "since this morning",
        "state": "closed",
        "issue_type": "incident",
        "author": CLEO,
        "assignees": [ANN],
        "labels": ["P1", "fixed"],
        "created_at": "2026-03-01T08:00:00.000Z",
        "updated_at": "2026-03-01T16:00:00.000Z",
        "closed_at": "2026-03-01T16:00:00.000Z",
        "web_url": "https://git.example.net/shop/web/-/issues/7",
    }
    return {**said, **more}


def ticket(**more: Any) -> dict[str, Any]:
    """An incident that waited for the customer for an hour, was fixed and closed."""
    body = {
        "project": PROJECT,
        "issue": issue(),
        "state_events": [state_event("closed", "2026-03-01T16:00:00Z")],
        "label_events": [
            label_event("P1", "2026-03-01T08:05:00Z"),
            label_event("workflow::doing", "2026-03-01T08:10:00Z"),
            label_event("waiting::customer", "2026-03-01T10:00:00Z"),
            label_event("workflow::doing", "2026-03-01T10:00:00Z", "remove"),
            label_event("waiting::customer", "2026-03-01T11:00:00Z", "remove"),
            label_event("workflow::doing", "2026-03-01T11:00:00Z"),
            label_event("workflow::doing", "2026-03-01T15:00:00Z", "remove"),
            label_event("fixed", "2026-03-01T15:00:00Z"),
        ],
    }
    return {name: each for name, each in {**body, **more}.items() if each is not ...}


def deployment(**more: Any) -> dict[str, Any]:
    said = {
        "id": 801,
        "iid": 8,
        "ref": "main",
        "sha": MERGED,
        "status": "success",
        "created_at": "2026-03-05T09:00:00.000Z",
        "updated_at": "2026-03-05T09:10:00.000Z",
        "user": BEN,
        "environment": {"id": 4, "name": "production"},
        "deployable": {
            "status": "success",
            "tag": False,
            "started_at": "2026-03-05T09:00:05Z",
            "finished_at": "2026-03-05T09:10:00Z",
            "pipeline": {"web_url": "https://git.example.net/shop/web/-/pipelines/4"},
        },
    }
    body = {
        "project": PROJECT,
        "deployment": said,
        "environment": {"name": "production", "tier": "production"},
        "merge_requests": [request()],
        "ref_protected": True,
    }
    return {name: each for name, each in {**body, **more}.items() if each is not ...}


POLICY = """---
title: Change policy
version: 1.10
effective: 2026-04-01
review_days: 365
---
# Change policy
## Escalation
To the boss.
"""


def approved_request(**more: Any) -> dict[str, Any]:
    """A merge request as documents carry it: its parts beside its own fields."""
    body = merge_request()
    flat = {name: body[name] for name in ("approvals", "approval_events", "versions")}
    return {**body["merge_request"], **flat, **more}


def policy(**more: Any) -> dict[str, Any]:
    body = {
        "project": PROJECT,
        "path": "policies/it/change.md",
        "ref": "main",
        "blob_sha": "f" * 40,
        "commit": {"id": "c" * 40, "committed_date": "2026-03-04T11:59:00+01:00", "author_email": "ann@example.net"},
        "text": POLICY,
        "merge_requests": [approved_request()],
    }
    return {name: each for name, each in {**body, **more}.items() if each is not ...}


def release(**more: Any) -> dict[str, Any]:
    said = {
        "tag_name": "v1.2",
        "name": "March",
        "description": "- CHG-7",
        "created_at": "2026-03-06T09:00:00.000Z",
        "released_at": "2026-03-06T10:00:00.000Z",
        "author": ANN,
        "commit": {"id": MERGED},
        "milestones": [{"id": 5, "title": "2026-03", "due_date": "2026-03-31"}],
        "evidences": [{"sha": "e" * 64, "collected_at": "2026-03-06T10:00:01Z", "filepath": "https://git/e.json"}],
        "assets": {"links": [{"name": "app", "url": "https://git/app.tgz"}]},
    }
    return {"project": PROJECT, "release": said, "merge_requests": [request()], **more}


def protection(**more: Any) -> dict[str, Any]:
    branch = {
        "name": "main",
        "push_access_levels": [{"access_level": 0, "access_level_description": "No one"}],
        "merge_access_levels": [{"access_level": 40, "access_level_description": "Maintainers"}],
        "allow_force_push": False,
    }
    body = {"project": PROJECT, "protected_branches": [branch]}
    return {**body, **more}


WHOLE = {
    "deployment": deployment(approvals=[{"user": CLEO, "status": "approved", "created_at": "2026-03-05T08:00:00Z"}]),
    "document": policy(history=[{**policy(), "commit": {"id": "d" * 40, "committed_date": "2026-01-02T10:00:00Z"}}]),
    "issue": ticket(notes=[{"id": 1, "author": ANN, "created_at": "2026-03-01T08:20:00Z", "body": "hello"}]),
    "merge_request": merge_request(pipelines=[{"sha": MERGED, "status": "failed", "web_url": "https://p"}]),
    "protection": protection(approval_rules=[{"name": "all", "approvals_required": 2}], approval_settings={}),
    "release": release(tag={"name": "v1.2", "protected": True}),
    "user": {"user": user(9, "dora", public_email="dora@example.net")},
}
"""One document of each stream, with every part that is read."""


def read(stream: str, body: Any, vocabulary: Vocabulary | None = None) -> Normalised:
    """Map a document; what comes out are valid records, or something is counted."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = normalise(Document(stream, "1", "501", raw), vocabulary or words())
    assert told.records or told.skipped
    for each in told.records:
        clean, kept, _ = encode_clean(each)
        assert decode_record(kept) == clean
    return told


def only(kind: str, told: Normalised) -> list[Any]:
    return [each for each in told.records if kind_of(each) == kind]


def first(stream: str, body: Any, vocabulary: Vocabulary | None = None) -> Any:
    """Map a document and give its first record."""
    return read(stream, body, vocabulary).records[0]


def reasons(told: Normalised) -> set[str]:
    return {each.reason for each in told.skipped}


def since(record: Record) -> dict[str, int]:
    return {each.field: each.at for each in record.since}
