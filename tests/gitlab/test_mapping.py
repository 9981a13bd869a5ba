"""What GitLab says becomes what it means, and what it does not say stays unknown."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from hub.records import Link, Pause
from hub_gitlab.mapping_settings import MappingSettings
from hub_gitlab.moment import UnreadableTimeError, instant_of
from hub_gitlab.provision import provisions
from hub_gitlab.reference import KeyFinder
from hub_gitlab.vocabulary import fits
from tests.gitlab.mapping_kit import (
    ANN,
    B1,
    B2,
    B3,
    BEN,
    CLEO,
    MERGED,
    PROJECT,
    at,
    commit,
    deployment,
    first,
    issue,
    label_event,
    merge_request,
    note,
    only,
    policy,
    protection,
    read,
    reasons,
    release,
    request,
    since,
    state_event,
    ticket,
    user,
    version,
    words,
)

# -- changes ----------------------------------------------------------------------------------


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


# -- approvals --------------------------------------------------------------------------------


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


# -- keys of other tools ----------------------------------------------------------------------


def test_keys_in_branch_title_trailers_and_description():
    commits = [commit("ann@example.net", message="Disk\n\nRefs: CHG-9\nChangelog: added")]
    links = first("merge_request", merge_request(commits=commits)).links
    assert [(each.type, each.target) for each in links] == [
        ("closes", "git:issue/70"),
        ("implements", "desk:key/CHG-7"),
        ("implements", "desk:key/CHG-9"),
        ("relates", "desk:key/OPS-3"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("OPS-12", {"OPS-12"}),
        ("(OPS-12), CHG-3: OPS-12", {"OPS-12", "CHG-3"}),
        ("https://jira.example.net/browse/OPS-12", {"OPS-12"}),
        ("ops-12", set()),
        ("note-1 CVE-2026 UTF-8 SHA-256", set()),
        ("XOPS-1 A-OPS-1 OPS-0 OPS-01 OPS-", set()),
        ("OPS-1.2 OPS-1-beta OPS-1x", set()),
        ("OPS-1. OPS-2, done", {"OPS-1", "OPS-2"}),
        ("```\nOPS-1\n```\nOPS-2\n~~~~\n```\nOPS-3\n~~~~", {"OPS-2"}),
        ("修复OPS-12磁盘", {"OPS-12"}),
        ("OPS-" + "9" * 500, set()),
    ],
)
def test_what_is_a_key_in_a_text(text, found):
    assert {key for _, key in KeyFinder({"desk": ["OPS", "CHG"]}).in_text(text)} == found


@pytest.mark.parametrize(
    ("branch", "found"),
    [("ops-12-disk", "OPS-12"), ("feature/OPS-12_disk", "OPS-12"), ("fix-ops-12", "OPS-12"), ("drops-12", None)],
)
def test_what_is_a_key_in_a_branch(branch, found):
    assert {key for _, key in KeyFinder({"desk": ["OPS"]}).in_branch(branch)} == ({found} if found else set())


def test_a_key_of_two_sources_is_refused():
    with pytest.raises(ValidationError, match="the key OPS stands for two sources, a and b"):
        MappingSettings.model_validate({"jira": {"a": ["OPS"], "b": ["OPS"]}})


# -- tickets ----------------------------------------------------------------------------------


def test_an_incident_tells_its_whole_course():
    incident = first("issue", ticket())
    assert (incident.id, incident.key, incident.priority) == ("git:issue/70", "shop/web#7", "P1")
    assert (incident.reported_at, incident.reporter) == (at("2026-03-01T08:00:00Z"), "git:user/3")
    assert incident.pauses == [
        Pause(from_=at("2026-03-01T10:00:00Z"), to=at("2026-03-01T11:00:00Z"), reason="pending_customer")
    ]
    assert (incident.resolved_at, incident.closed_at) == (at("2026-03-01T15:00:00Z"), at("2026-03-01T16:00:00Z"))
    assert since(incident)["priority"] == at("2026-03-01T08:05:00Z")
    told = [each.type for each in incident.events if each.field == "status"]
    assert told == ["accepted", "paused", "resumed", "resolved", "closed"]
    assert incident.unknown_fields == ["customer_updates", "first_response_at", "first_response_ref"]


def test_reopened_is_told():
    states = [
        state_event("closed", "2026-03-01T16:00:00Z"),
        state_event("reopened", "2026-03-02T09:00:00Z"),
        state_event("closed", "2026-03-02T10:00:00Z"),
    ]
    incident = first("issue", ticket(state_events=states))
    assert [each.reopened_at for each in incident.reopens] == []  # "fixed" is still there: it stays resolved
    bare = ticket(state_events=states, label_events=[], issue=issue(labels=[]))
    assert [each.reopened_at for each in first("issue", bare).reopens] == [at("2026-03-02T09:00:00Z")]


@pytest.mark.parametrize("missing", ["state_events", "label_events"])
def test_without_the_history_only_the_present_is_known(missing):
    told = read("issue", ticket(**{missing: ...}))
    incident = told.records[0]
    assert {"events", "pauses", "reopens", "resolved_at"} <= set(incident.unknown_fields)
    assert (incident.status_category, incident.resolved_at) == ("closed", None)
    assert "history of states and labels not read" in reasons(told)


def test_a_service_desk_ticket_is_its_customers():
    body = ticket(
        issue=issue(service_desk_reply_to="Kim@Customer.test", issue_type="issue", author=user(99, "support-bot")),
        notes=[
            {"id": 1, "author": user(99, "support-bot"), "created_at": "2026-03-01T08:30:00Z", "body": "and more"},
            {"id": 2, "author": ANN, "created_at": "2026-03-01T08:40:00Z", "body": "secret", "internal": True},
            {"id": 3, "author": ANN, "created_at": "2026-03-01T09:00:00Z", "body": "we look"},
        ],
    )
    told = read("issue", body)
    (ticketed,) = only("request", told)
    assert (ticketed.reporter, ticketed.channel) == ("git:author/kim@customer.test", "email")
    assert (ticketed.first_response_at, ticketed.first_response_ref) == (at("2026-03-01T09:00:00Z"), "3")
    assert [each.ref for each in ticketed.customer_updates] == ["3"]


@pytest.mark.parametrize(
    ("labels", "reason", "unmapped"),
    [
        (["type::problem"], None, set()),
        ([], "issue type not mapped: issue", {"issue_type:issue"}),
        (["type::problem", "type::bug"], "issue: labels name several kinds", set()),
    ],
)
def test_what_an_issue_becomes(labels, reason, unmapped):
    types = {"label:type::problem": "problem", "label:type::bug": "incident"}
    body = ticket(issue=issue(issue_type="issue", labels=labels), label_events=[])
    told = read("issue", body, words(issue_types=types))
    assert set(told.unmapped) == unmapped
    assert reason in reasons(told) if reason else only("problem", told)


def test_labels_that_contradict_each_other_decide_nothing():
    both = ["P1", "P2", "waiting::customer", "fixed"]
    told = read("issue", ticket(issue=issue(labels=both, state="opened"), label_events=[label_event("x", DAY)]))
    incident = told.records[0]
    assert (incident.priority, incident.status_category) == (None, "other")
    assert {"priority", "pauses", "resolved_at"} <= set(incident.unknown_fields)
    assert {"priority: labels contradict each other", "status: labels contradict each other"} <= reasons(told)


def test_an_item_is_affected_since_its_label_is_there():
    body = ticket(
        issue=issue(labels=["db", "P1", "fixed"]), label_events=[*ticket()["label_events"], label_event("db", DAY)]
    )
    assert first("issue", body).links == [Link(type="affects", target="register:configuration_items/db", at=at(DAY))]


# -- deployments, releases, protection --------------------------------------------------------


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


# -- accounts, times, paths -------------------------------------------------------------------


def test_accounts_keep_their_number_whatever_they_are_called():
    people = {
        each.id: each for each in only("person", read("user", {"user": user(9, "dora", public_email="D@x.test")}))
    }
    assert people["git:user/9"].same_as == ["register:people/dora"]
    assert (people["git:user/9"].key, people["git:user/9"].aliases) == ("9", ["dora"])
    assert people["git:address/d@x.test"].same_as == ["git:user/9"]
    assert people["git:address/d@x.test"].key == "d@x.test"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T10:00:00.123Z", "2026-03-01T10:00:00.123Z"),
        ("2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00Z"),
        ("2026-03-01 10:00:00 UTC", "2026-03-01T10:00:00Z"),
        ("2026-03-01 10:00:00 +0200", "2026-03-01T08:00:00Z"),
        ("2026-03-01T10:00:00.000+0800", "2026-03-01T02:00:00Z"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
        ("2400-02-29T00:00:00Z", "2400-02-29T00:00:00Z"),
    ],
)
def test_times_as_gitlab_writes_them(text, expected):
    assert instant_of(text) == at(expected)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("2026-03-01T10:00:00", "time without zone"),
        ("2026-03-01", "day without time"),
        ("2026-02-30T00:00:00Z", "impossible time"),
        ("yesterday", "impossible time"),
        ("9" * 100, "not a time"),
        (1772355600, "not a time"),
        (None, "not a time"),
    ],
)
def test_times_that_say_no_instant(value, reason):
    with pytest.raises(UnreadableTimeError, match=reason):
        instant_of(value)


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("policies/a.md", "policies/*.md", True),
        ("policies/it/a.md", "policies/*.md", False),
        ("policies/it/a.md", "policies/**/*.md", True),
        ("policies/a.md", "policies/**/*.md", True),
        ("a.md", "**", True),
        ("a/b.txt", "**/*.md", False),
    ],
)
def test_which_paths_fit(path, pattern, expected):
    assert fits(path, pattern) is expected
