"""`hub report plan` and the steps after it, as a person calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub.cli.session import Session
from hub.clock import FixedClock
from hub.store.authority import login_name
from hub.store.writer import Write, write_records
from tests.report.plan.conftest import ID, at, people, spec

CONFIG = """
[organisation]
name = "Example Organisation"
zone = "Europe/Berlin"
calendar = "5x8"
judge_from = 2026-10-01
[store]
url = "sqlite:///hub.db"
[channels.outbox]
plugin = "file"
folder = "out"
"""


@pytest.fixture
def config(tmp_path: Path, places) -> Path:
    (tmp_path / "hub.toml").write_text(CONFIG)
    path = places.furnish(tmp_path / "hub.toml")
    with Session(path, clock=FixedClock(at("2025-10-01T08:00")), create_store=True) as session:
        row = spec(method="outbox", valid_from="2025-10-01", valid_to="2025-12-01")
        with session.store.begin() as conn:
            write_records(conn, [Write(one) for one in [*people(), row]], at("2025-10-01T08:00"))
    return path


OLD = ID.replace("2026-10", "2025-10")


def test_the_plan_says_late_due_and_coming(config, run_hub):
    def asked(when, *more):
        called = run_hub("report", "plan", "--at", when, "--config", config, "--format", "json", *more)
        assert called.code == 0, called.err
        return [(row["period"], row["standing"], row["next"]) for row in json.loads(called.out)]

    assert asked("2025-11-03") == [("2025-10", "due", "draft"), ("2025-11", "coming", "draft")]
    assert asked("2025-11-07T17:00:00+01:00")[0] == ("2025-10", "due", "draft")
    assert asked("2025-11-07T17:00:01+01:00")[0] == ("2025-10", "late", "draft")
    shown = run_hub("report", "plan", "--at", "2025-11-03", "--config", config)
    assert OLD in shown.out


def test_the_whole_way_by_command(config, run_hub, tmp_path):
    file = tmp_path / "report.pdf"
    file.write_bytes(b"%PDF one")

    def call(*given):
        called = run_hub("report", *given, "--config", config, "--format", "json")
        assert called.code == 0, called.err
        return json.loads(called.out)[0]

    assert call("draft", OLD, file)["state"] == "drafted"
    refused = run_hub("report", "send", OLD, "--config", config)
    assert refused.code == 2
    assert "it has to be approved first" in refused.err
    assert call("ask", OLD)["next"] == "approval: process_manager"
    wrong = run_hub("report", "approve", OLD, "--as", "register:people/ann", "--config", config)
    assert wrong.err == f"hub: {OLD} revision 1 is in_review: register:people/ann wrote it; somebody else decides\n"
    for word in ("approve", "reject", "withdraw", "cancel"):
        nobody = run_hub("report", word, OLD, "--as", "register:people/bne", "--note", "x", "--config", config)
        assert (nobody.code, "register:people/bne is no person of the register" in nobody.err) == (2, True), word
        assert "--as" in nobody.err
    call("approve", OLD, "--as", "register:people/ben", "--revision", "1")
    assert call("approve", OLD, "--as", "register:people/carla")["state"] == "approved"
    assert call("send", OLD)["state"] == "sent"
    assert call("send", OLD)["attempts"] == 1
    assert call("archive", OLD)["state"] == "archived"
    place = config.parent / f"archive/acme-gmbh/2025/monthly_service/{OLD}-r1"
    proof = run_hub("report", "verify", place)
    assert (proof.code, OLD in proof.out) == (0, True)
    (place / "files/report.pdf").write_bytes(b"%PDF two")
    altered = run_hub("report", "verify", place, "--format", "json")
    assert altered.code == 2
    assert [(row["place"], row["fault"]) for row in json.loads(altered.out)] == [("files/report.pdf", "was altered")]
    rows = json.loads(run_hub("report", "plan", "--all", "--config", config, "--format", "json").out)
    assert (rows[0]["state"], rows[0]["standing"]) == ("archived", "handed over late")
    (entry,) = json.loads(run_hub("report", "statistics", "--config", config, "--format", "json").out)
    assert (entry["report"], entry["due_at"], entry["result"]) == (OLD, "2025-11-07T16:00:00Z", "late")
    figures = json.loads(run_hub("report", "kpi", "--period", "2025-11", "--config", config, "--format", "json").out)
    assert [(row["share"], row["verdict"]) for row in figures if row["kpi"] == "on_time"] == [("0.00 %", "missed")]


def test_an_archived_report_is_read_lent_tried_and_disposed_of(config, run_hub, tmp_path, monkeypatch):
    with config.open("a") as file:
        file.write(
            f'\n[retention]\napprover_role = "operations_manager"\noperators = {{ "{login_name()}" = "register:people/ben" }}\n'
        )
    (tmp_path / "report.pdf").write_bytes(b"%PDF one")

    def call(*given, when="2026-01-05T08:00", code=0):
        monkeypatch.setattr("hub.cli.session.SystemClock", lambda: FixedClock(at(when)))
        called = run_hub("report", *given, "--config", config, "--format", "json")
        assert called.code == code, called.err
        return json.loads(called.out) if called.out else called.err

    call("draft", OLD, tmp_path / "report.pdf")
    call("ask", OLD)
    assert call("approve", OLD)[0]["approvals"] == ["register:people/ben"], "in the name of the login"
    for given in (("approve", OLD, "--as", "register:people/carla"), ("cancel", OLD, "--as", "register:people/carla")):
        assert "decides in no other name" in call(*given, code=2)
    config.write_text(config.read_text().replace('= "register:people/ben" }', '= "register:people/carla" }'))
    call("approve", OLD)
    call("send", OLD)
    call("archive", OLD)
    place = config.parent / f"archive/acme-gmbh/2025/monthly_service/{OLD}-r1"
    asked = ("--purpose", "audit", "--approver", "register:people/ben")
    call("read", OLD, "--out", tmp_path / "read", *asked)
    assert "is who takes it" in call("read", OLD, "--out", tmp_path / "x", *asked[:3], "register:people/carla", code=2)
    call("lend", OLD, "--to", "Dr. Roe", "--out", tmp_path / "lent", *asked)
    assert (tmp_path / "read/report.pdf").read_bytes() == (tmp_path / "lent/report.pdf").read_bytes() == b"%PDF one"
    assert not (tmp_path / "x").exists()
    assert [(row["what"], row["to"], row["person"]) for row in call("access")] == [
        ("read", "register:people/carla", "register:people/carla"),
        ("lent", "Dr. Roe", "register:people/carla"),
    ]
    checked = run_hub("check", "--config", config)
    assert "archive of reports" not in checked.out, "not tested, and not due yet"
    (tried,) = call("restore-test", when="2026-12-01T08:00")
    assert (tried["files"], tried["fault"]) == (1, "")
    assert (
        "ok      archive of reports: 1 kept, last restore test 2026-12-01" in run_hub("check", "--config", config).out
    )
    (place / "files/report.pdf").write_bytes(b"%PDF two")
    (tried,) = call("restore-test", when="2026-12-02T08:00", code=2)
    assert tried["fault"] == "was altered"
    assert "the last restore test could not read back 1" in run_hub("check", "--config", config).out
    (place / "files/report.pdf").write_bytes(b"%PDF one")

    gone = ("dispose", OLD, "--reason", "its time is over", "--approver", "register:people/dan")
    assert "does not hold the role 'operations_manager'" in call(*gone, when="2029-02-01T08:00", code=2)
    config.write_text(config.read_text().replace('"operations_manager"', '"report_manager"'))
    assert "it is kept until 2029-01-0" in call(*gone, when="2029-01-02T08:00", code=2)
    call(*gone, when="2029-02-01T08:00")
    assert not (place / "files").exists()
    (row,) = json.loads(run_hub("report", "verify", place, "--format", "json").out)
    assert (row["fault"], row["disposed_at"]) == ("", "2029-02-01T07:00:00Z")
    assert call(*gone, when="2029-02-02T08:00")[0]["state"] == "archived"


def test_an_unknown_report(config, run_hub):
    called = run_hub("report", "ask", "SR-none", "--config", config)
    assert called.err == "hub: there is no planned report SR-none; `hub report plan --all` names them\n"


def test_a_conformance_report_waits_for_the_approval_the_plan_asks_for(tmp_path, places, answers, monkeypatch, run_hub):
    from hub.cli import report_issue
    from hub.cli.report_issue import make_conformance

    more = '[reports.conformance]\nto = ["register:people/kim"]\nchannels = ["outbox"]\n'
    (tmp_path / "hub.toml").write_text(CONFIG + more)
    path = places.furnish(tmp_path / "hub.toml")
    row = spec(type="conformance", customer_id=None, direction="internal", valid_from="2025-10-01", method="outbox")
    monkeypatch.setattr(report_issue, "answers_of", lambda _session: lambda *_asked: answers)
    name = "SR-example-organisation-conformance-2025-10"
    with Session(path, clock=FixedClock(at("2025-11-03T08:00")), create_store=True) as session:
        with session.store.begin() as conn:
            write_records(conn, [Write(one) for one in [*people(), row]], at("2025-10-01T08:00"))
        monkeypatch.setattr(report_issue, "require_judged", lambda _session, _conn: None)
        for _ in range(2):
            issue, messages = make_conformance(session, period="2025-10")
            assert (issue.report_id, [(one.state, one.detail) for one in messages]) == (
                name,
                [("held", "waits for its approval")],
            )
    assert "has to be approved first" in run_hub("report", "send", name, "--config", path).err
    for given in (
        ("ask", name),
        ("approve", name, "--as", "register:people/ben"),
        ("approve", name, "--as", "register:people/carla"),
        ("send", name),
    ):
        assert run_hub("report", *given, "--config", path).code == 0
    assert len(list((tmp_path / "out").glob("*.eml"))) == 1
