"""The simulated GitLab: state at an instant, pages, tiers, and what goes wrong on demand."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
import requests

from hub.clock import parse_instant
from hub_sandbox.configuration import GITLAB_TOKEN
from hub_sandbox.gitlab_server import GitlabServer
from hub_sandbox.gitlab_story import HANDBOOK, PAYROLL, WEB_SHOP
from hub_sandbox.organisation import Organisation

NOW = parse_instant("2026-11-03T08:00:00Z")
MINUTE = 60_000


class Caller:
    """A server and a session that reads it."""

    def __init__(self, server: GitlabServer, session: requests.Session) -> None:
        self.server = server
        self.content = server.content
        self._session = session

    def ask(self, path: str, /, **query: object) -> requests.Response:
        return self._session.get(
            f"{self.server.url}/api/v4/{path}", params=query or None, timeout=10, allow_redirects=False
        )

    def get(self, path: str, /, **query: object):
        answer = self.ask(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def gitlab(small: Organisation) -> Iterator[Caller]:
    with GitlabServer(small.shipping.content, clock_ms=NOW) as server, requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {GITLAB_TOKEN}"
        yield Caller(server, session)


def test_a_merge_request_goes_its_way(gitlab: Caller):
    request = gitlab.content.open(WEB_SHOP, "karl", NOW - 60 * MINUTE, title="CHG-7: Try", branch="chg-7-try")
    gitlab.content.push(request, "karl", NOW - 61 * MINUTE)
    place = f"projects/{WEB_SHOP}/merge_requests/{request.iid}"
    first = gitlab.get(place)
    assert (first["state"], first["pipeline"]["status"]) == ("opened", "success")
    assert gitlab.get(f"{place}/approvals")["approved"] is False
    gitlab.content.approve(request, "dora", NOW - 30 * MINUTE)
    assert [each["user"]["name"] for each in gitlab.get(f"{place}/approvals")["approved_by"]] == ["Dora Dietz"]
    head = gitlab.content.push(request, "karl", NOW - 20 * MINUTE, passed=False)
    after = gitlab.get(place)
    assert (after["sha"], after["pipeline"]["status"]) == (head.sha, "failed")
    assert gitlab.get(f"{place}/approvals")["approved"] is True, "a push does not take approvals back here"
    assert [each["head_commit_sha"] for each in gitlab.get(f"{place}/versions")] == [head.sha, first["sha"]]
    gitlab.content.merge(request, "karl", NOW - 10 * MINUTE)
    made = gitlab.content.deploy(WEB_SHOP, head.sha, "karl", NOW - 5 * MINUTE, until=NOW + MINUTE)
    assert gitlab.get(place)["state"] == "merged"
    deployed = gitlab.get(f"projects/{WEB_SHOP}/deployments/{made.id}")
    assert (deployed["status"], deployed["sha"]) == ("running", head.sha)
    brought = gitlab.get(f"projects/{WEB_SHOP}/deployments/{made.id}/merge_requests")
    assert [each["id"] for each in brought] == [request.id]
    said = [(each["body"].split("\n")[0], each["system"]) for each in gitlab.get(f"{place}/notes", sort="asc")]
    assert said == [("approved this merge request", True), ("added 1 commit", True), ("merged", True)]
    gitlab.server.set_clock(NOW - 25 * MINUTE)
    assert gitlab.get(place)["sha"] == first["sha"]
    assert gitlab.ask(f"projects/{WEB_SHOP}/deployments/{made.id}").status_code == 404


def test_an_approval_taken_back_stands_no_longer(gitlab: Caller):
    request = gitlab.content.find(WEB_SHOP, 1)
    place = f"projects/{WEB_SHOP}/merge_requests/1"
    before = [each["user"]["username"] for each in gitlab.get(f"{place}/approvals")["approved_by"]]
    gitlab.content.approve(request, "dora", NOW - MINUTE, approved=False)
    after = [each["user"]["username"] for each in gitlab.get(f"{place}/approvals")["approved_by"]]
    assert set(before) - set(after) == {"dora.dietz"}
    assert gitlab.get(f"{place}/notes")[0]["body"] == "unapproved this merge request"


def test_pages_by_offset_tell_of_the_rest(gitlab: Caller):
    everything = gitlab.get(f"projects/{WEB_SHOP}/merge_requests", per_page=100, order_by="updated_at", sort="asc")
    assert len(everything) > 10
    assert [each["updated_at"] for each in everything] == sorted(each["updated_at"] for each in everything)
    answer = gitlab.ask(f"projects/{WEB_SHOP}/merge_requests", per_page=4, order_by="updated_at", sort="asc", page=2)
    assert [each["id"] for each in answer.json()] == [each["id"] for each in everything[4:8]]
    names = ("X-Page", "X-Per-Page", "X-Next-Page", "X-Prev-Page", "X-Total")
    assert [answer.headers[name] for name in names] == ["2", "4", "3", "1", str(len(everything))]
    assert "RateLimit-Remaining" in answer.headers
    following = requests.utils.parse_header_links(answer.headers["Link"])[0]
    assert (following["rel"], "page=3" in following["url"], "order_by=updated_at" in following["url"]) == (
        "next",
        True,
        True,
    )
    since = everything[5]["updated_at"]
    rest = gitlab.get(
        f"projects/{WEB_SHOP}/merge_requests", updated_after=since, order_by="updated_at", sort="asc", per_page=100
    )
    assert [each["id"] for each in rest] == [each["id"] for each in everything[5:]], "the instant itself belongs to it"


def test_lists_are_narrowed(gitlab: Caller):
    place = f"projects/{WEB_SHOP}"
    everything = gitlab.get(f"{place}/merge_requests", per_page=100)
    of_may = gitlab.get(f"{place}/merge_requests", per_page=100, milestone="2026.05", state="merged", scope="all")
    assert [each["id"] for each in of_may] == [
        each["id"] for each in everything if (each["milestone"] or {}).get("title") == "2026.05"
    ]
    assert 0 < len(of_may) < len(everything)
    label = "change::normal"
    assert {label in each["labels"] for each in gitlab.get(f"{place}/merge_requests", labels=label)} == {True}
    assert gitlab.get(f"{place}/merge_requests", state="opened") == []
    assert gitlab.get(f"{place}/deployments", status="failed") == []
    assert gitlab.get(f"{place}/deployments", environment="staging") == []


def test_pages_by_cursor_where_gitlab_has_them(gitlab: Caller):
    answer = gitlab.ask(f"projects/{WEB_SHOP}/issues", pagination="keyset", per_page=10, order_by="created_at")
    found = answer.json()
    assert "X-Total" not in answer.headers
    while "next" in answer.links:
        answer = gitlab.ask(answer.links["next"]["url"].partition("/api/v4/")[2])
        found += answer.json()
    assert len({each["id"] for each in found}) == len(found) == 24
    refused = gitlab.ask(f"projects/{WEB_SHOP}/merge_requests", pagination="keyset")
    assert (refused.status_code, "Keyset pagination" in refused.text) == (405, True)


@pytest.mark.parametrize(
    ("path", "query", "said"),
    [
        ("merge_requests", "updated_after=2026-06-01T00:00:00+02:00", "updated_after is invalid"),
        ("merge_requests", "updated_after=yesterday", "updated_after is invalid"),
        ("merge_requests", "order_by=colour", "order_by does not have a valid value"),
        ("merge_requests", "page=0", "page is invalid"),
        ("merge_requests", "page=600&per_page=100", "maximum allowed offset of 50000"),
        ("deployments", "updated_after=2026-06-01T00:00:00Z", "sorting must be paired"),
        ("merge_requests", "update_after=2026-06-01T00:00:00Z", "does not know update_after"),
    ],
)
def test_queries_that_are_refused(gitlab: Caller, path: str, query: str, said: str):
    answer = gitlab.ask(f"projects/{WEB_SHOP}/{path}?{query}")
    assert (answer.status_code, said in answer.json()["error"]) == (400, True)


def test_a_project_that_moved_redirects(gitlab: Caller):
    assert gitlab.get("projects/example%2Fweb-shop")["id"] == WEB_SHOP
    gitlab.content.move(WEB_SHOP, "trade/shop")
    moved = gitlab.ask("projects/example%2Fweb-shop/merge_requests", state="merged")
    assert (moved.status_code, moved.headers["Location"]) == (
        301,
        f"{gitlab.server.url}/api/v4/projects/{WEB_SHOP}/merge_requests?state=merged",
    )
    assert gitlab.get(f"projects/{WEB_SHOP}")["path_with_namespace"] == "trade/shop"
    assert [each["id"] for each in gitlab.get("groups/trade/projects", order_by="id")] == [WEB_SHOP]
    assert gitlab.ask("groups/example/projects").status_code == 404


def test_what_a_tier_does_not_have_is_not_there(gitlab: Caller):
    for path in ("approval_rules", "protected_environments", "approvals"):
        assert gitlab.ask(f"projects/{WEB_SHOP}/{path}").status_code == 200
        assert gitlab.ask(f"projects/{PAYROLL}/{path}").status_code == 404
    free = gitlab.get(f"projects/{PAYROLL}/merge_requests/1/approvals")
    assert set(free) == {"user_has_approved", "user_can_approve", "approved", "approved_by"}
    assert "approvals" in gitlab.get(f"projects/{WEB_SHOP}/deployments")[0]
    assert "approvals" not in gitlab.get(f"projects/{PAYROLL}/deployments")[0]


def test_documents_have_a_history(gitlab: Caller):
    tree = gitlab.get(f"projects/{HANDBOOK}/repository/tree", recursive="true", ref="main")
    paths = [each["path"] for each in tree if each["type"] == "blob"]
    assert len(paths) == 3
    path = next(each for each in paths if each.startswith("policies/release"))
    quoted = path.replace("/", "%2F")
    now = gitlab.get(f"projects/{HANDBOOK}/repository/files/{quoted}", ref="main")
    assert "version: '1.1'" in base64.b64decode(now["content"]).decode()
    commits = gitlab.get(f"projects/{HANDBOOK}/repository/commits", path=path, ref_name="main")
    assert (len(commits), commits[0]["id"]) == (2, now["last_commit_id"])
    raw = gitlab.ask(f"projects/{HANDBOOK}/repository/files/{quoted}/raw", ref=commits[1]["id"])
    assert "version: '1.0'" in raw.text
    assert gitlab.ask(f"projects/{HANDBOOK}/repository/blobs/{now['blob_id']}/raw").text != raw.text
    came = gitlab.get(f"projects/{HANDBOOK}/repository/commits/{commits[0]['id']}/merge_requests")
    assert [each["title"] for each in came] == ["Release policy 1.1"]


def test_what_a_token_may_not(gitlab: Caller):
    access = gitlab.server.access
    access.closed.add((WEB_SHOP, "deployments"))
    assert gitlab.ask(f"projects/{WEB_SHOP}/deployments").status_code == 403
    assert gitlab.ask(f"projects/{WEB_SHOP}/merge_requests").status_code == 200
    access.hidden.add(PAYROLL)
    assert gitlab.ask(f"projects/{PAYROLL}").status_code == 404
    access.scopes = ("read_user",)
    told = gitlab.get("personal_access_tokens/self")
    assert (told["scopes"], told["expires_at"]) == (["read_user"], "2027-11-03")
    assert gitlab.ask("projects/501").json()["error"] == "insufficient_scope"
    access.expired = True
    assert (gitlab.ask("user").status_code, gitlab.ask("user").json()["error"]) == (401, "invalid_token")


@pytest.mark.parametrize("status", [401, 403, 404, 429, 502])
def test_a_status_on_demand(gitlab: Caller, status: int):
    gitlab.server.disturb("status", path="*/deployments", status=status, count=1)
    hit, next_one = gitlab.ask(f"projects/{WEB_SHOP}/deployments"), gitlab.ask(f"projects/{WEB_SHOP}/deployments")
    assert (hit.status_code, next_one.status_code) == (status, 200)
    assert ("Retry-After" in hit.headers) == (status == 429)


def test_faults_and_clock_over_http(gitlab: Caller):
    control = f"{gitlab.server.url}/__sandbox__"
    for body in (
        {"action": "move_project", "project": WEB_SHOP, "path": "a/b"},
        {"action": "hide_project", "project": PAYROLL},
    ):
        assert requests.post(f"{control}/faults", json=body, timeout=10).status_code == 200
    assert gitlab.get("projects/501")["path_with_namespace"] == "a/b"
    assert gitlab.ask(f"projects/{PAYROLL}").status_code == 404
    requests.post(f"{control}/clock", json={"now": "2026-05-01T00:00:00Z"}, timeout=10)
    assert gitlab.get(f"projects/{WEB_SHOP}/deployments") == []
