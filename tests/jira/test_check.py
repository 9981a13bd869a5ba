from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hub.clock import FixedClock
from tests.jira.kit import NOW, SECRET, Fault, at, issue
from tests.jira.test_answers import ANSWERS, SLOW


@pytest.fixture
def ready(server):
    approvals = [{"id": "1", "finalDecision": "approved", "approvers": []}]
    server.answers |= {
        "/rest/api/3/project/OPS": {"id": "1", "key": "OPS", "name": "Operations"},
        "/rest/api/3/field": [
            {"id": "customfield_10030", "name": "Back-out plan"},
            {"id": "customfield_777", "name": "Outcome"},
            {"id": "customfield_778", "name": "Consent"},
        ],
        "/rest/api/3/status": [{"id": "1", "name": "Open"}],
        "/rest/api/3/issuetype": [{"id": "1", "name": "Incident"}],
        "/rest/api/3/search/jql": {
            "issues": [
                issue("Story"),
                issue(
                    "Change", status={"name": 'Half "done"'}, customfield_777={"value": "x"}, customfield_778=approvals
                ),
                issue("Change", status={"name": 'Half "done"'}, issuelinks=[{"type": {"name": "Cloners"}}]),
            ]
        },
    }
    return server


def say(lines) -> str:
    return "\n".join(f"{each.level}: {each.text} -> {each.advice}" for each in lines)


def test_words_without_mapping_come_with_counts_and_lines_to_paste(ready, source):
    text = say(source(projects=["OPS", "SEC"]).check())
    assert "ok: project OPS: Operations" in text
    assert "error: project SEC cannot be read" in text
    assert (
        'warning: issue type \'Story\' has no mapping (1 in the 3 latest issues) -> [issue_types] "Story" = "incident"'
        in text
    )
    assert '(2 in the 3 latest issues) -> [statuses] "Half \\"done\\"" = "in_progress"' in text
    assert '-> [links] "Cloners" = ["relates", "relates"]' in text
    assert "field customfield_777 'Outcome' has no mapping" in text
    assert '-> [fields] customfield_777 = "change.outcome"' in text
    assert '-> [fields] customfield_778 = "approval"' in text
    assert "field customfield_10035 is mapped but Jira no longer has it" in text
    assert "status 'Closed' is mapped but Jira does not have it" in text
    assert "field customfield_10030 'Back-out plan' fills change.backout_plan" in text


def test_a_wrong_credential_is_the_only_line(ready, source):
    ready.answers["/rest/api/3/myself"] = Fault(401, {})
    (line,) = source().check()
    assert line.level == "error"
    assert SECRET not in say([line])


def test_a_fault_is_a_line(ready, source):
    ready.answers["/rest/api/3/status"] = Fault(500, {})
    assert "warning: words without mapping could not be listed" in say(source().check())


def test_clocks_apart(ready, source):
    assert "clock" not in say(source(clock=FixedClock(NOW + 299_000)).check())
    assert "warning: Jira's clock is 6 minutes behind" in say(source(clock=FixedClock(NOW + 361_000)).check())


@pytest.mark.parametrize(
    ("day", "line"),
    [
        ("2026-09-30", "error: the token ended on 2026-09-30"),
        ("2026-10-20", "warning: the token ends on 2026-10-20, in 19 days"),
        ("2027-10-20", "ok: the token is good until 2027-10-20"),
    ],
)
def test_the_end_of_the_token(ready, source, day, line):
    assert line in say(source(token_expires=day).check())


def test_data_center_tells_when_its_token_ends(ready, source):
    ready.answers["/rest/pat/latest/tokens"] = [{"expiringAt": "2026-10-11T10:00:00.000+0200"}]
    assert "in 10 days" in say(source(flavour="data_center", user=None).check())
    assert at("2026-10-01T06:00:00Z") == NOW


def test_a_reading_warns_of_what_soon_stops_it(ready, source):
    reader = source(clock=FixedClock(NOW + 361_000), token_expires="2026-10-20", projects=["OPS"])
    heard: list[str] = []
    reader._context = replace(reader._context, log=heard.append)
    reader.slices()
    assert [line.split(";")[0] for line in heard] == [
        "Jira's clock is 6 minutes behind this machine's",
        "the token ends on 2026-10-20, in 19 days",
    ]


def spoilt(answer, body: bytes):
    return lambda _query: answer(body)


@pytest.mark.parametrize("flavour", ["cloud", "data_center"])
def test_every_answer_at_every_endpoint_is_a_line(server, source, flavour):
    """Words, statuses, types and the sample are asked for by `hub check` alone: a fault ends its own lines only."""
    api = "/rest/api/3" if flavour == "cloud" else "/rest/api/2"
    healthy = {
        **server.answers,
        f"{api}/project/OPS": {"id": "1", "key": "OPS", "name": "Operations"},
        f"{api}/field": [{"id": "customfield_10030", "name": "Back-out plan"}],
        f"{api}/status": [{"id": "1", "name": "Open"}],
        f"{api}/issuetype": [{"id": "1", "name": "Incident"}],
        f"{api}/search": {"issues": [], "total": 0},
        f"{api}/search/jql": {"issues": []},
        "/rest/pat/latest/tokens": [],
        "/login": Fault(200, raw=b"<!DOCTYPE html>"),
    }
    made = source(flavour=flavour, user="hub@example.net" if flavour == "cloud" else None, timeout_s=10)
    search = f"{api}/search/jql" if flavour == "cloud" else f"{api}/search"
    asked = [f"{api}/myself", f"{api}/project/OPS", f"{api}/field", f"{api}/status", f"{api}/issuetype", search]
    asked += ["/rest/pat/latest/tokens"] if flavour == "data_center" else []
    for place, path in enumerate(asked):
        body = json.dumps(healthy[path]).encode()
        here = [  # the first answer of each row everywhere, the others going round the endpoints
            (name, answer)
            for row in ANSWERS.keys() - {SLOW}
            for n, (name, answer) in enumerate(ANSWERS[row].items())
            if n == 0 or n % len(asked) == place
        ]
        for name, answer in here:
            server.answers = {**healthy, path: spoilt(answer, body)}
            lines = made.check()
            assert lines, (path, name)
            assert SECRET not in say(lines), (path, name)
            told = [each for each in lines if "mapped but Jira" not in each.text and each.level != "ok"]
            quiet = path == "/rest/pat/latest/tokens"
            assert told or quiet, (path, name, say(lines))
            assert path != f"{api}/myself" or [each.level for each in lines] == ["error"], (name, say(lines))
            assert path != f"{api}/project/OPS" or "error" in {each.level for each in lines}, (name, say(lines))
