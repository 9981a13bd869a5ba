"""An organisation with something to tell in every chapter, and what a report asks of it."""

from __future__ import annotations

from collections.abc import Collection

from hub.conformance.situation.audience import fill_audience
from hub.records import (
    Approval,
    Audit,
    Budget,
    Change,
    Complaint,
    ConfigurationItem,
    Contact,
    ContinuityTest,
    CostEntry,
    Deployment,
    Event,
    ImprovementAction,
    Incident,
    KnownError,
    Licence,
    Measurement,
    Money,
    OnsiteVisit,
    Period,
    Person,
    Plan,
    Problem,
    Release,
    Request,
    Review,
    SatisfactionSurvey,
    SecurityIncident,
    Service,
    Sla,
    Supplier,
    UnderpinningContract,
)
from hub.records.agreements import Dispute, FinanceReporting, Target
from hub.records.finance import BudgetLine
from hub.records.governance import Milestone
from hub.records.problem import Effectiveness
from hub.records.support import MajorStep
from hub.report.file.topic import Topic
from hub.report.model import Said
from hub.report.person import Naming
from hub.report.plan.plan import Terms
from hub.report.service.chapter import Asked, Chapter
from hub.store.reading import record_coverage
from hub.store.store import Connection, Store
from hub.store.writer import Write, write_records

DAY = 86_400_000
BEGIN = 1_790_805_600_000  # 2026-10-01 in Berlin
END = BEGIN + 31 * DAY + 3_600_000
BEFORE = BEGIN - 30 * DAY
SHOP, PAY, ANN, ACME = "r:services/shop", "r:services/pay", "r:people/ann", "r:suppliers/acme"
KINDS = (
    "approval",
    "audit",
    "budget",
    "change",
    "complaint",
    "configuration_item",
    "contact",
    "continuity_test",
    "cost_entry",
    "deployment",
    "improvement_action",
    "incident",
    "known_error",
    "licence",
    "measurement",
    "onsite_visit",
    "problem",
    "release",
    "request",
    "review",
    "satisfaction_survey",
    "security_incident",
    "supplier",
    "underpinning_contract",
)


def records() -> list[object]:
    """Give every kind something to tell; ids are `r:` and a short name."""
    own = {"source": "r", "service_ids": [SHOP]}
    return [
        Service(id=SHOP, source="r", title="Shop", ci_ids=["r:ci1"]),
        Service(id=PAY, source="r", title="Payroll"),
        Person(id=ANN, source="r", name="Ann-Marie Li", title="Ann-Marie Li"),
        Incident(id="r:i1", key="INC-1", title="Shop is down", reported_at=BEGIN + DAY, resolved_at=BEGIN + 2 * DAY,
                 priority="P1", channel="phone", major=True, major_cause="A disk was full.", major_effect="No sales.",
                 major_steps=[MajorStep(text="Disk cleared", at=BEGIN + DAY + 60_000)], category="storage",
                 caused_by_change_id="r:h2", problem_ids=["r:p1"], status_category="closed",
                 events=[Event(at=BEGIN + DAY + 1, type="escalated", actor=ANN)], **own),
        Incident(id="r:i2", key="INC-2", reported_at=BEGIN + 3 * DAY, priority="P2", category="storage",
                 problem_ids=["r:p1"], status_category="in_progress", **own),
        Incident(id="r:i3", reported_at=BEFORE, resolved_at=BEFORE + 5, category="mail", status_category="closed", **own),
        Request(id="r:q1", created_at=BEFORE, status_category="new", **own),
        Contact(id="r:n1", at=BEGIN, channel="phone", answered=True, duration_s=5400, **own),
        OnsiteVisit(id="r:v1", start=BEGIN, end=BEGIN + 3_600_000, ticket_id="r:i1", source="r"),
        SatisfactionSurvey(id="r:s1", sent_at=BEGIN, replied_at=BEGIN + 1, score=5, scale_min=1, scale_max=5,
                           channel="email", **own),
        SatisfactionSurvey(id="r:s2", sent_at=BEGIN, replied_at=BEGIN + 1, score=2, scale_min=1, scale_max=5,
                           channel="email", ticket_id="r:i1", **own),
        SatisfactionSurvey(id="r:s3", sent_at=BEGIN, replied_at=BEGIN + 2, score=4, scale_min=1, scale_max=5,
                           channel="phone", **own),
        SatisfactionSurvey(id="r:s4", sent_at=BEGIN, channel="email", **own),
        SatisfactionSurvey(id="r:s5", sent_at=BEFORE, replied_at=BEGIN - 1, score=4, scale_min=1, scale_max=5, **own),
        Complaint(id="r:c1", received_at=BEGIN, due_at=BEGIN + DAY, **own),
        Problem(id="r:p1", key="PRB-1", detected_at=BEGIN, root_cause="Disk", target_resolution_at=BEGIN + DAY, **own),
        Problem(id="r:p2", detected_at=BEFORE, resolved_at=BEGIN, closed_at=BEGIN + DAY, status_category="closed",
                effectiveness=Effectiveness(reviewed_at=BEGIN + DAY, result="ineffective", recurrence_count=3), **own),
        KnownError(id="r:k1", published_at=BEGIN, **own),
        Change(id="r:h1", key="CHG-1", type="normal", actual_start=BEGIN, actual_end=BEGIN + 1, outcome="failed",
               created_at=BEFORE, cost_estimate=Money(amount="100.50", currency="EUR"), **own),
        Change(id="r:h2", key="CHG-2", type="normal", actual_start=BEGIN, actual_end=BEGIN + 1, outcome="successful",
               created_at=BEFORE, **own),
        Change(id="r:h3", type="emergency", actual_start=BEGIN, actual_end=BEGIN + 1, outcome="successful",
               created_at=BEFORE, **own),
        Change(id="r:h4", type="standard", actual_end=BEGIN + 1, created_at=BEFORE, **own),
        Change(id="r:h5", key="CHG-5", type="normal", planned_start=END + DAY, created_at=BEGIN, **own),
        Change(id="r:h6", type="normal", actual_end=BEGIN + 1, outcome="cancelled", created_at=BEFORE, **own),
        Approval(id="r:a1", source="r", subject_id="r:h2", decision="approved", decided_at=BEGIN - 1),
        Release(id="r:l1", key="REL-1", version="2.0", released_at=BEGIN, change_ids=["r:h2"], **own),
        Deployment(id="r:d1", finished_at=BEGIN, tier="production", deployment_status="success", key="DEP-1", **own),
        Deployment(id="r:d2", finished_at=BEGIN, tier="production", deployment_status="success", change_id="r:h2", **own),
        ConfigurationItem(id="r:ci1", source="r", ci_type="server", ci_status="live", created_at=BEFORE,
                          verified_at=BEGIN, events=[Event(at=BEGIN, type="updated", field="version", to="2")]),
        ConfigurationItem(id="r:ci2", source="r", ci_type="server", ci_status="retired", created_at=BEFORE,
                          retired_at=BEGIN, service_ids=[SHOP]),
        ConfigurationItem(id="r:ci3", source="r", ci_type="disk", ci_status="live", created_at=BEGIN, service_ids=[SHOP]),
        ConfigurationItem(id="r:ci4", source="r", ci_type="disk", ci_status="live", service_ids=[SHOP]),
        Audit(id="r:u1", source="r", title="Stock-taking", type="configuration", performed_at=BEGIN, sampled=3, discrepancies=1),
        Licence(id="r:x1", source="r", product="Base", entitlement=5, installed=6, valid_to="2026-11-15"),
        Licence(id="r:x2", source="r", product="Tool", entitlement=5, installed=5),
        Sla(id="r:sla", signed_at=BEFORE, finance_reporting=FinanceReporting(frequency="month"), **own),
        Budget(id="r:b1", source="r", fiscal_year="2026", lines=[
            BudgetLine(service=SHOP, cost_type="licence", amount="1000.00", currency="EUR")]),
        CostEntry(id="r:e1", source="r", service=SHOP, cost_type="licence", entry_type="actual",
                  period=Period(start=BEGIN, end=END), amount=Money(amount="333.33", currency="EUR")),
        CostEntry(id="r:e2", source="r", service=SHOP, cost_type="licence", entry_type="actual",
                  period=Period(start=BEFORE, end=BEGIN), amount=Money(amount="100", currency="EUR")),
        CostEntry(id="r:e3", source="r", service=SHOP, cost_type="licence", entry_type="forecast",
                  period=Period(start=END, end=END + DAY), amount=Money(amount="50", currency="EUR")),
        SecurityIncident(id="r:g1", detected_at=BEGIN, type="phishing", severity="critical", personal_data=True,
                         cost=Money(amount="10.5", currency="EUR"), **own),
        SecurityIncident(id="r:g2", detected_at=BEGIN, type="phishing", resolved_at=BEGIN + 1, **own),
        ContinuityTest(id="r:t1", source="r", title="Fire", performed_at=BEGIN, result="passed", rto_achieved_min=30),
        Supplier(id=ACME, source="r", title="Acme", name="Acme"),
        UnderpinningContract(id="r:uc", title="Lines", supplier_id=ACME, disputes=[
            Dispute(text="Who pays", opened_at=BEFORE, owner=ANN)],
            targets=[
            Target(id="t", metric="uptime", operator=">=", value=99.5, unit="%"),
            Target(id="r", metric="repair", operator="<=", value=4, unit="h")], **own),
        UnderpinningContract(id="r:old", title="Ended", supplier_id=ACME, valid_to="2026-10-01", targets=[
            Target(id="t", metric="uptime", operator=">=", value=99.5, unit="%")], **own),
        Measurement(id="r:m1", source="r", metric_id="uptime", subject="r:uc", target=99.5, actual=99.4, unit="%",
                    period=Period(start=BEGIN, end=END)),
        Review(id="r:w1", source="r", title="Half-year", type="contract", contract_id="r:uc", held_at=BEGIN, needs_met=True),
        ImprovementAction(id="r:o1", key="ACT-1", created_at=BEFORE, due_at=BEGIN, owner=ANN, source_ids=["r:i1"], **own),
        ImprovementAction(id="r:o2", key="ACT-2", created_at=BEFORE, closed_at=BEGIN + DAY, **own),
        ImprovementAction(id="r:o3", key="ACT-3", created_at=BEFORE, closed_at=BEGIN - 1, **own),
        ImprovementAction(id="r:o4", key="ACT-4", created_at=BEGIN, due_at=END + DAY, **own),
        ImprovementAction(id="r:o5", key="ACT-5", created_at=BEFORE, vanished_at=BEGIN + DAY, **own),
        Plan(id="r:pl", title="Better", plan_type="service_improvement", milestones=[
            Milestone(name="New disks", due_at=END + DAY)], **own),
    ]  # fmt: skip


def keep(store: Store, what: list[object] | None = None, kinds: Collection[str] = KINDS, through: int = END) -> None:
    """Write records, and say that kinds were read up to an instant."""
    with store.begin() as conn:
        write_records(conn, [Write(one) for one in (records() if what is None else what)], END)
        for kind in kinds:
            record_coverage(conn, "r", "", kind, through=through, reason=None, known_at=END)


def asked(conn: Connection, *, services: Collection[str] = (), as_of: int = END + DAY, **more: object) -> Asked:
    """Ask for the monthly report of October; `more` are terms."""
    fields = {"report_id": "SR", "spec": "s", "type": "monthly_service", "customer_name": "acme", "label": "2026-10"}
    terms = Terms(**{**fields, "start": BEGIN, "end": END, "zone": "Europe/Berlin", "due_at": END, **more})
    audience = fill_audience(conn, 7, services=services, teams=[]) if services else None
    naming = Naming(roles={ANN: "change manager"})
    return Asked(conn, terms, (BEFORE, BEGIN), as_of, None, "Europe/Berlin", audience, naming=naming)


def table(chapter: Chapter, name: str) -> list[tuple[object, ...]]:
    """Return the rows of a table of a chapter."""
    return [tuple(row) for part in chapter.parts if isinstance(part, Topic) and part.name == name for row in part.rows]


def said(chapter: Chapter) -> list[str]:
    """Return the sentences of a chapter in English, shares as part/whole."""
    return [
        one.phrase.format(**one.values, **{name: f"{a}/{b}" for name, (a, b) in one.shares.items()})
        for one in chapter.parts
        if isinstance(one, Said)
    ]
