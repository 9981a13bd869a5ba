from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes, policy

import pytest

from hub.clock import FixedClock
from hub.errors import DeliveryError, DeliveryUncertain
from hub.report.channel import Outgoing, Receipt
from hub.report.deliver import Way, deliver_waiting
from hub.store import outbox
from hub.store.outbox import MessageKey

CLOCK = FixedClock(1_793_692_800_000)
MESSAGE = (
    b'Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>hello\r\n--b--\r\n"
)


class Killed(BaseException):
    """Stands for kill -9: nothing of the hub may catch it."""


class Recorder:
    def __init__(self, outcome: Callable[[], Receipt | None] = lambda: None) -> None:
        self.outcome = outcome
        self.sent: list[Outgoing] = []

    def check(self):
        return []

    def deliver(self, message: Outgoing) -> Receipt:
        self.sent.append(message)
        return self.outcome() or Receipt(accepted=message.recipients, detail="250 OK")


def fail(error: BaseException) -> Callable[[], None]:
    def raise_it() -> None:
        raise error

    return raise_it


def put(store, channel="mail", recipient="alice@example.test", held=None, revision=1):
    key = MessageKey("SR-x", revision, channel, recipient)
    with store.begin() as conn:
        outbox.queue(conn, key, message_id="<sr-x.r1@example.test>", message=MESSAGE, held=held, now=CLOCK.now_ms())
    return key


def states(store):
    with store.connect() as conn:
        return [(d.key.channel, d.key.recipient, d.state, d.attempts) for d in outbox.deliveries(conn)]


def way(channel, *, send=True, addressed=True):
    return Way(channel, send=send, addressed=addressed)


def test_each_message_is_sent_once(store):
    put(store)
    put(store, recipient="bob@example.test")
    channel = Recorder()
    done = deliver_waiting(store, {"mail": way(channel)}, CLOCK)
    assert [(d.state, d.detail, d.sent_at) for d in done] == [("sent", "250 OK", CLOCK.now_ms())] * 2
    assert deliver_waiting(store, {"mail": way(channel)}, CLOCK) == []
    assert [m.recipients for m in channel.sent] == [["alice@example.test"], ["bob@example.test"]]
    assert channel.sent[0].eml == MESSAGE
    assert channel.sent[0].html.strip() == b"<p>hello"
    assert message_from_bytes(channel.sent[0].eml, policy=policy.default)["Subject"] == "x"


def test_nothing_leaves_without_send(store):
    put(store)
    put(store, channel="outbox", recipient="")
    mail, folder = Recorder(), Recorder()
    ways = {"mail": way(mail, send=False), "outbox": way(folder, send=False, addressed=False)}
    deliver_waiting(store, ways, CLOCK)
    assert mail.sent == []
    assert len(folder.sent) == 1
    assert states(store) == [("mail", "alice@example.test", "held", 0), ("outbox", "", "sent", 1)]


def test_held_messages_stay_though_sending_is_switched_on_later(store):
    put(store, held="send = true is not set")
    channel = Recorder()
    deliver_waiting(store, {"mail": way(channel)}, CLOCK)
    assert channel.sent == []
    with store.begin() as conn:
        assert outbox.release(conn, "SR-x", 1, states=["held"], channels=["mail"]) == 1
    deliver_waiting(store, {"mail": way(channel)}, CLOCK)
    assert len(channel.sent) == 1


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (fail(DeliveryError("451 later", retriable=True)), "waiting"),
        (fail(DeliveryError("550 no", retriable=False)), "failed"),
        (fail(DeliveryUncertain("no answer")), "unknown"),
        (lambda: Receipt(accepted=[], refused={"alice@example.test": "550 no such user"}), "failed"),
    ],
)
def test_how_a_delivery_ends(store, outcome, state):
    put(store)
    channel = Recorder(outcome)
    (done,) = deliver_waiting(store, {"mail": way(channel)}, CLOCK)
    assert (done.state, done.attempts, done.sent_at) == (state, 1, None)
    assert done.detail
    channel.outcome = lambda: None
    deliver_waiting(store, {"mail": way(channel)}, CLOCK)
    assert len(channel.sent) == (2 if state == "waiting" else 1)


def test_killed_while_sending_is_never_sent_twice(store):
    put(store)
    put(store, channel="outbox", recipient="")
    channel, folder = Recorder(fail(Killed())), Recorder(fail(Killed()))
    ways = {"mail": way(channel), "outbox": way(folder, addressed=False)}
    for _ in range(2):
        with pytest.raises(Killed):
            deliver_waiting(store, ways, CLOCK)
    channel.outcome = folder.outcome = lambda: None
    deliver_waiting(store, ways, CLOCK)
    deliver_waiting(store, ways, CLOCK)
    assert len(channel.sent) == 1
    assert len(folder.sent) == 2  # killed once, then done again: the same file
    assert [(c, s) for c, _r, s, _n in states(store)] == [("mail", "unknown"), ("outbox", "sent")]


def test_two_runs_at_once_send_once(store):
    key = put(store)
    inner = Recorder()

    def other_run() -> None:
        with store.begin() as conn:
            assert not outbox.claim(conn, key)

    deliver_waiting(store, {"mail": way(Recorder(other_run))}, CLOCK)
    assert inner.sent == []
    assert states(store) == [("mail", "alice@example.test", "sent", 1)]


def test_a_channel_that_is_not_configured_any_more_keeps_its_messages(store):
    put(store)
    assert deliver_waiting(store, {}, CLOCK) == []
    assert states(store) == [("mail", "alice@example.test", "waiting", 0)]


def test_what_did_not_arrive_stays_told_until_it_is_mended(store):
    start = CLOCK.now_ms()
    told = [
        ("ASK-1", "bob@example.test", "failed", 0, None),
        ("ASK-2", "cleo@example.test", "bounced", 0, 1),
        ("ASK-3", "cleo@example.test", "sent", 2, 2),  # the address is mended
        ("ASK-4", "dan@example.test", "sent", 0, 1),
        ("ASK-5", "dan@example.test", "bounced", 2, 3),  # and broken again
        ("ASK-6", "eve@example.test", "unknown", -5, None),  # out of date
        ("ASK-7", "fay@example.test", "waiting", 0, None),
        ("SR-x", "cleo@example.test", "failed", -9, None),  # a report is owed however old
    ]
    with store.begin() as conn:
        outbox.save_report(conn, outbox.Issued("SR-x", 1, "conformance", "2026-10", 0, 0, 0, "", b""))
        for name, recipient, state, queued, sent in told:
            key = MessageKey(name, 1, "mail", recipient)
            outbox.queue(conn, key, message_id=f"<{name}@x>", message=MESSAGE, held=None, now=start + queued)
            outbox.settle(conn, key, state, detail="550 no", sent_at=None if sent is None else start + sent)
    with store.connect() as conn:
        assert [one.key.report_id for one in outbox.astray(conn, since=start)] == ["SR-x", "ASK-1", "ASK-5"]
