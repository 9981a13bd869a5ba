"""Service desk: calls are answered, recorded and listened to (12, 13)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from sqlalchemy import BigInteger, and_, case, exists, func, literal, or_

from hub.conformance.continuous import periodic
from hub.conformance.evidence import rows
from hub.conformance.expression import counted, filled
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.ratio import ratio
from hub.conformance.shape import threshold
from hub.conformance.unit import each, unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub_bs15000.monthly import of_service
from hub_bs15000.review import held, r

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
c: Any = kind_tables["contact"].c
_came = func.coalesce(c.at, c.created_at)


def _sd_12(rid: str, q: Parameters) -> list[Part]:
    duty: Any = kind_tables["role_assignment"].c
    agent, reviewed, link, call = _record.alias(), _record.alias(), _link.alias(), _record.alias()
    same = exists().where(
        agent.c.sid == duty.person, reviewed.c.sid == r.person, agent.c.canonical == reviewed.c.canonical
    )
    heard = counted(
        link.join(call, call.c.sid == link.c.target),
        link.c.sid == r.sid,
        link.c.type == "items",
        call.c.kind == "contact",
        of=call.c.sid,
    )
    listened = rows(
        "review",
        and_(r.type == "call_quality", or_(r.person == duty.person, same.correlate_except(agent, reviewed))),
        held(),
        fields=frozenset({"type", "person", "items", "findings", "held_at"}),
        reach="all",
    ).where(heard >= q.sample_per_agent, filled(r.findings))
    agents = unit("role_assignment").where(duty.role == "service_desk", duty.person.is_not(None))
    return [
        periodic(
            rid,
            "listened",
            Words(
                f"At least every {q.max_interval_days} days {q.sample_per_agent} calls of each agent are listened to and scored.",
                "Too few calls of the agent were listened to and scored in time.",
                "Listen to the missing calls with the agent, and record the score.",
            ),
            unit=agents.opening(func.coalesce(duty.from_, duty.created_at, 0)),
            evidence=replace(listened, reads={**listened.reads, "identity": "all"}),
            at=held(),
            days=q.max_interval_days,
            end=duty.to,
        ),
        threshold(
            rid,
            "recorded",
            Words(
                "Every answered call is recorded, and its recording is kept.",
                "There is no recording of the call.",
                "Find out why the call was not recorded, or where its recording went.",
            ),
            unit=unit("contact")
            .where(func.coalesce(c.channel, "phone") == "phone", func.coalesce(c.class_, "") != "spam")
            .where(func.coalesce(c.answered, literal(value=True)) == literal(value=True))
            .opening(func.coalesce(_came, 0)),
            holds=filled(c.recording_ref),
            at=_came,
            fields=("channel", "answered", "recording_ref"),
            doubts=[
                (and_(c.channel.is_(None), ~filled(c.recording_ref)), "whether it was a call is not recorded"),
                (and_(c.answered.is_(None), ~filled(c.recording_ref)), "whether it was answered is not recorded"),
            ],
        ),
    ]


def _sd_13(rid: str, q: Parameters) -> list[Part]:
    owing = each(unit("service"), "month")
    soon = and_(func.coalesce(c.answered, literal(value=True)) == literal(value=False), c.wait_s < q.short_abandon_s)
    of, m = of_service(
        owing,
        "contact",
        table=kind_tables["contact"],
        sid=c.sid,
        at=_came,
        facts={"answered": c.answered},
        where=(
            func.coalesce(c.direction, "in") == "in",
            func.coalesce(c.channel, "phone") == "phone",
            ~func.coalesce(soon, literal(value=False)),
        ),
        declared=c.declared_by.is_not(None),
        reads={"contact": "near"},
        fields=frozenset({"direction", "channel", "answered", "wait_s"}),
    )
    share = round(q.target * 100)
    figure: Any = kind_tables["measurement"].c
    top, bottom = (literal(part, BigInteger) for part in Fraction(str(q.target)).as_integer_ratio())
    words = Words(
        f"{share} per cent of the calls of a month are answered.",
        f"Less than {share} per cent of the month's calls were answered.",
        "Find out when callers wait too long, and staff those hours.",
    )
    return [
        ratio(
            rid,
            "answered",
            words,
            unit=owing,
            of=of,
            good=m.answered == literal(value=True),
            share=q.target,
        ),
        threshold(
            rid,
            "measured",
            words,
            unit=unit("measurement").where(figure.metric_id == "call_answer_rate", figure.denominator > 0),
            holds=figure.numerator * bottom >= figure.denominator * top,
            at=case((figure.period_end.is_not(None), figure.period_end), else_=figure.as_of),
            fields=("metric_id", "numerator", "denominator"),
            doubts=[(figure.numerator.is_(None), "how many calls were answered is not recorded")],
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"SD-12": _sd_12, "SD-13": _sd_13}
"""Requirement -> what makes its parts."""
