"""The demo's story at a fifth of its size, told once for all tests here: two runs, and the second again."""

from __future__ import annotations

import contextlib
import io
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard
from sqlalchemy import inspect, text

from hub.cli.judging import judged
from hub.cli.run import do_run
from hub.cli.session import Session
from hub.clock import FixedClock, format_instant, parse_instant
from hub.conformance.answer import FindingRow, ObligationRow, Subject
from hub.conformance.finding import list_findings
from hub.conformance.listing import list_obligations
from hub.conformance.subject import subjects
from hub.store.reading import Covered, coverage_rows
from hub.sync.run import RunSummary
from hub_sandbox.command import write_workplace
from hub_sandbox.contract_check import ContractCheck
from hub_sandbox.gitlab_contract import GitlabContract
from hub_sandbox.gitlab_server import GitlabServer
from hub_sandbox.jira_server import JiraServer
from hub_sandbox.organisation import Organisation
from hub_sandbox.register_files import write_register
from tests.store_fixtures import Places

FIRST = parse_instant("2026-10-01T06:00:00Z")
SECOND = parse_instant("2026-11-03T08:00:00Z")


@dataclass(frozen=True)
class Turn:
    """What one run of the hub did and said."""

    summary: RunSummary
    findings: list[FindingRow]
    not_provable: list[ObligationRow]
    anchors: dict[int, Subject]
    """What the obligations of services are about: the incident that made the cluster."""
    coverage: list[Covered]
    log: str
    """Everything a person saw of it, and every line any library logged."""
    rows: dict[str, int]
    """Rows of every table afterwards."""


@dataclass(frozen=True)
class Story:
    """The two runs, and the second once more."""

    organisation: Organisation
    folder: Path
    turns: dict[int, Turn]
    again: Turn


def take_turn(folder: Path, now: int) -> Turn:
    """Run the hub at an instant as `hub run` does, and ask what it found."""
    said = io.StringIO()
    ear = logging.StreamHandler(said)
    logging.getLogger().addHandler(ear)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        with (
            contextlib.redirect_stderr(said),
            Session(folder / "hub.toml", clock=FixedClock(now), create_store=True) as session,
        ):
            summary = do_run(session)
            with judged(session, None, None) as judgement:
                findings = list_findings(judgement)
                unknown = list_obligations(judgement, verdicts=["not_provable"], baseline=False)
                services = [row.anchor for row in (*findings, *unknown) if row.unit.kind == "service"]
                anchors = subjects(judgement.conn, services)
                coverage = list(coverage_rows(judgement.conn))
    finally:
        logging.getLogger().removeHandler(ear)
        logging.getLogger().setLevel(level)
    return Turn(summary, findings, unknown, anchors, coverage, said.getvalue(), count_rows(folder))


def count_rows(folder: Path) -> dict[str, int]:
    """Count the rows of every table of the store.

    Past states of the hub's own checks are left out: a look at the store goes on where the run before left it.
    """
    others = "WHERE sid NOT IN (SELECT sid FROM record WHERE kind = 'check_result')"
    with Session(folder / "hub.toml") as session, session.store.connect() as conn:
        asked = {name: others if name == "revision" else "" for name in inspect(conn).get_table_names()}
        return {
            name: conn.execute(text(f'SELECT count(*) FROM "{name}" {which}')).scalar_one()
            for name, which in asked.items()
        }


def said_by_store(folder: Path) -> str:
    """Return every value of every table, compressed ones opened."""
    opened = zstandard.ZstdDecompressor()
    said = io.StringIO()
    with Session(folder / "hub.toml") as session, session.store.connect() as conn:
        for name in inspect(conn).get_table_names():
            for row in conn.execute(text(f'SELECT * FROM "{name}"')):
                for value in row:
                    packed = isinstance(value, bytes) and value.startswith(zstandard.FRAME_HEADER)
                    said.write(f"{opened.decompress(value) if packed else value}\n")
    return said.getvalue()


def _vendor_checks() -> tuple[ContractCheck, GitlabContract] | None:
    folder = Path(os.environ.get("HUB_SHARED") or Path(__file__).resolve().parents[3] / "shared")
    if folder.is_dir():
        contracts = folder / "contracts"
        return ContractCheck(contracts / "jira", "cloud", items=3), GitlabContract(contracts / "gitlab")
    assert not os.environ.get("CI"), f"no folder {folder}: set HUB_SHARED"
    return None


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory, places: Places) -> Story:
    """The simulated organisation, Jira and GitLab, read on 1 October and on 3 November 2026 over HTTP."""
    folder = tmp_path_factory.mktemp("demo")
    organisation = Organisation(scale=0.2)
    checks = _vendor_checks()
    of_jira, of_gitlab = checks or (None, None)
    turns = {}
    with (
        JiraServer(organisation, "cloud", clock_ms=FIRST, observer=of_jira) as jira,
        GitlabServer(organisation.shipping.content, clock_ms=FIRST, observer=of_gitlab) as gitlab,
    ):
        places.settle(write_workplace(folder, organisation, jira, FIRST, gitlab=gitlab))
        for now in (FIRST, SECOND):
            jira.set_clock(now)
            gitlab.set_clock(now)
            write_register(folder / "register", organisation, as_of=now, gitlab=True)
            turns[now] = take_turn(folder, now)
        again = take_turn(folder, SECOND)
    for check in checks or ():
        check.verify()
    return Story(organisation, folder, turns, again)


def month(instant: int) -> str:
    """Name the month that begins at, or around, an instant in Berlin."""
    return format_instant(instant + 12 * 3_600_000)[:7]
