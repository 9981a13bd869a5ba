"""`hub check`: which scope or role is missing for which record, until when the token is good."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.clock import FixedClock
from tests.gitlab.server import DESK, NOW, SECRET, SHOP
from tests.gitlab.test_answers import ANSWERS, SLOW
from tests.jira.kit import Fault


def say(lines) -> str:
    return "\n".join(f"{each.level}: {each.text} -> {each.advice}" for each in lines)


def test_all_is_well(desk, source):
    lines = source(desk).check()
    assert {each.level for each in lines} == {"ok"}, say(lines)
    assert "example/shop/web-shop (id 501): issues, merge requests, deployments, environments, releases" in say(lines)


def test_a_scope_that_is_missing_is_named(desk, source):
    desk.api.access.scopes = ("read_user",)
    text = say(source(desk).check())
    assert text.startswith("error: GET /user: the token lacks a scope; make one with the scope read_api")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("deployments", "error: example/shop/web-shop: deployments cannot be read (approval, deployment)"),
        ("issues", "error: example/shop/web-shop: issues cannot be read (incident)"),
        ("versions", "warning: example/shop/web-shop: revisions of changes cannot be read and stay unknown"),
        ("notes", "warning: example/shop/web-shop: the instants of approvals cannot be read"),
        ("approvals", "warning: example/shop/web-shop: approvals of changes cannot be read"),
        ("jobs", "warning: example/shop/web-shop: tests of changes (pipelines, jobs, test reports) cannot be read"),
        ("approval_rules", "approval rules (is tier = "),
        ("tree", "error: example/shop/web-shop: files of the repository cannot be read (document)"),
        ("protected_branches", "give the account the role Maintainer in example/shop/web-shop"),
        ("tags", "tags of releases cannot be read"),
    ],
)
def test_a_role_that_is_missing_is_named_with_the_record(desk, source, word, line):
    desk.api.access.closed.add((SHOP, word))
    text = say(source(desk).check())
    assert line in text
    assert "give the account the role" in text
    assert "cannot be read" not in "".join(each for each in text.splitlines() if "example/desk" in each)


def test_a_project_that_cannot_be_seen_is_an_error_of_its_own(desk, source):
    desk.api.access.hidden.add(SHOP)
    lines = source(desk).check()
    assert [each.level for each in lines if "web-shop" in each.text] == ["error", "warning"]  # its documents besides
    assert f"(id {DESK})" in say(lines)


@pytest.mark.parametrize(
    ("day", "line"),
    [
        ("2026-09-30", "error: the token ended on 2026-09-30"),
        ("2026-10-02", "error: the token ends on 2026-10-02, tomorrow"),
        ("2026-10-08", "warning: the token ends on 2026-10-08, in 7 days -> make a new token this week"),
        ("2026-10-31", "warning: the token ends on 2026-10-31, in 30 days -> make a new token in time"),
        ("2026-11-01", "ok: the token is good until 2026-11-01"),
    ],
)
def test_the_end_of_the_token(desk, source, day, line):
    desk.api.access.ends_on = day
    assert line in say(source(desk).check())
    desk.spoil = lambda request: Fault(404, {}) if request.path.endswith("/self") else None
    assert line in say(source(desk, token_expires=day).check())


@pytest.mark.parametrize(
    ("version", "level"), [("15.11.0", "ok"), ("18.3.1-ee", "ok"), ("15.10.8", "error"), ("odd", "warning")]
)
def test_how_old_gitlab_may_be(desk, source, version, level):
    desk.spoil = lambda request: Fault(200, {"version": version}) if request.path.endswith("/version") else None
    assert f"{level}: GitLab" in say(source(desk).check())


def test_a_reading_warns_of_what_soon_stops_it(desk, source):
    desk.api.access.ends_on = "2026-10-08"
    heard: list[str] = []
    reader = source(desk, clock=FixedClock(NOW + 361_000))
    reader._context = replace(reader._context, log=heard.append)
    reader.slices()
    assert [line.split(";")[0] for line in heard] == [
        "GitLab's clock is 6 minutes behind this machine's",
        "the token ends on 2026-10-08, in 7 days",
    ]


def test_accounts_are_told_apart(desk, source):
    def gone(_request):
        return Fault(404, {"message": "404 User Not Found"})

    def answer(request):
        name = request.path.rpartition("/")[2]
        known = {
            "1": {"id": 1, "username": "a", "state": "active"},
            "2": {"id": 2, "username": "b", "state": "blocked"},
        }
        if "/users/" not in request.path:
            return None
        return Fault(200, known[name]) if name in known else gone(request)

    desk.spoil = answer
    found = source(desk).roster(["1", "2", "3", "someone@example.com"])
    assert (found.active, found.inactive, found.gone) == ({"1"}, {"2"}, {"3"})
    assert found.requests == 4


def test_every_answer_at_what_only_check_asks_is_a_line(desk, source):
    made = source(desk, timeout_s=5, streams=["release"], projects=["example/shop/web-shop"])
    for place in ("/user", "/version", "/personal_access_tokens/self", "/projects/example%2Fshop%2Fweb-shop"):
        for row in ANSWERS.keys() - {SLOW}:
            name, answer = next(iter(ANSWERS[row].items()))
            desk.spoil = lambda request, at=place, reply=answer: reply if request.path.endswith(at) else None
            lines = made.check()
            assert lines, (place, name)
            assert SECRET not in say(lines), (place, name)
            if place == "/user":
                assert [each.level for each in lines] == ["error"], (name, say(lines))
            if place.startswith("/projects"):
                assert "error" in {each.level for each in lines}, (name, say(lines))
