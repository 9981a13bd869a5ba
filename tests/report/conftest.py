from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from hub.conformance.answer import (
    Answers,
    CoverageRow,
    Evidence,
    FindingRow,
    Gap,
    ObligationRow,
    RequirementRow,
    Subject,
    WaiverRow,
)
from hub.report.compile import compile_conformance
from hub.report.model import Identity, Period, ReportModel

DAY = 86_400_000
ZONE = "Europe/Berlin"
HOST = "jira.example.test"
OWNERS = {
    "register:people/clara": ("Clara Schmidt", "change manager"),
    "register:people/paul": ("Paul Novak", "problem manager"),
    "register:people/dana": ("Dana Weiss", "service owner Payroll"),
}


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def _month(label: str) -> Period:
    year, month = map(int, label.split("-"))
    zone = ZoneInfo(ZONE)
    start = datetime(year, month, 1, tzinfo=zone)
    end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
    return Period(label=label, start=int(start.timestamp()) * 1000, end=int(end.timestamp()) * 1000, zone=ZONE)


def identity(label: str, as_of: int, revision: int = 1) -> Identity:
    return Identity(
        report_id=f"SR-example-organisation-conformance-{label}",
        revision=revision,
        scope="Example Organisation",
        period=_month(label),
        as_of=as_of,
        known_at=as_of,
        issued_at=as_of + 60_000,
        catalogue_version="bs15000 2026.1",
        profile_version="3f9a1c",
        tz_version="2026a",
        holidays_version="0.99",
    )


def person(native: str) -> Subject:
    return Subject(id=native, kind="person", title=OWNERS[native][0])


def ticket(kind: str, key: str, title: str) -> Subject:
    return Subject(id=f"service-desk:issue/{key}", kind=kind, key=key, title=title, url=f"https://{HOST}/browse/{key}")


REQUIREMENTS = [
    ("BS15000-8.2-a", "Changes have a defined scope", "minor"),
    ("BS15000-8.2-b", "Changes are assessed before approval", "major"),
    ("BS15000-8.2-c", "Changes are approved before they start", "critical"),
    ("BS15000-8.2-d", "Changes have a back-out plan", "major"),
    ("BS15000-8.2-e", "Emergency changes are regularised", "critical"),
    ("BS15000-8.2-f", "Changes are reviewed after implementation", "major"),
    ("BS15000-8.2-g", "The change schedule is published", "minor"),
    ("BS15000-8.2-h", "Change records are analysed", "major"),
    ("BS15000-7.2-a", "Problems are recorded", "major"),
    ("BS15000-7.2-b", "Root causes are identified in time", "major"),
    ("BS15000-7.2-c", "Known errors are published", "major"),
    ("BS15000-7.2-d", "Problem solutions are reviewed for effect", "major"),
]


def requirements(verdicts: dict[str, str]) -> list[RequirementRow]:
    judged = [
        RequirementRow(
            requirement=key,
            clause=key.split("-")[1],
            title=title,
            statement=f"{title}, always.",
            severity=severity,
            verdict=verdicts.get(key[8:], "met"),
            counts={verdicts.get(key[8:], "met"): 3},
        )
        for key, title, severity in REQUIREMENTS
    ]
    others = [
        RequirementRow(
            requirement=f"BS15000-4.{n % 6 + 1}-x{n}",
            clause=f"4.{n % 6 + 1}",
            title="Another demand",
            statement="Another demand.",
            severity="major",
            verdict="not_judged",
            counts={},
        )
        for n in range(266)
    ]
    return judged + others


def finding(number: int, requirement: str, unit: Subject, owner: str, **more: object) -> FindingRow:
    title, severity = next((t, s) for key, t, s in REQUIREMENTS if key == f"BS15000-{requirement}")
    fields = {
        "id": number,
        "requirement": f"BS15000-{requirement}",
        "part": "main",
        "clause": requirement.split("-", maxsplit=1)[0],
        "severity": severity,
        "unit": unit,
        "anchor": 0,
        "state": "open",
        "expected": f"{title}.",
        "found": "Nothing of the kind was found.",
        "action": "Do what is missing.",
        "breached_at": at("2026-10-12T08:00"),
        "first_seen_at": at("2026-10-12T20:00"),
        "state_at": at("2026-10-12T20:00"),
        "cured_at": None,
        "reopened": 0,
        "owner": person(owner),
        "due_at": at("2026-11-10T16:00"),
        "evidence": [Evidence(subject=unit, document_hash="ab" * 32)],
    }
    return msgspec.convert(fields | more, FindingRow)


def realistic(*, earlier: bool) -> Answers:
    changes = ["Upgrade of the shop's database", "New firewall rules", "Payroll calculation fix", "Load balancer swap"]
    findings = [
        finding(
            n,
            "8.2-c",
            ticket("change", f"CHG-{400 + n}", changes[n % 4]),
            "register:people/clara",
            found=[
                "Work began on 2026-10-12 at 09:10 CEST; no approval by then.",
                "The only approval came from the implementer.",
                "The approval was given for another revision than the one deployed.",
            ][n % 3],
            action="Have the change board decide on the change now and record why work began without approval.",
            breached_at=at("2026-09-14T07:10") + n * 3 * DAY,
            first_seen_at=at("2026-09-14T20:00") + n * 3 * DAY,
            due_at=at("2026-10-28T16:00") + n * DAY,
        )
        for n in range(9)
        if not earlier or n < 4
    ]
    findings[0] = msgspec.structs.replace(
        findings[0], state="open" if earlier else "cured", cured_at=None if earlier else at("2026-10-20T08:00")
    )
    findings += [
        finding(
            20,
            "8.2-e",
            ticket("change", "CHG-431", "Emergency restart of payroll <script>alert(1)</script>"),
            "register:people/dana",
            found="The emergency change was not regularised within 5 business days.",
            action="Review the emergency change and record its approval afterwards.",
        ),
        finding(
            21,
            "8.2-d",
            ticket("change", "CHG-433", "=cmd() switch of the mail relay"),
            "register:people/clara",
            found="The field back-out plan was empty when work began.",
            action="Write the back-out plan, or mark the change irreversible with the reason.",
        ),
        finding(
            30,
            "7.2-b",
            ticket("problem", "PRB-77", "Shop is slow on Monday mornings"),
            "register:people/paul",
            found="No root cause 30 business days after detection.",
            action="Name the root cause, or agree a new target date with the service owner.",
            first_seen_at=at("2026-08-03T20:00"),
            breached_at=at("2026-08-03T08:00"),
            due_at=at("2026-10-15T16:00"),
            reopened=0 if earlier else 1,
        ),
    ]
    if not earlier:
        findings.append(
            finding(
                31,
                "7.2-d",
                ticket("problem", "PRB-81", "工资单打印失败"),
                "register:people/paul",
                found="The solution was never reviewed for its effect.",
                action="Review whether the incidents stopped and record the result.",
            )
        )
    verdicts = {"8.2-c": "not_met", "8.2-e": "not_met", "8.2-d": "not_met", "7.2-b": "not_met"}
    verdicts |= {"8.2-h": "attested", "8.2-g": "pending", "7.2-c": "waived", "8.2-f": "not_provable"}
    verdicts |= {"7.2-d": "met", "8.2-b": "not_met"} if earlier else {"7.2-d": "not_met"}
    through = at("2026-10-01T05:55") if earlier else at("2026-11-03T07:55")
    return Answers(
        requirements=requirements(verdicts),
        findings=findings,
        coming=[
            ObligationRow(
                requirement=f"BS15000-{requirement}",
                part="main",
                unit=unit,
                anchor=0,
                opened_at=at("2026-10-20T08:00"),
                due_at=at(due),
                warn_at=None,
                met_at=None,
                lost_at=None,
                verdict=verdict,
                reason="",
            )
            for requirement, unit, due, verdict in [
                ("8.2-f", ticket("change", "CHG-428", "Storage firmware"), "2026-11-06T16:00", "at_risk"),
                ("7.2-b", ticket("problem", "PRB-84", "Queue of orders grows"), "2026-11-13T16:00", "pending"),
                (
                    "8.2-h",
                    Subject(id="hub:org", kind="organisation", title="Analysis of changes, November"),
                    "2026-11-30T22:00",
                    "pending",
                ),
                ("7.2-b", ticket("problem", "PRB-99", "Far away"), "2027-01-13T16:00", "pending"),
            ]
        ],
        coverage=[
            CoverageRow(
                source="service-desk",
                scope=scope,
                kind=kind,
                through=None if why else through,
                reason=why,
                records=records,
            )
            for scope, kind, why, records in [
                ("OPS", "incident", "", 2104),
                ("OPS", "request", "", 911),
                ("PRB", "problem", "", 63),
                ("CHG", "approval", "", 803),
                ("CHG", "change", "", 431),
                ("SEC", "incident", "no permission to browse the project", 0),
            ]
        ],
        waivers=[
            WaiverRow(
                requirement="BS15000-7.2-c",
                unit_filter="service = Payroll",
                reason="The knowledge base is being moved.",
                approver=person("register:people/dana"),
                valid_from=at("2026-09-01T00:00"),
                valid_to=at("2026-11-30T23:00"),
                obligations=3,
            )
        ],
        gaps=[
            Gap(
                requirement=f"BS15000-{key}",
                reason="No source provides the field change.pir.",
                remedy='fields.customfield_10080 = "review.held_at" under [sources.service-desk.fields]',
                obligations=24,
            )
            for key in ("8.2-f", "8.2-h")
        ],
        roles={key: role for key, (_name, role) in OWNERS.items()},
    )


@pytest.fixture(scope="session")
def make_identity() -> Callable[..., Identity]:
    return identity


@pytest.fixture(scope="session")
def make_finding() -> Callable[..., FindingRow]:
    return finding


@pytest.fixture(scope="session")
def answers() -> Answers:
    return realistic(earlier=False)


@pytest.fixture(scope="session")
def first() -> ReportModel:
    """The report of September, the first there was."""
    return compile_conformance(
        realistic(earlier=True), identity=identity("2026-09", at("2026-10-01T06:00")), previous=None
    )


@pytest.fixture(scope="session")
def report(answers: Answers, first: ReportModel) -> ReportModel:
    """The report of October."""
    return compile_conformance(answers, identity=identity("2026-10", at("2026-11-03T08:00")), previous=first)
