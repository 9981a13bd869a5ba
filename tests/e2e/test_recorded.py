"""Issues of real Jiras go the whole way, from an HTTP answer to a mail; nothing is lost in silence."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from hub_register.templates import uncomment
from tests.e2e.conftest import SECOND, said_by_store, take_turn
from tests.jira.kit import SECRET, Jira
from tests.store_fixtures import Places

CONFIGURATION = """
[organisation]
name = "Recorded"
zone = "Asia/Shanghai"
judge_from = 2016-01-01
manager = "register:people/alice"
[store]
url = "sqlite:///hub.db"
[packs.bs15000]
[sources.desk]
plugin = "jira"
url = "{url}"
user = "hub@example.net"
token = {{ file = "token" }}
projects = ["EE", "K5", "HELP"]
status_fallback = "category"
[sources.desk.issue_types]
"任务" = "change"
"子任务" = "improvement_action"
"故事" = "request"
"缺陷" = "incident"
Story = "request"
Epic = "problem"
extRequest = "request"
[sources.register]
plugin = "register"
folder = "register"
[channels.outbox]
plugin = "file"
folder = "out"
[reports.conformance]
to = ["register:people/alice"]
channels = ["outbox"]
"""
ALICE = """\
# declared_by: people/alice
# declared_at: 2016-01-05
# rows:
# - {id: alice, name: Alice Example, email: [alice@example.com]}
"""


@pytest.fixture
def issues(shared: Path) -> list[dict]:
    """33 issues with their changelogs from one Jira Cloud, three without from a Jira Server."""
    csv.field_size_limit(sys.maxsize)
    with (shared / "recorded/jira/devlake_raw_tables/_raw_jira_api_issues.csv").open(encoding="utf-8") as file:
        found = [json.loads(row["data"]) for row in csv.DictReader(file)]
    for page in (1, 2):
        text = (shared / f"recorded/jira/perceval/jira_issues_page_{page}.json").read_text(encoding="utf-8")
        found += json.loads(text)["issues"]
    return found


@pytest.fixture
def replay(issues: list[dict]) -> Iterator[Jira]:
    """A Jira that answers a search with the recorded issues of the project asked for."""
    jira = Jira()

    def search(asked: dict) -> dict:
        project = re.search(r'project = "(\w+)"', asked["jql"])
        assert project is not None
        return {"issues": [one for one in issues if one["key"].startswith(f"{project[1]}-")], "isLast": True}

    jira.answers["/rest/api/3/search/jql"] = search
    jira.answers["/rest/api/3/changelog/bulkfetch"] = {"issueChangeLogs": []}
    for key in ("EE", "K5", "HELP"):
        jira.answers[f"/rest/api/3/project/{key}"] = {"id": "1", "key": key, "name": key}
        jira.answers[f"/rest/api/3/project/{key}/versions"] = []
    yield jira
    jira.stop()


def test_recorded_issues_reach_the_mail(tmp_path: Path, issues: list[dict], replay: Jira, places: Places):
    (tmp_path / "hub.toml").write_text(CONFIGURATION.format(url=replay.url), encoding="utf-8")
    places.settle(tmp_path / "hub.toml")
    (tmp_path / "token").write_text(SECRET, encoding="utf-8")
    (tmp_path / "token").chmod(0o600)
    (tmp_path / "register").mkdir()
    (tmp_path / "register" / "people.yaml").write_text(uncomment(ALICE), encoding="utf-8")
    turn = take_turn(tmp_path, SECOND)
    desk = turn.summary.sources[0]
    assert (desk.complete, desk.faults) == (True, [])
    said = "\n".join(desk.warnings)
    assert "Jira's clock is" in said  # the replayed answers carry the date of the scripted server
    assert "1 records held text no database can keep; it was replaced" in said
    assert len(desk.warnings) == 3, said  # accounts are asked after too, and the recordings do not know that
    assert (len(issues), desk.documents) == (36, 36)
    unmapped = desk.skipped.get("issue type not mapped: Test Execution", 0)
    kinds = ("change", "improvement_action", "incident", "problem", "request")
    assert sum(turn.rows[kind] for kind in kinds) + unmapped == 36
    assert unmapped == 1
    assert turn.rows["event"] > 400
    assert turn.summary.obligations_written > 50
    (mail,) = (tmp_path / "out").glob("*.eml")
    message = message_from_bytes(mail.read_bytes(), policy=policy.default)
    assert "alice@example.com" in message["To"]
    page = message.get_body(("html",))
    assert page is not None
    assert "BS15000-" in page.get_content()
    assert SECRET.encode() not in mail.read_bytes()
    assert SECRET not in said_by_store(tmp_path)
