"""Answers to surveys: a question of ours, and one number in its scale on the first line."""

from __future__ import annotations

import re

from hub.records import SatisfactionSurvey
from hub_email.parse.reply import own_line, trim
from hub_email.token import SurveyQuestion

__all__ = ["read_score", "survey_id", "survey_record"]

_NUMBER = re.compile(r"(?<![\w.,/-])(\d{1,3})(?:\s*/\s*(\d{1,3}))?(?![\w,/%-]|\.\d)")
_LONGEST = 200


def survey_id(source: str, token: str) -> str:
    """Name the survey a token asks for: what was sent and what was answered are one record."""
    return f"{source}:survey/{token.rpartition('.')[2]}"


def read_score(text: str, question: SurveyQuestion) -> int | None:
    """Return the score; None where the first line holds no number of the scale, or several."""
    line = own_line(text)
    found = _NUMBER.findall(line) if len(line) <= _LONGEST else []
    if len(found) != 1:
        return None
    score, out_of = int(found[0][0]), found[0][1]
    if out_of and int(out_of) != question.scale_max:
        return None
    return score if question.scale_min <= score <= question.scale_max else None


def survey_record(
    question: SurveyQuestion, *, record_id: str, source: str, scope: str, text: str, replied_at: int | None
) -> SatisfactionSurvey:
    """Make the record of an answered survey; a reply without a score is an answer all the same."""
    score = read_score(text, question)
    return SatisfactionSurvey(
        id=record_id,
        source=source,
        scope=scope,
        title=question.campaign,
        created_at=question.asked_at,
        campaign=question.campaign,
        type="periodic" if question.ticket is None else "ticket",
        channel="email",
        ticket_id=question.ticket,
        customer_id=question.customer,
        sent_at=question.asked_at,
        replied_at=replied_at,
        score=None if score is None else float(score),
        scale_min=float(question.scale_min),
        scale_max=float(question.scale_max),
        comment=trim(text)[:4_000] or None,
        unknown_fields=["score"] if score is None else [],
    )
