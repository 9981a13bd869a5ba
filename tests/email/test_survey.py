"""Reporters of closed tickets are asked once, by an address that somebody vouches for, and silence is stated late."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from hub.clock import FixedClock, parse_instant
from hub.errors import DeliveryError
from hub.records import Incident, Link, Person, SatisfactionSurvey
from hub.report.channel import Outgoing, Receipt
from hub.report.deliver import Way
from hub.store import outbox
from hub.store.naming import untied
from hub.store.revision import read_record
from hub.store.schema import kind_tables
from hub.store.store import Store
from hub_email.decision import say_solved
from hub_email.survey_ask import Desk, Surveyed, ask_reporters, stands
from hub_email.survey_ticket import Asker, closed_tickets, is_chosen, resolved_incidents
from tests.email.letter import BORDER, KEY, letter, reading
from tests.email.organisation import Organisation, Post

DAY, HOUR = 86_400_000, 3_600_000
CLOSED = parse_instant("2026-11-02T08:00:00Z")
NOW = CLOSED + 4 * HOUR
CAROL = "carol@customer.example"
PROVEN = [
    "Authentication-Results: mx.example.org; dmarc=pass header.from=customer.example",
    "Received: from o (o [93.184.216.34]) by mx.example.org; Mon, 2 Nov 2026 15:00:30 +0100",
]
RULES = [{"name": "desk", "becomes": "incident", "to": ["desk@example.org"]}]


def incident(number: int = 1, **fields: Any) -> Incident:
    usual: dict[str, Any] = {
        "id": f"desk:issue/{number}",
        "source": "desk",
        "scope": "OPS",
        "key": f"OPS-{number}",
        "title": "Slow\r\nBcc: x@y.example",
        "reporter": "desk:user/carol",
        "created_at": CLOSED - DAY,
        "resolved_at": CLOSED - HOUR,
        "closed_at": CLOSED,
    }
    return Incident(**{**usual, **fields})


class House(Organisation):
    """An organisation that asks its customers."""

    def __init__(self, store: Store, **surveys: Any) -> None:
        decisions = {"key": KEY, "channel": "post"}
        super().__init__(store, reading(decisions=decisions, surveys=surveys, rules=RULES))
        self.post: Any = Post()
        login = Person(id="desk:user/carol", source="desk", scope="people", account=True, email=[CAROL], created_at=1)
        self.put(login)

    @property
    def desk(self) -> Desk:
        settings = self.reading.settings.surveys
        assert settings is not None
        return Desk("mail", settings, [KEY], "post", "hub@example.org", "Europe/Berlin")

    def ask(self, now: int = NOW, *, send: bool = True, listing: bool = False) -> list[Surveyed]:
        self.read(now)
        asker = Asker(self.desk.settings, ["mail"], ["hub@example.org"])
        with self.store.connect() as conn:
            waiting = [("survey", one) for one in closed_tickets(conn, asker, now)]
            waiting += [("closure", one) for one in resolved_incidents(conn, asker, now) if asker.settings.confirm]
        if listing:
            return stands(self.store, waiting, self.desk)
        return ask_reporters(self.store, waiting, self.desk, Way(self.post, send=send, addressed=True), FixedClock(now))

    def answer(self, text: str, **fields: Any) -> None:
        sent = message_from_bytes(self.post.taken[-1].eml, policy=policy.default)
        usual = {"above": PROVEN, "from_": CAROL, "in_reply_to": str(sent["message-id"]), "message_id": "<r@x.example>"}
        self.mail(letter(text, **{**usual, **fields}))

    def surveys(self) -> list[SatisfactionSurvey]:
        with self.store.connect() as conn:
            ids = [one.message_id.partition(".1@")[0].rpartition(".")[2] for one in outbox.deliveries(conn)]
            found = [read_record(conn, f"mail:survey/{one}") for one in ids]
        return [one for one in found if isinstance(one, SatisfactionSurvey)]


@pytest.fixture
def store(sqlite_template: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copyfile(sqlite_template, tmp_path / "hub.db")
    opened = Store.open("sqlite:///hub.db", base_dir=tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


def test_asked_once_and_never_again(house: House):
    house.put(incident())
    assert house.ask(NOW - 1) == []
    assert [one.state for one in house.ask(NOW, listing=True)] == ["not asked"]
    (asked,) = house.ask()
    assert (asked.asked.address, asked.state, len(house.post.taken)) == (CAROL, "sent", 1)
    house.put(incident(reporter="desk:user/other"), incident(closed_at=CLOSED + DAY))
    for later in (NOW + 1, NOW + 2 * DAY, NOW + 5 * DAY):
        house.ask(later)
    assert len(house.post.taken) == 1
    mail = message_from_bytes(house.post.taken[0].eml, policy=policy.default)
    assert (mail["to"], mail["bcc"], mail["auto-submitted"]) == (CAROL, None, "auto-generated")


def test_what_was_sent_is_a_record_and_the_answer_is_read_into_it(house: House):
    house.put(incident(customer_id="register:customers/acme"))
    house.ask()
    (sent,) = house.surveys()
    assert (sent.ticket_id, sent.channel, sent.sent_at, sent.replied_at, sent.no_reply) == (
        "desk:issue/1", "email", NOW, None, None,
    )  # fmt: skip
    assert sent.customer_id == "register:customers/acme"
    house.answer("4\r\n\r\nquick")
    assert house.ask(NOW + 3 * HOUR)[0].answer == "4"
    (answered,) = house.surveys()
    assert (answered.sent_at, answered.score, answered.comment) == (NOW, 4.0, "4\n\nquick")
    house.ask(NOW + 40 * DAY)
    assert house.surveys() == [answered]


def test_silence_is_stated_only_when_all_mail_was_read(house: House):
    house.put(incident())
    house.ask()
    house.ask(NOW + 14 * DAY - 1)
    assert house.surveys()[0].no_reply is None
    house.ask(NOW + 14 * DAY)
    (silent,) = house.surveys()
    assert (silent.no_reply, [(one.field, one.at) for one in silent.since]) == (
        "silent", [("no_reply", NOW + 14 * DAY)],
    )  # fmt: skip


class Busy(Post):
    """A mail server that has no time at first."""

    def deliver(self, message: Outgoing) -> Receipt:
        if not self.cut:
            self.cut = True
            raise DeliveryError("busy", retriable=True)
        self.cut = False
        return super().deliver(message)


def test_what_left_late_was_asked_late_also_when_its_answer_is_read_again(house: House):
    house.post = Busy()
    house.put(incident())
    assert [one.state for one in house.ask()] == ["waiting"]
    assert house.surveys() == []
    house.ask(NOW + DAY)
    assert house.surveys()[0].sent_at == NOW + DAY
    house.answer("2")
    house.read(NOW + 2 * DAY)
    (answered,) = house.surveys()
    assert (answered.score, answered.sent_at) == (2.0, NOW + DAY)


def test_a_mail_that_may_have_left_is_not_sent_again(house: House):
    house.post.cut = True
    house.put(incident())
    assert [house.ask(NOW + number)[0].state for number in range(3)] == ["unknown"] * 3
    assert len(house.post.taken) == 1
    assert house.surveys() == []


def test_what_may_not_be_sent_waits_and_a_ticket_taken_up_again_is_not_asked_about(house: House):
    house.put(incident())
    assert [one.state for one in house.ask(send=False)] == ["held"]
    house.put(incident(closed_at=None))
    assert house.ask(NOW + 1) == []
    assert house.post.taken == []
    house.put(incident(closed_at=CLOSED + 1))
    assert [one.state for one in house.ask(NOW + 2)] == ["sent"]


def test_what_came_back_was_put_to_nobody(house: House):
    house.put(incident())
    house.ask()
    with house.store.begin() as conn:
        (sent,) = outbox.deliveries(conn)
        outbox.settle(conn, sent.key, "bounced", detail="came back", sent_at=sent.sent_at)
    assert house.ask(NOW + 1)[0].state == "bounced"
    assert [(one.sent_at, one.status) for one in house.surveys()] == [(None, "came back")]


@pytest.mark.parametrize(
    ("fields", "login", "fault"),
    [
        ({"reporter": None}, {}, "nobody is known"),
        ({}, {"email": []}, "no valid mail address"),
        ({}, {"email": ["no-reply@customer.example"]}, "a machine's"),
        ({}, {"email": ["HUB@example.org"]}, "a machine's"),
        ({"channel": "alert"}, {}, None),
        ({"status_category": "cancelled"}, {}, None),
        ({"links": [Link(type="duplicate_of", target="desk:issue/2")]}, {}, None),
        ({"closed_at": CLOSED - 7 * DAY}, {}, None),
    ],
)
def test_whom_nobody_writes_to(house: House, fields: dict[str, Any], login: dict[str, Any], fault: str | None):
    house.put(incident(**fields))
    if login:
        house.put(Person(id="desk:user/carol", source="desk", scope="people", account=True, created_at=1, **login))
    asked = house.ask()
    assert len(asked) == (fault is not None)
    assert all((fault or "") in one.asked.fault for one in asked)
    assert house.post.taken == []


@pytest.mark.parametrize(("above", "sent"), [(PROVEN, 1), ([f"Received: {BORDER}"], 0)])
def test_an_address_out_of_a_mail_counts_where_its_sender_is_proven(house: House, above: list[str], sent: int):
    house.mail(
        letter("slow", above=above, from_=CAROL, to="desk@example.org", in_reply_to="", message_id="<m@c.example>")
    )
    house.read(NOW)
    with house.store.begin() as conn:
        conn.execute(update(kind_tables["incident"]).values(closed_at=CLOSED))
    asked = house.ask()
    assert (len(asked), len(house.post.taken)) == (1, sent)


def test_the_share_is_the_tickets_own_and_near_what_was_asked_for():
    chosen = [name for name in (f"desk:issue/{n}" for n in range(2_000)) if is_chosen(name, 0.2)]
    assert 340 < len(chosen) < 460
    assert all(is_chosen(name, 0.5) for name in chosen)
    assert is_chosen("x", 1)


def test_who_reported_it_is_asked_whether_it_may_be_closed_once_each_time_it_is_solved(store: Store):
    house = House(store, confirm=True)
    house.put(incident(closed_at=None))
    assert [(one.about, one.state) for one in house.ask()] == [("closure", "sent")]
    house.ask(NOW + 1)
    assert len(house.post.taken) == 1
    house.put(incident(closed_at=None, resolved_at=CLOSED))
    house.ask(NOW + 2)
    assert len(house.post.taken) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Confirmed, thanks!", "approved"),
        ("Yes, it works again.", "approved"),
        ("es funktioniert", "approved"),
        ("It does not work", "rejected"),
        ("it works, but slowly", None),
        ("works?", None),
        ("> confirmed", None),
        ("thanks", None),
        ("solved the other one", None),
        ("", None),
    ],
)
def test_only_plain_words_say_that_it_is_solved(line: str, said: str | None):
    assert say_solved(line) == said


def test_keys_that_nobody_or_several_bear_are_counted(store: Store):
    house = House(store)
    house.reading = reading(tickets=[{"source": "desk", "pattern": "OPS-[0-9]+"}])
    house.put(incident(1), incident(2, key="OPS-7"), incident(3, key="OPS-7"))
    for number in (1, 7, 99):
        house.mail(letter("x", subject=f"OPS-{number}", in_reply_to="", message_id=f"<k{number}@x.example>"))
    house.read(NOW)
    with store.connect() as conn:
        assert untied(conn, "mail", "record_id") == ["desk:key/OPS-7", "desk:key/OPS-99"]


def test_killed_before_it_was_written_down_the_next_run_does_so(house: House, monkeypatch: pytest.MonkeyPatch):
    house.put(incident())
    with monkeypatch.context() as cut:
        cut.setattr("hub_email.survey_ask.state_surveys", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            house.ask()
    assert house.surveys() == []
    house.answer("5")
    house.ask(NOW + DAY)
    assert [(one.sent_at, one.score) for one in house.surveys()] == [(NOW, 5.0)]
    assert len(house.post.taken) == 1


CONFIG = """
[organisation]
name = "Example"
zone = "Europe/Berlin"
calendar = "5x8"

[store]
url = "sqlite:///hub.db"

[sources.mail]
plugin = "imap"
host = "imap.example.test"

[[sources.mail.mailboxes]]
user = "hub@example.test"
password = { file = "key" }

[sources.mail.decisions]
key = { file = "key" }
channel = "post"
{surveys}
[channels.post]
plugin = "smtp"
host = "127.0.0.1"
sender = "hub@example.test"
"""


@pytest.mark.sqlite("one command")
def test_the_command_lists_asks_and_says_what_is_missing(
    store: Store, tmp_path: Path, run_hub: Any, monkeypatch: pytest.MonkeyPatch
):
    house = House(store)
    house.put(incident())
    house.read(NOW)
    monkeypatch.setattr("hub.cli.session.SystemClock", lambda: FixedClock(NOW))
    path, key = tmp_path / "hub.toml", tmp_path / "key"
    key.write_text(KEY)
    key.chmod(0o600)

    def survey(*words: str, text: str = "[sources.mail.surveys]\n") -> Any:
        path.write_text(CONFIG.replace("{surveys}", text))
        return run_hub("survey", *words, "--config", path, "--format", "json")

    assert "write [sources.NAME.surveys]" in survey(text="").err
    for words, state in ((["--list"], "not asked"), ([], "held"), (["--list"], "held")):
        called = survey(*words)
        assert called.code == 0, called.err
        given = json.loads(called.out)
        (row,) = given["rows"] if isinstance(given, dict) else given
        assert (row["ticket"], row["address"], row["state"]) == ("OPS-1", CAROL, state)
