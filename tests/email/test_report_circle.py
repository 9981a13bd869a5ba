"""A report approved on a real mail server: asked by SMTP, answered in a mailbox, read by IMAP, sent as approved."""

from __future__ import annotations

import hashlib
import json
import mailbox
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from hub.cli.session import Session
from hub.clock import FixedClock, parse_instant
from tests.email.imap_kit import PASSWORD, USER, Mailbox
from tests.email.letter import KEY
from tests.email.organisation import compiled
from tests.email.test_circle import HEAD

pytestmark = [pytest.mark.peer, pytest.mark.sqlite("one circle through the command line")]
ID = "SR-example-internal_process_incident-2026-10"
FOLDER, READER = "Reports", "desk@example.test"
BODY = b"%PDF-1.7 the report"
PEOPLE = f"""- id: alice
  name: Alice
  email: [{USER}]
- id: bob
  name: Bob
- id: kim
  name: Kim
  email: [{READER}]
"""
CATALOGUE = """- id: incidents
  type: internal_process
  process: incident
  title: Incidents of the month
  direction: internal
  frequency: month
  due_days: 5
  author: people/bob
  approvers: [{person: people/alice}]
  recipients: [{person: people/kim}]
  method: post
  valid_from: 2026-10-01
"""


@pytest.fixture
def config(server, tmp_path: Path) -> Path:
    register = tmp_path / "register"
    register.mkdir()
    (register / "people.yaml").write_text(HEAD + PEOPLE)
    (register / "report_catalogue.yaml").write_text(HEAD + CATALOGUE)
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
reports = true
[channels.post]
plugin = "smtp"
host = "127.0.0.1"
port = {server["smtp_port"]}
sender = "hub@example.test"
ca_bundle = "{server["ca_file"]}"
send = true
""")
    return path


def answer(question, *, word: str = "APPROVE") -> bytes:
    fields = [
        "Authentication-Results: mx.example.test; dmarc=pass header.from=example.test",
        "Received: from o (o [93.184.216.34]) by mx.example.test with ESMTPS; Mon, 02 Nov 2026 11:00:30 +0100",
        f"From: Alice <{USER}>",
        "To: hub@example.test",
        f"Subject: Re: {question['subject']}",
        "Date: Mon, 02 Nov 2026 11:00:00 +0100",
        "Message-ID: <report-answer@example.test>",
        f"In-Reply-To: {question['message-id']}",
    ]
    return "\r\n".join([*fields, "", word, ""]).encode()


def test_asked_answered_read_approved_and_sent(server, box: Mailbox, config: Path, run_hub, monkeypatch):
    monkeypatch.setattr(Session, "requirements", lambda _: list(compiled("BS15000-8.2-d")))
    box.make(FOLDER, [])

    def call(when: str, *words: object) -> list[dict[str, object]]:
        monkeypatch.setattr("hub.cli.session.SystemClock", lambda: FixedClock(parse_instant(when)))
        called = run_hub(*words, "--config", config, "--format", "json")
        assert called.code == 0, called.err
        given = json.loads(called.out)
        return given["rows"] if isinstance(given, dict) else given

    def came(user: str, words: bytes) -> list[bytes]:
        place = Path(server["maildirs"].replace("USER", user))
        return (
            [bytes(one) for one in mailbox.Maildir(place, create=False) if words in bytes(one)]
            if place.is_dir()
            else []
        )

    def stands(when: str) -> str:
        return next(str(row["state"]) for row in call(when, "report", "plan", "--all") if row["report"] == ID)

    file = config.parent / "report.pdf"
    file.write_bytes(BODY)
    call("2026-11-02T08:00:00Z", "sync")
    call("2026-11-02T08:10:00Z", "report", "draft", ID, file)
    (row,) = call("2026-11-02T08:11:00Z", "report", "ask", ID)
    assert row["state"] == "in_review"
    call("2026-11-02T08:11:30Z", "derive")
    (row,) = call("2026-11-02T08:12:00Z", "ask")
    assert (row["kind"], row["person"], row["state"]) == ("report", "register:people/alice", "sent")
    [asked] = came(USER, ID.encode())
    question = message_from_bytes(asked, policy=policy.default)
    assert [part.get_payload(decode=True) for part in question.iter_attachments()] == [BODY]

    box.append(FOLDER, [answer(question)])
    assert stands("2026-11-02T12:00:00Z") == "in_review", "nothing is read yet"
    call("2026-11-02T12:00:00Z", "sync")
    assert stands("2026-11-02T12:01:00Z") == "approved"

    assert came(READER, ID.encode()) == []
    (row,) = call("2026-11-02T12:02:00Z", "report", "send", ID)
    assert row["state"] == "sent"
    call("2026-11-02T12:03:00Z", "report", "send", ID)
    [sent] = came(READER, ID.encode())
    letter = message_from_bytes(sent, policy=policy.default)
    assert [part.get_payload(decode=True) for part in letter.iter_attachments()] == [BODY]
    assert letter["X-Conformance-Hash"].strip() == hashlib.sha256(BODY).hexdigest()
    assert stands("2026-11-02T12:04:00Z") == "submitted"
    box.remove(FOLDER)
