"""What GitLab says of changes and approvals becomes what it means, and what it does not say stays unknown."""

from __future__ import annotations

import pytest

from tests.gitlab.mapping_kit import (
    B1,
    B2,
    B3,
    BEN,
    CLEO,
    MERGED,
    PROJECT,
    at,
    deployment,
    first,
    merge_request,
    note,
    only,
    policy,
    read,
    reasons,
    release,
    request,
    since,
    version,
    words,
)


def test_a_merge_request_is_a_change_of_one_revision():
    change = first("merge_request", merge_request())
    assert (change.id, change.key, change.scope) == ("git:merge_request/9001", "shop/web!45", "501")
    assert (change.type, change.class_, change.revision) == ("normal", "software", B2)
    assert (change.status, change.status_category) == ("merged", "closed")
    assert change.actual_start == change.actual_end == at("2026-03-04T12:00:00Z")
    assert change.service_ids == ["register:services/shop"]
    assert (change.implementer, change.outcome) == ("git:user/1", None)
    assert since(change) == {
        "class": at("2026-03-02T09:00:00Z"),
        "revision": at("2026-03-03T09:00:00Z"),
        "service_ids": at("2026-03-02T09:00:00Z"),
        "type": at("2026-03-02T09:10:00Z"),
    }
    assert not change.unknown_fields


def test_whoever_wrote_or_committed_a_part_had_a_hand_in_it():
    change = first("merge_request", merge_request())
    assert change.contributors == ["git:author/ann@example.net", "git:user/3"]
    assert first("merge_request", merge_request(commits=...)).unknown_fields == ["contributors"]
    assert first("merge_request", merge_request(commits=[{"id": B2}])).unknown_fields == ["contributors"]


@pytest.mark.parametrize(
    ("rule", "more", "expected"),
    [
        ({"which": "all"}, {}, True),
        ({"which": "label", "labels": ["change"]}, {"labels": ["change"]}, True),
        ({"which": "label", "labels": ["change"]}, {"labels": [{"name": "change"}]}, True),
        ({"which": "label", "labels": ["change"]}, {}, False),
        ({"which": "target_branch"}, {}, True),
        ({"which": "target_branch"}, {"target_branch": "next"}, False),
        ({"which": "target_branch", "target_branches": ["release/*"]}, {"target_branch": "release/1"}, True),
        ({"which": "production"}, {}, False),
    ],
)
def test_which_merge_requests_are_changes(rule, more, expected):
    told = read("merge_request", merge_request(merge_request=request(**more)), words(changes=rule))
    assert bool(only("change", told)) == expected
    assert expected or reasons(told) == {"merge request is no change by configuration"}


def test_only_what_reached_production_may_be_a_change():
    production = words(changes={"which": "production"})
    assert only("change", read("merge_request", merge_request(reached_production=True), production))
    assert first("deployment", deployment(), production).change_id == "git:merge_request/9001"
    staging = deployment(environment={"name": "production", "tier": "staging"})
    assert first("deployment", staging, production).change_id is None


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [("pipeline", "passed", B2)]),
        ({"status": "failed"}, [("pipeline", "failed", B2)]),
        ({"status": "warp"}, [("pipeline", None, B2)]),
        ({"test_report_summary": {"total": {"count": 9, "failed": 1}}}, [("test report", "failed", B2)]),
        ({"test_report_summary": {"total": {"count": 9, "failed": 0, "error": 0}}}, [("test report", "passed", B2)]),
        ({"test_report_summary": {"total": {"count": 0}}}, [("pipeline", "passed", B2)]),
        (
            {"ref": "refs/merge-requests/45/merge", "sha": "x", "created_at": "2026-03-03T09:00:01Z"},
            [("pipeline", "passed", B2)],
        ),
        (
            {"ref": "refs/merge-requests/45/merge", "sha": "x", "created_at": "2026-03-02T10:00:00Z"},
            [("pipeline", "passed", B1)],
        ),
        ({"ref": "refs/merge-requests/45/merge", "sha": "x"}, [("pipeline", "passed", None)]),
    ],
)
def test_what_was_tested_and_on_which_revision(more, expected):
    body = merge_request()
    change = first("merge_request", {**body, "pipeline": {**body["pipeline"], **more}})
    assert [(each.name, each.status, each.commit) for each in change.tests] == expected


def test_named_jobs_are_the_tests():
    change = first("merge_request", merge_request(), words(test_jobs=["un*"]))
    assert [(each.name, each.status, each.finished_at) for each in change.tests] == [
        ("unit", "passed", at("2026-03-03T09:30:00Z"))
    ]
    assert first("merge_request", merge_request(), words(test_jobs=["e2e"])).tests == []
    assert first("merge_request", merge_request(pipeline=...)).unknown_fields == ["tests"]


def test_the_pipeline_of_the_merge_commit_is_a_test_of_it():
    change = first("merge_request", merge_request(pipelines=[{"sha": MERGED, "status": "success"}]))
    assert [each.commit for each in change.tests] == [B2, MERGED]


def test_a_project_that_moved_is_known_by_the_name_it_had():
    moved = {**PROJECT, "path_with_namespace": "new/place", "named": "shop/web"}
    assert first("merge_request", merge_request(project=moved)).service_ids == ["register:services/shop"]
    assert first("deployment", deployment(project=moved)).service_ids == ["register:services/shop"]
    assert first("release", release(project=moved)).service_ids == ["register:services/shop"]
    assert only("document", read("document", policy(project=moved)))


def approvals(**more) -> list[tuple]:
    found = only("approval", read("merge_request", merge_request(**more)))
    return [(e.approver, e.decision, e.decided_at, e.subject_revision, e.withdrawn_at) for e in found]


def test_an_approval_binds_to_what_was_pushed_and_a_push_voids_it():
    assert approvals() == [
        ("git:user/2", "approved", at("2026-03-02T12:00:00Z"), B1, at("2026-03-03T09:00:00Z")),
        ("git:user/3", "approved", at("2026-03-04T11:00:00Z"), B2, None),
    ]


def test_approved_without_anybody_is_no_approval():
    told = read("merge_request", merge_request(approvals={"approved": True, "approved_by": []}, approval_events=[]))
    assert not only("approval", told)
    assert not told.records[0].unknown_fields


DAY = "2026-03-05T08:00:00Z"


@pytest.mark.parametrize(
    ("text", "decision", "until"),
    [
        ("unapproved this merge request", "approved", at(DAY)),
        ("reset approvals from @cleo by pushing to the branch", "approved", at(DAY)),
        ("removed all approvals", "approved", at(DAY)),
        ("requested changes", "approved", at(DAY)),
        ("changed the description", "approved", None),
    ],
)
def test_what_ends_an_approval(text, decision, until):
    events = [note(72, CLEO, "2026-03-04T11:00:00Z"), note(73, CLEO, DAY, text)]
    found = approvals(approval_events=events, approvals={"approved_by": [{"user": CLEO}]})
    assert (found[0][1], found[0][4]) == (decision, until)


def test_words_of_a_person_approve_nothing():
    events = [{**note(72, CLEO, "2026-03-04T11:00:00Z"), "system": False}]
    assert approvals(approval_events=events, approvals={"approved_by": []}) == []


def test_a_request_for_changes_is_a_rejection():
    events = [note(72, CLEO, "2026-03-04T11:00:00Z", "requested changes")]
    assert [each[1] for each in approvals(approval_events=events, approvals={"approved_by": []})] == ["rejected"]


def test_a_push_that_leaves_the_difference_as_it_was_voids_nothing():
    pushes = [
        version(B1, "2026-03-02T09:00:01Z", patch_id_sha="p"),
        version(B2, "2026-03-03T09:00:00Z", patch_id_sha="p"),
    ]
    assert approvals(versions=pushes)[0][3:] == (B2, None)
    again = [*pushes, version(B3, "2026-03-04T11:30:00Z", patch_id_sha="q")]
    assert approvals(versions=again)[0][3:] == (B2, at("2026-03-04T11:30:00Z"))


def test_who_is_listed_without_a_note_approved_at_a_time_nobody_tells():
    told = read("merge_request", merge_request(approval_events=..., approvals={"approved_by": [{"user": BEN}]}))
    (approval,) = only("approval", told)
    assert (approval.decided_at, approval.unknown_fields) == (None, ["decided_at", "subject_revision"])
    dated = {"approved_by": [{"user": BEN, "approved_at": "2026-03-04T11:00:00Z"}]}
    assert approvals(approval_events=..., approvals=dated) == [
        ("git:user/2", "approved", at("2026-03-04T11:00:00Z"), B2, None)
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"approvals": ..., "approval_events": ...},
        {"approvals": ..., "approval_events": ..., "refused": {"approvals": "403"}},
        {"versions": ...},
        {"versions": [{"id": 1}]},
    ],
    ids=["not asked", "refused", "no versions", "a version without head"],
)
def test_approvals_that_cannot_be_told_are_unknown_on_the_change(more):
    told = read("merge_request", merge_request(**more))
    assert "approval.*" in told.records[0].unknown_fields
    assert reasons(told)
