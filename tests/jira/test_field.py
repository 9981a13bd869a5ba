from __future__ import annotations

import msgspec
import pytest

from hub.records import KINDS, PlannedActual, SkippedStep, Weakness
from hub_jira.field import UnconvertibleError, UnknownTargetError, convert, parse_target
from tests.jira.kit import at, configure

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("target", "value", "expected"),
    [
        ("change.backout_plan", {"type": "doc", "content": [{"type": "text", "text": "restore"}]}, "restore"),
        ("change.backout_plan", "  ", None),
        ("change.type", {"value": "Normal", "id": "1"}, "normal"),
        ("change.type", {"value": "Emergency change"}, "emergency"),
        ("change.outcome", {"value": "With issues"}, "with_issues"),
        ("change.outcome", [{"value": "Backed out"}], "backed_out"),
        ("change.irreversible", {"value": "Yes"}, True),
        ("change.irreversible", {"value": "No"}, False),
        ("change.class", {"value": "New service"}, "new_service"),
        ("change.reason", {"value": "New feature"}, "new_feature"),
        ("change.reason", {"value": "Old age"}, "Old age"),
        ("incident.impact", {"value": "2"}, 2),
        ("incident.impact", 2.0, 2),
        ("problem.effectiveness.recurrence_count", 3.0, 3),
        ("satisfaction_survey.score", "4.5", 4.5),
        ("change.actual_start", "2026-03-01T10:00:00.123+0800", at("2026-03-01T02:00:00.123Z")),
        ("change.actual_start", {"iso8601": "2026-03-01T10:00:00+0800", "epochMillis": 1772330400000}, 1772330400000),
        ("improvement_action.due_at", "2026-03-31", at("2026-03-31T22:00:00Z")),
        ("sla.valid_from", "2026-03-31", "2026-03-31"),
        ("review.agenda", [{"value": "one"}, {"value": "two"}], ["one", "two"]),
        ("change.skipped_steps", "test: no time\napproval", [SkippedStep(step="test", reason="no time"), SkippedStep(step="approval")]),
        ("review.process_weaknesses", "late tests\nnone", [Weakness(text="late tests")]),
        ("review.process_weaknesses", "None", []),
        (
            "review.planned_vs_actual",
            "time | 2 h | 3 h\ncost | n/a: in house",
            [PlannedActual(aspect="time", planned="2 h", actual="3 h"), PlannedActual(aspect="cost", not_applicable_reason="in house")],
        ),
    ],
)  # fmt: skip
def test_a_value_becomes_what_the_record_asks_for(target, value, expected):
    found = convert(parse_target(target), value, options={"Emergency change": "emergency"}, zone=BERLIN)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("target", "value", "reason"),
    [
        ("change.actual_start", "2026-03-01T10:00:00", "time without zone"),
        ("change.actual_start", "2026-02-30T10:00:00+0000", "impossible time"),
        ("change.actual_start", "0001-01-01T00:00:00+1400", "impossible time"),
        ("change.actual_start", "2026-03-01", "day without time"),
        ("change.actual_start", ["x"], "not a time"),
        ("improvement_action.due_at", "2026-13-41", "impossible time"),
        ("change.type", {"value": "Sideways"}, "word without a neutral value"),
        ("incident.impact", {"value": "High"}, "not a number"),
        ("incident.impact", "1.5", "not a whole number"),
        ("incident.impact", "1e400", "not a whole number"),
        ("change.irreversible", "perhaps", "neither yes nor no"),
        ("change.backout_plan", [{"value": "a"}, {"value": "b"}], "not a single value"),
        ("sla.valid_from", "soon", "not a date"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(target, value, reason):
    with pytest.raises(UnconvertibleError, match=f"^{reason}$"):
        convert(parse_target(target), value, options={}, zone=BERLIN)


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("chnge.type", "did you mean 'change'"),
        ("change.backoutplan", "did you mean 'backout_plan'"),
        ("change.impact.servce", "did you mean 'service'"),
        ("change.impact", "name one of them"),
        ("change.risk.deep", "no fields of its own"),
    ],
)
def test_a_wrong_name_is_refused_with_the_nearest(target, hint):
    with pytest.raises(UnknownTargetError, match=hint):
        parse_target(target)


def test_settings_name_the_wrong_word():
    for change, hint in [
        ({"fields": {"customfield_1": "change.typ"}}, "did you mean 'type'"),
        ({"issue_types": {"Task": "chnge"}}, "did you mean change"),
        ({"url": "https://u:p@host"}, "holds a credential"),
        ({"url": "http://[::bad"}, "not an address"),
        ({"url": "ftp://host"}, "not an address"),
        ({"time_zone": "Berlin"}, "Europe/Berlin"),
        ({"user": None}, "user is missing"),
        ({"colour": "red"}, "colour"),
        ({"statuses": {"Open": "fresh"}}, "statuses"),
    ]:
        with pytest.raises(ValueError, match=hint):
            configure(**change)


def test_settings_do_not_show_the_token():
    assert "never-shown" not in repr(configure())
    assert configure(token="file-with-newline\n").token.get_secret_value() == "file-with-newline"
    with pytest.raises(ValueError, match="characters no token has") as caught:
        configure(token="half a-secret")
    assert "half a-secret" not in str(caught.value)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_field_is_a_target_or_a_group(kind):
    for each in msgspec.structs.fields(KINDS[kind]):
        refused = None
        try:
            parse_target(f"{kind}.{each.encode_name}")
        except UnknownTargetError as fault:
            refused = str(fault)
        assert refused is None or "name one of them" in refused
