"""Judging: what was read, what is waived, what came before, and the life of a finding."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from hub.conformance.derive import part_numbers
from hub.conformance.explain import describe, explain
from hub.conformance.finding import list_findings, update_findings
from hub.conformance.gap import list_gaps
from hub.conformance.judge import Judgement, judge, natural_as_of
from hub.conformance.listing import list_obligations
from hub.conformance.rollup import judge_period, list_attestations, roll_up
from hub.store.reading import set_provisions
from hub.store.store import Store
from hub.store.tables import record
from hub.store.writer import write_page
from hub.sync.source import Document, Normalised, Provision
from hub.testing.factory import account, approval, at, change, person, role_assignment, service, waiver
from tests.conformance.kit import House, approved, cover, planned, prepare, requirement

LOGIN = account("user/ann")
ONE = change("issue/51", actual_start=at(10))
RID = "T-approved"
NOW = at(40)
FIELDS = frozenset({"decision", "approver", "decided_at"})


@pytest.fixture
def house(any_store: Store) -> House:
    return House(any_store, [approved()])


def provide(house: House, *given: Provision, source: str = "desk") -> None:
    with house.store.begin() as conn:
        set_provisions(conn, source, given, house.tick())


def read(house: House, scope: str, kind: str, through: int | None, reason: str | None = None) -> None:
    with house.store.begin() as conn:
        cover(conn, "desk", scope, [kind], through=through, reason=reason, known_at=house.tick())


def judged(house: House, conn: Any, as_of: int = NOW, **more: Any) -> Judgement:
    return judge(conn, house.requirements, as_of=as_of, **{"known_at": None, "judge_from": 0} | more)


def furnish(house: House, *, within: bool = False) -> None:
    with house.store.begin() as conn:
        prepare(conn)
    provide(house, Provision("change", frozenset()), Provision("approval", FIELDS, within_subject=within))
    for kind in ("change", "approval"):
        read(house, "CHG", kind, at(60))


def verdict(house: House, as_of: int = NOW, **more: Any) -> str | None:
    house.derive()
    return house.verdict(RID, ONE.id, as_of, **more)


# -- coverage ---------------------------------------------------------------------------------


def test_absence_is_proven_where_everything_was_read(house: House) -> None:
    furnish(house)
    house.write(ONE)
    assert verdict(house) == "not_met"


def test_a_project_nobody_may_see_turns_no_absence_into_a_violation(house: House) -> None:
    furnish(house)
    house.write(ONE)
    read(house, "SEC", "approval", None, "no permission")
    assert verdict(house) == "not_provable"
    with house.store.connect() as conn:
        (gap,) = list_gaps(judged(house, conn))
    assert (gap.reason, gap.obligations) == ("desk SEC: no permission", 1)
    assert "SEC" in gap.remedy


def test_nor_does_it_hide_a_proven_violation(house: House) -> None:
    furnish(house)
    house.write(ONE, approval(ONE, LOGIN, decided_at=at(12)))
    read(house, "SEC", "approval", None, "no permission")
    assert verdict(house) == "not_met"


def test_what_stands_in_the_subjects_document_needs_no_other_scope(house: House) -> None:
    furnish(house, within=True)
    house.write(ONE)
    read(house, "SEC", "approval", None, "no permission")
    assert verdict(house) == "not_met"
    read(house, "CHG", "approval", None, "no permission")
    assert verdict(house) == "not_met"  # it had been read through the due instant before
    house.write(change("issue/52", scope="SEC", actual_start=at(10)))
    house.derive()
    assert house.verdict(RID, "desk:issue/52", NOW) == "not_provable"


def test_withdrawable_evidence_needs_a_complete_reading(house: House) -> None:
    furnish(house)
    house.write(ONE, approval(ONE, LOGIN))
    assert verdict(house) == "met"
    read(house, "SEC", "approval", at(9), "no permission")
    assert verdict(house) == "not_provable"


def test_a_field_that_nobody_gives_is_not_provable_with_a_remedy(house: House) -> None:
    furnish(house)
    house.write(ONE)
    provide(house, Provision("change", frozenset()), Provision("approval", FIELDS - {"decided_at"}))
    assert verdict(house) == "not_provable"
    with house.store.connect() as conn:
        (gap,) = list_gaps(judged(house, conn))
    assert gap.reason == "desk gives no approval.decided_at"
    assert "[sources.desk]" in gap.remedy
    assert "approval.decided_at" in gap.remedy


def test_a_kind_that_nobody_gives_is_not_provable(house: House) -> None:
    furnish(house)
    house.write(ONE)
    provide(house, Provision("change", frozenset()))
    assert verdict(house) == "not_provable"
    provide(house, Provision("change", frozenset()), Provision("approval", FIELDS))
    assert verdict(house) == "not_met"


def test_a_stale_reading(house: House) -> None:
    furnish(house)
    house.write(change("issue/51", actual_start=at(100)), approval(ONE, LOGIN))
    assert verdict(house, at(61), stale_ms=26 * 3_600_000) == "met"
    assert verdict(house, at(61, hours=3), stale_ms=26 * 3_600_000) == "not_provable"
    with house.store.connect() as conn:
        gaps = list_gaps(judged(house, conn, at(61, hours=3)))
    assert ("the last reading is too old", "run: hub sync") in {(gap.reason, gap.remedy) for gap in gaps}
    with house.store.connect() as conn:
        assert natural_as_of(conn) == at(60)


def test_coverage_is_taken_as_then_known(house: House) -> None:
    furnish(house)
    house.write(ONE)
    known = house.derive().known_at
    read(house, "SEC", "approval", None, "no permission")
    assert house.verdict(RID, ONE.id, NOW, known) == "not_met"
    assert house.verdict(RID, ONE.id, NOW) == "not_provable"


# -- roll-up and baseline ---------------------------------------------------------------------


def rolled(house: House, start: int, end: int, **more: Any) -> Any:
    house.derive()
    with house.store.connect() as conn:
        judgement = judged(house, conn, **more)
        return roll_up(judgement, [one.entry for one in house.requirements], start=start, end=end)[0]


def test_the_worst_verdict_counts_and_all_are_counted(house: House) -> None:
    furnish(house)
    late, open_one = change("issue/52", actual_start=at(12)), change("issue/53")
    declared = change("issue/54", actual_start=at(12))
    assert rolled(house, at(0), at(30)).verdict == "not_applicable"
    house.write(open_one)
    assert rolled(house, at(0), at(30)).verdict == "pending"
    house.write(ONE, approval(ONE, LOGIN))
    assert rolled(house, at(0), at(30)).verdict == "met"
    house.write(declared, approval(declared, LOGIN, declared_by="register:people/ann"))
    assert rolled(house, at(0), at(30)).verdict == "attested"
    hidden = change("issue/55", actual_start=at(12), invisible_at=at(11))
    house.write(hidden)
    assert rolled(house, at(0), at(30)).verdict == "not_provable"
    house.write(late)
    row = rolled(house, at(0), at(30))
    counts = {"attested": 1, "met": 1, "not_met": 1, "not_provable": 1, "pending": 1}
    assert (row.verdict, row.counts, row.decided) == ("not_met", counts, 4)
    assert row.reasons == ["it is no longer visible at its source"]
    assert rolled(house, at(13), at(30)).counts == {"pending": 1}


def test_a_declaration_is_told_with_who_vouches_for_it_and_until_when(house: House) -> None:
    furnish(house)
    declared = change("issue/54", actual_start=at(12))
    given = approval(declared, LOGIN, declared_by="register:people/ann", expires_at=at(100))
    house.write(ONE, approval(ONE, LOGIN), declared, given)
    house.derive()
    with house.store.begin() as conn:
        judgement = judged(house, conn)
        plain = list_attestations(judgement, start=at(0), end=at(30))
        judge_period(judgement, start=at(0), end=at(30))
        assert list_attestations(judgement, start=at(0), end=at(30), judged=True) == plain
    told = [(one.requirement, one.record.id, one.declared_by.id, one.expires_at, one.obligations) for one in plain]
    assert told == [(RID, given.id, "register:people/ann", at(100), 1)]


def test_what_is_asked_of_nobody_is_not_applicable_with_its_reason(house: House) -> None:
    furnish(house)
    entries = [replace(house.requirements[0].entry, id=name) for name in ("T-out", "T-unjudged")]
    with house.store.connect() as conn:
        rows = roll_up(
            judged(house, conn), entries, start=at(0), end=at(30), out={"T-out": "left out", RID: "never used"}
        )
    assert [(row.verdict, row.reasons) for row in rows] == [("not_applicable", ["left out"]), ("not_judged", [])]


def test_approved_then_withdrawn_is_decided_when_it_was_due(house: House) -> None:
    """Met on day 1, withdrawn on day 5, due on day 10: not met in the period of day 10, and no baseline."""
    furnish(house)
    house.write(ONE, approval(ONE, LOGIN, decided_at=at(1), withdrawn_at=at(5)))
    assert rolled(house, at(8), at(30)).counts == {"not_met": 1}
    assert rolled(house, at(8), at(30), judge_from=at(8)).counts == {"not_met": 1}
    assert rolled(house, at(8), at(30), judge_from=at(11)).counts == {}


def test_older_obligations_are_baseline(house: House) -> None:
    furnish(house)
    house.write(ONE)
    house.derive()
    for start, baseline in ((at(10), False), (at(10) + 1, True)):
        with house.store.connect() as conn:
            (row,) = list_obligations(judged(house, conn, judge_from=start))
        assert (row.verdict, row.baseline) == ("not_met", baseline)
    assert rolled(house, at(0), at(30), judge_from=at(11)).verdict == "not_applicable"


# -- findings ---------------------------------------------------------------------------------


class Life:
    """Findings of one house, step by step."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.now = NOW

    def step(self, as_of: int = NOW, **more: Any) -> list[tuple[str | None, str]]:
        self.house.derive()
        self.now += 1000
        with self.house.store.begin() as conn:
            changes = update_findings(judged(self.house, conn, as_of, **more), now=self.now)
        return [(one.before, one.after) for one in changes]

    def one(self) -> Any:
        with self.house.store.connect() as conn:
            (found,) = list_findings(judged(self.house, conn))
        return found


def test_the_life_of_a_finding(store: Store) -> None:
    house = House(store, [approved()])
    furnish(house)
    life = Life(house)
    given = approval(ONE, LOGIN, decided_at=at(12))
    house.write(ONE)
    assert life.step(at(9)) == []
    assert life.step() == [(None, "open")]
    assert life.step() == []
    seen = life.one()
    assert (seen.breached_at, seen.first_seen_at, seen.reopened, seen.found) == (
        at(10),
        life.now - 1000,
        0,
        "It was not done.",
    )
    read(house, "CHG", "approval", None, "no permission")
    read(house, "SEC", "approval", None, "no permission")
    assert house.verdict(RID, ONE.id, NOW) == "not_provable"
    assert life.step() == []
    assert life.one().state == "open"
    read(house, "SEC", "approval", at(60))
    house.write(given)
    assert life.step() == [("open", "cured")]
    assert (life.one().cured_at, life.one().found) == (at(12), "It was not done. It came late.")
    house.write(msgspec.structs.replace(given, decided_at=at(9)))
    assert life.step() == [("cured", "withdrawn")]
    assert life.step() == []
    house.write(msgspec.structs.replace(given, decision="rejected"))
    assert life.step() == [("withdrawn", "open")]
    assert (life.one().reopened, life.one().id, life.one().cured_at) == (1, seen.id, None)
    house.write(person(), waiver(RID, valid_to=at(50)))
    assert life.step() == [("open", "waived")]
    assert life.step(at(49)) == []
    assert life.step(at(50)) == [("waived", "open")]
    assert life.one().reopened == 2
    assert life.step(at(50), judge_from=at(20)) == [("open", "withdrawn")]


@pytest.mark.parametrize(
    ("given", "owner"),
    [
        ({"owner": "register:people/ann"}, "register:people/ann"),
        ({"owner": "desk:user/ann"}, "register:people/ann"),
        ({"service_ids": ["register:services/shop"]}, "register:people/bob"),
        ({}, "register:people/cab"),
    ],
)
def test_who_owns_a_finding(house: House, given: dict[str, Any], owner: str) -> None:
    furnish(house)
    house.write(
        person("people/ann"),
        person("people/bob"),
        person("people/cab"),
        account("user/ann", same_as=["register:people/ann"]),
        service("services/shop", owner="register:people/bob"),
        role_assignment("register:people/cab", "change_manager"),
        msgspec.structs.replace(ONE, **given),
    )
    life = Life(house)
    assert life.step() == [(None, "open")]
    assert life.one().owner.id == owner


def test_explain_shows_hash_and_coverage(house: House) -> None:
    furnish(house)
    given = approval(ONE, LOGIN)
    raws = [Document("issue", str(no), "CHG", f'{{"no":{no}}}'.encode()) for no in range(2)]
    with house.store.begin() as conn:
        write_page(
            conn,
            source="desk",
            documents=raws,
            normalised=[Normalised(records=[ONE]), Normalised(records=[given])],
            known_at=house.tick(),
        )
    house.derive()
    read(house, "SEC", "approval", at(5), "no permission")
    with house.store.connect() as conn:
        unit = conn.scalar(select(record.c.sid).where(record.c.id == ONE.id))
        (one,) = house.requirements
        judgement = judged(house, conn)
        asked = describe(one.entry, one.parts, judgement.horizon, conn.dialect)
        told = explain(judgement, asked, one.parts, unit)
        assert part_numbers(conn)[RID, "approved"] == 1
    (part,) = told.parts
    (owed,) = part.obligations
    assert [(one.subject.id, one.document_hash) for one in owed.evidence] == [
        (given.id, sha256(raws[1].body).hexdigest())
    ]
    assert part.coverage == "desk SEC: no permission"
    assert Counter(moment.text.partition(" (")[0] for moment in told.timeline) == Counter(
        ("owed from here", "due", "met", "approved by desk:user/ann")
    )
    assert [moment.text for moment in told.history] == ["approved: known as met"]
    assert {one.subject.id for one in told.related} >= {ONE.id, given.id}
    assert "FROM change" in part.sql.replace("\n", " ")


def test_parts_are_told_apart(house: House) -> None:
    both = requirement(RID, *approved().parts, *planned(RID).parts)
    house.requirements = [both]
    house.open()
    house.write(ONE, approval(ONE, LOGIN))
    assert {name: one for (_, name, _), one in {**_derived(house)}.items()} == {"approved": "met", "planned": "not_met"}


def _derived(house: House) -> dict[tuple[str, str, str], str]:
    house.derive()
    return house.verdicts(NOW)
