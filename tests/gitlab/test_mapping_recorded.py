"""Real answers of real GitLabs: nothing is lost without a counted reason."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gitlab.mapping_kit import PROJECT, only, read, reasons, words

WORDS = words(
    issue_types={"issue": "request", "incident": "incident", "service_desk": "request"},
    control={},
    jira={"desk": ["OPS"]},
)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from objects(each)


def answers(shared: Path, *names: str) -> list[dict[str, Any]]:
    """Give the top objects of recorded answers whose names begin so."""
    found = []
    for path in sorted((shared / "recorded/gitlab").rglob("*.json")):
        if path.stem.startswith(names):
            try:
                said = json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                continue
            found += [each for each in (said if isinstance(said, list) else [said]) if isinstance(each, dict)]
    return found


def events(shared: Path, kind: str) -> list[dict[str, Any]]:
    """Give what web hooks say of one kind of object, as they say it."""
    found = []
    for folder in ("go-playground_webhooks", "zulip_webhooks"):
        for path in sorted((shared / "recorded/gitlab" / folder).rglob("*.json")):
            said = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(said, dict) and said.get("object_kind") == kind and "object_attributes" in said:
                found.append(said["object_attributes"])
    return found


def count(stream: str, name: str, bodies: list[dict[str, Any]], **more: Any) -> Counter[str]:
    """Map each; every one gives its record, or a skip that says why."""
    seen: Counter[str] = Counter()
    for each in bodies:
        told = read(stream, {"project": PROJECT, name: each, **more}, WORDS)
        kinds = {"merge_request": "change", "issue": "request"}.get(stream, stream)
        own = only(kinds, told) or only("incident", told)
        assert len(own) == 1 or told.skipped, each
        seen["records"] += len(own)
        seen["none"] += not own
    return seen


@pytest.mark.parametrize(
    ("stream", "names", "least"),
    [
        ("merge_request", ("merge_request.", "merge_requests", "group_merge_requests", "milestone_merge_requests"), 5),
        ("issue", ("issue.", "issues", "project_issues", "group_issues", "milestone_issues"), 8),
        ("deployment", ("deployment",), 3),
        ("release", ("project_release.", "project_releases", "project_release_with_assets", "release_"), 3),
    ],
)
def test_every_recorded_answer_is_a_record_or_counted(shared, stream, names, least):
    bodies = [
        each for each in answers(shared, *(name.rstrip(".") for name in names)) if "id" in each or "tag_name" in each
    ]
    seen = count(stream, stream, bodies)
    assert seen["records"] >= least, seen
    assert seen["records"] + seen["none"] == len(bodies)


@pytest.mark.parametrize(("stream", "kind"), [("merge_request", "merge_request"), ("issue", "issue")])
def test_the_older_times_of_web_hooks_are_read(shared, stream, kind):
    bodies = events(shared, kind)
    assert bodies
    for each in bodies:
        told = read(stream, {"project": PROJECT, stream: each}, WORDS)
        for record in told.records[:1]:
            assert record.created_at is not None, each.get("created_at")
            assert "created_at" not in record.unknown_fields
    assert count(stream, stream, bodies)["records"] == len(bodies)


def test_recorded_approvals_name_who_approved(shared):
    for each in answers(shared, "merge_request_approvals", "project_merge_request_approvals"):
        told = read("merge_request", {"project": PROJECT, "merge_request": {"id": 5}, "approvals": each}, WORDS)
        listed = each.get("approved_by")
        assert (
            len(only("approval", told)) == len(listed)
            if isinstance(listed, list)
            else "approvals not read" in reasons(told)
        )


def test_recorded_versions_and_events_are_read(shared):
    versions = json.loads((shared / "recorded/gitlab/narkoz/merge_request_diff_versions.json").read_text())
    states = json.loads((shared / "recorded/gitlab/narkoz/issue_resource_state_events.json").read_text())
    labels = json.loads((shared / "recorded/gitlab/narkoz/resource_label_events.json").read_text())
    change = read("merge_request", {"merge_request": {"id": 1}, "versions": versions}, WORDS).records[0]
    assert sorted(each.to for each in change.events if each.field == "revision") == sorted(
        each["head_commit_sha"] for each in versions
    )
    said = {"id": 1, "state": "closed", "created_at": "2018-08-19T00:00:00Z"}
    ticket = read("issue", {"issue": said, "state_events": states, "label_events": labels}, WORDS).records[0]
    assert ticket.closed_at is not None
    assert sum(each.field == "labels" for each in ticket.events) == len(labels)


def test_recorded_protection_is_a_control(shared):
    branches = json.loads((shared / "recorded/gitlab/narkoz/protected_branches.json").read_text())
    rules = json.loads((shared / "recorded/gitlab/narkoz/project_merge_request_approval_rules.json").read_text())
    told = read("protection", {"project": PROJECT, "protected_branches": branches, "approval_rules": rules}, WORDS)
    assert len(only("control", told)) == len(branches)
    assert "rule security requires 3 approvals" in told.records[0].operation


def test_every_object_of_every_recorded_answer_goes_through_every_stream(shared):
    streams = ("deployment", "issue", "merge_request", "release", "user")
    seen = 0
    for path in sorted((shared / "recorded/gitlab").rglob("*.json")):
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            continue
        for each in list(objects(said))[:20]:
            seen += 1
            for stream in streams:
                read(stream, {"project": PROJECT, stream: each}, WORDS)
    assert seen > 1000
