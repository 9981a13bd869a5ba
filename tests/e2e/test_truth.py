"""What was done wrong on purpose is found, nothing else is, and nothing is called proven that is not."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from hub.cli.session import Session
from hub.conformance.answer import FindingRow, ObligationRow
from hub_sandbox.configuration import GITLAB_TOKEN, TOKEN
from hub_sandbox.faults import SHIPPING_FAULTS, Fault
from tests.e2e.conftest import FIRST, SECOND, Story, Turn, month, said_by_store

TOKENS = (TOKEN, GITLAB_TOKEN)
NOT_PROVABLE = {
    "approver_unknown": "whose login decided is not known",
    "attestation_expired": "what was declared for it has expired",
    "cluster_without_problem": "service-desk SEC: ",  # a problem may stand in the project nobody may read
    "cost_overrun": "service-desk SEC: ",  # an action against it may stand there
    "policy_not_acknowledged": "no source gives any communication",  # it may have been acknowledged by mail
    "customers_not_told": "no source gives any communication",
    "known_error_missing": "service-desk SEC: ",
}
"""Faults that absence alone would show, and why absence proves nothing here."""
PROVEN_BY_LATE_EVIDENCE = {
    "cluster_with_late_problem": "cluster_without_problem",
    "known_error_late": "known_error_missing",
}
"""Until the evidence comes, these look like the others."""
MISSED_MEETINGS = re.compile(r"(incident|change)_analysis_(missing|late)")


def looks_like(fault: Fault, as_of: int) -> str:
    """Name the fault as it shows at an instant."""
    cured = fault.cured_at is not None and fault.cured_at <= as_of
    return fault.name if cured else PROVEN_BY_LATE_EVIDENCE.get(fault.name, fault.name)


def meant(fault: Fault) -> tuple[str, str]:
    """Say where a planted fault must show: requirement, and issue, row of the register or month."""
    if fault.native_id:
        return fault.requirement, fault.native_id
    if MISSED_MEETINGS.fullmatch(fault.name):
        return fault.requirement, fault.key[-7:]
    if fault.name == "procedure_review_overdue":
        return fault.requirement, month(fault.at)
    return fault.requirement, fault.key


def shown(row: FindingRow | ObligationRow, turn: Turn) -> tuple[str, str]:
    """Say the same of a finding; what a service owes in a month is named by both."""
    subject = turn.anchors.get(row.anchor, row.unit) if row.unit.kind == "service" else row.unit
    if subject.kind == "organisation":
        return row.requirement, month(row.anchor)
    native = subject.id.partition(":")[2]
    if subject.kind == "service":
        return row.requirement, f"{native} {month(row.anchor)}"
    return row.requirement, native.split("/")[1] if native.startswith("issue/") else native


@pytest.mark.parametrize("as_of", [FIRST, SECOND])
def test_findings_are_what_was_planted(story: Story, as_of: int):
    turn = story.turns[as_of]
    planted = story.organisation.faults_at(as_of)
    provable = {meant(fault) for fault in planted if looks_like(fault, as_of) not in NOT_PROVABLE}
    assert len(provable) > 50
    assert {shown(finding, turn) for finding in turn.findings} == provable


@pytest.mark.parametrize("as_of", [FIRST, SECOND])
def test_what_absence_would_prove_is_said_not_to_be_provable(story: Story, as_of: int):
    turn = story.turns[as_of]
    reasons: dict[tuple[str, str], set[str]] = {}
    for row in turn.not_provable:
        reasons.setdefault(shown(row, turn), set()).add(row.reason)
    expected = [(looks_like(fault, as_of), fault) for fault in story.organisation.faults_at(as_of)]
    not_yet = {"attestation_expired"} if as_of == FIRST else set()
    assert {name for name, _ in expected} >= NOT_PROVABLE.keys() - not_yet
    for name, fault in expected:
        if name in NOT_PROVABLE:
            told = reasons.get(meant(fault), set())
            assert any(reason.startswith(NOT_PROVABLE[name]) for reason in told), (fault, told)


def test_late_evidence_cures_and_an_accepted_exception_covers(story: Story):
    states: dict[tuple[str, str], set[str]] = {}
    for finding in story.turns[SECOND].findings:
        states.setdefault(shown(finding, story.turns[SECOND]), set()).add(finding.state)
    cured = {
        meant(fault)
        for fault in story.organisation.faults_at(SECOND)
        if fault.name not in NOT_PROVABLE and fault.cured_at is not None and fault.cured_at <= SECOND
    }
    assert len(cured) > 10
    assert {place for place, found in states.items() if found == {"cured"}} == cured
    assert [place[0] for place, found in states.items() if "waived" in found] == ["BS15000-8.2-e"]


def test_a_project_nobody_may_read_is_a_gap_said_once(story: Story):
    for turn in story.turns.values():
        closed = {row.scope for row in turn.coverage if row.reason}
        assert closed == {"SEC"}
        jira, *others = turn.summary.sources
        (warning,) = jira.warnings
        assert warning.startswith("SEC: ")
        assert warning.endswith("No project could be found with key 'SEC'; give the account permission to browse it")
        assert (jira.complete, jira.faults) == (False, [])
        assert [source.source for source in others] == ["register", "gitlab", "gitlab-free"]
        assert [(source.complete, source.faults, source.warnings) for source in others] == [(True, [], [])] * 3


def test_what_shows_only_across_tools_is_found(story: Story):
    turn = story.turns[SECOND]
    found = {shown(finding, turn) for finding in turn.findings}
    planted = story.organisation.shipping.faults
    assert {fault.name for fault in planted} == {kind.name for kind in SHIPPING_FAULTS}
    assert {meant(fault) for fault in planted if fault.at < SECOND} <= found
    of_jira = {fault.native_id for fault in planted if fault.name == "approved_by_maker"}
    assert len(of_jira) == 4
    assert of_jira <= {str(issue.id) for issue in story.organisation.issues}


def test_what_a_tier_cannot_tell_is_not_provable(story: Story):
    turn = story.turns[SECOND]
    assert turn.summary.sources[3].skipped["deployment approvals: not_provable (tier)"] > 0
    free = [row for row in turn.not_provable if row.unit.id.startswith("gitlab-free:deployment/")]
    assert {row.requirement for row in free} >= {"BS15000-9-c"}


def test_a_policy_kept_in_git_is_judged_as_any_other(story: Story):
    query = """
        SELECT r.id, d.version, d.authorised_by IS NOT NULL, d.superseded_at IS NOT NULL,
               (SELECT count(*) FROM obligation o WHERE o.unit = r.sid)
        FROM document d JOIN record r USING (sid) WHERE r.source = 'gitlab-free' AND r.id LIKE '%release-policy%'
    """
    with Session(story.folder / "hub.toml") as session, session.store.connect() as conn:
        first, second = sorted(tuple(row) for row in conn.execute(text(query)).all())
    assert {first[1:4], second[1:4]} == {("1.0", True, True), ("1.1", True, False)}
    assert min(first[4], second[4]) > 0


def test_the_same_again_writes_nothing(story: Story):
    before, after = story.turns[SECOND], story.again
    assert [source.changed for source in after.summary.sources] == [0, 0, 0, 0]
    assert (after.summary.obligations_written, after.summary.findings_opened, after.summary.findings_closed) == (
        0,
        0,
        0,
    )
    assert after.summary.reports == []
    runs = {"sync_run", "coverage"}
    assert {name: n for name, n in after.rows.items() if name not in runs} == {
        name: n for name, n in before.rows.items() if name not in runs
    }
    assert after.findings == before.findings


def test_a_moved_issue_goes_on_and_a_deleted_one_is_missed(story: Story):
    moved, deleted = story.organisation.moved, story.organisation.deleted
    query = """
        SELECT r.kind, coalesce(p.vanished_at, i.vanished_at, c.vanished_at), coalesce(p.key, i.key, c.key),
               (SELECT count(*) FROM obligation o WHERE o.unit = r.sid)
        FROM record r LEFT JOIN problem p USING (sid) LEFT JOIN improvement_action i USING (sid)
             LEFT JOIN change c USING (sid)
        WHERE r.id = :id
    """
    with Session(story.folder / "hub.toml") as session, session.store.connect() as conn:
        to_action, to_problem, gone = (
            tuple(conn.execute(text(query), {"id": f"service-desk:issue/{issue.id}"}).one())
            for issue in (*moved, deleted)
        )
    assert to_action[:3] == ("improvement_action", None, moved[0].keys[-1][1])
    assert to_problem[:3] == ("problem", None, moved[1].keys[-1][1])
    assert to_problem[3] > 0
    assert gone[:3] == ("change", SECOND, deleted.keys[0][1])
    assert gone[3] > 0


def test_nobody_reads_the_token_anywhere(story: Story):
    told = "".join(turn.log for turn in (*story.turns.values(), story.again))
    assert "read service-desk" in told
    assert [token for token in TOKENS if token in told] == []
    written = [path for path in story.folder.rglob("*") if path.is_file() and path.parent.name != "secrets"]
    assert "hub.toml" in {path.name for path in written}
    assert [path.suffix for path in written].count(".eml") == 2
    assert [path.name for path in written for token in TOKENS if token.encode() in path.read_bytes()] == []
    stored = said_by_store(story.folder)
    assert [token for token in TOKENS if token in stored] == []
