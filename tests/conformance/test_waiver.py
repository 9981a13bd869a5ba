"""Waivers: what one covers and when, what makes it sound, how its end is told, and what a closed month keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from hub.conformance.answer import WaiverRow
from hub.conformance.asked import waiver_revision
from hub.conformance.finding import list_findings, update_findings
from hub.conformance.judge import Judgement, judge
from hub.conformance.rollup import roll_up
from hub.conformance.waiver_list import list_waivers, warnings
from hub.errors import ConfigurationError
from hub.records import Record
from hub.store.reading import set_provisions
from hub.store.store import Store
from hub.store.writer import write_page
from hub.sync.source import Document, Normalised, Provision
from hub.testing.factory import account, approval, at, change, person, role_assignment, waiver
from tests.conformance.kit import House, approved, cover, prepare

RID = "T-approved"
NOW = at(40)
MARCH = at(27)
"""The end of the period: 2026-02-01T00:00Z."""
ONE = change("issue/51", actual_start=at(10), service_ids=["register:services/shop"])
TWO = change("issue/52", actual_start=at(12))
ALICE = person()


@pytest.fixture
def house(any_store: Store) -> House:
    house = House(any_store, [approved()])
    with any_store.begin() as conn:
        prepare(conn)
        fields = frozenset({"decision", "approver", "decided_at"})
        set_provisions(conn, "desk", [Provision("change", frozenset()), Provision("approval", fields)], house.tick())
        cover(conn, "desk", "CHG", ["change", "approval"], through=at(60), known_at=house.tick())
    house.write(ALICE)
    return house


def judged(house: House, conn: Any, as_of: int = NOW, **more: Any) -> Judgement:
    return judge(conn, house.requirements, as_of=as_of, **{"known_at": None, "judge_from": 0} | more)


def verdict(house: House, as_of: int = NOW, unit: str = ONE.id, known_at: int | None = None) -> str | None:
    house.derive()
    return house.verdict(RID, unit, as_of, known_at)


def listed(house: House, as_of: int = NOW, **more: Any) -> list[WaiverRow]:
    with house.store.connect() as conn:
        return list_waivers(judged(house, conn, as_of), **more)


@pytest.mark.parametrize(
    ("given", "covered"),
    [
        ({}, True),
        ({"subject": ONE.id}, True),
        ({"subject": "register:services/shop"}, True),
        ({"subject": "register:services/payroll"}, False),
        ({"subject": "desk:issue/52"}, False),
        ({"subject_filter": "key=CHG-5*"}, True),
        ({"subject_filter": "key=chg-51"}, True),
        ({"subject_filter": "key=CHG-52"}, False),
        ({"subject_filter": "key=CHG_51"}, False),
        ({"subject_filter": "service=register:services/shop"}, True),
        ({"subject_filter": "service=register:services/payroll"}, False),
        ({"subject_filter": "scope=CHG, source=desk"}, True),
        ({"subject_filter": "scope=CHG, source=other"}, False),
        ({"valid_to": NOW}, False),
        ({"valid_from": NOW, "valid_to": NOW + 1}, True),
        ({"vanished_at": NOW}, False),
        ({"vanished_at": NOW + 1}, True),
    ],
)
def test_what_a_waiver_covers(house: House, given: dict[str, Any], covered: bool) -> None:  # noqa: FBT001
    house.write(ONE, waiver(RID, **given))
    assert verdict(house) == ("waived" if covered else "not_met")
    assert [one.obligations for one in listed(house) if covered] == [1] * covered


BOB = person("people/bob")
HOLDER = role_assignment(BOB, "change_manager", to=at(-2))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"reason": None}, "reason is missing"),
        ({"approver": None}, "approver is missing"),
        ({"valid_to": None}, "valid_to is missing"),
        ({"valid_to": at(-4)}, "valid_to is not after valid_from"),
        ({"valid_to": at(362, hours=3)}, "holds for longer than 365 days"),
        ({"requirement_id": "T-other"}, "unknown requirement 'T-other'"),
        ({"owner": "register:people/alice"}, "may not be its owner"),
        ({"owner": "desk:user/alice"}, "may not be its owner"),
        ({"subject_filter": "team=ops"}, "not `name=value`"),
        ({"approver": "register:people/nobody"}, "register:people/nobody is no person that is known"),
        ({"approver": "desk:user/nobody"}, "desk:user/nobody is no person that is known"),
        ({"approver": "register:people/gone"}, "register:people/gone was not active when it was approved"),
        ({"approver": "register:people/bob"}, r"answers for the requirement \(role change_manager\)"),
    ],
)
def test_a_malformed_waiver_stops_everything(house: House, given: dict[str, Any], message: str) -> None:
    house.write(
        *(ONE, BOB, HOLDER, person("people/gone", active_to=at(-5))),
        *(account("user/alice", same_as=[ALICE.id]), account("user/nobody")),
        msgspec.structs.replace(waiver(RID), **given),
    )
    house.derive()
    with house.store.connect() as conn, pytest.raises(ConfigurationError, match=message):
        judged(house, conn)


@pytest.mark.parametrize(
    "given",
    [
        {"valid_to": at(361)},
        {"approver": "desk:user/alice"},
        {"approver": "register:people/bob", "created_at": at(-1)},  # no longer holds the role
        {"owner": "register:people/bob"},
    ],
)
def test_a_sound_waiver_counts(house: House, given: dict[str, Any]) -> None:
    house.write(ONE, BOB, HOLDER, account("user/alice", same_as=[ALICE.id]), waiver(RID, **given))
    assert verdict(house) == "waived"


def test_how_long_is_for_the_organisation_to_say(house: House) -> None:
    house.write(ONE, waiver(RID))
    house.derive()
    with house.store.connect() as conn:
        assert judged(house, conn, longest_days=90).waivers
        with pytest.raises(ConfigurationError, match=r"longer than 89 days.*waivers\.longest_days"):
            judged(house, conn, longest_days=89)


def test_the_fault_names_file_and_line(house: House) -> None:
    wrong = waiver("T-other", "waivers/w-1")
    body = b'{"file":"register/waivers.yaml","line":7,"row":{},"zone":""}'
    with house.store.begin() as conn:
        write_page(
            conn,
            source="register",
            documents=[Document("waivers", "waivers/w-1", "waivers", body)],
            normalised=[Normalised(records=[wrong])],
            known_at=house.tick(),
        )
    house.derive()
    with house.store.connect() as conn, pytest.raises(ConfigurationError) as told:
        judged(house, conn)
    assert str(told.value) == "register/waivers.yaml:7: register:waivers/w-1: unknown requirement 'T-other'"


def test_a_requirement_that_is_switched_off_is_reported_not_refused(house: House) -> None:
    house.write(ONE, waiver(RID))
    house.derive()
    house.requirements = []
    (row,) = listed(house)
    assert row.notes == ["covers nothing: the requirement is not judged now"]


def test_nothing_is_judged_while_waivers_cannot_be_read(house: House) -> None:
    house.write(ONE)
    house.derive()
    with house.store.begin() as conn:
        set_provisions(conn, "register", [Provision("waiver", frozenset())], house.tick())
    with house.store.connect() as conn, pytest.raises(ConfigurationError, match=r"sources\.register: .* never read"):
        judged(house, conn)
    before = house.now - 1
    for reason, refused in (("waivers.yaml:2:3: is not YAML", True), (None, False)):
        with house.store.begin() as conn:
            cover(conn, "register", "waivers", ["waiver"], through=at(60), reason=reason, known_at=house.tick())
        with house.store.connect() as conn:
            if refused:
                with pytest.raises(ConfigurationError, match=r"waivers\.yaml:2:3: is not YAML"):
                    judged(house, conn)
            else:
                judged(house, conn)
            judged(house, conn, known_at=before)  # nobody kept waivers then


# -- the instant a waiver counts at --------------------------------------------------------------


def rolled(house: House, as_of: int, known_at: int | None = None, end: int = MARCH) -> dict[str, int]:
    house.derive()
    with house.store.connect() as conn:
        judgement = judged(house, conn, as_of, known_at=known_at)
        (row,) = roll_up(judgement, [one.entry for one in house.requirements], start=at(-4), end=end)
        return row.counts


@pytest.mark.parametrize(
    ("start", "end", "counts"),
    [
        (at(-4), MARCH, {"waived": 1}),  # to the last instant of the month
        (at(-4), MARCH - 1, {"not_met": 1}),
        (at(-4), at(35), {"waived": 1}),  # ended since
        (MARCH - 1, at(35), {"waived": 1}),
        (MARCH, at(60), {"not_met": 1}),  # given after the month
    ],
)
def test_a_month_is_judged_by_the_waivers_at_its_end(
    house: House, start: int, end: int, counts: dict[str, int]
) -> None:
    house.write(ONE, waiver(RID, valid_from=start, valid_to=end))
    for as_of in (MARCH, NOW, at(300)):
        assert rolled(house, as_of) == counts
    assert rolled(house, at(20)) == ({"waived": 1} if start <= at(20) else {"not_met": 1})


def test_a_waiver_taken_out_of_its_file_still_counts_where_it_counted(house: House) -> None:
    house.write(ONE, waiver(RID, vanished_at=at(30)))
    assert rolled(house, NOW) == {"waived": 1}
    assert verdict(house) == "not_met"


def test_two_waivers_cover_a_violation_once(house: House) -> None:
    house.write(ONE, waiver(RID), waiver(RID, "waivers/2", subject=ONE.id))
    assert rolled(house, NOW) == {"waived": 1}


def test_what_is_waived_is_counted_apart(house: House) -> None:
    given = approval(TWO, account("user/ann"), decided_at=at(1))
    house.write(ONE, TWO, account("user/ann"), given, waiver(RID))
    assert rolled(house, NOW) == {"met": 1, "waived": 1}
    with house.store.connect() as conn:
        (row,) = roll_up(judged(house, conn), [one.entry for one in house.requirements], start=at(-4), end=MARCH)
    assert row.verdict == "waived"


def test_a_waiver_recorded_later_does_not_count_earlier(house: House) -> None:
    house.write(ONE)
    house.derive()
    known = house.tick()
    house.write(waiver(RID))
    assert verdict(house, known_at=known) == "not_met"
    assert rolled(house, NOW, known) == {"not_met": 1}
    assert verdict(house) == "waived"


BEGUN = waiver(RID)


@pytest.mark.parametrize(
    ("answers", "verdicts"),
    [
        ([{"decision": "rejected"}], ["waived", "not_met", "not_met"]),
        ([{"decision": "withdrawn"}], ["waived", "not_met", "not_met"]),
        ([{"decision": "rejected"}, {"decided_at": at(34)}], ["waived", "not_met", "waived"]),
        ([{"decision": "rejected"}, {"decided_at": at(34), "vanished_at": at(50)}], ["waived", "not_met", "not_met"]),
        ([{"decision": "rejected"}, {"decided_at": at(34), "subject_revision": "0"}], ["waived", "not_met", "not_met"]),
        ([{"decision": "rejected", "vanished_at": at(31)}], ["waived", "not_met", "not_met"]),
        ([{"decision": "rejected", "decided_at": None}], ["not_met", "not_met", "not_met"]),
        ([{"decision": "approved", "decided_at": at(1), "withdrawn_at": at(30)}], ["waived", "not_met", "not_met"]),
        ([{"decision": "rejected", "decided_at": at(1)}, {"decided_at": at(30)}], ["not_met", "waived", "waived"]),
        ([{"decision": "abstained"}], ["waived", "waived", "waived"]),
        ([{"decision": None, "approver": None, "status": "claim"}], ["waived", "waived", "waived"]),
        ([{"decision": "rejected", "approver": BOB.id}], ["waived", "waived", "waived"]),
        ([{"decision": "rejected", "subject_revision": "0"}], ["waived", "not_met", "not_met"]),
    ],
)
def test_a_waiver_that_was_refused_waives_nothing(
    house: House, answers: Sequence[dict[str, Any]], verdicts: list[str]
) -> None:
    said = {"decided_at": at(30), "subject_revision": waiver_revision(BEGUN)}
    given = [
        msgspec.structs.replace(approval(BEGUN, ALICE, n=number), **(said | one)) for number, one in enumerate(answers)
    ]
    house.write(ONE, BOB, BEGUN, *given)
    assert [verdict(house, as_of) for as_of in (at(30) - 1, at(30), at(34))] == verdicts
    assert rolled(house, at(34)) == {"not_met" if verdicts[0] == "not_met" else "waived": 1}


def test_other_words_do_not_bring_a_refused_waiver_back_and_an_agreement_to_them_does(house: House) -> None:
    house.write(ONE, BEGUN)
    house.derive()
    before = house.tick()
    house.write(approval(BEGUN, ALICE, decision="rejected", subject_revision=waiver_revision(BEGUN)))
    house.derive()
    with house.store.connect() as conn:
        assert [one.state for one in list_waivers(judged(house, conn), everything=True)] == ["refused"]
        assert warnings(judged(house, conn)) == [
            f"waiver 1 of {RID} does not hold: it was rejected by who is named as its approver"
        ]
    other = msgspec.structs.replace(BEGUN, reason="for another reason")
    house.write(other)
    refused = house.tick()
    assert verdict(house) == "not_met"
    house.write(approval(BEGUN, ALICE, n=2, decided_at=at(2), subject_revision=waiver_revision(other)))
    late = approval(BEGUN, ALICE, n=3, decided_at=at(3), decision="rejected", subject_revision=waiver_revision(BEGUN))
    house.write(late)
    assert [verdict(house, known_at=known) for known in (before, refused, None)] == ["waived", "not_met", "waived"]


# -- what is told ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "state"),
    [
        (at(-5), "to_come"),
        (at(-4), "in_force"),
        (at(56) - 1, "in_force"),
        (at(56), "ends_soon"),
        (at(86) - 1, "ends_soon"),
        (at(86), "ended"),
    ],
)
def test_the_end_is_pointed_at_thirty_days_before(house: House, as_of: int, state: str) -> None:
    house.write(ONE, waiver(RID))
    house.derive()
    assert [one.state for one in listed(house, as_of, everything=True)] == [state]
    assert len(listed(house, as_of)) == (state in ("in_force", "ends_soon"))


@pytest.mark.parametrize(
    ("records", "given", "notes"),
    [
        ([], {}, []),
        ([], {"subject": ONE.id}, []),
        ([], {"subject": "desk:issue/99"}, ["covers nothing: no record matches"]),
        ([], {"subject_filter": "key=OPS-*"}, ["covers nothing: no record matches"]),
        ([BOB], {"subject": BOB.id}, ["covers nothing: what matches owes nothing under the requirement"]),
        (
            [msgspec.structs.replace(ONE, owner="register:people/alice")],
            {"subject": ONE.id},
            ["who approved it owns what it covers"],
        ),
    ],
)
def test_what_is_odd_about_a_waiver_is_told(
    house: House, records: Sequence[Record], given: dict[str, Any], notes: list[str]
) -> None:
    house.write(ONE, waiver(RID, **given))
    house.write(*records)
    house.derive()
    assert [one.notes for one in listed(house)] == [notes]


def test_the_end_of_a_waiver_opens_the_same_finding_again(house: House) -> None:
    house.write(ONE, waiver(RID, valid_to=at(50)))
    house.derive()
    told = []
    for as_of in (at(40), at(49), at(50), at(51)):
        with house.store.begin() as conn:
            changes = update_findings(judged(house, conn, as_of), now=house.tick())
            told.append([(one.before, one.after) for one in changes])
            (found,) = list_findings(judged(house, conn, as_of))
            assert found.id == 1
    assert told == [[(None, "waived")], [], [("waived", "open")], []]
    assert (found.state, found.reopened, found.first_seen_at < found.state_at) == ("open", 1, True)
