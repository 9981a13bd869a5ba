"""Killed while mails go out: each arrives at most once, and what may have arrived is never sent by itself again."""

from __future__ import annotations

import os
import signal
import socket
from collections import Counter
from email import message_from_bytes

import pytest
from aiosmtpd.controller import Controller

from hub.cli.session import Session
from hub.store import outbox
from tests.kill.harness import KILLED, LATER, NOW, Order, call, start

PEOPLE = ("register:people/alice", "register:people/bruno")


class Server:
    """Takes every mail; kills the sender on the way where it is told to."""

    def __init__(self) -> None:
        self.arrived: Counter[tuple[str, str]] = Counter()
        self.victim: int | None = None

    async def handle_DATA(self, _server, _session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        message_id = message_from_bytes(envelope.content)["Message-ID"]
        self.arrived.update((message_id, recipient) for recipient in envelope.rcpt_tos)
        if self.victim is not None:
            os.kill(self.victim, signal.SIGKILL)
            self.victim = None
        return "250 taken"


@pytest.fixture
def server():
    handler = Server()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        handler.port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port)
    controller.start()
    yield handler
    controller.stop()


@pytest.fixture
def folder(workshop, server):
    made = workshop.copy("derived")
    config = made / "hub.toml"
    text = config.read_text().split("[channels.outbox]", maxsplit=1)[0]
    config.write_text(
        f'{text}[channels.mail]\nplugin = "smtp"\nhost = "127.0.0.1"\nport = {server.port}\nstarttls = false\n'
        f'sender = "hub@example.com"\nsend = true\n'
        f"[reports.conformance]\nto = {list(PEOPLE)}\nchannels = ['mail']\n"
    )
    return made


@pytest.mark.parametrize(
    ("point", "states"),
    [
        (("committed", 1), ["sent", "sent"]),  # issued and queued
        (("written", 5), ["sent", "sent"]),  # about to claim the first mail
        (("committed", 5), ["sent", "unknown"]),  # claimed it
        (("written", 6), ["sent", "unknown"]),  # handed it over, about to say so
        (("committed", 6), ["sent", "sent"]),  # said so
        (("committed", 7), ["sent", "unknown"]),  # claimed the second
        (("written", 8), ["sent", "unknown"]),  # handed it over, about to say so
    ],
)
def test_killed_around_the_hand_over(folder, server, point, states):
    assert call(folder, "report", "conformance", die_at=point).code == KILLED
    assert _again(folder, server) == states


def test_killed_when_the_server_has_it(folder, server):
    process = start(Order(folder, ("report", "conformance"), NOW))
    server.victim = process.pid
    process.join()
    assert process.exitcode == KILLED
    assert _again(folder, server) == ["sent", "unknown"]
    assert _again(folder, server) == ["sent", "unknown"]


def _again(folder, server) -> list[str]:
    """Run again; return the states of the mails."""
    before = Counter(server.arrived)
    code = call(folder, "report", "conformance", now=LATER).code
    with Session(folder / "hub.toml") as session, session.store.connect() as conn:
        rows = [row for row in outbox.deliveries(conn) if row.key.channel == "mail"]
    assert len(rows) == len(PEOPLE)
    assert all(times == 1 for times in server.arrived.values())
    arrived = {(row.message_id, row.key.recipient) for row in rows if row.state == "sent"}
    doubtful = {(row.message_id, row.key.recipient) for row in rows if row.state == "unknown"}
    assert arrived <= server.arrived.keys() <= arrived | doubtful
    assert not doubtful & (server.arrived - before).keys(), "what may have arrived was sent again"
    states = sorted(row.state for row in rows)
    assert code == (2 if "unknown" in states else 0)
    return states


@pytest.mark.parametrize("point", [("committed", 1), ("committed", 2)])
def test_killed_between_audiences_everybody_gets_theirs_once_with_its_charts(folder, server, point):
    config = folder / "hub.toml"
    config.write_text(
        f'{config.read_text()}[[reports.conformance.audiences]]\nname = "Board"\nlanguage = "zh"\nto = {[PEOPLE[1]]}\n'
    )
    assert call(folder, "report", "conformance", die_at=point).code == KILLED
    call(folder, "report", "conformance", now=LATER)
    with Session(folder / "hub.toml") as session, session.store.connect() as conn:
        rows = [row for row in outbox.deliveries(conn) if row.key.channel == "mail"]
        bodies = [outbox.message_of(conn, row.key) for row in rows]
    assert len(rows) == len(PEOPLE) + 1
    assert len({row.key.report_id for row in rows}) == 2
    assert all(times == 1 for times in server.arrived.values())
    assert {row.state for row in rows} <= {"sent", "unknown"}
    assert {(row.message_id, row.key.recipient) for row in rows if row.state == "sent"} <= server.arrived.keys()
    assert all(b"image/png" in body and b"report.xlsx" in body for body in bodies)
