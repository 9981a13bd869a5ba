"""Whether a mail decides on a change or a waiver, and if not, why not.

It does if it answers a question that we signed, was sent by whom we asked, from the address we asked,
somebody we believe vouches for that, a person wrote it, it came in time, and its first line says it
plainly. Anything less is kept as a claim, with the reason: it opens and closes nothing.
"""

# ruff: noqa: RUF001 - letters and signs of other languages are meant

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hub_email.parse.message import Mail
from hub_email.parse.reply import own_line
from hub_email.token import Question, find_tokens, is_of, read_token
from hub_email.trust import Sender

__all__ = ["Decision", "read_decision", "say", "say_solved"]

Word = Literal["approved", "rejected", "withdrawn", "abstained"]
_HOUR_MS = 3_600_000
_LONGEST = 200
_APPROVE = frozenset(
    {
        *("approve", "approved", "approving", "approval", "genehmigt", "genehmige", "freigegeben", "zugestimmt"),
        *("approuvé", "approuve", "aprobado", "apruebo", "approvato", "approvo", "goedgekeurd", "godkänd", "godkendt"),
        *("同意", "批准", "已批准", "已同意"),
    }
)
_REJECT = frozenset(
    {
        *("reject", "rejected", "rejecting", "decline", "declined", "deny", "denied", "disapprove", "disapproved"),
        *("abgelehnt", "lehne", "ablehnung", "refusé", "rejeté", "rechazado", "respinto", "afgewezen", "avvisat"),
        *("不同意", "不批准", "拒绝", "拒絕", "驳回", "駁回", "未批准"),
    }
)
_WITHDRAW = frozenset({"withdraw", "withdrawn", "revoke", "revoked", "zurückgezogen", "widerrufen", "撤回", "撤销"})
_ABSTAIN = frozenset({"abstain", "abstained", "enthaltung", "弃权"})
_NOT = frozenset(
    {"not", "don't", "dont", "cannot", "can't", "never", "no", "nicht", "kein", "keine", "pas", "non", "ne"}
)
_CONDITION = frozenset(
    {
        *("if", "but", "unless", "when", "once", "after", "until", "except", "provided", "only", "subject", "pending"),
        *("wenn", "falls", "aber", "sobald", "sofern", "nur", "erst", "nachdem", "bis", "unter", "vorbehaltlich", "si"),
    }
)
_POLITE = frozenset(
    {
        *(
            "yes",
            "thanks",
            "thank",
            "you",
            "hi",
            "hello",
            "great",
            "please",
            "ja",
            "danke",
            "bitte",
            "vielen",
            "dank",
            "ok",
        )
    }
)
_SOLVED = frozenset(
    {
        *("confirmed", "i confirm", "solved", "it is solved", "fixed", "it is fixed", "resolved", "it works", "works"),
        *("works again", "it works again", "it works now", "works now", "close it", "close", "you can close it"),
        *("bestätigt", "gelöst", "behoben", "erledigt", "funktioniert", "funktioniert wieder", "es funktioniert"),
        *("es funktioniert wieder", "schließen", "kann geschlossen werden"),
    }
)
_UNSOLVED = frozenset(
    {
        *("not solved", "it is not solved", "not fixed", "it is not fixed", "does not work", "it does not work"),
        *("it still does not work", "still broken", "it is still broken", "do not close", "do not close it"),
        *("nicht gelöst", "nicht behoben", "geht nicht", "es geht nicht", "funktioniert nicht"),
        *("es funktioniert nicht", "nicht schließen"),
    }
)
_OPENING = frozenset(
    {"i", "we", "yes", "ich", "wir", "ja", "do", "will", "hereby", "hiermit", "is", "it's", "change", "ok", "okay"}
)
_UNSURE = ("?", "？", "如果", "但", "除非", "条件", "以后", "之后", "前提")
_QUOTES = (">", "|", "＞")
_WORDS = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


@dataclass(frozen=True, slots=True)
class Decision:
    """What an answer to one of our questions comes to."""

    question: Question
    word: Word | None
    """What it says; None = nothing that is plain."""
    reason: str
    """Why it does not count; empty = it does."""

    @property
    def counts(self) -> bool:
        """It decides."""
        return not self.reason


def read_decision(
    mail: Mail,
    sender: Sender,
    *,
    keys: Sequence[str],
    automatic: bool,
    received_at: int | None,
    written_at: int | None,
    late_hours: int,
) -> Decision | Literal["forged"] | None:
    """Return what the mail decides or claims to; None where it answers no question, `forged` where it only pretends to."""
    question, foreign, several = _question(mail, sender, keys)
    if question is None:
        return "forged" if foreign else None
    word = say(own_line(mail.text))
    reason = _reason(
        question,
        sender,
        automatic=automatic,
        received_at=received_at,
        written_at=written_at,
        late_hours=late_hours,
    )
    if not reason and several:
        reason = "it answers several questions"
    if not reason and word is None:
        reason = "its first line does not plainly say APPROVE or REJECT"
    return Decision(question, word, reason)


def say(line: str) -> Word | None:
    """Return what a line says; None where it is not plain. Whatever is doubted or tied to a condition is not."""
    line = line.strip().lower().replace("’", "'")
    words = _WORDS.findall(line[:_LONGEST])
    if len(line) > _LONGEST or line[:1] in _QUOTES or any(sign in line for sign in _UNSURE) or _CONDITION & set(words):
        return None
    begin = next((place for place, word in enumerate(words) if _meaning(word)), None)
    if begin is None or not set(words[:begin]) <= _OPENING | _NOT:
        return None
    said = {_meaning(word) for word in words} - {None}
    only = said.pop()
    # "approved - not at all" and "approved, no objection" look alike.
    if said or (only == "approved" and _NOT & set(words[begin:])):
        return None
    if not _NOT & set(words[:begin]):
        return only
    return "rejected" if only == "approved" else None


def say_solved(line: str) -> Literal["approved", "rejected"] | None:
    """Return whether a line says, and says nothing else, that a ticket is solved or that it is not; None = neither."""
    words = tuple(_WORDS.findall(line[:_LONGEST].lower().replace("’", "'")))
    if len(line) > _LONGEST or line.lstrip()[:1] in _QUOTES or any(sign in line for sign in _UNSURE):
        return None
    while words and words[0] in _POLITE:
        words = words[1:]
    while words and words[-1] in _POLITE:
        words = words[:-1]
    said = " ".join(words)
    return "approved" if said in _SOLVED else "rejected" if said in _UNSOLVED else None


def _meaning(word: str) -> Word | None:
    if word in _APPROVE:
        return "approved"
    if word in _REJECT:
        return "rejected"
    if word in _WITHDRAW:
        return "withdrawn"
    return "abstained" if word in _ABSTAIN else None


def _question(mail: Mail, sender: Sender, keys: Sequence[str]) -> tuple[Question | None, bool, bool]:
    """Return the question it answers, whether there is only a token that is none of ours, and whether there are several."""
    foreign = False
    other: Question | None = None
    for place in ("in-reply-to", "references", "text"):
        texts = [mail.text] if place == "text" else mail.all(place)
        found: list[Question] = []
        for token in (token for text in texts for token in find_tokens(text)):
            question = read_token(token, keys)
            if question is None:
                foreign = True
            elif isinstance(question, Question):
                found.append(question)
        fitting = [one for one in found if is_of(one, sender.address)]
        if fitting:
            return fitting[-1], False, len({(one.subject, one.revision) for one in fitting}) > 1
        other = other or next(iter(found), None)
    return other, foreign and other is None, False


def _reason(
    question: Question,
    sender: Sender,
    *,
    automatic: bool,
    received_at: int | None,
    written_at: int | None,
    late_hours: int,
) -> str:
    came, written = received_at or 0, written_at or 0
    wrong = (
        (automatic, "a machine sent it"),
        (not sender.is_proven, sender.reason),
        (not is_of(question, sender.address), "it does not come from the address that was asked"),
        (received_at is None, "no server of our own says when it came"),
        (came < question.asked_at - _HOUR_MS, "it came before it was asked for"),
        (written_at is None, "it does not say when it was written"),
        (abs(came - written) > late_hours * _HOUR_MS, f"it came more than {late_hours} hours after it was written"),
    )
    return next((reason for is_so, reason in wrong if is_so), "")
