"""Turns answers of the conformance engine into a report. Pure: no store, no clock, no network."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec

from hub.conformance.answer import Answers, RequirementRow
from hub.report import change, finding
from hub.report.model import (
    SEVERITIES,
    AttestationLine,
    ClauseRow,
    Coming,
    Counts,
    GapLine,
    Identity,
    ProfileLine,
    ReportModel,
    SeverityCount,
    Status,
    TrendPoint,
    WaiverLine,
)
from hub.report.person import Naming
from hub.report.section.absent import absent_sections, named_situation
from hub.report.section.twin import twins
from hub.report.status import StatusFacts, Thresholds, status_of

__all__ = ["compile_conformance", "count_verdicts"]

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


def compile_conformance(
    answers: Answers,
    *,
    identity: Identity,
    previous: ReportModel | None,
    limits: Thresholds | None = None,
    names: bool = False,
    trend: Sequence[TrendPoint] = (),
) -> ReportModel:
    """Say what the answers mean: status, counts, what to do, what changed, what is missing.

    `previous` is the last issued report of another period. `names` = people are named, instead of
    their role and initials. `trend` are earlier periods, oldest first.
    """
    limits = limits or Thresholds()
    naming = Naming(roles=answers.roles, names=names)
    counts = count_verdicts(answers.requirements)
    coming = _coming(answers, identity.as_of, limits, naming)
    waivers = _waivers(answers, identity.as_of, limits, naming)
    lines = finding.nonconformities(answers.findings, identity, previous, naming)
    profile = _profile(answers, naming)
    under = twins(lines)
    return ReportModel(
        identity=identity,
        status=_status(answers, identity, limits, coming=coming, waivers=waivers),
        counts=counts,
        by_severity=_by_severity(answers.requirements, previous),
        rate_before=previous.counts.rate if previous else None,
        verdicts={row.requirement: row.verdict for row in answers.requirements},
        titles={row.requirement: row.title for row in answers.requirements if row.verdict != "not_judged"},
        actions=finding.actions(answers.findings, identity.as_of, naming, under),
        change=change.since_last(answers, lines, identity, previous, naming, profile=profile) if previous else None,
        nonconformities=lines,
        coming=coming,
        waivers=waivers,
        attested=sorted(row.requirement for row in answers.requirements if row.verdict == "attested"),
        coverage=sorted(answers.coverage, key=lambda row: (row.source, row.scope, row.kind)),
        gaps=_gaps(answers),
        clauses=_clauses(answers.requirements),
        profile=profile,
        lost=answers.lost,
        situation=named_situation(answers.situation, naming),
        absent=absent_sections(answers),
        topics=answers.topics,
        twins=under,
        requirements=answers.requirements,
        attestations=[
            AttestationLine(
                requirement=row.requirement,
                subject=naming.subject(row.record),
                who=naming.person(row.declared_by),
                until=row.expires_at,
                obligations=row.obligations,
            )
            for row in answers.attestations
        ],
        words=answers.words,
        trend=[*trend, TrendPoint(label=identity.period.label, rate=counts.rate)],
    )


def count_verdicts(rows: list[RequirementRow]) -> Counts:
    """Count requirements by verdict."""
    return Counts(verdicts=dict(Counter(row.verdict for row in rows)))


def _status(
    answers: Answers,
    identity: Identity,
    limits: Thresholds,
    *,
    coming: list[Coming],
    waivers: list[WaiverLine],
) -> Status:
    late = [
        identity.as_of - row.due_at
        for row in answers.findings
        if row.state == "open" and row.severity == "critical" and row.due_at is not None
    ]
    soon = identity.as_of + limits.at_risk_days * _DAY_MS
    missed = [level for level in answers.situation.levels if level.kept == "missed"] if answers.situation else []
    on_time = (
        next((kpi for kpi in answers.situation.kpis if kpi.name == "on_time"), None) if answers.situation else None
    )
    watched = set(answers.topics.get("overdue", ()))
    facts = StatusFacts(
        counts=count_verdicts(answers.requirements),
        critical_not_met=sum(r.severity == "critical" and r.verdict == "not_met" for r in answers.requirements),
        unread=_unread(answers, identity, limits),
        latest_critical_action_ms=max(late, default=None),
        at_risk_soon=sum(row.at_risk and row.due_at <= soon for row in coming),
        waivers_ending=sum(row.expires_soon for row in waivers),
        narrowed=bool(identity.covers),
        overdue=[r.requirement for r in answers.requirements if r.requirement in watched and r.verdict == "not_met"],
        levels_missed=len(missed),
        critical_levels_missed=sum(level.critical for level in missed),
        reports_on_time=on_time.numerator if on_time and not on_time.missing else 0,
        reports_due=on_time.denominator if on_time and not on_time.missing else 0,
    )
    return status_of(facts, limits)


def _unread(answers: Answers, identity: Identity, limits: Thresholds) -> list[str]:
    """Name required scopes not read to the end of the period, or (before it ends) not lately."""
    needed = min(identity.period.end, identity.as_of - limits.fresh_hours * _HOUR_MS)
    names = {
        f"{row.source} / {row.scope}" if row.scope else row.source
        for row in answers.coverage
        if row.source not in answers.optional_sources and (row.reason or row.through is None or row.through < needed)
    }
    return sorted(names)


def _by_severity(rows: list[RequirementRow], previous: ReportModel | None) -> list[SeverityCount]:
    before = {row.severity: row.now for row in previous.by_severity} if previous else {}
    return [
        SeverityCount(
            severity=severity,
            now=count_verdicts([row for row in rows if row.severity == severity]),
            before=before.get(severity),
        )
        for severity in SEVERITIES
    ]


def _coming(answers: Answers, as_of: int, limits: Thresholds, naming: Naming) -> list[Coming]:
    horizon = as_of + limits.coming_days * _DAY_MS
    rows = [
        Coming(
            requirement=row.requirement,
            subject=naming.subject(row.unit),
            due_at=row.due_at,
            at_risk=row.verdict == "at_risk",
        )
        for row in answers.coming
        if row.verdict in ("at_risk", "pending") and row.due_at is not None and as_of < row.due_at <= horizon
    ]
    return sorted(rows, key=lambda row: (row.due_at, row.requirement, row.subject.id))


def _waivers(answers: Answers, as_of: int, limits: Thresholds, naming: Naming) -> list[WaiverLine]:
    rows = [
        WaiverLine(
            requirement=row.requirement,
            unit_filter=row.unit_filter,
            reason=row.reason,
            approver=naming.person(row.approver),
            valid_to=row.valid_to,
            obligations=row.obligations,
            expires_soon=row.valid_to <= as_of + limits.waiver_days * _DAY_MS,
            notes=row.notes,
        )
        for row in answers.waivers
        if row.valid_from <= as_of < row.valid_to
    ]
    return sorted(rows, key=lambda row: (row.valid_to, row.requirement, row.unit_filter))


def _profile(answers: Answers, naming: Naming) -> list[ProfileLine]:
    """Say who set it as the report names people, and how much is not asked because of it."""
    left_out = {row.requirement: row.counts.get("not_applicable", 0) for row in answers.requirements}
    return [
        msgspec.structs.replace(
            line,
            set_by=_setter(answers, line.set_by, naming),
            left_out=left_out.get(line.requirement, 0) if line.what == "judged" else None,
        )
        for line in answers.profile
    ]


def _setter(answers: Answers, set_by: str, naming: Naming) -> str:
    person = naming.person(answers.setters.get(set_by))
    return person.label if person else set_by


def _gaps(answers: Answers) -> list[GapLine]:
    """One line a reason: the same missing field keeps several requirements from being provable."""
    requirements: dict[tuple[str, str], set[str]] = defaultdict(set)
    obligations: Counter[tuple[str, str]] = Counter()
    for gap in answers.gaps:
        requirements[gap.reason, gap.remedy].add(gap.requirement)
        obligations[gap.reason, gap.remedy] += gap.obligations
    lines = [
        GapLine(requirements=sorted(ids), reason=key[0], remedy=key[1], obligations=obligations[key])
        for key, ids in requirements.items()
    ]
    return sorted(lines, key=lambda line: (-line.obligations, line.reason, line.remedy))


def _clauses(rows: list[RequirementRow]) -> list[ClauseRow]:
    by_clause: dict[str, list[RequirementRow]] = defaultdict(list)
    for row in rows:
        by_clause[row.clause].append(row)
    counted = [ClauseRow(clause=clause, counts=count_verdicts(group)) for clause, group in by_clause.items()]
    return sorted((row for row in counted if row.counts.judged), key=lambda row: finding.clause_order(row.clause))
