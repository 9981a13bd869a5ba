"""The simulated GitLab answers as the vendor describes it, and as real servers were recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from hub_sandbox.configuration import GITLAB_TOKEN
from hub_sandbox.contract_check import ContractBreach
from hub_sandbox.exchange import Answer, Request
from hub_sandbox.gitlab_contract import GitlabContract, shape_breaches
from hub_sandbox.gitlab_server import GitlabServer
from hub_sandbox.organisation import Organisation

RECORDED = {
    "projects/501": "perceval/project.json",
    "projects/501/merge_requests?state=merged": "perceval/merge_page_1.json",
    "projects/501/merge_requests/4": "perceval/merge_1.json",
    "projects/501/merge_requests/4/approvals": "narkoz/merge_request_approvals.json",
    "projects/501/merge_requests/4/notes": "perceval/notes_1.json",
    "projects/501/merge_requests/4/versions": "perceval/merge_1_versions.json",
    "projects/501/merge_requests/4/commits": "narkoz/merge_request_commits.json",
    "projects/501/deployments": "narkoz/deployments.json",
    "projects/501/environments": "narkoz/environments.json",
    "projects/501/releases": "narkoz/project_releases.json",
    "projects/501/repository/tags": "narkoz/tags.json",
    "projects/501/repository/commits": "narkoz/project_commits.json",
    "projects/501/issues": "perceval/issue_page_1.json",
    "projects/501/issues/2/resource_state_events": "narkoz/issue_resource_state_events.json",
    "projects/501/issues/2/resource_label_events": "narkoz/resource_label_events.json",
    "projects/501/milestones": "narkoz/milestones.json",
    "projects/501/protected_branches": "narkoz/protected_branches.json",
    "projects/501/approval_rules": "narkoz/project_merge_request_approval_rules.json",
    "projects/501/approvals": "narkoz/project_merge_request_approvals.json",
    "projects/503/repository/tree": "narkoz/tree.json",
    "version": "narkoz/version.json",
}
GONE = {
    "allow_collaboration", "allow_maintainer_to_push", "approvals_before_merge", "approvals_missing", "attachment", "bio",
    "ci_config_path", "closed", "container_registry_enabled", "created_at", "creator_id", "description_html", "external",
    "import_status", "_links", "lfs_enabled", "linkedin", "location", "only_allow_merge_if_all_discussions_are_resolved",
    "open_issues_count", "printing_merge_request_link_enabled", "public_jobs", "request_access_enabled",
    "resolve_outdated_diff_discussions", "shared_runners_enabled", "shared_with_groups", "skype", "snippets_enabled", "twitter",
    "website_url", "weight",
}  # fmt: skip
"""Keys of old recordings that newer servers have no more, and those of projects that nobody here asks for."""


def test_every_answer_is_as_described_and_shaped_as_recorded(small: Organisation, shared: Path):
    check = GitlabContract(shared / "contracts" / "gitlab")
    with GitlabServer(small.shipping.content, observer=check) as server, requests.Session() as session:
        session.headers["PRIVATE-TOKEN"] = GITLAB_TOKEN
        api = f"{server.url}/api/v4"
        faults = []
        for path, name in RECORDED.items():
            recorded = json.loads((shared / "recorded" / "gitlab" / name).read_text(encoding="utf-8"))
            answer = session.get(f"{api}/{path}", timeout=10)
            assert answer.status_code == 200, (path, answer.text)
            assert answer.json() or path.endswith("tags"), path
            faults += [f"{path} {each}" for each in shape_breaches(answer.json(), recorded)]
        run = session.get(f"{api}/projects/501/pipelines", timeout=10).json()[0]["id"]
        made = session.get(f"{api}/projects/501/deployments", timeout=10).json()[0]["id"]
        for path in (
            "groups/example", "groups/example/projects?include_subgroups=true&order_by=id", f"projects/501/pipelines/{run}",
            f"projects/501/pipelines/{run}/jobs", f"projects/501/pipelines/{run}/test_report_summary",
            f"projects/501/deployments/{made}/merge_requests", "projects/501/deployments?order_by=updated_at&sort=asc&updated_after=2026-06-01T00:00:00Z",
            "projects/501/merge_requests?order_by=updated_at&sort=asc&scope=all&per_page=100", "projects/501/merge_requests/4/closes_issues",
            "projects/503/repository/tree?recursive=true&pagination=keyset", "projects/501/protected_tags", "projects/999", "nothing",
            "projects/503/repository/commits?path=policies/release-policy.md&ref_name=main",
        ):  # fmt: skip
            session.get(f"{api}/{path}", timeout=10)
    check.verify()
    assert len(check.checked) >= 22
    assert [each for each in faults if each.rpartition("/")[2].removesuffix(": missing") not in GONE] == []


@pytest.mark.parametrize(
    ("path", "query", "said"),
    [
        ("projects/1/merge_requests", {"update_after": ["2026-01-01T00:00:00Z"]}, "'update_after' is not described"),
        ("projects/1/merge_requests", {"state": ["open"]}, "'state' is none of"),
        ("projects/1/merge_requests", {"updated_after": ["2026-01-01T00:00:00 02:00"]}, "is no instant"),
        ("projects/1/deployments", {"per_page": ["many"]}, "is no integer"),
        ("projects/1/deploymentz", {}, "not described, answered 200"),
    ],
)
def test_the_check_sees_a_wrong_request(shared: Path, path: str, query: dict[str, list[str]], said: str):
    check = GitlabContract(shared / "contracts" / "gitlab")
    check(Request("GET", f"/api/v4/{path}", query), Answer.json([]))
    with pytest.raises(ContractBreach, match=said):
        check.verify()


def test_a_shape_that_differs_is_told():
    recorded = {"id": 1, "author": {"id": 2, "name": "x"}, "labels": ["a"], "closed_at": None}
    ours = {"id": "1", "author": {"id": 2}, "labels": [3], "closed_at": "2026-01-01T00:00:00Z"}
    assert list(shape_breaches(ours, recorded)) == [
        "/id: str, recorded int",
        "/author/name: missing",
        "/labels[]: int, recorded str",
    ]
