"""Findings as the report tells them: nonconformities line by line, and what to do about them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from hub.conformance.answer import FindingRow
from hub.report.model import SEVERITIES, Action, Identity, News, Nonconformity, ReportModel
from hub.report.person import Naming

__all__ = ["actions", "clause_order", "finding_key", "nonconformities", "tell"]

_DAY_MS = 86_400_000
_NEVER = 1 << 62


def finding_key(row: FindingRow) -> str:
    """Name a finding the same in every report."""
    return f"{row.requirement}/{row.part}/{row.unit.id}/{row.opened_by or row.anchor}"


def nonconformities(
    rows: list[FindingRow], identity: Identity, previous: ReportModel | None, naming: Naming
) -> list[Nonconformity]:
    """Tell open findings and those of the period that were cured, by clause, then critical first."""
    told = [tell(row, identity, previous, naming) for row in rows if _belongs(row, identity)]
    return sorted(
        told,
        key=lambda line: (
            clause_order(line.clause),
            SEVERITIES.index(line.severity),
            line.requirement,
            line.state != "open",
            line.breached_at,
            line.key,
        ),
    )


def tell(row: FindingRow, identity: Identity, previous: ReportModel | None, naming: Naming) -> Nonconformity:
    """Tell one finding and whether it is news against the last report."""
    until = row.cured_at if row.state == "cured" and row.cured_at is not None else identity.as_of
    return Nonconformity(
        key=finding_key(row),
        requirement=row.requirement,
        clause=row.clause,
        severity=row.severity,
        subject=naming.subject(row.unit),
        state=row.state,
        news=_news(row, previous),
        expected=row.expected,
        found=row.found,
        action=row.action,
        breached_at=row.breached_at,
        first_seen_at=row.first_seen_at,
        age_days=max(0, until - row.first_seen_at) // _DAY_MS,
        owner=naming.person(row.owner),
        due_at=row.due_at,
        cured_at=row.cured_at,
        reopened=row.reopened,
        evidence=[naming.proof(item) for item in row.evidence],
    )


def actions(rows: list[FindingRow], as_of: int, naming: Naming, under: Mapping[str, str] | None = None) -> list[Action]:
    """List what has to be done, critical first, then by due date: one line a requirement, part and owner.

    `under` names findings that are told under another one (key -> key): they ask for nothing of their own.
    """
    under = under or {}
    also: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if (head := under.get(finding_key(row))) is not None:
            also[head].append(row.requirement)
    groups: dict[tuple[str, str, str], list[FindingRow]] = defaultdict(list)
    for row in rows:
        if row.state == "open" and finding_key(row) not in under:
            groups[row.requirement, row.part, row.owner.id if row.owner else ""].append(row)
    lines = [_action(sorted(group, key=_urgency), as_of, naming, also) for group in groups.values()]
    return sorted(
        lines,
        key=lambda line: (
            SEVERITIES.index(line.severity),
            line.due_at if line.due_at is not None else _NEVER,
            line.requirement,
            line.subject.id,
        ),
    )


def clause_order(clause: str) -> list[tuple[int, str]]:
    """Sort `10.1` after `9.2`."""
    return [(int(part), "") if part.isdigit() else (_NEVER, part) for part in clause.split(".")]


def _action(group: list[FindingRow], as_of: int, naming: Naming, also: Mapping[str, list[str]]) -> Action:
    first = group[0]
    return Action(
        requirement=first.requirement,
        severity=first.severity,
        sentence=first.action,
        subject=naming.subject(first.unit),
        more=len(group) - 1,
        owner=naming.person(first.owner),
        due_at=first.due_at,
        late=first.due_at is not None and first.due_at <= as_of,
        also=sorted({name for row in group for name in also.get(finding_key(row), ())}),
        since=min(row.first_seen_at for row in group),
    )


def _urgency(row: FindingRow) -> tuple[int, int, str]:
    return (row.due_at if row.due_at is not None else _NEVER, row.breached_at, row.unit.id)


def _belongs(row: FindingRow, identity: Identity) -> bool:
    """Open, or a breach of the period that was cured: late evidence leaves the breach in its period."""
    if row.state == "open":
        return row.first_seen_at <= identity.as_of
    return row.state == "cured" and identity.period.start <= row.breached_at < identity.period.end


def _news(row: FindingRow, previous: ReportModel | None) -> News:
    if previous is None:
        return ""
    told = {line.key: line.state for line in previous.nonconformities}
    before = told.get(finding_key(row))
    if row.state == "open":
        return "continuing" if before == "open" else _appeared(row)
    if before == "open" and row.state == "waived":
        return "waived"
    if before == "open":
        return "redefined" if row.by_rules else "resolved"
    return "new" if before is None else ""


def _appeared(row: FindingRow) -> News:
    if row.by_rules:
        return "redefined"
    return "unwaived" if row.unwaived else "new"
