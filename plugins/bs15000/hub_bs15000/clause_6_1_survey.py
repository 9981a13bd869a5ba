"""Clause 6.1, business relationship management: customers are asked, and what they answer counts (i, j)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, exists, false, func, select

from hub.conformance.continuous import periodic
from hub.conformance.evidence import Rows, any_of, at
from hub.conformance.expression import business_days_after, days_after, earlier_of, since_when, touched
from hub.conformance.owed import NEVER
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline
from hub.conformance.unit import Unit, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.customer import u
from hub_bs15000.entry import entered_at
from hub_bs15000.improvement import acted
from hub_bs15000.message import mails

__all__ = ["DECLARATIONS", "low_scores"]

v: Any = kind_tables["satisfaction_survey"].c
_survey = kind_tables["satisfaction_survey"].alias()
_s: Any = _survey.c
_DAY_MS = 86_400_000
_link = metadata.tables["link"]


def _campaigns() -> Unit:
    """Every question of a regular survey that was sent, owing from then on."""
    regular = func.coalesce(v.type, "periodic") == "periodic"
    return unit("satisfaction_survey").where(regular, v.sent_at.is_not(None)).opening(v.sent_at)


def _6_1_i(rid: str, q: Parameters) -> list[Part]:
    day = _asked(func.min(entered_at(_s, "sent_at")).label("at"))
    asked = Rows(
        kind="satisfaction_survey",
        table=day,
        on=day.c.customer == u.sid,
        at=day.c.at,
        record=day.c.sid,
        declared=day.c.declared,
        reads={"satisfaction_survey": "near"},
        needs=(Need("satisfaction_survey", frozenset({"customer_id", "sent_at", "type"}), evidence=True),),
    ).doubtful(day.c.untyped == 1, "whether it was a regular survey is not recorded")
    silent = _asked(where=_s.replied_at.is_(None))
    customers = unit("customer")
    unanswered = replace(
        customers,
        rows=customers.rows.join(silent, silent.c.customer == u.sid),
        anchor=silent.c.sid,
        opened=silent.c.sent_at,
    ).reading(satisfaction_survey="near")
    untyped = (v.type.is_(None), "whether it is a regular survey is not recorded")
    answered = earlier_of(entered_at(v, "replied_at"), since_when(v.sid, "no_reply"))
    return [
        periodic(
            rid,
            "asked",
            Words(
                f"Every customer is asked at least every {q.max_interval_days} days how content they are.",
                f"The customer was not asked for more than {q.max_interval_days} days.",
                "Ask the customer now, and plan the next survey.",
            ),
            unit=unit("customer"),
            evidence=asked,
            at=day.c.sent_at,
            days=q.max_interval_days,
            end=u.vanished_at,
        ),
        deadline(
            rid,
            "reminded",
            Words(
                f"A customer who does not answer is reminded once within {q.reminder_days} days.",
                "The customer did not answer and was not reminded.",
                "Remind the customer, and record when.",
            ),
            unit=_campaigns(),
            due=days_after(v.sent_at, q.reminder_days),
            evidence=at(earlier_of(answered, entered_at(v, "reminded_at"))),
            fields=("sent_at", "reminded_at", "replied_at"),
            doubts=[untyped],
            shape="completeness",
        ),
        deadline(
            rid,
            "counted",
            Words(
                f"Within {q.report_days} days a report to the customer says how many were asked and how many answered.",
                "The customer did not answer, and no report counted that.",
                "Add to the next report how many were asked and how many answered.",
            ),
            unit=unanswered,
            due=days_after(silent.c.sent_at, q.report_days),
            evidence=_counted(silent.c.sent_at),
            doubts=[(silent.c.untyped == 1, untyped[1])],
            needs=[Need("satisfaction_survey", frozenset({"customer_id", "sent_at", "replied_at"}), evidence=True)],
            shape="completeness",
        ),
    ]


def _asked(*facts: ColumnElement[Any], where: ColumnElement[bool] | None = None) -> FromClause:
    """Select (customer, sid, sent_at, untyped, declared) of regular surveys, one row a customer and day."""
    link, untyped = _link.alias(), case((_s.type.is_(None), 1), else_=0)
    declared = _s.declared_by.is_not(None)
    return (
        select(
            link.c.target.label("customer"),
            func.min(_s.sid).label("sid"),
            func.min(_s.sent_at).label("sent_at"),
            untyped.label("untyped"),
            declared.label("declared"),
            *facts,
        )
        .select_from(link.join(_survey, _s.sid == link.c.sid))
        .where(
            touched(link.c.target),
            link.c.type == "customer_id",
            _s.sent_at.is_not(None),
            func.coalesce(_s.type, "periodic") == "periodic",
            *([] if where is None else [where]),
        )
        .group_by(link.c.target, _s.sent_at // _DAY_MS, untyped, declared)
        .subquery("asked")
    )


def _counted(sent_at: ColumnElement[Any]) -> Rows:
    """Evidence: a report of the customer over that time that counts the surveys, those without answer too."""
    link, report = _link.alias(), kind_tables["service_report"].alias()
    line: Any = child_tables["service_report", "satisfaction"].alias()
    s: Any = report.c
    counts = (
        exists()
        .where(line.c.sid == s.sid, line.c.sent.is_not(None), line.c.replied.is_not(None))
        .correlate_except(line)
    )
    told = (
        select(
            link.c.target.label("customer"),
            s.sid,
            s.period_start,
            s.period_end,
            entered_at(s, "submitted_at").label("at"),
            s.declared_by.is_not(None).label("declared"),
        )
        .select_from(report.join(link, and_(link.c.sid == s.sid, link.c.type == "customer_id")))
        .where(touched(link.c.target), counts)
        .limit(NEVER)
        .subquery("told")
    )
    t = told.c
    return Rows(
        kind="service_report",
        table=told,
        on=and_(t.customer == u.sid, t.period_start <= sent_at, t.period_end > sent_at),
        at=t.at,
        record=t.sid,
        declared=t.declared,
        reads={"service_report": "near"},
        needs=(
            Need("service_report", frozenset({"customer_id", "period", "submitted_at", "satisfaction"}), evidence=True),
        ),
    )


def low_scores(lowest: int, scale: str) -> Unit:
    """Every answer at or below a score on a scale such as `1-5`, owing from when it came; other scales are stretched."""
    low, high = (int(end) for end in scale.split("-"))
    least, most = func.coalesce(v.scale_min, low), func.coalesce(v.scale_max, high)
    bad = (v.score - least) * (high - low) <= (most - least) * (lowest - low)
    return unit("satisfaction_survey").where(v.replied_at.is_not(None), bad).opening(v.replied_at)


def _6_1_j(rid: str, q: Parameters) -> list[Part]:
    units = low_scores(q.low_score_max, q.scale)
    due = business_days_after(v.replied_at, q.business_days)
    mailed, m = mails("satisfaction_survey")
    person = mailed.where(~func.coalesce(m.auto_submitted, false()), mailed.at >= v.replied_at)
    return [
        deadline(
            rid,
            "came_back",
            Words(
                f"Somebody comes back to a customer who is not content within {q.business_days} working days.",
                "Nobody came back to the customer in time.",
                "Call the customer, and record when.",
            ),
            unit=units,
            due=due,
            evidence=any_of(at(entered_at(v, "follow_up_at")), person),
            fields=("score", "replied_at", "follow_up_at"),
            shape="completeness",
        ),
        deadline(
            rid,
            "acted",
            Words(
                f"Within {q.business_days} working days a low score leads to an action, or to a decision with its reason.",
                "The customer was not content, and nothing came of it in time.",
                "Open an action, or record who decided that none is needed and why.",
            ),
            unit=units,
            due=due,
            evidence=acted(v.sid),
            fields=("score", "replied_at", "action_ids"),
            shape="completeness",
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-6.1-i": _6_1_i, "BS15000-6.1-j": _6_1_j}
"""Requirement -> what makes its parts."""
