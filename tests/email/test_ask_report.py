"""Approvals of reports asked for by mail: of whoever's turn it is, bound to the bytes, with the bytes attached."""

from __future__ import annotations

import hashlib
from email import message_from_bytes, policy

from hub.records import Approval
from hub.report.plan.act import ask, draft
from hub.report.plan.desk import Desk, record_id
from hub.report.plan.record import refresh_reports
from hub.store.writer import Write, write_records
from hub_email.ask_report import find_reports
from hub_email.request_mail import render_request
from hub_email.token import find_tokens, read_token
from tests.report.plan.conftest import ID, OFFICE, at, people, spec

KEY = "k" * 32


def test_each_approver_in_turn_is_asked_about_these_bytes(any_store):
    now = at("2026-11-02T09:00")
    with any_store.begin() as conn:
        write_records(conn, [Write(one) for one in [*people(), spec()]], at("2026-10-01T08:00"))
        desk = Desk(conn, OFFICE, now=now)
        draft(desk, ID, {"report.pdf": b"%PDF one"}, login="x")
        assert find_reports(conn, OFFICE, now=now) == []
        ask(desk, ID, login="x")
        refresh_reports(conn, OFFICE, now=now)
        (one,) = find_reports(conn, OFFICE, now=now)
        digest = hashlib.sha256(b"%PDF one").hexdigest()
        question = one.question
        assert (question.subject, question.revision, question.person) == (
            record_id(ID, 1),
            digest,
            "register:people/ben",
        )
        _, eml = render_request(one.matter, question, key=KEY, number=1, sender="hub@example.test", now=now, zone="UTC")
        mail = message_from_bytes(eml, policy=policy.SMTP)
        assert [part.get_payload(decode=True) for part in mail.iter_attachments()] == [b"%PDF one"]
        (token,) = find_tokens(str(mail["Message-ID"]))
        assert read_token(token, [KEY]).revision == digest

        answer = Approval(
            id="mail:1", source="mail", subject_id=question.subject, subject_revision=question.revision,
            approver=question.person, decision="approved", decided_at=now + 60_000, via="email",
        )  # fmt: skip
        write_records(conn, [Write(answer)], now + 60_000)
        (following,) = find_reports(conn, OFFICE, now=now + 120_000)
        assert following.question.person == "register:people/carla"
