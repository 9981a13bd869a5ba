"""Service level management: how many changes succeed, how fast events are answered, how right the inventory is (14 to 16)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select

from hub.conformance.evidence import rows
from hub.conformance.expression import business_days_after
from hub.conformance.mean import mean
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.ratio import ratio
from hub.conformance.shape import deadline, obligations
from hub.conformance.unit import Unit, each, organisation
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.entry import entered_at
from hub_bs15000.monthly import of_service
from hub_bs15000.report import DUE_BUSINESS_DAYS, figures_told
from hub_bs15000.service import each_month_of_services, s

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_period = metadata.tables["period"].c
_CALLED_OFF = ("cancelled", "rejected")


def _slm_14(rid: str, q: Parameters) -> list[Part]:
    services, c = each_month_of_services(), kind_tables["change"].c
    of, m = of_service(
        services,
        "change",
        table=kind_tables["change"],
        sid=c.sid,
        at=c.actual_end,
        facts={"outcome": c.outcome},
        where=(c.actual_end.is_not(None), func.coalesce(c.outcome, "") != "cancelled"),
        declared=c.declared_by.is_not(None),
        reads={"change": "near"},
        fields=frozenset({"actual_end", "outcome"}),
    )
    share = f"{q.target * 100:g} per cent"
    return [
        ratio(
            rid,
            "succeeded",
            Words(
                f"Of the changes to a service that end in a month, {share} succeed.",
                f"Less than {share} of the month's changes succeeded; a change without an outcome is none that did.",
                "Find out what the others have in common, and record how each change ended.",
            ),
            unit=services,
            of=of,
            good=func.coalesce(m.outcome, "") == "successful",
            share=q.target,
        )
    ]


def _answered(rid: str, kind: str, words: Words, minutes: float, fields: tuple[str, str]) -> Part:
    """Those that come in within a month are answered so fast on average; who still waits at its end has waited till then."""
    services, t = each_month_of_services(), kind_tables[kind].c
    twin, unread = _link.alias(), metadata.tables["unknown_field"].alias()
    duplicate = exists().where(twin.c.sid == t.sid, twin.c.type == "duplicate_of").correlate_except(twin)
    hidden = exists().where(unread.c.sid == t.sid, unread.c.field.in_(fields)).correlate_except(unread)
    start, answer = fields
    came = func.coalesce(t[start], t.created_at)
    of, m = of_service(
        services,
        kind,
        table=kind_tables[kind],
        sid=t.sid,
        at=came,
        facts={"answer": t[answer], "dated": t[start].is_not(None), "hidden": hidden},
        where=(~duplicate, func.coalesce(t.status_category, "").not_in(_CALLED_OFF)),
        declared=t.declared_by.is_not(None),
        reads={kind: "near"},
        fields=frozenset(fields),
    )
    unclear = or_(~m.dated, and_(m.hidden, m.answer.is_(None)))
    return mean(
        rid,
        f"{kind}s_answered",
        words,
        unit=services,
        of=of.doubtful(unclear, "when it came in or was answered is not known"),
        took=func.coalesce(m.answer, _period.ends_at) - m.at,
        at_most_minutes=minutes,
    )


def _slm_15(rid: str, q: Parameters) -> list[Part]:
    limit = f"{q.mean_minutes:g} minutes"
    return [
        _answered(
            rid,
            "incident",
            Words(
                f"The incidents of a service that are reported in a month are answered within {limit} on average.",
                f"On average more than {limit} passed before an incident was answered.",
                "Find out why answers take so long, and put right what causes it.",
            ),
            q.mean_minutes,
            ("reported_at", "first_response_at"),
        ),
        _answered(
            rid,
            "alert",
            Words(
                f"The alerts of a service are taken by somebody within {limit} on average.",
                f"On average more than {limit} passed before somebody took an alert.",
                "Find out why alerts wait, and put right what causes it.",
            ),
            q.mean_minutes,
            ("started_at", "acknowledged_at"),
        ),
        deadline(
            rid,
            "reported",
            Words(
                f"A report of each month tells these figures: {', '.join(q.reported)}.",
                "No report of the month tells all of these figures.",
                "Put the figures into the report, or say why there are none.",
            ),
            unit=each(organisation(), "month"),
            due=business_days_after(_period.ends_at - 1, DUE_BUSINESS_DAYS),
            evidence=figures_told(*q.reported),
        ),
    ]


def _last_audit(*conditions: ColumnElement[bool]) -> ColumnElement[Any]:
    """Return the last audit of the inventory by the end of the month that looked at the service, or at all of them."""
    audit: Any = kind_tables["audit"].alias()
    named, other = _link.alias(), _link.alias()
    this = exists().where(named.c.sid == audit.c.sid, named.c.type == "service_ids", named.c.target == s.sid)
    some = exists().where(other.c.sid == audit.c.sid, other.c.type == "service_ids")
    when = entered_at(audit.c, "performed_at")
    return (
        select(audit.c.sid)
        .where(
            audit.c.type == "configuration",
            when < _period.ends_at,
            or_(this.correlate_except(named), ~some.correlate_except(other)),
            *conditions,
        )
        .order_by(audit.c.performed_at.desc(), audit.c.sid.desc())
        .limit(1)
        .correlate_except(audit)
        .scalar_subquery()
    )


def _slm_16(rid: str, q: Parameters) -> list[Part]:
    a: Any = kind_tables["audit"].c
    services: Unit = each_month_of_services()
    share = f"{q.target * 100:g} per cent"
    counted = and_(a.sampled > 0, a.discrepancies.is_not(None))
    right = (a.sampled - a.discrepancies) * 10_000 >= a.sampled * round(q.target * 10_000)
    found = rows(
        "audit",
        a.sid == _last_audit(),
        entered_at(a, "performed_at"),
        fields=frozenset({"type", "performed_at", "sampled", "discrepancies"}),
        reach="all",
    ).where(or_(right, ~func.coalesce(counted, literal(value=False))))
    return [
        obligations(
            "threshold",
            rid,
            "accurate",
            Words(
                f"When the inventory was last compared with reality, {share} of what was looked at was right.",
                f"Less than {share} of what was looked at last was right.",
                "Put the entries right, and find out why they went wrong.",
            ),
            unit=services,
            due=_period.ends_at,
            evidence=found.doubtful(
                ~func.coalesce(counted, literal(value=False)), "how much was looked at and found wrong is not recorded"
            ),
            doubts=[(_last_audit().is_(None), "the inventory was not compared with reality yet")],
            complete=True,
        )
    ]


DECLARATIONS: dict[str, Declare] = {"SLM-14": _slm_14, "SLM-15": _slm_15, "SLM-16": _slm_16}
"""Requirement -> what makes its parts."""
