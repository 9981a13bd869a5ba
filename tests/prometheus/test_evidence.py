"""From the monitor to the verdict: what was out without a ticket, what grew too large, and what nobody watched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from hub.clock import FixedClock, parse_instant
from hub.conformance.cycle import derive_all
from hub.conformance.judge import judge
from hub.conformance.listing import list_obligations
from hub.conformance.pack import Requirement
from hub.records import (
    Approval,
    CapacityPlan,
    Change,
    ConfigurationItem,
    Incident,
    Link,
    Measurement,
    Measuring,
    Outage,
    Record,
    SecurityIncident,
    Service,
)
from hub.records.governance import CapacityForecast, CapacityLimit
from hub.store.reading import record_coverage, set_provisions
from hub.store.revision import current_records
from hub.store.tables import record
from hub.store.writer import Write, write_records
from hub.sync.runner import SourceJob, sync_source
from hub.sync.source import Provision
from hub_bs15000.catalogue import load_pack
from hub_prometheus.source import make_source
from tests.conformance.kit import needed
from tests.prometheus.kit import DB, LABELS, NOW, SHOP, configure
from tests.prometheus.stand import context

JUDGED = (
    "BS15000-5.2-c",
    "BS15000-5.2-e",
    "BS15000-5.6-b",
    "BS15000-5.7-k",
    "BS15000-7.1-b",
    "BS15000-8.1-j",
    "OPS-03",
    "OPS-13",
    "SD-01",
    "SLM-15",
)
MONITORED = {"alert", "availability_sample", "maintenance_window", "outage"}
HOUR = 3_600_000
NEW = {"alertname": "VersionChanged", "instance": "db1:9100", "severity": "none"}
SCAN = {"alertname": "PortScan", "team": "security", "severity": "warning"}


def s(text: str) -> int:
    return parse_instant(text) // 1000


class Place:
    """A store, a register and a desk that were read, and a Prometheus to be read."""

    def __init__(self, store, servers, tmp_path) -> None:
        self.store, self.servers, self.folder = store, servers, tmp_path
        self.requirements: list[Requirement] = [
            one for one in load_pack().requirements({}) if one.id in {*JUDGED, *(f"BS15000-{rid}" for rid in JUDGED)}
        ]
        self.source: Any = None

    def write(self, *records: Record) -> None:
        with self.store.begin() as conn:
            write_records(conn, [Write(one) for one in records], 1)

    def read(self, now_ms: int):
        """Read the monitor, and say that register and desk were read too."""
        self.servers.now_ms = now_ms
        clock = FixedClock(now_ms)
        asked = [{"service": SHOP, "query": 'probe_success{service="shop"}'}]
        settings = configure(history_days=40, availability=asked, security=["team=security"])
        if self.source is not None:
            self.source.close()
        self.source = make_source(settings, replace(context(self.folder, clock), zone="UTC"))
        summary = sync_source(self.store, SourceJob("metrics", self.source), clock=clock)
        kinds = {kind: fields for kind, fields in needed(self.requirements).items() if kind not in MONITORED}
        with self.store.begin() as conn:
            for name, given in (
                ("desk", kinds.keys() - {"measurement"}),
                ("register", {"capacity_plan", "configuration_item", "service"}),
            ):
                set_provisions(conn, name, [Provision(kind, kinds[kind]) for kind in sorted(given & kinds.keys())], 1)
                for kind in given & kinds.keys():
                    record_coverage(conn, name, "", kind, through=now_ms, reason=None, known_at=now_ms)
        derive_all(self.store, self.requirements, now=now_ms, zone="UTC", calendar="7x24")
        return summary

    def verdicts(self, now_ms: int) -> dict[tuple[str, str, str, int], tuple[str, str]]:
        with self.store.connect() as conn:
            judged = judge(conn, self.requirements, as_of=now_ms, known_at=None, judge_from=0, stale_ms=0)
            return {
                (row.requirement.removeprefix("BS15000-"), row.part, row.unit.id, row.opened_at): (
                    row.verdict,
                    row.reason,
                )
                for row in list_obligations(judged)
            }

    def proves_nothing(self, now_ms: int, why: str) -> None:
        """October cannot be told, nor whether anything was out without an incident since."""
        found = self.verdicts(now_ms)
        october = [told for key, told in found.items() if key[:2] == ("5.2-c", "measured") and key[3] > NOW]
        assert [told[0] for told in october] == ["not_provable"], october
        assert why in october[0][1], october

    def held(self, kind: str) -> list[Any]:
        with self.store.connect() as conn:
            ids = conn.scalars(select(record.c.id).where(record.c.kind == kind)).all()
            return sorted(current_records(conn, list(ids)), key=lambda one: (one.created_at, one.id))


@pytest.fixture
def place(any_store, servers, tmp_path):
    made = Place(any_store, servers, tmp_path)
    made.write(
        Service(
            id=SHOP,
            source="register",
            created_at=s("2026-08-01T00:00Z") * 1000,
            in_scope_from=s("2026-09-01T00:00Z") * 1000,
            in_scope=True,
            availability_target=99.9,
            calendar_id="7x24",
            measuring=Measuring(method="probe", points="at the load balancer"),
        ),
        Incident(
            id="desk:2",
            source="desk",
            key="OPS-2",
            title="Nobody can pay",
            major=True,
            service_ids=[SHOP],
            reported_at=s("2026-09-15T10:00Z") * 1000,
            recorded_at=s("2026-09-15T10:05Z") * 1000,
            created_at=s("2026-09-15T10:05Z") * 1000,
        ),
        ConfigurationItem(id=DB, source="register", created_at=1, ci_type="server", ci_status="live", controlled=True),
        Change(
            id="desk:4",
            source="desk",
            created_at=s("2026-09-17T08:00Z") * 1000,
            actual_end=s("2026-09-18T09:00Z") * 1000,
            links=[Link(type="affects", target=DB, at=s("2026-09-17T08:00Z") * 1000)],
        ),
        Approval(
            id="desk:4/approval",
            source="desk",
            subject_id="desk:4",
            decision="approved",
            decided_at=s("2026-09-17T12:00Z") * 1000,
            via="tool",
            authenticity="tool_login",
        ),
        CapacityPlan(
            id="register:capacity_plans/1",
            source="register",
            doc_status="effective",
            created_at=1,
            effective_from=s("2026-08-01T00:00Z") * 1000,
            authorised_by="register:people/a",
            authorised_at=1,
            demand=[CapacityForecast(resource="queue")],
            limits=[CapacityLimit(resource="queue", limit=10, action="add a consumer", metric_id="queue")],
        ),
        Incident(
            id="desk:1",
            source="desk",
            key="OPS-1",
            title="Shop does not answer",
            service_ids=[SHOP],
            reported_at=s("2026-09-20T10:04Z") * 1000,
            recorded_at=s("2026-09-20T10:05Z") * 1000,
            created_at=s("2026-09-20T10:05Z") * 1000,
        ),
    )
    servers.fired = [
        (LABELS, s("2026-09-10T08:00Z"), s("2026-09-10T09:00Z")),
        (LABELS, s("2026-09-20T10:00Z"), s("2026-09-20T10:30Z")),
        (LABELS, s("2026-09-25T10:00Z"), s("2026-09-25T10:02Z")),
        (SCAN, s("2026-09-12T10:00Z"), s("2026-09-12T10:05Z")),
        (NEW, s("2026-09-18T08:00Z"), s("2026-09-18T08:05Z")),
        (NEW, s("2026-09-22T08:00Z"), s("2026-09-22T08:05Z")),
        (SCAN, s("2026-09-13T10:00Z"), s("2026-09-13T10:05Z")),
    ]
    down = [(s("2026-09-10T08:00Z"), s("2026-09-10T09:00Z")), (s("2026-09-20T10:00Z"), s("2026-09-20T10:30Z"))]
    full = range(s("2026-09-05T12:00Z"), s("2026-09-05T14:00Z"))
    servers.values = {
        "probe_success": lambda at: "0" if any(a <= at < b for a, b in down) else "1",
        "queue": lambda at: "50" if at in full else "3",
    }
    yield made
    if made.source is not None:
        made.source.close()


def test_what_monitoring_shows_becomes_evidence(place: Place) -> None:
    summary = place.read(NOW)
    assert (summary.faults, summary.complete) == ([], True), summary
    lone, ticketed, short = place.held("outage")
    assert [isinstance(one, Outage) for one in (lone, ticketed, short)] == [True] * 3
    assert (lone.incident_id, lone.source, lone.planned) == (None, "hub", False)
    assert (ticketed.incident_id, ticketed.incident_basis) == ("desk:1", "service_and_time")
    found = place.verdicts(NOW)

    def of(requirement: str, part: str, unit: str) -> tuple[str, str]:
        [verdict] = [
            told for (rid, name, one, _), told in found.items() if (rid, name, one) == (requirement, part, unit)
        ]
        return verdict

    # an outage longer than the limit, and an alert, without an incident; with one; and too short to owe one
    assert of("5.2-e", "incident", lone.id) == ("not_met", "The outage belongs to no incident.")
    assert of("5.2-e", "incident", ticketed.id)[0] == "met"
    assert not [key for key in found if key[:3] == ("5.2-e", "incident", short.id)]
    assert of("7.1-b", "outages", lone.id)[0] == "not_met"
    assert of("7.1-b", "outages", ticketed.id)[0] == "met"
    assert of("7.1-b", "alerts", lone.alert_ids[0])[0] == "not_met"
    assert of("7.1-b", "alerts", ticketed.alert_ids[0])[0] == "met"
    assert of("SD-01", "alerts", lone.alert_ids[0])[0] == "not_met"
    assert of("SD-01", "alerts", ticketed.alert_ids[0])[0] == "met"

    # a grave incident that monitoring saw nothing of
    assert of("5.2-c", "noticed", "desk:2")[0] == "not_met"
    assert not [key for key in found if key[:3] == ("5.2-c", "noticed", "desk:1")], "it is not grave"

    # a threshold crossed without an answer
    acted = {key: told for key, told in found.items() if key[:2] == ("5.6-b", "acted")}
    assert [told[0] for told in acted.values()] == ["not_met"], "once, though two hours were beyond it"

    concluded = [told[0] for key, told in found.items() if key[:2] == ("OPS-13", "concluded")]
    assert concluded == ["pending"], "the next review has time yet"

    # a new version seen while its change was under way, and one that nobody had approved
    for requirement in ("8.1-j", "OPS-03"):
        seen = sorted((key[3], told[0]) for key, told in found.items() if key[:3] == (requirement, "approved", DB))
        assert [told for _, told in seen] == ["met", "not_met"], requirement

    # alerts of the security team, one of which somebody made a record of
    scans = sorted((one for one in place.held("alert") if one.security), key=lambda one: one.started_at)
    assert [of("5.7-k", "alerts", one.id)[0] for one in scans] == ["not_met", "not_met"]
    place.write(
        SecurityIncident(
            id="desk:3",
            source="desk",
            created_at=s("2026-09-12T11:00Z") * 1000,
            links=[Link(type="reported_by", target=scans[0].id, at=s("2026-09-12T11:00Z") * 1000)],
        )
    )
    place.read(NOW)
    found = place.verdicts(NOW)
    assert [of("5.7-k", "alerts", one.id)[0] for one in scans] == ["met", "not_met"]

    # September was watched whole: 90 of 43,200 minutes down, of which the alerts tell two more
    [measured] = [one for one in place.held("measurement") if one.source == "hub" and "2026-09" in one.id]
    assert isinstance(measured, Measurement)
    assert measured.coverage == 1.0
    assert measured.denominator == 30 * 86_400
    assert measured.numerator == 30 * 86_400 - (60 + 30 + 2) * 60
    assert of("5.2-c", "measured", SHOP)[0] == "met"

    # monitoring falls silent: it answers, and measures nothing; then it answers no more
    place.servers.off = [(NOW // 1000, s("2026-12-01T00:00Z"))]
    november = s("2026-11-20T06:00Z") * 1000
    summary = place.read(november)
    assert not summary.complete
    assert any("has measured nothing" in one for one in summary.warnings)
    [october] = [one for one in place.held("measurement") if one.source == "hub" and "2026-10" in one.id]
    assert october.coverage is not None
    assert october.coverage < 0.01, "six hours of October were watched"
    place.proves_nothing(november, "its query has had no value for")
    place.servers.fault = httpx.Response(403, text="forbidden")
    summary = place.read(november + HOUR)
    assert (summary.complete, summary.changed) == (False, 0)
    place.proves_nothing(november + HOUR, "403")
    kept = place.verdicts(november + HOUR)
    assert [told[0] for key, told in kept.items() if key[:3] == ("5.2-e", "incident", lone.id)] == ["not_met"]
