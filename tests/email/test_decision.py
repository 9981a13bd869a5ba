"""What a line says, what a token carries, and when an answer decides."""

from __future__ import annotations

import pytest

from hub.records import Approval
from hub_email.decision import say
from hub_email.token import Question, SurveyQuestion, find_tokens, is_of, read_token, sign
from tests.email.letter import ALICE, ASKED, BOB, CAME, KEY, letter, message, one, outcome, question, read, reading


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("APPROVE", "approved"),
        ("Approved.", "approved"),
        ("approved, thanks", "approved"),
        ("I approve this change", "approved"),
        ("yes, approved", "approved"),
        ("genehmigt", "approved"),
        ("同意", "approved"),
        ("批准", "approved"),
        ("REJECT", "rejected"),
        ("Rejected: no way back", "rejected"),
        ("not approved", "rejected"),
        ("I don't approve", "rejected"),
        ("I don’t approve", "rejected"),  # noqa: RUF001 - as telephones write it
        ("nicht genehmigt", "rejected"),
        ("不同意", "rejected"),
        ("驳回", "rejected"),
        ("withdrawn", "withdrawn"),
        ("abstain", "abstained"),
        ("approved if the test passes", None),
        ("approved, but not on Friday", None),
        ("approve?", None),
        ("please approve this", None),
        ("Bob approved it yesterday", None),
        ("approve or reject", None),
        ("not rejected", None),
        ("approved - not!", None),
        ("如果通过则同意", None),
        ("> APPROVE", None),
        ("approvement", None),
        ("ok", None),
        ("", None),
        ("approve " * 100, None),
    ],
)
def test_a_line_says_something_plain_or_nothing(line: str, word: str | None):
    assert say(line) == word


def test_a_token_brings_back_what_was_asked():
    asked = Question("desk:issue/5", "9f2c" * 16, "register:people/alice", "change_authority", ALICE, ASKED)
    token = sign(asked, KEY)
    found = read_token(token, ["another key", KEY])
    assert isinstance(found, Question)
    assert (found.subject, found.revision, found.person, found.role, found.asked_at) == (
        asked.subject, asked.revision, asked.person, asked.role, asked.asked_at,
    )  # fmt: skip
    assert is_of(found, "Alice@Example.ORG")
    assert not is_of(found, BOB)
    assert list(find_tokens(f"Re: <{token}.2@example.org> {token}")) == [token]
    assert len(f"<{token}.12@a-long-domain.example.org>") < 300


@pytest.mark.parametrize("revision", ["r1", None, "9F2C", "", "abc", "版本一"])
def test_any_revision_comes_back_as_it_was(revision: str | None):
    found = read_token(sign(Question("s", revision, "p", None, ALICE, ASKED), KEY), [KEY])
    assert isinstance(found, Question)
    assert found.revision == revision


def test_a_token_that_was_altered_or_signed_by_others_says_nothing():
    token = question()
    assert read_token(token, ["another key"]) is None
    head, body, signature = token.split(".")
    for place in range(0, len(body), 7):
        altered = body[:place] + ("A" if body[place] != "A" else "B") + body[place + 1 :]
        assert read_token(f"{head}.{altered}.{signature}", [KEY]) is None


def test_one_kind_of_question_is_not_the_other():
    survey = SurveyQuestion("2026-H2", None, "register:customers/acme", ALICE, ASKED, 1, 5)
    assert isinstance(read_token(sign(survey, KEY), [KEY]), SurveyQuestion)
    assert (
        outcome(read(letter(in_reply_to=f"<{sign(survey, KEY)}@x>")))
        == "survey: its first line holds no one number of the scale"
    )


def test_a_decision_binds_to_what_was_asked_and_when_it_came():
    given = read(letter("REJECT\r\n\r\nNo way back.\r\n"))
    approval = one(given, Approval)
    assert approval.subject_id == "desk:issue/5"
    assert approval.subject_revision == "9f2c" * 10
    assert approval.approver == "register:people/alice"
    assert approval.role == "change_authority"
    assert approval.decision == "rejected"
    assert approval.decided_at == CAME
    assert approval.authenticity == "dkim_pass"
    assert approval.via == "email"
    assert approval.comment == "REJECT\n\nNo way back."
    mail = message(given)
    assert (mail.class_, mail.class_basis, mail.record_id) == ("approval", "token", "desk:issue/5")


def test_a_claim_names_nobody_and_no_instant():
    approval = one(read(letter(above=[])), Approval)
    assert approval.status == "claim, does not count: nothing we believe says who sent it"
    assert approval.labels == ["claim", "approved"]
    assert (approval.decision, approval.approver, approval.decided_at) == (None, None, None)
    assert approval.authenticity == "none"


def test_a_former_key_still_counts_and_none_counts_without_decisions():
    later = reading(decisions={"key": "k" * 40, "former_keys": {"until-october": KEY}})
    assert outcome(read(letter(), later)).startswith("approved by")
    assert outcome(read(letter(), reading(decisions={"key": "k" * 40}))).startswith(
        "decision: the question it answers is not ours"
    )
    assert not [record for record in read(letter(), reading(decisions=None)).records if isinstance(record, Approval)]


def test_the_token_is_found_in_the_text_where_a_program_dropped_the_headers():
    assert outcome(read(letter(f"APPROVE\r\n\r\n> {question()}\r\n", in_reply_to=""))).startswith("approved by")
