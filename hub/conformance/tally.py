"""What is counted in a period, remembered record by record, so that one that changed is counted anew and no other is read.

`counted` holds what each record gives to which unit and period, `tally` the sums. Both stand apart from the units: whether
one owes anything is asked of the sums. A select says where it counts by two marks, and is complete without the tables: what is
between the marks is then worked out where it stands, narrowed to the units touched like the rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select

from hub.conformance.expression import narrow
from hub.conformance.lineup import forget_line, keep_line, lay_line, lined_up, move

__all__ = ["SUMS", "forget_tally", "keep_tally", "lay_tally", "marked", "recount", "tallied", "with_tally"]

SUMS = ("most", "counted", "total", "no", "most_yes", "most_no")
"""Columns of the sums: rows; those that count for certain; of these the sum of values and the noughts; ones and noughts of all."""
_COUNTED = re.compile(r"SELECT /\*counted\*/.*?/\*counted ends\*/", re.DOTALL)
_TALLY = re.compile(r"SELECT /\*tally\*/.*?/\*tally ends\*/", re.DOTALL)
_ROW = "part, sid, unit, anchor, value, sure"
_FRESH = {
    "fresh_counted": "part SMALLINT, sid INTEGER, unit INTEGER, anchor BIGINT, value BIGINT, sure INTEGER",
    "fresh_tally": "part SMALLINT, unit INTEGER, anchor BIGINT, " + ", ".join(f"{name} BIGINT" for name in SUMS),
}


def marked(statement: Select[Any], name: str) -> Select[Any]:
    """Mark what is `counted`, or its `tally`, so that it is found again in the select once written."""
    return statement.prefix_with(f"/*{name}*/").suffix_with(f"/*{name} ends*/")


def tallied(written: str) -> bool:
    """Say whether a select counts records that are remembered."""
    return "/*tally*/" in written


def with_tally(written: str, table: str, number: int) -> str:
    """Let a select read its sums from `table` instead of counting."""
    kept = f"SELECT unit, anchor, {', '.join(SUMS)} FROM {table} WHERE part = {number}"
    return _TALLY.sub(lambda _: kept, written)


def lay_tally(conn: Connection, written: str, number: int) -> None:
    """Count everything anew and lay it aside in `fresh_counted` and `fresh_tally`; locks nothing."""
    _clear(conn, number)
    _count(conn, lay_line(conn, written, number) if lined_up(written) else written, number)
    totals = ", ".join(_summed("f", name) for name in SUMS)
    conn.exec_driver_sql(
        f"INSERT INTO fresh_tally (part, unit, anchor, {', '.join(SUMS)}) SELECT {number}, f.unit, f.anchor, {totals} "
        f"FROM (SELECT 1 AS sign, unit, anchor, value, sure FROM fresh_counted WHERE part = {number}) f "
        "GROUP BY f.unit, f.anchor"
    )


def keep_tally(conn: Connection, written: str, number: int) -> None:
    """Remember what was laid aside for the part, if it counts anything or has rows in line, in place of what was known."""
    forget_tally(conn, [number])
    if lined_up(written):
        keep_line(conn, number)
    if not tallied(written):
        return
    names = f"part, unit, anchor, {', '.join(SUMS)}"
    conn.exec_driver_sql(f"INSERT INTO counted ({_ROW}) SELECT {_ROW} FROM fresh_counted WHERE part = {number}")
    conn.exec_driver_sql(f"INSERT INTO tally ({names}) SELECT {names} FROM fresh_tally WHERE part = {number}")
    _clear(conn, number)


def forget_tally(conn: Connection, numbers: Sequence[int]) -> None:
    """Forget what parts have counted."""
    listed = ", ".join(map(str, numbers))
    for table in ("counted", "tally"):
        conn.exec_driver_sql(f"DELETE FROM {table} WHERE part IN ({listed})")
    forget_line(conn, listed)


def recount(conn: Connection, written: str, number: int, units: str) -> None:
    """Count anew only the records in the table `units`: what they gave is taken from the sums, what they give is added."""
    _clear(conn, number)
    if lined_up(written):
        written, units = move(conn, written, number, units)
        if not units:
            return
    _count(conn, written, number, units)
    changed = f"part = {number} AND sid IN (SELECT unit FROM {units})"
    rows = "unit, anchor, value, sure"
    totals = ", ".join(_summed("d", name) for name in SUMS)
    added = ", ".join(f"{name} = tally.{name} + excluded.{name}" for name in SUMS)
    conn.exec_driver_sql(
        f"INSERT INTO tally (part, unit, anchor, {', '.join(SUMS)}) SELECT {number}, d.unit, d.anchor, {totals} FROM "
        f"(SELECT 1 AS sign, {rows} FROM fresh_counted WHERE part = {number} "
        f"UNION ALL SELECT -1, {rows} FROM counted WHERE {changed}) d "
        f"GROUP BY d.unit, d.anchor ON CONFLICT (part, unit, anchor) DO UPDATE SET {added}"
    )
    conn.exec_driver_sql(f"DELETE FROM counted WHERE {changed}")
    conn.exec_driver_sql(f"INSERT INTO counted ({_ROW}) SELECT {_ROW} FROM fresh_counted WHERE part = {number}")
    conn.exec_driver_sql(f"DELETE FROM tally WHERE part = {number} AND most = 0")


def _clear(conn: Connection, number: int) -> None:
    for name, columns in _FRESH.items():
        conn.exec_driver_sql(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({columns})")
        conn.exec_driver_sql(f"DELETE FROM {name} WHERE part = {number}")


def _count(conn: Connection, written: str, number: int, changed: str = "") -> None:
    for found in _COUNTED.findall(written):
        rows = narrow(found, changed=changed)
        conn.exec_driver_sql(
            f"INSERT INTO fresh_counted ({_ROW}) SELECT {number}, c.sid, c.unit, c.anchor, c.value, c.sure FROM ({rows}) c"
        )


def _summed(row: str, name: str) -> str:
    """Write a sum over rows that are added or, under a negative sign, taken away."""
    given = {
        "most": f"{row}.sign",
        "counted": f"{row}.sign * {row}.sure",
        "total": f"{row}.sign * {row}.sure * coalesce({row}.value, 0)",
        "no": f"CASE WHEN {row}.value = 0 THEN {row}.sign * {row}.sure ELSE 0 END",
        "most_yes": f"CASE WHEN {row}.value = 1 THEN {row}.sign ELSE 0 END",
        "most_no": f"CASE WHEN {row}.value = 0 THEN {row}.sign ELSE 0 END",
    }
    return f"sum({given[name]})"
