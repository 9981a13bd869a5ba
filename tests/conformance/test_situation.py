from __future__ import annotations

import pytest

from hub.conformance.situation.audience import fill_audience
from hub.conformance.situation.query import situation
from hub.conformance.situation.satisfaction import satisfaction
from hub.conformance.situation.voice import opinion
from hub.records import (
    Change,
    Complaint,
    Deployment,
    ImprovementAction,
    Measurement,
    Period,
    Person,
    Release,
    SatisfactionSurvey,
    Service,
    Team,
    encode_record,
)
from hub.store.tables import metadata
from hub.store.writer import Write, write_page, write_records
from hub.sync.source import Document, Normalised

DAY = 86_400_000
BEGIN = 1_790_805_600_000  # 2026-10-01 in Berlin
END = BEGIN + 31 * DAY
BEFORE = BEGIN - 30 * DAY
SHOP, PAY = "r:services/shop", "r:services/pay"


def measured(service: str, start: int, actual: float | None, coverage: float = 1.0) -> Measurement:
    return Measurement(
        id=f"r:{service}/{start}",
        source="r",
        metric_id="availability",
        subject=service,
        period=Period(start=start, end=BEGIN if start == BEFORE else END),
        target=99.9,
        actual=actual,
        coverage=coverage,
        service_ids=[service],
    )


RECORDS = [
    Service(id=SHOP, source="r", title="Shop", availability_target=99.95, criticality="critical"),
    Service(id=PAY, source="r", title="Payroll"),
    Person(id="r:people/ann", source="r", name="Ann"),
    Team(id="r:teams/desk", source="r", members=["r:people/ann"]),
    Complaint(id="r:c1", source="r", received_at=BEGIN, closed_at=BEGIN + DAY, service_ids=[SHOP]),
    Complaint(id="r:c2", source="r", received_at=BEGIN + 1, due_at=BEGIN + DAY, service_ids=[PAY]),
    Complaint(id="r:c3", source="r", received_at=BEFORE + 1, service_ids=[SHOP]),
    Complaint(id="r:c4", source="r", received_at=END, service_ids=[SHOP]),
    SatisfactionSurvey(id="r:s1", source="r", sent_at=BEGIN, replied_at=BEGIN + 1, score=5, scale_min=1, scale_max=5),
    SatisfactionSurvey(id="r:s2", source="r", sent_at=BEGIN, replied_at=BEGIN + 1, score=2, scale_min=1, scale_max=5),
    SatisfactionSurvey(id="r:s3", source="r", sent_at=BEGIN),
    Change(id="r:h1", source="r", actual_end=BEGIN, outcome="failed", key="CHG-1", service_ids=[SHOP]),
    Change(id="r:h2", source="r", actual_end=END - 1, outcome="successful", type="emergency", service_ids=[PAY]),
    Change(id="r:h3", source="r", actual_end=END, outcome="failed"),
    Change(id="r:h4", source="r", actual_end=BEGIN + 5, assignee="r:people/ann"),
    Release(id="r:r1", source="r", released_at=BEGIN),
    Deployment(id="r:d1", source="r", finished_at=BEGIN, tier="production", deployment_status="rolled_back"),
    Deployment(id="r:d2", source="r", finished_at=BEGIN, tier="testing", deployment_status="failed"),
    ImprovementAction(id="r:a1", source="r", closed_at=BEGIN + DAY),
    ImprovementAction(id="r:a2", source="r", due_at=BEGIN + DAY, owner="r:people/ann", key="ACT-2"),
    ImprovementAction(id="r:a3", source="r", due_at=END + 90 * DAY),
    measured(SHOP, BEFORE, 99.95),
    measured(SHOP, BEGIN, 99.5),
    measured(PAY, BEGIN, 100.0, coverage=0.5),
]


@pytest.fixture
def store(any_store):
    documents = [
        Document(stream="all", native_id=one.id.partition(":")[2], scope="all", body=encode_record(one))
        for one in RECORDS
    ]
    with any_store.begin() as conn:
        write_page(
            conn,
            source="r",
            documents=documents,
            normalised=[Normalised(records=[one]) for one in RECORDS],
            known_at=END,
        )
    return any_store


def ask(conn, audience=None, as_of=END + DAY):
    return situation(
        conn, period=(BEGIN, END), before=(BEFORE, BEGIN), as_of=as_of, audience=audience, zone="Europe/Berlin"
    )


def test_everything_beside_the_verdicts(store):
    with store.connect() as conn:
        found = ask(conn)
    now, before = found.opinion, found.opinion_before
    assert (now.received, now.closed, now.open, now.late) == (2, 1, 2, 1)
    assert (before.received, before.closed, before.open, before.late) == (1, 0, 1, 0)
    assert (now.sent, now.replied) == (3, 2)
    assert [(one.replies, one.total, one.low) for one in now.scores] == [(2, 7.0, 1)]
    control = found.control
    assert (control.ended, control.successful, control.emergency, control.unknown) == (3, 1, 1, 1)
    assert [one.key for one in control.failed] == ["CHG-1"]
    assert (control.released, control.deployments, control.deployments_failed) == (1, 1, 1)
    follow = found.follow_up
    assert (follow.closed, follow.open, follow.late, follow.ownerless) == (1, 2, 1, 1)
    assert [one.subject.id for one in follow.lines] == ["r:a2", "r:a3"]
    assert [(one.title, one.previous, one.current, one.goal, one.kept, one.critical) for one in found.levels] == [
        ("Payroll", "", "100.0", "", "not_provable", False),
        ("Shop", "99.95", "99.5", ">= 99.95 %", "missed", True),
    ]


def test_late_answers_to_older_surveys_do_not_raise_the_rate_of_a_period(any_store):
    """The same rate as in compiled reports: of those asked in the period, who answered."""
    shared = {"source": "r", "scale_min": 1, "scale_max": 5, "score": 4}
    late = [SatisfactionSurvey(id=f"r:late{n}", sent_at=BEFORE, replied_at=BEGIN + n, **shared) for n in range(4)]
    asked = [SatisfactionSurvey(id=f"r:now{n}", source="r", sent_at=BEGIN + n) for n in range(3)]
    mute = SatisfactionSurvey(id="r:mute", source="r", sent_at=BEGIN, replied_at=BEGIN + DAY)
    with any_store.begin() as conn:
        write_records(conn, [Write(one) for one in (*late, *asked, mute)], END)
        now = opinion(conn, (BEGIN, END), END + DAY)
        campaigns = satisfaction(conn, (BEGIN, END), END + DAY, None).campaigns
    assert (now.sent, now.replied) == (4, 1) == (campaigns[0].sent, campaigns[0].replied)
    assert [one.replies for one in now.scores] == [4]


def test_nothing_after_as_of_counts(store):
    with store.connect() as conn:
        found = ask(conn, as_of=BEGIN + 2)
    assert (found.control.ended, found.opinion.closed, found.opinion.received) == (1, 0, 2)
    assert found.follow_up.late == 0


def test_an_audience_is_told_only_of_its_own(store):
    with store.begin() as conn:
        shop = fill_audience(conn, 1, services=[SHOP], teams=[])
        desk = fill_audience(conn, 2, services=[], teams=["r:teams/desk"])
        nobody = fill_audience(conn, 3, services=["r:services/unknown"], teams=[])
        found, team, none = ask(conn, shop), ask(conn, desk), ask(conn, nobody)
    assert (found.opinion.received, found.opinion.open, found.control.ended) == (1, 1, 1)
    assert [one.title for one in found.levels] == ["Shop"]
    assert (team.control.ended, team.follow_up.late, team.levels) == (1, 1, [])
    assert (none.control.ended, none.opinion.open, none.levels) == (0, 0, [])


def test_a_ticket_that_missed_is_named(store):
    record = metadata.tables["record"]
    with store.begin() as conn:
        sid = conn.execute(record.select().where(record.c.id == "r:c1")).one().sid
        clock = {"sid": sid, "metric": "complaint_resolution", "started_at": BEGIN, "due_at": BEGIN + 5, "target": "t"}
        conn.execute(metadata.tables["sla_clock"].insert(), clock)
        found = ask(conn)
    assert found.breach_count == 1
    assert [(one.subject.id, one.due_at, one.stopped_at) for one in found.breaches] == [("r:c1", BEGIN + 5, None)]
