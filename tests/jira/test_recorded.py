"""Real answers of real Jiras: nothing is lost without a counted reason."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from hub.records import Person, decode_record, encode_record
from hub.sync.source import Document
from hub_jira.mapping import normalise
from hub_jira.vocabulary import Vocabulary
from tests.jira.kit import at, configure

TYPES = {
    "故事": "request",
    "任务": "change",
    "子任务": "improvement_action",
    "缺陷": "incident",
    "Story": "request",
    "Epic": "problem",
    "extRequest": "request",
    "Monitor": "request",
    "Task": "change",
    "Bug": "incident",
    "Improvement": "improvement_action",
}


def words(**changes) -> Vocabulary:
    return Vocabulary.of("merico", "Asia/Shanghai", configure(issue_types=TYPES, statuses={}, **changes))


def table(shared: Path, name: str) -> list[dict]:
    csv.field_size_limit(sys.maxsize)
    with (shared / "recorded/jira/devlake_raw_tables" / name).open(encoding="utf-8", newline="") as file:
        return [json.loads(row["data"]) for row in csv.DictReader(file)]


def devlake(shared: Path) -> list[dict]:
    return table(shared, "_raw_jira_api_issues.csv")


def perceval(shared: Path) -> list[dict]:
    folder = shared / "recorded/jira/perceval"
    return [each for n in (1, 2) for each in json.loads((folder / f"jira_issues_page_{n}.json").read_text())["issues"]]


def webhooks(shared: Path) -> list[dict]:
    found = []
    for path in sorted((shared / "recorded/jira/mattermost_webhooks").glob("*.json")):
        issue = json.loads(path.read_text()).get("issue")
        if issue is not None:
            found.append(issue)
    return found


def read(body: dict, vocabulary: Vocabulary):
    return normalise(Document("issue", str(body["id"]), "EE", json.dumps(body).encode()), vocabulary)


@pytest.mark.parametrize(("bodies", "count"), [(devlake, 33), (perceval, 3), (webhooks, 12)])
def test_every_issue_is_a_record_or_counted(shared, bodies, count):
    found = bodies(shared)
    assert len(found) == count
    for body in found:
        out = read(body, words())
        own = [each for each in out.records if each.id == f"merico:issue/{body['id']}"]
        unmapped = [each for each in out.skipped if each.reason.startswith("issue type not mapped: ")]
        assert len(own) + len(unmapped) == 1
        assert own or body["fields"]["issuetype"]["name"] not in TYPES
        for record in out.records:
            assert decode_record(encode_record(record)) == record


def test_what_was_not_taken_over_is_told_by_reason(shared):
    reasons = {skip.reason for body in devlake(shared) for skip in read(body, words()).skipped}
    assert reasons == {"issue type not mapped: Test Execution", "priority: word without a neutral value"}
    assert {skip.reason for body in webhooks(shared) for skip in read(body, words()).skipped} >= {"changelog missing"}


def test_chinese_words_are_kept(shared):
    done = [body for body in devlake(shared) if body["fields"]["status"]["name"] == "已完成"]
    records = [out.records[0] for body in done if (out := read(body, words())).records]
    assert len(records) >= 29
    assert {(each.status, each.status_category) for each in records} == {("已完成", "other")}
    mapped = Vocabulary.of("m", "UTC", configure(issue_types=TYPES, statuses={"10068": "closed"}))
    assert {read(body, mapped).records[0].status_category for body in devlake(shared)[:10]} == {"closed"}
    assert "status:已完成" in read(devlake(shared)[0], words()).unmapped
    assert any("测试" in each.title for each in records)


def test_offsets_become_the_right_instants(shared):
    record = read(devlake(shared)[0], words()).records[0]
    assert record.created_at == at("2020-06-12T00:13:13.360Z")
    assert record.updated_at == at("2021-03-28T08:06:08.713Z")
    assert record.raw_times["created_at"] == "2020-06-12T08:13:13.360+0800"


def test_deactivated_users_are_kept(shared):
    people = [each for body in devlake(shared) for each in read(body, words()).records if isinstance(each, Person)]
    assert {each.status for each in people} == {"active", "inactive"}
    assert len({encode_record(each) for each in people}) == len({each.id for each in people}), "accounts flap"
    for user in table(shared, "_raw_jira_api_users.csv"):
        body = {"id": "1", "key": "EE-1", "fields": {"issuetype": {"name": "缺陷"}, "assignee": user}}
        record, account = read(body, words()).records
        assert record.assignee == account.id == f"merico:user/{user['accountId']}"
        assert account.status == ("active" if user["active"] else "inactive")


def test_no_custom_field_gets_lost(shared):
    most = 0
    for body in devlake(shared):
        names = [name for name in body["fields"] if name.startswith("customfield_")]
        most = max(most, len(names))
        given = {name: body["fields"][name] for name in names if body["fields"][name] is not None}
        out = read(body, words(fields={}))
        if out.records:
            assert out.records[0].custom == given
    assert most == 120


def test_every_changelog_entry_is_an_event(shared):
    for body in devlake(shared):
        out = read(body, words())
        if out.records:
            told = sum(len(each["items"]) for each in body["changelog"]["histories"])
            assert sum(each.field != "comment" for each in out.records[0].events) == told + 1
            assert "events" not in out.records[0].unknown_fields


def test_loose_changelog_entries_are_read(shared):
    entries = table(shared, "_raw_jira_api_issue_changelogs.csv")
    log = {"histories": entries, "total": len(entries)}
    body = {
        "id": "1",
        "key": "EE-1",
        "fields": {"issuetype": {"name": "缺陷"}, "created": "2020-01-01T00:00:00.000+0800"},
    }
    (record, *_) = read({**body, "changelog": log}, words()).records
    assert len(record.events) == 1 + sum(len(each["items"]) for each in entries)


def test_service_desk_approvals_and_clocks(shared):
    folder = shared / "recorded/jira/jsm_go-atlassian"
    approvals = json.loads((folder / "get-approvals.json").read_text())["values"]
    clocks = json.loads((folder / "get-customer-slas.json").read_text())["values"]
    people = [each["approver"]["accountId"] for step in approvals for each in step["approvers"]]
    fields = {"customfield_1": "approval", "customfield_2": "incident.tool_sla"}
    body = {
        "id": "1",
        "key": "EE-1",
        "fields": {"issuetype": {"name": "缺陷"}, "customfield_1": approvals, "customfield_2": clocks},
        "changelog": {"histories": [], "total": 0},
    }
    record, *others = read(body, words(fields=fields)).records
    found = [each for each in others if not isinstance(each, Person)]
    assert len(found) == len(people)
    assert {each.decision for each in found} <= {"approved", "rejected", None}
    assert found[0].decided_at == approvals[0]["completedDate"]["epochMillis"]
    assert set(record.tool_sla) == {each["name"] for each in clocks}
