"""Compiles a planned report from the live store: every chapter its type has, from one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hub.conformance.situation.audience import Audience, fill_audience
from hub.records import Customer, Service, Sla
from hub.report.person import Naming
from hub.report.service.annex import annex
from hub.report.service.attainment import attainment
from hub.report.service.changes import changes
from hub.report.service.chapter import Asked, Chapter, Compile
from hub.report.service.configuration import configuration
from hub.report.service.content import content_of
from hub.report.service.data_note import data_note
from hub.report.service.event import major_incident, post_release, supplier
from hub.report.service.finance import finance
from hub.report.service.follow_up import follow_up
from hub.report.service.front import Edition, front
from hub.report.service.incidents import incidents
from hub.report.service.issued import issued_before
from hub.report.service.metric import Figures
from hub.report.service.model import Compiled, decode_compiled, encode_compiled, keep
from hub.report.service.named import figures
from hub.report.service.neighbour import period_before
from hub.report.service.order import chapters_of, language_of
from hub.report.service.performance import crossed, performance
from hub.report.service.satisfaction import satisfaction
from hub.report.service.security import security
from hub.report.service.summary import summary
from hub.report.service.trend import trends
from hub.report.service.workload import workload
from hub.store.report_log import ids_of
from hub.store.revision import current_records

if TYPE_CHECKING:
    from hub.report.plan.desk import Desk
    from hub.report.plan.plan import Terms

__all__ = ["asked_of", "compile_report", "recomputed"]

_AUDIENCE = 1_000_000
"""Number of the audience in the connection's temporary table, apart from those of managers."""
_MOST = 1000


def asked_of(desk: Desk, terms: Terms, *, as_of: int, names: bool = False) -> Asked:
    """Put together what every chapter needs to know."""
    before = period_before(terms)
    return Asked(
        conn=desk.conn,
        terms=terms,
        before=(before.starts_at, before.ends_at),
        as_of=as_of,
        known_at=as_of,
        zone=terms.zone,
        audience=_audience(desk, terms),
        naming=Naming(names=names),
        issued=issued_before(desk, terms),
        statements=desk.statements,
    )


def _audience(desk: Desk, terms: Terms) -> Audience | None:
    """Find the records a report is about: those of its services, or of its event's, and never another customer's."""
    about = current_records(desk.conn, terms.about)
    customer = terms.customer or next((one.customer_id for one in about if one.customer_id), None)
    services = list(terms.services) or [one.id if isinstance(one, Service) else each for one in about for each in one.service_ids or [one.id]]  # fmt: skip
    if customer is None and not services:
        return None
    if not services:
        agreements = current_records(desk.conn, ids_of(desk.conn, "sla"))
        own = [one for one in agreements if isinstance(one, Sla) and one.customer_id == customer]
        services = sorted({service for one in own if one.vanished_at is None for service in one.service_ids})
    return fill_audience(desk.conn, _AUDIENCE, services=services, teams=(), customer=customer)


def recomputed(desk: Desk, terms: Terms, *, as_of: int) -> Figures:
    """Work out the figures of a report once more, from the store as it stands now."""
    return figures(asked_of(desk, terms, as_of=as_of))


def compile_report(desk: Desk, terms: Terms, edition: Edition, *, as_of: int) -> Compiled:
    """Compile a report; HubError for a type nobody can compile. Nothing is written."""
    numbers, language = chapters_of(terms), language_of(terms)
    asked = asked_of(desk, terms, as_of=as_of, names=edition.names)
    found = figures(asked)
    beyond = crossed(asked, found)
    drawn = trends(asked, found.metrics)
    own: dict[int, Callable[[], Chapter]] = {
        1: lambda: front(asked, edition),
        2: lambda: summary(asked, found, beyond),
        3: lambda: attainment(asked, found),
        5: lambda: performance(asked, found, drawn),
        13: lambda: data_note(asked, found, drawn),
        14: lambda: annex(asked, found),
    }
    chapters = [own[number]() if number in own else _body(number, asked) for number in numbers]
    customers = current_records(desk.conn, [terms.customer] if terms.customer else [])
    customer = next((one.name or one.title or one.id for one in customers if isinstance(one, Customer)), "")
    report = Compiled(
        report_id=terms.report_id,
        revision=edition.revision,
        title=terms.title or terms.type.replace("_", " "),
        organisation=desk.office.name,
        customer=customer,
        label=terms.label,
        zone=terms.zone,
        as_of=as_of,
        issued_at=edition.issued_at,
        language=language,
        chapters=[keep(one) for one in chapters],
        required=list(numbers),
        metrics=found.metrics,
        content=content_of(asked, found, drawn, chapters, beyond),
    )
    return decode_compiled(encode_compiled(report))  # so that what is read back is the very same


def _body(number: int, asked: Asked) -> Chapter:
    """Compile a chapter on the work of the period, or the one an event or supplier report is made for."""
    special = _EVENTS.get(asked.terms.type)
    if special is not None and special[0] == number:
        return special[1](asked)
    return _BODY[number](asked)


_BODY: dict[int, Compile] = {
    4: workload,
    6: satisfaction,
    7: incidents,
    8: changes,
    9: configuration,
    10: finance,
    11: security,
    12: follow_up,
}
_EVENTS: dict[str, tuple[int, Compile]] = {
    "major_incident": (7, major_incident),
    "post_release": (8, post_release),
    "supplier_performance": (11, supplier),
}
