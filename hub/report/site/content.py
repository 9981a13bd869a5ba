"""What the pages of a report show: its lists turned over by clause, requirement and service. Pure; nothing is judged here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from hub.conformance.answer import RequirementRow, Subject
from hub.report.finding import clause_order
from hub.report.model import SEVERITIES, GapLine, Nonconformity, ReportModel, WaiverLine
from hub.report.site.trend import Month

__all__ = ["HEAT", "ClauseLine", "RequirementLine", "ServiceLine", "Site"]

HEAT = ("not_met", "not_provable", "waived", "at_risk", "pending", "attested", "met", "not_applicable", "not_judged")
"""Columns of the heat map, what needs a person first."""
_STEPS = 4
_NO_CLAUSE = "other"
"""Where a requirement stands that only the report knows."""


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """One requirement of the catalogue."""

    id: str
    clause: str
    title: str
    statement: str
    severity: str
    verdict: str
    """As the report says; one that it does not mention is `not_judged`."""
    cases: list[tuple[str, int]]
    """Verdict and number of cases, worst first; empty where the verdict is not the report's any more."""
    reasons: list[str]
    findings: list[Nonconformity]
    gaps: list[GapLine]
    waivers: list[WaiverLine]
    open: int
    """How many findings are open."""


@dataclass(frozen=True, slots=True)
class ClauseLine:
    """One clause: a line of the heat map."""

    id: str
    title: str
    requirements: list[RequirementLine]
    counts: Mapping[str, int]

    def heat(self, verdict: str) -> int:
        """Say how dark a cell is, 0 to 4, by its share of the clause."""
        return -(-self.counts.get(verdict, 0) * _STEPS // len(self.requirements))

    @property
    def open(self) -> int:
        """How many findings are open."""
        return sum(one.open for one in self.requirements)


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """One service with the findings about it."""

    subject: Subject
    findings: list[Nonconformity]
    open: int
    """How many findings are open."""
    critical: int
    """How many open ones are critical."""


@dataclass(frozen=True)
class Site:
    """A report as issued with what pages need besides."""

    model: ReportModel
    rows: Sequence[RequirementRow]
    """Every requirement of the catalogue, judged once at the report's instants."""
    clause_titles: Mapping[str, str]
    services: Sequence[Subject]
    services_of: Mapping[str, Sequence[str]]
    """Record id -> ids of the services it names."""
    months: Sequence[Month] = ()
    hosts: frozenset[str] = field(default_factory=frozenset)
    """Hosts links may lead to."""

    @cached_property
    def keys(self) -> frozenset[str]:
        """Keys of the findings that have a page."""
        return frozenset(line.key for line in self.model.nonconformities)

    @cached_property
    def told(self) -> list[Nonconformity]:
        """Findings without those that are told under another: one miss that two requirements see."""
        return self.shown(self.model.nonconformities)

    def shown(self, lines: Sequence[Nonconformity]) -> list[Nonconformity]:
        """Leave out what is told under another finding."""
        return [line for line in lines if self.head_of(line) is None]

    def head_of(self, line: Nonconformity) -> str | None:
        """Return the key of the finding this one is told under, if that has a page."""
        head = self.model.twins.get(line.key)
        return head if head in self.keys else None

    def same_as(self, line: Nonconformity) -> list[str]:
        """List the keys of the findings that are one miss with this one: where it is told, or what is told under it."""
        head = self.head_of(line)
        return [*([] if head is None else [head]), *self._twins.get(line.key, ())]

    @cached_property
    def requirement_of(self) -> dict[str, str]:
        """Key of a finding -> its requirement."""
        return {line.key: line.requirement for line in self.model.nonconformities}

    @cached_property
    def _twins(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for line in self.model.nonconformities:
            if (head := self.head_of(line)) is not None:
                found[head].append(line.key)
        return found

    @cached_property
    def requirements(self) -> dict[str, RequirementLine]:
        """Every requirement by id; those only the report knows included."""
        found: dict[str, list[Nonconformity]] = defaultdict(list)
        for line in self.model.nonconformities:
            found[line.requirement].append(line)
        rows = {row.requirement: row for row in self.rows}
        ids = dict.fromkeys([*rows, *self.model.verdicts])
        return {rid: self._requirement(rid, rows.get(rid), found[rid]) for rid in ids}

    @cached_property
    def clauses(self) -> list[ClauseLine]:
        """Every clause in the order of the standard."""
        members: dict[str, list[RequirementLine]] = defaultdict(list)
        for line in self.requirements.values():
            members[line.clause].append(line)
        return [
            ClauseLine(
                clause,
                self.clause_titles.get(clause, ""),
                members[clause],
                Counter(line.verdict for line in members[clause]),
            )
            for clause in sorted(members, key=clause_order)
        ]

    @cached_property
    def service_lines(self) -> list[ServiceLine]:
        """Every service, those with most open findings first."""
        found: dict[str, list[Nonconformity]] = defaultdict(list)
        for line in self.model.nonconformities:
            for service in self.services_about(line):
                found[service.id].append(line)
        lines = []
        for one in self.services:
            still = [line.severity for line in found[one.id] if line.state == "open"]
            rows = sorted(found[one.id], key=lambda line: (line.state != "open", SEVERITIES.index(line.severity)))
            lines.append(ServiceLine(one, rows, len(still), still.count("critical")))
        return sorted(lines, key=lambda one: (-one.critical, -one.open, one.subject.title, one.subject.id))

    def services_about(self, line: Nonconformity) -> list[Subject]:
        """List the services a finding is about: named by its subject, or the subject itself."""
        known = self._known_services
        return [known[one] for one in (line.subject.id, *self.services_of.get(line.subject.id, ())) if one in known]

    @cached_property
    def without_service(self) -> int:
        """How many open findings are about no service that anybody named."""
        return sum(one.state == "open" and not self.services_about(one) for one in self.model.nonconformities)

    @cached_property
    def _known_services(self) -> dict[str, Subject]:
        return {one.id: one for one in self.services}

    @cached_property
    def _gaps(self) -> dict[str, list[GapLine]]:
        found: dict[str, list[GapLine]] = defaultdict(list)
        for gap in self.model.gaps:
            for requirement in gap.requirements:
                found[requirement].append(gap)
        return found

    def _requirement(self, rid: str, row: RequirementRow | None, findings: list[Nonconformity]) -> RequirementLine:
        verdict = self.model.verdicts.get(rid, "not_judged")
        same = row is not None and row.verdict == verdict
        counts = row.counts if row is not None and same else {}
        return RequirementLine(
            id=rid,
            clause=row.clause if row else findings[0].clause if findings else _NO_CLAUSE,
            title=row.title if row else self.model.titles.get(rid, rid),
            statement=row.statement if row else "",
            severity=row.severity if row else findings[0].severity if findings else "",
            verdict=verdict,
            cases=[(one, counts[one]) for one in HEAT if counts.get(one)],
            reasons=row.reasons if row is not None and same else [],
            findings=findings,
            gaps=self._gaps.get(rid, []),
            waivers=[one for one in self.model.waivers if one.requirement == rid],
            open=sum(one.state == "open" for one in findings),
        )
