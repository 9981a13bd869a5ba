"""A changed parameter: what it opens and withdraws is told as our doing, in the list and in the mail."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

from hub.cli.run import do_run
from hub.cli.session import Session
from hub.clock import FixedClock, parse_instant
from hub_sandbox.command import write_workplace
from hub_sandbox.jira_server import JiraServer
from hub_sandbox.organisation import Organisation

NOW = parse_instant("2026-11-03T08:00:00Z")
MONTH = 30 * 86_400_000
TWO = '[packs.bs15000]\nparameters."BS15000-8.2-c" = { min_approvers = 2 }\n'


def test_changed_by_us(tmp_path, run_hub):
    organisation = Organisation(7, scale=0.03)
    with JiraServer(organisation, "cloud", clock_ms=NOW) as server:
        config = write_workplace(tmp_path, organisation, server, NOW)

        def run(now: int) -> str:
            server.set_clock(now)
            with Session(config, clock=FixedClock(now), create_store=True) as session:
                (report,) = do_run(session).reports
            return run_hub("report", "show", report, "--config", config).out

        def by_rules(state: str) -> set[str]:
            shown = run_hub("findings", "--all", "--as-of", "2026-11-03", "--format", "json", "--config", config)
            rows = json.loads(shown.out)
            return {row["unit"] for row in rows if row["by_rules"] and row["state"] == state}

        assert "Changed by us" not in run(NOW)
        assert by_rules("open") == set()
        told = config.read_text()
        assert "[packs.bs15000]\n" in told
        config.write_text(told.replace("[packs.bs15000]\n", TWO))
        mail = run(NOW + MONTH)
        ours = by_rules("open")
        assert ours
        assert f"Changed by us, because the rules changed and not the records: {len(ours)} appeared." in _line(mail)
        assert "- SET BY US BS15000-8.2-c min_approvers: 1 → 2" in mail
        assert "- CHANGED BY US BS15000-8.2-c" in mail
        told_as = _told_as(next(tmp_path.glob("out/*-2026-11-r1-findings.csv")))
        assert told_as["redefined"] == ours
        assert not told_as["new"] & ours
        key = min(ours)
        explained = run_hub("explain", "BS15000-8.2-c", key, "--config", config).out
        assert "known as not met (changed by us: parameter min_approvers: 1 -> 2)" in explained
        config.write_text(told)
        mail = run(NOW + 2 * MONTH)
        gone = by_rules("withdrawn")
        assert gone
        assert f"rules changed and not the records: {len(gone)} went away." in _line(mail)


def _told_as(findings: Path) -> dict[str, set[str]]:
    """Against the last report -> changes with a finding of the requirement."""
    found = defaultdict[str, set[str]](set)
    for row in csv.DictReader(findings.read_text(encoding="utf-8-sig").splitlines()):
        if row["requirement"] == "BS15000-8.2-c":
            found[row["since_last_report"]].add(row["subject"])
    return found


def _line(mail: str) -> str:
    return " ".join(mail.split())
