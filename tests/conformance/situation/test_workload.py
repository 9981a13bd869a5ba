from __future__ import annotations

from itertools import count
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from hub.conformance.situation.audience import fill_audience
from hub.conformance.situation.workload import workload
from hub.records import Change, Contact, Event, Incident, OnsiteVisit, Request, SecurityIncident, Service
from hub.records.support import Reopen
from tests.conformance.situation.kept import BEFORE, BEGIN, DAY, END, PAY, SHOP, keep

SUMS = ("opening", "opened", "reopened", "resolved", "cancelled", "closing")


def ticket(name, begun, ended=None, *, category=None, reopens=(), kind=Incident, services=(SHOP,), **more):
    return kind(
        id=f"r:{name}",
        source="r",
        reported_at=begun,
        resolved_at=ended,
        status_category=category or ("resolved" if ended else "in_progress"),
        reopens=[Reopen(resolved_at=a, reopened_at=b) for a, b in reopens],
        service_ids=list(services),
        **more,
    )


def change(name, begun, ended=None, *, outcome=None, events=(), **more):
    return Change(
        id=f"r:{name}",
        source="r",
        created_at=begun,
        actual_end=ended,
        outcome=outcome,
        events=[Event(at=at, type=what) for at, what in events],
        **more,
    )


def asked(store, records, period=(BEGIN, END), as_of=END + DAY, services=None):
    keep(store, records)
    with store.begin() as conn:
        audience = None if services is None else fill_audience(conn, 1, services=services, teams=[])
        return workload(conn, period, as_of, None, audience)


def figures(flow):
    return tuple(getattr(flow, name) for name in SUMS)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (ticket("a", BEGIN, BEGIN + 1), (0, 1, 0, 1, 0, 0)),
        (ticket("a", BEGIN - 1, BEGIN), (1, 0, 0, 1, 0, 0)),
        (ticket("a", BEGIN - 1), (1, 0, 0, 0, 0, 1)),
        (ticket("a", END - 1), (0, 1, 0, 0, 0, 1)),
        (ticket("a", BEGIN - 1, END), (1, 0, 0, 0, 0, 1)),
        # Resolved before the period and reopened in it, twice; open at its end.
        (
            ticket("a", BEFORE, BEGIN + 5, category="in_progress", reopens=[(BEGIN - 1, BEGIN), (BEGIN + 5, BEGIN + 6)]),
            (0, 0, 2, 1, 0, 1),
        ),
        # Resolved and reopened within one millisecond.
        (ticket("a", BEGIN, END, reopens=[(BEGIN + 1, BEGIN + 1)]), (0, 1, 1, 1, 0, 1)),
        # Reopened after the period: it was resolved then.
        (ticket("a", BEGIN, END + 9, reopens=[(BEGIN + 1, END + 1)]), (0, 1, 0, 1, 0, 0)),
        (ticket("a", BEGIN - 1, BEGIN + 1, category="cancelled"), (1, 0, 0, 0, 1, 0)),
        (ticket("a", BEGIN - 1, None, category="cancelled", closed_at=BEGIN + 1), (1, 0, 0, 0, 1, 0)),
        (
            ticket("a", BEGIN, None, category="rejected", events=[Event(at=BEGIN + 3, type="rejected")]),
            (0, 1, 0, 0, 1, 0),
        ),
        # Deleted at its source while open: it leaves the backlog as cancelled, and is told apart.
        (ticket("a", BEGIN - 1, vanished_at=BEGIN + 1), (1, 0, 0, 0, 1, 0)),
        (ticket("a", BEGIN - 1, BEGIN, vanished_at=BEGIN + 1), (1, 0, 0, 1, 0, 0)),
        # Closed after it was resolved: it went once.
        (ticket("a", BEGIN, BEGIN + 1, category="closed", closed_at=BEGIN + 2), (0, 1, 0, 1, 0, 0)),
        # A report typed after the solution: it came and went at one instant.
        (ticket("a", BEGIN + 9, BEGIN + 1), (0, 1, 0, 1, 0, 0)),
        (ticket("a", BEGIN, BEGIN + 1, kind=Request), (0, 1, 0, 1, 0, 0)),
        (ticket("a", BEGIN, kind=SecurityIncident), (0, 1, 0, 0, 0, 1)),
        (change("a", BEGIN, BEGIN + 1, outcome="failed"), (0, 1, 0, 1, 0, 0)),
        (change("a", BEGIN, BEGIN + 1, outcome="cancelled"), (0, 1, 0, 0, 1, 0)),
        (
            change("a", BEFORE, status_category="in_progress", events=[(BEGIN - 1, "cancelled"), (BEGIN, "reopened")]),
            (0, 0, 1, 0, 0, 1),
        ),
    ],
)  # fmt: skip
def test_what_one_record_adds(any_store, record, expected):
    found = asked(any_store, [record])
    assert [figures(one) for one in found.flows] == [expected]
    assert found.uncounted == []
    gone = record.vanished_at is not None and expected[4]
    assert sum(one.gone for one in found.flows) == gone


def test_groups_say_under_what_a_ticket_counts_now(any_store):
    records = [
        Service(id=SHOP, source="r", title="Shop"),
        Service(id=PAY, source="r", title="Payroll"),
        # Moved from P3 to P1 and from one service to another: under what it is now, for the whole period.
        ticket("a", BEFORE, priority="P1", channel="email", events=[
            Event(at=BEGIN, type="prioritised", field="priority", from_="P3", to="P1"),
        ]),
        ticket("b", BEGIN, BEGIN + DAY, priority="P2", channel="phone", services=(SHOP, PAY)),
        ticket("c", END - DAY, services=()),
        change("h", BEGIN, type="emergency", service_ids=[PAY]),
    ]  # fmt: skip
    found = asked(any_store, records)
    assert [(one.kind, figures(one)) for one in found.flows] == [
        ("incident", (1, 2, 0, 1, 0, 2)),
        ("change", (0, 1, 0, 0, 0, 1)),
    ]
    assert [(one.kind, one.group, figures(one)) for one in found.by_class] == [
        ("incident", "P1", (1, 0, 0, 0, 0, 1)),
        ("incident", "P2", (0, 1, 0, 1, 0, 0)),
        ("incident", None, (0, 1, 0, 0, 0, 1)),
        ("change", "emergency", (0, 1, 0, 0, 0, 1)),
    ]
    assert [(one.group, one.opened) for one in found.by_channel] == [("email", 0), ("phone", 1), (None, 1)]
    assert [(one.kind, one.group, one.opened) for one in found.by_service] == [
        ("incident", "Payroll", 1), ("incident", "Shop", 1), ("incident", None, 1), ("change", "Payroll", 1),
    ]  # fmt: skip
    incidents = found.flows[0]
    assert (incidents.ages, incidents.oldest) == ((0, 1, 0, 1, 0), BEFORE)


def test_an_audience_and_as_of_narrow(store):
    records = [ticket("a", BEGIN), ticket("b", BEGIN, services=(PAY,)), ticket("c", BEGIN + DAY)]
    found = asked(store, records, services=[SHOP], as_of=BEGIN + 1)
    assert [figures(one) for one in found.flows] == [(0, 1, 0, 0, 0, 1)]


def test_what_nobody_can_tell_is_counted_apart(any_store):
    records = [
        ticket("a", None),
        ticket("b", BEGIN, None, category="closed"),
        ticket("c", BEFORE, BEFORE + 1, category="in_progress"),
        ticket("d", BEGIN, invisible_at=BEGIN + 1),
        ticket("e", BEGIN, BEGIN + 3),
        change("h", BEGIN, outcome="successful", status_category="closed"),
    ]
    found = asked(any_store, records)
    assert [(one.kind, one.unopened, one.unended, one.unreopened, one.unseen) for one in found.uncounted] == [
        ("incident", 1, 1, 1, 1),
        ("change", 0, 1, 0, 0),
    ]
    assert [figures(one) for one in found.flows] == [(0, 2, 0, 1, 0, 1)]


def test_contacts_and_visits(any_store):
    def contact(name, **more):
        return Contact(**{"id": f"r:{name}", "source": "r", "at": BEGIN, "channel": "phone", "direction": "in"} | more)

    records = [
        contact("a", answered=True, duration_s=90),
        contact("b", answered=False),
        contact("c", channel=None),
        contact("d", direction="out"),
        contact("e", class_="spam"),
        contact("f", at=END),
        ticket("t", BEGIN),
        OnsiteVisit(id="r:v1", source="r", ticket_id="r:t", start=BEGIN, end=BEGIN + 3_600_000, confirmed_at=BEGIN + 5),
        OnsiteVisit(id="r:v2", source="r", start=END - 1, end=END + 5),
    ]
    found = asked(any_store, records)
    assert [(one.channel, one.number, one.answered, one.unanswered, one.seconds, one.timed) for one in found.contacts] == [
        ("phone", 2, 1, 1, 90, 1),
        (None, 1, 0, 0, 0, 0),
    ]  # fmt: skip
    assert (found.visits.number, found.visits.confirmed, found.visits.seconds, found.visits.timed) == (2, 1, 3600, 1)
    assert asked(any_store, [], services=[SHOP]).visits.number == 1


MOMENT = st.integers(-20, 20)
TIMES = st.one_of(st.none(), MOMENT)
TICKETS = st.lists(
    st.builds(
        SimpleNamespace,
        kind=st.sampled_from([Incident, Request, SecurityIncident]),
        begun=TIMES,
        resolved=TIMES,
        closed=TIMES,
        vanished=TIMES,
        reopens=st.lists(st.tuples(TIMES, MOMENT), max_size=3),
        category=st.sampled_from(["new", "in_progress", "resolved", "closed", "cancelled", "rejected", None]),
        priority=st.sampled_from(["P1", "P2", None]),
        channel=st.sampled_from(["email", "phone", None]),
        services=st.lists(st.sampled_from(["x", "y"]), unique=True),
    ),
    min_size=1,
    max_size=12,
)
CHANGES = st.lists(
    st.builds(
        SimpleNamespace,
        begun=TIMES,
        ended=TIMES,
        outcome=st.sampled_from(["successful", "cancelled", None]),
        events=st.lists(st.tuples(MOMENT, st.sampled_from(["reopened", "cancelled", "closed", "updated"])), max_size=4),
        category=st.sampled_from(["new", "closed", "cancelled", None]),
    ),
    max_size=4,
)


def drawn(number, tickets, changes):
    """Make records of the drawn histories, all of one service of this example."""

    def when(moment):
        return None if moment is None else BEGIN + moment

    own = f"r:services/all{number}"
    for place, one in enumerate(tickets):
        yield ticket(
            f"t{number}-{place}", when(one.begun), when(one.resolved), kind=one.kind, priority=one.priority,
            channel=one.channel, closed_at=when(one.closed), vanished_at=when(one.vanished),
            reopens=[(when(a), when(b)) for a, b in one.reopens], category=one.category,
            services=(own, *(f"r:services/{name}{number}" for name in one.services)),
        )  # fmt: skip
    for place, one in enumerate(changes):
        yield change(
            f"c{number}-{place}", when(one.begun), when(one.ended), outcome=one.outcome, status_category=one.category,
            events=[(when(at), what) for at, what in one.events], service_ids=[own],
        )  # fmt: skip


numbers = count()


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tickets=TICKETS, changes=CHANGES, cuts=st.lists(st.integers(-22, 22), min_size=3, max_size=3, unique=True))
def test_every_group_balances_and_one_period_goes_on_where_the_other_ended(store, tickets, changes, cuts):
    number = next(numbers)
    a, b, c = (BEGIN + cut for cut in sorted(cuts))
    keep(store, drawn(number, tickets, changes))
    with store.begin() as conn:
        own = fill_audience(conn, 1, services=[f"r:services/all{number}"], teams=[])
        first, second, both = (workload(conn, span, END, None, own) for span in ((a, b), (b, c), (a, c)))
    for found in (first, second, both):
        for one in [*found.flows, *found.by_class, *found.by_channel, *found.by_service]:
            opening, opened, reopened, resolved, cancelled, closing = figures(one)
            assert opening + opened + reopened - resolved - cancelled == closing, one
            assert min(figures(one)) >= 0
            assert one.gone <= cancelled
        for one in found.flows:
            assert sum(one.ages) == one.closing
            groups = [flow for flow in found.by_class if flow.kind == one.kind]
            assert tuple(map(sum, zip(*map(figures, groups), strict=True))) == figures(one)
    for kind in ("incident", "request", "security_incident", "change"):
        one, two, whole = (
            next((flow for flow in found.flows if flow.kind == kind), SimpleNamespace(**dict.fromkeys(SUMS, 0)))
            for found in (first, second, both)
        )
        assert one.closing == two.opening
        assert (whole.opening, whole.closing) == (one.opening, two.closing)
        for name in SUMS[1:5]:
            assert getattr(whole, name) == getattr(one, name) + getattr(two, name)


def test_as_many_queries_however_many_records(store):
    def queries():
        asked_so_far = []
        with store.begin() as conn:
            event.listen(conn, "before_cursor_execute", lambda *_: asked_so_far.append(1))
            workload(conn, (BEGIN, END), END, None)
        return len(asked_so_far)

    services = [Service(id=SHOP, source="r", title="Shop")]
    keep(store, [*services, ticket("a", BEGIN)])
    few = queries()
    keep(store, [ticket(f"n{number}", BEGIN + number) for number in range(200)])
    assert queries() == few <= 7
