"""A reproducible random sample of what a requirement's units owed, for who audits us.

Every obligation has a rank: a hash of the seed, the question and the obligation's lasting names. The
sample is what ranks first, so it depends on no engine, no row number and no generator of random numbers,
a larger sample holds the smaller one, and anybody can compute a rank again by hand.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from hub.clock import format_instant
from hub.conformance.answer import VERDICTS, ObligationRow
from hub.conformance.judge import Judgement
from hub.conformance.listing import list_obligations
from hub.errors import ConfigurationError, Fault

__all__ = ["Chosen", "Question", "Sample", "draw", "known_now", "rank_of"]

_CHUNK = 500


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be drawn. Raises ConfigurationError for a size below 1 and for no such verdict."""

    requirement: str
    size: int
    seed: int
    verdicts: frozenset[str] = frozenset()
    """Draw from these only; empty = all. They narrow what is drawn from and do not change its order."""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ConfigurationError([Fault(f"{self.size} is no size of a sample; it should be 1 or more", key="-n")])
        if unknown := self.verdicts.difference(VERDICTS):
            message = f"no such verdict; there are {', '.join(VERDICTS)}"
            raise ConfigurationError([Fault(message, key=", ".join(sorted(unknown)))])

    def wants(self, verdict: str) -> bool:
        """Say whether obligations of this verdict may be drawn; what is not asked only where that is said."""
        return verdict in self.verdicts if self.verdicts else verdict != "not_applicable"


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """One obligation of the sample."""

    rank: str
    """Hexadecimal; the sample is sorted by it."""
    anchor: str
    """What tells apart what a unit owes more than once, as lasting text: a record id, or an instant in milliseconds."""
    obligation: ObligationRow


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What was drawn, and from what."""

    asked: Question
    as_of: int
    known_at: int
    """The judgement's own, or `known_now` where it has none."""
    population: dict[str, int]
    """Verdict -> obligations that are judged; the sample is drawn from them, or from those of the verdicts asked for."""
    baseline: dict[str, int]
    """Verdict -> obligations decided before the organisation began to be judged; never drawn."""
    drawn_from: int
    chosen: list[Chosen]


class _Ranked(NamedTuple):
    rank: str
    part: str
    unit: str
    anchor: str
    sid: int
    number: int
    """The anchor as the table has it."""


def rank_of(*, seed: int, requirement: str, as_of: str, known_at: str, part: str, unit: str, anchor: str) -> str:
    """Return the SHA-256, hexadecimal, of these seven as a JSON array without blanks, non-ASCII characters escaped.

    Instants are RFC 3339 text as `hub.clock.format_instant` writes it, `unit` is a record id.
    """
    named = json.dumps([seed, requirement, as_of, known_at, part, unit, anchor], separators=(",", ":"))
    return hashlib.sha256(named.encode("ascii")).hexdigest()


def draw(judgement: Judgement, asked: Question) -> Sample:
    """Draw from the obligations of a requirement's enabled parts; all where there are fewer than asked for."""
    known_at = known_now(judgement.conn) if judgement.known_at is None else judgement.known_at
    judgement = replace(judgement, known_at=known_at)  # words too are those of then, whatever was read since
    instants = {"as_of": format_instant(judgement.as_of), "known_at": format_instant(known_at)}
    population: Counter[str] = Counter()
    baseline: Counter[str] = Counter()

    def candidates() -> Iterator[_Ranked]:
        for part, sid, number, verdict, before, unit, opened_by in _population(judgement, asked.requirement):
            (baseline if before else population)[verdict] += 1
            if before or not asked.wants(verdict):
                continue
            anchor = opened_by or str(number)
            name = judgement.parts[part].name
            named = {"requirement": asked.requirement, "part": name, "unit": unit, "anchor": anchor, **instants}
            yield _Ranked(rank_of(seed=asked.seed, **named), name, unit, anchor, sid, number)

    first = heapq.nsmallest(asked.size, candidates())
    owed = _obligations(judgement, asked.requirement, first)
    return Sample(
        asked=asked,
        as_of=judgement.as_of,
        known_at=known_at,
        population=dict(sorted(population.items())),
        baseline=dict(sorted(baseline.items())),
        drawn_from=sum(n for verdict, n in population.items() if asked.wants(verdict)),
        chosen=[
            Chosen(rank=one.rank, anchor=one.anchor, obligation=owed[one.part, one.unit, one.number]) for one in first
        ],
    )


def known_now(conn: Connection) -> int:
    """Return the last instant at which anything a verdict rests on became known: as known then = as known now."""
    found = conn.execute(
        text(
            "SELECT max(at) FROM (SELECT max(known_at) AS at FROM derivation "
            "UNION ALL SELECT max(known_from) FROM coverage UNION ALL SELECT max(known_to) FROM coverage "
            "UNION ALL SELECT max(known_from) FROM provision UNION ALL SELECT max(known_to) FROM provision "
            "UNION ALL SELECT max(finished_at) FROM disposal_run "
            "UNION ALL SELECT max(v.known_from) FROM revision v JOIN record r ON r.sid = v.sid WHERE r.kind = 'waiver'"
            ") t"
        )
    ).scalar()
    return int(found or 0)


def _population(judgement: Judgement, requirement: str) -> Iterator[tuple[int, int, int, str, bool, str, str | None]]:
    """Yield part, unit's number, anchor, verdict, baseline, unit's id, id of the record the anchor is; in any order."""
    numbers = [str(number) for number, part in judgement.parts.items() if part.requirement == requirement]
    if not numbers:
        return
    # A period's start in milliseconds is far above the number of any record.
    judged = judgement.sql("j.part, j.unit, j.anchor, j.verdict, j.baseline", where=f"j.part IN ({', '.join(numbers)})")
    asked = (
        f"SELECT o.part, o.unit, o.anchor, o.verdict, o.baseline, u.id, a.id FROM ({judged}) o "
        "JOIN record u ON u.sid = o.unit LEFT JOIN record a ON a.sid = o.anchor"
    )
    rows = judgement.conn.execute(text(asked.replace(":", r"\:")), execution_options={"yield_per": 5000})
    for part, sid, anchor, verdict, before, unit, opened_by in rows:
        yield part, sid, anchor, verdict, bool(before), unit, opened_by


def _obligations(
    judgement: Judgement, requirement: str, wanted: list[_Ranked]
) -> dict[tuple[str, str, int], ObligationRow]:
    sids = sorted({one.sid for one in wanted})
    return {
        (row.part, row.unit.id, row.anchor): row
        for start in range(0, len(sids), _CHUNK)
        for row in list_obligations(judgement, requirement=requirement, units=sids[start : start + _CHUNK])
    }
