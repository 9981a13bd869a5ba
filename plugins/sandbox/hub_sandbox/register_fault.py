"""What is wrong in the rows of the register that do not follow from the simulated history."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import NamedTuple

__all__ = ["ROW_FAULTS", "RowFault", "months_of"]


class RowFault(NamedTuple):
    """One fault of a row: where it shows, and from and to when."""

    name: str
    requirement: str
    key: str
    """`kind/id` of the row, or the month in which the organisation shows it."""
    at: date
    """First day on which the requirement is broken."""
    cured: date | None = None


ROW_FAULTS = (
    RowFault("outsider_without_end", "BS15000-5.7-b", "access/printing-2026", date(2026, 7, 6)),
    RowFault("policy_not_acknowledged", "BS15000-5.7-e", "people/ilse", date(2026, 3, 19)),
    RowFault("cost_overrun", "BS15000-5.5-c", "services/payroll 2026-05", date(2026, 6, 16)),
    RowFault("attestation_expired", "BS15000-4.3-a", "roles/finance_manager", date(2026, 10, 12)),
    RowFault("one_number_twice", "BS15000-8.1-f", "configuration_items/core-switch", date(2026, 8, 12)),
    RowFault(
        "missed_level_not_discussed",
        "BS15000-5.1-i",
        "measurements/availability-payroll-2026-03",
        date(2026, 5, 2),
        date(2026, 5, 13),
    ),
    RowFault("release_without_plan", "BS15000-9-e", "releases/payroll-3.3", date(2026, 6, 10)),
    RowFault("delivery_accepted_late", "OPS-18", "releases/payroll-3.2", date(2026, 3, 12), date(2026, 3, 16)),
    RowFault("loan_not_returned", "SD-18", "loans/projector", date(2026, 9, 16)),
    RowFault("round_missed", "OPS-01", "2026-05", date(2026, 5, 22), date(2026, 6, 8)),
    RowFault("round_missed", "OPS-01", "2026-06", date(2026, 6, 1), date(2026, 6, 8)),
    RowFault("round_missed", "OPS-01", "inspections/berlin-2025-09-08", date(2026, 5, 22), date(2026, 6, 8)),
    RowFault("visitor_not_logged_out", "OPS-02", "room_access/hedda-2026-08-04", date(2026, 8, 5)),
    RowFault("visit_without_permission", "OPS-09", "onsite_visits/retail-2026-09-16", date(2026, 9, 16)),
    RowFault("calls_missed", "SD-13", "services/payroll 2026-09", date(2026, 10, 1)),
    RowFault("calls_not_listened_to", "SD-12", "roles/service-desk-frida", date(2026, 10, 26)),
    RowFault("approved_after_signature", "OPS-17", "contracts/printing-2", date(2026, 8, 20), date(2026, 8, 24)),
    RowFault("survey_without_answer", "CMP-10", "surveys/visit-retail-2026-09-16", date(2026, 10, 17)),
    RowFault(
        "report_entered_late", "SRM-09", "service_reports/maintenance-2026-03", date(2026, 4, 8), date(2026, 4, 16)
    ),
    RowFault("rejected_report_sent", "SRM-06", "service_reports/capacity-2026-04", date(2026, 5, 5)),
    RowFault("report_not_archived", "SRM-10", "service_reports/maintenance-2026-05", date(2026, 6, 12)),
    RowFault("report_released_by_one", "SRM-05", "service_reports/security-2026-04-08", date(2026, 4, 8)),
    RowFault("workload_unbalanced", "SRM-12", "service_reports/services-personnel-2026-05", date(2026, 6, 3)),
    RowFault("attainment_miscounted", "SRM-14", "service_reports/services-retail-2026-06", date(2026, 7, 3)),
    RowFault("past_figure_altered", "SRM-26", "service_reports/services-personnel-2026-08", date(2026, 9, 3)),
    RowFault("correction_unexplained", "SRM-21", "service_reports/services-retail-2026-07-2", date(2026, 8, 20)),
    RowFault("process_figure_left_out", "SRM-29", "2026-04", date(2026, 5, 8)),
    RowFault("capacity_report_astray", "OPS-14", "service_reports/capacity-2026-06", date(2026, 7, 3)),
    RowFault("readers_not_asked", "BS15000-5.4-g", "report_catalogue/maintenance_table", date(2026, 9, 23)),
    RowFault("desk_half_empty", "SD-14", "shifts/desk-2026-09-24", date(2026, 9, 24)),
    RowFault("handover_not_signed", "SD-15", "shifts/desk-2026-09-30", date(2026, 9, 30)),
    RowFault("on_duty_untrained", "SD-16", "people/gustav", date(2026, 9, 14), date(2026, 9, 22)),
)
"""What people got wrong when they kept the register, by clause."""


def months_of(name: str) -> str:
    """Return one digit a month of the history, October 2025 first: how many such faults begin in it."""
    begun = Counter((fault.at.year - 2025) * 12 + fault.at.month - 10 for fault in ROW_FAULTS if fault.name == name)
    return "".join(str(begun[month]) for month in range(13))
