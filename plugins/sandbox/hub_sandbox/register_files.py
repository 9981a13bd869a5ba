"""The register people of the organisation keep: YAML files as they stood at an instant."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from hub.clock import format_instant
from hub_sandbox.faults import FAULTS
from hub_sandbox.gitlab_configuration import gitlab_accounts
from hub_sandbox.office_hours import DAY_MS, HISTORY_START, OfficeHours
from hub_sandbox.organisation import Organisation
from hub_sandbox.people import CHANGE_AUTHORITY, PROBLEM_MANAGERS, SERVICES, STAFF, TEAMS
from hub_sandbox.register_rows import merge_rows, standing_rows
from hub_sandbox.report_check import checked_reports
from hub_sandbox.review_plan import Declared
from hub_sandbox.timeline import Issue

__all__ = ["write_register"]

_FOUNDED = "2024-01-01"
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def write_register(
    folder: Path,
    organisation: Organisation,
    *,
    as_of: int,
    tickets: str = "service-desk",
    data_center: bool = False,
    gitlab: bool = False,
) -> list[Path]:
    """Write the register's files as people had kept them by `as_of` (UTC ms); return their paths.

    `tickets` is the configured name of the Jira source that references point to; `data_center`
    ties people by user key instead of account id, `gitlab` ties their accounts in GitLab too.
    """
    hours = OfficeHours()
    files: dict[str, list[dict[str, Any]]] = {
        "people": _people(tickets, data_center=data_center, gitlab=gitlab),
        "roles": _roles(),
        "teams": [
            {"id": team.id, "name": team.name, "manager": f"people/{team.manager}", "members": [f"people/{p.id}" for p in STAFF if p.team == team.id]}
            for team in TEAMS
        ],
        "services": [
            {
                "id": service.id, "title": service.name, "name": service.name, "owner": f"people/{service.owner}", "in_scope": True,
                "in_scope_from": HISTORY_START.isoformat(), "customer_facing": True, "lifecycle": "live", "live_at": _FOUNDED,
                "calendar_id": "calendars/office",
            }
            for service in SERVICES
        ],
        "calendars": [_calendar()],
        "reviews": _written(organisation.reviews.rows, as_of, tickets),
        "waivers": _waivers(organisation, hours, as_of, tickets),
        "improvement_actions": _actions(hours, as_of),
        "disposals": [],
        "service_reports": _problem_reports(organisation, hours, as_of, tickets),
    }  # fmt: skip
    for name, papers in organisation.papers.items():
        files[name] = [*files.get(name, []), *_written(papers, as_of, tickets)]
    for name, rows in standing_rows(date.fromisoformat(format_instant(as_of)[:10])).items():
        files[name] = merge_rows(files.get(name, []), rows)
    reports, approvals, figures = checked_reports(files["service_reports"], hours, as_of)
    files["service_reports"] = reports
    files["approvals"] += approvals
    files["measurements"] += figures
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, rows in files.items():
        head = {
            "zone": "Europe/Berlin",
            "declared_by": "people/alice",
            "declared_at": _FOUNDED,
            "proof": f"minutes/{name}.pdf",
            "rows": rows,
        }
        path = folder / f"{name}.yaml"
        text = yaml.dump(head, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=110)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def _written(rows: list[Declared], as_of: int, tickets: str) -> list[dict[str, Any]]:
    return [
        {"id": item.id, "declared_at": format_instant(item.declared_at), **_refer(item.row, tickets)}
        for item in rows
        if item.declared_at <= as_of
    ]


def _refer(value: Any, tickets: str) -> Any:
    if isinstance(value, Issue):
        return f"{tickets}:issue/{value.id}"
    if isinstance(value, dict):
        return {key: _refer(item, tickets) for key, item in value.items()}
    if isinstance(value, list):
        return [_refer(item, tickets) for item in value]
    return value


def _people(tickets: str, *, data_center: bool, gitlab: bool) -> list[dict[str, Any]]:
    rows = []
    for person in STAFF:
        row: dict[str, Any] = {
            "id": person.id, "title": person.name, "name": person.name, "email": [person.email], "employment": "employee", "active_from": _FOUNDED,
            "accounts": [
                f"{tickets}:user/{person.user_key if data_center else person.account_id}",
                *(gitlab_accounts(person) if gitlab else ()),
            ],
        }  # fmt: skip
        if person.left:
            row["active_to"] = (date.fromisoformat(person.left) + timedelta(days=1)).isoformat()
        rows.append(row)
    return rows


def _roles() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "id": f"change-authority-{person}",
            "person": f"people/{person}",
            "role": "change_authority",
            "process": "change",
        }
        for person in CHANGE_AUTHORITY
    ]
    rows += [
        {
            "id": f"problem-manager-{person}",
            "person": f"people/{person}",
            "role": "problem_manager" if person == PROBLEM_MANAGERS[0] else "problem_analyst",
            "process": "problem",
        }
        for person in PROBLEM_MANAGERS
    ]
    rows.append({"id": "change-manager", "person": "people/alice", "role": "change_manager", "process": "change"})
    rows.append({"id": "incident-manager", "person": "people/bruno", "role": "incident_manager", "process": "incident"})
    rows += [
        {
            "id": f"service-owner-{service.id}",
            "person": f"people/{service.owner}",
            "role": "service_owner",
            "service": f"services/{service.id}",
        }
        for service in SERVICES
    ]
    return [{**row, "from": _FOUNDED, "authorised_by": "people/alice"} for row in rows]


def _calendar() -> dict[str, Any]:
    weekly = [
        {"day": day, "opens": opens, "closes": closes}
        for day in ("mon", "tue", "wed", "thu", "fri")
        for opens, closes in (("08:00", "12:00"), ("13:00", "17:00"))
    ]
    return {"id": "office", "title": "Office hours", "zone": "Europe/Berlin", "weekly": weekly, "valid_from": _FOUNDED}


def _problem_reports(organisation: Organisation, hours: OfficeHours, as_of: int, tickets: str) -> list[dict[str, Any]]:
    """Write down the monthly reports that hold the month's checks of solutions, once handed over."""
    rows = []
    for month in sorted(organisation.reviewed_problems):
        first = date(2025 + (9 + month) // 12, (9 + month) % 12 + 1, 1)
        drawn = hours.later(hours.local((first + timedelta(days=32)).replace(day=1), 0), 1)
        submitted = hours.later(drawn, 11)
        if submitted > as_of:
            break
        rows.append(
            {
                "id": f"problems-{first:%Y-%m}", "title": f"Problem management in {first:%B %Y}", "type": "process",
                "process": "problem", "period": f"{first:%Y-%m}", "author": "people/peter", "submitted_at": format_instant(submitted),
                "report_id": f"SR-internal-problem-{first:%Y-%m}", "revision": 1, "class": "routine", "direction": "internal",
                "purpose": "To see which problems were solved, and whether for good.", "audience": ["top_management"],
                "as_of": format_instant(drawn), "issued_at": format_instant(submitted), "state": "submitted",
                "data_sources": [
                    {"system": tickets, "query": "problems of the month", "retrieved_at": format_instant(drawn), "complete": True}
                ],
                "delivery": [{"recipient": "people/alice", "sent_at": format_instant(submitted), "result": "delivered"}],
                "declared_at": format_instant(submitted),
            }
        )  # fmt: skip
    return rows


def _waivers(organisation: Organisation, hours: OfficeHours, as_of: int, tickets: str) -> list[dict[str, Any]]:
    accepted = hours.local(date(2026, 9, 14), 10)
    kind = FAULTS["backout_missing"]
    excused = [fault for fault in organisation.faults_at(accepted - 30 * DAY_MS) if fault.name == kind.name][-1:]
    if accepted > as_of:
        return []
    return [
        {
            "id": f"no-way-back-{fault.native_id}", "title": "Accepted: no way back", "requirement_id": kind.requirement,
            "subject": f"{tickets}:issue/{fault.native_id}", "reason": "One-way data migration, accepted by the customer.",
            "approver": "people/bruno", "valid_from": "2026-09-14", "valid_to": "2027-03-31", "declared_at": format_instant(accepted),
        }
        for fault in excused
    ]  # fmt: skip


def _actions(hours: OfficeHours, as_of: int) -> list[dict[str, Any]]:
    at = hours.local(date(2026, 9, 16), 11)
    if at > as_of:
        return []
    row = {
        "id": "approval-reminder", "title": "Remind approvers a day before the start", "source_type": "change_analysis", "owner": "people/carla",
        "due_at": "2026-10-30", "declared_at": format_instant(at),
    }  # fmt: skip
    if as_of >= hours.local(date(2026, 10, 28), 11):
        row |= {"closed_at": "2026-10-28", "verified_at": "2026-10-28", "result": "effective"}
    return [row]
