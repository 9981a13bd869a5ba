"""Service desk: customers are told of short changes of the service; their feedback is looked through (10, 11)."""

from __future__ import annotations

from sqlalchemy import case, exists, func, or_

from hub.conformance.continuous import periodic
from hub.conformance.evidence import at, rows
from hub.conformance.expression import filled, hours_after
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.shape import precondition
from hub.conformance.unit import organisation, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.change import c, every_change
from hub_bs15000.entry import entered_at
from hub_bs15000.message import mails
from hub_bs15000.review import held, r

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
w = kind_tables["maintenance_window"].c


def _sd_10(rid: str, q: Parameters) -> list[Part]:
    notice, _ = mails("change", "customer_notice")
    begins = func.coalesce(c.actual_start, c.planned_start)
    words = Words(
        f"Customers are told {q.hours} hours before a service level changes for a while, in an emergency at once.",
        f"Customers were not told {q.hours} hours before the service level changed.",
        "Tell the customers what is different, since when and until when.",
    )
    return [
        precondition(
            rid,
            "changes",
            words,
            unit=every_change().where(c.class_ == "sla"),
            before=case((c.type == "emergency", begins), else_=hours_after(begins, -q.hours)),
            evidence=notice,
            fields=("class", "type", "planned_start", "actual_start"),
            doubts=[(c.type.is_(None), "whether it is an emergency change is not recorded")],
        ),
        precondition(
            rid,
            "windows",
            words,
            unit=unit("maintenance_window").where(w.start.is_not(None)),
            before=hours_after(w.start, -q.hours),
            evidence=at(entered_at(w, "announced_at")),
            fields=("start", "announced_at"),
        ),
    ]


def _sd_11(rid: str, q: Parameters) -> list[Part]:
    link, problem = _link.alias(), _record.alias()
    discussed = (
        exists()
        .where(link.c.sid == r.sid, link.c.type == "items", problem.c.sid == link.c.target, problem.c.kind == "problem")
        .correlate_except(link, problem)
    )
    analysed = rows(
        "review",
        r.type == "feedback_analysis",
        held(),
        fields=frozenset({"type", "held_at", "findings", "conclusions"}),
        reach="all",
    ).where(filled(r.findings), or_(filled(r.conclusions), discussed))
    return [
        periodic(
            rid,
            "analysed",
            Words(
                f"At least every {q.max_interval_days} days the desk counts feedback by theme and says which problems follow.",
                "The feedback of users was not looked through in time, or nothing was concluded from it.",
                "Hold the analysis: count by theme, and name the problems that follow or say that there are none.",
            ),
            unit=organisation(),
            evidence=analysed,
            at=held(),
            days=q.max_interval_days,
            shape="trend",
        )
    ]


DECLARATIONS: dict[str, Declare] = {"SD-10": _sd_10, "SD-11": _sd_11}
"""Requirement -> what makes its parts."""
