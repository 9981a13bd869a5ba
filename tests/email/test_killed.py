"""Killed around the end of DATA, with the real SMTP server: nobody gets the same report twice."""

from __future__ import annotations

import json
import mailbox
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hub.clock import FixedClock, parse_instant
from hub.report.deliver import Way, deliver_waiting
from hub.store import outbox
from hub.store.outbox import MessageKey
from hub_email.settings import SmtpSettings
from hub_email.smtp import SmtpChannel

NOW = parse_instant("2026-11-02T08:00:00Z")
SENDER = """
import json, os, signal, smtplib, sys
from pathlib import Path
from hub.clock import FixedClock
from hub.report.deliver import Way, deliver_waiting
from hub.store.store import Store
from hub_email.settings import SmtpSettings
from hub_email.smtp import SmtpChannel

folder, url, point, fields, now = sys.argv[1:]

def dies(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if point == "before the message":
    SmtpChannel._hand_over = dies
elif point == "while it is sent":
    send = smtplib.SMTP.send
    smtplib.SMTP.send = lambda self, s: (send(self, s[: len(s) // 2]), dies()) if len(s) > 1000 else send(self, s)
elif point == "before the answer":
    send = smtplib.SMTP.send
    smtplib.SMTP.send = lambda self, s: (send(self, s), dies()) if len(s) > 1000 else send(self, s)
elif point == "after the answer":
    smtplib.SMTP.quit = dies

store = Store.attach(url, base_dir=Path(folder))
channel = SmtpChannel(SmtpSettings(**json.loads(fields)), base_dir=Path(folder))
deliver_waiting(store, {"mail": Way(channel, send=True, addressed=True)}, FixedClock(int(now)))
"""


@pytest.mark.peer
@pytest.mark.sqlite("another process opens the store; what is tested is the hand-over")
@pytest.mark.parametrize(
    ("point", "arrives"),
    [("before the message", 0), ("while it is sent", 0), ("before the answer", 1), ("after the answer", 1)],
)
def test_killed_around_the_message(server, sqlite_store, tmp_path: Path, point, arrives):
    url = "sqlite:///hub.db"
    message_id = f"<killed-{point.replace(' ', '-')}@example.test>"
    key = MessageKey("SR-k", 1, "mail", "alice@example.test")
    eml = f"Message-ID: {message_id}\r\nSubject: report\r\n\r\n".encode() + b"yyyyyyyyyyyyyyyyyyyyyy\r\n" * 100
    fields = {
        "plugin": "smtp",
        "host": "127.0.0.1",
        "port": server["smtp_port"],
        "sender": "hub@example.test",
        "user": "alice@example.test",
        "password": "secret",
        "ca_bundle": server["ca_file"],
        "send": True,
    }
    store = sqlite_store
    with store.begin() as conn:
        outbox.queue(conn, key, message_id=message_id, message=eml, held=None, now=NOW)
    sent = subprocess.run(
        [sys.executable, "-c", SENDER, str(tmp_path), url, point, json.dumps(fields), str(NOW)], check=False
    )
    assert sent.returncode == -signal.SIGKILL
    channel = SmtpChannel(SmtpSettings.model_validate(fields), base_dir=tmp_path)
    ways = {"mail": Way(channel, send=True, addressed=True)}
    for _ in range(2):
        deliver_waiting(store, ways, FixedClock(NOW + 60_000))
    with store.connect() as conn:
        (row,) = outbox.deliveries(conn)
    assert row.state == "unknown"
    assert "ask the recipient" in (row.detail or "")
    for _ in range(50):  # the server may still be storing what it took
        if (found := _copies(server, message_id)) == arrives:
            break
        time.sleep(0.1)
    assert found == arrives


def _copies(server, message_id: str) -> int:
    place = server["maildirs"].replace("USER", "alice@example.test")
    if not Path(place).is_dir():  # `Maildir` would make it, and the server could not write there
        return 0
    return sum(mail["Message-ID"] == message_id for mail in mailbox.Maildir(place, create=False))
