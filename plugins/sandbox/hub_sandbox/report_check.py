"""How reports are checked before and kept after: the rows of the register that every report brings with it."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from typing import Any

from hub.clock import format_instant, parse_instant
from hub_sandbox.office_hours import DAY_MS, OfficeHours

__all__ = ["checked_reports"]

Row = dict[str, Any]
_KEPT_DAYS = 1200
_ENTERED_LATE = "maintenance-2026-03"
_NEVER_ARCHIVED = "maintenance-2026-05"
_RELEASED_BY_ONE = "security-2026-04-08"
_FIRST_LOOK = {"external": ("department_manager", "alice"), "internal": ("process_manager", "gustav")}
_RELEASE = {"external": ("operations_manager", "dora"), "internal": ("management_representative", "alice")}
_SERVICES = ("services/shop", "services/payroll")


def checked_reports(reports: list[Row], hours: OfficeHours, as_of: int) -> tuple[list[Row], list[Row], list[Row]]:
    """Return the reports with summary, hash, entry and archive, and the approvals and measurements behind them."""
    whole, approvals, figures = [], [], []
    for row in reports:
        measured = [] if "measurements" in row else list(_figures(row))
        whole.append({**_completed(row, hours, as_of), **({"measurements": [f"measurements/{one['id']}" for one in measured]} if measured else {})})  # fmt: skip
        approvals += _approvals(row, hours)
        figures += measured
    return whole, approvals, figures


def _instant(said: str, hours: OfficeHours) -> int:
    return hours.local(date.fromisoformat(said), 0) if len(said) == len("2026-01-01") else parse_instant(said)


def _hash(row: Row) -> str:
    return hashlib.sha256(f"report {row['id']}".encode()).hexdigest()


def _completed(row: Row, hours: OfficeHours, as_of: int) -> Row:
    sent = _instant(row["submitted_at"], hours)
    start, end = _period(row["period"])
    due = row.get("due_at") or format_instant(sent + DAY_MS)
    entered = hours.later(sent, 60 if row["id"] == _ENTERED_LATE else 4)
    archived = hours.later(sent, 12)
    made: Row = {
        "content_hash": _hash(row),
        "due_at": due,
        "recipients": [one["recipient"] for one in row["delivery"]],
        "summary": {"text": "All went as planned; the figures stand below.", "no_decisions": True},
        "verdicts": [{"service_id": name, "verdict": "good"} for name in row.get("service_ids", _SERVICES)],
        **row,
    }
    if entered <= as_of:
        made["registered"] = {
            "at": format_instant(entered), "period_start": start, "period_end": end, "due_at": due,
            "submitted_at": row["submitted_at"], "result": "delivered",
        }  # fmt: skip
    if archived <= as_of and row["id"] != _NEVER_ARCHIVED:
        made["archived_at"] = format_instant(archived)
        made["archive"] = {
            "location": f"archive/{row['id']}.pdf", "sha256": _hash(row), "keep_until": format_instant(sent + _KEPT_DAYS * DAY_MS),
            **({"customer_location": "portal", "customer_received_at": format_instant(archived)} if row["direction"] == "external" else {}),
        }  # fmt: skip
    return made


def _period(said: str | dict[str, str]) -> tuple[str, str]:
    if isinstance(said, dict):
        return said["start"], said["end"]
    start = date.fromisoformat(f"{said}-01")
    return start.isoformat(), (start + timedelta(days=31)).replace(day=1).isoformat()


def _approvals(row: Row, hours: OfficeHours) -> list[Row]:
    sent = _instant(row["submitted_at"], hours)
    steps = [(_FIRST_LOOK, -6), (_RELEASE, -3)]
    made = []
    for table, before in steps[1:] if row["id"] == _RELEASED_BY_ONE else steps:
        role, person = table[row["direction"]]
        made.append(
            {
                "id": f"{row['id']}-{role}", "title": f"{row['title']}: {role}", "subject_id": f"service_reports/{row['id']}",
                "subject_revision": _hash(row), "role": role, "approver": f"people/{person}", "decision": "approved", "via": "signature",
                "authenticity": "typed", "declared_at": format_instant(hours.later(sent, before)),
            }
        )  # fmt: skip
    return made


def _figures(row: Row) -> list[Row]:
    """Give each figure of a report that names no measurement one of its own."""
    return [
        {
            "id": f"{line['metric_id']}-of-{row['id']}", "title": f"{line['name']}: {row['title']}", "metric_id": line["metric_id"],
            "formula_version": "1", "period": row["period"], "actual": line["current_actual"], "unit": line["unit"], "coverage": 1,
            "as_of": row["as_of"], "declared_at": row["as_of"],
        }
        for line in row.get("metrics", ())
        if "current_actual" in line
    ]  # fmt: skip
