"""Rows become records by the record's own types; whatever is wrong is said with its place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import records
from hub.clock import format_instant, parse_instant
from hub.records import decode_record, encode_record
from hub_register.mapping import read_row
from hub_register.reader import Node
from hub_register.row import Row
from hub_register.schema import FILES, ROW_KEYS, row_fields

DECLARED = parse_instant("2026-01-04T23:00:00Z")  # 2026-01-05 in Berlin


@pytest.mark.parametrize(("row", "number"), [("", None), (", number: C-17", "C-17")])
def test_a_contract_is_known_by_its_number_and_found_by_its_row(register, row: str, number: str | None):
    contract = register.record("contracts", f"- {{id: nord, supplier_id: suppliers/nord{row}}}")
    assert (contract.key, contract.aliases) == (number, ["contracts/nord"])
    assert ("key" in {one.field for one in contract.since}) == (number is not None)


def test_person_with_accounts(register):
    person = register.record(
        "people",
        """\
        - id: alice
          name: Alice
          email: [alice@example.com]
          accounts: ["service-desk:user/abc"]
          party: teams/ops
        """,
    )
    assert person == records.Person(
        id="register:people/alice",
        source="register",
        scope="people",
        key="people/alice",
        title="Alice",
        name="Alice",
        email=["alice@example.com"],
        same_as=["service-desk:user/abc"],
        party="register:teams/ops",
        created_at=DECLARED,
        declared_by="register:people/alice",
        proof="paper",
        since=[records.Since(field=name, at=DECLARED) for name in ("email", "name", "party", "same_as")],
    )
    assert person.account is False


def test_every_filled_field_holds_since_its_declaration(register):
    service = register.record(
        "services",
        """\
        - id: shop
          name: Shop
          in_scope: yes
          owner: people/alice
          availability_target: 99.5
          rto_min: 30
          continuity_agreed: {by: people/alice, at: "2026-01-02T09:00+01:00"}
          declared_at: 2026-02-01T09:00:00+01:00
          labels: []
        """,
    )
    assert service.owner == "register:people/alice"
    assert (service.in_scope, service.availability_target, service.rto_min) == (True, 99.5, 30)
    declared = parse_instant("2026-02-01T08:00:00Z")
    assert {one.field for one in service.since if one.at == declared} == {
        "name", "in_scope", "owner", "availability_target", "rto_min", "labels",
        "continuity_agreed", "continuity_agreed.by", "continuity_agreed.at",
    }  # fmt: skip
    assert len(service.since) == 9
    assert service.raw_times == {
        "continuity_agreed.at": "2026-01-02T09:00+01:00",
        "declared_at": "2026-02-01T09:00:00+01:00",
    }


@pytest.mark.parametrize(
    ("written", "zone", "expected"),
    [
        ("2026-10-05T14:30:00+08:00", "Europe/Berlin", "2026-10-05T06:30:00Z"),
        ("2026-10-05T14:30:00.250Z", "Europe/Berlin", "2026-10-05T14:30:00.250Z"),
        ("2026-10-05 14:30 ", "Europe/Berlin", "2026-10-05T12:30:00Z"),
        ("2026-10-05T14:30:15", "Asia/Shanghai", "2026-10-05T06:30:15Z"),
        ("2026-10-05", "Asia/Shanghai", "2026-10-04T16:00:00Z"),
        ("2026-04-24", "Africa/Cairo", "2026-04-23T22:00:00Z"),  # no midnight that day
    ],
)
def test_instants(register, written, zone, expected):
    head = f"zone: {zone}\ndeclared_by: people/alice\ndeclared_at: 2026-01-05\nproof: paper\nrows:\n"
    register.write("reviews", f"{head}- {{id: r, type: pir, held_at: {written}}}\n")
    [review] = register.records("reviews")
    assert format_instant(review.held_at) == expected


def test_a_month_is_that_local_month(register):
    review = register.record("reviews", "- {id: r, type: interim, period: 2026-10}\n")
    assert review.period == records.Period(
        start=parse_instant("2026-09-30T22:00:00Z"), end=parse_instant("2026-10-31T23:00:00Z")
    )
    review = register.record("reviews", "- {id: r, type: interim, period: {start: 2026-10-01, end: 2026-10-08}}\n")
    assert review.period.end - review.period.start == 7 * 86_400_000


def test_parts_and_lists_of_references(register):
    review = register.record(
        "reviews",
        """\
        - id: r
          type: pir
          subject_id: service-desk:issue/10012
          items: [services/shop, "register:people/alice"]
          recommendations: [{text: Do it, action_id: improvement_actions/one}]
          process_weaknesses: []
        """,
    )
    assert review.subject_id == "service-desk:issue/10012"
    assert review.items == ["register:services/shop", "register:people/alice"]
    assert review.recommendations[0].action_id == "register:improvement_actions/one"
    assert "process_weaknesses" in {one.field for one in review.since}, "an empty list is an answer"


def test_from_and_to_of_a_role(register):
    role = register.record(
        "roles", "- {id: r, person: people/alice, role: manager, from: 2026-01-01, to: 2027-01-01}\n"
    )
    assert format_instant(role.from_) == "2025-12-31T23:00:00Z"
    assert {one.field for one in role.since} == {"person", "role", "from_", "to"}


def test_calendar_row(register):
    calendar = register.record(
        "calendars",
        """\
        - id: office
          zone: Asia/Shanghai
          weekly: [{day: mon, opens: "08:00", closes: "12:00"}]
          closed: [2026-10-01]
          extra_open: [{date: 2026-10-10, opens: 08:00, closes: 12:00}]
        """,
    )
    assert calendar.extra_open == [records.ExtraOpening(date="2026-10-10", opens="08:00", closes="12:00")]
    service = register.record("services", "- {id: s, name: S, calendar_id: 7x24}\n")
    assert service.calendar_id == "7x24"


@pytest.mark.parametrize(
    ("stem", "row", "said"),
    [
        ("people", "nmae: Bob", "people.yaml:5:13: nmae: unknown key; did you mean 'name'?"),
        ("people", "account: true, name: Bob", "account: unknown key; did you mean 'accounts'?"),
        ("people", "phone: 1", "people.yaml:5:3: name: is missing"),
        ("people", "name: ''", "people.yaml:5:19: name: is empty text; leave the key out where there is nothing to say"),
        ("people", "name: [a]", "name: must be one value, not a list or mapping"),
        ("people", "name: B, email: b@example.com", "email: must be a list: `[one, two]`, or one `- value` a line"),
        ("people", "name: B, email: [~]", "email[0]: is empty"),
        ("people", "name: B, employment: emploee", "people.yaml:5:34: employment: unknown word 'emploee'; did you mean 'employee'?"),
        ("people", "name: B, active_from: 1.2.2026", "active_from: '1.2.2026' is not an instant; write 2026-10-05T14:30:00+02:00"),
        ("people", "name: B, active_from: 2026-02-30", "active_from: '2026-02-30' is not a day of the calendar"),
        ("people", "name: B, active_from: 2026-02-03, active_to: 2026-02-03", "active_to: is not after active_from"),
        ("people", "name: B, declared_at: 2026-11-03T08:00:01Z", "declared_at: is later than now"),
        ("reviews", "type: pir, held_at: 2026-03-29T02:30", "does not exist in Europe/Berlin: the clocks skip it; write it with an offset"),
        ("reviews", "type: pir, held_at: 2026-10-25T02:30", "happens twice in Europe/Berlin: the clocks go back; write it with an offset"),
        ("reviews", "type: pir, held_at: 2026-10-25T25:30", "held_at: '2026-10-25T25:30' is not an instant"),
        ("reviews", "type: pir, period: 2026-13", "period: '2026-13-01' is not a day of the calendar"),
        ("reviews", "type: pir, period: {start: 2026-02-02, end: 2026-02-01}", "period: ends before it begins"),
        ("reviews", "type: pir, period: {start: 2026-02-02}", "period.end: is missing"),
        ("reviews", "type: pir, recommendations: [{txt: a}]", "recommendations[0].txt: unknown key; did you mean 'text'?"),
        ("services", "name: S, owner: alice", "owner: 'alice' is no reference; write people/<id> or <source>:<native id>"),
        ("services", "name: S, owner: peple/alice", "owner: no register file 'peple'; did you mean 'people'?"),
        ("services", "name: S, owner: services/x", "owner: 'services/x' is a service, but a person must stand here"),
        ("services", "name: S, owner: people/alcie", "services.yaml:5:29: owner: no row 'people/alcie'; did you mean 'people/alice'?"),
        ("services", "name: S, in_scope: 1", "in_scope: '1' is neither true nor false"),
        ("services", "name: S, rto_min: 1.5", "rto_min: '1.5' is not a whole number"),
        ("services", "name: S, availability_target: 99%", "availability_target: '99%' is not a number"),
        ("calendars", "zone: Europe/Berln", "weekly: unknown time zone 'Europe/Berln'; did you mean 'Europe/Berlin'?"),
        ("calendars", "weekly: [{day: mon, opens: '8', closes: '12:00'}]", "weekly: '8' is not a time of day; write HH:MM"),
        ("waivers", "requirement_id: R, reason: x, approver: people/alice, valid_from: 2026-01-01", "valid_to: is missing"),
        (
            "waivers",
            "requirement_id: R, reason: x, approver: people/alice, owner: people/alice, valid_from: 2026-01-01, valid_to: 2026-02-01",
            "approver: is the owner; somebody else must accept the exception",
        ),
    ],
)  # fmt: skip
def test_faults_of_a_row(register, stem, row, said):
    register.write(stem, f"- {{id: bob, {row}}}\n", head=True)
    if stem == "people":
        register.write(stem, f"- {{id: bob, {row}}}\n- {{id: alice, name: A}}\n", head=True)
    faults = register.faults()
    assert [fault for fault in faults if said in fault], faults
    assert len(faults) == (2 if "nmae" in said else 1), "a misspelt key is also missing; nothing else is wrong"


def test_who_vouches_and_since_when_is_not_optional(register):
    register.write("teams", "- id: ops\n  name: Ops\n")
    assert sorted(register.faults()) == [
        "teams.yaml:1:3: declared_at: is missing",
        "teams.yaml:1:3: declared_by: is missing",
    ]


def test_a_local_time_without_any_zone_is_a_fault(register):
    register.zone = ""
    register.write(
        "reviews", "- {id: r, type: pir, held_at: 2026-10-05T14:30, declared_at: 2026-01-05T00:00Z}\n", head=True
    )
    assert [fault for fault in register.faults() if fault.startswith("reviews")] == [
        "reviews.yaml:5:31: held_at: '2026-10-05T14:30' has no offset and the file no zone; add `zone:` or an offset"
    ]


def test_an_account_is_claimed_once(register):
    register.write(
        "people",
        "- {id: alice, name: A, accounts: ['d:user/1']}\n- {id: bob, name: B, accounts: ['d:user/1', 'd:user/2']}\n",
        head=True,
    )
    assert register.faults() == [
        "people.yaml:5:34: accounts: 'd:user/1' is also an account of bob",
        "people.yaml:6:32: accounts: 'd:user/1' is also an account of alice",
    ]


VALUES = st.recursive(
    st.none()
    | st.sampled_from(["", "x", "2026-13-01", "9999-12-31T23:59Z", "0001-01-01", "people/a", "a:b", "-1", "true"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["at", "by", "start", "end", "day"]), inner)
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.data())
def test_any_values_give_a_record_or_faults(stem, data):
    keys = st.sampled_from([*row_fields(FILES[stem]), *ROW_KEYS, "nonsense"])
    plain = data.draw(st.dictionaries(keys, VALUES, max_size=5))
    plain = {"declared_by": "people/a", "declared_at": "2026-01-01", **plain}
    reading = read_row(Row("f.yaml", stem, "a", "Europe/Berlin", Node.of(plain, 1, 1)), "register")
    assert (reading.record is None) == bool(reading.faults)
    if reading.record is not None:
        assert decode_record(encode_record(reading.record)) == reading.record
