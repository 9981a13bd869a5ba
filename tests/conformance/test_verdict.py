"""The verdict: a table of every rule, and the database's verdict equal to the one in Python."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from hub.conformance.verdict import EXPIRED, VERDICT, verdict_of
from hub.store.store import Store

PLAIN: dict[str, Any] = {
    "as_of": 100,
    "opened_at": 10,
    "due_at": 50,
    "warn_at": 40,
    "met_at": None,
    "lost_at": None,
    "declared": False,
    "lacks": None,
    "complete": False,
    "through": 1000,
    "waived": False,
    "stale_ms": 5,
}


RULES: list[tuple[str | None, dict[str, Any]]] = [
    # it does not exist yet; it exists from the instant it opens
    (None, {"opened_at": 101, "met_at": 1}),
    ("pending", {"opened_at": 100, "due_at": 200, "warn_at": 190}),
    # met: in time and not lost by then
    ("met", {"met_at": 50}),
    ("not_met", {"met_at": 51}),
    ("met", {"met_at": 20, "lost_at": 51}),
    ("not_met", {"met_at": 20, "lost_at": 50}),
    ("attested", {"met_at": 20, "declared": True}),
    ("met", {"met_at": 20, "lacks": "anything", "through": None}),
    ("met", {"met_at": 100, "due_at": None}),
    ("pending", {"met_at": 101, "due_at": None, "warn_at": None}),
    # approved on day 5, judged as of day 2: not met yet
    ("pending", {"as_of": 2, "opened_at": 0, "met_at": 5, "due_at": 9, "warn_at": None}),
    ("met", {"as_of": 5, "opened_at": 0, "met_at": 5, "due_at": 9, "warn_at": None}),
    # withdrawn while it is not yet due: met before, no longer after
    ("met", {"as_of": 29, "met_at": 20, "lost_at": 30}),
    ("pending", {"as_of": 30, "met_at": 20, "lost_at": 30}),
    # everything that could speak against it must have been read
    ("met", {"met_at": 20, "complete": True, "through": 50}),
    ("not_provable", {"met_at": 20, "complete": True, "through": 49}),
    ("not_provable", {"met_at": 20, "complete": True, "through": None}),
    ("met", {"met_at": 20, "complete": True, "due_at": 200, "through": 95}),
    ("not_provable", {"met_at": 20, "complete": True, "due_at": 200, "through": 94}),
    ("met", {"met_at": 20, "complete": True, "due_at": None, "through": 95}),
    # what could not be known decides before the deadline, before late evidence and before a waiver
    ("not_provable", {"lacks": "when it started"}),
    ("not_provable", {"lacks": "when it started", "due_at": None}),
    ("not_provable", {"lacks": "when it started", "met_at": 60}),
    ("not_provable", {"lacks": "when it started", "waived": True}),
    # a declaration ends: attested before, unknown after; what came late, or is yet to come, is so all the same
    ("attested", {"as_of": 29, "met_at": 20, "lost_at": 30, "lacks": EXPIRED, "declared": True}),
    ("not_provable", {"as_of": 30, "met_at": 20, "lost_at": 30, "lacks": EXPIRED, "declared": True}),
    ("pending", {"as_of": 19, "met_at": 20, "lost_at": 30, "lacks": EXPIRED, "declared": True}),
    ("attested", {"as_of": 99, "met_at": 20, "lost_at": 60, "lacks": EXPIRED, "declared": True}),
    ("not_met", {"met_at": 51, "lost_at": 60, "lacks": EXPIRED, "declared": True}),
    ("not_provable", {"lacks": EXPIRED}),
    ("not_provable", {"met_at": 50, "lost_at": 50, "lacks": EXPIRED}),
    # absence proves something only where everything was read through the due instant
    ("not_met", {"through": 50}),
    ("not_provable", {"through": 49}),
    ("not_provable", {"through": None}),
    # late evidence proves the breach, read or not
    ("not_met", {"met_at": 60, "through": None}),
    ("not_provable", {"met_at": 101, "through": None}),
    ("not_met", {"met_at": 101}),
    ("not_met", {"met_at": 100, "through": None}),
    ("not_provable", {"met_at": 50, "lost_at": 50, "through": 49}),  # what was lost as it came is not late
    # a waiver
    ("waived", {"waived": True}),
    ("waived", {"waived": True, "met_at": 60, "through": None}),
    ("not_provable", {"waived": True, "through": 49}),
    ("met", {"waived": True, "met_at": 20}),
    # still open
    ("at_risk", {"as_of": 40}),
    ("pending", {"as_of": 39}),
    ("pending", {"as_of": 39, "through": None}),
    ("pending", {"due_at": None, "warn_at": None, "through": None}),
    ("not_met", {"as_of": 50}),
    ("not_met", {"as_of": 50, "through": 50}),
    ("not_provable", {"as_of": 50, "through": 49}),
]


@pytest.mark.parametrize(("expected", "given"), RULES)
def test_rules(expected: str | None, given: dict[str, Any]) -> None:
    assert verdict_of(**PLAIN | given) == expected


INSTANT = st.integers(0, 12)
CASE = st.fixed_dictionaries(
    {
        "as_of": INSTANT,
        "opened_at": INSTANT,
        **dict.fromkeys(("due_at", "warn_at", "met_at", "lost_at", "through"), st.none() | INSTANT),
        "declared": st.booleans(),
        "lacks": st.none() | st.sampled_from(["why", EXPIRED]),
        "complete": st.booleans(),
        "waived": st.booleans(),
        "stale_ms": st.integers(0, 3),
    }
)
TABLES = {
    "c": ("as_of", "stale_ms"),
    "o": ("opened_at", "due_at", "warn_at", "met_at", "lost_at", "declared", "lacks"),
    "h": ("through", "complete"),
    "w": ("part",),
}
TYPES = {"declared": "BOOLEAN", "complete": "BOOLEAN", "lacks": "TEXT"}


def of_database(store: Store, cases: list[dict[str, Any]]) -> dict[int, str]:
    """Judge in the database; return index of the case -> verdict, of those that exist."""
    sqlite = store.dialect == "sqlite"
    sql = VERDICT.format(as_of="c.as_of", stale_ms="c.stale_ms", false="0" if sqlite else "false")
    with store.connect() as conn:
        for table, columns in TABLES.items():
            declared = ", ".join(f"{name} {TYPES.get(name, 'BIGINT')}" for name in columns)
            conn.exec_driver_sql(f"CREATE TEMPORARY TABLE {table} (no INTEGER, {declared})")
            rows = [{"no": no, "part": 1} | case for no, case in enumerate(cases)]
            if table == "w":
                rows = [row for row in rows if row["waived"]]
            if rows:
                conn.execute(text(f"INSERT INTO {table} VALUES (:no, :{', :'.join(columns)})"), rows)
        found = conn.execute(
            text(
                f"SELECT c.no, {sql} FROM c JOIN o ON o.no = c.no JOIN h ON h.no = c.no LEFT JOIN w ON w.no = c.no "
                "WHERE o.opened_at <= c.as_of"
            )
        ).all()
    return dict(found)  # type: ignore[arg-type]


def test_database_knows_the_rules(store: Store) -> None:
    assert of_database(store, [PLAIN | given for _, given in RULES]) == {
        no: expected for no, (expected, _) in enumerate(RULES) if expected is not None
    }


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases=st.lists(CASE, min_size=1, max_size=60))
def test_database_agrees(store: Store, cases: list[dict[str, Any]]) -> None:
    wanted = {no: verdict for no, case in enumerate(cases) if (verdict := verdict_of(**case)) is not None}
    assert of_database(store, cases) == wanted
