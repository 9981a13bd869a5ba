"""Service desk: tickets are followed to their end, closed with the customer, and asked after (07 to 09)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select

from hub.conformance.evidence import Rows, any_of, at, fields_filled, rows
from hub.conformance.expression import business_days_after, days_after, filled
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.ratio import ratio
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, precondition
from hub.conformance.unit import each, organisation, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.closure import closed, resolved_first
from hub_bs15000.monthly import of_service
from hub_bs15000.report import figures_told
from hub_bs15000.ticket import KINDS_OF_TICKET, columns, entered, happened, recorded

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_period = metadata.tables["period"].c
_DESK = ("service_desk", "service_desk_manager")


def _sd_07(rid: str, q: Parameters) -> list[Part]:
    return [part for kind in KINDS_OF_TICKET for part in _followed(rid, kind, tuple(q.auto_close_accounts))]


def _followed(rid: str, kind: str, accounts: tuple[str, ...]) -> list[Part]:
    t = columns(kind)
    event, e = happened(kind, "closed")
    last = event.where(e.at >= func.coalesce(t.resolved_at, 0), e.at <= t.closed_at)
    by_rule, rule = happened(kind, "closed")
    bot = _record.alias()
    automatic = by_rule.joining(bot, bot.c.sid == rule.actor).where(bot.c.id.in_(accounts or ("",)))
    owned = tuple(Need(kind, frozenset({field})) for field in ("owner", "assignee"))
    return [
        resolved_first(rid, f"{kind}_resolved", kind),
        precondition(
            rid,
            f"{kind}_closed_by_desk",
            Words(
                f"The service desk closes the {kind}, or a rule of the tool does.",
                f"Somebody outside the service desk closed the {kind}.",
                f"Let the service desk check and close the {kind}.",
            ),
            unit=closed(kind),
            before=t.closed_at,
            evidence=any_of(
                last.doubtful(~filled(e.actor), "who closed it is not recorded").by(e.actor, *_DESK),
                automatic,
                at(case((t.auto_closed == literal(value=True), t.closed_at))),
            ),
            fields=("closed_at", "events"),
        ),
        deadline(
            rid,
            f"{kind}_looked_after",
            Words(
                f"From its registration the {kind} is in somebody's hands or in a queue that somebody answers for.",
                f"For some time nobody answered for the {kind}.",
                "Name who answers for a queue, so that nothing waits without an owner.",
            ),
            unit=closed(kind),
            due=recorded(kind),
            evidence=any_of(fields_filled("owner"), fields_filled("assignee")),
            fields=("closed_at",),
            needs=[Need(kind, alternatives=owned)],
            shape="completeness",
        ),
    ]


def _customers(person: ColumnElement[int]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Say whether somebody is known to be a customer's, and whether anything is known of where they belong."""
    login, human, party = _record.alias(), kind_tables["person"].alias(), _record.alias()
    who = and_(login.c.sid == person, human.c.sid.in_((login.c.sid, login.c.canonical)))
    belongs = exists().where(who, human.c.party == party.c.sid, party.c.kind == "customer")
    employed = exists().where(who, human.c.employment == "customer")
    told = exists().where(who, or_(human.c.employment.is_not(None), human.c.party.is_not(None)))
    return (
        or_(belongs.correlate_except(login, human, party), employed.correlate_except(login, human)),
        told.correlate_except(login, human),
    )


def _by_mail(i: Any) -> Rows:
    """Evidence: a mail whose proven sender says that the incident is solved: its reporter, or somebody of a customer.

    One that the same person takes back before the incident is closed is none.
    """
    says, by, reporter, who = _link.alias(), _link.alias(), _record.alias(), _record.alias()
    mail: Any = kind_tables["communication"].alias()
    m = mail.c
    customer, told = _customers(by.c.target)
    his_own = func.coalesce(
        or_(by.c.target == i.reporter, who.c.canonical == reporter.c.canonical), literal(value=False)
    )
    no, again = _link.alias(), _link.alias()
    taken_back = (
        exists()
        .where(
            no.c.target == i.sid,
            no.c.type == "disputes",
            no.c.at >= says.c.at,
            no.c.at <= i.closed_at,
            again.c.sid == no.c.sid,
            again.c.type == "said_by",
            again.c.target == by.c.target,
        )
        .correlate_except(no, again)
    )
    found = rows(
        "communication",
        and_(says.c.target == i.sid, says.c.type == "confirms"),
        says.c.at,
        fields=frozenset({"direction", "record_id"}),
        table=says,
        declared=m.declared_by.is_not(None),
    )
    found = (
        found.joining(mail, m.sid == says.c.sid)
        .joining(by, and_(by.c.sid == says.c.sid, by.c.type == "said_by"))
        .joining(who, who.c.sid == by.c.target)
        .joining(reporter, reporter.c.sid == i.reporter)
        .where(says.c.at >= func.coalesce(i.resolved_at, i.closed_at), ~taken_back, or_(his_own, customer, ~told))
    )
    return found.doubtful(and_(~his_own, ~customer), "whether a customer agreed is not known")


def _sd_08(rid: str, q: Parameters) -> list[Part]:
    i = columns("incident")
    customer, told = _customers(i.closure_confirmed_by)
    his_own = func.coalesce(i.closure_confirmed_by == i.reporter, literal(value=False))
    agreed = and_(i.closure_confirmed_at.is_not(None), or_(his_own, customer))
    long_enough = i.closed_at > business_days_after(i.resolved_at, q.auto_close_business_days - 1)
    unsure = and_(i.closure_confirmed_at.is_not(None), ~his_own, ~customer, ~told)
    return [
        precondition(
            rid,
            "confirmed",
            Words(
                "The customer agrees before an incident is closed, or a rule closes it after "
                f"{q.auto_close_business_days} working days without objection.",
                "The incident was closed without the customer's agreement.",
                "Ask the customer whether it works, and note who agreed and when.",
            ),
            unit=closed("incident").reading(calendar="all", person="all", identity="all", customer="all"),
            before=i.closed_at,
            evidence=any_of(
                at(
                    case((agreed, entered("incident", "closure_confirmed_at"))),
                    lacks=case((unsure, literal("whether a customer agreed is not known"))),
                ),
                at(
                    case((and_(i.auto_closed == literal(value=True), long_enough), i.closed_at)),
                    lacks=case(
                        (and_(i.auto_closed.is_(None), long_enough), literal("whether a rule closed it is not known"))
                    ),
                ),
                _by_mail(i),
            ),
            fields=("closed_at", "closure_confirmed_at", "closure_confirmed_by"),
        )
    ]


def _asked(rid: str, kind: str, q: Parameters) -> Part:
    t, link, survey, twin = columns(kind), _link.alias(), kind_tables["satisfaction_survey"].alias(), _link.alias()
    sent = (
        select(func.min(survey.c.sent_at))
        .where(link.c.target == t.sid, link.c.type == "ticket_id", survey.c.sid == link.c.sid)
        .correlate_except(link, survey)
        .scalar_subquery()
    )
    duplicate = exists().where(twin.c.sid == t.sid, twin.c.type == "duplicate_of").correlate_except(twin)
    owing = each(unit("service"), "month")
    share = round(q.min_share * 100)
    of, m = of_service(
        owing,
        kind,
        table=kind_tables[kind],
        sid=t.sid,
        at=t.closed_at,
        facts={"sent": sent, "last": business_days_after(t.closed_at, q.business_days)},
        where=(
            t.closed_at.is_not(None),
            ~duplicate,
            func.coalesce(t.status_category, "").not_in(("cancelled", "rejected")),
        ),
        declared=t.declared_by.is_not(None),
        reads={kind: "near", "satisfaction_survey": "far"},
        fields=frozenset({"closed_at"}),
    )
    return ratio(
        rid,
        f"{kind}s_asked",
        Words(
            f"For {share} per cent of the {kind}s closed in a month the customer is asked within {q.business_days} "
            "working days whether all went well.",
            f"For less than {share} per cent of the closed {kind}s the customer was asked in time.",
            "Ask more customers, and sooner.",
        ),
        unit=owing,
        of=of,
        good=and_(m.sent.is_not(None), m.sent <= m.last),
        share=q.min_share,
        judged_at=business_days_after(_period.ends_at - 1, q.business_days),
        needs=[Need("satisfaction_survey", frozenset({"sent_at", "ticket_id"}), evidence=True)],
    )


def _sd_09(rid: str, q: Parameters) -> list[Part]:
    return [
        *(_asked(rid, kind, q) for kind in KINDS_OF_TICKET),
        deadline(
            rid,
            "reported",
            Words(
                f"Within {q.report_days} days a report of each quarter tells the mean score and the low scores.",
                "No report of the quarter tells the mean score and the low scores.",
                "Put both figures into the report, or say why there is none.",
            ),
            unit=each(organisation(), "quarter"),
            due=days_after(_period.ends_at - 1, q.report_days),
            evidence=figures_told(*q.reported),
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"SD-07": _sd_07, "SD-08": _sd_08, "SD-09": _sd_09}
"""Requirement -> what makes its parts."""
