"""Documents under control that are kept in Git."""

from __future__ import annotations

import pytest

from hub_gitlab.front_matter import FrontMatterError, split_front_matter
from tests.gitlab.mapping_kit import (
    B2,
    CLEO,
    POLICY,
    approved_request,
    at,
    first,
    note,
    policy,
    read,
    reasons,
    since,
    version,
    words,
)

MERGED_AT = "2026-03-04T12:00:00Z"


def test_a_file_is_an_edition_of_a_document():
    told = read("document", policy())
    found = told.records[0]
    assert found.id == "git:document/501/policies/it/change.md@cccccccccccc"
    assert (found.title, found.doc_type, found.version) == ("Change policy", "change_policy", "1.10")
    assert found.effective_from == at("2026-04-01T00:00:00+02:00")
    assert (found.doc_status, found.review_days) == ("effective", 365)
    assert (found.authorised_by, found.authorised_at) == ("git:user/3", at("2026-03-04T11:00:00Z"))
    assert found.created_at == since(found)["authorised_by"] == since(found)["hash"] == at(MERGED_AT)
    assert found.uri == "https://git.example.net/shop/web/-/blob/main/policies/it/change.md"
    assert [(each.name, each.text) for each in found.sections] == [
        ("change_policy", None),
        ("escalation", "To the boss."),
    ]
    assert not found.unknown_fields


def test_another_path_is_no_document():
    assert reasons(read("document", policy(path="README.md"))) == {"file is no document by configuration"}


@pytest.mark.parametrize(
    ("requests", "by", "unknown"),
    [
        ([approved_request()], "git:user/3", False),
        ([approved_request(state="opened")], None, False),
        ([], None, False),
        (..., None, True),
        ([approved_request(), approved_request(id=9002)], None, True),
        ([approved_request(approvals=None, approval_events=None)], None, True),
        ([approved_request(author=CLEO)], None, False),
        ([approved_request(approval_events=[note(1, CLEO, "2026-03-04T13:00:00Z")], approvals={"approved_by": [{"user": CLEO}]})], None, False),
        ([approved_request(versions=[version(B2, "2026-03-04T11:30:00Z"), version("b1", "2026-03-01T00:00:00Z")])], None, False),
    ],
    ids=[
        "approved by another",
        "not merged",
        "pushed by hand",
        "not asked",
        "brought by two",
        "approvals not read",
        "approved by its author",
        "approved after it was merged",
        "approved before the last push",
    ],
)  # fmt: skip
def test_who_put_it_in_force(requests, by, unknown):
    found = first("document", policy(merge_requests=requests))
    assert found.authorised_by == by
    assert ("authorised_by" in found.unknown_fields) == unknown


def test_what_the_file_says_of_its_authoriser_proves_nothing():
    text = POLICY.replace("review_days", "authorised_by: register:people/dora\nreview_days")
    found = first("document", policy(text=text, merge_requests=[]))
    assert (found.authorised_by, found.custom) == (None, {"authorised_by": "register:people/dora"})


def edition(mark: str, when: str, effective: str | None, version: str, **more):
    text = (
        f"---\ntitle: Change policy\nversion: {version}\n"
        + (f"effective: {effective}\n" if effective else "")
        + "---\n"
    )
    commit = {"id": mark * 40, "committed_date": when, "author_email": "ann@example.net"}
    return policy(commit=commit, text=more.pop("text", text), merge_requests=[], **more)


def test_an_edition_ends_when_the_next_takes_effect():
    now = edition("c", "2026-03-20T10:00:00Z", "2026-04-01", "2")
    before = edition("b", "2026-01-10T10:00:00Z", "2026-01-15", "1")
    second, one = read("document", {**now, "history": [before]}).records[:2]
    assert (one.version, one.doc_status) == ("1", "obsolete")
    assert one.superseded_at == one.withdrawn_at == second.effective_from == at("2026-04-01T00:00:00+02:00")
    assert since(one)["superseded_at"] == at("2026-03-20T10:00:00Z")
    assert (second.doc_status, second.superseded_at) == ("effective", None)


def test_a_draft_supersedes_nothing_and_an_undated_edition_says_not_when():
    before = edition("b", "2026-01-10T10:00:00Z", "2026-01-15", "1")
    drafted = edition("c", "2026-03-20T10:00:00Z", None, "2", text="---\nstatus: draft\n---\n")
    assert read("document", {**drafted, "history": [before]}).records[1].superseded_at is None
    undated = edition("c", "2026-03-20T10:00:00Z", None, "2")
    older = read("document", {**undated, "history": [before]}).records[1]
    assert (older.superseded_at, older.unknown_fields) == (None, ["superseded_at", "withdrawn_at"])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-04-01", "2026-04-01T00:00:00+02:00"),
        ("2026/4/1", "2026-04-01T00:00:00+02:00"),
        ("'20260401'", "2026-04-01T00:00:00+02:00"),
        ("1.4.2026", "2026-04-01T00:00:00+02:00"),
        ("2026年4月1日", "2026-04-01T00:00:00+02:00"),
        ("2026-04-01T08:00:00Z", "2026-04-01T08:00:00Z"),
        ("01/04/2026", None),
        ("2026-04-01T08:00:00", None),
        ("2026-02-30", None),
        ("soon", None),
        ("[2026-04-01]", None),
    ],
)
def test_days_as_people_write_them(written, expected):
    told = read("document", policy(text=POLICY.replace("2026-04-01", written)))
    found = told.records[0]
    assert found.effective_from == (expected and at(expected))
    assert ("effective_from" in found.unknown_fields) == (expected is None)
    assert any(each.startswith("effective_from: ") for each in reasons(told)) == (expected is None)


def test_any_field_of_the_record_may_stand_at_the_head():
    head = """---
type: policy
owner: "@dora"
legibility: {by: ben@example.net, at: 2026-03-05}
points_of_use:
  - {site: Berlin, available_at: 2026-03-05}
distribution: all staff
services: [register:services/shop]
next_review: 2026-04-30
last_reviewed: 2026-03-31
sections: {purpose: To say why}
colour: red
---
"""
    told = read("document", policy(text=head))
    found = told.records[0]
    assert (found.doc_type, found.owner) == ("policy", "register:people/dora")
    assert found.legibility.by == "git:author/ben@example.net"
    assert [each.site for each in found.points_of_use] == ["Berlin"]
    assert (found.distribution, found.service_ids) == (["all staff"], ["register:services/shop"])
    assert (found.review_days, found.custom) == (30, {"colour": "red"})
    assert [each.name for each in found.sections] == ["purpose"]
    assert not told.skipped


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("review_days: often", "review_days: value does not fit"),
        ("owner: somebody", "owner: nobody is known by that name"),
        ("services: shop", "service_ids: not the id of a record"),
        ("legibility: yes", "legibility: value does not fit"),
        ("legibility: {who: ben@example.net}", "legibility: a field is not known"),
        ("points_of_use: [{available_at: 2026-01-01}]", "points_of_use: a field is missing"),
        ("status: shiny", "doc_status: value does not fit"),
        ("next_review: later", "next_review: impossible time"),
    ],
)
def test_what_does_not_fit_is_counted_and_unknown(line, reason):
    told = read("document", policy(text=f"---\n{line}\n---\n"))
    assert reason in reasons(told)
    assert told.records[0].unknown_fields


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("---\ntitle: x\n", "front matter without an end"),
        ("---\n- a\n---\n", "front matter is not a list of fields"),
        ("---\na: [\n---\n", "front matter is not YAML"),
        ("---\na: &b [1]\nc: *b\n---\n", "front matter with aliases"),
        ("---\na: \x00\n---\n", "front matter is not YAML"),
    ],
)
def test_a_head_that_cannot_be_read(text, fault):
    with pytest.raises(FrontMatterError, match=fault):
        split_front_matter(text)
    told = read("document", policy(text=text))
    assert fault in reasons(told)
    assert {"effective_from", "version"} <= set(told.records[0].unknown_fields)


def test_without_a_head_the_commit_is_the_version_and_nothing_says_since_when_it_holds():
    found = first("document", policy(text="# Policy\ntext"))
    assert (found.version, found.effective_from, found.doc_status) == ("c" * 12, None, None)
    assert found.title == "policies/it/change.md"


def test_a_plan_is_a_plan():
    rule = {"project": "501", "paths": ["**"], "kind": "plan", "doc_type": "continuity"}
    text = POLICY.replace("title:", "objectives: [up]\nmilestones: [{name: drill, due_at: 2026-06-01}]\ntitle:")
    found = first("document", policy(text=text), words(documents=[rule]))
    assert (found.plan_type, found.version, [each.name for each in found.milestones]) == (
        "continuity",
        "1.10",
        ["drill"],
    )
