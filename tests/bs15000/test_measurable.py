"""Whether what an agreement's targets are computed from is read: found by kind and field, source by source."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, insert

from hub.records import MetricDefinition, Sla, Target
from hub.store import tables
from hub.store.reading import record_coverage
from hub.store.writer import Write, write_records
from hub_bs15000.catalogue import load_pack
from hub_bs15000.measurable import SUPPLIED

GOLD = Sla(
    id="reg:slas/gold",
    source="reg",
    valid_from="2026-01-05",
    targets=[Target(id="t1", metric="response", operator="<=", value=30, unit="min")],
)
RESPONSE = MetricDefinition(
    id="reg:metrics/response", source="reg", metric_id="response", valid_from="2026-01-01", inputs=["incident.priority"]
)


def found(conn: Connection) -> list[tuple[str, bool | None, str | None]]:
    probes = load_pack().probes
    assert probes is not None
    (probe,) = (one for one in probes() if one.name == SUPPLIED)
    return [(one.subject, one.passed, one.detail) for one in probe.look(conn, 1)]


@pytest.fixture
def conn(empty: Connection):
    write_records(empty, [Write(GOLD), Write(RESPONSE)], known_at=1)
    for field in ("", "priority"):
        row = {"source": "desk", "kind": "incident", "field": field, "within_subject": False, "known_from": 1}
        empty.execute(insert(tables.provision).values(row))
    yield empty
    empty.rollback()


def test_all_is_read(conn: Connection) -> None:
    record_coverage(conn, "desk", "OPS", "incident", through=5, reason=None, known_at=1)
    assert found(conn) == [("reg:slas/gold", True, None)]


def test_one_scope_was_not_read_to_its_end(conn: Connection) -> None:
    record_coverage(conn, "desk", "OPS", "incident", through=5, reason=None, known_at=1)
    record_coverage(conn, "desk", "WEB", "incident", through=5, reason="no permission", known_at=1)
    assert found(conn) == [("reg:slas/gold", False, "not read: incident.priority")]


def test_no_source_gives_the_field(conn: Connection) -> None:
    record_coverage(conn, "desk", "OPS", "incident", through=5, reason=None, known_at=1)
    lost = MetricDefinition(id="reg:metrics/response", source="reg", metric_id="response", valid_from="2026-01-01",
                            inputs=["incident.priority", "incident.mood"])  # fmt: skip
    write_records(conn, [Write(lost)], known_at=2)
    assert found(conn) == [("reg:slas/gold", False, "not read: incident.mood")]


def test_a_definition_of_another_time_says_nothing(conn: Connection) -> None:
    later = MetricDefinition(
        id="reg:metrics/response", source="reg", metric_id="response", valid_from="2026-01-06", inputs=["incident.x"]
    )
    write_records(conn, [Write(later)], known_at=2)
    assert found(conn) == [("reg:slas/gold", None, None)]
