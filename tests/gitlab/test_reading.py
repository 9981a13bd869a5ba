"""What is read, in which order, with how many requests, and where the next reading goes on."""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import date

import pytest

from hub.clock import FixedClock
from hub.errors import AuthenticationFailed, ProtocolFault, Retriable, ScopeUnreadable, SourceError
from tests.gitlab.server import DAY, DESK, MINUTE, NOW, SECRET, SHOP, Desk, bring, content
from tests.jira.kit import Fault


def part_of(source, stream: str, scope: int = SHOP):
    return next(each for each in source.slices() if (each.stream, each.scope) == (stream, str(scope)))


def read(source, stream: str, cursor=None, scope: int = SHOP):
    """Read a stream to its end; gives bodies by native id and the last cursor."""
    pages = list(source.fetch(part_of(source, stream, scope), cursor))
    bodies = {each.native_id: json.loads(each.body) for page in pages for each in page.documents}
    return bodies, json.loads(json.dumps(pages[-1].cursor)), pages


def test_every_stream_of_every_project_is_a_slice_named_by_id(desk, source):
    slices = source(desk).slices()
    assert {each.scope for each in slices} == {"501", "502"}
    assert Counter(each.stream for each in slices) == dict.fromkeys(
        ["issue", "merge_request", "deployment", "environment", "release", "protection", "document"], 2
    )
    assert all(each.sealed and each.unreadable is None for each in slices)


def test_projects_of_a_group_and_one_named_twice_are_read_once(desk, source):
    slices = source(desk, projects=["501"], groups=["example"], streams=["issue"]).slices()
    assert sorted(each.scope for each in slices) == ["501", "502"]


@pytest.mark.parametrize("place", ["/groups/example", "/groups/example/projects"])
@pytest.mark.parametrize(
    ("answer", "closed"),
    [
        (Fault(403, {"message": "403 Forbidden"}), True),
        (Fault(404, {"message": "404 Group Not Found"}), True),
        (Fault(502, raw=b"<html>"), False),
        (Fault(200, raw=b"<html>"), False),
        (Fault(200, {"odd": 1}), False),
    ],
    ids=["403", "404", "502", "no data", "another shape"],
)
def test_a_group_that_cannot_be_listed_stops_no_other_project(desk, source, place, answer, closed):
    desk.spoil = lambda request: answer if request.path.endswith(place) else None
    made = source(desk, projects=[str(DESK)], groups=["example"], streams=["issue"])
    slices = {each.scope: each for each in made.slices()}
    assert slices.keys() == {"502", "group example"}
    assert (slices["group example"].unreadable is not None) == closed
    assert len(list(made.fetch(slices["502"], None))) == 1
    if not closed:
        with pytest.raises(SourceError):
            list(made.fetch(slices["group example"], None))


def test_a_project_that_moved_is_followed_and_keeps_its_scope(desk, source):
    before = {each.scope for each in source(desk).slices()}
    desk.content.move(SHOP, "example/new/web-shop")
    made = source(desk)
    assert {each.scope for each in made.slices()} == before
    (body, *_) = read(made, "merge_request")[0].values()
    assert body["project"]["path_with_namespace"] == "example/new/web-shop"
    assert body["project"]["named"] == "example/shop/web-shop"
    assert read(made, "document")[0].keys() == {"501/policies/release.md"}


def test_a_merge_request_comes_with_all_its_parts(desk, source):
    bodies, _, pages = read(source(desk), "merge_request")
    body = bodies[str(desk.content.find(SHOP, 1).id)]
    assert body.keys() == {
        *("project", "merge_request", "approvals", "approval_events", "versions", "commits", "pipeline"),
        *("closes", "state_events", "label_events"),
    }
    assert body["merge_request"]["head_pipeline"]["id"] == body["pipeline"]["id"]
    assert body["pipeline"]["jobs"]
    assert body["pipeline"]["test_report_summary"]["total"]
    assert [each["user"]["username"] for each in body["approvals"]["approved_by"]]
    assert [each["body"] for each in body["approval_events"]] == ["approved this merge request"]
    assert not any(page.gaps for page in pages)


def test_what_merging_made_is_tested_too(desk, source):
    """Its pipeline tests what is deployed; that of the branch only what was reviewed."""
    request = desk.content.open(SHOP, "alice", NOW - 3 * DAY, title="T", branch="t")
    desk.content.push(request, "alice", NOW - 3 * DAY)
    desk.content.merge(request, "carla", NOW - 5 * MINUTE, fast_forward=False)
    bodies, cursor, _ = read(source(desk), "merge_request")
    (after,) = bodies[str(request.id)]["pipelines"]
    assert (after["sha"], after["status"], cursor["waiting"]) == (request.merge_commit, "running", [request.iid])
    desk.api.clock_ms = NOW + DAY
    made = source(desk, clock=FixedClock(NOW + DAY))
    bodies, cursor, _ = read(made, "merge_request", cursor)
    (after,) = bodies[str(request.id)]["pipelines"]
    assert after["jobs"]
    assert after["test_report_summary"]["total"]
    assert after["finished_at"]
    desk.spoil = lambda asked: Fault(403, {"message": "403"}) if asked.path.endswith("/pipelines") else None
    bodies, _, _ = read(source(desk), "merge_request")
    assert bodies[str(request.id)]["refused"] == {"pipelines": "403"}


def test_what_is_not_asked_for_is_absent(desk, source):
    made = source(desk, parts=["approvals"])
    bodies, _, _ = read(made, "merge_request")
    assert {frozenset(each) for each in bodies.values()} == {frozenset({"project", "merge_request", "approvals"})}


def test_a_deployment_carries_environment_changes_and_whether_its_branch_is_protected(desk, source):
    body = next(iter(read(source(desk), "deployment")[0].values()))
    assert body["environment"]["tier"] == "production"
    assert [each["title"] for each in body["merge_requests"]] == ["CHG-0: Replace part 0"]
    assert body["ref_protected"] is True


def test_a_document_comes_with_its_editions(desk, source):
    body = read(source(desk), "document")[0]["501/policies/release.md"]
    assert body["text"].startswith("---\ntitle: Release policy")
    assert (body["ref"], body["history"], body["commit"]["id"][:4] != "") == ("main", [], True)


def test_a_file_is_read_again_when_its_content_is_another(desk, source):
    _, cursor, _ = read(source(desk), "document")
    before = len(desk.asked)
    again, cursor, _ = read(source(desk), "document", cursor)
    assert again == {}
    assert not any("/files/" in each.path for each in desk.asked[before:])
    assert read(source(desk), "document", {"seen": {"policies/release.md": "other"}})[0].keys() == {
        "501/policies/release.md"
    }


def test_only_what_is_paid_for_is_asked(desk, source):
    made = source(desk, tier="free")
    (body,) = read(made, "protection")[0].values()
    assert body.keys() == {"project", "protected_branches", "protected_tags"}
    read(made, "deployment")
    assert not [
        each for each in desk.paths() if each.endswith(("approval_rules", "/approvals", "protected_environments"))
    ]
    (body,) = read(source(desk), "protection")[0].values()
    assert {"approval_rules", "approval_settings"} <= body.keys()


def test_the_day_reading_begins(desk, source):
    bodies, _, _ = read(source(desk, since=date(2026, 9, 30)), "merge_request")
    assert bodies == {}
    assert len(read(source(desk, since=date(2026, 1, 1)), "merge_request")[0]) == 5


# -- going on ------------------------------------------------------------------------------------


def test_nothing_changed_costs_one_request_a_list_and_no_part(desk, source):
    made = source(desk)
    cursors = {stream: read(made, stream)[1] for stream in ("merge_request", "issue", "deployment")}
    for stream, cursor in cursors.items():
        part = part_of(made, stream)
        before = len(desk.asked)
        pages = list(made.fetch(part, cursor))
        assert sum(len(page.documents) for page in pages) == 0
        assert len(desk.asked) - before == sum(page.requests for page in pages) == 1, stream
        assert pages[-1].cursor == cursor


@pytest.mark.parametrize("size", [2, 3, 100])
def test_many_changed_in_one_instant_are_all_read(desk, source, size):
    for n in range(7):
        request = desk.content.open(SHOP, "alice", NOW - MINUTE, title=f"T{n}", branch=f"t{n}")
        desk.content.push(request, "alice", NOW - MINUTE)
    bodies, _, pages = read(source(desk, page_size=size, parts=[]), "merge_request")
    assert len(bodies) == 12
    assert max(len(page.documents) for page in pages) <= size


def test_a_change_while_pages_are_read_leaves_no_gap(desk, source):
    """The first merge request moves to the end: with offsets the one behind it would have been skipped."""
    made = source(desk, page_size=2, parts=[])
    pages = made.fetch(part_of(made, "merge_request"), None)
    found = [each.native_id for each in next(pages).documents]
    desk.content.approve(desk.content.find(SHOP, 1), "ruth", NOW - MINUTE)
    found += [each.native_id for page in pages for each in page.documents]
    assert len(set(found)) == 5
    assert found.count(str(desk.content.find(SHOP, 1).id)) == 2


def test_the_mark_never_passes_the_present(desk, source):
    request = desk.content.open(SHOP, "alice", NOW - MINUTE, title="T", branch="t")
    desk.content.push(request, "alice", NOW - MINUTE)
    desk.api.clock_ms = NOW + DAY
    request.closed_at = NOW + DAY
    made = source(desk, parts=[])
    _, cursor, _ = read(made, "merge_request")
    assert cursor["after"] == NOW
    desk.content.open(SHOP, "alice", NOW + MINUTE, title="Later", branch="l")
    assert len(read(source(desk, parts=[], clock=FixedClock(NOW + DAY)), "merge_request", cursor)[0]) == 1


def test_a_pipeline_that_had_not_ended_is_asked_after_again(desk, source):
    request = desk.content.open(SHOP, "alice", NOW - 3 * DAY, title="T", branch="t")
    desk.content.push(request, "alice", NOW - MINUTE)
    desk.content.push(desk.content.find(SHOP, 1), "alice", NOW - 60 * MINUTE)  # long ended, nothing waits for it
    request.closed_at = NOW - MINUTE + 1
    _, cursor, _ = read(source(desk), "merge_request")
    assert cursor["waiting"] == [request.iid]
    desk.api.clock_ms = NOW + DAY
    bodies, cursor, _ = read(source(desk, clock=FixedClock(NOW + DAY)), "merge_request", cursor)
    assert bodies[str(request.id)]["pipeline"]["status"] == "success"
    assert "waiting" not in cursor


def test_a_list_that_is_not_what_was_asked_for_is_never_believed(desk, source):
    made = source(desk, parts=[], once=True)
    part = part_of(made, "merge_request")

    def backwards(body: bytes):
        return Fault(200, json.loads(body)[::-1])

    desk.spoil = lambda request: backwards if request.path.endswith("/merge_requests") else None
    with pytest.raises(ProtocolFault, match="order that was asked for"):
        list(made.fetch(part, None))
    listed = {"id": 1, "iid": 1, "updated_at": "2020-01-01T00:00:00Z"}
    desk.spoil = lambda request: Fault(200, [listed]) if request.path.endswith("/merge_requests") else None
    with pytest.raises(ProtocolFault, match="before the time that was asked for"):
        list(made.fetch(part, {"after": NOW}))
    same = {"id": 1, "iid": 1, "updated_at": "2026-10-01T05:00:00Z"}
    forever = Fault(200, [same], X_Next_Page="2")
    desk.spoil = lambda request: forever if request.path.endswith("/merge_requests") else None
    with pytest.raises(ProtocolFault, match="never end"):
        list(made.fetch(part, None))


def test_what_came_to_production_is_read_again_though_nobody_changed_it(source):
    held = content(3)
    request = held.open(SHOP, "alice", NOW - 5 * DAY, title="CHG-9: Wait", branch="chg-9")
    held.push(request, "alice", NOW - 5 * DAY + MINUTE)
    held.merge(request, "carla", NOW - 4 * DAY)
    desk = Desk(held)
    in_production = {1, 2, 3}

    def spoil(request):
        if request.first("environment") is None:
            return None
        return lambda body: Fault(200, [one for one in json.loads(body) if one["iid"] in in_production])

    desk.spoil = spoil
    try:
        made = source(desk, parts=["versions"], mapping={"changes": {"which": "production"}})
        bodies, cursor, _ = read(made, "merge_request")
        reached = {each["merge_request"]["iid"]: each["reached_production"] for each in bodies.values()}
        assert reached == {1: True, 2: True, 3: True, 4: False}
        assert read(made, "merge_request", cursor)[0] == {}
        in_production.add(4)
        bodies, cursor, _ = read(made, "merge_request", cursor)
        assert [each["reached_production"] for each in bodies.values()] == [True]
        assert read(made, "merge_request", cursor)[0] == {}
    finally:
        desk.stop()


# -- cost ----------------------------------------------------------------------------------------


def test_one_per_cent_changed_costs_at_most_three_per_cent_of_all(source):
    held = content(0)
    for n in range(400):
        bring(held, SHOP, n, NOW - 300 * DAY + n * 3600_000)
    desk = Desk(held)
    try:
        made = source(desk, streams=["merge_request"], timeout_s=30)
        (part,) = [each for each in made.slices() if each.scope == str(SHOP)]
        cost = []
        cursor = None
        for _ in range(2):
            before = len(desk.asked)
            pages = list(made.fetch(part, cursor))
            cursor = json.loads(json.dumps(pages[-1].cursor))
            cost.append(len(desk.asked) - before)
            assert sum(page.requests for page in pages) == cost[-1]
            for n in range(4):
                held.approve(held.find(SHOP, 10 + n), "ruth", NOW - DAY + n)
        whole, changed = cost
        assert (whole, changed) == (400 * 10 + 5, 4 * 10 + 1)
        assert changed <= 0.03 * whole
    finally:
        desk.stop()


def test_parts_are_asked_for_some_at_a_time_and_never_more(desk, source):
    desk.delay_s = 0
    inside, most, lock = [0], [0], threading.Lock()
    healthy = desk.answer

    def watched(*told):
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        threading.Event().wait(0.01)
        try:
            healthy(*told)
        finally:
            with lock:
                inside[0] -= 1

    desk.answer = watched
    read(source(desk, at_once=3, timeout_s=30), "merge_request")
    assert most[0] == 3


# -- what is not shown ---------------------------------------------------------------------------


def test_a_part_that_is_refused_is_named_and_left_out(desk, source):
    desk.api.access.closed.add((SHOP, "versions"))
    bodies, _, pages = read(source(desk), "merge_request")
    assert all(each["refused"] == {"versions": "403"} and "versions" not in each for each in bodies.values())
    assert not any(page.gaps for page in pages)


def test_approvals_that_are_refused_are_a_gap(desk, source):
    desk.api.access.closed.add((SHOP, "approvals"))
    bodies, _, pages = read(source(desk), "merge_request")
    assert all("approvals" not in each for each in bodies.values())
    assert len([gap for page in pages for gap in page.gaps]) == 5
    assert "403" in pages[0].gaps[0]


def test_a_merge_request_gone_meanwhile_is_a_gap_and_the_others_come(desk, source):
    desk.spoil = lambda request: (
        Fault(404, {"message": "404 Not found"}) if request.path.endswith("/merge_requests/2") else None
    )
    bodies, _, pages = read(source(desk), "merge_request")
    assert len(bodies) == 4
    assert [gap for page in pages for gap in page.gaps] == ["merge request !2: listed, and gone when it was asked for"]


@pytest.mark.parametrize(
    ("stream", "word"),
    [
        ("merge_request", "versions"),
        ("issue", "resource_state_events"),
        ("deployment", "environments"),
        ("release", "tags"),
    ],
)
def test_what_was_refused_is_read_once_the_role_is_given(desk, source, stream, word):
    whole = read(source(desk), stream)[0]
    desk.api.access.closed.add((SHOP, word))
    less, cursor, pages = read(source(desk), stream)
    assert all(each["refused"] for each in less.values())
    assert not any(page.gaps for page in pages)
    before = len(desk.asked)
    _, cursor, _ = read(source(desk), stream, cursor)
    assert len(desk.asked) - before < 25
    desk.api.access.closed.clear()
    bodies, cursor, _ = read(source(desk), stream, cursor)
    assert bodies == whole
    if stream != "release":  # a young one is read again for its milestones
        assert read(source(desk), stream, cursor)[0] == {}


def test_a_project_deleted_while_it_is_read_is_closed_and_never_empty(desk, source):
    made = source(desk)
    part = part_of(made, "merge_request")

    def spoil(request):
        if request.path.endswith("/merge_requests/1"):
            desk.api.access.hidden.add(SHOP)
            return Fault(404, {"message": "404 Not found"})
        return None

    desk.spoil = spoil
    with pytest.raises(ScopeUnreadable, match="404"):
        list(made.fetch(part, None))


def test_members_only_is_told_and_not_taken_for_nothing(desk, source):
    def private(body: bytes):
        permissions = {"project_access": None, "group_access": None}
        return Fault(200, {**json.loads(body), "issues_access_level": "private", "permissions": permissions})

    desk.spoil = lambda request: private if request.path.endswith(("web-shop", f"/{DESK}")) else None
    slices = source(desk).slices()
    assert {each.unreadable is None for each in slices if each.stream == "issue"} == {False}
    assert {each.unreadable is None for each in slices if each.stream != "issue"} == {True}


def test_a_feature_that_is_switched_off_is_no_slice(desk, source):
    off = lambda body: Fault(200, {**json.loads(body), "releases_access_level": "disabled"})  # noqa: E731
    desk.spoil = lambda request: off if request.path.endswith("web-shop") else None
    streams = {(each.stream, each.scope) for each in source(desk).slices()}
    assert ("release", "501") not in streams
    assert ("release", "502") in streams


@pytest.mark.parametrize(("level", "deletes"), [(10, False), (15, True), (40, True)])
def test_a_role_that_hides_things_does_not_tell_what_was_deleted(desk, source, level, deletes):
    def role(body: bytes):
        permissions = {"project_access": {"access_level": level, "notification_level": 3}, "group_access": None}
        return Fault(200, {**json.loads(body), "permissions": permissions})

    desk.spoil = lambda request: role if request.path.endswith(("web-shop", f"/{DESK}")) else None
    made = source(desk)
    (census,) = made.census(part_of(made, "issue"))
    assert (census.deletes, bool(census.doubt)) == (deletes, not deletes)
    assert census.native_ids == [str(desk.content.projects[SHOP].tasks[0].id)]


# -- limits and credentials ----------------------------------------------------------------------


def test_the_limit_that_is_used_up_is_waited_for(desk, source):
    made = source(desk, once=True)
    reset = str(NOW // 1000 + 30)
    desk.spoil = lambda _request: lambda body: Fault(200, raw=body, RateLimit_Remaining="0", RateLimit_Reset=reset)
    made._client.whoami()
    with pytest.raises(Retriable, match="rate limit") as caught:
        made._client.whoami()
    assert 29 < caught.value.retry_after_s <= 30
    assert len(desk.asked) == 1
    made._client._limit["until_s"] = 0.0
    made._client.whoami()


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [({"Retry_After": "7"}, 7), ({"RateLimit_Reset": str(NOW // 1000 + 12)}, 12), ({}, None)],
)
def test_how_long_to_wait_is_read_from_the_answer(desk, source, headers, wait_s):
    desk.spoil = lambda _request: Fault(429, raw=b"Retry later\n", **headers)
    with pytest.raises(Retriable) as caught:
        source(desk, once=True).slices()
    assert caught.value.retry_after_s == wait_s


def test_the_token_is_a_bearer_that_another_host_never_sees(desk, source):
    other = Desk(content(0))
    try:
        place = f"{other.url.replace('127.0.0.1', 'localhost')}/api/v4/user"
        desk.spoil = lambda request: Fault(302, raw=b"", Location=place) if request.path.endswith("/user") else None
        with pytest.raises(AuthenticationFailed):
            source(desk).slices()
        assert [each.auth for each in desk.asked] == [f"Bearer {SECRET}"]
        assert [each.auth for each in other.asked] == [None]
    finally:
        other.stop()


def test_where_pages_lead_is_read_from_the_query_only(desk, source):
    """A server behind a proxy names itself by another host in its links; nothing is ever asked of that one."""

    def elsewhere(body: bytes):
        return Fault(
            200, raw=body, Link='<http://10.0.0.1/api/v4/projects/9/environments?page=2&per_page=100>; rel="next"'
        )

    made = source(desk)
    part = part_of(made, "environment")
    asked = []

    def spoil(request):
        if request.path.endswith("/environments"):
            asked.append(request.first("page"))
            return elsewhere if len(asked) == 1 else None
        return None

    desk.spoil = spoil
    assert list(made.fetch(part, None))
    assert asked == [None, "2"]


@pytest.mark.parametrize("status", [201, 300, 302, 305, 399, 402, 422, 499, 500, 599, 777])
def test_a_list_that_came_under_another_status_than_a_good_one_is_no_empty_list(desk, source, status):
    made = source(desk, once=True, timeout_s=30)
    part = part_of(made, "issue")
    desk.spoil = lambda request: Fault(status, []) if request.path.endswith("/issues") else None
    if status < 300:
        assert not [document for page in made.fetch(part, None) for document in page.documents]
    else:
        with pytest.raises(Retriable if status >= 500 else ProtocolFault, match=str(status)):
            list(made.fetch(part, None))
