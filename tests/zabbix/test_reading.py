"""What is read, in which order, and what it means."""

from __future__ import annotations

import pytest

from hub.clock import FixedClock
from tests.zabbix.kit import DAY, HOUR, NOW, NOW_S, SHOP, VPN, ack, configure, event, make, read


def ids(documents):
    return [each.native_id for each in documents]


def later(minutes: int, **changes):
    return make(clock=FixedClock(NOW + minutes * 60_000), **changes)


def test_a_change_of_an_item_is_told_by_rule(zabbix):
    zabbix.events = [event(1, NOW_S - HOUR)]
    item = "register:configuration_items/web"
    for rule, told in ((f"problem={zabbix.events[0]['name'][:4]}*", True), ("problem=quite another", False)):
        _, (alert,), _ = read(make(altered=[rule], items={"host=web01": item}), "event")
        assert (alert.altered, alert.ci_ids) == (told, [item])
    _, (alert,), _ = read(make(), "event")
    assert (alert.altered, alert.ci_ids) == (None, [])


def test_an_alert_from_problem_to_recovery(zabbix):
    zabbix.hosts[0]["groups"] = [{"name": "VPN gateways"}]
    began = NOW_S - 2 * HOUR
    zabbix.events = [event(1, began, acknowledged="1", acks=[ack(1, began + 60), ack(2, began + 90, 4, "note-1")])]
    _, (alert,), pages = read(make(), "event")
    assert (alert.started_at, alert.ended_at) == (began * 1000 + 250, None)
    assert (alert.severity, alert.resource, alert.fingerprint) == ("High", "web01", "trigger/100")
    assert (alert.acknowledged_at, alert.status_category) == ((began + 60) * 1000, "in_progress")
    assert (alert.service_ids, alert.outage, alert.security) == ([SHOP, VPN], True, False)
    assert [(one.key, one.said_in) for one in alert.references] == [("OPS-12", "acknowledgement")]
    assert alert.url == "https://zabbix.example.net/zabbix/tr_events.php?triggerid=100&eventid=1"
    assert [(one.type, one.actor) for one in alert.events[1:]] == [
        ("accepted", "register:people/alice"),
        ("updated", "register:people/alice"),
    ]
    zabbix.events[0]["r_eventid"] = "2"
    zabbix.events.append(event(2, NOW_S + 60, value="0"))
    zabbix.now += 600_000
    documents, records, after = read(later(10), "event", pages[-1].cursor)
    assert ids(documents) == ["1"], "an open problem is asked after by its id, however old it is"
    assert (records[0].id, records[0].ended_at, records[0].status_category) == (
        alert.id,
        (NOW_S + 60) * 1000 + 250,
        "resolved",
    )
    assert after[-1].cursor["open"] == {}


def test_an_acknowledgement_taken_back_does_not_count(zabbix):
    acks = [ack(1, NOW_S - 300), ack(2, NOW_S - 200, 16, ""), ack(3, NOW_S - 100, 2, "")]
    zabbix.events = [event(1, NOW_S - 400, acknowledged="1", acks=acks)]
    assert read(make(), "event")[1][0].acknowledged_at == (NOW_S - 100) * 1000
    zabbix.events[0] |= {"acknowledged": "0", "acks": acks[:2]}
    assert read(make(), "event")[1][0].acknowledged_at is None


def test_what_a_proxy_brings_late_is_read_by_its_id(zabbix):
    zabbix.events = [event(1, NOW_S - 7200, r_eventid="9"), event(2, NOW_S - 60, r_eventid="9")]
    _, _, pages = read(make(), "event")
    assert pages[-1].cursor["next"] == 2, "events of the last minutes are read again: they are not written in order"
    zabbix.events.append(event(3, NOW_S - 90_000, r_eventid="9"))
    zabbix.now += 3_600_000
    documents, _, pages = read(later(60), "event", pages[-1].cursor)
    assert ids(documents) == ["2", "3"]
    assert pages[-1].cursor["next"] == 4


def test_many_events_are_read_in_pages_of_bounded_size(zabbix):
    zabbix.events = [event(n, NOW_S - 90_000 + n, r_eventid=str(n), hosts=[]) for n in range(1, 5_001)]
    source = make()
    part = source.slices()[0]
    before = len(zabbix.asked)
    pages = list(source.fetch(part, None))
    assert sum(len(page.documents) for page in pages) == 5_000
    assert max(len(page.documents) for page in pages) == 500
    assert len(zabbix.asked) - before <= 2 * len(pages) + 3


def test_a_problem_that_vanished_ended_between_two_readings(zabbix):
    zabbix.events = [event(1, NOW_S - HOUR)]
    _, _, pages = read(make(), "event")
    zabbix.events = []
    zabbix.now += 600_000
    _, (alert,), after = read(later(10), "event", pages[-1].cursor)
    assert (alert.ended_after, alert.ended_at) == (NOW, NOW + 600_000)
    assert after[-1].cursor["open"] == {}


def test_problems_older_than_what_is_read_are_found_while_they_last(zabbix):
    zabbix.events = [event(1, NOW_S - 40 * DAY), event(2, NOW_S - 40 * DAY, r_eventid="3"), event(4, NOW_S - HOUR)]
    documents, _, _ = read(make(since="2026-09-30"), "event")
    assert sorted(set(ids(documents))) == ["1", "4"]


def test_less_grave_events_are_left_where_they_are(zabbix):
    zabbix.events = [event(1, NOW_S - 60, severity="1"), event(2, NOW_S - 60, severity="2")]
    assert ids(read(make(), "event")[0]) == ["2"]
    assert ids(read(make(least_severity=0), "event")[0]) == ["1", "2"]


# -- availability ------------------------------------------------------------------------------

MIDNIGHT = NOW_S // DAY * DAY


def states(records):
    return [(one.at // 1000 - MIDNIGHT, one.interval_s, one.state) for one in records if hasattr(one, "state")]


def test_only_hours_with_their_values_are_proven_up(zabbix):
    zabbix.watch_all(MIDNIGHT, MIDNIGHT + 2 * HOUR)
    zabbix.watch_all(MIDNIGHT + 2 * HOUR, MIDNIGHT + 3 * HOUR, num=30)
    zabbix.watch_all(MIDNIGHT + 4 * HOUR, MIDNIGHT + 6 * HOUR)
    zabbix.events = [
        event(1, MIDNIGHT + 1800, r_eventid="2"),
        event(2, MIDNIGHT + 2400, value="0"),
        event(3, MIDNIGHT + 3 * HOUR + 60, r_eventid="4"),
        event(4, MIDNIGHT + 3 * HOUR + 120, value="0"),
    ]
    _, records, pages = read(make(since="2026-10-01"), "watch")
    assert states(records) == [
        (0, 1800, "up"),
        (1800, 601, "down"),
        (2401, 4799, "up"),
        (2 * HOUR, 3660, "unknown"),
        (3 * HOUR + 60, 61, "down"),
        (3 * HOUR + 121, 3479, "unknown"),
        (4 * HOUR, 2 * HOUR, "up"),
    ]
    assert {(one.every_s, one.service_id, one.probe) for one in records} == {(60, SHOP, "web01: Shop is down")}
    assert pages[-1].cursor == {"through": MIDNIGHT + 6 * HOUR}


@pytest.mark.parametrize(
    ("events", "now", "down"),
    [
        ([], "0", 0),
        ([], "1", 6 * HOUR),
        ([event(1, MIDNIGHT - DAY), event(2, MIDNIGHT + HOUR, value="0", ns="0")], "0", HOUR),
        ([event(2, MIDNIGHT + HOUR, value="0", ns="0")], "0", HOUR),
        ([event(1, MIDNIGHT + 5 * HOUR, ns="0")], "1", HOUR),
        ([event(1, MIDNIGHT + HOUR, ns="0"), event(2, MIDNIGHT + HOUR + 60, ns="0"), event(3, MIDNIGHT + 2 * HOUR, value="0", ns="0")], "0", HOUR),
    ],
    ids=["never", "always", "from the day before", "before what is kept", "still", "several problems"],
)  # fmt: skip
def test_a_trigger_was_before_its_first_change_what_that_change_ended(zabbix, events, now, down):
    zabbix.watch_all(MIDNIGHT, NOW_S)
    zabbix.events, zabbix.trigger["value"] = events, now
    _, records, _ = read(make(since="2026-10-01"), "watch")
    assert sum(one.interval_s for one in records if getattr(one, "state", "") == "down") == down
    assert sum(one.interval_s for one in records if hasattr(one, "state")) == 6 * HOUR


def test_twenty_nine_days_give_exactly_the_expected_availability(zabbix):
    """Thirty minutes down every day: 1 - 30/1440, whatever the pages."""
    first = MIDNIGHT - 29 * DAY
    zabbix.watch_all(first, MIDNIGHT)
    for day in range(29):
        at = first + day * DAY + 9 * HOUR
        zabbix.events += [event(2 * day + 1, at, ns="0"), event(2 * day + 2, at + 1800, value="0", ns="0")]
    _, records, _ = read(make(since="2026-09-02", page_size=7), "watch")
    kept = [one for one in records if hasattr(one, "state") and one.at < MIDNIGHT * 1000]
    seconds = {state: sum(one.interval_s for one in kept if one.state == state) for state in ("up", "down", "unknown")}
    assert seconds["unknown"] == 0
    assert seconds["up"] / (seconds["up"] + seconds["down"]) == pytest.approx(0.97916666, abs=1e-8)


def test_a_trigger_that_is_not_there_watches_nothing(zabbix):
    zabbix.trigger["description"] = "Renamed"
    heard: list[str] = []
    documents, _, _ = read(make(log=heard.append, measurements=[]), "watch")
    assert documents == []
    assert heard == [
        "'web01: Shop is down' in availability is no trigger of Zabbix, or not to be seen: its service is not watched"
    ]


def test_hours_of_an_item_are_measurements(zabbix):
    zabbix.watch_all(MIDNIGHT, MIDNIGHT + HOUR, of="8", num=90, value_max="87.5")
    _, records, _ = read(make(since="2026-10-01"), "watch")
    (figure,) = [one for one in records if hasattr(one, "metric_id")]
    assert (figure.metric_id, figure.actual, figure.unit, figure.coverage) == ("cpu", 87.5, "%", 0.75)
    assert (figure.period.start, figure.period.end) == (MIDNIGHT * 1000, (MIDNIGHT + HOUR) * 1000)


# -- service levels ----------------------------------------------------------------------------


def cell(sli: float, up: int = 86_000, down: int = 400) -> list[dict]:
    return [{"uptime": up, "downtime": down, "sli": sli, "error_budget": 0, "excluded_downtimes": []}]


def test_what_zabbix_computed_is_told_for_periods_that_ended(zabbix):
    days = [{"period_from": MIDNIGHT + n * DAY, "period_to": MIDNIGHT + (n + 1) * DAY} for n in (-2, -1, 0)]
    zabbix.sli = {"periods": days, "sli": [cell(-1, 0, 0), cell(99.537), cell(50.0)]}
    _, (before, yesterday), pages = read(make(), "sli")
    assert (before.actual, before.numerator) == (None, None)
    assert before.missing_reason == "Zabbix has no figure for this period"
    assert (yesterday.metric_id, yesterday.subject, yesterday.actual) == ("availability_by_tool", SHOP, 99.537)
    assert (yesterday.target, yesterday.numerator, yesterday.denominator) == (99.9, 86_000.0, 86_400.0)
    assert pages[-1].cursor == {"3": MIDNIGHT - 2 * DAY}, (
        "the last periods are read again: downtimes may be excluded later"
    )


def test_a_service_of_zabbix_that_stands_for_none_of_ours_is_counted(zabbix):
    days = [{"period_from": MIDNIGHT - DAY, "period_to": MIDNIGHT}]
    zabbix.sli = {"periods": days, "sli": [cell(99.0)]}
    source = make(services={"host=x": SHOP})
    (document,), records, _ = read(source, "sli")
    assert records == []
    assert list(source.normalise(document).unmapped) == ["service:zabbix_service=Shop"]


def test_levels_are_read_only_where_services_are_mapped(zabbix):
    assert [part.stream for part in make(services={}, availability={}, measurements=[]).slices()] == [
        "event",
        "maintenance",
    ]
    assert configure().least_severity == 2
