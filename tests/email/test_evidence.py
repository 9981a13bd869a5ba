"""From a mail to a verdict of the real pack: what mail proves, and what it does not. One store, read once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hub.clock import FixedClock, parse_instant
from hub.conformance.answer import ObligationRow
from hub.conformance.explain import describe, explain
from hub.records import (
    Alert,
    Customer,
    Event,
    Incident,
    Person,
    Record,
    RoleAssignment,
    Service,
    ServiceReport,
    Since,
    Sla,
    UnderpinningContract,
)
from hub.records.agreements import ReportDuty, Target
from hub.report.deliver import Way
from hub.store.identity import sids_of
from hub.store.revision import current_records
from hub.store.store import Store
from hub.store.tables import record
from hub_email.draft import Reading
from hub_email.survey_ask import Desk, ask_reporters
from hub_email.survey_ticket import Asker, closed_tickets
from hub_email.token import SurveyQuestion, sign
from tests.email.letter import ALICE, ASKED, BOB, BORDER, CAME, KEY, letter, question, reading
from tests.email.organisation import Organisation, Post, change, people

STARTED, DUE = parse_instant("2026-11-03T08:00:00Z"), parse_instant("2026-11-20T12:00:00Z")
AGO = parse_instant("2026-09-30T22:00:00Z")
UNPROVEN = [f"Received: {BORDER}"]
ENDED = "register:people/ended"
RULES = [
    {"name": "complaints", "becomes": "complaint", "to": ["complaints@example.org"], "services": ["register:services/shop"]},
    {"name": "desk", "becomes": "incident", "to": ["desk@example.org"], "services": ["register:services/shop"]},
    {"name": "orders", "becomes": "request", "to": ["orders@example.org"], "services": ["register:services/shop"]},
    {"name": "good report", "record": "register:reports/10", "subject": ["report october"]},
    {"name": "other report", "record": "register:reports/09", "subject": ["report september"]},
    {"name": "hosting", "becomes": "service_report", "subject": ["hosting report"], "authenticated": True,
     "contract": "register:contracts/host", "report_type": "availability", "period": "month"},
    {"name": "monitoring", "becomes": "alert", "product": "nagios", "sender": ["nagios@example.org"]},
]  # fmt: skip


def answer(number: int, text: str = "APPROVE\r\n", *, asked: dict[str, Any] | None = None, **more: Any) -> bytes:
    token = question(subject=f"desk:issue/{number}", **(asked or {}))
    return letter(text, **{"in_reply_to": f"<{token}@example.org>", "message_id": f"<a{number}@example.org>", **more})


CHANGES: list[tuple[str, list[bytes], dict[str, Any], str]] = [
    ("answered", [answer(0)], {}, "met"),
    ("nobody answered", [], {}, "not_met"),
    ("nobody vouches for the sender", [answer(2, above=UNPROVEN)], {}, "not_met"),
    ("rejected", [answer(3, "REJECT\r\n")], {}, "not_met"),
    ("a machine answered", [answer(4, auto_submitted="auto-replied")], {}, "not_met"),
    ("an old approval does not fit a new revision", [answer(5)], {"revision": "another"}, "not_met"),
    ("answered when it had begun", [answer(6)], {"actual_start": parse_instant("2026-11-02T09:00:00Z")}, "not_met"),
    (
        "by somebody without the role",
        [answer(7, asked={"person": "register:people/bob", "address": BOB}, from_=BOB)],
        {},
        "not_met",
    ),
    ("by the one who carries it out", [answer(8)], {"implementer": "register:people/alice"}, "not_met"),
    ("the role had ended", [answer(9, asked={"person": ENDED})], {}, "not_met"),
    (
        "approved, and taken back in time",
        [answer(10), answer(10, "REJECT\r\n", date="Mon, 02 Nov 2026 11:00:10 +0100", message_id="<b@example.org>")],
        {},
        "not_met",
    ),
    ("not yet begun", [answer(11)], {"actual_start": None}, "met"),
    ("not yet begun, nobody answered", [], {"actual_start": None}, "pending"),
]


def told(to: str, number: int, **fields: str) -> bytes:
    own = {
        "from_": "carol@customer.example",
        "in_reply_to": "",
        "message_id": f"<c{number}@customer.example>",
        "to": to,
    }
    return letter("The shop is slow.", above=UNPROVEN, **{**own, **fields})


def sent(number: int, **fields: str) -> bytes:
    own = {
        "from_": "hub@example.org",
        "to": "carol@customer.example",
        "message_id": f"<o{number}@example.org>",
        "in_reply_to": "",
        "date": "Mon, 02 Nov 2026 12:00:00 +0100",
    }
    return letter("We are on it.", above=[], **{**own, "references": f"<c{number}@customer.example>", **fields})


DESKS = ("complaints", "desk", "orders")


def records() -> list[Record]:
    register: dict[str, Any] = {"source": "register", "scope": "register", "created_at": AGO}
    changes = [
        change(id=f"desk:issue/{n}", key=f"CHG-{n}", **{"actual_start": STARTED, **one[2]})
        for n, one in enumerate(CHANGES)
    ]
    return [
        *people(),
        Person(id=ENDED, name="Ended", **register),
        RoleAssignment(id="register:roles/2", person=ENDED, role="change_authority", from_=0, to=ASKED, **register),
        *changes,
        Service(id="register:services/shop", name="Shop", in_scope=True, **register),
        Customer(id="register:customers/acme", name="Acme", **register),
        *(ServiceReport(id=f"register:reports/{n}", direction="external", issued_at=AGO, **register) for n in ("09", "10")),
        UnderpinningContract(
            id="register:contracts/host", signed_at=AGO, valid_from="2026-09-01",
            reporting=[ReportDuty(type="availability", frequency="month", due_business_days=5)], **register,
        ),
    ]  # fmt: skip


NAMES = (
    "BS15000-8.2-c",
    "BS15000-6.1-d",
    "BS15000-6.1-f",
    "BS15000-6.1-i",
    "BS15000-6.1-j",
    "CMP-06",
    "SRM-20",
    "SRM-23",
)


def monitored(kind: str, host: str, number: int) -> bytes:
    return letter(
        f"Notification Type: {kind}\r\nService: HTTP\r\nHost: {host}\r\nState: CRITICAL\r\n",
        from_="nagios@example.org",
        in_reply_to="",
        message_id=f"<n{number}@example.org>",
    )


@pytest.fixture(scope="module")
def place(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Organisation]:
    folder = tmp_path_factory.mktemp("mail")
    shutil.copyfile(sqlite_template, folder / "hub.db")
    store = Store.open("sqlite:///hub.db", base_dir=folder)
    place = Organisation(
        store,
        reading(rules=RULES, trust={"sent": ["Sent"]}, decisions={"key": KEY, "channel": "post"}, surveys={}),
        *NAMES,
    )
    place.put(*records())
    for _, raws, _, _ in CHANGES:
        place.mail(*raws)
    for number, desk in enumerate(DESKS):
        place.mail(told(f"{desk}@example.org", number), told(f"{desk}@example.org", number + 10))
        place.mail(sent(number), folder="Sent")
    place.mail(
        told("hub@example.org", 20, subject="Report October is odd"),
        told("hub@example.org", 21, subject="Report September is odd"),
    )
    place.mail(sent(20, subject="Re: Report October is odd", in_reply_to="<c20@customer.example>"), folder="Sent")
    place.mail(letter(subject="Hosting report 2026-10", in_reply_to="", message_id="<h@example.org>"))
    survey = SurveyQuestion("2026-H2", None, "register:customers/acme", ALICE, ASKED, 1, 5)
    place.mail(letter("2\r\n", in_reply_to=f"<{sign(survey, KEY)}@example.org>", message_id="<s@example.org>"))
    place.mail(monitored("PROBLEM", "web1", 1), monitored("RECOVERY", "web1", 2), monitored("PROBLEM", "web2", 3))
    place.run(DUE)
    yield place
    store.close()


@pytest.fixture(scope="module")
def rows(place: Organisation) -> dict[str, list[ObligationRow]]:
    return {name: place.rows(DUE, name) for name in NAMES}


def verdicts(rows: dict[str, list[ObligationRow]], requirement: str, part: str) -> list[str]:
    return sorted(row.verdict for row in rows[requirement] if row.part == part)


@pytest.mark.parametrize("number", range(len(CHANGES)), ids=[one[0] for one in CHANGES])
def test_a_change_is_approved_by_mail(rows: dict[str, list[ObligationRow]], number: int):
    found = [row.verdict for row in rows["BS15000-8.2-c"] if row.unit.id == f"desk:issue/{number}"]
    assert found == [CHANGES[number][3]]


def test_complaints_by_mail_are_recorded_whole_and_in_time(rows: dict[str, list[ObligationRow]]):
    for part in ("from_mail", "recorded", "complete"):
        assert set(verdicts(rows, "BS15000-6.1-d", part)) == {"met"}


def test_one_complaint_was_answered_and_one_was_not(rows: dict[str, list[ObligationRow]]):
    assert verdicts(rows, "BS15000-6.1-f", "first_reply") == ["met", "not_met"]


def test_one_message_about_the_service_was_answered_and_one_was_not(rows: dict[str, list[ObligationRow]]):
    assert verdicts(rows, "CMP-06", "answered") == ["met", "not_met"]


def test_feedback_on_one_report_was_answered_and_on_one_was_not(rows: dict[str, list[ObligationRow]]):
    found = {row.unit.id: row.verdict for row in rows["SRM-20"] if row.part == "answered"}
    assert found == {"register:reports/10": "met", "register:reports/09": "not_met"}


def test_the_report_of_the_supplier_has_come(rows: dict[str, list[ObligationRow]]):
    october = [row.verdict for row in rows["SRM-23"] if row.part == "received_each_month" and row.anchor == AGO]
    assert october == ["met"]


def test_an_alert_that_came_by_mail_ends_with_the_mail_that_says_so(place: Organisation):
    with place.store.connect() as conn:
        ids = conn.scalars(select(record.c.id).where(record.c.kind == "alert")).all()
        alerts = [one for one in current_records(conn, ids) if isinstance(one, Alert)]
    stands = {one.resource: (one.ended_at, one.unknown_fields) for one in alerts}
    assert stands == {"web1/HTTP": (CAME, []), "web2/HTTP": (None, ["ended_at"])}


def test_the_customer_was_asked_answered_and_nothing_came_of_it(rows: dict[str, list[ObligationRow]]):
    assert verdicts(rows, "BS15000-6.1-i", "reminded") == ["met"]
    assert verdicts(rows, "BS15000-6.1-j", "acted") == ["not_provable"]  # no source here knows of actions


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "approved by register:people/alice"),
        (2, "asked: claim, does not count: nothing we believe says who sent it"),
        (3, "rejected by register:people/alice"),
        (7, "approved by register:people/bob"),
    ],
)
def test_why_a_change_is_still_open_is_explained(place: Organisation, number: int, text: str):
    (one,) = (each for each in place.requirements if each.id == "BS15000-8.2-c")
    with place.store.connect() as conn:
        judgement = place.judged(DUE, conn)
        asked = describe(one.entry, one.parts, judgement.horizon, conn.dialect)
        told = explain(judgement, asked, one.parts, sids_of(conn, [f"desk:issue/{number}"])[f"desk:issue/{number}"])
    assert text in [moment.text for moment in told.timeline]


# -- tickets of other tools: what mail says to the customer, and the customer by mail ------------------

CAROL, DAVE = "carol@customer.example", "dave@nowhere.example"
BY_CUSTOMER = ["Authentication-Results: mx.example.org; dmarc=pass header.from=customer.example", f"Received: {BORDER}"]
BY_STRANGER = ["Authentication-Results: mx.example.org; dmarc=pass header.from=nowhere.example", f"Received: {BORDER}"]
ASKED_AT, LATER = parse_instant("2026-11-03T16:00:00Z"), parse_instant("2026-12-10T12:00:00Z")
TICKETS = [
    {"source": "desk", "pattern": "OPS-[0-9]+"},
    {"source": "lab", "pattern": r"\[shop#([0-9]+)\]", "key": "acme/shop#{}"},
]
FOLLOWED = ("BS15000-7.1-i", "BS15000-7.1-j", "SD-07", "SD-08", "SD-09")
SOLVED, SHUT = parse_instant("2026-11-02T09:00:00Z"), parse_instant("2026-11-03T10:00:00Z")


def moment(time: str) -> int:
    return parse_instant(f"2026-11-02T{time}:00Z")


def ticket(number: int, *, source: str = "desk", key: str = "", **fields: Any) -> Incident:
    usual: dict[str, Any] = {
        "id": f"{source}:issue/{number}",
        "source": source,
        "scope": "OPS",
        "key": key or f"OPS-{number}",
        "channel": "phone",
        "reporter": "desk:user/carol",
        "priority": "P2",
        "created_at": moment("08:30"),
        "recorded_at": moment("08:30"),
        "reported_at": moment("09:30"),
        "resolved_at": moment("12:30"),
        "service_ids": ["register:services/shop"],
    }
    return Incident(**{**usual, **fields})


def closed(number: int, *, by: str = "desk:user/ann", **fields: Any) -> Incident:
    done: dict[str, Any] = {
        "resolved_at": SOLVED,
        "closed_at": SHUT,
        "assignee": "desk:user/ann",
        "auto_closed": False,
        "since": [Since(field="assignee", at=moment("08:30"))],
        "events": [
            Event(at=SOLVED, type="resolved", field="status", actor="desk:user/ann"),
            Event(at=SHUT, type="closed", field="status", actor=by),
        ],
    }
    return ticket(number, **{"reported_at": moment("08:30"), "priority": "P4", **done, **fields})


def said(number: int, text: str, mark: str = "", **fields: Any) -> bytes:
    usual: dict[str, Any] = {
        "from_": CAROL, "above": BY_CUSTOMER, "subject": f"Re: OPS-{number} is slow", "in_reply_to": "<o@example.org>",
        "message_id": f"<y{number}{mark}@customer.example>",
    }  # fmt: skip
    return letter(text, **{**usual, **fields})


def wrote(subject: str, number: int) -> bytes:
    return sent(100 + number, subject=subject, references="", in_reply_to="")


STORIES: list[tuple[str, Incident, list[bytes], list[bytes], str, str]] = [
    ("BS15000-7.1-i", ticket(1), [], [wrote("OPS-1: we are on it", 1)], "told", "met"),
    ("BS15000-7.1-i", ticket(2), [], [], "told", "not_met"),
    ("BS15000-7.1-i", ticket(3), [], [wrote("OPS-3 and OPS-1: we are on it", 3)], "told", "not_met"),
    ("BS15000-7.1-i", ticket(4, key="OPS-40"), [], [wrote("OPS-40: we are on it", 4)], "told", "not_met"),
    ("BS15000-7.1-i", ticket(5, key="OPS-40"), [], [], "told", "not_met"),
    ("BS15000-7.1-i", ticket(6, priority=None), [], [], "told", "not_provable"),
    (
        "BS15000-7.1-i",
        ticket(7, source="lab", key="acme/shop#7"),
        [],
        [wrote("[shop#7] we are on it", 7)],
        "told",
        "met",
    ),
    (
        "BS15000-7.1-j",
        ticket(11, priority="P1", resolved_at=moment("16:00")),
        [],
        [wrote("OPS-11 delayed", 11)],
        "resolution",
        "met",
    ),
    ("BS15000-7.1-j", ticket(12, priority="P1", resolved_at=moment("16:00")), [], [], "resolution", "not_met"),
    (
        "BS15000-7.1-j",
        ticket(13, priority="P1", resolved_at=moment("16:00")),
        [],
        [wrote("OPS-13 hello", 13)],
        "resolution",
        "not_provable",
    ),
    (
        "BS15000-7.1-j",
        ticket(14, source="lab", key="acme/shop#14", priority="P1", resolved_at=moment("16:00")),
        [],
        [wrote("[shop#14] delayed", 14)],
        "resolution",
        "met",
    ),
    ("SD-07", closed(21), [], [], "incident_closed_by_desk", "met"),
    ("SD-07", closed(22, by="desk:user/carol"), [], [], "incident_closed_by_desk", "not_met"),
    ("SD-07", closed(23, by="desk:user/bot"), [], [], "incident_closed_by_desk", "not_provable"),
    ("SD-08", closed(31), [said(31, "Confirmed, thanks!")], [], "confirmed", "met"),
    ("SD-08", closed(32), [], [], "confirmed", "not_met"),
    ("SD-08", closed(33), [said(33, "Confirmed", above=UNPROVEN)], [], "confirmed", "not_met"),
    ("SD-08", closed(34), [said(34, "Confirmed", from_=DAVE, above=BY_STRANGER)], [], "confirmed", "not_provable"),
    (
        "SD-08",
        closed(35),
        [
            said(35, "It works."),
            said(35, "It does not work", "b", date="Mon, 02 Nov 2026 11:00:20 +0100"),
        ],
        [],
        "confirmed",
        "not_met",
    ),
    (
        "SD-08",
        closed(36),
        [
            said(36, "APPROVE", subject="Re: please confirm", in_reply_to="<{}@example.org>".format(
                question(subject="desk:issue/36", revision="1", person="register:people/carol", role="reporter", address=CAROL)
            ))
        ],
        [],
        "confirmed",
        "met",
    ),
    ("SD-08", closed(37), [said(37, "Confirmed", auto_submitted="auto-replied")], [], "confirmed", "not_met"),
]  # fmt: skip


def house(folder: Path) -> Organisation:
    """Make an organisation whose desk works in two tools and writes to customers by mail."""
    how = reading(
        rules=[{"name": "late", "calls": "customer_notice", "folders": ["Sent"], "subject": ["delayed"]}],
        trust={"sent": ["Sent"]},
        tickets=TICKETS,
        decisions={"key": KEY, "channel": "post"},
        surveys={},
    )
    place = Organisation(Store.open("sqlite:///hub.db", base_dir=folder), how, *FOLLOWED)
    register: dict[str, Any] = {"source": "register", "scope": "register", "created_at": AGO}
    login: dict[str, Any] = {"source": "desk", "scope": "people", "account": True, "created_at": AGO}
    place.put(
        Person(id="register:people/ann", name="Ann", employment="employee", email=["ann@example.org"], **register),
        Person(id="register:people/carol", name="Carol", employment="customer", email=[CAROL], **register),
        Person(id="desk:user/ann", same_as=["register:people/ann"], **login),
        Person(id="desk:user/carol", same_as=["register:people/carol"], **login),
        Person(id="desk:user/bot", **login),
        Person(id="desk:user/dan", **login),
        RoleAssignment(id="register:roles/1", person="register:people/ann", role="service_desk", from_=0, **register),
        *(Service(id=f"register:services/{name}", name=name, in_scope=True, **register) for name in ("shop", "bank")),
        Sla(
            id="register:slas/gold",
            service_ids=["register:services/shop"],
            signed_at=AGO,
            valid_from="2026-09-01",
            targets=[
                Target(
                    id="r", metric="resolution", priority="P1", operator="<=", value=240, unit="min", calendar="7x24"
                )
            ],
            **register,
        ),
        *(one[1] for one in STORIES),
        closed(41, reporter="desk:user/dan", service_ids=["register:services/bank"]),
    )
    for _, _, arrived, gone, _, _ in STORIES:
        place.mail(*arrived)
        place.mail(*gone, folder="Sent")
    return place


@pytest.fixture(scope="module")
def followed(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Organisation]:
    folder = tmp_path_factory.mktemp("followed")
    shutil.copyfile(sqlite_template, folder / "hub.db")
    place = house(folder)
    place.read(ASKED_AT)
    surveys = place.reading.settings.surveys
    assert surveys is not None
    desk, post = Desk("mail", surveys, [KEY], "post", "hub@example.org", "Europe/Berlin"), Post()
    asker = Asker(surveys, ["mail"], ["hub@example.org"])
    with place.store.connect() as conn:
        waiting = [("survey", one) for one in closed_tickets(conn, asker, ASKED_AT)]
    ask_reporters(place.store, waiting, desk, Way(post, send=True, addressed=True), FixedClock(ASKED_AT))
    place.run(LATER)
    yield place
    place.store.close()


@pytest.fixture(scope="module")
def judged(followed: Organisation) -> dict[str, list[ObligationRow]]:
    return {name: followed.rows(LATER, name) for name in FOLLOWED}


@pytest.mark.parametrize("number", range(len(STORIES)), ids=[f"{one[0]} {one[1].key}" for one in STORIES])
def test_mail_about_tickets_of_other_tools(judged: dict[str, list[ObligationRow]], number: int):
    requirement, about, _, _, part, verdict = STORIES[number]
    assert [row.verdict for row in judged[requirement] if (row.unit.id, row.part) == (about.id, part)] == [verdict]


def test_the_customers_of_one_service_were_asked_and_those_of_another_had_no_address(
    followed: Organisation, judged: dict[str, list[ObligationRow]]
):
    november = parse_instant("2026-10-31T23:00:00Z")

    def stands(rows: list[ObligationRow]) -> dict[str, str]:
        asked = [row for row in rows if row.part == "incidents_asked" and row.anchor == november]
        return {row.unit.id.rpartition("/")[2]: row.verdict for row in asked}

    assert stands(judged["SD-09"]) == {"shop": "met", "bank": "not_met"}
    # A source of mail that sends no surveys cannot say that none was sent.
    settings = followed.reading.settings.model_copy(update={"surveys": None})
    followed.reading = Reading("mail", settings, "Europe/Berlin")
    followed.run(LATER + 1)
    assert stands(followed.rows(LATER + 1, "SD-09"))["bank"] == "not_provable"
