"""A compiled report on its way: drafted, approved, sent, archived; the next period repeats it as issued."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import msgspec
import pytest

from hub.cli.session import Session
from hub.clock import FixedClock
from hub.errors import HubError
from hub.records import Incident, Service, ServiceReport
from hub.report.channel import Receipt
from hub.report.deliver import Way, deliver_waiting
from hub.report.plan.act import ask, decide, draft, queue_messages
from hub.report.plan.archive import archive
from hub.report.plan.desk import Desk
from hub.report.plan.figure import process_figures
from hub.report.plan.record import refresh_reports
from hub.report.plan.verify import verify_folder
from hub.report.service.drafting import draft_compiled, preview
from hub.report.service.model import decode_compiled
from hub.store.report_log import file_of
from hub.store.revision import read_record
from hub.store.writer import Write, write_records
from tests.report.plan.conftest import OFFICE, at
from tests.report.service.conftest import ACME, HOUSE, ID, OCTOBER, READ, records, settle, ticket

SEPTEMBER_ID = ID.replace("2026-10", "2026-09")
WHEN = "2026-10-02T09:00"


class Taken:
    def check(self):
        return []

    def deliver(self, message):
        return Receipt(accepted=message.recipients, detail="250 ok")


WAYS = {"mail": Way(Taken(), send=True, addressed=True)}


@pytest.fixture
def issued(store, desk):
    """The report of September, handed over on 2 October."""
    hand_over(store, desk, SEPTEMBER_ID, WHEN)
    return store


def hand_over(store, desk, report, when):
    desk(lambda own: draft_compiled(own, report, HOUSE, login="x"), when)
    desk(lambda own: ask(own, report, login="x"), when)
    for who in ("ben", "carla"):
        desk(
            lambda own, who=who: decide(
                own, report, "approved", revision=None, person=f"register:people/{who}", login="x"
            ),
            when,
        )
    desk(lambda own: queue_messages(own, report, WAYS, sender="hub@example.test"), when)
    deliver_waiting(store, WAYS, FixedClock(at(when)))


def told(desk, report=ID, when="2026-11-02T09:00"):
    """Return a report as it would be drafted."""
    files = desk(lambda own: preview(own, report, HOUSE), when)
    return decode_compiled(next(body for name, body in files.items() if name.endswith(".json")))


def line(report, start):
    return next(one for one in report.metrics if one.metric_id.startswith(start))


def test_the_previous_column_repeats_the_values_as_issued_and_shows_the_restated_beside(issued, desk):
    first = line(told(desk), "resolution/")
    assert (first.previous_period, first.previous_actual, first.previous_restated) == ("2026-09", 100.0, None)
    settle(issued, now=READ + 1, more=[ticket(6, "2026-09-11T09:00", 30)])
    now = told(desk)
    again = line(now, "resolution/")
    assert (again.previous_actual, again.previous_restated) == (100.0, 50.0)
    assert "restated because records came later" in again.comment
    notes = next(one for one in now.chapters if one.number == 13)
    rows = next(part.table.rows for part in notes.parts if part.table and part.table.name == "Restated values")
    assert [tuple(row[1:3]) for row in rows] == [("100.00 %", "50.00 %")]


def test_what_the_report_before_did_not_tell_is_a_new_metric(issued, desk):
    added = Service(id="register:services/new", source="register", title="Archive", customer_id=ACME)
    settle(issued, now=READ + 1, more=[added])
    now = told(desk)
    assert line(now, "availability/register:services/new").new_metric is True
    told_without = line(now, "availability/register:services/pay")  # told in September, without a figure
    assert (told_without.new_metric, told_without.previous_actual) == (None, None)
    levels = next(part.table.rows for part in now.chapters[2].parts if part.table)
    assert {row[0]: row[2] for row in levels} == {
        "Agreement acme": "100.00 %", "Archive": "new metric", "Payroll": "no figure", "Shop": "99.90 %",
    }  # fmt: skip


def test_a_trend_takes_the_figures_as_issued(issued, desk):
    trend = [one for one in told(desk).content.trend_values if one.metric_id.startswith("resolution/")]
    assert [(one.period, one.value) for one in trend] == [("2026-09", 100.0), ("2026-10", 66.66)]
    heading = next(one for one in told(desk).content.trends if one.metric_id.startswith("resolution/"))
    assert (heading.direction, heading.forecast) == ("down", None)
    assert heading.not_forecast_reason == "fewer than three periods were reported"


def test_a_preview_changes_nothing(store, desk):
    with store.connect() as conn:
        before = Desk(conn, OFFICE, now=READ).steps
        files = preview(Desk(conn, OFFICE, now=at("2026-11-02T09:00")), ID, HOUSE)
        assert Desk(conn, OFFICE, now=READ).steps == before == {}
        early = preview(Desk(conn, OFFICE, now=READ), ID, HOUSE, as_of=at("2026-10-04T00:00"))
    assert sorted(Path(name).suffix for name in files) == [".html", ".json", ".pdf", ".xlsx"]
    part = decode_compiled(early[f"{ID}-r1.json"])
    assert line(part, "resolution/").current_actual == 100.0
    assert any(one.said and one.said.phrase.startswith("Provisional") for one in part.chapters[0].parts)


def test_drafted_again_from_the_same_data_it_is_the_same_and_voids_nothing(store, desk):
    make = partial(draft_compiled, report_id=ID, house=HOUSE, login="x")
    assert desk(make, "2026-11-02T09:00") == 1
    desk(lambda own: ask(own, ID, login="x"), "2026-11-02T09:05")
    first = desk(lambda own: own.cycle(ID).last, "2026-11-02T10:00")
    desk(make, "2026-11-02T11:00")
    assert desk(lambda own: own.cycle(ID).last, "2026-11-02T12:00") == first
    settle(store, now=at("2026-11-02T12:30"), more=[ticket(3, "2026-10-05T09:00", 1)])
    desk(lambda own: make(own, anew=True), "2026-11-02T13:00")
    last = desk(lambda own: own.cycle(ID).last, "2026-11-02T13:00")
    assert (last.number, last.state, last.hash != first.hash) == (1, "drafted", True)
    assert last.collected.data["as_of"] == at("2026-11-02T13:00")


def test_before_its_period_has_ended_it_is_refused_or_provisional(store, desk):
    with pytest.raises(HubError, match="its period ends at"):
        desk(lambda own: draft_compiled(own, ID, HOUSE, login="x"), "2026-10-20T09:00")
    desk(lambda own: draft_compiled(own, ID, HOUSE, login="x", provisional=True), "2026-10-20T09:00")
    with pytest.raises(HubError, match="has not begun"):
        desk(lambda own: preview(own, ID.replace("-10", "-11"), HOUSE), "2026-10-20T09:00")


def test_the_archive_holds_the_data_it_was_drawn_from(issued, desk, tmp_path):
    place = desk(lambda own: archive(own, SEPTEMBER_ID, tmp_path, login="x"), "2026-10-03T09:00")
    assert verify_folder(place).faults == []
    kept = decode_compiled((place / "files" / f"{SEPTEMBER_ID}-r1.json").read_bytes())
    assert (kept.report_id, line(kept, "resolution/").current_actual) == (SEPTEMBER_ID, 100.0)
    (place / "files" / f"{SEPTEMBER_ID}-r1.json").write_bytes(b"{}")
    assert verify_folder(place).faults


def kpi(desk, when="2026-11-01T00:00"):
    found = desk(lambda own: process_figures(own, start=at("2026-10-01T00:00"), end=OCTOBER[1], at=own.now), when)
    return {one.name: (one.good, one.of, one.verdict) for one in found}


def test_completeness_and_reproducibility_are_told_of_compiled_reports(issued, desk):
    assert kpi(desk)["completeness"] == (14, 14, "met")
    good, of, verdict = kpi(desk)["reproducibility"]
    assert (good == of, of >= 3, verdict) == (True, True, "met")
    settle(issued, now=READ + 1, more=[ticket(6, "2026-09-11T09:00", 30)])
    assert kpi(desk)["reproducibility"] == (of - 1, of, "missed")


def test_of_given_files_neither_is_told(store, desk):
    desk(lambda own: draft(own, SEPTEMBER_ID, {"a.pdf": b"%PDF"}, login="x"), WHEN)
    assert kpi(desk)["completeness"][2] == "not_provable"


def test_the_record_of_the_report_tells_its_content(issued, desk):
    desk(lambda own: refresh_reports(own.conn, OFFICE, now=own.now), "2026-10-03T09:00")
    with issued.connect() as conn:
        record = read_record(conn, f"hub:report/{SEPTEMBER_ID}/r1")
    assert isinstance(record, ServiceReport)
    names = [one.name for one in record.chapters]
    assert {"service_level", "incident", "problem", "change", "configuration", "finance"} <= set(names)
    assert all(one.text or one.none_reason for one in record.chapters)
    assert record.summary.words <= 250
    assert [one.metric_id for one in record.metrics if one.metric_id.startswith("res")] == [
        "resolution/register:slas/acme/p1"
    ]
    work = {one.priority: one for one in record.workload if one.service_id is None}
    assert set(work) == {None, "P1"}
    total = work[None]
    assert (total.opened, total.resolved) == (2, 2)
    assert total.opening + total.opened + total.reopened - total.resolved - total.cancelled == total.closing
    assert {one.service_id for one in record.performance} == {"register:services/shop", "register:services/pay"}


def test_the_record_tells_the_workload_of_this_customer_alone(desk):
    whole, *others = told(desk).content.workload
    assert (whole.opening, whole.opened, whole.resolved, whole.closing) == (0, 4, 3, 1)
    assert {one.priority for one in others if one.priority} == {"P1"}


def test_by_command(tmp_path, places, run_hub, monkeypatch):
    (tmp_path / "hub.toml").write_text(
        '[organisation]\nname = "Example Organisation"\nzone = "Europe/Berlin"\ncalendar = "5x8"\n'
        'judge_from = 2025-10-01\n[store]\nurl = "sqlite:///hub.db"\n[packs.bs15000]\n'
    )
    config = places.furnish(tmp_path / "hub.toml")
    row = next(one for one in records() if one.id == "register:report_catalogue/monthly")
    kept = [row, *(one for one in records() if not isinstance(one, Incident) and one.id != row.id)]
    old = msgspec.structs.replace(row, valid_from="2025-10-01", valid_to="2025-12-01")
    with (
        Session(config, clock=FixedClock(at("2025-10-01T08:00")), create_store=True) as session,
        session.store.begin() as conn,
    ):
        write_records(conn, [Write(one) for one in [old, *kept[1:]]], at("2025-10-01T08:00"))
    name = ID.replace("2026", "2025")
    lagging = run_hub("report", "compile", name, "--folder", tmp_path / "out", "--config", config)
    assert (lagging.code, "hub derive" in lagging.err) == (2, True)
    monkeypatch.setattr("hub.cli.judging.require_derived", lambda _conn: None)  # judging takes longer than all this
    shown = run_hub("report", "compile", name, "--folder", tmp_path / "out", "--config", config, "--format", "json")
    assert shown.code == 0, shown.err
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".html", ".json", ".pdf", ".xlsx"]
    drafted = run_hub("report", "draft", name, "--config", config, "--format", "json")
    assert drafted.code == 0, drafted.err
    assert json.loads(drafted.out)[0]["state"] == "drafted"
    both = run_hub("report", "draft", name, "--figures", config, "--config", config)
    assert (both.code, "tells its own figures" in both.err) == (2, True)
    with Session(config) as session, session.store.connect() as conn:
        files = Desk(conn, OFFICE, now=READ).cycle(name).last.files
        assert len(files) == 4
        assert file_of(conn, files[0].sha256)
