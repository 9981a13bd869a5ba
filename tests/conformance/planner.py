"""What SQLite would do with large tables, and what of it would take too long."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import create_engine

from hub.conformance.append import FRESH
from hub.store.schema import child_tables, metadata
from hub.store.sqlite import sqlite3

KEPT_BY_HAND = {
    *("sla", "ola", "underpinning_contract", "supplier", "customer", "service", "team", "person", "role_assignment"),
    *(
        "document",
        "plan",
        "capacity_plan",
        "continuity_test",
        "training_record",
        "competence_profile",
        "risk",
        "control",
    ),
    *("review", "audit", "report_spec", "service_report", "metric_definition", "budget", "cost_entry", "licence"),
    *("handover", "information_class", "shift", "access_grant", "calendar", "waiver", "check_result", "log_store"),
    *("backup_run", "inspection", "maintenance_window", "loan", "authorisation_form", "disposal"),
}
"""Kinds that people keep: few rows, however large the organisation."""
SMALL = {
    *("period", "local_day", "open_interval", "place", "part"),
    "both",  # two constant rows (CMP-07)
    *KEPT_BY_HAND,
    *(table.name for (kind, _), table in child_tables.items() if kind in KEPT_BY_HAND),
}
FEW_OF_A_TYPE = {"plan"}
"""Tables that hold a handful of rows of one type, so that comparing with all of them is no more than a few steps."""
TEMPORARY = {
    "dirty_0": "unit INTEGER PRIMARY KEY",
    "fresh": f"{FRESH}, PRIMARY KEY (part, unit, anchor)",
    "horizon": "part INTEGER, place INTEGER, through BIGINT, complete BOOLEAN, PRIMARY KEY (part, place)",
    "waived": "at BIGINT, part INTEGER, unit INTEGER, PRIMARY KEY (at, part, unit)",
}


def large_store(driver: Any = sqlite3) -> sqlite3.Connection:
    """Make an empty schema whose figures say that every table is large."""
    conn: sqlite3.Connection = driver.connect(":memory:")
    metadata.create_all(create_engine("sqlite://", module=driver, creator=lambda: conn))
    conn.execute("ANALYZE")
    for (table,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        rows = 100 if table in SMALL else 1_000_000
        for _, index, unique, *_ in conn.execute(f"PRAGMA index_list('{table}')").fetchall():
            columns = len(conn.execute(f"PRAGMA index_info('{index}')").fetchall())
            figures = " ".join([str(rows), *(["10"] * (columns - 1)), "1" if unique else "10"])
            conn.execute("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", (table, index, figures))
        conn.execute("INSERT INTO sqlite_stat1 VALUES (?, NULL, ?)", (table, str(rows)))
    conn.execute("ANALYZE sqlite_master")
    for name, columns in TEMPORARY.items():
        conn.execute(f"CREATE TEMPORARY TABLE {name} ({columns})")
    return conn


def steps(conn: sqlite3.Connection, sql: str) -> list[str]:
    return [row[3] for row in conn.execute(f"EXPLAIN QUERY PLAN {sql}")]


def scanned(conn: sqlite3.Connection, sql: str) -> set[str]:
    """Return the large tables a statement reads from end to end."""
    found = {name[1] for step in steps(conn, sql) if (name := re.match(r"SCAN (\w+)", step))}
    known = {alias: table for table, alias in re.findall(r"(?:FROM|JOIN) (\w+) (\w)\b", sql)}
    return {re.sub(r"_\d+$", "", known.get(name, name)) for name in found} & set(metadata.tables) - SMALL


def tables_read(sql: str) -> set[str]:
    return set(re.findall(r"(?:FROM|JOIN)\s+([a-z_]+)", re.sub(r"'(?:[^']|'')*'", "''", sql))) & set(metadata.tables)


def compared_each_with_each(conn: sqlite3.Connection, sql: str) -> list[list[str]]:
    """Return the joins that read a large input from end to end and another beside it: as many steps as one times the other.

    Beside a large input every row of a table is read too where it is sought by a constant alone, as all reviews of
    one type: SQLite may even make an index for that, and finds the same rows in it for every row of the large one.
    """
    scans: dict[int, list[str]] = {}
    same: dict[int, list[str]] = {}
    for _, parent, _, step in conn.execute(f"EXPLAIN QUERY PLAN {sql}"):
        found = re.match(r"SCAN (\w+)", step)
        if found and re.sub(r"_\d+$", "", found[1]) not in SMALL:
            scans.setdefault(parent, []).append(found[1])
        elif sought := sought_by_a_constant(sql, step):
            same.setdefault(parent, []).append(sought)
    joins = [[*names, *same.get(parent, [])] for parent, names in scans.items()]
    return [names for names in joins if len(names) > 1]


def sought_by_a_constant(sql: str, step: str) -> str:
    """Return the table, as the statement calls it, of which a step finds the same rows each time; empty = none."""
    found = re.match(r"SEARCH (\w+) USING (?:AUTOMATIC .*|(?:COVERING )?INDEX \w+_i )\((.*?)\)", step)
    if not found or re.sub(r"_\d+$", "", found[1]) in FEW_OF_A_TYPE:
        return ""
    name = rf'(?<!\w)"?{found[1]}"?'
    keys = re.findall(r"(\w+)[<=>]+\?", found[2])
    constant = all(re.search(rf"{name}\.\"?{key}\"? (?:[<=>]+ |IN \()(?:'|-?\d)", sql) for key in keys)
    return found[1] if constant else ""
