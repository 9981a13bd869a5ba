from __future__ import annotations

import pytest
from msgspec.structs import fields
from sqlalchemy import StaticPool, create_engine

from hub.conformance.horizon import load_horizon
from hub.monitoring.own import OWN, state_own
from hub.records import KINDS
from hub.store.reading import record_coverage, set_provisions
from hub.store.schema import field_shapes, metadata
from hub.sync.source import Provision


@pytest.fixture(scope="module")
def engine():
    made = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(made)
    return made


@pytest.fixture
def conn(engine):
    with engine.connect() as one:
        yield one
        one.rollback()


def monitor(conn, name: str, through: int | None, reason: str | None = None, at: int = 1) -> None:
    set_provisions(conn, name, [Provision("alert", frozenset()), Provision("availability_sample", frozenset())], at)
    for kind in ("alert", "availability_sample"):
        record_coverage(conn, name, "", kind, through=through, reason=reason, known_at=at)


def test_without_monitoring_the_hub_gives_none_of_it(conn) -> None:
    state_own(conn, now=2)
    assert load_horizon(conn, known_at=None).sources("outage") == []


def test_it_reaches_as_far_as_the_monitor_read_least_far(conn) -> None:
    monitor(conn, "a", 100)
    monitor(conn, "b", 70)
    state_own(conn, now=2)
    horizon = load_horizon(conn, known_at=None)
    for kind, (_, rests_on) in OWN.items():
        if set(rests_on) & {"alert", "availability_sample"}:
            assert horizon.read("hub", kind)[""].through == 70
        else:
            assert "hub" not in horizon.sources(kind)
    monitor(conn, "b", 120, at=3)
    state_own(conn, now=4)
    assert load_horizon(conn, known_at=None).read("hub", "outage")[""].through == 100
    assert load_horizon(conn, known_at=2).read("hub", "outage")[""].through == 70


def test_a_monitor_that_cannot_be_read_holds_it_where_it_was_and_says_why(conn) -> None:
    monitor(conn, "a", 100)
    state_own(conn, now=2)
    monitor(conn, "a", None, "the certificate is not trusted", at=3)
    state_own(conn, now=4)
    reach = load_horizon(conn, known_at=None).read("hub", "outage")[""]
    assert reach.through == 100
    assert "the certificate is not trusted" in reach.reason


@pytest.mark.parametrize("kind", OWN)
def test_it_names_fields_that_there_are(kind) -> None:
    there = {field.encode_name for field in fields(KINDS[kind])} | {shape.name for shape in field_shapes(KINDS[kind])}
    assert {name.partition(".")[0] for name in OWN[kind][0].fields} <= there
