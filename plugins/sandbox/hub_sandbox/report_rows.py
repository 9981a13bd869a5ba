"""Service reports of the provider: to each customer, of the processes and on major incidents.

Figures of tickets are counted from the history, the others repeat what the register measures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from hub.clock import format_instant
from hub_sandbox.faults import FAULTS, Fault
from hub_sandbox.office_hours import OfficeHours
from hub_sandbox.register_rows import standing_rows
from hub_sandbox.review_plan import Declared

if TYPE_CHECKING:
    from hub_sandbox.organisation import Organisation
    from hub_sandbox.timeline import Issue, Sla

__all__ = ["plan_reports"]

Row = dict[str, Any]
_FIRST = date(2025, 9, 1)
_MONTHS = 14
_CUSTOMERS = (("retail", "shop", "rita"), ("personnel", "payroll", "hugo"))
_PRIORITIES = ("P1", "P2", "P3", "P4")
_SHOWN = {"response": (60, "min"), "resolution": (8, "h"), "availability": (99.5, "%")}
_JOINT = ("incident", "problem", "change", "configuration", "release", "availability", "security", "supplier", "service_level", "finance")  # fmt: skip
_TO_CUSTOMERS_FROM = date(2026, 4, 1)
_OWE_FIGURES = 8
"""So many of the processes told of together show every figure they have."""
_SECOND_AGREEMENT = date(2026, 7, 1)
_LATER = date(2100, 1, 1)
_CORRECTED, _CORRECTED_ON = "services-retail-2026-07", date(2026, 8, 20)
_UNREPORTED_BEFORE = date(2026, 9, 15)
"""The last major incident before this day has no report."""


@dataclass(frozen=True, slots=True)
class _Month:
    start: date
    end: date
    name: str


class _Ticket(NamedTuple):
    made: int
    over: int
    priority: str
    late: bool
    """By the clock that Jira keeps."""


@dataclass(slots=True)
class _Desk:
    """What the reports are made from."""

    hours: OfficeHours
    ended: dict[str, list[_Ticket]]
    """Tickets by service."""
    measured: dict[str, Row]
    surveys: list[Row]

    def instants(self, month: _Month) -> tuple[int, int]:
        return self.hours.local(month.start, 0), self.hours.local(month.end, 0)

    def tickets(self, service: str, priority: str | None) -> list[_Ticket]:
        return [one for one in self.ended[service] if priority in {None, one.priority}]


def plan_reports(organisation: Organisation, hours: OfficeHours) -> tuple[dict[str, list[Declared]], Fault]:
    """Return the rows by file, and the major incident nobody reported on."""
    standing = standing_rows(_LATER)
    forms = [{"id": one.id, **one.row} for one in organisation.papers["surveys"]]
    by_hand = {row["id"]: row for row in standing["measurements"]}
    desk = _Desk(hours, _tickets(organisation), by_hand, [*standing["surveys"], *forms])
    reports, figures = [], []
    for month in _months():
        handed_over = hours.later(hours.local(month.end, 0), 22)
        for row in _to_customers(desk, month, handed_over) if month.start >= _TO_CUSTOMERS_FROM else ():
            reports.append(Declared(row.pop("id"), handed_over, row))
            if row["report_id"] == f"SR-{_CORRECTED}":
                reports.append(_correction(row, hours))
        for row, measured in _of_processes(standing["metric_definitions"], month, handed_over):
            reports.append(Declared(row.pop("id"), handed_over, row))
            figures += [Declared(one.pop("id"), hours.local(month.end, 0), one) for one in measured]
    events, fault = _events(organisation, hours)
    return {"service_reports": [*reports, *events], "measurements": figures}, fault


def _tickets(organisation: Organisation) -> dict[str, list[_Ticket]]:
    found: dict[str, list[_Ticket]] = {service: [] for _, service, _ in _CUSTOMERS}
    for issue in organisation.issues:
        if issue.fields["project"] == "OPS":
            over = _over(issue)
            clock: Sla | None = issue.value_at("sla", over)
            late = clock is not None and clock.stop is not None and clock.stop > clock.due
            found[issue.fields["components"][0]].append(_Ticket(issue.created_at, over, issue.fields["priority"], late))
    return found


def _months() -> Iterator[_Month]:
    start = _FIRST
    for _ in range(_MONTHS):
        end = (start + timedelta(days=31)).replace(day=1)
        yield _Month(start, end, f"{start:%Y-%m}")
        start = end


def _head(identity: str, month: _Month, handed_over: int, **more: Any) -> Row:
    end, sent = month.end.isoformat(), format_instant(handed_over)
    return {
        "id": identity, "report_id": f"SR-{identity}", "revision": 1, "class": "routine", "period": month.name, "as_of": end,
        "data_sources": [{"system": "register", "query": "rows of the period", "retrieved_at": end, "complete": True}],
        "issued_at": sent, "submitted_at": sent, "state": "submitted", **more,
    }  # fmt: skip


# -- customers --------------------------------------------------------------------------------


def _to_customers(desk: _Desk, month: _Month, handed_over: int) -> Iterator[Row]:
    for customer, service, person in _CUSTOMERS:
        identity = f"services-{customer}-{month.name}"
        workload = [_workload(desk, service, priority, month) for priority in (None, *_PRIORITIES)]
        if identity == "services-personnel-2026-05":
            workload[0]["closing"] += 1
        attainment = list(_attainment(desk, service, month))
        if identity == "services-retail-2026-06":
            attainment[0]["met"] += 1
        metrics = list(_metrics(desk, service, month))
        values = list(_values(desk, service, month))
        if identity == "services-personnel-2026-08":
            values[1]["value"] += 1
        yield _head(
            identity, month, handed_over, title=f"Services in {month.name}", type="service", direction="external",
            purpose="To see how the services did.", audience=["customer"], author="people/quentin",
            customer_id=f"customers/{customer}", service_ids=[f"services/{service}"],
            recipients=[f"people/{person}"], delivery=[{"recipient": f"people/{person}", "sent_at": format_instant(handed_over), "result": "delivered"}],
            satisfaction=list(_satisfaction(desk, customer, month)), workload=workload, attainment=attainment, metrics=metrics,
            performance=[{"service_id": f"services/{service}", "metric_id": "availability", "limit": 99.5, "actual": metrics[2]["current_actual"], "coverage": 1}],
            trends=[{"metric_id": metric, "direction": "level", "not_forecast_reason": "The figures do not move."} for metric in _SHOWN],
            trend_values=values, measurements=[f"measurements/{metric}-{service}-{month.name}" for metric in _SHOWN],
            chapters=[{"name": "service_level", "text": "All figures stand in the tables."}],
        )  # fmt: skip


def _correction(row: Row, hours: OfficeHours) -> Declared:
    """Send it again with a note, though the value that was wrong is not shown."""
    handed_over = hours.local(_CORRECTED_ON, 11)
    sent = format_instant(handed_over)
    again = {
        **row, "revision": 2, "supersedes": f"service_reports/{_CORRECTED}", "issued_at": sent, "submitted_at": sent,
        "change_note": "The tables were in another order.", "corrections": [{"name": "resolution", "new": "5.2 h"}],
        "delivery": [{**one, "sent_at": sent} for one in row["delivery"]],
    }  # fmt: skip
    return Declared(f"{_CORRECTED}-2", handed_over, again)


def _workload(desk: _Desk, service: str, priority: str | None, month: _Month) -> Row:
    start, end = desk.instants(month)
    spans = [(one.made, one.over) for one in desk.tickets(service, priority)]
    return {
        **({} if priority is None else {"priority": priority}),
        "opening": sum(made < start <= over for made, over in spans),
        "opened": sum(start <= made < end for made, _ in spans),
        "reopened": 0,
        "resolved": sum(start <= over < end for _, over in spans),
        "cancelled": 0,
        "closing": sum(made < end <= over for made, over in spans),
    }


def _attainment(desk: _Desk, service: str, month: _Month) -> Iterator[Row]:
    start, end = desk.instants(month)
    sla = "slas/payroll-2" if service == "payroll" and month.start >= _SECOND_AGREEMENT else f"slas/{service}"
    for metric in ("response", "resolution"):
        for priority in _PRIORITIES:
            cases = [one for one in desk.tickets(service, priority) if start <= one.over < end]
            missed = sum(one.late for one in cases) if metric == "resolution" else 0
            yield {
                "sla_id": sla, "target_id": f"{metric}-{priority.lower()}", "met": len(cases) - missed, "missed": missed,
                "excluded": 0, "total": len(cases),
            }  # fmt: skip
    kept = int(desk.measured[f"availability-{service}-{month.name}"]["actual"] >= _SHOWN["availability"][0])
    yield {"sla_id": sla, "target_id": "availability", "met": kept, "missed": 1 - kept, "excluded": 0, "total": 1}


def _metrics(desk: _Desk, service: str, month: _Month) -> Iterator[Row]:
    before = f"{month.start - timedelta(days=1):%Y-%m}"
    for metric, (target, unit) in _SHOWN.items():
        actual = desk.measured[f"{metric}-{service}-{month.name}"]["actual"]
        earlier = desk.measured.get(f"{metric}-{service}-{before}")
        kept = actual >= target if metric == "availability" else actual <= target
        yield {
            "metric_id": metric, "name": metric, "unit": unit, "formula_version": "1", "current_period": month.name,
            "current_target": target, "current_actual": actual, "current_coverage": 1, "verdict": "met" if kept else "missed",
            **({} if kept else {"action_id": "improvement_actions/second-power"}),
            **({"new_metric": True} if earlier is None else {"previous_period": before, "previous_target": target, "previous_actual": earlier["actual"]}),
        }  # fmt: skip


def _values(desk: _Desk, service: str, month: _Month) -> Iterator[Row]:
    """Yield the figures of the last three months, newest first."""
    for metric in _SHOWN:
        day = month.start
        for _ in range(3):
            row = desk.measured.get(f"{metric}-{service}-{day:%Y-%m}")
            if row is not None:
                yield {"metric_id": metric, "period": f"{day:%Y-%m}", "value": row["actual"]}
            day = (day - timedelta(days=1)).replace(day=1)


def _satisfaction(desk: _Desk, customer: str, month: _Month) -> Iterator[Row]:
    ours = [
        row
        for row in desk.surveys
        if row["customer_id"] == f"customers/{customer}" and row["sent_at"][:7] == month.name
    ]
    for channel in (None, "visit", "phone"):
        asked = [row for row in ours if channel in {None, row["channel"]}]
        scores = [row["score"] for row in asked if "replied_at" in row]
        line = {"sent": len(asked), "replied": len(scores), **({} if channel is None else {"channel": channel})}
        yield {**line, **({"mean": sum(scores) / len(scores)} if scores else {})}


def _over(issue: Issue) -> int:
    """Return when work on a ticket ended; far ahead where it has not."""
    done = [step.at for step in issue.steps if step.changes.get("status") == "Resolved"]
    return done[-1] if done else issue.created_at + 10**12


# -- processes --------------------------------------------------------------------------------


def _of_processes(definitions: list[Row], month: _Month, handed_over: int) -> Iterator[tuple[Row, list[Row]]]:
    """Yield the report of all processes together, and that on capacity, each with the figures behind it."""
    for name, processes, author, reader in (
        ("processes", _JOINT, "quentin", "alice"),
        ("capacity", ("capacity",), "karl", "karl" if month.name == "2026-06" else "lena"),
    ):
        shown = [one for one in definitions if one["process"] in processes[:_OWE_FIGURES]]
        if (name, month.name) == ("processes", "2026-04"):
            shown = [one for one in shown if one["metric_id"] != "release_in_time"]
        identity = f"{name}-{month.name}"
        figures: list[Row] = [
            {
                "id": f"{one['metric_id']}-of-{identity}", "title": f"{one['title']} {month.name}", "metric_id": one["metric_id"],
                "formula_version": "1", "period": month.name, "actual": one["target"], "unit": one["unit"], "coverage": 1,
                "as_of": month.end.isoformat(),
            }
            for one in shown
        ]  # fmt: skip
        metrics = [
            {
                "metric_id": one["metric_id"], "name": one["title"], "unit": one["unit"], "formula_version": "1",
                "current_period": month.name, "current_target": one["target"], "current_actual": one["target"],
                "current_coverage": 1, "verdict": "met",
            }
            for one in shown
        ]  # fmt: skip
        own = {"process": "capacity"} if name == "capacity" else {}
        report = _head(
            identity, month, handed_over, title=f"{name.capitalize()} in {month.name}", type="internal_process", direction="internal",
            purpose="To see how the processes did.", audience=["top_management", "capacity_manager"], author=f"people/{author}",
            recipients=[f"people/{reader}"], delivery=[{"recipient": f"people/{reader}", "sent_at": format_instant(handed_over), "result": "delivered"}],
            metrics=metrics, measurements=[f"measurements/{one['id']}" for one in figures],
            chapters=[{"name": process, "text": "As planned."} for process in processes], **own,
        )  # fmt: skip
        yield report, figures


# -- major incidents --------------------------------------------------------------------------


def _events(organisation: Organisation, hours: OfficeHours) -> tuple[list[Declared], Fault]:
    major = [issue for issue in organisation.issues if issue.fields.get("major") == "Yes"]
    before = hours.local(_UNREPORTED_BEFORE, 0)
    forgotten = max((issue for issue in major if _over(issue) < before), key=_over)
    name = "major_incident_not_reported"
    late = hours.end_of_day(hours.later(hours.later(_over(forgotten), 0), 40))
    fault = Fault(name, FAULTS[name].requirement, forgotten.keys[0][1], str(forgotten.id), late)
    return [_event(hours, issue) for issue in major if issue is not forgotten], fault


def _event(hours: OfficeHours, issue: Issue) -> Declared:
    handed_over = hours.later(_over(issue), 18)
    sent = format_instant(handed_over)
    over = date.fromisoformat(format_instant(_over(issue))[:10])
    days = {"start": format_instant(issue.created_at)[:10], "end": (over + timedelta(days=1)).isoformat()}
    row = {
        "report_id": f"SR-major-{issue.id}", "revision": 1, "title": f"Major incident {issue.keys[0][1]}", "type": "major_incident",
        "class": "event", "direction": "internal", "purpose": "To learn from what happened.", "audience": ["top_management"],
        "period": days, "as_of": days["end"], "issued_at": sent, "submitted_at": sent, "state": "submitted", "author": "people/bruno",
        "about": [issue], "data_sources": [{"system": "service-desk", "query": issue.keys[0][1], "retrieved_at": days["end"], "complete": True}],
        "recipients": ["people/alice"], "delivery": [{"recipient": "people/alice", "sent_at": sent, "result": "delivered"}],
    }  # fmt: skip
    return Declared(f"major-{issue.id}", handed_over, row)
