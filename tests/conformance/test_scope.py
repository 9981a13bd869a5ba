"""Whose parameters decide for which unit, and what is left out."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.dialects import sqlite

from hub.conformance.judge import judge
from hub.conformance.rollup import roll_up
from hub.conformance.scope import CUSTOMER_FIELDS, SERVICE_FIELDS
from hub.errors import ConfigurationError
from hub.records import KINDS
from hub.store.schema import field_shapes
from hub.store.store import Store
from hub.store.tables import metadata
from hub.testing.factory import account, approval, at, change, incident
from tests.conformance.kit import House
from tests.conformance.scoped import CHOICES, CUSTOMER, MAIL, PACK, SHOP, choice

ANN, BOB = account("user/a"), account("user/b")
_derivation = metadata.tables["derivation"]


def house(store: Store, *choices, **chosen) -> House:
    return House(store, PACK.requirements(chosen, choices)).open()


def ticket(native: str, services=(), customer=None, **fields):
    return incident(native, service_ids=list(services), customer_id=customer, created_at=at(0), **fields)


def worked(days: int, place: int, service=None, customer=None):
    return choice(place, service, customer, parameters={"S-worked": {"days": days}})


def end_of_day(days: int) -> int:
    """The end, in Berlin, of the business day so many after Monday, 5 January."""
    calendar_days = days + 2 * (days // 5)
    return at(calendar_days, hours=23) - 1


@pytest.mark.parametrize(
    ("services", "customer", "days"),
    [
        ((), None, 3),
        (["register:service/9"], None, 3),
        ([SHOP], None, 1),
        ([MAIL], None, 2),
        ([SHOP, MAIL], None, 1),
        ([MAIL, SHOP], None, 1),
        ([], CUSTOMER, 9),
        ([SHOP], CUSTOMER, 1),
        ([MAIL], CUSTOMER, 7),
        ([SHOP, MAIL], CUSTOMER, 7),
    ],
)
def test_the_most_specific_decides_and_then_the_first_in_the_file(store, services, customer, days):
    profile = (
        worked(9, 0, None, CUSTOMER),
        worked(1, 1, SHOP),
        worked(2, 2, MAIL),
        worked(7, 3, MAIL, CUSTOMER),
    )
    told = house(store, *profile)
    told.write(ticket("incident/7", services, customer))
    told.derive()
    assert told.owed("S-worked", "desk:incident/7").due_at == end_of_day(days)


def test_what_a_choice_leaves_open_is_as_the_organisation_has_it(store):
    told = house(store, worked(2, 0), choice(1, SHOP, parameters={"S-worked": {}}))
    told.write(ticket("incident/7", [SHOP]))
    told.derive()
    assert told.owed("S-worked", "desk:incident/7").due_at == end_of_day(2)


def test_only_parts_that_differ_are_joined():
    shipped = {one.id: one for one in PACK.requirements({})}
    same = {one.id: one for one in PACK.requirements({}, [worked(3, 0, SHOP)])}
    differs = {one.id: one for one in PACK.requirements({}, [worked(2, 0, SHOP)])}

    def sql(one):
        return [part.written(sqlite.dialect()) for part in one.parts]

    assert sql(same["S-worked"]) == sql(shipped["S-worked"])
    assert sql(differs["S-worked"]) != sql(shipped["S-worked"])
    assert sql(differs["S-approved"]) == sql(shipped["S-approved"])


def test_words_say_both():
    (one,) = (one for one in PACK.requirements({}, [worked(2, 0, SHOP)]) if one.id == "S-worked")
    assert one.parts[0].words.asks == f"Done within 3 days. For service {SHOP}: Done within 2 days."
    assert one.parts[0].words.remedy == "Do it."


def test_who_owes_as_a_whole_belongs_to_nobody():
    with pytest.raises(ConfigurationError, match=r"profile\.0: S-analysed is owed by the organisation as a whole"):
        PACK.requirements({}, [choice(0, SHOP, disabled=["S-analysed"])])
    assert len(PACK.requirements({}, [choice(0, SHOP, disabled=["2.1"])])) == len(PACK.requirements({}))


def test_the_fields_of_records_that_name_services_and_customers():
    found: dict[str | None, set[str]] = {}
    for struct in KINDS.values():
        for shape in field_shapes(struct):
            if shape.role in ("reference", "references"):
                found.setdefault(shape.target, set()).add(shape.name)
    assert found["service"] == set(SERVICE_FIELDS)
    assert found["customer"] == set(CUSTOMER_FIELDS)


def verdicts(told: House, rid: str) -> dict[str, str]:
    return {unit: verdict for (r, _, unit), verdict in told.verdicts(at(40)).items() if r == rid}


def test_what_is_left_out_is_not_applicable_and_counted(store):
    told = house(store, choice(0, MAIL, disabled=["2"]))
    told.write(
        ticket("incident/1", [SHOP]), ticket("incident/2", [MAIL]), ticket("incident/3", [MAIL], resolved_at=at(1))
    )
    told.derive()
    assert verdicts(told, "S-worked") == {
        "desk:incident/1": "not_met",
        "desk:incident/2": "not_applicable",
        "desk:incident/3": "not_applicable",
    }
    (row,) = rolled_up(told, "S-worked")
    assert (row.verdict, row.counts) == ("not_met", {"not_met": 1, "not_applicable": 2})


def rolled_up(told: House, *ids: str):
    with told.store.connect() as conn:
        judged = judge(conn, told.requirements, as_of=at(40), known_at=None, judge_from=0, stale_ms=0)
        entries = [entry for entry in PACK.entries if entry.id in ids]
        return roll_up(judged, entries, start=at(-10), end=at(41))


def test_narrowed_to_one_service(store):
    told = house(store, choice(0, disabled=["S-worked"]), choice(1, SHOP, enabled=["S-worked"]))
    told.write(ticket("incident/1", [SHOP]), ticket("incident/2", [MAIL]), ticket("incident/3"))
    told.derive()
    assert verdicts(told, "S-worked") == {
        "desk:incident/1": "not_met",
        "desk:incident/2": "not_applicable",
        "desk:incident/3": "not_applicable",
    }
    told.write(ticket("incident/1", [SHOP], resolved_at=at(99)), ticket("incident/2", [MAIL, SHOP], resolved_at=at(1)))
    told.derive()
    assert verdicts(told, "S-worked")["desk:incident/2"] == "met"
    (reason,) = {part.words.missing for one in told.requirements for part in one.parts if not part.applies}
    assert reason == "Not asked by the profile (profile.0): reason 0."


def test_a_narrowed_requirement_of_which_nothing_is_due_yet_is_pending(store):
    told = house(store, choice(0, MAIL, disabled=["S-worked"]))
    told.write(ticket("incident/2", [MAIL]), incident("incident/1", created_at=at(39)))
    told.derive()
    (row,) = rolled_up(told, "S-worked")
    assert row.verdict == "pending"


def test_disabled_for_all_is_not_judged_and_leaves_nothing_behind(store):
    told = house(store)
    told.write(ticket("incident/1"))
    told.derive()
    told.requirements = PACK.requirements({}, [choice(0, disabled=["2"])])
    assert {one.id for one in told.requirements} == {"S-approved", "S-planned"}
    told.derive()
    assert {row[0] for row in told.current()} == set()
    assert [row.verdict for row in rolled_up(told, "S-worked")] == ["not_judged"]


def test_where_nobody_can_say_what_a_unit_belongs_to_nothing_is_met(store):
    told = house(store, worked(1, 0, SHOP), choice(1, MAIL, disabled=["S-approved"]))
    unread = {"unknown_fields": ["service_ids"]}
    told.write(
        ticket("incident/1", resolved_at=at(0, hours=1), **unread), ticket("incident/2", resolved_at=at(0, hours=1))
    )
    told.write(change("issue/1", actual_start=at(3), **unread))
    told.derive()
    assert verdicts(told, "S-worked") == {"desk:incident/1": "not_provable", "desk:incident/2": "met"}
    assert verdicts(told, "S-approved") == {"desk:issue/1": "not_provable"}
    assert (
        told.owed("S-worked", "desk:incident/1").lacks
        == "the source could not say which service or customer it belongs to"
    )


def test_a_source_that_never_names_services_cannot_prove_what_a_service_decides(store):
    told = house(store)
    told.write(ticket("incident/1", resolved_at=at(0, hours=1)))
    told.derive()
    assert [row.verdict for row in rolled_up(told, "S-worked")] == ["met"]
    told.requirements = PACK.requirements({}, [worked(1, 0, SHOP)])
    told.derive()
    (row,) = rolled_up(told, "S-worked")
    assert (row.verdict, row.reasons) == ("not_provable", ["desk gives no incident.service_ids"])


def test_a_ticket_moved_to_another_service_owes_what_that_one_asks(store):
    told = house(store, *CHOICES)
    told.write(ANN, BOB, change("issue/1", actual_start=at(10), service_ids=[SHOP]))
    told.write(approval(change("issue/1"), ANN, decided_at=at(5)))
    told.derive()
    assert told.verdict("S-approved", "desk:issue/1", at(40)) == "not_met"
    told.write(change("issue/1", actual_start=at(10), service_ids=["register:service/9"]))
    told.derive()
    assert told.verdict("S-approved", "desk:issue/1", at(40)) == "met"
    told.write(change("issue/1", actual_start=at(10), service_ids=[MAIL]))
    told.derive()
    assert told.verdict("S-approved", "desk:issue/1", at(40)) == "not_applicable"
    incremental = told.current()
    told.derive(whole=True)
    assert told.current() == incremental


def test_a_changed_parameter_derives_only_what_it_touches(store):
    told = house(store)
    told.write(ticket("incident/1", [SHOP]), ticket("incident/2"), change("issue/1", actual_start=at(10)))
    told.derive()
    before = derivations(store)
    told.requirements = PACK.requirements({}, [worked(1, 0, SHOP)])
    summary = told.derive()
    assert (summary.whole, summary.closed, summary.written) == (1, 1, 1), "the shop's ticket alone"
    told_why = f"parameter days (service {SHOP}): as everywhere -> 1"
    assert derivations(store) - before == {("S-worked", "definition", 1, 1, told_why)}
    told.requirements = PACK.requirements({}, [worked(1, 0, SHOP), choice(1, severity={"1": "minor"})])
    assert told.derive().whole == 0
    assert {one.id: one.entry.severity for one in told.requirements}["S-approved"] == "minor"


def derivations(store: Store) -> set[tuple[str, str, int, int, str | None]]:
    with store.connect() as conn:
        rows = conn.execute(select(_derivation)).all()
    return {(row.requirement, row.cause, row.closed, row.written, row.detail) for row in rows}


def test_units_fall_to_one_select_each_whatever_they_belong_to(store):
    """Every unit owes once, under every profile: else two obligations would have one anchor."""
    told = house(store, *CHOICES)
    services = ((), (SHOP,), (MAIL,), (SHOP, MAIL))
    tickets = [
        ticket(f"incident/{n}{m}", one, customer)
        for n, one in enumerate(services)
        for m, customer in enumerate((None, CUSTOMER, "desk:incident/2"))
    ]
    told.write(*tickets)
    told.derive(whole=True)
    owed = [row[2] for row in told.current() if row[0] == "S-worked"]
    assert sorted(owed) == sorted(one.id for one in tickets)
    told.write(*(msgspec.structs.replace(one, title="again") for one in tickets))
    assert told.derive().written == 0
