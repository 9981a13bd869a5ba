"""What we set otherwise than shipped stands in every report, with what came of it."""

from __future__ import annotations

from email import message_from_bytes, policy

import msgspec
import pytest

from hub.conformance.answer import Answers, ProfileLine, Subject
from hub.report.compile import compile_conformance
from hub.report.mail import render_mail
from hub.report.model import ReportModel, decode_model, encode_model

PERSON = Subject(id="register:people/clara", kind="person", title="Clara Schmidt")


def line(requirement: str, what: str, shipped: object, ours: object, **more: str) -> ProfileLine:
    told = {
        "scope": "organisation",
        "reason": "two people pay",
        "set_by": PERSON.id,
        "set_at": "2026-01-15",
        "key": "packs.bs15000.profile.0",
    }
    return ProfileLine(requirement=requirement, what=what, shipped=shipped, ours=ours, **(told | more))


SHOP = "service register:services/shop"
APPROVERS = line("BS15000-8.2-c", "min_approvers", 1, 2, scope=SHOP)


def compiled(answers: Answers, make_identity, previous: ReportModel | None, *lines: ProfileLine, version="changed"):
    known = msgspec.structs.replace(answers, profile=list(lines), setters={PERSON.id: PERSON})
    identity = msgspec.structs.replace(make_identity("2026-10", answers_as_of(previous)), profile_version=version)
    return compile_conformance(known, identity=identity, previous=previous)


def answers_as_of(previous: ReportModel | None) -> int:
    return previous.identity.as_of + 31 * 86_400_000 if previous else 1_793_692_800_000


def text_of(model: ReportModel) -> str:
    rendered = render_mail(model, sender="hub@example.test", to=["a@example.test"], hosts=frozenset())
    message = message_from_bytes(rendered.eml, policy=policy.default)
    return " ".join(message.get_body(("plain",)).get_content().split())


def test_the_report_says_what_is_set_for_whom_by_whom_and_why(answers, make_identity):
    counted = msgspec.structs.replace(answers.requirements[0], counts={"not_applicable": 7})
    answers = msgspec.structs.replace(answers, requirements=[counted, *answers.requirements[1:]])
    off = line(counted.requirement, "judged", True, False, scope=SHOP, set_by="the board")
    model = compiled(answers, make_identity, None, APPROVERS, off)
    assert [one.left_out for one in model.profile] == [None, 7]
    text = text_of(model)
    said = f"BS15000-8.2-c min_approvers for {SHOP}: 2, shipped 1; two people pay (set by change manager (CS), 2026-01-15; packs.bs15000.profile.0)"
    assert said in text
    assert f"{counted.requirement} for {SHOP}: not judged, shipped judged; 7 cases not asked" in text
    assert "(set by the board, 2026-01-15" in text
    assert decode_model(encode_model(model)) == model


def test_one_key_is_told_once(answers, make_identity):
    clause = [line(f"BS15000-5.5-{letter}", "judged", True, False) for letter in "abcdefg"]
    text = text_of(compiled(answers, make_identity, None, *clause))
    names = ", ".join(f"BS15000-5.5-{letter}" for letter in "abcde")
    assert f"{names} and 2 more: not judged, shipped judged" in text
    assert text.count("two people pay") == 1


def test_nothing_set_is_said_too(answers, make_identity):
    assert "Everything is as shipped." in text_of(compiled(answers, make_identity, None))


@pytest.mark.parametrize(
    "case",
    [
        ((), (APPROVERS,), [(1, 2)]),
        ((APPROVERS,), (APPROVERS,), []),
        ((APPROVERS,), (msgspec.structs.replace(APPROVERS, ours=3),), [(2, 3)]),
        ((APPROVERS,), (), [(2, 1)]),
        ((APPROVERS,), (msgspec.structs.replace(APPROVERS, reason="another"),), []),
    ],
)
def test_what_we_set_otherwise_since_the_last_report(answers, first, make_identity, case):
    before, now, said = case
    previous = msgspec.structs.replace(first, profile=list(before))
    model = compiled(answers, make_identity, previous, *now)
    assert [(rule.before, rule.line.ours) for rule in model.change.rules] == said
    same = compiled(answers, make_identity, previous, *now, version=previous.identity.profile_version)
    assert same.change.rules == [], "a report of before profiles were kept says nothing of them"


def test_what_came_of_it_is_counted(answers, first, make_identity):
    found = [
        msgspec.structs.replace(row, by_rules=True, first_seen_at=first.identity.known_at + 1)
        for row in answers.findings
        if row.requirement == "BS15000-8.2-c" and row.state == "open"
    ]
    rest = [row for row in answers.findings if row.requirement != "BS15000-8.2-c"]
    known = msgspec.structs.replace(answers, findings=[*rest, *found])
    model = compiled(known, make_identity, first, APPROVERS)
    ours = [row for row in model.change.redefined if row.requirement == "BS15000-8.2-c" and row.state == "open"]
    assert ours, "or this test tells nothing"
    assert [rule.appeared for rule in model.change.rules] == [len(ours)]
    assert f"min_approvers for {SHOP}: 1 → 2; findings: {len(ours)} appeared" in text_of(model)
