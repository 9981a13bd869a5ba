"""Issues become tickets with the whole course their events tell."""

from __future__ import annotations

import pytest

from hub.records import Link, Pause
from tests.gitlab.mapping_kit import (
    ANN,
    at,
    first,
    issue,
    label_event,
    only,
    read,
    reasons,
    since,
    state_event,
    ticket,
    user,
    words,
)

DAY = "2026-03-05T08:00:00Z"


def test_an_incident_tells_its_whole_course():
    incident = first("issue", ticket())
    assert (incident.id, incident.key, incident.priority) == ("git:issue/70", "shop/web#7", "P1")
    assert (incident.reported_at, incident.reporter) == (at("2026-03-01T08:00:00Z"), "git:user/3")
    assert incident.pauses == [
        Pause(from_=at("2026-03-01T10:00:00Z"), to=at("2026-03-01T11:00:00Z"), reason="pending_customer")
    ]
    assert (incident.resolved_at, incident.closed_at) == (at("2026-03-01T15:00:00Z"), at("2026-03-01T16:00:00Z"))
    assert since(incident)["priority"] == at("2026-03-01T08:05:00Z")
    told = [each.type for each in incident.events if each.field == "status"]
    assert told == ["accepted", "paused", "resumed", "resolved", "closed"]
    assert incident.unknown_fields == ["customer_updates", "first_response_at", "first_response_ref"]


def test_reopened_is_told():
    states = [
        state_event("closed", "2026-03-01T16:00:00Z"),
        state_event("reopened", "2026-03-02T09:00:00Z"),
        state_event("closed", "2026-03-02T10:00:00Z"),
    ]
    incident = first("issue", ticket(state_events=states))
    assert [each.reopened_at for each in incident.reopens] == []  # "fixed" is still there: it stays resolved
    bare = ticket(state_events=states, label_events=[], issue=issue(labels=[]))
    assert [each.reopened_at for each in first("issue", bare).reopens] == [at("2026-03-02T09:00:00Z")]


@pytest.mark.parametrize("missing", ["state_events", "label_events"])
def test_without_the_history_only_the_present_is_known(missing):
    told = read("issue", ticket(**{missing: ...}))
    incident = told.records[0]
    assert {"events", "pauses", "reopens", "resolved_at"} <= set(incident.unknown_fields)
    assert (incident.status_category, incident.resolved_at) == ("closed", None)
    assert "history of states and labels not read" in reasons(told)


def test_a_service_desk_ticket_is_its_customers():
    body = ticket(
        issue=issue(service_desk_reply_to="Kim@Customer.test", issue_type="issue", author=user(99, "support-bot")),
        notes=[
            {"id": 1, "author": user(99, "support-bot"), "created_at": "2026-03-01T08:30:00Z", "body": "and more"},
            {"id": 2, "author": ANN, "created_at": "2026-03-01T08:40:00Z", "body": "secret", "internal": True},
            {"id": 3, "author": ANN, "created_at": "2026-03-01T09:00:00Z", "body": "we look"},
        ],
    )
    told = read("issue", body)
    (ticketed,) = only("request", told)
    assert (ticketed.reporter, ticketed.channel) == ("git:author/kim@customer.test", "email")
    assert (ticketed.first_response_at, ticketed.first_response_ref) == (at("2026-03-01T09:00:00Z"), "3")
    assert [each.ref for each in ticketed.customer_updates] == ["3"]


@pytest.mark.parametrize(
    ("labels", "reason", "unmapped"),
    [
        (["type::problem"], None, set()),
        ([], "issue type not mapped: issue", {"issue_type:issue"}),
        (["type::problem", "type::bug"], "issue: labels name several kinds", set()),
    ],
)
def test_what_an_issue_becomes(labels, reason, unmapped):
    types = {"label:type::problem": "problem", "label:type::bug": "incident"}
    body = ticket(issue=issue(issue_type="issue", labels=labels), label_events=[])
    told = read("issue", body, words(issue_types=types))
    assert set(told.unmapped) == unmapped
    assert reason in reasons(told) if reason else only("problem", told)


def test_labels_that_contradict_each_other_decide_nothing():
    both = ["P1", "P2", "waiting::customer", "fixed"]
    told = read("issue", ticket(issue=issue(labels=both, state="opened"), label_events=[label_event("x", DAY)]))
    incident = told.records[0]
    assert (incident.priority, incident.status_category) == (None, "other")
    assert {"priority", "pauses", "resolved_at"} <= set(incident.unknown_fields)
    assert {"priority: labels contradict each other", "status: labels contradict each other"} <= reasons(told)


def test_an_item_is_affected_since_its_label_is_there():
    body = ticket(
        issue=issue(labels=["db", "P1", "fixed"]), label_events=[*ticket()["label_events"], label_event("db", DAY)]
    )
    assert first("issue", body).links == [Link(type="affects", target="register:configuration_items/db", at=at(DAY))]
