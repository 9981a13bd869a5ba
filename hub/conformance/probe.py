"""Checks that need more than SQL: Python looks, writes down a dated result, and a requirement reads that.

A probe is registered by a pack and runs before each derivation. What it finds are records of the kind
`check_result`, one a subject and month, from the source `hub`; the same finding again writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, exists, func, select, true

from hub.conformance.evidence import Rows, rows
from hub.conformance.owed import Doubt
from hub.records import CheckResult, Period
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub.store.writer import Write, write_records

__all__ = ["PROBE_SOURCE", "Finding", "Probe", "checked", "failed_at", "run_probes", "unchecked"]

PROBE_SOURCE = "hub"
"""Source of check results."""
_period = metadata.tables["period"]
result: Any = kind_tables["check_result"].c


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe saw of one subject; `subject` is a record id, empty = everything."""

    passed: bool | None
    """None = it could not be checked."""
    subject: str = ""
    counted: int | None = None
    out_of: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """A check of the store by Python; it reads and never writes."""

    name: str
    look: Callable[[Connection, int], Iterable[Finding]]
    """Gets a connection and the instant of the check."""


def run_probes(conn: Connection, probes: Sequence[Probe], now: int) -> int:
    """Let every probe look and write down what it found for the month of `now`; return how many results differ."""
    month = conn.execute(
        _period.select().where(_period.c.unit == "month", _period.c.starts_at <= now, _period.c.ends_at > now)
    ).one()
    period = Period(start=month.starts_at, end=month.ends_at)
    found = [_result(probe.name, one, month.label, period) for probe in probes for one in probe.look(conn, now)]
    said_since = _said_since(conn, found)
    return write_records(conn, [Write(_dated(one, said_since.get(_said(one), now))) for one in found], now).changed


def _result(check: str, found: Finding, label: str, period: Period) -> CheckResult:
    return CheckResult(
        id=f"{PROBE_SOURCE}:check/{check}/{found.subject or 'all'}/{label}",
        source=PROBE_SOURCE,
        title=check,
        check=check,
        subject_id=found.subject or None,
        period=period,
        result=None if found.passed is None else "passed" if found.passed else "failed",
        counted=found.counted,
        out_of=found.out_of,
        detail=found.detail,
    )


def _dated(found: CheckResult, at: int) -> CheckResult:
    return msgspec.structs.replace(found, at=at, created_at=at)


def _said(found: Any) -> tuple[Any, ...]:
    return found.id, found.result, found.counted, found.out_of, found.detail


def _said_since(conn: Connection, found: Sequence[CheckResult]) -> dict[tuple[Any, ...], int]:
    """Return since when the store holds just these results."""
    record = metadata.tables["record"].c
    held = select(record.id, result.result, result.counted, result.out_of, result.detail, result.at).where(
        record.sid == result.sid, result.period_start.in_({one.period.start for one in found if one.period})
    )
    return {_said(row): row.at for row in conn.execute(held)}


def checked(check: str, subject: ColumnElement[int] | None = None, *, least: float = 1) -> Rows:
    """Evidence: the check passed, for use with `each(...)`: the result of the unit's period.

    With `least`, one that failed will do where `counted` is at least that share of `out_of`. Give
    `unchecked(check)` to the shape as a doubt: a period in which nobody looked is not provable.
    """
    found = rows("check_result", _of(result, check, subject), result.at, reach="all", stated_by_unit=True)
    return found.where(~_failed(result, least)).doubtful(result.result.is_(None), "it could not be checked")


def failed_at(check: str, subject: ColumnElement[int] | None = None, *, least: float = 1) -> ColumnElement[Any]:
    """Return when the check of the unit's period failed; NULL = it did not."""
    other: Any = kind_tables["check_result"].alias()
    found = select(func.min(other.c.at)).where(_of(other.c, check, subject), _failed(other.c, least))
    return found.correlate_except(other).scalar_subquery()


def _failed(columns: Any, least: float) -> ColumnElement[bool]:
    top, bottom = Fraction(str(least)).as_integer_ratio()
    failed = func.coalesce(columns.result, "") == "failed"
    if top >= bottom:
        return failed
    return and_(failed, func.coalesce(columns.counted * bottom < columns.out_of * top, true()))


def unchecked(check: str, subject: ColumnElement[int] | None = None) -> Doubt:
    """Doubt: nobody looked in the unit's period."""
    other = kind_tables["check_result"].alias()
    looked = exists().where(_of(other.c, check, subject)).correlate_except(other)
    return ~looked, "the hub did not check it in this period"


def _of(columns: Any, check: str, subject: ColumnElement[int] | None) -> ColumnElement[bool]:
    about = columns.subject_id.is_(None) if subject is None else columns.subject_id == subject
    within = and_(columns.period_start <= _period.c.starts_at, columns.period_end >= _period.c.ends_at)
    return and_(columns.check == check, about, within)
