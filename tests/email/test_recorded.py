"""Every recorded mail, malformed and hostile ones included, is read or skipped with a reason."""

from __future__ import annotations

import mailbox
import socket
from collections import Counter
from pathlib import Path

import pytest

from hub.clock import parse_instant
from hub.records import Communication, decode_record, encode_record
from hub_email.parse.charset import MARK
from hub_email.parse.message import read_mail
from tests.email.letter import document, letter, message, read, reading

RULES = [{"name": "complaints", "becomes": "complaint", "folders": ["INBOX"]}]


def recorded(shared: Path) -> dict[str, bytes]:
    folder = shared / "recorded" / "email"
    found = {
        path.name: path.read_bytes()
        for name in ("cpython", "mail-parser")
        for path in sorted((folder / name).iterdir())
    }
    for path in sorted((folder / "perceval_mbox").iterdir()):
        box = mailbox.mbox(path)
        found |= {f"{path.name}#{key}": box.get_bytes(key) for key in box.keys()}  # noqa: SIM118 - a mailbox is no mapping
        box.close()
    return found


def test_every_recorded_mail_is_read_or_skipped(shared: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(*_: object) -> None:
        raise AssertionError

    mails = recorded(shared)
    monkeypatch.setattr(socket, "socket", refused)
    how, reasons = reading(rules=RULES), Counter[str]()
    read_as_mail = 0
    for raw in mails.values():
        given = read(raw, how)
        assert given.records or given.skipped
        reasons.update(skip.reason for skip in given.skipped)
        read_as_mail += any(isinstance(record, Communication) for record in given.records)
        for record in given.records:
            assert decode_record(encode_record(record)) == record
    assert len(mails) == 77
    assert read_as_mail == 76
    assert reasons == {"complaint: a machine sent it": 15, "no header: not a mail": 1}


def test_every_cut_of_a_recorded_mail_is_read_or_skipped(shared: Path):
    how = reading(rules=RULES)
    for raw in recorded(shared).values():
        for length in range(0, min(len(raw), 6_000), 97):
            given = read(raw[:length], how)
            assert given.records or given.skipped


def test_what_they_say_is_legible(shared: Path):
    mails = recorded(shared)
    texts = {name: read_mail(raw).text for name, raw in mails.items()}
    assert "增值税发票" in texts["mail_test_12.eml"]
    assert "Быстрее вкладывайте" in read_mail(mails["mail_test_6.eml"]).said("subject")
    assert sum(MARK in text for text in texts.values()) <= 1
    assert "signed contents" in texts["msg_45.eml"]


@pytest.mark.parametrize("field", ["message_id", "date", "from_", "to", "subject"])
def test_without_a_field_it_is_a_mail_all_the_same(field: str):
    found = message(read(letter(**{field: ""})))
    assert found.received_at == parse_instant("2026-11-02T10:00:30Z")
    assert found.id == f"mail:message/{document(letter(**{field: ''})).native_id}"
