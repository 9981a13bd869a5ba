"""What a compiled report says: figures, narrowed to its readers, honest about what was not read."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import msgspec
import pytest

from hub.errors import HubError
from hub.records import MetricDefinition, Service, Target
from hub.report.plan.plan import Terms
from hub.report.service.chapter import Dated
from hub.report.service.draw import files_of
from hub.report.service.model import decode_compiled, encode_compiled
from hub.report.service.neighbour import period_after, period_before
from hub.report.service.order import ALL, chapters_of, language_of
from hub.report.service.summary import LONGEST
from hub.store.reading import record_coverage
from tests.report.plan.conftest import at, spec
from tests.report.service.conftest import ACME, ID, OCTOBER, PAY, READ, SHOP, measured, settle, sla, ticket


def tables(report, number):
    """Return name -> rows of a chapter's tables."""
    chapter = next(one for one in report.chapters if one.number == number)
    return {part.table.name: [list(row) for row in part.table.rows] for part in chapter.parts if part.table}


def sentences(report, number):
    chapter = next(one for one in report.chapters if one.number == number)
    return [(part.said or part.dated).phrase for part in chapter.parts if part.said or part.dated]


def line(report, start):
    return next(one for one in report.metrics if one.metric_id.startswith(start))


def test_a_customer_report_has_all_fourteen_and_each_says_something(compiled):
    report = compiled()
    assert [one.number for one in report.chapters] == list(ALL)
    assert all(one.parts or one.absent for one in report.chapters)
    assert report.present == 14
    front = sentences(report, 1)
    assert front[0] == "Report {report}, revision {revision}"
    assert "Data as of {when}" in front
    dated = [part.dated for part in report.chapters[0].parts if part.dated]
    assert isinstance(dated[0], Dated)
    assert dated[0].days == {"first": OCTOBER[0], "last": OCTOBER[1] - 1}


def test_each_target_with_its_parts_rounded_down(compiled):
    report = compiled()
    rate = line(report, "resolution/register:slas/acme/p1")
    assert (rate.current_numerator, rate.current_denominator, rate.current_actual) == (2, 3, 66.66)
    assert (rate.current_target, rate.next_target, rate.verdict) == (90, 90, "missed")
    levels = tables(report, 3)
    assert levels["Levels"][0][:9] == [
        "Agreement acme", "resolution P1 <= 4 h on 7x24", "100.00 %", "", "66.66 %", "90.00 %", "missed", ">= 90 %", "2/3",
    ]  # fmt: skip
    assert levels["Missed"] == [
        [
            "INC-3", "Shop is slow 3", "resolution", at("2026-10-05T13:00"), at("2026-10-05T18:00"), "disk full",
            at("2026-10-05T15:00"),
        ]
    ]  # fmt: skip


def test_what_is_open_and_nearly_late_is_named(compiled):
    open_then = tables(compiled(when="2026-11-01T01:30"), 3)["Still open and at risk"]
    assert open_then == []  # the clock began at ten and warns at 01:12, after the period's end
    begun = tables(compiled(ID, "2026-11-02T09:00"), 14)["Tickets counted"]
    assert [row[0] for row in begun] == ["INC-1", "INC-2", "INC-3"]


def test_a_level_nobody_measured_before_is_new_and_not_nought(compiled):
    report = compiled()
    new = line(report, "availability/register:services/pay")
    assert (new.new_metric, new.previous_actual) == (True, None)
    shown = next(row for row in tables(report, 3)["Levels"] if row[0] == "Payroll")
    assert shown[2] == "new metric"


def test_what_was_not_watched_proves_nothing(compiled):
    report = compiled()
    pay = line(report, "availability/register:services/pay")
    assert (pay.current_actual, pay.verdict, pay.current_coverage) == (100.0, "not_provable", 0.5)
    shown = {row[0]: row for row in tables(report, 5)["Availability"]}
    assert shown["Payroll"][-2:] == ["no", "too little of it was watched"]
    assert shown["Shop"][4:6] == [447, "yes"]
    assert ["Payroll: availability", "too little of it was watched"] in tables(report, 13)[
        "Figures that cannot be told"
    ]


def test_a_declared_availability_is_told_as_declared_and_added_to_nothing(store, compiled):
    by_hand = measured(PAY, OCTOBER, 99.7, id="register:measurements/pay", numerator=None)
    by_hand = msgspec.structs.replace(by_hand, source="register", denominator=None)
    named = spec(valid_from="2026-09-01", valid_to="2026-12-01", metrics=["availability"])
    settle(store, now=READ + 1, more=[by_hand, named])
    report = compiled()
    pay = line(report, "availability/register:services/pay")
    assert (pay.current_actual, pay.verdict, pay.current_numerator, pay.current_denominator) == (
        99.7,
        "met",
        None,
        None,
    )
    assert pay.comment.startswith("declared, no minutes were counted")
    shown = {row[0]: row for row in tables(report, 5)["Availability"]}
    assert shown["Payroll"][2:] == ["99.70 %", "100.00 %", None, "yes", "declared, no minutes were counted"]
    assert next(row for row in tables(report, 3)["Levels"] if row[0] == "Payroll")[4:7] == ["99.70 %", "99.50 %", "met"]
    large = line(report, "availability")
    assert (large.current_actual, large.verdict) == (99.0, "not_provable"), "the shop's minutes alone"
    assert large.comment.startswith("a declared percentage is added to nothing")
    unmeasured = measured(PAY, OCTOBER, 100.0, coverage=0.5, metric_id="another")
    settle(store, now=READ + 2, more=[msgspec.structs.replace(by_hand, coverage=None), named, unmeasured])
    pay = line(compiled(), "availability/register:services/pay")
    assert (pay.current_actual, pay.verdict) == (99.7, "not_provable")
    assert "declared, no minutes were counted; how much was watched is not known" in pay.comment


def test_unread_tickets_are_never_told_as_met(store, compiled):
    assert compiled().metrics[0].verdict == "missed"
    settle(store, more=[ticket(3, "2026-10-05T09:00", 1)], now=READ + 2)
    with store.begin() as conn:
        record_coverage(conn, "desk", "", "incident", through=None, reason="403 Forbidden", known_at=READ + 3)
    report = compiled()
    rate = line(report, "resolution/")
    assert (rate.current_actual, rate.verdict) == (100.0, "not_provable")
    assert "not every ticket was read" in rate.comment
    gaps = tables(report, 13)["Missing or partial data"]
    assert [(row[0], row[2], row[4]) for row in gaps] == [("desk", "incident", "it could not be read")]
    assert any(text.startswith("Tickets were not read to the end") for text in sentences(report, 3))


def test_tickets_none_of_which_can_be_measured_are_not_no_cases(store, compiled):
    no_end = [ticket(n, f"2026-10-0{n + 1}T09:00", -1) for n in (1, 2, 3)]
    named = spec(valid_from="2026-09-01", valid_to="2026-12-01", metrics=["resolution"])
    settle(store, more=[*no_end, named], now=READ + 2)
    report = compiled()
    rate, all_of_them = line(report, "resolution/register:slas/acme/p1"), line(report, "resolution")
    assert (rate.current_actual, rate.verdict, rate.missing_reason) == (
        None,
        "not_provable",
        "some cases cannot be measured",
    )
    assert (all_of_them.verdict, all_of_them.missing_reason) == (
        "not_provable",
        "not every ticket was read or can be measured",
    )
    shown = {row[1]: row[4] for row in tables(report, 3)["Levels"]}
    assert shown["resolution P1 <= 4 h on 7x24"] == "some cases cannot be measured"


def test_nobody_measured_is_told_as_that_and_not_as_no_cases(compiled):
    empty = {one.table.name: one.table.empty for one in compiled().chapters[4].parts if one.table}
    assert (empty["Outages"], empty["Measured levels"]) == ("no outage is recorded", "nothing was measured")


def test_nothing_of_another_customer_on_the_same_service_is_told(compiled):
    report = compiled()
    files = files_of(report, frozenset())
    for name, body in files.items():
        told = body
        if name.endswith(".xlsx"):
            with zipfile.ZipFile(io.BytesIO(body)) as book:
                told = b"".join(book.read(one) for one in book.namelist())
        assert b"Secret" not in told
        assert b"INC-90" not in told
        assert b"slas/other" not in told
    assert "Shop is slow 3" in files[f"{ID}-r1.html"].decode()


def test_a_customer_of_nothing_is_never_told_of_everybody(store, compiled):
    lonely = spec(id="register:report_catalogue/lonely", customer_id="register:customers/lonely")
    settle(store, more=[lonely], now=READ + 1)
    report = compiled("SR-register-customers-lonely-monthly_service-2026-10")
    assert report.metrics == []
    assert tables(report, 14)["Tickets counted"] == []


def test_the_target_of_the_next_period_is_that_of_the_version_then_in_force(store, compiled):
    goal = [Target(id="p1", metric="resolution", priority="P1", operator="<=", value=4, unit="h", calendar="7x24"),
            Target(id="goal", metric="attainment", operator=">=", value=97, unit="%")]  # fmt: skip
    settle(
        store,
        now=READ + 1,
        more=[sla("acme", ACME, valid_to="2026-11-01"), sla("acme2", ACME, valid_from="2026-11-01", targets=goal)],
    )
    assert line(compiled(), "resolution/").next_target == 97
    settle(
        store,
        now=READ + 2,
        more=[sla("acme", ACME, valid_to="2026-11-01"), sla("acme2", ACME, valid_from="2026-11-01", signed_at=None)],
    )
    report = compiled()
    assert line(report, "resolution/").next_target is None
    assert tables(report, 3)["Levels"][0][7] == "not agreed"
    assert report.content.findings == []


def test_a_year_without_a_next_target_is_a_finding(store, compiled):
    row = spec(type="annual_quality", frequency="year", valid_from="2025-01-01", valid_to=None)
    defined = MetricDefinition(id="register:metrics/1", source="register", title="Disk used", metric_id="disk", unit="%",
                               target=80, direction="down", valid_from="2025-01-01", valid_to="2026-01-01", formula="used / size")  # fmt: skip
    year = at("2025-01-01T00:00"), at("2026-01-01T00:00")
    disk = measured(SHOP, year, 70, id="mon:disk/y", metric_id="disk", numerator=7, target=None)
    settle(store, now=READ + 1, more=[row, defined, disk])
    report = compiled("SR-acme-gmbh-annual_quality-2025")
    found = next(one for one in report.metrics if one.metric_id == "disk")
    assert (found.current_actual, found.current_target, found.verdict, found.retired) == (70, 80, "met", True)
    lacking = [one.text for one in report.content.findings]
    assert lacking == []  # the only one ends, and availability has the target of its service
    settle(store, now=READ + 2, more=[row, disk, msgspec.structs.replace(defined, valid_to=None, target=None)])
    report = compiled("SR-acme-gmbh-annual_quality-2025")
    assert [one.text for one in report.content.findings] == ["No target is agreed for the year to come: Disk used."]
    assert "Finding: no target is agreed for the year to come for {names}." in sentences(report, 3)


def test_a_named_metric_has_a_value_or_a_reason(store, compiled):
    row = spec(
        valid_from="2026-09-01", valid_to="2026-12-01", metrics=["resolution", "availability", "disk", "first_fix"]
    )
    settle(store, now=READ + 1, more=[row])
    told = {one.metric_id: one for one in compiled().metrics}
    assert told["resolution"].current_actual == 66.66
    assert (told["availability"].current_actual, told["availability"].verdict) == (99.3333, "not_provable")
    assert told["disk"].current_actual == 91
    assert told["first_fix"].missing_reason == "no measurement of it was read for the period"
    assert told["first_fix"].verdict == "not_provable"


def test_a_named_metric_measured_twice_over_the_same_time_counts_once(store, compiled):
    row = spec(valid_from="2026-09-01", valid_to="2026-12-01", metrics=["disk"])
    week = (OCTOBER[0], OCTOBER[0] + 7 * 86_400_000)
    month, part = (
        msgspec.structs.replace(measured(SHOP, span, use, id=name, metric_id="disk", numerator=use), denominator=100)
        for span, use, name in ((OCTOBER, 90, "mon:disk/10"), (week, 10, "mon:disk/week"))
    )
    settle(store, now=READ + 1, more=[row, month, part])
    told = line(compiled(), "disk")
    assert (told.current_actual, told.current_denominator, told.evidence_ids) == (90, 100, ["mon:disk/10"])


def test_the_summary_is_half_a_page_and_asks_three_things(compiled):
    report = compiled()
    half = report.content.summary
    assert half.words <= LONGEST
    assert [one.text.split("?")[0][:24] for one in report.content.decisions_asked] == [
        "What shall be done so th", "Shall disk be extended", "Who finishes 1 improveme",
    ]  # fmt: skip
    assert {one.service_id.rpartition("/")[2]: one.verdict for one in report.content.verdicts} == {"shop": "missed", "pay": "not_provable"}  # fmt: skip


def test_the_summary_stays_half_a_page_with_eighty_services(store, compiled):
    many = [
        Service(id=f"register:services/{n}", source="register", title=f"A service of a long name, number {n}", customer_id=ACME)
        for n in range(80)
    ]  # fmt: skip
    settle(store, now=READ + 1, more=many)
    report = compiled()
    assert report.content.summary.words <= LONGEST
    assert "{n} more services: see chapter 3." in sentences(report, 2)
    assert len(report.content.verdicts) == 82


def test_the_same_report_gives_the_same_bytes_in_both_languages(compiled):
    report = compiled()
    for language in ("en", "zh"):
        one = msgspec.structs.replace(report, language=language)
        first = files_of(one, frozenset())
        assert sorted(name.rpartition(".")[2] for name in first) == ["html", "json", "pdf", "xlsx"]
        assert first == files_of(decode_compiled(encode_compiled(one)), frozenset())
    page = first[f"{ID}-r1.html"].decode()
    assert '<html lang="zh-Hans">' in page
    for english in ("Attainment", "Verdict", "not provable", "no cases", "Oct 2026"):
        assert english not in page, english
    assert "2026年10月31日" in page


def test_an_event_report_is_about_its_event_and_its_customer(store, compiled):
    row = spec(
        id="register:report_catalogue/mi", type="major_incident", class_="event", customer_id=None, frequency=None
    )
    major = ticket(3, "2026-10-05T09:00", 9, major=True)
    settle(store, now=READ + 1, more=[msgspec.structs.replace(row, valid_to=None), major])
    report = compiled("SR-example-organisation-major_incident-inc-3")
    assert [one.number for one in report.chapters] == [1, 2, 7, 12, 13, 14]
    assert report.chapters[2].title == "Major incident"
    body = files_of(report, frozenset())[f"{report.report_id}-r1.html"]
    assert b"INC-3" in body
    assert b"INC-90" not in body
    assert b"Secret" not in body


GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_same_report_gives_the_same_bytes_as_last_year(compiled, language):
    """Golden files, for the pinned versions and both engines; GOLDEN=write writes them anew."""
    report = msgspec.structs.replace(compiled(), language=language)
    body = files_of(report, frozenset())[f"{ID}-r1.html"]
    file = GOLDEN / f"service.{language}.html"
    if os.environ.get("GOLDEN") == "write":
        file.write_bytes(body)
    assert file.read_bytes() == body


def test_a_chapter_without_data_says_why(compiled):
    page = files_of(compiled(), frozenset())[f"{ID}-r1.html"].decode()
    assert "Not available because no source provides change, release, deployment." in page


def test_texts_from_tools_are_escaped(store, compiled):
    settle(store, now=READ + 1, more=[ticket(3, "2026-10-05T09:00", 9, title="<img src=x onerror=alert(1)>")])
    page = files_of(compiled(), frozenset())[f"{ID}-r1.html"].decode()
    assert "<img" not in page
    assert "&lt;img src=x" in page


def terms(**fields) -> Terms:
    return Terms(
        report_id="SR-x", spec="s", customer_name="x", label="2026-10", start=0, end=1, zone="UTC", due_at=2, **fields
    )


@pytest.mark.parametrize(
    ("fields", "chapters"),
    [
        ({"type": "monthly_service"}, ALL),
        ({"type": "annual_quality"}, ALL),
        ({"type": "internal_process", "process": "problem"}, (1, 2, 7, 12, 13, 14)),
        ({"type": "finance"}, (1, 2, 10, 12, 13, 14)),
        ({"type": "major_change"}, (1, 2, 8, 12, 13, 14)),
        ({"type": "breach_cluster"}, (1, 2, 3, 4, 7, 12, 13, 14)),
        ({"type": "major_incident"}, (1, 2, 7, 12, 13, 14)),
        ({"type": "special", "template": "finance.zh"}, (1, 2, 10, 12, 13, 14)),
    ],
)
def test_which_chapters_a_type_has(fields, chapters):
    assert chapters_of(terms(**fields)) == chapters


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"type": "conformance"}, "cannot be compiled; give its files"),
        ({"type": "internal_process", "process": "tea"}, "the process 'tea' has no chapters"),
    ],
)
def test_what_nobody_can_compile_is_refused(fields, wrong):
    with pytest.raises(HubError, match=wrong):
        chapters_of(terms(**fields))


def test_the_template_says_the_language():
    assert language_of(terms(type="finance")) == "en"
    assert language_of(terms(type="finance", template="finance.zh")) == "zh"
    with pytest.raises(HubError, match="names no language; known: en, zh"):
        language_of(terms(type="finance", template="finance.tlh"))


@pytest.mark.parametrize(
    ("label", "before", "after"),
    [("2026-01", "2025-12", "2026-02"), ("2026-Q1", "2025-Q4", "2026-Q2"), ("2026-H2", "2026-H1", "2027-H1"), ("2026", "2025", "2027")],
)  # fmt: skip
def test_the_periods_beside_one(label, before, after):
    months = {"2026-H2": "2026-07"}.get(label, "2026-01")
    ends = {"2026-01": "2026-02", "2026-Q1": "2026-04", "2026-H2": "2027-01", "2026": "2027-01"}[label]
    given = {"label": label, "start": at(f"{months}-01T00:00"), "end": at(f"{ends}-01T00:00"), "zone": "Europe/Berlin"}
    own = msgspec.structs.replace(terms(type="monthly_service"), **given)
    earlier, later = period_before(own), period_after(own)
    assert (earlier.label, earlier.ends_at, later.label, later.starts_at) == (before, own.start, after, own.end)
