"""Approvers are asked once, reminded, and left alone when the answer came, by whatever tool."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from hub.clock import FixedClock, parse_instant
from hub.conformance.asked import waiver_revision
from hub.conformance.waiver_list import list_waivers
from hub.errors import DeliveryError
from hub.records import Approval, Person, RoleAssignment, Waiver
from hub.report.channel import Outgoing, Receipt
from hub.report.deliver import Way
from hub.store import outbox
from hub.store.store import Store
from hub_email.ask import Asking, Open, ask, find_open, request_id
from hub_email.decision import read_decision
from hub_email.parse.message import read_mail
from hub_email.request_mail import Matter, render_request
from hub_email.token import Question
from tests.email.letter import ALICE, KEY, PASSED, letter, one, reading
from tests.email.organisation import REVISION, Organisation, Post, change, people

NOW = parse_instant("2026-11-02T08:00:00Z")
DAY = 86_400_000
TIMES = 3


class Desk(Organisation):
    """An organisation that asks."""

    def __init__(self, store: Store, **decisions: Any) -> None:
        asked = {"key": KEY, "channel": "post", "remind_days": 2, "reminders": 2, **decisions}
        super().__init__(store, reading(decisions=asked), "BS15000-8.2-c")
        self.settings = self.reading.settings.decisions
        self.post = Post()
        self.put(*people())

    def open(self, now: int) -> list[Open]:
        with self.store.connect() as conn:
            assert self.settings is not None
            return find_open(self.judged(now, conn), self.settings, now=now, zone="Europe/Berlin")

    def ask(self, now: int, *, send: bool = True, post: Any = None) -> list[Asking]:
        self.run(now)
        way = Way(post or self.post, send=send, addressed=True)
        assert self.settings is not None
        return ask(
            self.store,
            self.open(now),
            self.settings,
            way,
            FixedClock(now),
            sender="hub@example.org",
            zone="Europe/Berlin",
        )

    def answer(self, text: str, number: int = 0) -> None:
        """Let the person asked answer the mail that was sent, as a mail program does."""
        sent = message_from_bytes(self.post.taken[number].eml, policy=policy.default)
        above = [
            f"Authentication-Results: {PASSED}",
            "Received: from o (o [93.184.216.34]) by mx.example.org; Mon, 2 Nov 2026 11:00:30 +0100",
        ]
        self.mail(
            letter(text, above=above, in_reply_to=str(sent["message-id"]), references=str(sent["references"] or ""))
        )


@pytest.fixture(scope="module")
def judged_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that was judged once, to copy: calendars take longest."""
    folder = tmp_path_factory.mktemp("asked")
    shutil.copyfile(sqlite_template, folder / "hub.db")
    store = Store.open("sqlite:///hub.db", base_dir=folder)
    Desk(store).run(NOW - 1)
    store.close()
    return folder / "hub.db"


@pytest.fixture
def store(judged_template: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copyfile(judged_template, tmp_path / "hub.db")
    opened = Store.open("sqlite:///hub.db", base_dir=tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def test_asked_once_reminded_and_left_alone_when_answered(desk: Desk):
    desk.put(change())
    (asked,) = desk.ask(NOW)
    assert (asked.open.question.person, asked.open.question.address, asked.requests, asked.state) == (
        "register:people/alice", ALICE, 1, "sent",
    )  # fmt: skip
    desk.ask(NOW + 1)
    desk.ask(NOW + DAY)
    assert len(desk.post.taken) == 1
    desk.ask(NOW + 2 * DAY)
    desk.ask(NOW + 3 * DAY)
    desk.ask(NOW + 4 * DAY)
    assert [desk.ask(NOW + day * DAY)[0].requests for day in (5, 20)] == [TIMES] * 2
    assert len(desk.post.taken) == TIMES
    assert len({sent.message_id for sent in desk.post.taken}) == TIMES
    desk.answer("APPROVE\r\n", number=1)
    assert desk.ask(NOW + 21 * DAY) == []
    assert len(desk.post.taken) == TIMES


def test_an_answer_that_does_not_count_leaves_it_open_with_the_reason(desk: Desk):
    desk.put(change())
    desk.ask(NOW)
    desk.answer("maybe\r\n")
    (asked,) = desk.ask(NOW + 1)
    assert asked.open.claims == ("claim, does not count: its first line does not plainly say APPROVE or REJECT",)
    assert asked.requests == 1


def test_a_rejection_is_an_answer(desk: Desk):
    desk.put(change())
    desk.ask(NOW)
    desk.answer("REJECT\r\n")
    assert desk.ask(NOW + 3 * DAY) == []


def test_an_approval_in_the_tool_closes_it(desk: Desk):
    desk.put(change())
    desk.ask(NOW)
    desk.put(
        Approval(
            id="desk:issue/5/approval/1", source="desk", scope="OPS", subject_id="desk:issue/5", subject_revision=REVISION,
            approver="register:people/alice", decision="approved", decided_at=NOW, created_at=NOW,
        )
    )  # fmt: skip
    assert desk.ask(NOW + 3 * DAY) == []
    assert len(desk.post.taken) == 1


def test_a_new_revision_is_asked_for_anew(desk: Desk):
    desk.put(change())
    desk.ask(NOW)
    desk.answer("APPROVE\r\n")
    desk.put(change(revision="another"))
    (asked,) = desk.ask(NOW + 1)
    assert (asked.open.question.revision, asked.requests) == ("another", 1)
    assert len(desk.post.taken) == 2


def test_the_one_who_carries_it_out_is_not_asked_and_everybody_else_is(desk: Desk):
    desk.put(change(implementer="register:people/alice"))
    assert desk.ask(NOW) == []
    desk.put(
        RoleAssignment(
            id="register:roles/2",
            source="register",
            scope="roles",
            person="register:people/bob",
            role="change_authority",
            from_=0,
        )
    )
    assert [asked.open.question.person for asked in desk.ask(NOW + 1)] == ["register:people/bob"]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"revision": None}, "the change names no revision"),
        ({"actual_start": NOW - 1}, None),
        ({"status_category": "cancelled"}, None),
    ],
)
def test_what_cannot_or_need_not_be_asked(desk: Desk, fields: dict[str, Any], fault: str | None):
    desk.put(change(**fields))
    asked = desk.ask(NOW)
    assert desk.post.taken == []
    assert [one.open.fault[: len(fault or "")] for one in asked] == ([fault] if fault else [])


def test_without_leave_to_send_it_waits_and_goes_when_there_is(desk: Desk):
    desk.put(change())
    (held,) = desk.ask(NOW, send=False)
    assert (held.state, held.detail) == ("held", "send = true is not set under [channels.post]")
    (sent,) = desk.ask(NOW + 1)
    assert (sent.state, sent.requests, len(desk.post.taken)) == ("sent", 1, 1)


def test_what_was_answered_before_it_was_sent_is_not_sent(desk: Desk):
    desk.put(change())

    class Busy(Post):
        def deliver(self, message: Outgoing) -> Receipt:
            raise DeliveryError("later", retriable=True)

    assert desk.ask(NOW, post=Busy())[0].state == "waiting"
    desk.put(change(status_category="cancelled"))
    desk.ask(NOW + 1)
    assert desk.post.taken == []
    with desk.store.connect() as conn:
        assert [(one.state, one.detail) for one in outbox.deliveries(conn)] == [
            ("held", "answered, or changed, before it was sent")
        ]


def test_whose_address_was_wrong_is_asked_again_once_it_is_mended(desk: Desk):
    class Refusing(Post):
        def deliver(self, message: Outgoing) -> Receipt:
            raise DeliveryError("550 5.1.1 no such user", retriable=False)

    wrong, right = (
        Person(id="register:people/alice", source="register", scope="people", email=[address])
        for address in ("alcie@example.org", ALICE)
    )
    desk.put(change(), wrong)
    assert [(one.state, one.detail) for one in desk.ask(NOW, post=Refusing())] == [("failed", "550 5.1.1 no such user")]
    assert [one.requests for one in desk.ask(NOW + 1)] == [1]
    desk.put(right)
    assert [(one.state, one.requests) for one in desk.ask(NOW + 2)] == [("sent", 2)]
    assert [sent.recipients for sent in desk.post.taken] == [[ALICE]]
    assert [one.requests for one in desk.ask(NOW + 3)] == [2]


def test_killed_while_it_was_sent_it_is_not_sent_again(desk: Desk):
    desk.put(change())
    desk.post.cut = True
    assert desk.ask(NOW)[0].state == "unknown"
    with desk.store.begin() as conn:  # as a process that was killed between handing over and writing that down
        outbox.settle(conn, outbox.deliveries(conn)[0].key, "sending", detail="")
    desk.post.cut = False
    assert desk.ask(NOW + 1)[0].state == "unknown"
    assert len(desk.post.taken) == 1


def test_killed_before_it_was_sent_it_is_sent_once(desk: Desk):
    desk.put(change())

    class Killed(Post):
        def deliver(self, message: Outgoing) -> Receipt:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.ask(NOW, post=Killed())
    assert desk.ask(NOW + 1)[0].requests == 1
    assert len(desk.post.taken) <= 1


def test_who_accepted_a_waiver_is_asked_where_that_is_wanted(store: Store):
    desk = Desk(store, waivers=True)
    waiver = Waiver(
        id="register:waivers/w1", source="register", scope="waivers", requirement_id="BS15000-8.2-c", reason="one-way",
        owner="register:people/bob", approver="register:people/alice", valid_from=NOW, valid_to=NOW + 30 * DAY, created_at=NOW,
    )  # fmt: skip
    desk.put(waiver)
    (asked,) = desk.ask(NOW)
    assert (asked.open.matter.kind, asked.open.question.revision) == ("waiver", waiver_revision(waiver))
    desk.answer("APPROVE\r\n")
    assert desk.ask(NOW + 1) == []
    desk.put(
        Waiver(**{name: getattr(waiver, name) for name in waiver.__struct_fields__ if name != "reason"}, reason="other")
    )
    assert [one.requests for one in desk.ask(NOW + 2)] == [1]
    assert notes(desk, NOW + 2) == []
    desk.answer("REJECT\r\n", number=1)
    desk.ask(NOW + 3)
    at = NOW + 6 * 3_600_000
    assert notes(desk, at) == [("refused", "does not hold: it was rejected by who is named as its approver")]
    with desk.store.connect() as conn:
        assert desk.judged(at, conn).waivers_at(at) == []


@pytest.mark.parametrize(
    ("zone", "sent", "planned"),
    [
        ("America/New_York", "Mon, 02 Nov 2026 03:00:00 -0500", "9 Nov 2026, 04:00 EST"),
        ("Europe/Nowhere", "Mon, 02 Nov 2026 09:00:00 +0100", "9 Nov 2026, 10:00 CET"),
    ],
)
def test_dates_are_told_in_the_zone_of_whoever_is_asked(desk: Desk, zone: str, sent: str, planned: str):
    asked = Person(id="register:people/alice", source="register", scope="people", email=[ALICE], zone=zone)
    desk.put(asked, change(planned_start=parse_instant("2026-11-09T09:00:00Z")))
    desk.ask(NOW)
    mail = message_from_bytes(desk.post.taken[0].eml, policy=policy.default)
    assert mail["date"] == sent
    assert f"Planned start: {planned}" in mail.get_body(("plain",)).get_content()


def notes(desk: Desk, now: int) -> list[tuple[str, str]]:
    """Return state and remark of each waiver, but for those that nothing owes under."""
    with desk.store.connect() as conn:
        rows = list_waivers(desk.judged(now, conn), everything=True)
        return [(row.state, note) for row in rows for note in row.notes if not note.startswith("covers nothing")]


QUESTION = Question("desk:issue/5", REVISION, "register:people/alice", "change_authority", ALICE, NOW)


def test_what_comes_from_a_tool_adds_no_header_and_no_markup():
    matter = Matter(
        "change",
        "CHG-5",
        "x\r\nBcc: all@example.org\n\n<script>alert(1)</script>",
        (("risk", "high\nAPPROVE"),),
        "https://x",
    )
    _, eml = render_request(
        matter, QUESTION, key=KEY, number=1, sender="hub@example.org", now=NOW, zone="Europe/Berlin"
    )
    mail = message_from_bytes(eml, policy=policy.default)
    assert mail["bcc"] is None
    assert mail["subject"] == "please decide: CHG-5 x Bcc: all@example.org <script>alert(1)</script>"
    page = mail.get_body(("html",))
    assert page is not None
    assert "<script>" not in page.get_content()
    assert max(len(line) for line in eml.split(b"\r\n")) < 998


def test_the_request_says_what_it_asks_and_when_in_local_time():
    matter = Matter("change", "CHG-5", "Größerer Schalter 同意", (("planned start", ""), ("risk", "low")))
    message_id, eml = render_request(
        matter, QUESTION, key=KEY, number=2, sender="hub@example.org", now=NOW, zone="Europe/Berlin"
    )
    mail = message_from_bytes(eml, policy=policy.default)
    assert mail["message-id"] == message_id
    assert mail["references"] == message_id.replace(".2@", ".1@")
    assert mail["subject"] == "Reminder: please decide: CHG-5 Größerer Schalter 同意"
    assert mail["date"] == "Mon, 02 Nov 2026 09:00:00 +0100"
    assert (mail["auto-submitted"], mail["x-auto-response-suppress"]) == ("auto-generated", "All")
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "APPROVE" in text
    assert "Planned start" not in text
    assert request_id(QUESTION).startswith("ASK-")


def test_our_own_request_answers_nothing():
    _, eml = render_request(
        Matter("change", "CHG-5", "x"), QUESTION, key=KEY, number=2, sender="hub@example.org", now=NOW, zone="UTC"
    )
    mail = read_mail(eml)
    who = reading().trust.sender(mail, reading().trust.border(mail))
    found = read_decision(mail, who, keys=[KEY], automatic=True, received_at=NOW, written_at=NOW, late_hours=24)
    assert found not in (None, "forged")
    assert not found.counts  # type: ignore[union-attr]
    assert one
