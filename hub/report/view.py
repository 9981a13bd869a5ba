"""What of a report a mail shows: groups, and long lists cut with the rest counted. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from typing import Generic, TypeVar

import msgspec

from hub.conformance.answer import WordRow
from hub.report.model import (
    Action,
    AttestationLine,
    Coming,
    CoverageRow,
    GapLine,
    Moved,
    Nonconformity,
    ProfileLine,
    ReportModel,
    RuleChange,
    WaiverLine,
)

__all__ = ["ClauseView", "Cut", "Group", "ScopeLine", "View", "view_of"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cut(Generic[T]):
    """The beginning of a list and how many were left out."""

    shown: list[T]
    more: int

    @classmethod
    def of(cls, rows: list[T], most: int) -> Cut[T]:
        """Keep `most` rows; one too many is shown rather than counted."""
        if len(rows) <= most + 1:
            return cls(rows, 0)
        return cls(rows[:most], len(rows) - most)


@dataclass(frozen=True, slots=True)
class Group:
    """The nonconformities of one requirement that were expected the same."""

    requirement: str
    title: str
    severity: str
    expected: str
    open: int
    new: int
    continuing: int
    cured: int
    lines: Cut[Nonconformity]


@dataclass(frozen=True, slots=True)
class ClauseView:
    """The groups of one clause."""

    clause: str
    groups: list[Group]


@dataclass(frozen=True, slots=True)
class ScopeLine:
    """One scope of one source: what was read, how far, and why not further."""

    source: str
    scope: str
    kinds: str
    """`change 412, approval 390`."""
    through: int | None
    """The earliest instant any kind was read to; None = something was never read."""
    reason: str


@dataclass(frozen=True, slots=True)
class View:
    """Everything a mail shows beyond the figures."""

    actions: Cut[Action]
    new: list[Nonconformity]
    resolved: Cut[Nonconformity]
    redefined: Cut[Nonconformity]
    worse: Cut[Nonconformity]
    moved: Cut[Moved]
    clauses: list[ClauseView]
    groups_left_out: int
    minor: int
    """Open findings of minor requirements, which a mail only counts."""
    coming: Cut[Coming]
    waivers: Cut[WaiverLine]
    attested: Cut[str]
    attestations: Cut[list[AttestationLine]]
    """Declarations, the lines of one record together."""
    words: Cut[WordRow]
    gaps: Cut[GapLine]
    scopes: Cut[ScopeLine]
    profile: Cut[ProfileLine]
    rules: Cut[RuleChange]


_ACTIONS = 10
_LINES = 5
_GROUPS = 12
_ROWS = 10


def view_of(model: ReportModel) -> View:
    """Choose what a mail shows; the attachments have everything."""
    change = model.change
    groups = [(clause, group) for clause, rows in _by_clause(model) for group in _groups(rows, model.titles)]
    groups_cut = Cut.of(groups, _GROUPS)
    return View(
        actions=Cut(model.actions[:_ACTIONS], max(0, len(model.actions) - _ACTIONS)),
        new=[
            one
            for one in _told(model)
            if one.state == "open" and one.news == "new" and (not model.urgent or one.key in model.urgent)
        ],
        minor=sum(line.severity == "minor" and line.state == "open" for line in model.nonconformities),
        resolved=Cut.of(change.resolved if change else [], _LINES),
        redefined=Cut.of(change.redefined if change else [], _LINES),
        worse=Cut.of(change.worse if change else [], _LINES),
        moved=Cut.of(change.moved if change else [], _ROWS),
        clauses=[
            ClauseView(clause, [group for _clause, group in rows])
            for clause, rows in groupby(groups_cut.shown, key=lambda pair: pair[0])
        ],
        groups_left_out=groups_cut.more,
        coming=Cut.of(model.coming, _ROWS),
        waivers=Cut.of(model.waivers, _ROWS),
        attested=Cut.of(model.attested, _ROWS),
        attestations=Cut.of(_by_record(model.attestations), _ROWS),
        words=Cut.of(model.words or [], _ROWS),
        gaps=Cut.of(model.gaps, _ROWS),
        scopes=Cut.of(scopes(model.coverage), _ROWS),
        profile=Cut.of(_said_once(model.profile), _ROWS),
        rules=Cut.of(change.rules if change else [], _ROWS),
    )


def _by_clause(model: ReportModel) -> list[tuple[str, list[Nonconformity]]]:
    told = [line for line in _told(model) if line.severity != "minor"]
    return [(clause, list(rows)) for clause, rows in groupby(told, key=lambda line: line.clause)]


def _told(model: ReportModel) -> list[Nonconformity]:
    """Leave out what is told under another finding."""
    return [line for line in model.nonconformities if line.key not in model.twins]


def _groups(rows: list[Nonconformity], titles: dict[str, str]) -> list[Group]:
    grouped: dict[tuple[str, str], list[Nonconformity]] = defaultdict(list)
    for row in rows:
        grouped[row.requirement, row.expected].append(row)
    return [
        Group(
            requirement=requirement,
            title=titles.get(requirement, ""),
            severity=lines[0].severity,
            expected=expected,
            open=sum(line.state == "open" for line in lines),
            new=sum(line.state == "open" and line.news == "new" for line in lines),
            continuing=sum(line.state == "open" and line.news == "continuing" for line in lines),
            cured=sum(line.state == "cured" for line in lines),
            lines=Cut.of(sorted(lines, key=_news_first), _LINES),
        )
        for (requirement, expected), lines in grouped.items()
    ]


def _news_first(line: Nonconformity) -> tuple[bool, bool, int, str]:
    return (line.state != "open", line.news != "new", line.breached_at, line.key)


def _by_record(lines: list[AttestationLine]) -> list[list[AttestationLine]]:
    """Put together what one record is declared for, that which ends first at the beginning."""
    grouped: dict[tuple[str, int | None], list[AttestationLine]] = defaultdict(list)
    for line in lines:
        grouped[line.subject.id, line.until].append(line)
    return sorted(grouped.values(), key=lambda some: (some[0].until is None, some[0].until or 0, some[0].requirement))


def _said_once(lines: list[ProfileLine]) -> list[ProfileLine]:
    """Put together what one key says of several requirements."""
    grouped: dict[tuple[str, str, str], list[ProfileLine]] = defaultdict(list)
    for line in lines:
        grouped[line.key, line.what, f"{line.shipped} {line.ours}"].append(line)
    return [_together(several) for several in grouped.values()]


def _together(several: list[ProfileLine]) -> ProfileLine:
    if len(several) == 1:
        return several[0]
    names = [line.requirement for line in several]
    more = f" and {len(names) - _LINES} more" if len(names) > _LINES else ""
    left_out = [line.left_out for line in several if line.left_out is not None]
    return msgspec.structs.replace(
        several[0], requirement=", ".join(names[:_LINES]) + more, left_out=sum(left_out) if left_out else None
    )


def scopes(rows: list[CoverageRow]) -> list[ScopeLine]:
    """One line a scope, those with a fault first."""
    lines = []
    for (source, scope), group in groupby(rows, key=lambda row: (row.source, row.scope)):
        members = list(group)
        read = [row.through for row in members if row.through is not None]
        lines.append(
            ScopeLine(
                source=source,
                scope=scope,
                kinds=", ".join(f"{row.kind} {row.records:,}" for row in members),
                through=min(read) if len(read) == len(members) else None,
                reason="; ".join(dict.fromkeys(row.reason for row in members if row.reason)),
            )
        )
    return sorted(lines, key=lambda line: (line.through is not None and not line.reason, line.source, line.scope))
