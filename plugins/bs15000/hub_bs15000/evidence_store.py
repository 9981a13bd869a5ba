"""The hub's own store under the standard: nothing altered, everything readable, everything cited to be found.

Every month the store is gone through once, a stretch in each run: as much as the month has run, so that whoever
runs the hub now and then has gone through everything before the month is over. Until then the answer is that it is
not known. How far a check has come stands in its result (`counted`, `out_of`), which is written anew only where
there was more to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
import zstandard
from sqlalchemy import Connection, select

from hub.conformance.probe import Finding, Probe
from hub.report.model import Proof
from hub.store.provenance import documents_known
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub.store.walk import Flaw, altered, cut_off, newest, unfounded, unreadable
from hub_bs15000.store_check import CHAIN, CITED, DECODES, STATES

__all__ = ["PROBES"]

AT_LEAST, AT_MOST = 2_000, 50_000
"""Documents looked at in one run, where there are so many: about a tenth of a second, and a few."""
_DONE_BY = 0.8
"""Share of the month by which all has been looked at."""
_LISTED = 5
_period = metadata.tables["period"].c
_report = metadata.tables["report"].c
_result: Any = kind_tables["check_result"].c
Look = Callable[[Connection, int, int], Iterator[Flaw]]


class _Line(msgspec.Struct):
    """A finding of a report."""

    evidence: list[Proof] = []


class _Report(msgspec.Struct):
    """What a report cites, whatever else the version of the hub that wrote it put in."""

    nonconformities: list[_Line] = []


@dataclass(frozen=True)
class _Month:
    """The month of a check, and what was found in it so far."""

    starts_at: int
    ends_at: int
    result: str | None
    counted: int
    out_of: int
    detail: str | None

    def reaches(self, done: int, total: int, now: int) -> int:
        """Return up to which of `total` a run looks that finds `done` looked at already."""
        share = min(1.0, (now - self.starts_at) / (_DONE_BY * (self.ends_at - self.starts_at)))
        return min(total, done + AT_MOST, max(done + AT_LEAST, int(total * share)))


def _month(conn: Connection, check: str, now: int) -> _Month:
    where = _period.unit == "month", _period.starts_at <= now, _period.ends_at > now
    month = conn.execute(select(_period.starts_at, _period.ends_at).where(*where)).one()
    said = conn.execute(
        select(_result.result, _result.counted, _result.out_of, _result.detail).where(
            _result.check == check, _result.subject_id.is_(None), _result.period_start == month.starts_at
        )
    ).first()
    found = (None, 0, 0, None) if said is None else (said.result, said.counted or 0, said.out_of or 0, said.detail)
    return _Month(month.starts_at, month.ends_at, *found)


def _until_broken(check: str, look: Look) -> Probe:
    """Make a probe that stops at the first flaw and stays there until it is mended."""

    def run(conn: Connection, now: int) -> list[Finding]:
        month, total = _month(conn, check, now), newest(conn)
        if (lost := cut_off(conn)) is not None or month.counted > total:
            said = lost or f"{month.counted} documents were in order this month, {total} are left"
            return [Finding(passed=False, counted=month.counted, out_of=max(month.out_of, total), detail=said)]
        until = month.reaches(month.counted, total, now)
        flaw = next(look(conn, month.counted, until), None)
        if flaw is not None:
            return [Finding(passed=False, counted=flaw.doc - 1, out_of=total, detail=flaw.said)]
        return [Finding(passed=True if until == total else None, counted=until, out_of=total)]

    return Probe(check, run)


def _decoding(conn: Connection, now: int) -> list[Finding]:
    month, total = _month(conn, DECODES, now), newest(conn)
    done = month.out_of
    until = month.reaches(done, total, now)
    flaws = unreadable(conn, done, until)
    shown = list(islice(flaws, _LISTED))
    bad = done - month.counted + len(shown) + sum(1 for _ in flaws)
    listed = [*([month.detail] if month.detail else []), *(flaw.said for flaw in shown)]
    detail = "; ".join(listed[:_LISTED]) or None
    passed = None if until < total else bad == 0
    return [Finding(passed=passed, counted=until - bad, out_of=until, detail=detail)]


def _citing(conn: Connection, now: int) -> list[Finding]:
    month = _month(conn, CITED, now)
    issued = conn.execute(
        select(_report.report_id, _report.revision, _report.known_at, _report.model)
        .where(_report.created_at >= month.starts_at, _report.created_at < month.ends_at)
        .order_by(_report.created_at, _report.report_id, _report.revision)
        .offset(month.counted)
    ).all()
    total = month.counted + len(issued)
    for right, one in enumerate(issued, month.counted):
        report = msgspec.json.decode(zstandard.ZstdDecompressor().decompress(one.model), type=_Report)
        if (gone := _not_found(conn, report, one.known_at)) is not None:
            said = (
                f"report {one.report_id}, revision {one.revision} cites {gone}, which the store does not hold as cited"
            )
            return [Finding(passed=False, counted=right, out_of=total, detail=said)]
    return [Finding(passed=True, counted=total, out_of=total)]


def _not_found(conn: Connection, report: _Report, known_at: int) -> str | None:
    """Return the first record a report cites with the hash of a document that is not the record's."""
    cited = {
        proof.id: proof.document_hash for one in report.nonconformities for proof in one.evidence if proof.document_hash
    }
    held = documents_known(conn, list(cited), known_at)
    return next((name for name, digest in cited.items() if name not in held or held[name].hash != digest), None)


PROBES = (
    _until_broken(CHAIN, altered),
    _until_broken(STATES, unfounded),
    Probe(DECODES, _decoding),
    Probe(CITED, _citing),
)
"""What looks at the store before each derivation."""
