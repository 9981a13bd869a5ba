"""Answers without what they answer to, over recorded pairs and our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub_email.parse.reply import first_line, own_line, trim

EQUAL = 57
"""Recorded answers that are trimmed exactly as recorded; the others differ behind their first line."""


def pairs(shared: Path) -> list[tuple[str, str, str]]:
    folder = shared / "recorded" / "email" / "reply_trimmer"
    return [
        (path.name, path.read_text(), (folder / "trimmed" / path.name).read_text().strip())
        for path in sorted((folder / "emails").iterdir())
    ]


def test_the_first_line_that_is_not_quoted_is_right_in_all_recorded_answers(shared: Path):
    recorded = pairs(shared)
    wrong = {
        name: first_line(text)
        for name, text, trimmed in recorded
        if first_line(text)
        != next((x.strip() for x in trimmed.split("\n") if x.strip() and x.strip()[0] not in ">|"), "")
    }
    assert len(recorded) == 64
    assert wrong == {}


def test_most_recorded_answers_are_trimmed_exactly(shared: Path, record_property: pytest.RecordProperty):
    equal = sum(trim(text) == trimmed for _, text, trimmed in pairs(shared))
    record_property("equal_trims", f"{equal} of 64")
    assert equal >= EQUAL


@pytest.mark.parametrize(
    ("text", "trimmed"),
    [
        ("yes\n\nOn Mon, Nov 2, 2026 at 11:00 Ann <a@b.example> wrote:\n> no", "yes"),
        ("ja\n\nAm 02.11.2026 um 11:00 schrieb Ann:\n> nein", "ja"),
        ("yes\n-- \nAnn\nExample Ltd", "yes"),
        ("yes\n\n-----Original Message-----\nFrom: Ann\nSent: Monday\n\nno", "yes"),
        ("> a\nmine\n> b", "> a\nmine"),
        ("yes\n\nSent from my iPhone", "yes"),
        ("on monday we wrote a test", "on monday we wrote a test"),
        ("", ""),
    ],
)
def test_trimmed(text: str, trimmed: str):
    assert trim(text) == trimmed


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("APPROVE\n> REJECT", "APPROVE"),
        ("\n\n  APPROVE  \n", "APPROVE"),
        ("> APPROVE", ""),
        ("On Mon, Nov 2, 2026 at 11:00 Ann <a@b.example> wrote:\nAPPROVE", ""),
        ("From: Ann\nSent: Monday\nSubject: x\n\nAPPROVE", ""),
        ("> q\n\nAPPROVE", "APPROVE"),
    ],
)
def test_own_line_stands_before_anything_that_may_be_somebody_elses(text: str, line: str):
    assert own_line(text) == line
