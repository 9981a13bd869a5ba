"""Each row: requirement, part, how it stands, and the records that make it so; the first record owes."""

from __future__ import annotations

from typing import Any

import pytest

from hub.conformance.horizon import Horizon
from hub.conformance.verdict import verdict_of
from hub.records import (
    ChangeImpact,
    Communication,
    Event,
    Link,
    PlannedActual,
    Recommendation,
    Record,
    Section,
    SkippedStep,
    Weakness,
    control,
)
from hub.records.base import Period
from hub.store.reading import Covered
from hub.testing.factory import (
    account,
    approval,
    at,
    change,
    document,
    incident,
    person,
    problem,
    record,
    review,
    role_assignment,
    service,
    since,
)
from hub_bs15000.catalogue import load_pack

START, END = at(3, hours=9), at(3, hours=11)
ALICE, BOB, CARLA = person("people/alice"), person("people/bob"), person("people/carla")
PEOPLE = [
    ALICE,
    BOB,
    CARLA,
    account("user/alice", same_as=[ALICE.id]),
    account("user/bob", same_as=[BOB.id]),
    account("user/carla", same_as=[CARLA.id]),
    account("user/nobody"),
    role_assignment(ALICE, "change_authority"),
    role_assignment(BOB, "change_authority"),
    role_assignment(CARLA, "emergency_authority"),
]
IMPACT = ChangeImpact(service="a", business="b", customer="c", infrastructure="d", release_plan="e")
ASSESSED = ("impact__service", "impact__business", "impact__customer", "impact__infrastructure", "impact__release_plan")
JANUARY = at(-4, hours=-1)
OTHERS = incident(id="phone:issue/1", source="phone")
"""A ticket of another tool, which knows nothing of the change."""


def ch(**fields: Any) -> Record:
    values: dict[str, Any] = {
        "revision": "r1",
        "implementer": "desk:user/bob",
        "actual_start": START,
        "actual_end": END,
        "outcome": "successful",
        "major": False,
        "reason": "improvement",
    }
    return change("issue/5", **(values | fields))


def ok(who: str = "alice", **fields: Any) -> Record:
    return approval("desk:issue/5", f"desk:user/{who}", **({"subject_revision": "r1"} | fields))


def assessed(instant: int) -> dict[str, Any]:
    return {"impact": IMPACT, "since": since(**dict.fromkeys(ASSESSED, instant))}


def checked(instant: int, **fields: Any) -> dict[str, Any]:
    values = {"status": "passed", "commit": "r1", "finished_at": instant}
    return {"tests": [control.Test(**(values | fields))], "since": since(tests=instant)}


def event(kind: str, instant: int, **fields: Any) -> Event:
    return Event(type=kind, at=instant, **fields)


def link(kind: str, target: str, instant: int | None = None) -> Link:
    return Link(type=kind, target=target, at=instant)


def emergency(**fields: Any) -> Record:
    return ch(**({"type": "emergency", "reason": "fix"} | fields))


def meeting(instant: int, **fields: Any) -> Record:
    values = {"type": "management_review", "held_at": instant, "created_at": instant, "items": ["desk:issue/5"]}
    return review("reviews/1", **(values | fields))


def pir(instant: int, **fields: Any) -> Record:
    return review(
        "issue/5/pir", subject="desk:issue/5", **({"held_at": instant, "since": since(held_at=instant)} | fields)
    )


PLANNED = {"planned_start": START, "planned_end": END}
SPOKEN = [PlannedActual(aspect=a, planned="1", actual="2") for a in ("cost", "availability", "function")]
SCHEDULE = PlannedActual(aspect="Schedule", not_applicable_reason="one evening")

CASES: list[tuple[str, str, str, list[Record]]] = [
    ("8.2-a", "assessed", "met", [ch(**assessed(at(2))), ok(decided_at=at(2, hours=1))]),
    ("8.2-a", "assessed", "not_met", [ch(**assessed(at(2))), ok(decided_at=at(1))]),
    ("8.2-a", "assessed", "not_met", [ch(impact=ChangeImpact(service="a"), since=since(impact__service=at(1)))]),
    ("8.2-a", "assessed", "lacking", [ch(impact=IMPACT)]),
    ("8.2-a", "assessed", "lacking", [ch(actual_start=None, created_at=at(1), **assessed(at(2)))]),
    ("8.2-a", "assessed", "lacking", [ch(type=None)]),
    ("8.2-a", "assessed", "none", [emergency()]),
    ("8.2-a", "assessed", "none", [ch(actual_start=None, actual_end=None, outcome="cancelled")]),
    ("8.2-b", "tested", "met", [ch(**checked(at(2)))]),
    ("8.2-b", "tested", "met", [ch(**checked(START))]),
    ("8.2-b", "tested", "not_met", [ch(**checked(START + 1))]),
    ("8.2-b", "tested", "not_met", [ch(**checked(at(2), commit="r0"))]),
    ("8.2-b", "tested", "not_met", [ch(**checked(at(2), status="failed"))]),
    ("8.2-b", "tested", "lacking", [ch(**checked(at(2), commit=None))]),
    ("8.2-b", "tested", "lacking", [ch(**(checked(at(2)) | {"since": []}))]),
    ("8.2-b", "tested", "met", [ch(**(checked(at(2), ref="pipeline/1") | {"since": []}))]),
    ("8.2-d", "linked", "met", [ch(service_ids=["register:services/shop"], since=since(service_ids=at(1)))]),
    ("8.2-d", "linked", "not_met", [ch(service_ids=["register:services/shop"], since=since(service_ids=END + 1))]),
    ("8.2-d", "linked", "not_met", [ch()]),
    ("8.2-d", "linked", "lacking", [ch(service_ids=["register:services/shop"])]),
    ("8.2-d", "reason", "met", [ch(reason="fix", links=[link("resolves", "desk:issue/1", at(1))]), incident()]),
    ("8.2-d", "reason", "met", [ch(reason="fix"), incident(links=[link("resolved_by", "desk:issue/5", at(1))])]),
    ("8.2-d", "reason", "not_met", [ch(reason="fix", links=[link("caused_by", "desk:issue/1", at(1))]), incident()]),
    ("8.2-d", "reason", "lacking", [ch(reason="fix", links=[link("relates", "desk:issue/9", at(1))])]),
    ("8.2-d", "reason", "lacking", [ch(reason=None)]),
    ("8.2-d", "reason", "none", [ch()]),
    (
        "8.2-d",
        "inverse",
        "met",
        [ch(links=[link("resolves", "desk:issue/1")]), incident(links=[link("resolved_by", "desk:issue/5")])],
    ),
    ("8.2-d", "inverse", "not_met", [ch(links=[link("resolves", "desk:issue/1")]), incident()]),
    ("8.2-d", "inverse", "lacking", [ch(links=[link("resolves", "desk:issue/1")])]),
    ("8.2-d", "inverse", "met", [ch(links=[link("implements", OTHERS.id)]), OTHERS]),
    ("8.2-e", "planned", "met", [ch(backout_plan="undo", since=since(backout_plan=at(1)))]),
    ("8.2-e", "planned", "not_met", [ch(backout_plan=" ", since=since(backout_plan=at(1)))]),
    ("8.2-e", "planned", "not_met", [ch(backout_plan="undo", since=since(backout_plan=at(2))), ok(decided_at=at(1))]),
    ("8.2-e", "planned", "lacking", [ch(backout_plan="undo")]),
    ("8.2-e", "planned", "none", [ch(irreversible=True)]),
    ("8.2-e", "extra_approval", "met", [ch(irreversible=True, implementer="desk:user/carla"), ok(), ok("bob")]),
    ("8.2-e", "extra_approval", "not_met", [ch(irreversible=True, implementer="desk:user/carla"), ok(), ok(n=2)]),
    ("8.2-e", "failed", "met", [ch(outcome="failed", events=[event("backed_out", at(4))])]),
    ("8.2-e", "failed", "met", [ch(outcome="backed_out", since=since(outcome=END))]),
    (
        "8.2-e",
        "failed",
        "met",
        [ch(outcome="failed", links=[link("relates", "desk:issue/6", at(5))]), change("issue/6", created_at=at(5))],
    ),
    ("8.2-e", "failed", "not_met", [ch(outcome="failed", events=[event("backed_out", at(12))])]),
    ("8.2-f", "planned", "met", [ch(**PLANNED, since=since(planned_start=at(1), planned_end=at(1)))]),
    ("8.2-f", "planned", "not_met", [ch(planned_start=START, since=since(planned_start=at(1)))]),
    ("8.2-f", "published", "met", [ch(schedule_published_at=at(2), since=since(schedule_published_at=at(2)))]),
    ("8.2-f", "published", "not_met", [ch(schedule_published_at=at(2), since=since(schedule_published_at=at(3)))]),
    ("8.2-f", "published", "lacking", [ch(schedule_published_at=at(2))]),
    ("8.2-f", "notice", "met", [ch(events=[event("customer_informed", at(2), visible_to_customer=True)])]),
    (
        "8.2-f",
        "notice",
        "met",
        [
            ch(),
            record(
                Communication,
                "mail/1",
                class_="customer_notice",
                received_at=at(2),
                links=[link("evidences", "desk:issue/5")],
            ),
        ],
    ),
    *(
        (
            "8.2-f",
            "notice",
            verdict,
            [
                ch(),
                record(
                    Communication,
                    "letter/1",
                    class_="customer_notice",
                    created_at=at(written),
                    links=[link("evidences", "desk:issue/5")],
                ),
            ],
        )
        for verdict, written in (("met", 2), ("not_met", 10))
    ),
    ("8.2-f", "notice", "not_met", [ch(events=[event("customer_informed", at(2))])]),
    ("8.2-f", "window", "met", [ch(planned_start=START + 1_800_000, planned_end=END - 1_800_000)]),
    ("8.2-f", "window", "not_met", [ch(planned_start=START + 1_800_001, planned_end=END)]),
    ("8.2-f", "window", "not_met", [ch()]),
    ("8.2-f", "window", "lacking", [ch(actual_start=None, planned_start=START, planned_end=END)]),
    (
        "8.2-h",
        "conclusions",
        "met",
        [meeting(at(3), type="change_analysis", conclusions="c", since=since(conclusions=at(4)))],
    ),
    ("8.2-h", "conclusions", "not_met", [meeting(at(3), type="change_analysis")]),
    ("8.2-h", "conclusions", "lacking", [meeting(at(3), type="change_analysis", conclusions="c")]),
    (
        "8.2-h",
        "recommendations",
        "met",
        [meeting(at(3), type="change_analysis", recommendations=[Recommendation(text="x", decision="no: too dear")])],
    ),
    (
        "8.2-h",
        "recommendations",
        "not_met",
        [meeting(at(3), type="change_analysis", recommendations=[Recommendation(text="x")])],
    ),
    ("8.2-j", "reason", "met", [emergency(since=since(reason=at(2)))]),
    ("8.2-j", "reason", "not_met", [emergency(reason=None)]),
    ("8.2-j", "reason", "lacking", [emergency()]),
    ("8.2-j", "authorised", "met", [emergency(), ok("carla", decided_at=at(10))]),
    ("8.2-j", "authorised", "not_met", [emergency()]),
    ("8.2-j", "authorised", "lacking", [emergency(), ok("nobody")]),
    ("8.2-j", "linked", "met", [emergency(links=[link("relates", "desk:issue/3", at(4))]), problem()]),
    ("8.2-j", "linked", "not_met", [emergency()]),
    ("8.2-j", "reviewed_by_management", "met", [emergency(), meeting(at(34))]),
    ("8.2-j", "reviewed_by_management", "not_met", [emergency(), meeting(at(35))]),
    ("8.2-j", "reviewed_by_management", "not_met", [emergency(), meeting(at(34), type="service_review")]),
    ("8.2-j", "reviewed_by_management", "lacking", [emergency(), meeting(at(34), created_at=None)]),
    ("8.2-j", "reviewed_by_management", "lacking", [ch(type=None)]),
    ("8.2-k", "impact", "met", [emergency(**assessed(at(7, hours=22)))]),
    ("8.2-k", "impact", "not_met", [emergency(**assessed(at(7, hours=23)))]),
    ("8.2-k", "impact", "lacking", [emergency(impact=IMPACT)]),
    ("8.2-k", "tested", "met", [emergency(**checked(at(4)))]),
    ("8.2-k", "tested", "not_met", [emergency()]),
    ("8.2-k", "approved", "met", [emergency(), ok(decided_at=at(4))]),
    ("8.2-k", "approved", "not_met", [emergency(), ok("bob", decided_at=at(4))]),
    ("8.2-k", "reasons", "met", [emergency(skipped_steps=[SkippedStep(step="test", reason="no time")])]),
    ("8.2-k", "reasons", "not_met", [emergency(skipped_steps=[SkippedStep(step="test")])]),
    ("8.2-l", "reviewed", "met", [ch(major=True), pir(at(33))]),
    ("8.2-l", "reviewed", "met", [ch(outcome="with_issues"), pir(at(20))]),
    ("8.2-l", "reviewed", "not_met", [ch(major=True), pir(at(34))]),
    ("8.2-l", "reviewed", "not_met", [ch(major=True), pir(at(20), since=since(held_at=at(40)))]),
    ("8.2-l", "reviewed", "lacking", [ch(major=True), pir(at(20), since=[])]),
    ("8.2-l", "reviewed", "lacking", [ch(major=None)]),
    ("8.2-l", "reviewed", "lacking", [ch(outcome=None)]),
    ("8.2-l", "reviewed", "none", [ch()]),
    ("8.2-m", "aspects", "met", [pir(at(9), planned_vs_actual=[*SPOKEN, SCHEDULE]), ch()]),
    ("8.2-m", "aspects", "not_met", [pir(at(9), planned_vs_actual=SPOKEN), ch()]),
    ("8.2-m", "aspects", "lacking", [pir(at(9), planned_vs_actual=SPOKEN)]),
    ("8.2-n", "said", "met", [pir(at(9), no_weaknesses=True, since=since(process_weaknesses=at(9))), ch()]),
    ("8.2-n", "said", "not_met", [pir(at(9)), ch()]),
    ("8.2-n", "said", "lacking", [pir(at(9), no_weaknesses=True), ch()]),
    ("8.2-n", "actions", "met", [pir(at(9), process_weaknesses=[Weakness(text="w", action_id="desk:issue/7")]), ch()]),
    ("8.2-n", "actions", "not_met", [pir(at(9), process_weaknesses=[Weakness(text="w")]), ch()]),
]


@pytest.mark.parametrize(("requirement", "part", "expected", "records"), CASES)
def test_stands(judge, requirement, part, expected, records):
    assert judge(requirement, part, [*PEOPLE, service(), *records], records[0].id) == expected


def _mail(through: int | None = END, scope: str = "INBOX") -> Covered:
    return Covered("mail", scope, "communication", through, None if through else "login refused", 0)


TELLING = frozenset({"class", "received_at", "record_id"})
SILENT: list[tuple[str, dict[tuple[str, str], Any], list[Covered]]] = [
    ("not_provable", {}, []),
    ("not_provable", {("hub", "communication"): (TELLING, True)}, [Covered("hub", "", "communication", END, None, 0)]),
    ("not_provable", {("mail", "communication"): (TELLING, False)}, []),
    ("not_provable", {("mail", "communication"): (TELLING, False)}, [_mail(None)]),
    ("not_provable", {("mail", "communication"): (TELLING, False)}, [_mail(at(2, hours=8))]),
    ("not_provable", {("mail", "communication"): (TELLING, False)}, [_mail(), _mail(None, "Sent")]),
    ("not_provable", {("mail", "communication"): (TELLING - {"record_id"}, False)}, [_mail()]),
    ("not_met", {("mail", "communication"): (TELLING, False)}, [_mail(at(2, hours=9))]),
]
"""Verdict on a change nobody told customers of, what sources give of messages, and how far they were read."""


@pytest.mark.parametrize(("expected", "given", "covered"), SILENT)
def test_silence_is_none_where_messages_were_not_read(expected, given, covered):
    requirement = next(one for one in load_pack().requirements({}) if one.id == "BS15000-8.2-f")
    part = next(one for one in requirement.parts if one.name == "notice")
    own = frozenset(field for need in part.needs if need.kind == "change" for field in need.fields)
    desk = Covered("desk", "CHG", "change", END, None, 0)
    horizon = Horizon([desk, *covered], {("desk", "change"): (own, False), **given})
    found = verdict_of(
        as_of=END,
        opened_at=at(0),
        due_at=at(2, hours=9),
        warn_at=None,
        met_at=None,
        lost_at=None,
        declared=False,
        lacks=None,
        complete=part.complete,
        through=horizon.reach(part, "desk", "CHG").through,
        waived=False,
        stale_ms=0,
    )
    assert found == expected


def analysis(instant: int, **fields: Any) -> Record:
    values: dict[str, Any] = {
        "type": "change_analysis",
        "period": Period(start=JANUARY, end=at(27, hours=-1)),
        "held_at": instant,
        "created_at": instant,
        "inputs": ["project = CHG"],
    }
    return review("reviews/1", **(values | fields))


def procedure(kind: str, **fields: Any) -> Record:
    values: dict[str, Any] = {
        "doc_type": kind,
        "authorised_by": ALICE.id,
        "authorised_at": at(-31),
        "created_at": at(-30),
        "sections": [Section(name="Authorisers", text="Alice")],
    }
    return document(**(values | fields))


MONTHS: list[tuple[str, str, str, list[Record]]] = [
    ("8.2-g", "analysed", "met", [analysis(at(36, hours=22))]),
    ("8.2-g", "analysed", "not_met", [analysis(at(36, hours=23))]),
    ("8.2-g", "analysed", "not_met", [analysis(at(30), created_at=at(50))]),
    ("8.2-g", "analysed", "not_met", [analysis(at(30), inputs=[])]),
    ("8.2-g", "analysed", "lacking", [analysis(at(30), created_at=None)]),
    ("7.2-a", "analysed", "met", [analysis(at(30), type="incident_analysis")]),
    ("7.2-a", "analysed", "not_met", [analysis(at(30))]),
    ("7.2-a", "analysed", "lacking", [analysis(at(30), type="incident_analysis", held_at=None)]),
    ("8.2-i", "in_force", "met", [procedure("emergency_change_procedure")]),
    ("8.2-i", "in_force", "not_met", [procedure("emergency_change_procedure", sections=[])]),
    ("8.2-i", "in_force", "not_met", [procedure("emergency_change_procedure", authorised_by=None)]),
    ("8.2-i", "in_force", "not_met", [procedure("emergency_change_procedure", created_at=at(40))]),
    ("8.2-i", "in_force", "not_met", [procedure("emergency_change_procedure", superseded_at=at(20))]),
    ("8.2-i", "in_force", "lacking", [procedure("emergency_change_procedure", doc_status=None)]),
    ("8.2-l", "in_force", "met", [procedure("pir_procedure", sections=[])]),
    (
        "8.2-l",
        "in_force",
        "not_met",
        [
            procedure(
                "pir_procedure",
                effective_from=at(-380),
                authorised_at=at(-381),
                created_at=at(-380),
                last_review_at=at(-345),
            )
        ],
    ),
    ("7.2-d", "in_force", "met", [procedure("problem_procedure")]),
    ("7.2-d", "in_force", "not_met", []),
    ("7.2-d", "in_force", "lacking", [procedure("problem_procedure", doc_status=None)]),
]


@pytest.mark.parametrize(("requirement", "part", "expected", "records"), MONTHS)
def test_months_stand(judge, requirement, part, expected, records):
    assert judge(requirement, part, [*PEOPLE, *records], "hub:organisation", JANUARY) == expected
