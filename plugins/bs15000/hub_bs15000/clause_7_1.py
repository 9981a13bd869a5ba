"""Clause 7.1, incident management: procedure, recording, priority and classification (a to d)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, false, func, literal, or_, select

from hub.conformance.evidence import AnyOf, Rows, any_of, at, fields_filled, rows
from hub.conformance.expression import filled, minutes_after, touched
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.shape import completeness, deadline, threshold
from hub.conformance.unit import Unit, unit
from hub.records import KINDS
from hub.store.schema import field_shapes, kind_tables
from hub.store.tables import metadata
from hub_bs15000.document_control import doc
from hub_bs15000.ticket import columns, over, recorded, tickets

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_event = metadata.tables["event"]
_record = metadata.tables["record"]
_INCIDENTS = ("incident", "security_incident")
_STEPS: tuple[tuple[str, ...], ...] = (
    ("record", "recording", "registration"),
    ("prioritise", "prioritisation", "prioritization", "priority"),
    ("classify", "classification"),
    ("update", "updating", "updates"),
    ("escalate", "escalation"),
    ("resolve", "resolution"),
    ("close", "closing", "closure"),
)
i = columns("incident")


def _7_1_a(rid: str, q: Parameters) -> list[Part]:
    words = Words(
        "A procedure for incidents is in force that says how they are recorded, prioritised, classified, updated, "
        "escalated, resolved and closed.",
        "No procedure for incidents that says all this was in force to the end of the month.",
        "Give the procedure a section for each of the seven steps, review it and have it authorised.",
    )
    return [doc(rid, "in_force", words, "incident_procedure", q.review_days, sections=_STEPS)]


def _recorded_incidents(sid: ColumnElement[int], started: ColumnElement[Any]) -> AnyOf:
    """An incident tied to the record by either end, that was not over before; it counts from when it was recorded."""
    return any_of(*(_recorded_incident(sid, started, outward=outward) for outward in (True, False)))


def _recorded_incident(sid: ColumnElement[int], started: ColumnElement[Any], *, outward: bool) -> Rows:
    link, other = _link.alias(), _record.alias()
    here, there = (link.c.sid, link.c.target) if outward else (link.c.target, link.c.sid)
    told: list[Any] = []
    ends: list[Any] = []
    joins: list[tuple[FromClause, Any]] = [(other, other.c.sid == there)]
    for kind in _INCIDENTS:
        ticket = kind_tables[kind].alias()
        told += [ticket.c.recorded_at, ticket.c.created_at]
        ends += [ticket.c.resolved_at, ticket.c.closed_at]
        joins.append((ticket, ticket.c.sid == there))
    made, ended = func.coalesce(*told), func.coalesce(*ends)
    found = rows("incident", and_(here == sid, link.c.type != "same_as"), made, table=link, record=there)
    for table, on in joins:
        found = found.joining(table, on)
    known = other.c.kind.is_not(None)
    found = found.where(
        or_(~known, other.c.kind.in_(_INCIDENTS)), or_(~known, ended.is_(None), ended >= started)
    ).doubtful(~known, "a linked record was not read")
    return replace(found, reads=dict.fromkeys(KINDS, "near"))


def _led_to_incident(rid: str, name: str, thing: str, *, owing: Unit, started: Any, minutes: int, **more: Any) -> Part:
    return deadline(
        rid,
        name,
        Words(
            f"Every {thing} is tied to an incident that was recorded within {minutes} minutes.",
            f"No incident was recorded for the {thing} within {minutes} minutes.",
            f"Record the incident and tie the {thing} to it.",
        ),
        unit=owing.opening(func.coalesce(started, 0)),
        due=minutes_after(started, minutes),
        evidence=_recorded_incidents(owing.sid, started),
        shape="completeness",
        **more,
    )


def _7_1_b(rid: str, q: Parameters) -> list[Part]:
    alert, outage, mail = (kind_tables[kind].c for kind in ("alert", "outage", "communication"))
    harmless = func.lower(func.coalesce(alert.severity, "")).in_(tuple(word.lower() for word in q.harmless))
    listed = [("service_ids" if name == "service_id" else name) for name in q.required]
    shapes = {shape.name: shape for shape in field_shapes(KINDS["incident"])}
    dated = [name for name in listed if name in shapes and shapes[name].instant]
    texts = tuple(name for name in listed if name in shapes and name not in {*dated, "id", "reporter"})
    due = minutes_after(recorded("incident"), q.minutes)
    parts = [
        _led_to_incident(
            rid,
            "alerts",
            "alert that affects a service",
            owing=unit("alert").where(~harmless),
            started=func.coalesce(alert.started_at, alert.created_at),
            minutes=q.minutes,
            fields=("severity", "started_at", "ticket_id"),
            doubts=[(~filled(alert.severity), "how grave the alert is was not recorded")],
        ),
        _led_to_incident(
            rid,
            "outages",
            "outage",
            owing=unit("outage").where(func.coalesce(outage.planned, literal(value=False)) == literal(value=False)),
            started=outage.started_at,
            minutes=q.minutes,
            fields=("started_at", "planned", "incident_id"),
            doubts=[(outage.planned.is_(None), "whether it was planned is not recorded")],
        ),
        _led_to_incident(
            rid,
            "mails",
            "customer's mail about a fault",
            owing=unit("communication").where(
                mail.direction == "in",
                func.coalesce(mail.class_, "fault_report") == "fault_report",
                ~or_(func.coalesce(mail.auto_submitted, false()), func.coalesce(mail.bounce, false())),
            ),
            started=func.coalesce(mail.received_at, mail.created_at),
            minutes=q.minutes,
            fields=("direction", "class", "record_id"),
            doubts=[(mail.class_.is_(None), "whether the mail is about a fault is not recorded")],
        ),
        deadline(
            rid,
            "fields",
            Words(
                f"{', '.join(texts).replace('_ids', '').capitalize()} of an incident are filled within {q.minutes} minutes.",
                "Something that every incident must say is missing, or was filled too late.",
                "Fill what is missing.",
            ),
            unit=tickets("incident"),
            due=due,
            evidence=fields_filled(*texts),
            shape="completeness",
        ),
    ]
    if "reporter" in listed:
        parts.append(
            deadline(
                rid,
                "reporter",
                Words(
                    f"Who reported an incident is recorded within {q.minutes} minutes, unless an alert did.",
                    "Who reported the incident is not recorded.",
                    "Enter who reported the incident.",
                ),
                unit=tickets("incident").where(func.coalesce(i.channel, "") != "alert"),
                due=due,
                evidence=fields_filled("reporter"),
                fields=("channel",),
                shape="completeness",
            )
        )
    if dated:
        parts.append(
            threshold(
                rid,
                "instants",
                Words(
                    "It is recorded when an incident was reported and when it was registered.",
                    "When the incident was reported or registered is not recorded.",
                    "Enter the instants that are missing.",
                ),
                unit=tickets("incident").reading(calendar="all"),
                holds=and_(*(i[name].is_not(None) for name in dated)),
                at=due,
                fields=tuple(dated),
            )
        )
    return parts


def _7_1_c(rid: str, _q: Parameters) -> list[Part]:
    event: Any = _event.alias()
    e = event.c
    moved = (
        select(e.sid, e.at, func.count().label("moves"), func.count(e.actor).label("signed"))
        .where(touched(e.sid), e.field.in_(("impact", "urgency", "priority")), filled(e.from_))
        .group_by(e.sid, e.at)
        .subquery("move")
    )
    base = tickets("incident")
    moves = replace(
        base,
        rows=moved.join(kind_tables["incident"], i.sid == moved.c.sid),
        anchor=moved.c.at,
        opened=moved.c.at,
    )
    first = func.coalesce(i.first_response_at, over("incident"))
    return [
        completeness(
            rid,
            "set",
            Words(
                "Impact, urgency and priority of an incident are set by the first answer to the customer.",
                "Impact, urgency or priority was missing when the customer got the first answer.",
                "Set what is missing.",
            ),
            unit=base,
            fields=("impact", "urgency", "priority"),
            by=first,
        ),
        deadline(
            rid,
            "changes",
            Words(
                "Whoever changes impact, urgency or priority is recorded.",
                "Impact, urgency or priority was changed, and nobody knows by whom.",
                "Find out who changed it and why, and see that the tool records it.",
            ),
            unit=moves,
            due=moved.c.at,
            evidence=at(case((moved.c.moves == moved.c.signed, moved.c.at))),
            fields=("events",),
            shape="completeness",
        ),
    ]


def _7_1_d(rid: str, q: Parameters) -> list[Part]:
    category = func.lower(func.trim(func.coalesce(i.category, "")))
    parts = [
        completeness(
            rid,
            "classified",
            Words(
                "Category and service of an incident are set when it is resolved.",
                "The incident was resolved without category or service.",
                "Set category and service.",
            ),
            unit=tickets("incident"),
            fields=("category", "service_ids"),
            by=i.resolved_at,
        ),
        completeness(
            rid,
            "items",
            Words(
                "An incident of a technical category names the configuration items concerned when it is resolved.",
                "The technical incident was resolved without a configuration item.",
                "Name the configuration items concerned.",
            ),
            unit=tickets("incident").where(
                or_(category == "", category.in_(tuple(one.lower() for one in q.technical)))
            ),
            fields=("ci_ids",),
            by=i.resolved_at,
            doubts=[(category == "", "whether its category is technical is not recorded")],
        ),
    ]
    if q.categories:
        parts.append(
            threshold(
                rid,
                "agreed",
                Words(
                    "The category of a resolved incident is one of those agreed.",
                    "The category of the incident is not one of those agreed.",
                    "Choose one of the agreed categories, or agree on a further one.",
                ),
                unit=tickets("incident").where(category != ""),
                holds=category.in_(tuple(one.lower() for one in q.categories)),
                at=i.resolved_at,
                fields=("category", "resolved_at"),
            )
        )
    return parts


DECLARATIONS: dict[str, Declare] = {
    "BS15000-7.1-a": _7_1_a,
    "BS15000-7.1-b": _7_1_b,
    "BS15000-7.1-c": _7_1_c,
    "BS15000-7.1-d": _7_1_d,
}
"""Requirement -> what makes its parts."""
