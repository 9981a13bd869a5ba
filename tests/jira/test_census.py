"""Deleted, moved, hidden: what is concluded of issues that Jira no longer lists, in both flavours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub.cli.judging import derived, judged
from hub.cli.session import Session
from hub.cli.sync import read_sources
from hub.clock import FixedClock, parse_instant
from hub.conformance.listing import list_obligations
from hub.records import Person
from hub.store.account import accounts_in_charge
from hub.store.reading import coverage_rows
from hub.store.revision import read_record
from hub.sync.run import SourceSummary
from hub_sandbox.command import write_workplace
from hub_sandbox.contract_check import ContractCheck
from hub_sandbox.jira_person import account_ref
from hub_sandbox.jira_server import JiraServer
from hub_sandbox.organisation import Organisation
from hub_sandbox.people import ALL_ACCOUNTS, STAFF
from hub_sandbox.timeline import Issue

DAY = 86_400_000
START = parse_instant("2026-03-01T06:00:00Z")
EVIDENCE = "BS15000-4.5-r5"
SAFE = ("issue_security = false\n", "")
UNSEALED = ('sealed_projects = ["SEC"]\n', "")


@dataclass
class Desk:
    """A workplace at a sandbox; every reading is a day after the one before."""

    folder: Path
    server: JiraServer
    left_at: int | None = None

    def configure(self, *changes: tuple[str, str]) -> None:
        path = self.folder / "hub.toml"
        text = path.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)

    def read(self, *sources: str, accept: bool = False) -> SourceSummary:
        """Read the service desk, or all sources named, on the next day."""
        self.server.set_clock(self.server.clock_ms + DAY)
        del self.server.requests[:]
        with Session(self.folder / "hub.toml", clock=FixedClock(self.server.clock_ms), create_store=True) as session:
            return read_sources(session, sources or ["service-desk"], accept=accept)[0]

    def read_all(self) -> SourceSummary:
        """Read the register too, which says who may decide."""
        return self.read("service-desk", "register")

    def asked(self) -> int:
        """Count the requests of the last run that ask after issues by id."""
        return sum(
            each.path.endswith("/issue/bulkfetch") or (each.method, each.path[-7:]) == ("POST", "/search")
            for each in self.server.requests
        )

    def mark(self, issue: Issue) -> tuple[str, str | None]:
        """Tell the scope of an issue's record, and its mark."""
        with Session(self.folder / "hub.toml") as session, session.store.connect() as conn:
            found = read_record(conn, f"service-desk:issue/{issue.id}")
        assert found is not None
        marked = "deleted" if found.vanished_at else "not visible" if found.invisible_at else None
        return found.scope, marked

    def verdicts(self, issue: Issue) -> set[tuple[str, str, str]]:
        """List (requirement, verdict, reason) of what an issue owes."""
        with Session(self.folder / "hub.toml", clock=FixedClock(self.server.clock_ms)) as session:
            derived(session)
            with judged(session, None, None) as judgement:
                rows = list_obligations(judgement, baseline=False)
        name = f"service-desk:issue/{issue.id}"
        return {(row.requirement, row.verdict, row.reason) for row in rows if row.unit.id == name}

    def closed(self) -> set[str]:
        with Session(self.folder / "hub.toml") as session, session.store.connect() as conn:
            return {row.scope for row in coverage_rows(conn, "service-desk") if row.reason}


@pytest.fixture(params=["cloud", "data_center"])
def desk(request: pytest.FixtureRequest, tmp_path: Path, shared: Path) -> Iterator[Desk]:
    organisation = Organisation(7, scale=0.1)
    check = ContractCheck(shared / "contracts" / "jira", request.param, items=2)
    with JiraServer(organisation, request.param, clock_ms=START, observer=check) as server:
        write_workplace(tmp_path, organisation, server, START)
        made = Desk(tmp_path, server)
        made.configure(('"IMP", ', ""))
        yield made
    check.verify()


def latest_changes(desk: Desk, count: int) -> list[Issue]:
    there = [each for each in desk.server.api.organisation.issues if each.exists_at(START)]
    return [each for each in there if each.project_at(START) == "CHG"][-count:]


def test_what_is_not_found_is_called_deleted_only_where_nothing_can_hide_it(desk: Desk) -> None:
    desk.configure(SAFE, UNSEALED)
    desk.read_all()
    assert desk.asked() == 0
    deleted, moved, moved_away, hidden, outside = latest_changes(desk, 5)
    desk.server.delete_issue(str(deleted.id))
    desk.server.move_issue(str(moved.id), "OPS", "Incident")
    desk.server.move_issue(str(moved_away.id), "SEC", "Incident")
    desk.server.move_issue(str(outside.id), "IMP", "Improvement")
    desk.server.hide_issue(str(hidden.id))

    summary = desk.read_all()
    assert desk.mark(moved) == ("OPS", None)
    assert {desk.mark(each) for each in (deleted, moved_away, hidden)} == {("CHG", "not visible")}
    assert desk.mark(outside) == ("IMP", "not visible")
    told = [each for each in summary.warnings if "no longer listed" in each]
    assert len(told) == 1
    assert told[0].startswith(
        "3 no longer listed in issue and not found by id: no longer visible, not called deleted; "
    )
    assert "issue_security = false" in told[0]
    assert "SEC cannot be read and may hold it" in told[0]
    assert "IMP: 1 in issue moved there, where this source does not read: no longer visible" in summary.warnings
    assert desk.asked() == 1
    for issue in (deleted, moved_away, hidden, outside):
        assert not [each for each in desk.verdicts(issue) if each[1] == "not_met" and each[0] == EVIDENCE]

    desk.read_all()
    assert desk.asked() == 0, "asked after once"

    desk.configure(("escalation =", "issue_security = false\nescalation ="))
    desk.read_all()
    assert desk.mark(deleted) == ("CHG", "not visible"), "it may stand in SEC"

    desk.server.hide_project("SEC", hidden=False)
    desk.read_all()
    assert desk.mark(deleted) == ("CHG", "deleted")
    assert desk.mark(moved_away) == ("SEC", None)
    assert (EVIDENCE, "not_met") in {each[:2] for each in desk.verdicts(deleted)}
    assert EVIDENCE not in {each[0] for each in desk.verdicts(moved_away) if each[1] == "not_met"}


def test_a_whole_project_hidden_marks_nothing(desk: Desk) -> None:
    desk.read_all()
    (one,) = latest_changes(desk, 1)
    before = desk.verdicts(one)
    desk.server.hide_project("CHG")
    desk.read_all()
    assert desk.mark(one) == ("CHG", None)
    assert desk.closed() == {"CHG", "SEC"}
    assert {each for each in desk.verdicts(one) if each[1] == "not_met"} <= before
    desk.server.hide_project("CHG", hidden=False)
    desk.read_all()
    assert desk.closed() == {"SEC"}


def test_what_cannot_be_asked_after_is_not_concluded_and_asked_again(desk: Desk) -> None:
    desk.read_all()
    (one,) = latest_changes(desk, 1)
    desk.server.delete_issue(str(one.id))
    path = "*/issue/bulkfetch" if desk.server.api.flavour == "cloud" else "*/search"
    desk.server.disturb("status", method="POST", path=path, status=400, count=1)
    desk.read_all()
    assert desk.mark(one) == ("CHG", None)
    assert desk.closed() == {"CHG", "SEC"}
    summary = desk.read_all()
    assert desk.mark(one) == ("CHG", "deleted"), "the closed project is sealed"
    assert (EVIDENCE, "not_met") in {each[:2] for each in desk.verdicts(one)}
    assert [each for each in summary.warnings if "listed" in each] == []


def _person(desk: Desk, person: str) -> Person:
    ref = account_ref(person, desk.server.api.flavour)
    with Session(desk.folder / "hub.toml") as session, session.store.connect() as conn:
        found = read_record(conn, f"service-desk:user/{ref}")
    assert isinstance(found, Person)
    return found


def _account(desk: Desk, person: str) -> tuple[str | None, bool]:
    """Tell an account's status, and whether its person is gone."""
    found = _person(desk, person)
    assert found.active_to in {None, desk.left_at}
    return found.status, found.active_to is not None


def _in_charge(desk: Desk) -> list[str]:
    with Session(desk.folder / "hub.toml") as session, session.store.connect() as conn:
        keys = {one.key for one in accounts_in_charge(conn, "service-desk")}
    return sorted(each.id for each in STAFF if account_ref(each.id, desk.server.api.flavour) in keys)


def test_an_account_that_ends_is_told_apart(desk: Desk) -> None:
    desk.read()
    asked = [each for each in desk.server.requests if "/user" in each.path]
    people = _in_charge(desk)
    assert 3 < len(people) < len(ALL_ACCOUNTS), people
    assert len(asked) == (1 if desk.server.api.flavour == "cloud" else len(people))
    assert {_account(desk, each) for each in people} == {("active", False)}

    desk.server.hide_users()
    summary = desk.read()
    assert {_account(desk, each) for each in people} == {("active", False)}, "who may not see accounts knows nothing"
    assert [each for each in summary.warnings if "may not browse users" in each]
    assert summary.faults == []

    *_, stays, leaves, dies = people
    desk.server.end_account(leaves, "inactive")
    desk.server.end_account(dies, "deleted")
    desk.server.hide_users(hidden=False)
    summary = desk.read()
    desk.left_at = desk.server.clock_ms
    assert [_account(desk, each) for each in (stays, leaves, dies)] == [
        ("active", False),
        ("inactive", True),
        ("deleted", True),
    ]
    told = [each for each in summary.warnings if "no longer active (1 of them deleted); assign it anew" in each]
    assert len(told) == 1
    summary = desk.read()
    assert _account(desk, leaves) == ("inactive", True), "since the hub learnt it"
    assert not [each for each in summary.warnings if "no longer active" in each], "told once"

    desk.server.end_account(leaves, None)
    desk.read()
    assert _account(desk, leaves) == ("active", False)


def test_accounts_that_are_all_gone_at_once_are_not_believed(desk: Desk) -> None:
    desk.read()
    for each in STAFF:
        desk.server.end_account(each.id, "deleted")
    summary = desk.read()
    desk.left_at = desk.server.clock_ms
    people = _in_charge(desk)
    found = {_account(desk, each) for each in people}
    assert found <= {("active", False), ("inactive", True)}, "an issue read this day says that much"
    assert ("active", False) in found
    assert [each for each in summary.warnings if f"{len(people)} of {len(people)} accounts" in each]
    desk.read(accept=True)
    assert {_person(desk, each).status for each in _in_charge(desk)} == {"deleted"}
