"""Whatever stands in a document, mapping gives valid records or counted reasons."""

from __future__ import annotations

import copy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.records import decode_record, encode_record
from hub_jira.mapping import normalise
from tests.jira.kit import document, entry, issue, item, user

ODD = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        ["2026-02-30T00:00:00+0800", "0001-01-01T00:00:00+1400", "9999-12-31T23:59:59-1400", "2026-01-01", "P1"]
    )
)
JSON = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)


def whole() -> dict:
    when = "2026-01-06T10:00:00.000+0100"
    return issue(
        histories=[
            entry(when, item("status", "Open", "Work", ids=("1", "2"))),
            entry(when, item("Link", None, "This issue causes X-1", ids=(None, "X-1"))),
            entry(when, item("labels", "a", "a escalated")),
            entry(when, item("Approvals", "", "approved", field_id="customfield_10045")),
        ],
        assignee=user("bob"),
        priority={"name": "High"},
        resolutiondate=when,
        components=[{"id": "7", "name": "Web shop"}],
        issuelinks=[{"id": "1", "type": {"name": "Odd"}, "outwardIssue": {"id": "5", "key": "X-1"}}],
        parent={"id": "3", "key": "OPS-1"},
        fixVersions=[{"id": "70"}],
        comment={"total": 1, "comments": [{"id": "1", "created": when, "author": user("bob"), "jsdPublic": True}]},
        customfield_10010={"value": "Normal"},
        customfield_10025=user("erin"),
        customfield_10031={"value": "Yes"},
        customfield_10035="r1",
        customfield_10039=when,
        customfield_10044="a: b",
        customfield_10045=[
            {
                "id": "1",
                "createdDate": {"jira": when},
                "completedDate": {"epochMillis": 1},
                "approvers": [{"approver": user("bob"), "approverDecision": "approved"}],
            }
        ],
        customfield_10046={"name": "T", "ongoingCycle": {"elapsedTime": 1}},
        customfield_10080=when,
        customfield_10081="a | b | c",
        customfield_10082="none",
    )


def places(value: object, path: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


PLACES = places(whole())[1:]
KINDS = st.sampled_from(["Change", "Incident", "Request", "Problem", "Complaint"])


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=4), KINDS)
def test_no_mutation_makes_the_mapping_fail(words, mutations, kind):
    body = copy.deepcopy(whole())
    body["fields"]["issuetype"]["name"] = kind
    for path, odd in mutations:
        here = body
        for key in path[:-1]:
            inside = isinstance(here, (dict, list)) and (
                key in here if isinstance(here, dict) else isinstance(key, int) and key < len(here)
            )
            here = here[key] if inside else None
        if isinstance(here, dict) or (isinstance(here, list) and isinstance(path[-1], int) and path[-1] < len(here)):
            here[path[-1]] = odd
    out = normalise(document(body), words)
    assert out.records or out.skipped
    for record in out.records:
        assert decode_record(encode_record(record)) == record


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["id", "name", "releaseDate", "released", "archived"]), JSON))
def test_no_version_makes_the_mapping_fail(words, body):
    out = normalise(document(body, "version", "70"), words)
    for record in out.records:
        assert decode_record(encode_record(record)) == record
