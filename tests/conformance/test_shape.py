"""Which evidence decides, by whom, since when; and what keeps it from being known."""

from __future__ import annotations

from typing import Any

import pytest

from hub.conformance.evidence import rows
from hub.conformance.part import Part
from hub.conformance.shape import deadline, precondition, threshold
from hub.conformance.unit import Unit, organisation, unit
from hub.conformance.verdict import EXPIRED
from hub.records.base import Event, Link
from hub.store.store import Store
from hub.store.tables import metadata
from hub.testing.factory import account, approval, at, change, person, problem, role_assignment, since
from tests.conformance import kit
from tests.conformance.kit import WORDS, House, approved, authorised, planned, requirement, small_pack

DUE = at(10)
CHANGE = "desk:issue/5"
ANN, BOB, CAB = person("people/ann"), person("people/bob"), person("people/cab")
ALOG = account("user/ann", same_as=[ANN.id])
BLOG = account("user/bob", same_as=[BOB.id])
NOBODY = account("user/nobody")
IN_TIME = {"decided_at": at(3)}
LATE = {"decided_at": at(12)}
DOUBT = {"decided_at": None}
WITHDRAWN = {"decided_at": at(2), "withdrawn_at": at(4)}


def decided(house: House, *several: dict[str, Any]) -> Any:
    """Derive a change that starts on day 10 with these approvals; return what is owed."""
    one = change(actual_start=DUE)
    house.write(one, *(approval(one, ALOG, n=n, **given) for n, given in enumerate(several, start=1)))
    house.derive()
    return house.owed(house.requirements[0].id, CHANGE)


@pytest.mark.parametrize(
    ("several", "met_at", "lost_at", "lacks"),
    [
        ([], None, None, None),
        ([IN_TIME], at(3), None, None),
        ([{"decided_at": DUE}], DUE, None, None),
        ([{"decided_at": at(5)}, IN_TIME, {"decided_at": at(4)}], at(3), None, None),
        ([LATE, DOUBT, IN_TIME, WITHDRAWN], at(3), None, None),
        ([WITHDRAWN, LATE, DOUBT], None, None, "when the approval was made is not recorded"),
        ([WITHDRAWN, LATE], at(12), None, None),
        ([WITHDRAWN], at(2), at(4), None),
        ([{"decided_at": at(2), "withdrawn_at": at(11)}, IN_TIME], at(2), at(11), None),
        ([{"decided_at": at(2), "withdrawn_at": DUE}, LATE], at(12), None, None),
        ([DOUBT, {"decided_at": DUE}], DUE, None, None),
        ([{"decided_at": at(3), "decision": "rejected"}], None, None, None),
        ([{"decided_at": at(3), "decision": None}], None, None, None),
    ],
)
def test_ranking(any_store: Store, several, met_at, lost_at, lacks) -> None:
    owed = decided(House(any_store, [approved()]).open(), *several)
    assert (owed.met_at, owed.lost_at, owed.lacks) == (met_at, lost_at, lacks)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 0, 2]])
def test_of_one_instant_what_the_records_say_decides_and_not_which_was_read_first(store: Store, order) -> None:
    """What a tool recorded and still stands comes before what was withdrawn later, and before what somebody declared."""
    one = change(actual_start=DUE)
    said = [{}, {"withdrawn_at": at(20)}, {"declared_by": ANN.id}]
    several = [approval(one, ALOG, n=n, **IN_TIME, **given) for n, given in enumerate(said)]
    house = House(store, [approved()]).open()
    house.write(one, *(several[place] for place in order))
    house.derive()
    owed = house.owed("T-approved", CHANGE)
    assert (owed.met_at, owed.lost_at, bool(owed.declared)) == (at(3), None, False)


def test_ranking_without_a_due_instant_prefers_what_stands(store: Store) -> None:
    house = House(store, [approved()]).open()
    one = change()
    house.write(one, approval(one, ALOG, n=1, **WITHDRAWN), approval(one, ALOG, n=2, **LATE))
    house.derive()
    owed = house.owed("T-approved", CHANGE)
    assert (owed.due_at, owed.met_at, owed.lost_at, owed.lacks) == (None, at(12), None, None)


def test_what_was_withdrawn_proves_more_than_what_is_doubtful_and_late(store: Store) -> None:
    two = approval(CHANGE, ALOG, n=1, **WITHDRAWN), approval(CHANGE, NOBODY, n=2, **LATE)
    owed = authority(House(store, [authorised()]).open(), role(), *two)
    assert (owed.met_at, owed.lost_at, owed.lacks) == (at(2), at(4), None)


def test_a_deadline_nobody_knows_is_not_provable(store: Store) -> None:
    found = kit.rows("review", kit.review.subject_id == kit.problem.sid, kit.review.held_at)
    part = deadline("T-due", "due", WORDS, unit=unit("problem"), due=kit.problem.closed_at, evidence=found)
    house = House(store, [requirement("T-due", part)]).open()
    house.write(problem())
    house.derive()
    assert house.owed("T-due", "desk:issue/3").lacks == "when it is due is not known"


@pytest.mark.parametrize(
    ("given", "lost_at", "lacks", "declared"),
    [
        ({}, None, None, False),
        ({"declared_by": ANN.id}, None, None, True),
        ({"declared_by": ANN.id, "expires_at": at(20)}, at(20), EXPIRED, True),
        ({"declared_by": ANN.id, "expires_at": at(20), "withdrawn_at": at(11)}, at(11), None, True),
    ],
)
def test_what_was_declared(
    store: Store, given: dict[str, Any], lost_at: int | None, lacks: str | None, *, declared: bool
) -> None:
    owed = decided(House(store, [approved()]).open(), {"decided_at": at(2), **given})
    assert (owed.met_at, owed.lost_at, owed.lacks, bool(owed.declared)) == (at(2), lost_at, lacks, declared)


@pytest.mark.parametrize(
    ("outcome", "updated_at", "met_at", "lacks"),
    [
        ("successful", at(1), at(3), None),
        (None, at(1), None, "how it ended is not recorded"),
        ("successful", None, None, "when it was last changed is not recorded"),
    ],
)
def test_complete_is_met_only_where_nothing_is_unknown(
    store: Store, outcome: Any, updated_at: int | None, met_at: int | None, lacks: str | None
) -> None:
    part = precondition(
        "T-whole",
        "whole",
        WORDS,
        unit=unit("change"),
        before=kit.change.actual_start,
        evidence=kit.approvals().doubtful(
            kit.approval.updated_at.is_(None), "when it was last changed is not recorded"
        ),
        doubts=[(kit.change.outcome.is_(None), "how it ended is not recorded")],
        complete=True,
    )
    house = House(store, [requirement("T-whole", part)]).open()
    one = change(actual_start=DUE, outcome=outcome)
    house.write(one, approval(one, ALOG, updated_at=updated_at, **IN_TIME))
    house.derive()
    owed = house.owed("T-whole", CHANGE)
    assert (owed.met_at, owed.lacks) == (met_at, lacks)


def test_equal_candidates_of_one_record_are_ordered(store: Store) -> None:
    """Two events of one instant, one of them in doubt for another reason: the answer may not depend on the plan."""
    event: Any = metadata.tables["event"].c
    found = (
        rows("change", event.sid == kit.change.sid, event.at, table=metadata.tables["event"], stated_by_unit=True)
        .doubtful(event.to == "b", "b was done")
        .doubtful(event.to == "a", "a was done")
    )
    part = precondition("T-tie", "tie", WORDS, unit=unit("change"), before=kit.change.actual_start, evidence=found)
    house = House(store, [requirement("T-tie", part)]).open()
    for turn in ("ab", "ba"):
        house.write(change(actual_start=DUE, events=[Event(at=at(1), type="done", to=to) for to in turn]))
        house.derive()
        assert house.owed("T-tie", CHANGE).lacks == "a was done"


def authority(house: House, *more: Any, start: int = DUE, **given: Any) -> Any:
    one = change(actual_start=start, **({"implementer": BLOG.id} | given))
    house.write(ANN, BOB, CAB, ALOG, BLOG, NOBODY, one, *more)
    house.derive()
    return house.owed(house.requirements[0].id, CHANGE)


def role(holder: Any = ANN, **given: Any) -> Any:
    return role_assignment(holder, given.pop("role", "change_authority"), **given)


@pytest.mark.parametrize(
    ("assigned", "met"),
    [
        ({"from_": None, "to": None}, True),
        ({"from_": at(3), "to": at(4)}, True),
        ({"from_": at(3) + 1}, False),
        ({"from_": at(1), "to": at(3)}, False),
        ({"role": "release_manager"}, False),
        ({"vanished_at": at(20)}, True),
        ({"vanished_at": at(2)}, False),
        ({"vanished_at": at(3)}, False),
        ({"person": CAB.id}, False),
        ({"person": ALOG.id}, True),
    ],
)
def test_by_role_at_that_instant(any_store: Store, assigned: dict[str, Any], met: bool) -> None:  # noqa: FBT001
    owed = authority(House(any_store, [authorised()]).open(), role(**assigned), approval(CHANGE, ALOG, **IN_TIME))
    assert (owed.met_at, owed.lacks) == (at(3) if met else None, None)


def test_a_human_decides_without_a_login(store: Store) -> None:
    owed = authority(House(store, [authorised()]).open(), role(), approval(CHANGE, ANN, **IN_TIME))
    assert (owed.met_at, owed.lacks) == (at(3), None)


@pytest.mark.parametrize(
    ("implementer", "met_at", "lacks"),
    [
        (BLOG.id, at(3), None),
        (ALOG.id, None, None),  # the same login
        (ANN.id, None, None),  # the same human
        (None, None, "whether it was somebody else's decision is not known"),
        (NOBODY.id, None, "whether it was somebody else's decision is not known"),
    ],
)
def test_not_by(any_store: Store, implementer: str | None, met_at: int | None, lacks: str | None) -> None:
    house = House(any_store, [authorised()]).open()
    owed = authority(house, role(), approval(CHANGE, ALOG, **IN_TIME), implementer=implementer)
    assert (owed.met_at, owed.lacks) == (met_at, lacks)


def test_an_untied_login_leaves_the_decision_in_doubt(store: Store) -> None:
    house = House(store, [authorised()]).open()
    owed = authority(house, role(), approval(CHANGE, NOBODY, **IN_TIME))
    assert (owed.met_at, owed.lacks) == (None, "whose login decided is not known")
    house.write(account("user/nobody", same_as=[ANN.id]))
    house.derive()
    assert house.owed("T-authorised", CHANGE).met_at == at(3)
    house.write(account("user/nobody", same_as=[ANN.id, BOB.id]))
    house.derive()
    assert house.owed("T-authorised", CHANGE).lacks == "whose login decided is not known"


def test_nth_asks_for_different_humans(store: Store) -> None:
    house = House(store, [authorised(nth=2)]).open()
    second = account("user/ann-admin", same_as=[ANN.id])
    duties = [role(ANN), role(CAB)]
    owed = authority(
        house,
        second,
        *duties,
        approval(CHANGE, ALOG, n=1, **IN_TIME),
        approval(CHANGE, second, n=2, decided_at=at(4)),
        approval(CHANGE, ANN, n=3, decided_at=at(5)),
    )
    assert (owed.met_at, owed.lacks) == (None, None)
    house.write(approval(CHANGE, NOBODY, n=4, decided_at=at(6)))
    house.derive()
    assert house.owed("T-authorised", CHANGE).lacks == "whose login decided is not known"
    house.write(approval(CHANGE, CAB, n=5, decided_at=at(7)))
    house.derive()
    owed = house.owed("T-authorised", CHANGE)
    assert (owed.met_at, owed.lacks) == (at(7), None)


@pytest.mark.parametrize(
    ("given", "met_at", "lacks"),
    [
        ({}, None, None),
        ({"backout_plan": "  ", "since": since(backout_plan=at(1))}, None, None),
        ({"backout_plan": "undo", "since": since(backout_plan=at(1))}, at(1), None),
        ({"backout_plan": "undo"}, None, "since when backout_plan held a value is not known"),
        ({"backout_plan": "undo", "unknown_fields": ["backout_plan"]}, None, "the source could not give backout_plan"),
        ({"unknown_fields": ["backout_plan"]}, None, "the source could not give backout_plan"),
        ({"unknown_fields": ["risk"]}, None, None),
        ({"invisible_at": at(9)}, None, "it is no longer visible at its source"),
        ({"invisible_at": at(10)}, None, None),  # it was seen until it was due
        (
            {"invisible_at": at(9), "backout_plan": "undo", "since": since(backout_plan=at(1))},
            at(1),
            "it is no longer visible at its source",
        ),
    ],
)
def test_filled(any_store: Store, given: dict[str, Any], met_at: int | None, lacks: str | None) -> None:
    house = House(any_store, [planned()]).open()
    house.write(change(actual_start=DUE, **given))
    house.derive()
    owed = house.owed("T-planned", CHANGE)
    assert (owed.met_at, owed.lacks) == (met_at, lacks)


def test_late_evidence_proves_nothing_where_the_due_instant_is_in_doubt(store: Store) -> None:
    part = deadline(
        "T-doubt",
        "doubt",
        WORDS,
        unit=unit("change"),
        due=kit.change.created_at,
        evidence=kit.approvals(),
        doubts=[(kit.change.actual_start.is_(None), "when it started is not recorded")],
    )
    house = House(store, [requirement("T-doubt", part)]).open()
    one = change()
    house.write(one, approval(one, ALOG, **IN_TIME))
    house.derive()
    assert house.verdict("T-doubt", one.id, at(20)) == "not_provable"
    house.write(change(actual_start=at(1)))
    house.derive()
    assert house.verdict("T-doubt", one.id, at(20)) == "not_met"


def test_links_count_from_either_end(store: Store) -> None:
    house = House(store, [next(one for one in small_pack() if one.id == "T-linked")]).open()
    given = {"actual_end": DUE, "outcome": "successful"}
    cases = {
        "issue/11": change("issue/11", links=[Link(type="resolves", target="desk:issue/3", at=at(1))], **given),
        "issue/12": change("issue/12", **given),
        "issue/13": change("issue/13", links=[Link(type="causes", target="desk:issue/3", at=at(1))], **given),
        "issue/14": change("issue/14", links=[Link(type="resolves", target="desk:issue/99", at=at(1))], **given),
    }
    house.write(problem(links=[Link(type="resolved_by", target="desk:issue/12", at=at(2))]), *cases.values())
    house.derive()
    found = {unit: (row.met_at, row.lacks) for _, name, unit, row in house.current() if name == "linked"}
    assert found == {
        "desk:issue/11": (at(1), None),
        "desk:issue/12": (at(2), None),
        "desk:issue/13": (None, None),
        "desk:issue/14": (None, "a linked record was not read"),
    }


def test_warning_is_the_same_millisecond_on_both_engines(store: Store) -> None:
    part = deadline(
        "T-warn",
        "warn",
        WORDS,
        unit=unit("problem"),
        due=kit.problem.created_at + 7,
        evidence=kit.rows("review", kit.review.subject_id == kit.problem.sid, kit.review.held_at),
    )
    house = House(store, [requirement("T-warn", part)]).open()
    house.write(problem(created_at=at(0)))
    house.derive()
    owed = house.owed("T-warn", "desk:issue/3")
    assert (owed.warn_at - at(0), owed.due_at - at(0)) == (5, 7)


def quiet(unit_of: Unit, **more: Any) -> Part:
    return threshold(
        "T-quiet", "quiet", WORDS, unit=unit_of, holds=kit.change.outcome.is_not(None), at=kit.change.actual_end, **more
    )


@pytest.mark.parametrize(
    ("part", "complete", "needs"),
    [
        # what can be withdrawn, and what must hold of all, is met only where everything was read
        (approved().parts[0], True, {("change", frozenset()), ("approval", frozenset({"decision", "approver", "decided_at"}))}),
        (quiet(unit("change")), True, {("change", frozenset())}),
        (quiet(unit("change"), fields=("outcome",)), True, {("change", frozenset({"outcome"}))}),
        # a field that is filled stays so; it is the unit's own
        (planned().parts[0], False, {("change", frozenset({"backout_plan"}))}),
        (kit.small_pack()[5].parts[0], False, None),
        (quiet(organisation()), True, set()),  # the organisation is no record of a source
    ],
)  # fmt: skip
def test_what_must_be_read_and_given(part: Part, *, complete: bool, needs: set[Any] | None) -> None:
    assert part.complete is complete
    if needs is not None:
        assert {(need.kind, need.fields) for need in part.needs} == needs


@pytest.mark.parametrize(("given", "complete"), [({}, False), ({"complete": True}, True)])
def test_a_part_may_ask_for_a_complete_reading(given: dict[str, Any], *, complete: bool) -> None:
    found = kit.rows("review", kit.review.subject_id == kit.change.sid, kit.review.held_at)
    part = precondition(
        "T", "held", WORDS, unit=unit("change"), before=kit.change.actual_start, evidence=found, **given
    )
    assert part.complete is complete


@pytest.mark.parametrize(("share", "after"), [({}, 8), ({"warn_share": 0.5}, 5)])
def test_the_warning_goes_out_at_its_share_of_the_time(any_store: Store, share: dict[str, float], after: int) -> None:
    found = kit.rows("review", kit.review.subject_id == kit.problem.sid, kit.review.held_at)
    due = kit.problem.created_at + 10 * 86_400_000
    part = deadline("T-warn", "warn", WORDS, unit=unit("problem"), due=due, evidence=found, **share)
    house = House(any_store, [requirement("T-warn", part)]).open()
    house.write(problem(created_at=at(0)))
    house.derive()
    assert house.owed("T-warn", "desk:issue/3").warn_at == at(after)
