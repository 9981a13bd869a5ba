"""Deployments, releases and protection: what went where, when, and what guards it."""

from __future__ import annotations

import pytest

from hub_gitlab.provision import provisions
from tests.gitlab.mapping_kit import (
    BEN,
    CLEO,
    MERGED,
    at,
    deployment,
    first,
    only,
    protection,
    read,
    reasons,
    release,
    request,
    words,
)


def test_a_deployment_tells_what_went_where():
    found = first("deployment", deployment())
    assert (found.environment, found.tier, found.deployment_status) == ("production", "production", "success")
    assert (found.started_at, found.finished_at) == (at("2026-03-05T09:00:05Z"), at("2026-03-05T09:10:00Z"))
    assert (found.commit, found.actor, found.change_id) == (MERGED, "git:user/2", "git:merge_request/9001")
    assert found.from_protected_ref is True
    assert found.source_uri == "https://git.example.net/shop/web/-/pipelines/4"


def test_what_a_tier_cannot_tell_is_not_provable():
    told = read("deployment", deployment())
    assert told.records[0].unknown_fields == ["approval.*", "approvals"]
    assert "deployment approvals: not_provable (tier)" in reasons(told)
    given = {kind.kind: kind.fields for kind in provisions(words(control={}), premium=False)}
    paid = {kind.kind: kind.fields for kind in provisions(words(control={}), premium=True)}
    assert paid["deployment"] - given["deployment"] == {"approvals"}
    assert paid["control"] - given["control"] == {"operation"}


def test_deployment_approvals_bind_to_its_commit():
    voted = [
        {"user": CLEO, "status": "approved", "created_at": "2026-03-05T08:00:00Z", "comment": "go"},
        {"user": BEN, "status": "rejected", "created_at": "2026-03-05T08:10:00Z"},
    ]
    told = read("deployment", deployment(approvals=voted))
    found = [(each.approver, each.decision, each.subject_revision) for each in only("approval", told)]
    assert found == [("git:user/3", "approved", MERGED), ("git:user/2", "rejected", MERGED)]
    assert told.records[0].approvals == ["git:deployment/801/approval/2", "git:deployment/801/approval/3"]


@pytest.mark.parametrize(
    ("requests", "one", "several", "unknown"),
    [
        ([request()], "git:merge_request/9001", [], False),
        ([request(), request(id=9002)], None, ["git:merge_request/9001", "git:merge_request/9002"], False),
        ([request(), request()], "git:merge_request/9001", [], False),
        (
            [request(), request(id=9002, target_branch="chg-7-disk", source_branch="x")],
            "git:merge_request/9001",
            [],
            False,
        ),
        ([], None, [], False),
        (..., None, [], True),
    ],
    ids=["one", "several", "one twice", "one through another", "pushed by hand", "not asked"],
)
def test_which_changes_a_deployment_brings(requests, one, several, unknown):
    found = first("deployment", deployment(merge_requests=requests))
    assert (found.change_id, found.change_ids) == (one, several)
    assert ("change_id" in found.unknown_fields) == unknown


@pytest.mark.parametrize(
    ("status", "expected"),
    [("created", "blocked"), ("canceled", "cancelled"), ("failed", "failed"), ("warp", None)],
)
def test_how_a_deployment_stands(status, expected):
    body = deployment()
    found = first("deployment", {**body, "deployment": {**body["deployment"], "status": status}})
    assert (found.status, found.deployment_status) == (status, expected)
    assert ("deployment_status" in found.unknown_fields) == (expected is None)


def test_the_tier_is_said_by_gitlab_or_the_configuration_and_never_guessed():
    silent = deployment(environment={"name": "production"})
    told = read("deployment", silent)
    assert (told.records[0].tier, "tier" in told.records[0].unknown_fields) == (None, True)
    assert told.unmapped == {"environment:production": '"production" = "production"'}
    assert first("deployment", silent, words(environments={"prod*": "production"})).tier == "production"


def test_a_release_tells_its_evidences_milestones_and_changes():
    found = first("release", release())
    assert (found.id, found.version, found.status) == ("git:release/501/v1.2", "v1.2", "released")
    assert found.released_at == at("2026-03-06T10:00:00Z")
    assert found.planned_release_at == at("2026-04-01T00:00:00+02:00"), "a due day ends at its local midnight"
    assert found.change_ids == ["git:merge_request/9001"]
    assert [each.uri for each in found.artefacts] == ["https://git/app.tgz"]
    assert found.custom["evidences"][0]["sha"] == "e" * 64
    assert found.custom["milestones"] == ["2026-03"]
    assert [(each.type, each.to) for each in found.events if each.field == "evidences"] == [("archived", "e" * 64)]


def test_a_release_to_come_is_planned():
    body = release()
    found = first("release", {**body, "release": {**body["release"], "upcoming_release": True, "milestones": []}})
    assert (found.status, found.released_at, found.planned_release_at) == (
        "upcoming",
        None,
        at("2026-03-06T10:00:00Z"),
    )


def test_protection_is_a_control_where_one_is_configured():
    assert reasons(read("protection", protection())) == {"protection is no control by configuration"}
    named = words(control={"risk_id": "register:risks/1", "owner": "register:people/dora", "maintenance": "yearly"})
    told = read("protection", protection(), named)
    control = told.records[0]
    assert (control.control_id, control.risk_id, control.unknown_fields) == (
        "shop/web:main",
        "register:risks/1",
        ["operation"],
    )
    assert reasons(told) == {"approval rules: not_provable (tier)"}
    rules = [
        {"name": "all", "approvals_required": 2},
        {"name": "x", "approvals_required": 1, "protected_branches": [{"name": "y"}]},
    ]
    told = first("protection", protection(approval_rules=rules), named)
    assert told.operation == "pushed by No one; merged by Maintainers; no force push; rule all requires 2 approvals"
