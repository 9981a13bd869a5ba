"""How far one may conclude from absence: tables of what sources give, what was read of them, and what follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, StaticPool, create_engine, insert

from hub.conformance.horizon import Horizon, Reach, load_horizon, places
from hub.conformance.part import Part
from hub.conformance.reading import Need
from hub.store.reading import Covered, record_coverage, set_provisions
from hub.store.schema import metadata
from hub.sync.source import Provision
from tests.conformance.kit import WORDS, requirement

OWN = Need("change", frozenset({"type", "risk"}))
EVIDENCE = Need("approval", frozenset({"decision", "decided_at"}), evidence=True)
EITHER = Need(
    "document",
    frozenset({"doc_type"}),
    evidence=True,
    alternatives=(
        Need("document", frozenset({"approved_at", "approver"})),
        Need("document", frozenset({"effective_from"})),
        Need("review", frozenset({"held_at"})),
    ),
)
GIVEN = {("desk", "change"): (OWN.fields, False), ("desk", "approval"): (EVIDENCE.fields, False)}
FREE = (9_000_000_000_000_000, "")
"""Nothing limits it."""


def part(*needs: Need) -> Part:
    return Part(
        requirement="T-1",
        name="part",
        shape="deadline",
        unit_kind="change",
        reads={},
        needs=needs,
        complete=False,
        words=WORDS,
        select=lambda _: "",
    )


def covered(*rows: tuple[str, str, str, int | None, str | None]) -> list[Covered]:
    """Take (source, scope, kind, through, reason)."""
    return [Covered(*row, known_from=1) for row in rows]


def told(reach: Reach) -> tuple[int | None, str]:
    return reach.through, reach.reason


@pytest.mark.parametrize(
    ("rows", "given", "expected"),
    [
        ([("desk", "CHG", "change", 50, None)], GIVEN, (50, "")),
        ([("desk", "CHG", "change", 50, "timed out")], GIVEN, (50, "desk CHG: timed out")),
        ([("desk", "CHG", "change", None, "no permission")], GIVEN, (None, "desk CHG: no permission")),
        ([("desk", "SEC", "change", 50, None), ("wiki", "CHG", "change", 50, None)], GIVEN, "desk CHG was never read"),
        ([("desk", "CHG", "change", 50, None)], {}, "no source gives any change"),
        (
            [("desk", "CHG", "change", 50, None)],
            {("wiki", "change"): (OWN.fields, False)},
            "no source gives any change",
        ),
        (
            [("desk", "CHG", "change", 50, None)],
            {("desk", "change"): (frozenset({"id"}), False)},
            "desk gives no change.risk, change.type",
        ),
    ],
)
def test_what_a_unit_says_of_itself_is_looked_for_where_it_was_read(
    rows: list[Any], given: dict[Any, Any], expected: Any
) -> None:
    reach = Horizon(covered(*rows), given).reach(part(OWN), "desk", "CHG")
    assert told(reach) == (expected if isinstance(expected, tuple) else (None, expected))


def approvals(**within: bool) -> dict[Any, Any]:
    """Let these sources give approvals, in the document of what is approved or not."""
    return {(source, "approval"): (EVIDENCE.fields, inside) for source, inside in within.items()}


@pytest.mark.parametrize(
    ("rows", "given", "expected"),
    [
        # wherever it could stand: the least of all scopes of all sources that give it
        ([("desk", "CHG", 50, None), ("desk", "OPS", 40, None)], approvals(desk=False), (40, "")),
        ([("desk", "CHG", 50, None), ("wiki", "A", 30, None)], approvals(desk=False, wiki=False), (30, "")),
        ([("desk", "CHG", 40, None), ("desk", "OPS", None, "closed")], approvals(desk=False), (None, "desk OPS: closed")),
        ([("desk", "CHG", None, "shut"), ("desk", "OPS", None, "closed")], approvals(desk=False), "desk CHG: shut"),
        ([("desk", "CHG", 40, "shut"), ("desk", "OPS", 40, "closed")], approvals(desk=False), (40, "desk CHG: shut")),
        # in the document of its subject: the place of the unit alone, and no other source
        ([("desk", "CHG", 50, None), ("desk", "OPS", 40, None)], approvals(desk=True), (50, "")),
        ([("desk", "OPS", 40, None)], approvals(desk=True), "desk CHG was never read"),
        ([("desk", "CHG", 50, None), ("wiki", "A", 30, None)], approvals(desk=False, wiki=True), (50, "")),
        ([("desk", "CHG", 50, None), ("wiki", "A", 30, None)], approvals(desk=True, wiki=False), (30, "")),
        ([("wiki", "CHG", 50, None)], approvals(wiki=True), "no source gives any approval"),
        # never read, never given
        ([], approvals(desk=False), "desk any scope was never read"),
        ([("desk", "CHG", 50, None)], approvals(desk=False, wiki=False), "wiki any scope was never read"),
        ([("desk", "CHG", 50, None)], {}, "no source gives any approval"),
        # one source that gives the fields is enough; of two that do not, the first is named
        ([("a", "CHG", 50, None), ("b", "CHG", 40, None)], approvals(a=False) | {("b", "approval"): ((), False)}, (40, "")),
        (
            [("a", "CHG", 50, None), ("b", "CHG", 40, None)],
            {("a", "approval"): (("decided_at",), False), ("b", "approval"): (("decision",), False)},
            "a gives no approval.decision",
        ),
    ],
)  # fmt: skip
def test_evidence_is_looked_for_wherever_it_could_stand(rows: list[Any], given: dict[Any, Any], expected: Any) -> None:
    known = [(source, scope, "approval", through, reason) for source, scope, through, reason in rows]
    given = {key: (frozenset(fields), within) for key, (fields, within) in given.items()}
    reach = Horizon(covered(*known), given).reach(part(EVIDENCE), "desk", "CHG")
    assert told(reach) == (expected if isinstance(expected, tuple) else (None, expected))


def test_the_least_need_decides_and_none_limits_nothing() -> None:
    rows = covered(("desk", "CHG", "change", 50, None), ("desk", "CHG", "approval", 40, None))
    assert Horizon(rows, GIVEN).reach(part(OWN, EVIDENCE), "desk", "CHG").through == 40
    assert told(Horizon(rows, GIVEN).reach(part(), "desk", "CHG")) == FREE


@pytest.mark.parametrize(
    ("gives", "missing"),
    [
        ({"doc_type", "approved_at", "approver"}, set()),
        ({"doc_type", "effective_from"}, set()),
        ({"doc_type"}, {"effective_from"}),  # the shortest way there
        ({"doc_type", "approver"}, {"approved_at"}),  # of two as short the first by name
        (set(), {"doc_type", "effective_from"}),
        ({"effective_from"}, {"doc_type"}),
    ],
)
def test_one_of_several_ways_is_enough(gives: set[str], missing: set[str]) -> None:
    horizon = Horizon((), {("wiki", "document"): (frozenset(gives), False)})
    assert horizon.missing("wiki", EITHER) == missing
    assert horizon.missing("desk", EITHER) == {"doc_type", "effective_from"}


def test_a_field_to_give_is_named_and_a_scope_to_open() -> None:
    horizon = Horizon(covered(("desk", "CHG", "change", 1, "shut")), {("desk", "change"): (frozenset(), False)})
    remedy = horizon.reach(part(OWN), "desk", "CHG").remedy
    assert remedy.startswith("let [sources.desk] give change.risk,")
    assert horizon.read("desk", "change")["CHG"].remedy.startswith("give the hub access to CHG in desk")
    assert (horizon.read("desk", "review"), horizon.sources("change"), horizon.sources("review")) == ({}, ["desk"], [])


@pytest.mark.parametrize(("source", "expected"), [("desk", True), ("wiki", False), ("nobody", False)])
def test_whether_it_stands_in_the_document_of_its_subject(source: str, *, expected: bool) -> None:
    assert Horizon((), approvals(desk=True, wiki=False)).is_within_subject(source, "approval") is expected


def test_the_newest_instant_read() -> None:
    assert Horizon((), GIVEN).newest() is None
    rows = [("desk", "A", "change", 5, None), ("desk", "B", "change", None, "shut"), ("desk", "C", "approval", 3, None)]
    assert Horizon(covered(*rows), GIVEN).newest() == 5


@pytest.mark.parametrize(
    ("given", "rows", "expected"),
    [
        ({}, [], ["no source gives any change"]),
        ({("desk", "change"): (frozenset({"type"}), False)}, [], ["desk gives no change.risk"]),
        (
            GIVEN | {("wiki", "change"): (OWN.fields, False)},
            [
                ("desk", "CHG", "change", 50, None),
                ("desk", "CHG", "approval", 1, "no"),
                ("wiki", "A", "change", 2, "no"),
            ],
            ["", "wiki A: no"],
        ),
    ],
)
def test_units_may_stand_where_nobody_read(given: dict[Any, Any], rows: list[Any], expected: list[str]) -> None:
    gaps = Horizon(covered(*rows), given).unit_gaps(requirement("T-1", part(EVIDENCE, OWN)))
    assert [(gap.requirement, gap.reach.reason) for gap in gaps] == [("T-1", reason) for reason in expected]


# -- what would be ----------------------------------------------------------------------------

SEVERAL = covered(
    ("desk", "CHG", "change", 50, None),
    ("desk", "CHG", "approval", 40, None),
    ("desk", "SEC", "change", 50, None),
    ("desk", "SEC", "approval", None, "shut"),
    ("desk", "people", "person", None, "no permission"),
    ("wiki", "A", "review", 30, None),
    ("wiki", "A", "document", 30, None),
)


def supposed(horizon: Horizon, source: str, kind: str, fields: Iterable[str] = ("held_at",)) -> Horizon:
    return horizon.supposing(source, [(kind, frozenset(fields), True)])


def test_a_kind_supposed_stands_in_every_scope_that_holds_several_kinds_closed_ones_included() -> None:
    horizon = Horizon(SEVERAL, GIVEN)
    then = supposed(horizon, "desk", "review")
    assert {scope: told(reach) for scope, reach in then.read("desk", "review").items()} == {
        "CHG": FREE,
        "SEC": (None, "desk SEC: shut"),
    }
    assert then.is_within_subject("desk", "review")
    assert (horizon.read("desk", "review"), horizon.sources("review")) == ({}, [])
    (anywhere,) = supposed(horizon, "mail", "review").read("mail", "review").items()
    assert (anywhere[0], told(anywhere[1])) == ("", FREE)


def test_a_field_supposed_joins_those_that_are_given() -> None:
    horizon = Horizon(SEVERAL, {("desk", "change"): (frozenset({"type"}), False)})
    then = supposed(horizon, "desk", "change", {"risk"})
    assert (horizon.missing("desk", OWN), then.missing("desk", OWN)) == ({"risk"}, set())
    assert then.read("desk", "change") == horizon.read("desk", "change")


def test_a_scope_supposed_read_is_read_to_the_end() -> None:
    horizon = Horizon(SEVERAL, GIVEN)
    then = horizon.supposing_read([("desk", "SEC"), ("wiki", "CHG")])
    assert {scope: told(reach) for scope, reach in then.read("desk", "approval").items()} == {
        "CHG": (40, ""),
        "SEC": FREE,
    }
    assert then.read("wiki", "review") == horizon.read("wiki", "review")
    assert horizon.read("desk", "approval")["SEC"].through is None


# -- as known then ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def conn() -> Iterator[Connection]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.connect() as one:
        yield one
    engine.dispose()


@pytest.mark.parametrize(
    ("known_at", "missing", "within", "through"),
    [
        (9, {"type", "risk"}, False, None),
        (10, {"risk"}, True, 50),
        (19, {"risk"}, True, 50),
        (20, {"type"}, False, 60),
        (None, {"type"}, False, 60),
    ],
)
def test_the_horizon_is_that_which_was_known(
    conn: Connection,
    known_at: int | None,
    missing: set[str],
    within: bool,  # noqa: FBT001
    through: int | None,
) -> None:
    last = [
        Provision("change", frozenset({"risk"}), within_subject=False),
        Provision("change", frozenset({"owner"}), within_subject=True),
    ]
    set_provisions(conn, "desk", [Provision("change", frozenset({"type"}), within_subject=True)], 10)
    record_coverage(conn, "desk", "CHG", "change", through=50, reason=None, known_at=10)
    set_provisions(conn, "desk", last, 20)
    record_coverage(conn, "desk", "CHG", "change", through=60, reason=None, known_at=20)
    horizon = load_horizon(conn, known_at=known_at)
    conn.rollback()
    assert (horizon.missing("desk", OWN), horizon.is_within_subject("desk", "change")) == (missing, within)
    assert horizon.newest() == through


def test_nowhere_is_a_place_too(conn: Connection) -> None:
    conn.execute(insert(metadata.tables["place"]), {"place": 7, "source": "desk", "scope": "CHG"})
    found = places(conn)
    conn.rollback()
    assert found == [(0, "", ""), (7, "desk", "CHG")]
