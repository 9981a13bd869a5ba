"""`hub diff` on a small organisation: a closed month, and a waiver that was given afterwards."""

from __future__ import annotations

import csv
import io
import json

import pytest

from hub.cli.judging import derived, refreshed
from hub.cli.session import Session
from hub.clock import FixedClock, parse_instant
from hub.store.writer import Write, write_records
from hub.testing.factory import waiver

FIRST, LATER = "2026-11-03T08:00:00Z", "2026-11-05T08:00:00Z"
RID = "BS15000-8.2-c"
BOTH = ("--known-at", FIRST, LATER)


@pytest.fixture(scope="module")
def config(small_workplace):
    valid = {"valid_from": parse_instant("2026-10-01T00:00:00Z"), "valid_to": parse_instant("2026-12-01T00:00:00Z")}
    valid["approver"] = "register:people/bruno"  # not who answers for changes
    with Session(small_workplace, clock=FixedClock(parse_instant(LATER) - 3_600_000)) as session:
        with session.store.begin() as conn:
            write_records(conn, [Write(waiver(RID, **valid))], session.clock.now_ms())
        derived(session)
        refreshed(session)
    return small_workplace


@pytest.fixture
def hub(config, run_hub):
    def call(*words: object, output: str = "json", code: int = 0):
        called = run_hub("diff", *words, "--config", config, "--format", output)
        assert called.code == code, called.err + called.out
        return json.loads(called.out) if code == 0 and output == "json" else called.out or called.err

    return call


def test_a_closed_month_differs_by_what_was_learnt_since(hub):
    line, *below = hub(*BOTH, "--period", "2026-10")
    assert (line["requirement"], line["unit"], line["before"]) == (RID, None, "not_met")
    assert line["obligations"] == len(below) > 0
    assert {(one["before"], one["after"]) for one in below} == {("not_met", "waived")}
    assert {(*one["causes"], *one["details"]) for one in below} == {("waiver", "given: register:waivers/1")}
    assert hub(*BOTH) == [line, *below], "the last month that had ended"
    assert hub(*BOTH, "--period", "2026-10", "--requirement", "BS15000-8.2-d") == []
    assert hub(*BOTH, "--period", "2026-08") == []


def test_at_one_instant_all_that_was_ever_owed_is_compared(hub):
    rows = hub(*BOTH, "--as-of", "2026-11-01", "--requirement", RID)
    assert len(rows) >= len(hub(*BOTH, "--period", "2026-10"))
    assert hub(*BOTH, "--as-of", "2026-09-01") == [], "the waiver is not in force yet"


def test_findings_are_told_as_they_stood(config, run_hub):
    def states(*words: str) -> set[str]:
        listed = run_hub("findings", "--all", *words, "--config", config, "--format", "json")
        return {one["state"] for one in json.loads(listed.out) if one["requirement"] == RID}

    assert "open" in (then := states("--known-at", FIRST))
    assert "waived" not in then
    assert states("--known-at", LATER) == {"waived"}


def test_lists_for_people_and_spreadsheets_say_the_same(hub):
    count = len(hub(*BOTH))
    assert len(list(csv.DictReader(io.StringIO(hub(*BOTH, output="csv"))))) == count
    assert len(hub(*BOTH, output="table").splitlines()) == count + 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--known-at", LATER, FIRST), "the first instant is to lie before the second"),
        (("--known-at", "2020-01-01", "2020-01-02"), "nothing had been read by the second instant"),
        ((*BOTH, "--requirement", "BS15000-99"), "no enabled pack has this requirement"),
        ((*BOTH, "--period", "October"), "is no month"),
    ],
)
def test_what_cannot_be_compared_is_refused(hub, words, told):
    assert told in hub(*words, code=2)
