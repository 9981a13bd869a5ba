"""Rows that stand in a line: what is said of one depends on those of its group that are near it in time.

`lineup` remembers them, so that of records that changed only the neighbourhoods are looked at in which a row came, went or
says something else. A select says by two marks where its rows come from and how far a neighbourhood reaches; like what is
counted (`hub.conformance.tally`) it is complete without the table.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, Integer, Select, cast, literal

from hub.conformance.expression import narrow, no_instant

__all__ = ["ASKED", "COLUMNS", "SLOT", "forget_line", "in_line", "keep_line", "lay_line", "lined_up", "move", "slots"]

COLUMNS = ("unit", "grp", "at", "step", "sid", "other", "value")
"""For whom and with which others a row stands in line, since when, in which role, whose it is, and what it says beside that."""
ASKED = 1
"""Role of the rows of which something is said; the others only matter to these."""
SLOT = "slot"
"""Temporary table (unit, anchor) of the obligations that `slots` finds."""
_ASKED_ANEW = "asked_anew"
_LINE = re.compile(r"SELECT /\*line (\d+) (\d+)\*/.*?/\*line ends\*/", re.DOTALL)
_NAMES = ", ".join(COLUMNS)
_ROWS = "unit INTEGER, grp TEXT, at BIGINT, step SMALLINT, sid INTEGER, other INTEGER, value BIGINT"
_TEMPORARY = {
    "fresh_line": f"part SMALLINT, {_ROWS}",
    "moved": "unit INTEGER, grp TEXT, at BIGINT, sid INTEGER",
    _ASKED_ANEW: "unit INTEGER PRIMARY KEY",
    "line_near": _ROWS,
    SLOT: "unit INTEGER, anchor BIGINT, PRIMARY KEY (unit, anchor)",
}


def in_line(rows: Select[Any], *, before: int, after: int) -> Select[Any]:
    """Mark rows with `COLUMNS`: of one at t is said what follows from rows at t - `before` to t + `after`, in milliseconds.

    `other` (a record; 0 = none) and `value` may be left out. Rows are narrowed by `changed(sid)`, and asked rows where something
    is said of them; what is said of a record may follow from all its asked rows, but from nothing that is not in line.
    """
    given = rows.selected_columns
    if "other" not in given:
        rows = rows.add_columns(cast(literal(0), Integer).label("other"))
    if "value" not in given:
        rows = rows.add_columns(no_instant().label("value"))
    return rows.prefix_with(f"/*line {before} {after}*/").suffix_with("/*line ends*/")


def lined_up(written: str) -> bool:
    """Say whether a select has rows that are remembered in line."""
    return "/*line " in written


def lay_line(conn: Connection, written: str, number: int) -> str:
    """Lay all rows aside in `fresh_line`, and return the select that reads them there; locks nothing."""
    _clear(conn, number)
    for rows in _lines(written):
        _lay(conn, narrow(rows), number)
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


def move(conn: Connection, written: str, number: int, records: str, units: str = "") -> tuple[str, str]:
    """Bring the rows of the records in one table, and of the units in another, up to date.

    Returns the select that reads what is near, and the table of the records of which something else may be said now: all those of
    the units, and those in whose neighbourhood a row came, went or says something else. Both are empty where there are none.
    """
    if not _moved(conn, written, number, records, units):
        return "", ""
    before, after = (max(map(int, found)) for found in zip(*_LINE.findall(written), strict=True))
    conn.exec_driver_sql(f"INSERT INTO {_ASKED_ANEW} SELECT DISTINCT sid FROM moved")
    conn.exec_driver_sql(
        f"INSERT INTO {_ASKED_ANEW} SELECT DISTINCT l.sid FROM ({_stretches('moved', after, before)}) s "
        "JOIN lineup l ON l.unit = s.unit AND l.grp = s.grp AND l.at >= s.begins AND l.at <= s.ends "
        f"WHERE l.part = {number} AND l.step = {ASKED} ON CONFLICT DO NOTHING"
    )
    conn.exec_driver_sql(
        f"INSERT INTO line_near SELECT {_names('l')} FROM ({_stretches(f'({_asked(number)})', before, after)}) s "
        "JOIN lineup l ON l.unit = s.unit AND l.grp = s.grp AND l.at >= s.begins AND l.at <= s.ends "
        f"WHERE l.part = {number}"
    )
    return _reading(written, "line_near"), _ASKED_ANEW


def slots(conn: Connection, written: str, number: int, records: str, units: str) -> str:
    """Move rows, and fill `SLOT` with the obligations that may differ: each stands for an asked row, whose record is its anchor.

    Returns the select that reads what is near, empty where nothing differs.
    """
    reading, asked = move(conn, written, number, records, units)
    if asked:
        conn.exec_driver_sql(
            f"INSERT INTO {SLOT} SELECT unit, sid FROM moved UNION SELECT unit, sid FROM ({_asked(number)}) a"
        )
        conn.exec_driver_sql(f"ANALYZE {SLOT}")
    return reading


def _moved(conn: Connection, written: str, number: int, records: str, units: str) -> bool:
    """Lay the rows aside, note in `moved` where they differ from what is remembered, and remember them."""
    _clear(conn, number)
    for rows in _lines(written):
        told = [narrow(rows, changed=records)] if records else []
        _lay(conn, " UNION ".join([*told, *([narrow(rows, units)] if units else [])]), number)
    whose = [f"sid IN (SELECT unit FROM {records})"] if records else []
    whose += [f"unit IN (SELECT unit FROM {units})"] if units else []
    line = f"lineup WHERE part = {number} AND ({' OR '.join(whose)})"
    fresh = f"fresh_line WHERE part = {number}"
    moved = 0
    for here, there in ((line, fresh), (fresh, line)):
        differs = f"SELECT {_NAMES} FROM {here} EXCEPT SELECT {_NAMES} FROM {there}"
        moved += conn.exec_driver_sql(f"INSERT INTO moved SELECT unit, grp, at, sid FROM ({differs}) d").rowcount
    if moved:
        conn.exec_driver_sql(f"DELETE FROM {line}")
        conn.exec_driver_sql(f"INSERT INTO lineup (part, {_NAMES}) SELECT {number}, {_NAMES} FROM {fresh}")
    if units:
        every = f"SELECT unit, grp, at, sid FROM lineup WHERE part = {number} AND unit IN (SELECT unit FROM {units})"
        moved += conn.exec_driver_sql(f"INSERT INTO moved {every}").rowcount
    return moved > 0


def _asked(number: int) -> str:
    """Select the asked rows of the records that are asked anew."""
    return (
        f"SELECT t.unit, t.grp, t.at, t.sid FROM {_ASKED_ANEW} a JOIN lineup t ON t.sid = a.unit "
        f"WHERE t.part = {number} AND t.step = {ASKED}"
    )


def _stretches(rows: str, before: int, after: int) -> str:
    """Select the stretches of time (unit, grp, begins, ends) within reach of rows, none twice where many are close together."""
    over = "OVER (PARTITION BY unit, grp ORDER BY at)"
    apart = f"SELECT unit, grp, at, CASE WHEN at - lag(at) {over} <= {before + after} THEN 0 ELSE 1 END AS apart FROM {rows} r"
    numbered = f"SELECT unit, grp, at, sum(apart) {over} AS stretch FROM ({apart}) a"
    bounds = f"min(at) - {before} AS begins, max(at) + {after} AS ends"
    return f"SELECT unit, grp, {bounds} FROM ({numbered}) n GROUP BY unit, grp, stretch"


def _clear(conn: Connection, number: int) -> None:
    for name, columns in _TEMPORARY.items():
        conn.exec_driver_sql(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({columns})")
        conn.exec_driver_sql(f"DELETE FROM {name}" + (f" WHERE part = {number}" if "part" in columns else ""))


def _lines(written: str) -> list[str]:
    """List the selects of rows in line; one that stands there twice gives them once."""
    return list(dict.fromkeys(found[0] for found in _LINE.finditer(written)))


def _lay(conn: Connection, rows: str, number: int) -> None:
    conn.exec_driver_sql(f"INSERT INTO fresh_line (part, {_NAMES}) SELECT {number}, {_NAMES} FROM ({rows}) r")


def _names(row: str) -> str:
    return ", ".join(f"{row}.{name}" for name in COLUMNS)


def _reading(written: str, table: str) -> str:
    return _LINE.sub(lambda _: f"SELECT {_NAMES} FROM {table}", written)
