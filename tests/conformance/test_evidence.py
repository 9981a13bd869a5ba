"""What is laid beside a unit: which rows may count, from when, and what keeps them from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import BigInteger, Connection, case, literal

from hub.conformance.evidence import any_of, at, fields_filled, rows
from hub.conformance.unit import organisation, unit
from hub.records import Record, Review, Service
from hub.records.base import Event, Period
from hub.records.control import Test as Tried
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub.testing.factory import approval, change, person, since
from hub.testing.factory import at as on
from tests.conformance.kit import approvals, authorised
from tests.conformance.laid import beside, opened

_event: Any = metadata.tables["event"]
_approval: Any = kind_tables["approval"].c
_change: Any = kind_tables["change"].c
_review: Any = kind_tables["review"].c
_service: Any = kind_tables["service"].c
ANN = person("people/ann")
UNDATED = "when the review was made is not recorded"


@pytest.fixture(scope="module")
def conn() -> Iterator[Connection]:
    with opened() as one:
        yield one


def held(number: int, day: float | None, **fields: Any) -> Review:
    values: dict[str, Any] = {"source": "r", "subject_id": "r:service/1", "type": "service_review"} | fields
    return Review(id=f"r:review/{number}", held_at=None if day is None else on(day), **values)


def shop(number: int = 1) -> Service:
    return Service(id=f"r:service/{number}", source="r")


def reviews() -> Any:
    return rows("review", _review.subject_id == _service.sid, _review.held_at)


@pytest.mark.parametrize(
    ("fields", "given", "expected"),
    [
        (("risk",), {}, (0, None)),
        (("risk",), {"risk": "low", "since": since(risk=on(1), type=on(2))}, (1, on(1))),
        (("risk",), {"risk": "low", "since": since(type=on(2))}, (1, None)),
        (("risk", "reason"), {"risk": "low", "since": since(risk=on(1), reason=on(2))}, (0, on(2))),
        (("risk", "reason"), {"risk": "low", "reason": "all", "since": since(risk=on(1))}, (1, None)),
        (("risk", "reason"), {"risk": "low", "reason": "all", "since": since(risk=on(3), reason=on(2))}, (1, on(3))),
        # a list holds rows, or was said to be empty
        (("tests",), {}, (0, None)),
        (("tests",), {"tests": [Tried(status="passed")]}, (1, None)),
        (("tests",), {"since": since(tests=on(2))}, (1, on(2))),
        (("tests",), {"since": since(risk=on(2))}, (0, None)),
        (("approval_ids",), {}, (0, None)),
        (("approval_ids",), {"approval_ids": ["desk:approval/1"]}, (1, None)),
        (("service_ids",), {"approval_ids": ["desk:approval/1"]}, (0, None)),
    ],
)
def test_filled_fields(conn: Connection, fields: tuple[str, ...], given: Any, expected: tuple[int, int | None]) -> None:
    others = {"tests": [Tried(status="passed")], "approval_ids": ["desk:approval/2"], "since": since(tests=on(0))}
    elsewhere = change("issue/9", **others)
    first, last = beside(conn, unit("change"), fields_filled(*fields), change(**given), elsewhere)
    assert (first["counts"], first["at"], first["record"]) == (*expected, "desk:issue/5")
    assert last["counts"] == (fields in {("tests",), ("approval_ids",)})
    counting = beside(conn, unit("change"), fields_filled(*fields), change(**given), every=False)
    assert len(counting) == expected[0]


def test_a_field_of_a_struct_may_be_filled(conn: Connection) -> None:
    one = held(1, 1, period=Period(start=on(0), end=on(1)), since=since(period__start=on(2)))
    first, second = beside(conn, unit("review"), fields_filled("period.start"), one, held(2, 1))
    assert (first["counts"], first["at"], second["counts"]) == (1, on(2), 0)


def test_what_a_unit_says_of_itself_is_declared_as_it_is(conn: Connection) -> None:
    declared = change("issue/6", declared_by=ANN.id, expires_at=on(9))
    for evidence in (fields_filled("type"), at(_change.created_at)):
        plain, said = beside(conn, unit("change"), evidence, change(), declared)
        assert [(row["declared"], row["expires_at"]) for row in (plain, said)] == [(0, None), (1, on(9))]
    (own,) = beside(conn, organisation(), at(literal(7, BigInteger)))
    assert (own["at"], own["declared"], own["expires_at"], own["record"]) == (7, 0, None, "hub:organisation")


@pytest.mark.parametrize(
    ("given", "doubted", "plain"),
    [
        ({"actual_end": on(1), "outcome": "failed"}, 1, 1),
        ({"actual_end": on(1)}, 1, 1),
        ({"outcome": "failed"}, 0, 0),
        ({}, 1, 0),
    ],
)
def test_an_instant_of_the_unit(conn: Connection, given: dict[str, Any], doubted: int, plain: int) -> None:
    """It may count where it is known, or where there is a reason why it is not."""
    why = "how it ended is not recorded"
    unsure = at(_change.actual_end, lacks=case((_change.outcome.is_(None), literal(why))), review="near")
    assert unsure.reads == {"review": "near"}
    for evidence, number in ((unsure, doubted), (at(_change.actual_end), plain)):
        assert len(beside(conn, unit("change"), evidence, change(**given), every=False)) == number
        (row,) = beside(conn, unit("change"), evidence, change(**given))
        assert (row["at"], row["counts"]) == (given.get("actual_end"), 1)
    (row,) = beside(conn, unit("change"), unsure, change(**given))
    assert row["lacks"] == (None if "outcome" in given else why)


def test_every_unit_has_a_row_and_those_that_count_are_told_apart(conn: Connection) -> None:
    known: list[Record] = [shop(), shop(2), held(1, 3), held(2, None)]
    found = beside(conn, unit("service"), reviews(), *known)
    assert [(row["unit"], row["record"], row["counts"]) for row in found] == [
        ("r:service/1", "r:review/1", 1),
        ("r:service/1", "r:review/2", 1),
        ("r:service/2", None, 0),
    ]
    assert [(row["at"], row["undated"], row["declared"], row["lacks"]) for row in found[:2]] == [
        (on(3), UNDATED, 0, None),
        (None, UNDATED, 0, None),
    ]
    assert len(beside(conn, unit("service"), reviews(), *known, every=False)) == 2


def test_unless_told_otherwise_every_unit_has_a_row() -> None:
    owing = unit("service")
    for evidence in (fields_filled("owner"), at(_service.live_at), reviews(), any_of(reviews(), reviews())):
        with_all = [str(one) for one in evidence.beside(owing, [owing.sid])]
        assert with_all == [str(one) for one in evidence.beside(owing, [owing.sid], every=True)]
        assert with_all != [str(one) for one in evidence.beside(owing, [owing.sid], every=False)]


def test_conditions_doubts_and_other_columns(conn: Connection) -> None:
    evidence = rows(
        "review",
        _review.subject_id == _service.sid,
        _review.held_at,
        lost=_review.period_start,
        record=_service.sid,
        declared=_review.conclusions.is_not(None),
        fields=frozenset({"type"}),
    )
    evidence = evidence.where(_review.type == "service_review").doubtful(
        _review.conclusions.is_(None), "no conclusions"
    )
    given = {"period": Period(start=on(5), end=on(9)), "expires_at": on(7), "conclusions": "good"}
    several = held(1, 3, **given), held(2, 4), held(3, 4, type="audit"), held(4, 4, subject_id="r:service/9")
    found = beside(conn, unit("service"), evidence, shop(), *several, every=False)
    assert sorted((row["at"], row["lost_at"], row["expires_at"], row["declared"], row["lacks"]) for row in found) == [
        (on(3), on(5), on(7), 1, None),
        (on(4), None, None, 0, "no conclusions"),
    ]
    assert {row["record"] for row in found} == {"r:service/1"}
    assert [(need.kind, need.fields, need.evidence) for need in evidence.needs] == [("review", {"type"}, True)]


def test_a_declaration_is_one(conn: Connection) -> None:
    (row,) = beside(conn, unit("service"), reviews(), shop(), held(1, 3, declared_by=ANN.id, expires_at=on(9)))
    assert (row["declared"], row["expires_at"]) == (1, on(9))


def test_rows_that_stand_in_the_unit(conn: Connection) -> None:
    evidence = rows("change", _event.c.sid == _change.sid, _event.c.at, table=_event, stated_by_unit=True)
    one = change(events=[Event(at=on(1), type="done")])
    (row,) = beside(conn, unit("change"), evidence, one)
    assert (row["record"], row["at"], row["declared"], row["expires_at"]) == (one.id, on(1), 0, None)
    assert evidence.needs == ()


@pytest.mark.parametrize(
    ("several", "latest", "first"),
    [
        ([held(1, 3), held(2, 5)], [2], [1]),
        ([held(1, 3), held(2, 6), held(3, 6.1)], [2], [1]),  # the instant itself still counts
        ([held(1, 5), held(2, 5)], [2], [1]),  # of one instant by their ids, whichever was read first
        ([held(2, 5), held(1, 5)], [2], [1]),
        ([held(1, 7)], [], [1]),
        ([held(1, 3), held(2, None)], [1, 2], [1, 2]),  # it may have been held whenever
        ([held(1, 3), held(2, 2, type="audit"), held(3, 4, type="audit")], [1], [1]),
        ([held(1, 3), held(2, 2, subject_id="r:service/2"), held(3, 4, subject_id="r:service/2")], [1], [1]),
    ],
)
def test_the_last_before_and_the_first(
    conn: Connection, several: list[Review], latest: list[int], first: list[int]
) -> None:
    one_kind = reviews().where(_review.type == "service_review")
    for evidence, numbers in ((one_kind.latest(literal(on(6), BigInteger)), latest), (one_kind.first(), first)):
        found = beside(conn, unit("service"), evidence, shop(), *several, every=False)
        assert [row["record"] for row in found] == [f"r:review/{number}" for number in numbers]


def test_of_several_kinds_the_first_has_a_row_for_every_unit(conn: Connection) -> None:
    found = beside(conn, unit("service"), any_of(reviews(), reviews(), at(_service.live_at)), shop())
    assert [(row["record"], row["counts"]) for row in found] == [(None, 0)]


def test_a_login_is_looked_up_once() -> None:
    twice = approvals().by(_approval.approver, "one").not_by(_approval.approver, _change.implementer)
    assert len(twice.joins) == 2, "the login of who decided, and who is left out"
    others = approvals().by(_approval.approver, "one").by(_approval.on_behalf_of, "two")
    assert len(others.joins) == 2
    needs = {need.kind: need.evidence for need in authorised().parts[0].needs}
    assert needs == {"change": False, "approval": True, "role_assignment": True}


def test_who_decided_is_told_by_the_human_or_else_the_login(conn: Connection) -> None:
    one = change()
    (row,) = beside(conn, unit("change"), approvals(), one, approval(one, ANN))
    assert row["who"] is not None
