"""A small pack, stores with a calendar and full coverage, and short words for deriving and judging."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from hub.conformance.derive import DeriveSummary, derive, part_numbers
from hub.conformance.evidence import any_of, at, rows
from hub.conformance.expression import CALENDAR, business_days_after, days_after, since_when
from hub.conformance.judge import Judgement, judge
from hub.conformance.lineup import COLUMNS
from hub.conformance.pack import CatalogueEntry, Requirement
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.relation import linked
from hub.conformance.shape import attestation, completeness, deadline, precondition, threshold, trend
from hub.conformance.tally import SUMS
from hub.conformance.unit import each_month, unit
from hub.records import Record
from hub.sla.calendar import Calendar, built_in
from hub.sla.materialise import materialise
from hub.store.reading import record_coverage, set_provisions
from hub.store.schema import kind_tables
from hub.store.store import Store
from hub.store.tables import counted, lineup, obligation, period, record, tally
from hub.store.tables import link as _link
from hub.store.writer import Write, write_records
from hub.sync.source import Provision

WORDS = Words("It is done.", "It was not done.", "Do it.")
FAR = 9_000_000_000_000
"""Later than any instant of a test."""
ZONE = "Europe/Berlin"

change: Any = kind_tables["change"].c
problem: Any = kind_tables["problem"].c
approval: Any = kind_tables["approval"].c
review: Any = kind_tables["review"].c
document: Any = kind_tables["document"].c
known_error: Any = kind_tables["known_error"].c
incident: Any = kind_tables["incident"].c


def requirement(rid: str, *parts: Part, severity: str = "major", role: str = "change_manager") -> Requirement:
    entry = CatalogueEntry(
        id=rid,
        clause=rid.rpartition("-")[0] or "8.2",
        title=rid,
        statement=f"{rid} is done.",
        severity=severity,  # type: ignore[arg-type]
        iso20000=None,
        role=role,
    )
    return Requirement(entry, tuple(parts))


def approvals() -> Any:
    fields = frozenset({"decision", "approver", "decided_at"})
    found = rows(
        "approval", approval.subject_id == change.sid, approval.decided_at, fields=fields, lost=approval.withdrawn_at
    )
    return found.where(approval.decision == "approved")


def approved(rid: str = "T-approved", **more: Any) -> Requirement:
    """Approved before it starts, whoever by: near."""
    return requirement(
        rid,
        precondition(
            rid, "approved", WORDS, unit=unit("change"), before=change.actual_start, evidence=approvals(), **more
        ),
    )


def authorised(rid: str = "T-authorised", nth: int = 1) -> Requirement:
    """Approved by the change authority, not by who carries it out: near, roles and people."""
    evidence = approvals().by(approval.approver, "change_authority").not_by(approval.approver, change.implementer)
    part = precondition(
        rid,
        "authorised",
        WORDS,
        unit=unit("change").where(change.type != "emergency"),
        before=change.actual_start,
        evidence=evidence,
        nth=nth,
        fields=("type", "implementer"),
    )
    return requirement(rid, part)


def planned(rid: str = "T-planned") -> Requirement:
    """Back-out plan filled before start: the unit's own field."""
    part = completeness(rid, "planned", WORDS, unit=unit("change"), fields=("backout_plan",), by=change.actual_start)
    return requirement(rid, part)


def analysed(rid: str = "T-analysed") -> Requirement:
    """A review every month within ten days: the organisation owes."""
    covers = (review.type == "change_analysis") & (review.period_start <= period.c.starts_at)
    part = trend(
        rid,
        "analysed",
        WORDS,
        unit=each_month(),
        due=days_after(period.c.ends_at - 1, 10),
        evidence=rows("review", covers & (review.period_end >= period.c.ends_at), review.held_at, reach="all"),
    )
    return requirement(rid, part)


def small_pack() -> list[Requirement]:
    """Near, far, all, periods; every kind of evidence; two parts in one requirement."""
    incidents = (
        select(kind_tables["incident"].c.sid)
        .where(kind_tables["incident"].c.caused_by_change_id == change.sid)
        .exists()
        .correlate(kind_tables["change"])
    )
    linked_to = precondition(
        "T-linked",
        "linked",
        WORDS,
        unit=unit("change"),
        before=change.actual_end,
        evidence=linked(change.sid, ("incident", "problem"), never=("causes",)),
    )
    quiet = threshold(
        "T-linked",
        "quiet",
        WORDS,
        unit=unit("change").reading(incident="near"),
        holds=~incidents,
        at=change.actual_end,
        doubts=[(change.outcome.is_(None), "how it ended is not recorded")],
    )
    reviewed = deadline(
        "T-reviewed",
        "reviewed",
        WORDS,
        unit=unit("problem").where(problem.closed_at.is_not(None)).opening(problem.closed_at),
        due=days_after(problem.closed_at, 5),
        evidence=any_of(
            rows("review", review.subject_id == problem.sid, review.held_at),
            at(since_when(problem.sid, "solution_ref")),
            rows("known_error", known_error.problem_id == problem.sid, known_error.published_at),
        ),
    )
    worked = deadline(
        "T-worked",
        "worked",
        WORDS,
        unit=unit("incident"),
        due=business_days_after(incident.created_at, 3),
        evidence=at(incident.resolved_at),
        needs=[Need("change", frozenset({"type"}), evidence=True)],
    )
    effective = (document.doc_type == "policy") & (document.effective_from < period.c.ends_at)
    in_force = attestation(
        "T-policy",
        "in_force",
        WORDS,
        unit=each_month().opening(period.c.starts_at),
        due=period.c.ends_at - 1,
        evidence=rows("document", effective, document.effective_from, lost=document.superseded_at, reach="all"),
    )
    neighbour: Any = kind_tables["incident"].alias()
    # An incident names its problem, and the problem names the known error: two references away.
    known = precondition(
        "T-known",
        "known",
        WORDS,
        unit=unit("known_error").reading(problem="near"),
        before=known_error.retired_at,
        evidence=rows(
            "incident",
            neighbour.c.sid.in_(
                select(_link.c.sid)
                .join(kind_tables["problem"], kind_tables["problem"].c.sid == _link.c.target)
                .where(_link.c.type == "problem_ids", kind_tables["problem"].c.known_error_id == known_error.sid)
                .correlate_except(_link, kind_tables["problem"])
            ),
            neighbour.c.resolved_at,
            table=neighbour,
            reach="far",
        ),
    )
    return [
        approved(),
        authorised(),
        authorised("T-two", nth=2),
        planned(),
        requirement("T-linked", linked_to, quiet),
        requirement("T-reviewed", reviewed),
        requirement("T-worked", worked),
        requirement("T-policy", in_force),
        requirement("T-known", known),
        analysed(),
    ]


def _own_calendar() -> Calendar:
    office = next(one for one in built_in(ZONE) if one.id == "5x8")
    return Calendar(**{name: getattr(office, name) for name in office.__slots__} | {"id": CALENDAR})


def prepare(conn: Connection, first: date = date(2025, 10, 1), last: date = date(2026, 12, 31)) -> None:
    """Days and months of the organisation."""
    materialise(conn, [_own_calendar()], ZONE, first, last)


def provide(conn: Connection, requirements: Sequence[Requirement], *sources: str, within: Iterable[str] = ()) -> None:
    """Let sources say every field that requirements need."""
    for source in sources:
        provided = [Provision(kind, fields, kind in within) for kind, fields in needed(requirements).items()]
        set_provisions(conn, source, provided, 1)


def needed(requirements: Sequence[Requirement]) -> dict[str, frozenset[str]]:
    """Return kind -> fields that requirements need."""
    found: dict[str, frozenset[str]] = {}
    for one in requirements:
        for part in one.parts:
            for need in part.needs:
                found[need.kind] = found.get(need.kind, frozenset()) | need.fields
    return found


def cover(conn: Connection, source: str, scope: str, kinds: Iterable[str], **more: Any) -> None:
    """Say how far kinds of a scope were read; by default for ever."""
    values = {"through": FAR, "reason": None, "known_at": 1} | more
    for kind in kinds:
        record_coverage(conn, source, scope, kind, **values)


@dataclass
class House:
    """A store with a pack, and a clock that counts writes and derivations."""

    store: Store
    requirements: Sequence[Requirement]
    now: int = 1_800_000_000_000

    def tick(self) -> int:
        self.now += 1000
        return self.now

    def write(self, *records: Record) -> None:
        with self.store.begin() as conn:
            write_records(conn, [Write(one) for one in records], self.tick())

    def derive(self, *, whole: bool = False) -> DeriveSummary:
        return derive(self.store, self.requirements, now=self.tick(), whole=whole)

    def open(self) -> House:
        """Calendar, provisions and coverage of `desk`, which says everything there is to say."""
        with self.store.begin() as conn:
            prepare(conn)
            provide(conn, self.requirements, "desk")
            for scope in ("OPS", "CHG", "PRB"):
                cover(conn, "desk", scope, needed(self.requirements))
        return self

    def verdicts(self, as_of: int, known_at: int | None = None, **more: Any) -> dict[tuple[str, str, str], str]:
        """Return (requirement, part, unit id) -> verdict; for parts that owe once a unit."""
        with self.store.connect() as conn:
            judged = judge(
                conn, self.requirements, as_of=as_of, known_at=known_at, judge_from=0, **{"stale_ms": 0} | more
            )
            return {(r[0], r[1], r[2]): r.verdict for r in named_rows(judged)}

    def verdict(self, rid: str, unit_id: str, as_of: int, known_at: int | None = None, **more: Any) -> str | None:
        found = {v for (r, _, u), v in self.verdicts(as_of, known_at, **more).items() if (r, u) == (rid, unit_id)}
        assert len(found) <= 1
        return next(iter(found), None)

    def current(self) -> list[Any]:
        """List obligations as now known, with names instead of numbers."""
        with self.store.connect() as conn:
            names = {number: key for key, number in part_numbers(conn).items()}
            ids = dict(conn.execute(select(record.c.sid, record.c.id)).all())
            kept = conn.execute(select(obligation).where(obligation.c.known_to.is_(None))).all()
        return sorted(((*names[r.part], ids[r.unit], r) for r in kept), key=lambda one: (one[:3], one[3].anchor))

    def remembered(self) -> list[list[tuple[Any, ...]]]:
        """List what stands counted, record by record, its sums, and what stands in line."""
        with self.store.connect() as conn:
            return [
                sorted((tuple(row) for row in conn.execute(select(*(table.c[name] for name in names)))), key=repr)
                for table, names in (
                    (counted, ("part", "unit", "anchor", "sid", "value", "sure")),
                    (tally, ("part", "unit", "anchor", *SUMS)),
                    (lineup, ("part", *COLUMNS)),
                )
            ]

    def owed(self, rid: str, unit_id: str) -> Any:
        """Return the one obligation of a unit."""
        (found,) = [row for r, _, u, row in self.current() if (r, u) == (rid, unit_id)]
        return found


def named_rows(judged: Judgement, as_of: int | None = None) -> list[Any]:
    """Judged obligations as (requirement, part, unit id, anchor, …), comparable between stores."""
    ids = dict(judged.conn.execute(select(record.c.sid, record.c.id)).all())
    found = []
    for row in judged.rows("j.*", as_of=as_of):
        part = judged.parts[row.part]
        found.append(
            NamedRow(
                part.requirement,
                part.name,
                ids[row.unit],
                ids[row.anchor] if 0 < row.anchor < 1_000_000 else row.anchor,
                row.opened_at,
                row.due_at,
                row.warn_at,
                row.met_at,
                row.lost_at,
                row.lacks,
                bool(row.declared),
                ids[row.evidence] if row.evidence is not None else None,
                row.verdict,
            )
        )
    return sorted(found, key=lambda one: (one[:3], str(one.anchor)))


class NamedRow(NamedTuple):
    """A judged obligation, comparable between stores."""

    requirement: str
    part: str
    unit: str
    anchor: int | str
    opened_at: int
    due_at: int | None
    warn_at: int | None
    met_at: int | None
    lost_at: int | None
    lacks: str | None
    declared: bool
    evidence: str | None
    verdict: str
