"""The file for Prometheus: what stands in it, and that it is whole or untouched."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from pathlib import Path
from shutil import which

import pytest

from hub.cli.metrics import Facts, render, write_atomically
from hub.sync.run import RunSummary, SourceSummary
from hub_bs15000.catalogue import load_pack
from tests.peer import unavailable

CONFIG = """
[organisation]
name = "Example"
zone = "Europe/Berlin"
calendar = "5x8"
[store]
url = "sqlite:///hub.db"
[sources.register]
plugin = "register"
folder = "register"
[packs.bs15000]
[[packs.bs15000.profile]]
disabled = {clauses}
reason = "One clause is enough to count."
set_by = "register:people/a"
set_at = 2026-01-01
"""
CUSTOMER = "- {id: acme, name: Acme, declared_by: people/a, declared_at: 2026-01-05, proof: sales/acme.pdf}\n"
AT = 1_767_225_600_000


def run(*sources: SourceSummary, **more) -> RunSummary:
    return RunSummary(started_at=AT - 2500, finished_at=AT, sources=list(sources), **more)


def values(text: str) -> dict[str, float]:
    rows = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in rows}


def test_what_a_run_did_is_told():
    desk = SourceSummary(source="desk", documents=7, requests=3, seconds=1.5, faults=["no"], complete=False)
    facts = Facts(
        succeeded_at={"desk": AT - 3_600_000},
        through={"desk": AT - 60_000},
        findings=["critical", "major", "critical"],
        verdicts=["met", "not_provable", "met"],
    )
    found = values(render(run(desk, SourceSummary(source="new"), undelivered=2), facts))
    assert found["hub_last_run_timestamp_seconds"] == AT / 1000
    assert found["hub_run_duration_seconds"] == 2.5
    assert found['hub_source_last_success_timestamp_seconds{source="desk"}'] == AT / 1000 - 3600
    assert found['hub_source_last_success_timestamp_seconds{source="new"}'] == 0
    assert found['hub_source_lag_seconds{source="desk"}'] == 60
    assert 'hub_source_lag_seconds{source="new"}' not in found
    assert (found['hub_source_complete{source="desk"}'], found['hub_source_faults{source="desk"}']) == (0, 1)
    assert found['hub_source_duration_seconds{source="desk"}'] == 1.5
    assert found['hub_findings_open{severity="critical"}'] == 2
    assert found['hub_findings_open{severity="minor"}'] == 0, "none is told, not left out"
    assert (found['hub_requirements{verdict="met"}'], found['hub_requirements{verdict="waived"}']) == (2, 0)
    assert found["hub_messages_undelivered"] == 2


@pytest.fixture(scope="module")
def promtool() -> str:
    """Prometheus's own tool that checks files."""
    return which("promtool") or unavailable("promtool is not installed; it comes with prometheus")


@pytest.mark.peer
def test_prometheus_reads_it_without_complaint(promtool):
    text = render(run(SourceSummary(source='a "b"\\c\n')), Facts())
    assert r'source="a \"b\"\\c\n"' in text
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


@pytest.mark.peer
def test_the_rules_beside_the_example_are_rules(promtool):
    rules = Path(__file__).resolve().parents[2] / "config" / "prometheus" / "hub-rules.yml"
    checked = subprocess.run([promtool, "check", "rules", rules], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    named = set(re.findall(r"\bhub_\w+", rules.read_text(encoding="utf-8")))
    told = {name.partition("{")[0] for name in values(render(run(SourceSummary(source="a")), Facts()))}
    assert named <= told, "a rule about what is never told never fires"


def test_the_file_is_replaced_whole_or_stays(tmp_path, monkeypatch):
    path = tmp_path / "hub.prom"
    write_atomically(path, "one 1\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    monkeypatch.setattr("hub.cli.metrics.os.fsync", _full)
    with pytest.raises(OSError, match="full"):
        write_atomically(path, "two 2\n")
    assert path.read_text() == "one 1\n"
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"


def _full(_descriptor: int) -> None:
    raise OSError("full")


def test_a_run_writes_it_at_its_end(tmp_path, places, run_hub):
    (tmp_path / "w" / "register").mkdir(parents=True)
    customers = tmp_path / "w" / "register" / "customers.yaml"
    customers.write_text("no list: at all: broken")
    config = tmp_path / "w" / "hub.toml"
    config.write_text(CONFIG.format(clauses=json.dumps(sorted(set(load_pack().clauses) - {"8.3"}))))
    config = places.furnish(config)
    path = tmp_path / "hub.prom"
    assert run_hub("run", "--config", config, "--metrics", path).code == 2
    found = values(path.read_text())
    assert found['hub_source_complete{source="register"}'] == 0
    assert found['hub_source_last_success_timestamp_seconds{source="register"}'] == 0
    customers.write_text(CUSTOMER)
    called = run_hub("run", "--config", config, "--metrics", path)
    assert called.code in (0, 1), called.err
    found = values(path.read_text())
    assert found['hub_source_complete{source="register"}'] == 1
    assert found['hub_source_last_success_timestamp_seconds{source="register"}'] > 0
    verdicts = {name: value for name, value in found.items() if name.startswith("hub_requirements{")}
    assert sum(verdicts.values()) == len(load_pack().entries)
    assert verdicts['hub_requirements{verdict="not_judged"}'] < sum(verdicts.values())
    assert found['hub_source_lag_seconds{source="register"}'] < 600
    before = path.read_bytes()
    called = run_hub("run", "--config", config, "--metrics", tmp_path / "nowhere" / "hub.prom")
    assert called.code == 2
    assert "there is no folder" in called.err
    assert path.read_bytes() == before
