from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub.cli import report_issue
from hub.cli.report_issue import make_conformance
from hub.cli.session import Session
from hub.clock import FixedClock, parse_instant
from hub.store import outbox
from hub.store.outbox import MessageKey

ID = "SR-example-organisation-conformance-2026-10"
CONFIG = """
[organisation]
name = "Example Organisation"
zone = "Europe/Berlin"
calendar = "5x8"
judge_from = 2025-10-01
[store]
url = "sqlite:///hub.db"
[channels.outbox]
plugin = "file"
folder = "out"
[reports.conformance]
to = ["register:people/alice"]
channels = ["outbox"]
"""


@pytest.fixture
def config(tmp_path: Path, places) -> Path:
    (tmp_path / "hub.toml").write_text(CONFIG)
    return places.furnish(tmp_path / "hub.toml")


@pytest.fixture
def make(config: Path, answers, monkeypatch):
    """Issue the report with the fixture's answers in the place of what the store would say."""
    monkeypatch.setattr(report_issue, "answers_of", lambda _session: lambda *_asked: answers)

    def issue(**more):
        clock = FixedClock(parse_instant("2026-11-03T08:01:00Z"))
        with Session(config, clock=clock, create_store=True) as session:
            return make_conformance(session, as_of="2026-11-03T08:00:00Z", **more)

    return issue


def test_the_last_month_is_reported_and_written(config, make, run_hub):
    issue, messages = make()
    assert (issue.report_id, issue.revision, issue.created) == (ID, 1, True)
    assert [message.state for message in messages] == ["sent"]
    assert (config.parent / "out" / f"{ID}-r1.html").is_file()
    assert not make()[0].created

    listed = run_hub("report", "list", "--config", config, "--format", "json")
    (row,) = json.loads(listed.out)
    assert listed.code == 0
    assert (row["report"], row["period"], row["as_of"], row["states"]) == (
        ID,
        "2026-10",
        "2026-11-03T08:00:00Z",
        ["outbox: sent"],
    )

    shown = run_hub("report", "show", ID, "--config", config)
    assert "INCOMPLETE/RED: Example Organisation" in shown.out
    assert f"End of report {ID} revision 1." in shown.out
    as_data = json.loads(run_hub("report", "show", ID, "--config", config, "--format", "json").out)
    assert as_data["status"]["word"] == "INCOMPLETE/RED"

    sent = run_hub("report", "send", ID, "--config", config)
    assert sent.code == 0
    assert "sent" in sent.out


def test_a_report_nobody_issued(config, make, run_hub):
    make(period="2026-09")
    for command in ("show", "send"):
        called = run_hub("report", command, ID, "--config", config)
        assert called.code == 2
        assert called.err == f"hub: there is no report {ID}; `hub report list` names those that were issued\n"


def test_mail_that_did_not_arrive_shows_in_the_check(config, make, run_hub):
    make(period="2026-09")
    lost = MessageKey("ASK-1", 1, "post", "bob@example.test")
    with Session(config) as session, session.store.begin() as conn:
        outbox.queue(conn, lost, message_id="<1@x>", message=b"", held=None, now=session.clock.now_ms())
        outbox.settle(conn, lost, "failed", detail="550 5.1.1 no such user")
    rows = json.loads(run_hub("check", "--config", config, "--format", "json").out)
    assert [(row["level"], row["text"]) for row in rows if row["subject"] == "outbox"] == [
        ("warning", "ASK-1 to bob@example.test: failed: 550 5.1.1 no such user")
    ]
