from __future__ import annotations

import json

import pytest

from hub_sandbox.contract_check import ContractBreach, ContractCheck
from hub_sandbox.exchange import Answer, Request
from hub_sandbox.jira_server import JiraServer
from hub_sandbox.organisation import Organisation

_SHARED_PATHS = [
    "myself", "serverInfo", "project", "project/OPS", "project/10401", "project/SEC", "project/OPS/versions", "field", "status",
    "issuetype", "issueLinkType", "issue/10010", "issue/10010?fields=summary,status&expand=changelog", "issue/1", "issue/10010/comment",
    "issue/1/comment",
]  # fmt: skip


def test_every_answer_of_cloud_is_as_described(small: Organisation, contracts, cloud_session):
    check = ContractCheck(contracts, "cloud")
    with JiraServer(small, "cloud", observer=check) as server:
        api = f"{server.url}/rest/api/3"
        for path in [
            *_SHARED_PATHS,
            "project/search",
            "project/search?startAt=1&maxResults=2",
            "issue/10010/changelog",
            "issue/1/changelog",
            "search",
        ]:
            cloud_session.get(f"{api}/{path}", timeout=10)
        ids = []
        token = None
        while True:
            body = {
                "jql": "project in (OPS, PRB, CHG, IMP) ORDER BY id",
                "fields": ["*all"],
                "expand": "changelog",
                "maxResults": 100,
            }
            page = cloud_session.post(
                f"{api}/search/jql", json=body | ({"nextPageToken": token} if token else {}), timeout=10
            ).json()
            ids += [issue["id"] for issue in page["issues"]]
            if page["isLast"]:
                break
            token = page["nextPageToken"]
        assert len(ids) == len(set(ids)) > 300
        for query in (
            {"jql": "project = OPS"},
            {"jql": "project = OPS", "fields": "summary", "maxResults": 3},
            {"jql": "nonsense"},
            {},
        ):
            cloud_session.get(f"{api}/search/jql", params=query, timeout=10)
        bulk = {"issueIdsOrKeys": ids[:300], "maxResults": 500}
        answer = cloud_session.post(f"{api}/changelog/bulkfetch", json=bulk, timeout=10).json()
        cloud_session.post(
            f"{api}/changelog/bulkfetch", json=bulk | {"nextPageToken": answer["nextPageToken"]}, timeout=10
        )
        cloud_session.post(f"{api}/changelog/bulkfetch", json=bulk | {"fieldIds": ["status"]}, timeout=10)
        cloud_session.post(f"{api}/changelog/bulkfetch", json={"issueIdsOrKeys": []}, timeout=10)
        cloud_session.auth = ("hub@example.com", "wrong")
        for path in [*_SHARED_PATHS, "project/search", "search/jql?jql=project=OPS"]:
            cloud_session.get(f"{api}/{path}", timeout=10)
    check.verify()
    described = {(method, path) for method, path, _ in check.checked}
    assert {
        ("GET", "/rest/api/3/search/jql"),
        ("POST", "/rest/api/3/search/jql"),
        ("POST", "/rest/api/3/changelog/bulkfetch"),
    } <= described
    assert len(described) == 17


def test_every_answer_of_data_center_is_as_described(small: Organisation, contracts, dc_session):
    check = ContractCheck(contracts, "data_center")
    with JiraServer(small, "data_center", observer=check) as server:
        api = f"{server.url}/rest/api/2"
        for path in _SHARED_PATHS:
            dc_session.get(f"{api}/{path}", timeout=10)
        start, total = 0, 1
        while start < total:
            query = {
                "jql": "project = CHG ORDER BY id",
                "startAt": start,
                "maxResults": 50,
                "expand": "changelog",
                "fields": "*all",
            }
            page = dc_session.get(f"{api}/search", params=query, timeout=10).json()
            total = page["total"]
            start += len(page["issues"])
        dc_session.post(
            f"{api}/search", json={"jql": "project = OPS", "maxResults": 2, "fields": ["summary"]}, timeout=10
        )
        dc_session.get(f"{api}/search", params={"jql": "nonsense"}, timeout=10)
        dc_session.headers["Authorization"] = "Bearer wrong"
        dc_session.get(f"{api}/myself", timeout=10)
    check.verify()
    assert ("GET", "/rest/api/2/search", 200) in check.checked


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"issues": [{"id": 7}]}, "7 is not of type 'string'"),
        ({"issues": [], "total": 3}, "'total' was unexpected"),
        (
            {"issues": [{"id": "7", "changelog": {"histories": [{"items": [{"field": 1}]}]}}]},
            "1 is not of type 'string'",
        ),
    ],
)
def test_the_check_sees_a_wrong_answer(contracts, body, message):
    check = ContractCheck(contracts, "cloud")
    check(Request("GET", "/rest/api/3/search/jql", {"jql": ["project = OPS"]}), Answer(200, json.dumps(body).encode()))
    with pytest.raises(ContractBreach, match=message):
        check.verify()


def test_the_check_sees_a_wrong_request(contracts):
    check = ContractCheck(contracts, "cloud")
    check(Request("GET", "/rest/api/3/search/jql", {"startAt": ["0"]}), Answer(200, b'{"issues": []}'))
    check(Request("POST", "/rest/api/3/changelog/bulkfetch", body=b'{"ids": ["1"]}'), Answer(200, b"{}"))
    assert ["startAt" in check.breaches[0], "issueIdsOrKeys" in " ".join(check.breaches)] == [True, True]
