"""What is counted month by month of a service: each record is laid into its month once, not tried in every month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, select

from hub.conformance.evidence import Rows
from hub.conformance.expression import changed, touched
from hub.conformance.member import Member
from hub.conformance.owed import NEVER
from hub.conformance.reading import Need, Reads
from hub.conformance.unit import Unit
from hub.store.tables import metadata

__all__ = ["of_service"]

_link = metadata.tables["link"]
_period = metadata.tables["period"]


def of_service(
    services: Unit,
    kind: str,
    *,
    table: FromClause,
    sid: ColumnElement[int],
    at: ColumnElement[Any],
    facts: dict[str, ColumnElement[Any]],
    where: Sequence[ColumnElement[bool]] = (),
    declared: ColumnElement[Any],
    reads: Reads,
    fields: frozenset[str],
) -> tuple[Rows, Any]:
    """Records `sid` of `table` that name the service, for `ratio`; also returns their columns, `facts` among them.

    `services` comes from `each(unit("service"), "month")`; `at` is the instant by which a record is counted. What is said of
    a record may depend on itself and on what names it, as what is counted is remembered (`hub.conformance.tally`).
    """
    link, month = _link.alias(), _period.alias()
    began = (
        select(month.c.starts_at)
        .where(month.c.unit == "month", month.c.starts_at <= at)
        .order_by(month.c.starts_at.desc())
        .limit(1)
        .correlate_except(month)
        .scalar_subquery()
    )
    member = (
        select(
            link.c.target.label("service"),
            sid.label("sid"),
            at.label("at"),
            began.label("month"),
            declared.label("declared"),
            *(fact.label(name) for name, fact in facts.items()),
        )
        .select_from(link.join(table, sid == link.c.sid))
        .where(touched(link.c.target), changed(link.c.sid), link.c.type == "service_ids", *where)
        .limit(NEVER)
        .subquery("member")
    )
    m = member.c
    # not the bare column: a month is looked up for each record, and no index of all records made for the few months
    in_month = member.join(_period, and_(_period.c.unit == "month", _period.c.starts_at == m.month + 0))
    found = Rows(
        kind=kind,
        table=member,
        on=and_(m.service == services.sid, m.month == _period.c.starts_at),
        at=m.at,
        record=m.sid,
        declared=m.declared,
        reads=reads,
        needs=(Need(kind, fields | {"service_ids"}, evidence=True),),
        member=Member(unit=m.service, sid=m.sid, joined=in_month),
    )
    return found, m
