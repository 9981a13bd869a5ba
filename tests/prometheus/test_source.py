"""What the real servers cannot be made to do: sleep for weeks, lose sight, refuse, grow, tell half."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from hub.clock import FixedClock
from hub.errors import ProtocolFault, Retriable
from hub.records import Alert, AvailabilitySample, MaintenanceWindow, Measurement, Record
from hub_prometheus.freshness import asked_fresh, without_repeats
from hub_prometheus.interval import Firing, Over, Seen, follow, runs
from hub_prometheus.source import PrometheusSource, make_source
from tests.prometheus.kit import DAY_S, LABELS, NOW, SHOP, configure, firing, minutes, silence
from tests.prometheus.stand import context


class Reader:
    """Reads again and again as the hub does: from the cursor of the last page without a gap."""

    def __init__(self, tmp_path, **more: Any) -> None:
        self.clock = FixedClock(NOW)
        self.said: list[str] = []
        self.source: PrometheusSource = make_source(
            configure(**more), context(tmp_path, self.clock, log=self.said.append)
        )
        self.cursors: dict[Any, Any] = {}
        self.records: dict[str, Record] = {}
        self.gaps: list[str] = []
        self.pages = 0

    def read(self, stream: str = "alert") -> list[Any]:
        self.gaps = []
        for part in self.source.slices():
            if part.stream != stream:
                continue
            for page in self.source.fetch(part, self.cursors.get(part)):
                assert len(page.documents) <= 500
                self.pages += 1
                self.gaps += page.gaps
                for document in page.documents:
                    self.records |= {one.id: one for one in self.source.normalise(document).records}
                if not self.gaps:
                    self.cursors[part] = msgspec.json.decode(msgspec.json.encode(page.cursor))
        return list(self.records.values())


@pytest.fixture
def reader(tmp_path, servers):
    made: list[Reader] = []

    def make(**more: Any) -> Reader:
        made.append(Reader(tmp_path, **more))
        return made[-1]

    yield make
    for one in made:
        one.source.close()


def spans(records: list[Any]) -> list[tuple[int, int | None]]:
    """Start and end in minutes before now."""
    return sorted(
        ((NOW - one.started_at) // 60_000, None if one.ended_at is None else (NOW - one.ended_at) // 60_000)
        for one in records
    )


def test_who_slept_for_three_weeks_sees_every_alert(reader, servers):
    one = reader(history_days=30)
    servers.fired = [(LABELS, minutes(day * 1440 + 90), minutes(day * 1440 + 60)) for day in range(1, 21)]
    servers.now_ms = one.clock.instant_ms = NOW - 25 * DAY_S * 1000
    assert one.read() == []
    servers.now_ms = one.clock.instant_ms = NOW
    found: list[Any] = one.read()
    assert spans(found) == sorted((day * 1440 + 90, day * 1440 + 60) for day in range(1, 21))
    assert all(alert.unknown_fields == ["acknowledged_at"] for alert in found), "Alertmanager was not asked then"
    assert one.read() == found


def test_an_end_nobody_saw_lies_between_two_looks(reader, servers):
    servers.fired = [(LABELS, minutes(100), minutes(50))]
    servers.off = [(minutes(60), minutes(30))]
    [alert] = reader().read()
    assert spans([alert]) == [(100, 29)], "at the first look it may not yet have evaluated its rules"
    assert NOW // 1000 - alert.ended_after // 1000 == 60 * 60, "the last look that saw it"


@pytest.mark.parametrize("pause", [1, 2, 3, 4, 5, 6, 7, 30])
@pytest.mark.parametrize("late_s", [0, 59])
def test_what_fires_still_when_prometheus_is_back_is_the_same_alert(reader, servers, pause, late_s):
    servers.fired = [(LABELS, minutes(100), minutes(10))]
    servers.off, servers.late_s = [(minutes(60), minutes(60 - pause))], late_s
    assert spans(reader().read()) == [(100, 10)]


@pytest.mark.parametrize("pause", [2, 3, 4, 5, 6, 7])
def test_what_was_over_when_prometheus_was_back_soon_ended_after_it_was_seen(reader, servers, pause):
    """Prometheus repeats it for five minutes, and nothing says for how long of these it was so."""
    servers.fired = [(LABELS, minutes(100), minutes(59))]
    servers.off = [(minutes(60), minutes(60 - pause))]
    [alert] = reader().read()
    assert spans([alert]) == [(100, min(55, 59 - pause))]
    assert alert.ended_after == minutes(60) * 1000


def test_an_alert_over_several_runs_is_one(reader, servers):
    one = reader()
    servers.fired = [(LABELS, minutes(100), None)]
    servers.now_ms = one.clock.instant_ms = NOW - 90 * 60_000
    servers.alerts = [firing(minutes(100), silenced="s1", summary="queue", runbook="OPS-7")]
    servers.silences = [silence(minutes(95), "mine")]
    [alert] = one.read()
    assert (alert.ended_at, alert.started_at) == (None, minutes(100) * 1000 + 250)
    assert alert.acknowledged_at == minutes(95) * 1000
    servers.fired = [(LABELS, minutes(100), minutes(50))]
    servers.alerts, servers.silences = [], []
    servers.now_ms = one.clock.instant_ms = NOW
    [after] = one.read()
    assert after.id == alert.id
    assert (after.acknowledged_at, [ref.key for ref in after.references]) == (alert.acknowledged_at, ["OPS-7"])
    assert spans([after]) == [(99, 50)]
    assert one.read() == [after], "what Alertmanager said is not lost with the next reading"


def test_an_alert_of_another_prometheus_is_not_lost(reader, servers):
    one = reader()
    other = {"alertname": "FromElsewhere", "service": "shop", "severity": "critical"}
    servers.alerts = [firing(minutes(30), other)]
    servers.now_ms = one.clock.instant_ms = NOW - 20 * 60_000
    [alert] = one.read()
    assert (alert.ended_at, alert.service_ids, alert.outage) == (None, [SHOP], True)
    servers.alerts = []
    servers.now_ms = one.clock.instant_ms = NOW
    [alert] = one.read()
    assert (alert.ended_after, alert.ended_at) == (NOW - 20 * 60_000, NOW), "somewhere between two readings"


def test_an_alert_that_fires_at_the_very_first_look_began_nobody_knows_when(reader, servers):
    servers.fired = [(LABELS, minutes(5000), minutes(1000))]
    [alert] = reader().read()
    assert alert.unknown_fields == ["started_at", "acknowledged_at"]


@pytest.mark.parametrize("limit", [500, 90, 7])
def test_what_is_too_much_for_prometheus_is_asked_for_in_pieces(reader, servers, limit):
    servers.most_points = limit
    servers.fired = [(LABELS, minutes(ago), minutes(ago - 20)) for ago in range(60, 1400, 60)]
    one = reader()
    assert len(one.read()) == 23
    assert one.gaps == []


def test_fifty_thousand_alerts_pass_in_small_pieces(reader, servers):
    """Whatever comes, no page holds more than 500 documents and no answer more points than some hundred thousand."""
    shown = [{**LABELS, "instance": f"web{number:03}"} for number in range(500)]
    start = NOW // 1000 - 7 * DAY_S
    servers.fired = [
        (labels, start + 6000 + turn * 6000, start + 6000 + turn * 6000 + 300)
        for labels in shown
        for turn in range(100)
    ]
    source = reader(history_days=7).source
    counts = [len(page.documents) for page in source.fetch(source.slices()[0], None)]
    assert (sum(counts), max(counts)) == (50_000, 500)
    assert servers.largest < 500_000


def test_silent_monitoring_is_no_health(reader, servers):
    servers.off = [(minutes(120), minutes(-1))]
    one = reader()
    assert one.read() == []
    [gap] = one.gaps
    assert gap.startswith(
        "Prometheus has measured nothing for at least 118 minutes (up has no value): that nothing fires says nothing"
    )


@pytest.mark.parametrize("minutes_off", [10, -10])
def test_clocks_too_far_apart_leave_everything_unread(reader, servers, minutes_off):
    servers.now_ms = NOW + minutes_off * 60_000
    one = reader()
    servers.fired = [(LABELS, minutes(100), minutes(50))]
    for stream in ("alert", "silence", "availability", "figure"):
        assert one.read(stream) == []
        side = "ahead of" if minutes_off > 0 else "behind"
        told = f"Prometheus's clock is 10 minutes {side} this machine's; set both by NTP"
        assert one.gaps == [f"{told}: its instants cannot be compared with others"]


def test_what_alertmanager_does_not_say_is_a_gap_and_history_is_read_all_the_same(reader, servers):
    servers.alertmanager_fault = httpx.Response(403, json={"code": 403, "message": "no"})
    servers.fired = [(LABELS, minutes(100), minutes(50))]
    one = reader()
    assert spans(one.read()) == [(100, 50)]
    [gap] = one.gaps
    assert gap.startswith("GET /api/v2/alerts: Alertmanager answered 403")


def test_one_alertmanager_of_a_cluster_answers_for_all(reader, servers):
    servers.fired, servers.alerts = [(LABELS, minutes(9), None)], [firing(minutes(9), summary="down")]
    one = reader(alertmanagers=["https://alertmanager.example:9093", "https://alertmanager.example/away"])
    [alert] = one.read()
    assert (alert.title, one.gaps) == ("ShopDown: down", [])


@pytest.mark.parametrize(
    ("answer", "fault", "told"),
    [
        (httpx.Response(200, json={"status": "error", "errorType": "bad_data", "error": "parse error"}), ProtocolFault,
         "Prometheus refused the query (200): parse error"),
        (httpx.Response(422, json={"status": "error", "errorType": "execution", "error": "no such thing"}), ProtocolFault,
         "Prometheus refused the query (422): no such thing"),
        (httpx.Response(422, json={"status": "error", "errorType": "timeout", "error": "query timed out"}), Retriable,
         "could not answer: query timed out"),
        (httpx.Response(200, json={"status": "success"}), ProtocolFault, "unexpected shape"),
        (httpx.Response(200, json=[]), ProtocolFault, "unexpected shape"),
    ],
)  # fmt: skip
def test_an_error_is_told_whatever_its_status(reader, servers, answer, fault, told):
    one = reader()
    parts = one.source.slices()
    servers.fault = answer
    for part in parts:
        if part.stream != "silence":
            with pytest.raises(fault, match=told.replace("(", r"\(").replace(")", r"\)")):
                list(one.source.fetch(part, None))


def test_half_an_answer_is_no_answer(reader, servers):
    """A store behind Prometheus that did not answer is told as a warning; what came is not all there is."""
    servers.warnings = ["store-2: connection refused"]
    servers.fired = [(LABELS, minutes(100), minutes(50))]
    one = reader()
    for stream in ("alert", "availability", "figure"):
        one.read(stream)
        assert one.gaps == ["Prometheus warns: store-2: connection refused"], stream


# -- availability, figures, silences ----------------------------------------------------------


def test_a_service_is_up_where_its_query_says_so_and_unknown_where_it_says_nothing(reader, servers):
    midnight = NOW // 1000 // DAY_S * DAY_S

    def value(at: int) -> str | None:
        if at < midnight or midnight + 3600 <= at < midnight + 7200:
            return None
        return "0.2" if midnight + 600 <= at < midnight + 1200 else "NaN" if at == midnight else "1"

    servers.values = {"probe_success": value}
    samples: list[Any] = [one for one in reader().read("availability") if isinstance(one, AvailabilitySample)]
    told = [((one.at // 1000 - midnight) // 60, one.state, one.interval_s, one.every_s) for one in samples]
    assert told == [
        (0, "unknown", 60, 60),
        (1, "up", 540, 60),
        (10, "down", 600, 60),
        (20, "up", 2400, 60),
        (120, "up", 4 * 3600 + 60, 60),
    ]
    assert {one.service_id for one in samples} == {SHOP}


def test_degraded_lies_between_up_and_down(reader, servers):
    servers.values = {"ratio": lambda at: ["0.4", "0.6", "0.95"][at // 60 % 3]}
    asked = {"service": SHOP, "query": "ratio", "up_from": 0.9, "degraded_from": 0.5}
    states = {one.state for one in reader(availability=[asked]).read("availability")}
    assert states == {"up", "degraded", "down"}


def test_a_figure_for_each_finished_hour(reader, servers):
    servers.values = {"queue": lambda at: None if at % 3600 >= 1800 else str(at // 3600 % 24)}
    figures: list[Any] = reader().read("figure")
    assert len(figures) == 24 + 5, "yesterday and today; the hour that has just ended may still grow"
    last = max(figures, key=lambda one: one.period.end)
    assert isinstance(last, Measurement)
    assert (last.metric_id, last.subject, last.actual, last.target) == ("queue", SHOP, 4.0, 10.0)
    assert last.coverage == 0.5


def test_a_silence_announces_nothing_anew_when_it_is_changed(reader, servers):
    one = reader(maintenance="^CHG-")
    servers.silences = [silence(minutes(-600), "CHG-1", changed_s=minutes(500)), silence(minutes(-600), "x", name="s2")]
    [window] = one.read("silence")
    assert isinstance(window, MaintenanceWindow)
    assert (window.announced_at, window.service_ids) == (minutes(500) * 1000, [SHOP])
    servers.silences[0]["updatedAt"] = servers.silences[1]["updatedAt"]
    [window] = one.read("silence")
    assert window.announced_at == minutes(500) * 1000


# -- pure pieces --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("looks", "watched", "over", "still"),
    [
        ([10, 20, 30], range(10, 60, 10), [(10, 40, None)], None),
        ([10, 20, 50], range(10, 60, 10), [(10, 30, None)], (50, 50)),
        ([10, 20], [10, 20], [], (10, 20)),
        ([10, 20], [10, 20, 50], [(10, 50, 20)], None),
        ([10, 20, 50], [10, 20, 50], [], (10, 50)),
    ],
)
def test_looks_become_intervals(looks, watched, over, still):
    found, left = follow({}, [Seen("k", {}, looks)], list(watched), 10)
    assert found == [Over({}, *one) for one in over]
    assert left == ({} if still is None else {"k": Firing({}, *still)})


def test_looks_that_say_nothing_are_passed_over():
    watched = [10, 20, 30, 40, 50]
    assert follow({}, [Seen("k", {}, [10], [20, 30])], watched, 10) == ([Over({}, 10, 40, 10)], {})
    assert follow({}, [Seen("k", {}, [10, 50], [20, 30, 40])], watched, 10) == ([], {"k": Firing({}, 10, 50)})
    assert follow({}, [Seen("k", {}, [10, 50], [20])], watched, 10) == (
        [Over({}, 10, 30, 10)],
        {"k": Firing({}, 50, 50)},
    )
    assert follow({"k": Firing({}, 0, 0)}, [Seen("k", {}, [], watched)], watched, 10) == ([], {"k": Firing({}, 0, 0)})


def test_what_fired_before_and_is_not_seen_again_is_over():
    assert follow({"k": Firing({}, 10, 20)}, [], [30, 40], 10) == ([Over({}, 10, 30, None)], {})
    assert follow({"k": Firing({}, 10, 20)}, [], [], 10) == ([], {"k": Firing({}, 10, 20)})


def test_equal_values_of_neighbours_are_one_run():
    points = [(0.0, "1"), (60.0, "1"), (120.0, "0"), (180.0, "1"), (300.0, "1")]
    assert runs(points, 60) == [(0, 2, "1"), (120, 1, "0"), (180, 1, "1"), (300, 1, "1")]
    assert runs([], 60) == []


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ('up{job="a"}', 'last_over_time(up{job="a"}[59999ms])'),
        ("min(up)", "min(last_over_time(up[59999ms]))"),
        ("avg by (job) (up)", "avg by (job) (last_over_time(up[59999ms]))"),
        ("1 - rate(errors[5m])", None),
        ("time", None),
    ],
)
def test_a_plain_query_is_asked_for_fresh_values_only(query, asked):
    assert asked_fresh(query, 60) == asked


def test_what_may_only_repeat_itself_before_a_gap_does_not_count():
    points = [(at, "1") for at in range(0, 1200, 60)] + [(at, "1") for at in range(3000, 3300, 60)]
    kept = list(without_repeats(points, 60))
    assert [at for at, _ in kept] == [*range(0, 900, 60), *range(3000, 3300, 60)]


def test_records_of_other_kinds_are_not_made(reader, servers):
    servers.fired = [(LABELS, minutes(100), minutes(50))]
    assert {type(one) for one in reader().read()} == {Alert}
