from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.conformance.answer import VERDICTS, Answers, CoverageRow, FindingRow, RequirementRow, Subject
from hub.report.compile import compile_conformance
from hub.report.model import ReportModel, decode_model, encode_model
from hub.report.person import initials
from hub.report.wording import change_sentence

DAY = 86_400_000
AS_OF = 1_793_692_800_000


def _line(model: ReportModel, number: int):
    return next(line for line in model.nonconformities if line.subject.key == f"CHG-{number}")


def test_what_the_fixture_says(report):
    assert report.status.word == "INCOMPLETE/RED"
    assert report.not_met_critical == 2
    assert report.counts.of("not_judged") == 266
    assert [row.severity for row in report.by_severity] == ["critical", "major", "minor"]
    assert [row.before.of("not_met") for row in report.by_severity] == [2, 3, 0]
    assert [row.clause for row in report.clauses] == ["7.2", "8.2"]


def test_actions_are_grouped_critical_first_then_by_due_date(report):
    assert [(a.severity, a.requirement, a.subject.key, a.more) for a in report.actions] == [
        ("critical", "BS15000-8.2-c", "CHG-401", 7),
        ("critical", "BS15000-8.2-e", "CHG-431", 0),
        ("major", "BS15000-7.2-b", "PRB-77", 0),
        ("major", "BS15000-7.2-d", "PRB-81", 0),
        ("major", "BS15000-8.2-d", "CHG-433", 0),
    ]
    assert report.actions[0].late
    assert report.actions[0].owner.label == "change manager (CS)"


def test_change_since_the_last_report(report, first):
    change = report.change
    assert first.change is None
    assert change.since == "SR-example-organisation-conformance-2026-09 r1"
    assert (change.new, change.continuing) == (8, 4)
    assert [(line.subject.key, line.state, line.news) for line in change.resolved] == [("CHG-400", "cured", "resolved")]
    assert {line.subject.key for line in change.worse} == {"PRB-77", "CHG-401", "CHG-402", "CHG-403"}
    assert [(m.requirement, m.worse) for m in change.moved] == [("BS15000-7.2-d", True), ("BS15000-8.2-b", False)]
    assert _line(report, 404).news == "new"
    assert _line(report, 401).news == "continuing"


def test_a_finding_the_store_no_longer_knows_is_told_as_withdrawn(answers, first, make_identity):
    without = msgspec.structs.replace(answers, findings=[])
    model = compile_conformance(without, identity=make_identity("2026-10", AS_OF), previous=first)
    assert {line.state for line in model.change.resolved} == {"withdrawn"}
    assert model.change.new == model.change.continuing == 0


def test_changed_rules_are_said(answers, first, make_identity):
    identity = msgspec.structs.replace(make_identity("2026-10", AS_OF), catalogue_version="bs15000 2026.2")
    anew = msgspec.structs.replace(answers, derived_anew=["BS15000-7.2-d"])
    model = compile_conformance(anew, identity=identity, previous=first)
    assert model.change.notes == ["Catalogue changed from bs15000 2026.1 to bs15000 2026.2."]
    assert [m.by_rules for m in model.change.moved] == [True, False]


def test_a_breach_cured_in_its_period_stays_in_the_report(make_finding, make_identity):
    unit = Subject(id="d:issue/1", kind="change", key="CHG-1")
    cured = make_finding(1, "8.2-c", unit, "register:people/clara", state="cured", cured_at=AS_OF - DAY)
    before = msgspec.structs.replace(cured, breached_at=make_identity("2026-10", AS_OF).period.start - 1)
    model = compile_conformance(_answers([cured]), identity=make_identity("2026-10", AS_OF), previous=None)
    assert [line.state for line in model.nonconformities] == ["cured"]
    assert model.actions == []
    model = compile_conformance(_answers([before]), identity=make_identity("2026-10", AS_OF), previous=None)
    assert model.nonconformities == []


@pytest.mark.parametrize(
    ("through", "reason", "optional", "unread"),
    [
        (AS_OF, "", [], False),
        (AS_OF - 10 * DAY, "", [], True),  # ends inside the period
        (None, "", [], True),
        (AS_OF, "two issues could not be read", [], True),
        (None, "no permission", ["desk"], False),
    ],
)
def test_a_source_not_read_makes_it_incomplete_though_all_is_met(make_identity, through, reason, optional, unread):
    coverage = [CoverageRow(source="desk", scope="OPS", kind="change", through=through, reason=reason, records=1)]
    given_answers = msgspec.structs.replace(_answers([], met=5), coverage=coverage, optional_sources=optional)
    model = compile_conformance(given_answers, identity=make_identity("2026-10", AS_OF), previous=None)
    assert model.status.word == ("INCOMPLETE" if unread else "GREEN")


def test_people_are_named_by_role_and_initials_unless_allowed(answers, make_identity):
    hidden = encode_model(compile_conformance(answers, identity=make_identity("2026-10", AS_OF), previous=None))
    named = encode_model(
        compile_conformance(answers, identity=make_identity("2026-10", AS_OF), previous=None, names=True)
    )
    for name in (b"Clara", b"Novak", b"Dana"):
        assert name not in hidden
        assert name in named


@pytest.mark.parametrize(
    ("name", "short"), [("Ann-Marie Li", "AML"), ("王小明", "王"), ("", ""), ("o'neill  b.", "OB"), ("(none)", "")]
)
def test_initials(name, short):
    assert initials(name) == short


def test_model_survives_the_store(report):
    assert decode_model(encode_model(report)) == report
    assert encode_model(decode_model(encode_model(report))) == encode_model(report)


def _answers(findings: list[FindingRow], met: int = 0) -> Answers:
    rows = [
        RequirementRow(
            requirement=f"R-{n}",
            clause="8.2",
            title="t",
            statement="s",
            severity="minor",
            verdict="met",
            counts={"met": 1},
        )
        for n in range(met)
    ]
    return Answers(requirements=rows, findings=findings, coming=[], coverage=[], waivers=[], gaps=[])


@st.composite
def random_answers(draw: st.DrawFn) -> Answers:
    subject = st.integers(0, 5).map(lambda n: Subject(id=f"d:issue/{n}", kind="change", key=f"CHG-{n}", title="t"))
    instant = st.integers(AS_OF - 90 * DAY, AS_OF)
    findings = draw(
        st.lists(
            st.builds(
                FindingRow,
                id=st.integers(1, 99),
                requirement=st.sampled_from(["R-1", "R-2"]),
                part=st.sampled_from(["a", "b"]),
                clause=st.sampled_from(["8.2", "10.1"]),
                severity=st.sampled_from(["critical", "major", "minor"]),
                unit=subject,
                anchor=st.integers(0, 1),
                state=st.sampled_from(["open", "cured", "waived", "withdrawn"]),
                expected=st.text(max_size=20),
                found=st.text(max_size=20),
                action=st.text(max_size=20),
                breached_at=instant,
                first_seen_at=instant,
                state_at=instant,
                cured_at=st.none() | instant,
                reopened=st.integers(0, 2),
                owner=st.none() | subject,
                due_at=st.none() | instant,
                by_rules=st.booleans(),
                unwaived=st.booleans(),
            ),
            max_size=12,
            unique_by=lambda row: (row.requirement, row.part, row.unit.id, row.anchor),
        )
    )
    verdicts = draw(st.lists(st.sampled_from(VERDICTS), max_size=20))
    requirements = [
        RequirementRow(
            requirement=f"R-{n}",
            clause=f"{n % 11}.1",
            title="t",
            statement="s",
            severity=draw(st.sampled_from(["critical", "major", "minor"])),
            verdict=verdict,
            counts={},
        )
        for n, verdict in enumerate(verdicts)
    ]
    return Answers(requirements=requirements, findings=findings, coming=[], coverage=[], waivers=[], gaps=[])


@settings(max_examples=60, deadline=None)
@given(before=random_answers(), now=random_answers())
def test_nothing_is_lost_between_answers_and_report(make_identity, before, now):
    previous = compile_conformance(before, identity=make_identity("2026-09", AS_OF - 30 * DAY), previous=None)
    model = compile_conformance(now, identity=make_identity("2026-10", AS_OF), previous=previous)
    assert decode_model(encode_model(model)) == model
    open_before = sum(line.state == "open" for line in previous.nonconformities)
    open_now = [line for line in model.nonconformities if line.state == "open"]
    ours = sum(line.state == "open" for line in model.change.redefined)
    gone = len(model.change.redefined) - ours
    resolved, waived, again = (len(model.change.resolved), len(model.change.waived), len(model.change.unwaived))
    assert model.change.continuing + resolved + waived + gone == open_before
    assert model.change.continuing + model.change.new + again + ours == len(open_now)
    counted = {"new": model.change.new, "continuing": model.change.continuing, "redefined": ours, "unwaived": again}
    assert Counter(line.news for line in open_now) == Counter({k: v for k, v in counted.items() if v})
    assert sum(action.more + 1 for action in model.actions) == len(open_now)
    total = Counter(row.verdict for row in now.requirements)
    assert Counter(model.counts.verdicts) == total
    assert sum((Counter(row.now.verdicts) for row in model.by_severity), Counter()) == total
    judged_clauses = sum((Counter(row.counts.verdicts) for row in model.clauses), Counter())
    assert all(judged_clauses[v] == total[v] for v in VERDICTS if v != "not_judged")
    severities = [("critical", "major", "minor").index(action.severity) for action in model.actions]
    assert severities == sorted(severities)
    if any(row.verdict in ("not_met", "not_provable") for row in now.requirements):
        assert model.status.word != "GREEN"


def test_a_waiver_resolves_nothing_and_its_end_is_no_news(answers, make_identity):
    """Open, then waived, then open again: counted apart, neither resolved nor new."""
    row = next(row for row in answers.findings if row.state == "open")
    steps = [row, msgspec.structs.replace(row, state="waived"), msgspec.structs.replace(row, unwaived=True, reopened=1)]
    previous, told = None, []
    for month, step in zip(("2026-08", "2026-09", "2026-10"), steps, strict=True):
        now = msgspec.structs.replace(answers, findings=[step])
        as_of = max(AS_OF - 30 * DAY * (10 - int(month[-2:])), row.first_seen_at)
        previous = compile_conformance(now, identity=make_identity(month, as_of), previous=previous)
        change = previous.change
        told.append(
            change and (change.new, change.continuing, len(change.resolved), len(change.waived), len(change.unwaived))
        )
    assert told == [None, (0, 0, 0, 1, 0), (0, 0, 0, 0, 1)]
    assert "1 open again after a waiver" in change_sentence(previous.change)
    assert [line.news for line in previous.nonconformities] == ["unwaived"]
