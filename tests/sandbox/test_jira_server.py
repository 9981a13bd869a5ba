from __future__ import annotations

import time

import pytest
import requests

from hub.clock import parse_instant
from hub_sandbox.jira_server import JiraServer
from hub_sandbox.organisation import DELETED_AT, Organisation

FIRST_RUN = parse_instant("2026-10-01T06:00:00Z")
SECOND_RUN = parse_instant("2026-11-03T08:00:00Z")
SEARCH = "/rest/api/3/search/jql"


def keys(session: requests.Session, server: JiraServer, jql: str) -> list[str]:
    found, token = [], None
    while True:
        body = {"jql": jql, "fields": ["summary"], "maxResults": 100} | ({"nextPageToken": token} if token else {})
        answer = session.post(server.url + SEARCH, json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [issue["key"] for issue in page["issues"]]
        if page["isLast"]:
            return found
        token = page["nextPageToken"]


def test_the_clock_shows_past_and_present(small, cloud_session):
    with JiraServer(small, clock_ms=FIRST_RUN) as server:
        before = keys(cloud_session, server, "project in (OPS, PRB, CHG, IMP) ORDER BY id")
        moved = small.moved[1]
        assert moved.keys[0][1] not in before, "not yet reported"
        answer = cloud_session.post(server.url + "/__sandbox__/clock", json={"now": "2026-11-03T08:00:00Z"}, timeout=10)
        assert answer.status_code == 200
        after = keys(cloud_session, server, "project in (OPS, PRB, CHG, IMP) ORDER BY id")
        changed = keys(cloud_session, server, 'project = CHG AND updated >= "2026-10-01 08:00" ORDER BY updated ASC')
        by_old_key = cloud_session.get(
            f"{server.url}/rest/api/3/issue/{moved.keys[0][1]}?fields=project", timeout=10
        ).json()
    assert len(after) > len(before) > 200
    gone = small.deleted.keys[0][1]
    assert (gone in before, gone in after) == (True, False)
    assert 0 < len(changed) < len([key for key in after if key.startswith("CHG")])
    assert (by_old_key["key"], by_old_key["fields"]["project"]["key"]) == (moved.keys[1][1], "PRB")
    assert server.requests[-1].path.endswith(moved.keys[0][1])


@pytest.mark.parametrize(
    ("jql", "message"),
    [
        ("project = SEC", "The value 'SEC' does not exist for the field 'project'."),
        ("project = OPS OR project = CHG", "Expecting either"),
        ('updated >= "2026-10-01 08:00:30"', "is invalid. Valid formats"),
        ("labels = urgent", "Field 'labels' does not exist"),
        ("project != OPS", "The operator '!=' is not supported"),
        ("project = OPS ORDER BY rank", "Not able to sort"),
        ("ORDER BY id", "Unbounded JQL"),
        ("project in (OPS", "Expecting ')'"),
        ("id in (1)", "An issue with key '1' does not exist"),
        ("project =", "at the end of the query"),
    ],
)
def test_jql_it_does_not_know_is_refused(small, cloud_session, jql, message):
    with JiraServer(small) as server:
        answer = cloud_session.get(server.url + SEARCH, params={"jql": jql}, timeout=10)
    assert answer.status_code == 400
    assert message in answer.json()["errorMessages"][0]


def test_jql_selects_and_orders(small, cloud_session):
    with JiraServer(small, clock_ms=SECOND_RUN) as server:
        changes = keys(cloud_session, server, "project = chg AND issuetype in (Change) ORDER BY key DESC")
        assert changes == sorted(changes, key=lambda key: -int(key[4:]))
        first = keys(cloud_session, server, f"id in ({changes[0]}, {changes[-1]}) ORDER BY created ASC")
        assert first == [changes[-1], changes[0]]
        issue = small.by_key[changes[0]]
        local = "2026-10-31 09:15"
        split = [keys(cloud_session, server, f'project = CHG AND updated {sign} "{local}"') for sign in ("<", ">=")]
    boundary = parse_instant("2026-10-31T09:15:00+01:00")
    assert sorted(split[0] + split[1]) == sorted(changes)
    assert (issue.keys[-1][1] in split[1]) == (issue.updated_at(SECOND_RUN) >= boundary)


def test_wrong_credentials_look_like_nothing(small):
    with JiraServer(small) as server, requests.Session() as session:
        session.auth = ("hub@example.com", "wrong")
        get = lambda path: session.get(f"{server.url}/rest/api/3/{path}", timeout=10)  # noqa: E731
        assert get("myself").status_code == 401
        assert get("issue/10005").status_code == 404
        assert get("search/jql?jql=project=OPS").json() == {"issues": [], "isLast": True}
        assert get("project").json() == []


def test_an_expired_token_is_refused_by_data_center(small, dc_session):
    with JiraServer(small, "data_center") as server:
        assert dc_session.get(f"{server.url}/rest/api/2/myself", timeout=10).json()["key"].startswith("JIRAUSER")
        server.expire_token()
        assert dc_session.get(f"{server.url}/rest/api/2/search?jql=project=OPS", timeout=10).status_code == 401
        assert dc_session.get(f"{server.url}/rest/api/3/search/jql?jql=project=OPS", timeout=10).status_code == 404


def test_removed_search_answers_gone(small, cloud_session):
    with JiraServer(small) as server:
        answer = cloud_session.get(f"{server.url}/rest/api/3/search?jql=project=OPS", timeout=10)
    assert (answer.status_code, "search/jql" in answer.text) == (410, True)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 500, 502, 503])
def test_a_status_on_demand_hits_as_often_as_asked(small, cloud_session, status):
    with JiraServer(small) as server:
        cloud_session.post(
            f"{server.url}/__sandbox__/faults",
            json={"action": "status", "path": "*/search/jql", "status": status, "skip": 1, "count": 2},
            timeout=10,
        )
        answers = [
            cloud_session.get(server.url + SEARCH, params={"jql": "project = OPS"}, timeout=10) for _ in range(4)
        ]
        assert cloud_session.get(f"{server.url}/rest/api/3/myself", timeout=10).status_code == 200
    assert [answer.status_code for answer in answers] == [200, status, status, 200]
    if status == 429:
        assert (answers[1].headers["Retry-After"], answers[1].headers["RateLimit-Reason"]) == ("1", "jira-burst-based")


def test_cut_truncated_and_slow_answers(small, cloud_session):
    query = {"jql": "project = OPS", "fields": "*all", "maxResults": 50}
    with JiraServer(small) as server:
        server.disturb("cut", path=SEARCH, count=1)
        with pytest.raises(requests.exceptions.RequestException):
            cloud_session.get(server.url + SEARCH, params=query, timeout=10)
        assert server.requests[-1].status == 0
        server.disturbances.clear()
        server.disturb("truncate", path=SEARCH, count=1)
        with pytest.raises(requests.exceptions.JSONDecodeError):
            cloud_session.get(server.url + SEARCH, params=query, timeout=10).json()
        server.disturbances.clear()
        server.disturb("slow", path=SEARCH, seconds=0.3)
        started = time.monotonic()
        assert len(cloud_session.get(server.url + SEARCH, params=query, timeout=10).json()["issues"]) == 50
        assert time.monotonic() - started >= 0.3


def test_chance_is_repeatable(small, cloud_session):
    def statuses() -> list[int]:
        with JiraServer(small) as server:
            server.disturb("status", status=503, probability=0.4, seed=5)
            return [cloud_session.get(f"{server.url}/rest/api/3/myself", timeout=10).status_code for _ in range(20)]

    first = statuses()
    assert first == statuses()
    assert 2 < first.count(503) < 18


def test_permission_loss_deletion_and_move(cloud_session):
    organisation = Organisation(9, scale=0.1)
    with JiraServer(organisation, clock_ms=SECOND_RUN) as server:
        faults = f"{server.url}/__sandbox__/faults"
        first, second = keys(cloud_session, server, "project = CHG ORDER BY id")[:2]
        partners = [
            link.source if link.target.keys[0][1] == first else link.target
            for link in organisation.by_key[first].state_at(SECOND_RUN).links
        ]
        cloud_session.post(faults, json={"action": "delete_issue", "issue": first}, timeout=10)
        cloud_session.post(
            faults,
            json={"action": "move_issue", "issue": second, "project": "IMP", "issuetype": "Improvement"},
            timeout=10,
        )
        left = keys(cloud_session, server, "project = CHG")
        assert first not in left
        assert second not in left
        assert cloud_session.get(f"{server.url}/rest/api/3/issue/{second}", timeout=10).json()["key"].startswith("IMP-")
        for partner in partners:
            shown = cloud_session.get(f"{server.url}/rest/api/3/issue/{partner.id}", timeout=10).json()
            assert first not in str(shown["fields"]["issuelinks"])
        cloud_session.post(faults, json={"action": "hide_project", "project": "CHG"}, timeout=10)
        assert cloud_session.get(server.url + SEARCH, params={"jql": "project = CHG"}, timeout=10).status_code == 400
        assert cloud_session.post(faults, json={"action": "nonsense"}, timeout=10).status_code == 400


def test_rate_limit(small, cloud_session):
    with JiraServer(small, rate_limit=(3, 60)) as server:
        answers = [cloud_session.get(f"{server.url}/rest/api/3/myself", timeout=10) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert "Retry-After" in answers[-1].headers


def test_embedded_and_complete_changelogs_agree(organisation, cloud_session):
    longest = max(
        (issue for issue in organisation.issues if issue.exists_at(SECOND_RUN)), key=lambda issue: len(issue.steps)
    )
    with JiraServer(organisation, clock_ms=SECOND_RUN) as server:
        query = {"jql": f"id = {longest.id}", "fields": "comment", "expand": "changelog"}
        found = cloud_session.get(server.url + SEARCH, params=query, timeout=10).json()["issues"][0]
        collected, token = [], None
        while True:
            body = {"issueIdsOrKeys": [str(longest.id)], "maxResults": 7} | ({"nextPageToken": token} if token else {})
            page = cloud_session.post(f"{server.url}/rest/api/3/changelog/bulkfetch", json=body, timeout=10).json()
            collected += [entry["id"] for log in page["issueChangeLogs"] for entry in log["changeHistories"]]
            token = page.get("nextPageToken")
            if token is None:
                break
        comments = cloud_session.get(f"{server.url}/rest/api/3/issue/{longest.id}/comment", timeout=10).json()
    embedded = [entry["id"] for entry in found["changelog"]["histories"]]
    assert len(embedded) == 40 < found["changelog"]["total"] == len(collected) == len(set(collected))
    assert embedded == collected[::-1][:40]
    assert found["fields"]["comment"]["total"] == comments["total"] == len(comments["comments"])


def test_dates_follow_the_virtual_clock(small, cloud_session):
    with JiraServer(small, clock_ms=DELETED_AT) as server:
        answer = cloud_session.get(f"{server.url}/rest/api/3/serverInfo", timeout=10)
    assert answer.headers["Date"] == "Thu, 15 Oct 2026 10:00:00 GMT"
    assert answer.json()["serverTime"] == "2026-10-15T12:00:00.000+0200"


def test_a_page_of_a_hundred_is_quick(organisation, cloud_session):
    with JiraServer(organisation, clock_ms=SECOND_RUN) as server:
        body = {"jql": "project = CHG ORDER BY id", "fields": ["*all"], "expand": "changelog", "maxResults": 100}
        cloud_session.post(server.url + SEARCH, json=body, timeout=10)
        started = time.perf_counter()
        cloud_session.post(server.url + SEARCH, json=body, timeout=10)
        assert time.perf_counter() - started < 0.5
