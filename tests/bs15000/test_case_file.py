"""What is wrong in a table of tests is said by name; what is written short means what it should."""

from __future__ import annotations

import pytest

from hub.records.base import Event, Since
from hub.testing.factory import at
from tests.bs15000.case_file import CaseFaultError, instant, read_file, written


@pytest.fixture
def read(tmp_path):
    def reading(text: str, name: str = "8.2.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return [draft.read() for draft in read_file(path)]

    return reading


def table(records: str, *, verdict: str = "met", more: str = "") -> str:
    return f"as_of: day 40\n8.2-c:\n  cases:\n    - {verdict}: it is\n      {more}\n      records: [{records}]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (table("change a:b: {typ: normal}"), "change a:b has no field 'typ', is 'type' meant?"),
        (table("change a:b: {type: usual}"), "Invalid enum value 'usual'"),
        (table("change a:b: {tests: [{passed: true}]}"), "unknown field `passed`"),
        (table("change a:b: {actual_start: monday}"), "'monday' is no instant: write `day 3`"),
        (table("change a:b: {since: {revison: day 1}}"), "since names no field 'revison', is 'revision' meant?"),
        (table("chnge a:b"), "unknown kind 'chnge', is 'change' meant?"),
        (table("change b"), "expected `KIND SOURCE:ID: {fields}`"),
        (table("change a:b: {outcome: failed, outcome: cancelled}"), "'outcome' stands twice"),
        (table("change a:b, approval a:b: {subject_id: a:b}"), "a:b is a change and a approval"),
        (table("change a:b", verdict="passed"), "case 1: expected `- VERDICT: what it shows` with one of met,"),
        (table("change a:b", more="unreed: [change]"), "a case has no 'unreed', is 'unread' meant?"),
        (table("change a:b", more="without: [a:c]"), "without: a:c is not among the records"),
        ("9-a:\n  cases: []\n", "only requirements 8.2-…"),
        ("8.2-c:\n  case: []\n", "8.2-c: expected `cases:` with a list"),
        ("8.2-c:\n  cases:\n    - met: it is\n", "as_of is not given"),
        ("8.2-c: [\n", "8.2.yaml: "),
    ],
)
def test_a_fault_is_named(read, text, said):
    with pytest.raises(CaseFaultError) as raised:
        read(text)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("day 0", at()),
        ("day -2.5", at(-2.5)),
        ("day 3 14:05", at(3, hours=14, minutes=5)),
        ("day 3 +90m", at(3, minutes=90)),
        ("day 3 09:00 -1ms", at(3, hours=9) - 1),
        ("2026-01-08", at(3)),
        ("2026-01-08T15:00+01:00", at(3, hours=14)),
    ],
)
def test_instants_are_written_short(text, moment):
    assert instant(text) == moment


def test_instants_are_written_back():
    assert [written(moment) for moment in (at(-0.5), at(3, hours=14), at(1) - 1)] == [
        "day -1 12:00",
        "day 3 14:00",
        "day 0 23:59:59.999",
    ]


def test_a_line_repeated_lays_fields_over_fields(read):
    (case,) = read(
        table(
            "change a:b: {impact: {service: x, by: a:c}, labels: [l], risk: low, since: {risk: day 1, impact: day 1}}, "
            "change a:b: {impact: {service: y}, labels: [m], risk: ~, since: {risk: day 2}}"
        )
    )
    (one,) = case.records
    assert (one.impact.service, one.impact.by, one.labels, one.risk, one.created_at) == ("y", "a:c", ["m"], None, at())
    assert one.since == [Since(field="risk", at=at(2)), Since(field="impact", at=at(1))]


def test_since_one_instant_counts_for_all_that_is_said(read):
    (case,) = read(table("change a:b: {impact: {service: x}, backout_plan: undo, labels: [l], since: day 1}"))
    assert {row.field for row in case.records[0].since} >= {"impact", "impact.service", "backout_plan"}
    assert {row.at for row in case.records[0].since} == {at(1)}


def test_words_of_yaml_that_mean_something_else_stay_words(read):
    (case,) = read(table("shift a:b: {start: day 1, log_ons: [{person: a:p, on: day 1, off: day 2}]}"))
    assert (case.records[0].log_ons[0].on, case.records[0].log_ons[0].off) == (at(1), at(2))
    (case,) = read(table("change a:b: {reason: no, events: [{type: assigned, at: day 1, from: x, to: y}]}"))
    assert case.records[0].reason == "no"
    assert case.records[0].events == [Event(type="assigned", at=at(1), from_="x", to="y")]
