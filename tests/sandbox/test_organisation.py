from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import pairwise

import msgspec
import pytest

from hub.clock import parse_instant
from hub_sandbox.faults import FAULTS, SHIPPING_FAULTS
from hub_sandbox.jira_view import JiraView
from hub_sandbox.office_hours import DAY_MS, HOUR_MS, ZONE, OfficeHours
from hub_sandbox.organisation import DELETED_AT, Organisation
from hub_sandbox.people import CHANGE_AUTHORITY, STAFF, TEAMS
from hub_sandbox.timeline import Issue

FIRST_RUN = parse_instant("2026-10-01T06:00:00Z")
SECOND_RUN = parse_instant("2026-11-03T08:00:00Z")
LATER = parse_instant("2027-08-01T00:00:00Z")


def fingerprint(organisation: Organisation, now: int) -> str:
    view = JiraView("cloud", "http://x", now, lambda _issue: True)
    digest = hashlib.sha256()
    for issue in organisation.issues:
        if issue.exists_at(now):
            digest.update(bytes(view.issue(issue, None, changelog=True)))
    return digest.hexdigest()


def test_it_is_as_large_as_promised(organisation: Organisation):
    kinds = Counter(issue.fields["issuetype"] for issue in organisation.issues)
    assert sum(kinds.values()) - kinds["Change"] >= 3000
    assert kinds["Change"] >= 400
    assert len(kinds) == 7
    assert {issue.fields["project"] for issue in organisation.issues} == {"OPS", "PRB", "CHG", "IMP", "SEC"}
    assert (len(TEAMS), 23 <= len(STAFF) <= 27) == (4, True)
    assert min(issue.created_at for issue in organisation.issues) >= organisation.start
    opened = [
        issue.created_at
        for issue in organisation.issues
        if issue.fields["issuetype"] not in {"Known error", "Improvement"}
    ]
    assert max(opened) < organisation.end


def test_same_seed_same_bytes_and_another_seed_other_bytes():
    again, other = Organisation(7, scale=0.1), Organisation(8, scale=0.1)
    expected = fingerprint(Organisation(7, scale=0.1), SECOND_RUN)
    assert fingerprint(again, SECOND_RUN) == expected
    assert fingerprint(other, SECOND_RUN) != expected


@pytest.mark.parametrize(("seed", "scale"), [(20000, 1.0), (3, 1.0), (7, 0.1)])
def test_every_planned_fault_is_planted(seed: int, scale: float):
    planted = Counter(fault.name for fault in Organisation(seed, scale=scale).faults)
    assert dict(planted) == {kind.name: kind.total for kind in FAULTS.values()}


def test_most_changes_are_proper(organisation: Organisation):
    changes = {str(issue.id) for issue in organisation.issues if issue.fields["issuetype"] == "Change"}
    wrong = {fault.native_id for fault in organisation.faults} & changes
    assert 0.87 <= 1 - len(wrong) / len(changes) <= 0.93


def test_the_second_month_differs_from_the_first(organisation: Organisation):
    first = set(organisation.faults_at(FIRST_RUN, open_only=True))
    second = set(organisation.faults_at(SECOND_RUN, open_only=True))
    assert len(second - first) >= 10, "new"
    assert len(first - second) >= 4, "cured late"
    assert len(first & second) >= 20, "continuing"


BEYOND_THE_CHANGE = {"emergency_not_in_management_review", "evidence_deleted", "deleted_without_leave"}
"""Faults of a change that its own history does not show."""


def approvals_before_start(issue: Issue) -> list[str]:
    start = issue.value_at("actual_start", LATER)
    return [
        person
        for approval in issue.value_at("approvals", start) or ()
        if approval.decision == "approved"
        for person, _ in approval.approvers
    ]


def test_changes_are_as_the_list_of_faults_says(organisation: Organisation):
    named: dict[str, set[str]] = defaultdict(set)
    of_jira = set(FAULTS) - {kind.name for kind in SHIPPING_FAULTS}
    for fault in organisation.faults:
        if fault.name in of_jira:
            named[fault.native_id].add(fault.name)
    found: dict[str, set[str]] = defaultdict(set)
    for issue in organisation.issues:
        start = issue.value_at("actual_start", LATER)
        if issue.fields["issuetype"] != "Change" or start is None:
            continue
        names = found[str(issue.id)]
        before = issue.state_at(start).fields
        after = issue.state_at(LATER).fields
        emergency = issue.fields["type"] == "Emergency"
        if emergency:
            late = issue.state_at(OfficeHours().later(after["actual_end"], 16)).fields
            if not (late.get("impact_at") and late.get("test_result") and late.get("approvals")):
                names.add("emergency_without_retro")
            if not after.get("approvals"):
                names.add("emergency_never_authorised")
            if any(not line.partition(":")[2].strip() for line in (after.get("skipped_steps") or "").splitlines()):
                names.add("emergency_step_without_reason")
            assert any(step.link for step in issue.steps)
        else:
            approvers = approvals_before_start(issue)
            if not after.get("approvals"):
                names.add("change_without_approval")
            elif not approvers:
                names.add("approved_too_late")
            elif issue.fields["implementer"] in approvers:
                names.add("approved_by_implementer")
            elif approvers == ["contractor"]:
                names.add("approver_unknown")
            elif not set(approvers) & set(CHANGE_AUTHORITY):
                names.add("approver_without_role")
            elif any(approval.decision == "declined" for approval in before["approvals"]):
                names.add("approval_withdrawn")
            elif issue.value_at("revision", before["approvals"][0].completed_at) != before["revision"]:
                names.add("approved_on_other_revision")
            if before.get("test_result") is None:
                names.add("tested_after_start" if after.get("test_result") else "test_missing")
            elif before["test_result"] == "Failed":
                names.add("test_failed")
            else:
                assert before["tested_revision"] == before["revision"]
                assert before["tested_at"] <= start
            if not before.get("impact_at"):
                names.add("impact_missing")
            elif not all(
                before.get(f"impact_{part}")
                for part in ("service", "business", "customer", "infrastructure", "release_plan")
            ):
                names.add("impact_incomplete")
            if not before.get("backout_plan"):
                names.add("backout_missing")
            if (
                not before["planned_start"] - HOUR_MS / 2
                <= start
                <= after["actual_end"]
                <= before["planned_end"] + HOUR_MS / 2
            ):
                names.add("outside_window")
            if before.get("schedule_published_at", start) > start - DAY_MS:
                names.add("schedule_published_late")
            if not any(step.comment and step.comment.public and step.at <= start - DAY_MS for step in issue.steps):
                names.add("customers_not_told")
            if before["reason"] == "Fix" and not any(
                step.link and step.link.type == "Resolution" for step in issue.steps
            ):
                names.add("fix_without_link")
        if after.get("major_change") == "Yes" or after.get("outcome") != "Successful":
            held = after.get("pir_held_at")
            if held is None:
                names.add("pir_missing")
            elif held > after["actual_end"] + 30 * DAY_MS:
                names.add("pir_late")
            elif "availability" not in after["pir_planned_vs_actual"]:
                names.add("pir_incomplete")
            elif after["pir_weaknesses"] is None:
                names.add("pir_weaknesses_missing")
        names |= named[str(issue.id)] & BEYOND_THE_CHANGE
        assert names == named[str(issue.id)], issue.keys


def test_incidents_cluster_only_where_a_problem_or_a_fault_is(organisation: Organisation):
    unmanaged = {fault.native_id for fault in organisation.faults if fault.name == "cluster_without_problem"}
    times: dict[tuple[str, str], list[tuple[int, Issue]]] = defaultdict(list)
    for issue in organisation.issues:
        if issue.fields["issuetype"] == "Incident" and issue.fields.get("category"):
            times[issue.fields["components"][0], issue.fields["category"]].append((issue.created_at, issue))
    clusters, lonely = 0, set()
    for incidents in times.values():
        for (first, _), (_, middle), (third, last) in zip(incidents, incidents[1:], incidents[2:], strict=False):
            if third - first <= 30 * DAY_MS:
                clusters += 1
                if not any(
                    step.link and step.link.type == "Problem/Incident" for one in (middle, last) for step in one.steps
                ):
                    lonely.add(str(last.id))
    assert clusters > 30
    assert unmanaged <= lonely
    starts = {organisation.by_id[int(number)].fields["category"] for number in unmanaged}
    assert {organisation.by_id[int(number)].fields["category"] for number in lonely} == starts


def test_problems_are_as_the_list_of_faults_says(organisation: Organisation):
    named: dict[str, set[str]] = defaultdict(set)
    for fault in organisation.faults:
        named[fault.native_id].add(fault.name)
    for issue in organisation.issues:
        if issue.fields["issuetype"] != "Problem":
            continue
        names = set()
        fields = issue.state_at(LATER).fields
        resolved = next(step.at for step in issue.steps if step.changes.get("status") == "Resolved")
        closed = next(step.at for step in issue.steps if step.changes.get("status") == "Closed")
        instants = [issue.created_at, *(step.at for step in issue.steps if step.changes and step.at <= resolved)]
        if max(after - before for before, after in pairwise(instants)) > 14 * DAY_MS:
            names.add("problem_idle")
        if resolved > fields["target_resolution_at"]:
            names.add("problem_overdue")
        span = fields["target_resolution_at"] - issue.created_at
        if resolved > issue.created_at + 0.8 * span and not fields["labels"]:
            names.add("problem_not_escalated")
        if not fields.get("root_cause"):
            names.add("problem_closed_without_cause")
        reviewed = fields.get("effectiveness_reviewed_at")
        if reviewed is None:
            names.add("effectiveness_not_reviewed")
        elif reviewed > closed + 90 * DAY_MS:
            names.add("effectiveness_reviewed_late")
        again = sum(
            resolved < step.link.target.created_at <= (reviewed or 0)
            for step in issue.steps
            if step.link and step.link.type == "Problem/Incident"
        )
        if reviewed and again != fields["recurrence_count"]:
            names.add("recurrence_count_wrong")
        if not issue.fields["assignee"]:
            names |= {"problem_incomplete", "problem_without_owner"}
        if issue.fields["workaround"] is None:
            names.add("workaround_missing")
        documented = [step.link.source for step in issue.steps if step.link and step.link.type == "Documentation"]
        if fields.get("root_cause_known_at"):
            published = [one.value_at("published_at", LATER) for one in documented]
            if not published:
                names.add("known_error_missing")
            elif published[0] > OfficeHours().later(fields["root_cause_known_at"], 40):
                names.add("known_error_late")
        names |= named[str(issue.id)] & {"problem_owner_left"}
        assert names == named[str(issue.id)], issue.keys


def test_moves_and_deletion_happen_on_their_day(organisation: Organisation):
    for issue, (before, after) in zip(organisation.moved, (("CHG", "IMP"), ("OPS", "PRB")), strict=True):
        moved_at = issue.keys[1][0]
        assert issue.key_at(moved_at - 1).startswith(before)
        assert issue.key_at(moved_at).startswith(after)
        assert FIRST_RUN - 30 * DAY_MS < moved_at < SECOND_RUN
    assert organisation.deleted.exists_at(DELETED_AT - 1)
    assert not organisation.deleted.exists_at(DELETED_AT)


def test_past_is_a_prefix_of_the_present(organisation: Organisation):
    then, now = (JiraView("cloud", "http://x", at, lambda _issue: True) for at in (FIRST_RUN, SECOND_RUN))
    grown = 0
    for issue in organisation.issues[::7]:
        if issue.exists_at(FIRST_RUN) and issue.exists_at(SECOND_RUN):
            before, after = ([entry["id"] for entry in view.histories(issue)] for view in (then, now))
            assert after[: len(before)] == before
            grown += len(after) > len(before)
    assert grown > 5


def test_office_hours_are_a_line_over_the_change_of_clocks():
    hours = OfficeHours()
    friday = hours.local(datetime(2026, 3, 27, tzinfo=ZONE).date(), 16)
    monday = hours.later(friday, 2)
    assert datetime.fromtimestamp(monday / 1000, tz=UTC) == datetime(2026, 3, 30, 7, tzinfo=UTC)
    assert hours.elapsed(friday, monday) == 2 * HOUR_MS
    assert hours.later(monday, -2) == friday


def test_changelog_is_capped_on_cloud_only(organisation: Organisation):
    longest = max(organisation.issues, key=lambda issue: len(issue.steps))
    for flavour, embedded in (("cloud", 40), ("data_center", None)):
        view = JiraView(flavour, "http://x", SECOND_RUN, lambda _issue: True)
        log = msgspec.json.decode(bytes(view.issue(longest, None, changelog=True)))["changelog"]
        assert log["total"] > 40
        assert len(log["histories"]) == (embedded or log["total"])
        assert log["histories"][0]["created"] >= log["histories"][-1]["created"]
