"""A month of mails: what is done once however many read it. The times are measured by tests/bench/mailing.py."""

from __future__ import annotations

import socket
from collections import Counter
from datetime import date
from email import message_from_bytes

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import Engine, event

from hub.cli import report_answers
from hub.cli.judging import derived, refreshed
from hub.cli.report_issue import make_conformance
from hub.cli.session import Session
from hub.clock import FixedClock
from hub.conformance import cycle
from hub.conformance.situation import query
from hub.report import issue
from tests.bench.mailing import NOW, configuration, fill, provided
from tests.conformance import kit

PLANNED = kit.planned()
SCOPES, RECIPIENTS = 15, 30


class Taken:
    """Counts what a mail server took: one entry a transaction."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, tuple[str, ...]]] = []
        self.files: Counter[str] = Counter()

    async def handle_DATA(self, _server, _session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        mail = message_from_bytes(envelope.content)
        self.mails.append((mail["Message-ID"], tuple(envelope.rcpt_tos)))
        self.files.update(part.get_filename() for part in mail.walk() if part.get_filename())
        return "250 taken"


@pytest.fixture
def taken():
    handler = Taken()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        handler.port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port)
    controller.start()
    yield handler
    controller.stop()


@pytest.fixture
def session(tmp_path, places, monkeypatch, taken):
    monkeypatch.setattr(cycle, "FIRST_DAY", date(2026, 1, 1))
    monkeypatch.setattr(cycle, "horizon", lambda _now, _zone: date(2027, 3, 31))
    monkeypatch.setattr(Session, "requirements", lambda _self: [PLANNED])
    monkeypatch.setattr(report_answers, "catalogue", lambda _session: [PLANNED.entry])
    (tmp_path / "hub.toml").write_text(configuration(taken.port, pack=""), encoding="utf-8")
    with Session(places.furnish(tmp_path / "hub.toml"), clock=FixedClock(NOW), create_store=True) as opened:
        fill(opened.store, 400)
        provided(opened.store, opened)
        derived(opened)
        refreshed(opened)
        yield opened


def test_verdicts_once_a_drawing_a_scope_a_transaction_a_recipient(session, taken, monkeypatch):
    done = Counter[str]()

    def counted(module, name):
        whole = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, **k: done.update([name]) or whole(*a, **k))

    for module, name in (
        (report_answers, "judge_period"),
        (report_answers, "judge"),
        (query, "statement"),
        (issue, "render_mail"),
    ):
        counted(module, name)
    judged = []

    def look(_conn, _cursor, statement, *_):
        if "FROM obligation" in statement:
            judged.append(statement)

    event.listen(Engine, "before_cursor_execute", look)
    try:
        _, messages = make_conformance(session)
        with_all = len(judged)
        settings = session.configuration.reports["conformance"]
        judged.clear()
        del settings.audiences[1:]
        make_conformance(session, period="2026-09")
        with_one = len(judged)
    finally:
        event.remove(Engine, "before_cursor_execute", look)
    assert done == {"judge": 2, "judge_period": 2, "statement": 2, "render_mail": SCOPES + 2}
    assert with_all == with_one, "obligations are read for all audiences together"
    assert len(messages) == RECIPIENTS
    month = taken.mails[:RECIPIENTS]
    assert len({name for name, _ in month}) == SCOPES
    assert all(len(who) == 1 for _, who in month)
    assert len({who for _, (who,) in month}) == RECIPIENTS
    assert all(times == 1 for times in Counter(month).values())
    assert taken.files["report.xlsx"] == len(taken.mails)
