"""Rows that stand in a line: what is said of one depends on those of its group that are near it in time.

`lineup` remembers them, so that of a record that changed only the neighbourhoods are looked at in which it stood or stands.
A select says by two marks where its rows come from and how far a neighbourhood reaches; like what is counted
(`hub.conformance.tally`) it is complete without the table.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, Select

from hub.conformance.expression import narrow

__all__ = ["ASKED", "COLUMNS", "forget_line", "in_line", "keep_line", "lay_line", "lined_up", "move"]

COLUMNS = ("unit", "grp", "at", "step", "sid")
"""For whom and with which others a row stands in line, since when, in which role, and whose it is."""
ASKED = 1
"""Role of the rows of which something is said; the others, of role 0, only matter to these."""
_LINE = re.compile(r"SELECT /\*line (\d+) (\d+)\*/.*?/\*line ends\*/", re.DOTALL)
_NAMES = ", ".join(COLUMNS)
_ROWS = "unit INTEGER, grp TEXT, at BIGINT, step SMALLINT, sid INTEGER"
_TEMPORARY = {
    "fresh_line": f"part SMALLINT, {_ROWS}",
    "moved": "unit INTEGER, grp TEXT, at BIGINT",
    "asked_anew": "unit INTEGER PRIMARY KEY",
    "line_near": _ROWS,
}


def in_line(rows: Select[Any], *, before: int, after: int) -> Select[Any]:
    """Mark rows with `COLUMNS`: of one at t is said what follows from rows at t - `before` to t + `after`, in milliseconds.

    Asked rows are narrowed by `changed(sid)` where something is said of them; what is said of a record may follow from
    all its asked rows.
    """
    return rows.prefix_with(f"/*line {before} {after}*/").suffix_with("/*line ends*/")


def lined_up(written: str) -> bool:
    """Say whether a select has rows that are remembered in line."""
    return "/*line " in written


def lay_line(conn: Connection, written: str, number: int) -> str:
    """Lay all rows aside in `fresh_line`, and return the select that reads them there; locks nothing."""
    _fill(conn, written, number)
    return _reading(written, f"fresh_line WHERE part = {number}")


def keep_line(conn: Connection, number: int) -> None:
    """Remember what was laid aside for the part in place of what was known."""
    conn.exec_driver_sql(
        f"INSERT INTO lineup (part, {_NAMES}) SELECT {number}, {_NAMES} FROM fresh_line WHERE part = {number}"
    )
    conn.exec_driver_sql(f"DELETE FROM fresh_line WHERE part = {number}")


def forget_line(conn: Connection, numbers: str) -> None:
    """Forget the rows of parts, given as SQL lists them."""
    conn.exec_driver_sql(f"DELETE FROM lineup WHERE part IN ({numbers})")


def move(conn: Connection, written: str, number: int, units: str) -> tuple[str, str]:
    """Bring the rows of the records in the table `units` up to date.

    Returns the select that reads what is near, and the table of the records of which something else may be said now: those of
    `units`, and those in whose neighbourhood a row came, went or moved.
    """
    _fill(conn, written, number, units)
    before, after = (max(map(int, found)) for found in zip(*_LINE.findall(written), strict=True))
    line, fresh = (
        f"lineup WHERE part = {number} AND sid IN (SELECT unit FROM {units})",
        f"fresh_line WHERE part = {number}",
    )
    for here, there in ((line, fresh), (fresh, line)):
        differs = f"SELECT {_NAMES} FROM {here} EXCEPT SELECT {_NAMES} FROM {there}"
        conn.exec_driver_sql(f"INSERT INTO moved SELECT unit, grp, at FROM ({differs}) d")
    conn.exec_driver_sql(f"INSERT INTO asked_anew SELECT unit FROM {units}")
    conn.exec_driver_sql(
        "INSERT INTO asked_anew SELECT DISTINCT l.sid FROM moved m JOIN lineup l ON l.unit = m.unit AND l.grp = m.grp "
        f"AND l.at >= m.at - {after} AND l.at <= m.at + {before} WHERE l.part = {number} AND l.step = {ASKED} "
        "ON CONFLICT DO NOTHING"
    )
    conn.exec_driver_sql(f"DELETE FROM {line}")
    conn.exec_driver_sql(f"INSERT INTO lineup (part, {_NAMES}) SELECT {number}, {_NAMES} FROM {fresh}")
    conn.exec_driver_sql(
        f"INSERT INTO line_near SELECT DISTINCT {', '.join(f'l.{name}' for name in COLUMNS)} FROM asked_anew a "
        f"JOIN lineup t ON t.sid = a.unit JOIN lineup l ON l.unit = t.unit AND l.grp = t.grp "
        f"AND l.at >= t.at - {before} AND l.at <= t.at + {after} "
        f"WHERE t.part = {number} AND t.step = {ASKED} AND l.part = {number}"
    )
    return _reading(written, "line_near"), "asked_anew"


def _fill(conn: Connection, written: str, number: int, changed: str = "") -> None:
    for name, columns in _TEMPORARY.items():
        conn.exec_driver_sql(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({columns})")
        conn.exec_driver_sql(f"DELETE FROM {name}" + (f" WHERE part = {number}" if "part" in columns else ""))
    for found in _LINE.finditer(written):
        rows = narrow(found[0], changed=changed)
        conn.exec_driver_sql(f"INSERT INTO fresh_line (part, {_NAMES}) SELECT {number}, {_NAMES} FROM ({rows}) r")


def _reading(written: str, table: str) -> str:
    return _LINE.sub(lambda _: f"SELECT {_NAMES} FROM {table}", written)
