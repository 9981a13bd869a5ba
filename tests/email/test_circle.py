"""`hub ask` on a real mail server: the question goes out, the answer comes back, nobody is asked again."""

from __future__ import annotations

import json
import mailbox
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from hub.cli.run import do_run
from hub.cli.session import Session
from hub.clock import FixedClock, parse_instant
from tests.email.imap_kit import PASSWORD, USER, Mailbox
from tests.email.letter import KEY
from tests.email.organisation import compiled

pytestmark = [pytest.mark.peer, pytest.mark.sqlite("one circle through the command line")]
NOW, LATER = "2026-11-02T08:00:00Z", "2026-11-02T12:00:00Z"
FOLDER = "Decisions"
HEAD = "zone: Europe/Berlin\ndeclared_by: people/bob\ndeclared_at: 2026-01-05\nrows:\n"
PEOPLE = f"- id: alice\n  name: Alice\n  email: [{USER}]\n- id: bob\n  name: Bob\n"
WAIVER = """- id: w-1
  requirement_id: BS15000-8.2-d
  reason: one-way migration
  owner: people/bob
  approver: people/alice
  valid_from: 2026-11-01
  valid_to: 2026-12-01
"""
OURS = [
    "Authentication-Results: mx.example.test; dmarc=pass header.from=example.test",
    "Received: from o (o [93.184.216.34]) by mx.example.test with ESMTPS; Mon, 02 Nov 2026 11:00:30 +0100",
]


@pytest.fixture
def config(server, tmp_path: Path) -> Path:
    register = tmp_path / "register"
    register.mkdir()
    (register / "people.yaml").write_text(HEAD + PEOPLE)
    (register / "waivers.yaml").write_text(HEAD + WAIVER)
    for name, secret in (("password", PASSWORD), ("key", KEY)):
        (tmp_path / name).write_text(secret)
        (tmp_path / name).chmod(0o600)
    path = tmp_path / "hub.toml"
    path.write_text(f"""
[organisation]
name = "Example"
zone = "Europe/Berlin"
calendar = "5x8"
judge_from = 2026-10-01

[store]
url = "sqlite:///hub.db"

[packs.bs15000]

[sources.register]
plugin = "register"
folder = "register"

[sources.mail]
plugin = "imap"
host = "127.0.0.1"
port = {server["imaps_port"]}
ca_bundle = "{server["ca_file"]}"

[[sources.mail.mailboxes]]
user = "{USER}"
password = {{ file = "password" }}
folders = ["{FOLDER}"]

[sources.mail.trust]
servers = ["mx.example.test"]
authserv_ids = ["mx.example.test"]

[sources.mail.decisions]
key = {{ file = "key" }}
channel = "post"
waivers = true

[channels.post]
plugin = "smtp"
host = "127.0.0.1"
port = {server["smtp_port"]}
sender = "hub@example.test"
ca_bundle = "{server["ca_file"]}"
send = true
""")
    return path


def test_asked_answered_and_not_asked_again(server, box: Mailbox, config: Path, run_hub, monkeypatch):
    # One requirement of the pack: the other 289 are not asked after here and would take most of the time.
    monkeypatch.setattr(Session, "requirements", lambda _: list(compiled("BS15000-8.2-d")))
    box.make(FOLDER, [])
    inbox = Path(server["maildirs"].replace("USER", USER))

    def run(when: str) -> None:
        with Session(config, clock=FixedClock(parse_instant(when)), create_store=True) as session:
            do_run(session)

    def ask(when: str, *words: str, code: int = 0) -> list[dict[str, object]]:
        monkeypatch.setattr("hub.cli.session.SystemClock", lambda: FixedClock(parse_instant(when)))
        called = run_hub("ask", *words, "--config", config, "--format", "json")
        assert called.code == code, called.err
        given = json.loads(called.out)
        return given["rows"] if isinstance(given, dict) else given

    def came() -> list[bytes]:
        """What this test sent: other questions may lie there, and in no order."""
        return [bytes(one) for key, one in mailbox.Maildir(inbox, create=False).items() if key not in before]

    before = set(mailbox.Maildir(inbox, create=False).keys())
    run(NOW)
    assert [row["state"] for row in ask(NOW, "--list")] == ["not asked"]
    (row,) = ask(NOW)
    assert (row["kind"], row["subject"], row["person"], row["state"]) == (
        "waiver",
        "w-1",
        "register:people/alice",
        "sent",
    )
    ask(NOW)
    assert len(came()) == 1
    question = message_from_bytes(came()[0], policy=policy.default)
    fields = [
        *OURS,
        f"From: Alice <{USER}>",
        "To: hub@example.test",
        f"Subject: Re: {question['subject']}",
        "Date: Mon, 02 Nov 2026 11:00:00 +0100",
        "Message-ID: <answer@example.test>",
        f"In-Reply-To: {question['message-id']}",
    ]
    forged = "\r\n".join([*fields[1:], "", "APPROVE", ""]).replace("answer@", "forged@").encode()
    box.append(FOLDER, [forged])
    run(LATER)
    (row,) = ask(LATER, "--list")
    assert row["claims"] == ["claim, does not count: nothing we believe says who sent it"]
    box.append(FOLDER, ["\r\n".join([*fields, "", "APPROVE", ""]).encode()])
    run(LATER)
    assert ask(LATER) == []
    assert len(came()) == 1
    box.remove(FOLDER)
