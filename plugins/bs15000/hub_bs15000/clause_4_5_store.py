"""Clause 4.5, records: they can be read and are safe from damage and loss (r3, r4)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, true

from hub.conformance.continuous import in_force, periodic
from hub.conformance.evidence import Rows, rows
from hub.conformance.expression import hours_after
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.unit import organisation
from hub.store.schema import kind_tables
from hub_bs15000.entry import entered_at
from hub_bs15000.store_check import CHAIN, DECODES, passes

__all__ = ["DECLARATIONS"]

b: Any = kind_tables["backup_run"].c


def _4_5_r3(rid: str, p: Parameters) -> list[Part]:
    return [
        passes(
            rid,
            "decodes",
            Words(
                f"Of everything that was read and of the records made from it, {p.min_share:.0%} can still be decoded.",
                "Some of what was read can no longer be decoded; the result of the check lists it.",
                "Restore what is listed from a backup, or read it from its source again.",
            ),
            DECODES,
            shape="threshold",
            least=p.min_share,
        )
    ]


def _runs(*conditions: ColumnElement[bool], field: str, result: str) -> Rows:
    """Backups or restores that succeeded, from when they were recorded."""
    fields = frozenset({field, result, *(("offsite",) if conditions else ())})
    found = rows("backup_run", b.sid.is_not(None), entered_at(b, field), fields=fields, reach="all")
    return found.where(and_(b[result] == "success", *conditions))


def _4_5_r4(rid: str, p: Parameters) -> list[Part]:
    return [
        in_force(
            rid,
            "backup",
            Words(
                f"A backup succeeds at least every {p.backup_hours} hours.",
                f"For more than {p.backup_hours} hours no backup succeeded, or nobody recorded one.",
                "Make a backup now, and find out why none succeeded.",
            ),
            unit=organisation(),
            evidence=_runs(field="started_at", result="result"),
            until=hours_after(b.started_at, p.backup_hours) + 1,
            warn_days=1,
            shape="periodic",
        ),
        periodic(
            rid,
            "offsite",
            Words(
                f"At least every {p.offsite_days} days a copy is made that is kept elsewhere.",
                f"For more than {p.offsite_days} days no copy went to another place.",
                "Bring a copy to another place, and record it.",
            ),
            unit=organisation(),
            evidence=_runs(b.offsite == true(), field="started_at", result="result"),
            at=b.started_at,
            days=p.offsite_days,
            warn_days=1,
        ),
        periodic(
            rid,
            "restored",
            Words(
                f"At least every {p.restore_test_days} days a restore is tried and succeeds.",
                f"For more than {p.restore_test_days} days no restore was tried with success.",
                "Try a restore, and record the result.",
            ),
            unit=organisation(),
            evidence=_runs(field="restore_performed_at", result="restore_result"),
            at=b.restore_performed_at,
            days=p.restore_test_days,
        ),
        passes(
            rid,
            "chain",
            Words(
                "Every month the hub goes through all that was read and finds nothing altered or removed.",
                "Something that was read was altered or removed afterwards; the result of the check says what.",
                "Find out who altered the store, and restore it from a backup.",
            ),
            CHAIN,
            shape="periodic",
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-4.5-r3": _4_5_r3, "BS15000-4.5-r4": _4_5_r4}
"""Requirement -> what makes its parts."""
