from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, event

from hub.cli import publish, report_issue
from hub.cli.report_issue import make_conformance
from hub.cli.session import Session
from hub.clock import FixedClock, parse_instant
from tests.report.test_command import CONFIG, ID


@pytest.fixture
def config(tmp_path: Path, places) -> Path:
    (tmp_path / "hub.toml").write_text(CONFIG)
    return places.furnish(tmp_path / "hub.toml")


def _issue(config: Path, answers, monkeypatch, **more) -> None:
    monkeypatch.setattr(report_issue, "answers_of", lambda _session: lambda *_asked: answers)
    with Session(config, clock=FixedClock(parse_instant("2026-11-03T08:01:00Z")), create_store=True) as session:
        make_conformance(session, as_of="2026-11-03T08:00:00Z", **more)


def test_the_last_report_is_published_as_it_was_issued(config, answers, monkeypatch, run_hub, tmp_path):
    _issue(config, answers, monkeypatch)
    _issue(config, answers, monkeypatch, revision=2, note="A source was missing.")
    called = run_hub("publish", tmp_path / "pages", "--config", config, "--format", "json")
    assert called.code == 0, called.err
    (row,) = json.loads(called.out)
    assert (row["report"], row["revision"]) == (ID, 2)
    assert row["files"] == len([path for path in (tmp_path / "pages").rglob("*") if path.is_file()])
    overview = (tmp_path / "pages" / "index.html").read_text(encoding="utf-8")
    assert "INCOMPLETE/RED" in overview
    assert "Revision 2: A source was missing." in overview
    first = run_hub("publish", tmp_path / "pages", "--config", config, "--revision", 1, "--format", "json")
    assert json.loads(first.out)[0]["revision"] == 1
    assert "A source was missing" not in (tmp_path / "pages" / "index.html").read_text(encoding="utf-8")


def test_what_was_not_issued_is_not_published(config, answers, monkeypatch, run_hub, tmp_path):
    _issue(config, answers, monkeypatch)
    for asked, told in (
        (
            ["--period", "2026-09"],
            "no conformance report of 2026-09 was issued; run: hub report conformance --period 2026-09",
        ),
        (["--revision", "7"], "there is no revision 7 of that report"),
        (["--period", "October"], "'October' is no month"),
    ):
        called = run_hub("publish", tmp_path / "pages", "--config", config, *asked)
        assert called.code == 2
        assert told in called.err
    assert not (tmp_path / "pages").exists()


def test_it_is_judged_once_and_questions_do_not_grow_with_findings(config, answers, monkeypatch, run_hub, make_finding):
    asked: list[str] = []
    judged: list[object] = []
    real = publish.judge
    monkeypatch.setattr(publish, "judge", lambda *a, **k: judged.append(a) or real(*a, **k))

    def count(_conn, _cursor, statement, *_rest):
        asked.append(statement)

    counted = []
    for revision, number in ((1, 3), (2, 150)):
        rows = [
            make_finding(
                n, "8.2-c", msgspec.structs.replace(answers.findings[0].unit, id=f"d:{n}"), "register:people/clara"
            )
            for n in range(number)
        ]
        _issue(config, msgspec.structs.replace(answers, findings=rows), monkeypatch, revision=revision)
        asked.clear()
        event.listen(Engine, "before_cursor_execute", count)
        try:
            assert run_hub("publish", config.parent / "pages", "--config", config).code == 0
        finally:
            event.remove(Engine, "before_cursor_execute", count)
        counted.append(len(asked))
    assert counted[0] == counted[1]
    assert len(judged) == 2
