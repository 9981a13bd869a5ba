"""What two readings prove; the first is at minute 10 before NOW unless a test says otherwise."""

from __future__ import annotations

import pytest

from tests.icinga.kit import NOW, SHOP, comment, downtime, host, make, minutes, of, read, s, service


@pytest.fixture
def at(icinga):
    """Set what Icinga shows at an instant, and read; gives (alerts, samples, cursor)."""

    def look(instant: int, *services, cursor: dict | None = None, stream: str = "state", **lists):
        icinga.now = instant
        icinga.lists |= {"services": list(services), "hosts": [host()], **lists}
        from hub.clock import FixedClock

        source = make(clock=FixedClock(instant))
        _, records, page = read(source, stream, cursor)
        return of(records, "Alert"), of(records, "AvailabilitySample"), page.cursor

    return look


def spans(samples):
    return [(one.at, one.at + one.interval_s * 1000, one.state) for one in samples]


def fine(checked: int, **more):
    return service("http", 0, since=minutes(600), checked=checked, **more)


def critical(since: int, checked: int, ok: int, **more):
    return service("http", 2, since=since, checked=checked, ok=ok, **more)


def test_a_problem_is_the_same_alert_in_every_reading_and_ends_when_icinga_says(at):
    alerts, samples, cursor = at(minutes(10), fine(minutes(10)))
    assert (alerts, samples) == ([], [])
    bad = {"since": minutes(6), "ok": minutes(7)}
    (first,), _, cursor = at(minutes(5), critical(checked=minutes(5), **bad), cursor=cursor)
    (again,), _, after = at(minutes(3), critical(checked=minutes(3), **bad), cursor=cursor)
    (forgotten,), _, _ = at(minutes(3), critical(checked=minutes(3), **bad))
    assert first == again == forgotten
    assert (first.started_at, first.ended_at, first.severity, first.outage) == (minutes(6), None, "CRITICAL", True)
    assert first.service_ids == [SHOP]
    over = fine(NOW, last_hard_state_change=s(minutes(1)), last_state_critical=s(minutes(2)))
    (ended,), _, last = at(NOW, over, cursor=after)
    assert (ended.id, ended.ended_at, ended.ended_after) == (first.id, minutes(1), None)
    assert ended.status_category == "resolved"
    assert last["open"] == {}


def test_a_worse_state_is_still_the_same_problem(at):
    _, _, cursor = at(minutes(10), service("http", 1, since=minutes(12), checked=minutes(10), ok=minutes(13)))
    worse = critical(since=minutes(4), checked=NOW, ok=minutes(13), last_state_warning=s(minutes(5)))
    (alert,), _, _ = at(NOW, worse, cursor=cursor)
    assert (alert.started_at, alert.severity, alert.unknown_fields) == (minutes(12), "CRITICAL", [])
    (unseen,), _, _ = at(NOW, worse)
    assert (unseen.id, unseen.started_at, unseen.unknown_fields) == (alert.id, minutes(4), ["started_at"])


def test_a_problem_between_two_readings_has_no_known_beginning_and_perhaps_was_soft_only(at):
    _, _, cursor = at(minutes(10), fine(minutes(10)))
    passed = fine(NOW, last_hard_state_change=s(minutes(2)), last_state_critical=s(minutes(3)))
    (alert,), samples, _ = at(NOW, passed, cursor=cursor)
    assert (alert.started_at, alert.ended_at) == (minutes(3), minutes(2))
    assert alert.unknown_fields == ["started_at"]
    assert alert.severity is None, "nobody knows whether it became hard"
    assert spans(samples) == [(minutes(10), minutes(2), "unknown"), (minutes(2), NOW, "up")]
    certain = fine(NOW, last_hard_state_change=s(minutes(2)), last_state_critical=s(minutes(3)), max_check_attempts=1)
    (alert,), _, _ = at(NOW, certain, cursor=cursor)
    assert (alert.severity, alert.outage) == ("CRITICAL", True)
    assert at(NOW, passed)[0] == [], "what was before the first reading is not told"


def test_a_problem_that_gave_way_to_another_ended_at_its_good_check_at_the_latest(at):
    _, _, cursor = at(minutes(10), critical(since=minutes(20), checked=minutes(10), ok=minutes(21)))
    alerts, _, _ = at(NOW, critical(since=minutes(2), checked=NOW, ok=minutes(3)), cursor=cursor)
    old, new = sorted(alerts, key=lambda one: one.started_at)
    assert (old.ended_at, old.ended_after) == (minutes(3), minutes(20))
    assert (new.started_at, new.ended_at) == (minutes(2), None)
    assert old.id != new.id


def test_a_host_taken_out_of_icinga_ends_its_problems_unsurely(at):
    _, _, cursor = at(minutes(10), critical(since=minutes(20), checked=minutes(10), ok=minutes(21)))
    (alert,), samples, _ = at(NOW, cursor=cursor)
    assert (alert.ended_at, alert.ended_after) == (NOW, minutes(20))
    assert spans(samples) == [(minutes(10), NOW, "unknown")]


@pytest.mark.parametrize(
    ("now", "started", "known"),
    [
        (fine(NOW), 9999, [(10, 0, "up")]),
        (critical(since=minutes(4), checked=NOW, ok=minutes(5)), 9999, [(10, 4, "unknown"), (4, 0, "down")]),
        (service("http", 1, since=minutes(99), ok=minutes(100)), 9999, [(10, 0, "degraded")]),
        (service("http", 3, since=minutes(99), ok=minutes(100)), 9999, [(10, 0, "unknown")]),
        (fine(NOW), 6, [(10, 5, "unknown"), (5, 0, "up")]),
        (fine(NOW), 0.5, [(10, 0, "unknown")]),
        (fine(minutes(4), next_update=s(minutes(3))), 9999, [(10, 3, "up"), (3, 0, "unknown")]),
        (fine(minutes(44), next_update=s(minutes(43))), 9999, [(10, 0, "unknown")]),
        (service("http", 0, since=0, last_check=-1), 9999, [(10, 0, "unknown")]),
    ],
    ids=[
        "held",
        "changed",
        "warning",
        "unknown",
        "restarted",
        "just restarted",
        "late",
        "no check any more",
        "pending",
    ],
)
def test_only_what_is_proven_is_known(icinga, at, now, started, known):
    _, _, cursor = at(minutes(10), fine(minutes(10)))
    icinga.started = minutes(started)
    _, samples, _ = at(NOW, now, cursor=cursor)
    assert spans(samples) == [(minutes(a), minutes(b), state) for a, b, state in known]


def test_a_hub_asleep_for_a_week_knows_what_did_not_change(at):
    week = 7 * 24 * 60
    _, _, cursor = at(minutes(week), service("http", since=minutes(week + 9), checked=minutes(week)))
    _, samples, _ = at(NOW, service("http", since=minutes(week + 9)), cursor=cursor)
    assert {one.state for one in samples} == {"up"}
    assert sum(one.interval_s for one in samples) == week * 60
    assert max(one.interval_s for one in samples) <= 86_400


def test_acknowledgements_and_comments_stay_when_icinga_drops_them(at):
    bad = {"since": minutes(20), "ok": minutes(21)}
    notes = [
        comment("OPS-12, we look", minutes(18)),
        comment("note-1 is no ticket", minutes(17), kind=1, name="c2"),
        comment("of the problem before", minutes(90), name="c0"),
    ]
    (alert,), _, cursor = at(minutes(10), critical(checked=minutes(10), **bad), comments=notes)
    assert (alert.acknowledged_at, alert.status_category) == (minutes(18), "in_progress")
    assert [one.key for one in alert.references] == ["OPS-12"]
    assert [(one.type, one.actor) for one in alert.events[1:]] == [
        ("accepted", "register:people/alice"),
        ("updated", "register:people/alice"),
    ]
    over = fine(NOW, last_hard_state_change=s(minutes(1)), last_state_critical=s(minutes(2)))
    (ended,), _, _ = at(NOW, over, cursor=cursor, comments=[])
    assert ended.acknowledged_at == minutes(18)
    assert len(ended.events) == 4


def window(icinga, instant, *downtimes, cursor=None):
    from hub.clock import FixedClock

    icinga.now = instant
    icinga.lists["downtimes"] = list(downtimes)
    _, records, page = read(make(clock=FixedClock(instant)), "downtime", cursor)
    return records, page.cursor


def test_a_downtime_is_a_window_announced_when_it_was_entered(icinga):
    (record,), cursor = window(icinga, minutes(10), downtime(minutes(30), minutes(5), entered=minutes(4000)))
    assert (record.start, record.end, record.announced_at) == (minutes(30), minutes(5), minutes(4000))
    assert (record.service_ids, record.title, record.creator) == ([SHOP], "CHG-1", "register:people/alice")
    assert window(icinga, NOW, cursor=cursor)[0] == [], "it had ended: that it is no longer shown changes nothing"


@pytest.mark.parametrize(
    ("begins", "left"), [(30, (minutes(30), minutes(10))), (5, (None, None))], ids=["begun", "before it began"]
)
def test_a_downtime_taken_away_excuses_only_until_it_was_last_seen(icinga, begins, left):
    _, cursor = window(icinga, minutes(10), downtime(minutes(begins), NOW + 3_600_000))
    (record,), _ = window(icinga, NOW, cursor=cursor)
    assert (record.start, record.end, record.status, record.status_category) == (*left, "removed", "cancelled")


def test_a_flexible_downtime_counts_from_when_it_is_triggered(icinga):
    flexible = {"fixed": False, "duration": 600}
    (waiting,), _ = window(icinga, NOW, downtime(minutes(30), NOW, **flexible))
    (begun,), _ = window(icinga, NOW, downtime(minutes(30), NOW, **flexible, trigger_time=s(minutes(20))))
    assert (waiting.start, waiting.end, waiting.status) == (None, None, "waiting")
    assert (begun.start, begun.end) == (minutes(20), minutes(10))
