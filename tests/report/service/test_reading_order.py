"""Two stores that read the same records in another order tell the same: where all else is alike the id decides."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from hub.conformance.situation.performance import latest_readings
from hub.conformance.situation.query import situation
from hub.records import (
    CapacityPlan,
    CostEntry,
    Incident,
    Measurement,
    MetricDefinition,
    Money,
    Outage,
    Period,
    Plan,
    Service,
)
from hub.records.governance import CapacityLimit, Milestone
from hub.report.service.attainment import attainment
from hub.report.service.follow_up import follow_up
from hub.report.service.named import figures
from hub.report.service.performance import performance
from hub.store.store import Connection, Store
from hub.store.writer import Write, write_records
from tests.report.service.body import BEFORE, BEGIN, DAY, END, PAY, SHOP, asked, keep, records, table
from tests.report.service.conftest import READ, settle
from tests.report.service.conftest import records as promised
from tests.report.service.test_chapters import EVERY

MONTH = Period(start=BEGIN, end=END)
NAMESAKES = ("r:services/other", "r:services/third")


def reading(
    name: str, actual: float | None, *, subject: str = SHOP, end: int = END, metric: str = "disk"
) -> Measurement:
    period = Period(start=BEGIN, end=end)
    return Measurement(id=f"r:{name}", source="r", metric_id=metric, subject=subject, actual=actual, period=period)


def twins(records: list[Any]) -> list[Any]:
    """Return every record and another of the same instants, the lesser id now first and now last."""
    found = []
    for number, one in enumerate(records):
        name = one.id.removeprefix("r:")
        own: dict[str, Any] = {"id": f"r:{'az'[number % 2]}-{name}", "key": None}
        if one.title and not isinstance(one, Service):
            own["title"] = f"{one.title} again"
        if isinstance(one, Measurement) and one.actual is not None:
            own["actual"] = one.actual + 1
        found += [one, msgspec.structs.replace(one, **own)]
    return found


def twice() -> list[Any]:
    more: list[Any] = [
        *(Service(id=one, source="r", title="Shop", in_scope=True) for one in NAMESAKES),
        Outage(id="r:out", source="r", service_id=SHOP, started_at=BEGIN + DAY, ended_at=BEGIN + 2 * DAY),
        reading("disk", 70),
        reading("disk-of-pay", 70, subject=PAY),
        CapacityPlan(id="r:cap", source="r", limits=[CapacityLimit(resource="disk", limit=80, action="buy")]),
        Plan(
            id="r:more", source="r", title="More", plan_type="service_improvement", service_ids=[SHOP],
            milestones=[Milestone(name="New disks", due_at=END + DAY)],
        ),
        MetricDefinition(id="r:def", source="r", metric_id="disk", title="Disks", target=80, valid_from="2026-01-01"),
        *(
            CostEntry(
                id=f"r:cost-{number}", source="r", service=service, cost_type="licence", entry_type="actual",
                period=MONTH, amount=Money(amount=f"{number}.00", currency="EUR"),
            )
            for number, service in enumerate(NAMESAKES, 1)
        ),
    ]  # fmt: skip
    return twins([*records(), *more])


def orders(every: list[Any]) -> list[list[Any]]:
    return [every, every[::-1], Random(5).sample(every, len(every))]


def told(store: Store, order: list[Any]) -> dict[str, Any]:
    keep(store, order)
    with store.begin() as conn:
        found: dict[str, Any] = {"situation": _situation(conn)}
        for services in ((), (SHOP,)):
            for chapter, more in [*EVERY, (follow_up, {}), (_performance, {"metrics": ["disk"]})]:
                found[f"{chapter.__name__} {services} {more}"] = chapter(asked(conn, services=services, **more))
        found["latest"] = latest_readings(conn, ["disk", "uptime"], END, None)
    return found


def _performance(one: Any) -> Any:
    known = figures(one)
    return performance(one, known, []), known.named


def _situation(conn: Connection) -> Any:
    return situation(conn, period=(BEGIN, END), before=(BEFORE, BEGIN), zone="Europe/Berlin", as_of=END)


def test_the_order_in_which_records_were_read_changes_no_report(make_store) -> None:
    first, *others = (told(make_store(), order) for order in orders(twice()))
    for other in others:
        assert [name for name, one in other.items() if one != first[name]] == []


def test_nor_do_tickets_that_missed_together_change_places(make_store) -> None:
    tickets = twins([one for one in promised() if isinstance(one, Incident)])
    found = []
    for order in orders(tickets):
        store = make_store()
        with store.begin() as conn:
            write_records(conn, [Write(one) for one in order], READ - 1)
        settle(store)
        with store.begin() as conn:
            chapter = attainment(asked(conn), figures(asked(conn)))
            found.append((table(chapter, "Missed"), table(chapter, "Levels"), _situation(conn)))
    assert len(found[0][0]) == 4
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("backwards", [False, True])
def test_of_readings_that_ended_together_a_known_one_counts_then_that_of_the_lesser_id(any_store, backwards) -> None:
    stated = [
        reading("a", None),
        reading("b", 70),
        reading("c", 90),
        reading("0", 99, end=END - DAY),
        reading("1", 60, subject=PAY),
    ]
    with any_store.begin() as conn:
        write_records(conn, [Write(one) for one in (stated[::-1] if backwards else stated)], END)
        found = latest_readings(conn, ["disk"], END, None)
    assert {about: one.id for (_, about), one in found.items()} == {SHOP: "r:b", PAY: "r:1"}


def test_it_would_be_seen(make_store) -> None:
    """The lists compared are not empty, and hold records that are alike in all but their id."""
    found = told(make_store(), twice())
    chapter, _ = found["_performance () {'metrics': ['disk']}"]
    assert len(table(chapter, "Outages")) == 2
    assert len(table(chapter, "Measured levels")) == 6
    assert len(table(found["incidents () {}"], "Major incidents")) == 2
    assert len(found["situation"].follow_up.lines) > 3
