"""Against the real servers: what fires, is taken, is silenced, is over, and what nobody saw."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import StaticPool, create_engine, select

from hub.cli.metrics import Facts, render
from hub.clock import FixedClock, SystemClock
from hub.records import Alert, AvailabilitySample, Measurement, Record, Service
from hub.sla.calendar import built_in, open_intervals
from hub.sla.materialise import materialise
from hub.sla.open_time import OpenTime
from hub.sla.service_availability import refresh_availability
from hub.store.reading import coverage_rows
from hub.store.revision import current_records
from hub.store.schema import metadata
from hub.store.tables import record
from hub.store.writer import Write, write_records
from hub.sync.run import RunSummary, SourceSummary
from hub.sync.runner import SourceJob, sync_source
from tests.prometheus.stand import DAYS, FEBRUARY, SHOP, Stand, wait_until

pytestmark = pytest.mark.peer
MS = 1000
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _closed(stand: Stand):
    yield
    stand.close()


@pytest.fixture
def store(any_store):
    return any_store


def read(stand: Stand, store, tmp_path, **more: Any):
    """Read once as `hub sync` does."""
    clock = more.pop("clock", None) or SystemClock()
    job = SourceJob("metrics", stand.source(tmp_path, clock=clock, **more), census_every_ms=None)
    return sync_source(store, job, clock=clock)


def held(store, kind: type[Record]) -> list[Any]:
    with store.connect() as conn:
        ids = conn.scalars(select(record.c.id).where(record.c.kind == str(kind.__struct_config__.tag))).all()
        return sorted(current_records(conn, list(ids)), key=lambda one: one.created_at)


def test_29_days_of_history_give_the_very_availability(stand: Stand, tmp_path) -> None:
    source = stand.source(tmp_path, availability=[{"service": SHOP, "query": 'demo_up{service="shop"}'}])
    part = next(one for one in source.slices() if one.stream == "availability")
    records: list[Record] = [Service(id=SHOP, source="register", created_at=FEBRUARY * MS)]
    for page in source.fetch(part, {"mark": FEBRUARY}):
        for document in page.documents:
            records += source.normalise(document).records
        if page.cursor["mark"] >= FEBRUARY + DAYS * 86_400:
            break
    samples = [one for one in records if isinstance(one, AvailabilitySample)]
    assert len(samples) == 3 * DAYS, "up, down and up again each day, not one record a minute"
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    calendars = {one.id: OpenTime(open_intervals(one, date(2024, 1, 1), date(2024, 4, 1))) for one in built_in("UTC")}
    with engine.connect() as conn:
        materialise(conn, built_in("UTC"), "UTC", date(2024, 2, 1), date(2024, 4, 30))
        write_records(conn, [Write(one) for one in records], 1)
        refresh_availability(conn, lambda: calendars, now=(FEBRUARY + 30 * 86_400) * MS)
        ids = conn.scalars(select(record.c.id).where(record.c.kind == "measurement")).all()
        [found] = current_records(conn, list(ids))
    assert isinstance(found, Measurement)
    assert (found.actual, found.coverage) == (97.9166, 1.0)
    assert found.numerator is not None
    assert found.denominator is not None
    told = stand.value(f"avg_over_time(demo_up[{DAYS}d])", FEBRUARY + DAYS * 86_400 - 1)
    assert found.numerator / found.denominator == pytest.approx(told, abs=1e-12) == pytest.approx(1 - 30 / 1440)


def test_the_life_of_an_alert(stand: Stand, store, tmp_path) -> None:
    stand.queue(42)
    wait_until(stand.firing)
    time.sleep(3)
    first = read(stand, store, tmp_path)
    assert (first.faults, first.warnings, first.complete) == ([], [], True)
    [alert] = held(store, Alert)
    assert (alert.status, alert.ended_at, alert.severity, alert.service_ids) == ("firing", None, "critical", [SHOP])
    assert (alert.outage, alert.acknowledged_at, alert.references) == (True, None, [])
    assert alert.title == f"QueueTooLong: queue of {stand.named} is 42"
    assert abs(alert.started_at - _ms(stand.firing()[0]["startsAt"])) < 1, "as exact as Alertmanager has it"

    # taken: whoever silences a firing alert has taken it, and names the ticket
    silence = stand.silence("OPS-12, restarting the consumer", {"alertname": "QueueTooLong", "service": "shop"})
    wait_until(lambda: stand.firing()[0]["status"]["silencedBy"] == [silence])
    read(stand, store, tmp_path)
    [alert] = held(store, Alert)
    assert alert.acknowledged_at is not None
    assert alert.acknowledged_at >= alert.started_at
    assert [one.key for one in alert.references] == ["OPS-12"]

    # Prometheus restarts while the hub is asleep; it is the same alert still
    stand.restart("prometheus")
    time.sleep(8)  # for so long it has not found its Alertmanager again
    stand.expire(silence)
    read(stand, store, tmp_path)
    [again] = held(store, Alert)
    assert (again.id, again.started_at, again.status) == (alert.id, alert.started_at, "firing")
    assert again.acknowledged_at == alert.acknowledged_at, "the silence is over, that somebody took it is not undone"

    # over, and forgotten by Alertmanager before the hub wakes; meanwhile it fired once more
    stand.queue(0)
    wait_until(lambda: not stand.firing())
    time.sleep(5)
    stand.queue(50)
    wait_until(stand.firing)
    time.sleep(3)
    stand.queue(0)
    wait_until(lambda: not stand.firing())
    time.sleep(3)
    read(stand, store, tmp_path)
    alerts = held(store, Alert)
    assert [one.status for one in alerts] == ["resolved", "resolved"]
    assert alerts[0].ended_at <= alerts[1].started_at < alerts[1].ended_at
    assert alerts[0].ended_after is None, "somebody looked when it ended"
    assert [one.key for one in alerts[0].references] == ["OPS-12"]
    assert alerts[1].unknown_fields == ["acknowledged_at"], "nobody asked Alertmanager while it fired"
    unchanged = read(stand, store, tmp_path)
    assert unchanged.changed == 0, "the same again changes nothing"


def test_only_the_chosen_alerts_are_read(stand: Stand, store, tmp_path) -> None:
    """Those of another Prometheus that sends to the same Alertmanager are chosen by the same matchers."""
    stand.tell({"alertname": "DiskFull", "service": "shop"})
    stand.tell({"alertname": "MailQueue", "service": "mail"})
    assert read(stand, store, tmp_path, alerts='alertname="DiskFull"').warnings == []
    assert [one.title for one in held(store, Alert)] == ["DiskFull"]


def test_a_pause_of_prometheus_ends_no_alert(stand: Stand, store, tmp_path) -> None:
    stand.queue(42)
    wait_until(stand.firing)
    stand.pause("prometheus", 8)
    time.sleep(3)
    read(stand, store, tmp_path)
    assert [one.status for one in held(store, Alert)] == ["firing"]


def test_a_silence_is_planned_work_for_the_service_it_names(stand: Stand, store, tmp_path) -> None:
    from hub.records import MaintenanceWindow

    start = datetime.now(UTC) + timedelta(days=5)
    planned = stand.silence("CHG-7 new disks", {"service": "shop"}, start=start)
    other = stand.silence("looking into it", {"service": "shop"}, start=start)
    read(stand, store, tmp_path, maintenance="^CHG-")
    windows = {one.id: one for one in held(store, MaintenanceWindow)}
    assert set(windows) == {f"metrics:silence/{planned}"}
    window = windows[f"metrics:silence/{planned}"]
    assert (window.service_ids, window.end - window.start) == ([SHOP], 3_600_000)
    assert window.announced_at is not None
    assert window.start - window.announced_at > 4 * 86_400_000
    stand.restart("alertmanager")
    stand.expire(planned)
    stand.expire(other)
    read(stand, store, tmp_path, maintenance="^CHG-")
    [window] = [one for one in held(store, MaintenanceWindow) if one.id.endswith(planned)]
    assert window.announced_at == windows[window.id].announced_at, "taking it back announces nothing anew"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            {"alerts": 'alertname="x"', "availability": [{"service": SHOP, "query": "demo_up{"}]},
            "refused the query (400)",
        ),
        (
            {"availability": [{"service": SHOP, "query": '{__name__=~"demo_.*|scrape_.*"}', "step_s": 1}]},
            "series, one is needed",
        ),
        ({"heartbeat": "count(nothing_at_all)", "alerts": 'alertname="x"'}, "has measured nothing"),
    ],
)
def test_what_cannot_be_asked_is_a_clear_line_and_no_coverage(stand: Stand, store, tmp_path, more, told) -> None:
    summary = read(stand, store, tmp_path, **more)
    assert not summary.complete
    said = [*summary.faults, *summary.warnings]
    assert any(told in one for one in said), said
    with store.connect() as conn:
        assert any(row.through is None and told in (row.reason or "") for row in coverage_rows(conn))


def test_too_many_points_are_asked_for_in_pieces(stand: Stand, store, tmp_path) -> None:
    """A day in steps of a second is 86,400 looks; Prometheus answers 11,000 at once."""
    summary = read(stand, store, tmp_path, history_days=1, availability=[{"service": SHOP, "query": "up", "step_s": 1}])
    assert (summary.faults, summary.warnings, summary.complete) == ([], [], True)
    assert summary.requests > 20
    with store.connect() as conn:
        assert all(row.reason is None for row in coverage_rows(conn))


def test_a_clock_that_is_off_leaves_everything_unread(stand: Stand, store, tmp_path) -> None:
    clock = FixedClock(SystemClock().now_ms() + 10 * 60_000)
    summary = read(stand, store, tmp_path, clock=clock)
    assert (summary.documents > 0, summary.complete) == (True, False) or not summary.complete
    assert any(
        "clock is 10 minutes behind this machine's" in one or "clock is 9 minutes" in one for one in summary.warnings
    )
    with store.connect() as conn:
        assert [row.through for row in coverage_rows(conn) if row.kind == "alert"] == [None]


def test_check_tells_what_it_found(stand: Stand, tmp_path) -> None:
    source = stand.source(
        tmp_path,
        alerts="",
        availability=[{"service": SHOP, "query": 'demo_up{service="shop"}'}],
        measurements=[{"metric": "queue", "query": "demo_queue", "subject": SHOP}],
    )
    lines = {line.text: (line.level, line.advice) for line in source.check()}
    assert any("Prometheus 2." in text and level == "ok" for text, (level, _) in lines.items())
    assert lines.get(f"availability of {SHOP}: measured") == ("ok", "")
    assert lines["figure queue: the query has no value"][0] == "warning"
    assert lines["alert AlwaysFiring is about no service"][1].startswith("services = ")


def test_the_rules_for_the_hub_itself_fire(stand: Stand) -> None:
    now = SystemClock().now_ms()
    desk = SourceSummary(source="service-desk", complete=False, faults=["the token ended"])
    summary = RunSummary(started_at=now - 9000, finished_at=now, sources=[desk, SourceSummary(source="register")])
    facts = Facts(succeeded_at={"service-desk": now - 25 * 3_600_000, "register": now}, findings=["critical", "minor"])
    stand.queue(0)
    stand.scrape(render(summary, facts), PROJECT / "config" / "prometheus" / "hub-rules.yml")
    fired = wait_until(lambda: {"HubSourceNotRead", "HubCriticalFinding"} <= stand.fired().keys() and stand.fired())
    assert [one["source"] for one in fired["HubSourceNotRead"]] == ["service-desk"], "the register was read"
    assert "HubDoesNotRun" not in fired, "it runs"
    stand.queue(0)
    old = RunSummary(started_at=0, finished_at=now - 4 * 3_600_000)
    stand.scrape(render(old, Facts()), PROJECT / "config" / "prometheus" / "hub-rules.yml")
    wait_until(lambda: "HubDoesNotRun" in stand.fired() and "HubSourceNotRead" not in stand.fired())


def _ms(text: str) -> int:
    from hub.clock import parse_instant

    return parse_instant(text)
