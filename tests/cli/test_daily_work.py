"""The commands on a store that was filled once: what a person, cron or a pipeline sees."""

from __future__ import annotations

import csv
import io
import json
import stat

import pytest

from hub.cli.session import Session
from hub.clock import SystemClock
from hub.sync.lock import hold
from hub_sandbox.configuration import NOT_INTRODUCED, TOKEN

NOW = "2026-11-03T08:00:00Z"


@pytest.fixture(scope="module")
def workplace(small_workplace):
    return small_workplace


@pytest.fixture
def told(workplace, run_hub):
    """Run a command with JSON output and return what it prints."""

    def run(*arguments: str, code: int = 0):
        called = run_hub(*arguments, "--config", str(workplace), "--format", "json")
        assert called.code == code, called.err
        return json.loads(called.out)

    return run


def test_findings_are_critical_first_and_fail_only_where_asked(told, workplace, run_hub):
    rows = told("findings", "--as-of", NOW)
    assert rows
    order = ["critical", "major", "minor"]
    assert [row["severity"] for row in rows] == sorted((row["severity"] for row in rows), key=order.index)
    assert {row["state"] for row in rows} == {"open"}
    assert all(row["expected"] and row["found"] and row["action"] for row in rows)
    for limit, code in (("critical", 1), ("minor", 1)):
        assert run_hub("findings", "--as-of", NOW, "--config", str(workplace), "--fail-on", limit).code == code


def test_findings_as_a_spreadsheet(workplace, run_hub):
    called = run_hub("findings", "--all", "--as-of", NOW, "--config", str(workplace), "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(called.out)))
    assert rows
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values() if cell)


def test_obligations_tell_why(told):
    rows = told("obligations", "BS15000-8.2-c", "--verdict", "not_met", "--as-of", NOW)
    assert rows
    assert {row["verdict"] for row in rows} == {"not_met"}
    assert all(row["reason"] for row in rows)
    met = told("obligations", "BS15000-8.2-c", "--verdict", "met", "--limit", "3", "--as-of", NOW)
    assert len(met) == 3
    assert all(len(row["evidence"][0]["document_sha256"]) == 64 for row in met)
    earlier = told("obligations", "BS15000-8.2-c", "--as-of", "2026-01-01")
    assert all(row["opened_at"] < "2026-01-01" for row in earlier)


def test_nothing_was_known_before_the_first_reading(workplace, run_hub):
    called = run_hub("obligations", "--known-at", "2026-01-01", "--config", str(workplace))
    assert (called.code, called.err) == (2, "hub: nothing was read yet; run: hub run\n")


def test_explain_shows_sentence_timeline_evidence_and_query(told, workplace, run_hub):
    finding = next(row for row in told("findings", "--as-of", NOW) if row["requirement"] == "BS15000-8.2-c")
    called = run_hub("explain", "BS15000-8.2-c", finding["unit"], "--sql", "--config", str(workplace))
    assert called.code == 0
    for piece in ("NOT MET", "timeline", "what the hub knew", "coverage:", "SELECT", "ISO/IEC 20000-1:2018"):
        assert piece in called.out
    (explained,) = told("explain", "BS15000-8.2-c", finding["unit_id"])
    assert explained["parts"][0]["obligations"][0]["verdict"] == "not_met"


def test_explain_says_what_is_asked_and_from_where(workplace, run_hub, told):
    called = run_hub("explain", "BS15000-8.2-c", "--language", "zh", "--config", str(workplace))
    for piece in ("批准在先", "8.2 变更管理", "min_approvers = 1  shipped, our default", "  from service-desk"):
        assert piece in called.out
    (explained,) = told("explain", "BS15000-8.2-c", "--language", "zh")
    assert explained["title"] == "批准在先"
    assert explained["unit"] is None
    assert {need["kind"]: need["given_by"] for need in explained["parts"][0]["needs"]}["change"] == ["service-desk"]


def test_explain_says_why_something_is_not_asked(workplace, run_hub):
    reason, requirements = next(iter(NOT_INTRODUCED.items()))
    called = run_hub("explain", requirements[0], "--config", str(workplace))
    assert reason in " ".join(called.out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("explain", "BS15000-0.0-z"), "BS15000-0.0-z: no enabled pack has this requirement"),
        (("explain", "BS15000-8.2-c", "NOPE-1"), "NOPE-1: no record of this key or id was read"),
        (("obligations", "--verdict", "green"), "green: no such verdict"),
        (("obligations", "--as-of", "yesterday"), "'yesterday' should be a date"),
    ],
)
def test_a_wrong_word_is_one_clear_line(workplace, run_hub, arguments, message):
    called = run_hub(*arguments, "--config", str(workplace))
    assert called.code == 2
    assert message in called.err
    assert called.err.count("\n") == 1


def test_coverage_lists_what_was_read_what_is_missing_and_what_is_not_judged(told):
    read = told("coverage", "--as-of", NOW)
    closed = [row for row in read if row["scope"] == "SEC"]
    assert closed
    assert all(row["through"] is None and row["reason"] for row in closed)
    gaps = told("coverage", "--gaps", "--as-of", NOW)
    assert any("SEC" in gap["reason"] for gap in gaps)
    assert all(gap["remedy"] for gap in gaps)
    catalogue = told("coverage", "--requirements")
    assert len(catalogue) == 290
    assert all((row["judged"] == "judged") == (row["parts"] > 0) for row in catalogue)
    assert sum(row["judged"] == "judged" for row in catalogue) >= 25


def test_the_report_is_there_and_is_not_made_twice(told, workplace):
    (message,) = told("report", "conformance", "--as-of", NOW)
    assert (message["channel"], message["state"]) == ("outbox", "sent")
    assert len(told("report", "list")) == 1
    assert len(list((workplace.parent / "out").glob("*.eml"))) == 1


@pytest.mark.sqlite("a server guards its own files")
def test_the_store_is_private(workplace):
    assert stat.S_IMODE((workplace.parent / "hub.db").stat().st_mode) == 0o600


def test_the_store_proves_itself(told):
    assert all(row["result"] == "ok" for row in told("verify"))


def test_a_second_run_says_so_and_leaves(workplace, run_hub):
    with (
        Session(workplace) as session,
        hold(session.store, "run", clock=SystemClock()),
    ):
        called = run_hub("run", "--config", str(workplace))
    assert called.code == 0
    assert "another run is at work" in called.err
    assert called.out == ""


def test_deriving_again_writes_nothing(told):
    told("derive")
    (again,) = told("derive", "--full")
    assert (again["closed"], again["written"]) == (0, 0)


def test_no_secret_is_anywhere(workplace):
    for path in workplace.parent.rglob("*"):
        if path.is_file() and path.parent.name != "secrets":
            assert TOKEN.encode() not in path.read_bytes(), path


def test_service_levels_read_well_at_eighty_columns(workplace, run_hub, told):
    called = run_hub("sla", "--period", "2026-10", "--config", str(workplace))
    lines = called.out.splitlines()
    assert lines[1].split() == ["2026-09", "2026-10", "2026-11", "met", "missed"]
    assert any(line.startswith("  resolution P4 <= 48 h on office") for line in lines)
    rows = told("sla", "--period", "2026-10")
    assert sum(row["met"] + row["missed"] for row in rows) > 20
    assert all(row["current"] == "no cases" for row in rows if row["met"] + row["missed"] == 0)
    shop = told("sla", "register:services/shop", "--period", "2026-10")
    assert {row["agreement"] for row in shop} == {"register:slas/shop"}
    listed = run_hub("sla", "--tickets", "--period", "2026-10", "--config", str(workplace)).out.splitlines()
    drawn = run_hub("explain", listed[1].split()[0], "--config", str(workplace)).out.splitlines()
    tool = run_hub("sla", "--tool", "--period", "2026-10", "--config", str(workplace)).out.splitlines()
    chain = run_hub("sla", "--chain", "--config", str(workplace)).out.splitlines()
    month = run_hub("calendar", "register:calendars/office", "--month", "2026-10", "--config", str(workplace))
    for told_lines in (lines, listed, drawn, tool, chain, month.out.splitlines()):
        assert max(map(len, told_lines)) <= 80


def test_each_ticket_is_listed_with_due_counted_time_and_pauses(told):
    rows = told("sla", "--tickets", "--period", "2026-10")
    assert {row["metric"] for row in rows} == {"response", "resolution"}
    paused = next(row for row in rows if row["pauses"] and row["counted_s"])
    assert paused["due_at"] > paused["started_at"]
    (clock,) = [one for one in told("explain", paused["ticket"]) if one["metric"] == paused["metric"]]
    assert (clock["due_at"], clock["stopped_at"]) == (paused["due_at"], paused["stopped_at"])
    assert any(line.endswith("paused: the customer was asked") for line in clock["timeline"])


def test_the_tools_own_clocks_stand_beside_those_of_the_hub(told):
    rows = told("sla", "--tool", "--period", "2026-10")
    assert rows
    for row in rows:
        assert row["tool_clock"] == "Time to resolution"
        assert all(seconds is None or abs(seconds) > 60 for seconds in row["differences"].values())
    graver = next(row for row in rows if "target" in row["differences"])
    assert graver["tool_target_s"] - graver["hub_target_s"] == graver["differences"]["target"]


def test_the_pair_that_does_not_fit_is_named(told, workplace, run_hub):
    weak = [row for row in told("sla", "--chain") if row["weakness"]]
    assert {row["support"] for row in weak} == {"register:contracts/hosting"}
    assert all("is closed while 7x24 is open" in row["weakness"] for row in weak)
    both = run_hub("sla", "--chain", "--tool", "--config", str(workplace))
    assert (both.code, both.err) == (2, "hub: --tickets, --tool, --chain: ask for one list at a time\n")


def test_what_has_no_clock_says_so(workplace, run_hub):
    called = run_hub("explain", "register:slas/shop", "--config", str(workplace))
    assert "slas have no service level clock" in called.out
