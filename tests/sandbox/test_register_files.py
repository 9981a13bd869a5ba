from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

from hub.clock import parse_instant
from hub_sandbox.configuration import write_configuration
from hub_sandbox.office_hours import DAY_MS, HOUR_MS
from hub_sandbox.people import STAFF
from hub_sandbox.register_files import write_register
from hub_sandbox.vocabulary import FIELDS, STATUSES

FIRST_RUN = parse_instant("2026-10-01T06:00:00Z")
SECOND_RUN = parse_instant("2026-11-03T08:00:00Z")


def rows(folder: Path, name: str) -> dict[str, dict]:
    return {row["id"]: row for row in yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))["rows"]}


def test_the_register_grows_with_time(organisation, tmp_path):
    write_register(tmp_path / "then", organisation, as_of=FIRST_RUN)
    write_register(tmp_path / "now", organisation, as_of=SECOND_RUN)
    then, now = rows(tmp_path / "then", "reviews"), rows(tmp_path / "now", "reviews")
    assert then.items() < now.items()
    assert "incident-analysis-2026-09" not in now
    assert "change-analysis-2026-09" in now.keys() - then.keys()
    assert all(row["declared_at"] <= "2026-10-01T06:00:00Z" for row in then.values())


def test_management_reviews_list_every_emergency_change_but_those_forgotten(organisation, tmp_path):
    write_register(tmp_path, organisation, as_of=parse_instant("2026-12-31T00:00:00Z"))
    listed = {
        item
        for row in rows(tmp_path, "reviews").values()
        if row["type"] == "management_review"
        for item in row.get("items", [])
        if item.startswith("service-desk:")
    }
    emergencies = {issue for issue in organisation.issues if issue.fields.get("type") == "Emergency"}
    assert listed == {f"service-desk:issue/{issue.id}" for issue in emergencies - organisation.unlisted_emergencies}
    assert len(organisation.unlisted_emergencies) == 3


def test_service_reviews_list_what_was_solved_late(organisation, tmp_path):
    write_register(tmp_path, organisation, as_of=SECOND_RUN)
    reviews = [row for name, row in rows(tmp_path, "reviews").items() if name.startswith("service-review-2026-")]
    known = {f"service-desk:issue/{issue.id}": issue for issue in organisation.issues}
    named = [known[item] for row in reviews for item in row.get("items", []) if "period" in row]
    assert len(named) == len(set(named)) > 20
    for issue in named:
        solved = [step.at for step in issue.steps if step.changes.get("status") == "Resolved"]
        assert (
            solved[-1] - issue.created_at > {"P1": 4, "P2": 8, "P3": 24, "P4": 48}[issue.fields["priority"]] * HOUR_MS
        )


def test_every_grave_incident_has_its_outage_and_says_what_was_done(organisation, tmp_path):
    write_register(tmp_path, organisation, as_of=SECOND_RUN)
    known = {f"service-desk:issue/{issue.id}": issue for issue in organisation.issues}
    outages = {row["incident_id"]: row for row in rows(tmp_path, "outages").values()}
    incidents = {name: issue for name, issue in known.items() if issue.fields["project"] == "OPS"}
    grave = {
        name for name, one in incidents.items() if "P1" in one.fields["priority"] or one.fields.get("major") == "Yes"
    }
    assert outages.keys() == grave
    assert all(parse_instant(row["ended_at"]) > known[name].created_at for name, row in outages.items())
    silent = {name for name in grave if known[name].value_at("remedy", SECOND_RUN) is None}
    solved = {name for name in silent if known[name].value_at("status", SECOND_RUN) in {"Resolved", "Closed"}}
    [left] = [fault for fault in organisation.faults if fault.name == "remedy_not_written_down"]
    assert solved == {f"service-desk:issue/{left.native_id}"}


def test_an_agreement_is_reviewed_after_every_major_change(organisation, tmp_path):
    write_register(tmp_path, organisation, as_of=SECOND_RUN)
    reviews = [row for name, row in rows(tmp_path, "reviews").items() if name.startswith("sla-review-1")]
    held = {row["items"][0]: parse_instant(row["held_at"]) for row in reviews}
    major = {
        f"service-desk:issue/{issue.id}": issue.value_at("actual_end", SECOND_RUN)
        for issue in organisation.issues
        if issue.fields.get("major_change") == "Yes"
    }
    assert held.keys() <= major.keys()
    assert all(0 < at - major[name] < 20 * DAY_MS for name, at in held.items())
    assert {name for name, end in major.items() if end and end < SECOND_RUN - 20 * DAY_MS} <= held.keys()


def test_reports_that_problems_point_to_are_there_once_handed_over(organisation, tmp_path):
    write_register(tmp_path, organisation, as_of=SECOND_RUN)
    reports = rows(tmp_path, "service_reports")
    named = {
        issue.value_at("effectiveness_report", parse_instant("2026-10-31T00:00:00Z")) for issue in organisation.issues
    }
    assert {name.partition("/")[2] for name in named if name} - reports.keys() == {"problems-2026-10"}
    assert all(row["submitted_at"] <= "2026-11-03T08:00:00Z" for row in reports.values())
    assert rows(tmp_path, "disposals") == {}


def test_one_procedure_is_past_its_review(organisation, tmp_path):
    write_register(tmp_path, organisation, as_of=SECOND_RUN)
    last: dict[str, str] = {}
    for row in rows(tmp_path, "documents").values():
        last[row["doc_type"]] = max(last.get(row["doc_type"], ""), row["last_review_at"])
    assert [kind for kind, day in last.items() if day < "2025-11-03"] == ["pir_procedure"]


def test_a_document_has_two_editions_and_one_follows_the_other(organisation, tmp_path):
    write_register(tmp_path, organisation, as_of=SECOND_RUN)
    documents, plans = rows(tmp_path, "documents"), rows(tmp_path, "plans")
    old, new = documents["security-policy-2.0"], documents["security-policy-2.1"]
    assert (old["superseded_at"], old["doc_status"]) == (new["effective_from"], "obsolete")
    assert (new["effective_from"], new["doc_status"]) == ("2026-02-16", "effective")
    assert {plan["links"][0]["target"] for name, plan in plans.items() if name.startswith("service-management")} == {
        "documents/scope-statement-2.0",
        "documents/scope-statement-2.1",
    }


def test_rows_are_repeated_by_day_and_written_when_their_day_came(organisation, tmp_path):
    for folder, as_of in (("then", FIRST_RUN), ("now", SECOND_RUN)):
        write_register(tmp_path / folder, organisation, as_of=as_of)
    then, now = rows(tmp_path / "then", "reviews"), rows(tmp_path / "now", "reviews")
    assert now.keys() - then.keys() > {"capacity-2026-10-26", "supplier-hosting-2026-10-20"}
    assert now["review-finance-2026-08-05"]["chaired_by"] == "people/sven"
    assert now["review-finance-2026-08-05"]["held_at"] == now["review-finance-2026-08-05"]["declared_at"]


def test_people_are_tied_to_accounts(organisation, tmp_path):
    write_register(tmp_path, organisation, as_of=SECOND_RUN)
    people = rows(tmp_path, "people")
    assert people.keys() > {person.id for person in STAFF}
    assert "contractor" not in people
    assert people["nils"]["active_to"] == "2026-07-01"
    assert people["alice"]["accounts"] == [f"service-desk:user/{STAFF[0].account_id}"]


def test_the_configuration_maps_every_word(tmp_path):
    path = write_configuration(tmp_path, url="http://127.0.0.1:1", token_file=Path("secrets/jira-token"))
    source = tomllib.loads(path.read_text(encoding="utf-8"))["sources"]["service-desk"]
    assert source["statuses"].keys() == STATUSES.keys()
    assert source["fields"].keys() == {spec.id for spec in FIELDS.values() if spec.neutral}
    assert source["fields"]["customfield_10062"] == ["incident.category", "problem.category", "complaint.category"]
    assert source["links"]["Problem/Incident"] == ["causes", "caused_by"]


def test_reports_come_with_their_approvals_and_the_figures_behind_them(organisation, tmp_path):
    write_register(tmp_path, organisation, as_of=SECOND_RUN)
    reports, approvals, figures = (rows(tmp_path, name) for name in ("service_reports", "approvals", "measurements"))
    for report in reports.values():
        looked_at = [one for one in approvals.values() if one["subject_id"] == f"service_reports/{report['id']}"]
        passed = [one for one in looked_at if one.get("subject_revision") == report["content_hash"]]
        assert len(passed) == (1 if report["id"] == "security-2026-04-08" else 2), report["id"]
        for line in report.get("metrics", ()):
            named = [figures[one.partition("/")[2]] for one in report["measurements"]]
            assert [one["actual"] for one in named if one["metric_id"] == line["metric_id"]] == [line["current_actual"]]


def test_workload_told_to_customers_is_that_of_the_tickets(organisation, tmp_path):
    write_register(tmp_path, organisation, as_of=SECOND_RUN)
    report = rows(tmp_path, "service_reports")["services-retail-2026-09"]
    whole, *by_priority = report["workload"]
    start, end = parse_instant("2026-08-31T22:00:00Z"), parse_instant("2026-09-30T22:00:00Z")
    shop = [one for one in organisation.issues if one.fields["project"] == "OPS" and "shop" in one.fields["components"]]
    assert whole["opened"] == sum(start <= one.created_at < end for one in shop) > 0
    assert all(sum(line[name] for line in by_priority) == whole[name] for name in ("opening", "resolved", "closing"))


def test_the_desk_hands_over_what_is_urgent_and_its_calls_lead_to_tickets(organisation, tmp_path):
    write_register(tmp_path, organisation, as_of=SECOND_RUN)
    shifts, handovers, calls = (rows(tmp_path, name) for name in ("shifts", "handovers", "contacts"))
    assert {row["start"][:10] for row in shifts.values()} == {
        row["at"][:10] for row in handovers.values() if "site" in row
    }
    known = {f"service-desk:issue/{issue.id}": issue for issue in organisation.issues}
    for row in handovers.values():
        named = [known[one] for one in row["open_ticket_ids"]]
        assert all(issue.fields["priority"] in {"P1", "P2"} for issue in named)
        assert all(issue.created_at <= parse_instant(row["at"]) for issue in named if "site" in row)
    assert 30 < len(calls) < 150
    assert {row["ticket_id"] for row in calls.values()} <= known.keys()
    missed = [row["at"][:7] for row in calls.values() if not row["answered"]]
    assert missed
    assert set(missed) <= {"2026-08", "2026-09"}


def test_the_second_contract_names_a_change_without_fault(organisation, tmp_path):
    write_register(tmp_path, organisation, as_of=SECOND_RUN)
    contract = rows(tmp_path, "contracts")["printing-2"]
    [link] = contract["links"]
    faulty = {fault.native_id for fault in organisation.faults}
    assert link["target"].partition("issue/")[2] not in faulty
    assert (contract["number"], contract["signed_at"]) == ("C-2023-09", "2026-08-20")
