"""Service level management: what stands in an agreement and what it rests on (SLM-01, 02, 03, 07, 17)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, not_, or_

from hub.conformance.evidence import at, rows
from hub.conformance.expression import filled, later_of
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.probe import checked, unchecked
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, precondition, threshold
from hub.conformance.unit import unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import (
    agreements,
    began,
    covers,
    each_month_of,
    first_day_ends,
    has_target,
    holds,
    in_use,
    signed,
    some_child,
)
from hub_bs15000.breach import m
from hub_bs15000.change import END_UNKNOWN, c, done, ended, every_change
from hub_bs15000.measurable import SUPPLIED
from hub_bs15000.target import counts_time

__all__ = ["DECLARATIONS"]

a: Any = kind_tables["sla"].c
_period = metadata.tables["period"].c
_link = metadata.tables["link"]
_record = metadata.tables["record"]
_since = metadata.tables["since"]
_PER_CASE = ("response", "resolution", "onsite", "on_site")
_YEAR = 365


def _slm_01(rid: str, _: Parameters) -> list[Part]:
    link: Any = _link.alias()
    d: Any = kind_tables["document"].c
    baselined = func.coalesce(d.authorised_at, d.effective_from)
    evidence = (
        rows(
            "document",
            or_(link.c.sid == a.sid, link.c.target == a.sid),
            later_of(baselined, func.coalesce(d.created_at, baselined)),
            fields=frozenset({"doc_type", "authorised_at"}),
            table=link,
            record=d.sid,
            declared=d.declared_by.is_not(None),
        )
        .joining(kind_tables["document"], d.sid == case((link.c.sid == a.sid, link.c.target), else_=link.c.sid))
        .where(d.doc_type == "slr", filled(d.version))
    )
    return [
        precondition(
            rid,
            "needs",
            Words(
                "What the customer needs is written down and authorised before an agreement is signed.",
                "No authorised record of the customer's needs stood behind the agreement when it was signed.",
                "Write down the needs, have them authorised, and link them to the agreement.",
            ),
            unit=unit("sla"),
            before=a.signed_at,
            evidence=evidence,
            fields=("signed_at", "links"),
        )
    ]


def _lists(field: str) -> ColumnElement[bool]:
    """Say whether the agreement refers to anything in this list of references."""
    link = _link.alias()
    return exists().where(link.c.sid == a.sid, link.c.type == field).correlate_except(link)


def _says(field: str) -> ColumnElement[bool]:
    """Say whether a list holds something, or is known to be empty on purpose."""
    since = _since.alias()
    explicit = exists().where(since.c.sid == a.sid, since.c.field == field).correlate_except(since)
    return or_(some_child("sla", field, a.sid), explicit)


def _in_catalogue() -> ColumnElement[bool]:
    """Say whether every service the agreement names is in the catalogue."""
    link, named = _link.alias(), _record.alias()
    astray = exists().where(
        link.c.sid == a.sid,
        link.c.type == "service_ids",
        named.c.sid == link.c.target,
        func.coalesce(named.c.kind, "") != "service",
    )
    return not_(astray.correlate_except(link, named))


def _slm_02(rid: str, _: Parameters) -> list[Part]:
    def whole(duty: Any) -> ColumnElement[bool]:
        said = (duty.due_business_days.is_not(None), duty.submitter.is_not(None), duty.measures.is_not(None))
        return and_(filled(duty.type), filled(duty.method), *said)

    calendars = or_(
        _lists("calendar_ids"), some_child("sla", "targets", a.sid, lambda t: t.calendar.is_(None), none=True)
    )
    money = or_(a.finance_reporting_none_agreed, filled(a.finance_reporting_frequency))
    review = and_(a.review_interval_days > 0, a.review_interval_days <= _YEAR)
    held = {
        "parties": ("who agrees with whom", ("customer_id",), a.customer_id.is_not(None)),
        "term": (
            "from when it holds, and until when or how it ends",
            ("valid_from", "valid_to", "termination"),
            and_(a.valid_from.is_not(None), or_(a.valid_to.is_not(None), filled(a.termination))),
        ),
        "services": ("services of the catalogue", ("service_ids",), and_(_lists("service_ids"), _in_catalogue())),
        "targets": ("targets, one for the response", ("targets",), has_target("sla", a.sid, lambda t: t.metric == "response")),
        "success": ("how success is decided", ("success_rule",), filled(a.success_rule)),
        "reporting": (
            "which reports are owed, by when, by whom, how delivered and with which figures",
            ("reporting",),
            and_(
                some_child("sla", "reporting", a.sid),
                some_child("sla", "reporting", a.sid, lambda duty: not_(whole(duty)), none=True),
            ),
        ),
        "terms": (
            "support hours, reporting of money, security, whom to turn to, when it is reviewed and spoken about, changed how",
            (
                "calendar_ids",
                "finance_reporting.none_agreed",
                "escalation_contacts",
                "review_interval_days",
                "meeting_interval_days",
                "change_terms",
                "security_requirements",
            ),
            and_(
                calendars,
                func.coalesce(money, False),
                _lists("escalation_contacts"),
                review,
                a.meeting_interval_days > 0,
                filled(a.change_terms),
                _says("security_requirements"),
            ),
        ),
    }  # fmt: skip
    units = unit("sla").reading(service="near", calendar="all")
    return [
        threshold(
            rid,
            name,
            Words(
                f"Every agreement says: {what}.",
                f"The agreement does not say: {what}.",
                "Complete the agreement and have the next version signed.",
            ),
            unit=units,
            holds=condition,
            at=func.coalesce(began(a), a.created_at, 0),
            fields=fields,
            needs=[Need("service", evidence=True)] if name == "services" else [],
        )
        for name, (what, fields, condition) in held.items()
    ]


def _slm_03(rid: str, _: Parameters) -> list[Part]:
    definition: Any = kind_tables["metric_definition"].alias()
    d = definition.c

    def defined(t: Any) -> ColumnElement[bool]:
        valid = and_(d.valid_from <= a.valid_from, or_(d.valid_to.is_(None), d.valid_to > a.valid_from))
        return exists().where(d.metric_id == t.metric, valid).correlate_except(definition)

    def vague(t: Any) -> ColumnElement[bool]:
        hours = and_(counts_time(t), t.calendar.is_(None), not_(_lists("calendar_ids")))
        span = and_(t.metric.not_in(_PER_CASE), not_(filled(t.period)))
        return or_(hours, span, not_(filled(t.unit)), not_(filled(t.metric)))

    units = agreements("sla").where(has_target("sla", a.sid))
    return [
        threshold(
            rid,
            "complete",
            Words(
                "Every target names its metric, level, unit, and the calendar or the period it is decided over.",
                "A target leaves out its unit, its calendar or its period.",
                "Complete the target.",
            ),
            unit=units,
            holds=some_child("sla", "targets", a.sid, vague, none=True),
            at=began(a),
            fields=("targets", "calendar_ids"),
        ),
        threshold(
            rid,
            "defined",
            Words(
                "Every target is about a metric that is defined on the first day of the agreement.",
                "A target is about a metric that is not defined, or was not when the agreement began.",
                "Define the metric: its formula, unit and what it is computed from.",
            ),
            unit=units.reading(metric_definition="all"),
            holds=some_child("sla", "targets", a.sid, lambda t: not_(defined(t)), none=True),
            at=began(a),
            fields=("targets", "valid_from"),
            needs=[Need("metric_definition", frozenset({"metric_id", "valid_from"}), evidence=True)],
        ),
        deadline(
            rid,
            "supplied",
            Words(
                "Everything the metrics of an agreement are computed from is read completely from some source.",
                "What a metric of the agreement is computed from comes from no source, or was not read completely.",
                "Connect the source, or define the metric by what is there.",
            ),
            unit=each_month_of("sla").where(has_target("sla", a.sid)),
            due=_period.ends_at,
            evidence=checked(SUPPLIED, a.sid),
            doubts=[unchecked(SUPPLIED, a.sid)],
            fields=("targets",),
            shape="completeness",
        ),
    ]


def _slm_07(rid: str, _: Parameters) -> list[Part]:
    agreement: Any = kind_tables["sla"].alias()
    x = agreement.c
    promised = (covers(x.sid, m.subject), has_target("sla", x.sid, lambda t: t.metric == m.metric_id))
    same = has_target("sla", x.sid, lambda t: and_(t.metric == m.metric_id, t.value == m.target))
    last = m.period_end - 1

    def stands(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(*conditions).correlate_except(agreement)

    figures = unit("measurement").where(
        m.target.is_not(None),
        m.period_end.is_not(None),
        stands(*promised, or_(holds(x, m.period_start), holds(x, last))),
    )
    link: Any = _link.alias()
    number = case((link.c.sid == c.sid, link.c.target), else_=link.c.sid)
    version = (
        rows(
            "sla",
            or_(link.c.sid == c.sid, link.c.target == c.sid),
            signed(a),
            fields=frozenset({"signed_at", "links"}),
            table=link,
            record=a.sid,
            declared=a.declared_by.is_not(None),
        )
        .joining(kind_tables["sla"], a.sid == number)
        .where(a.signed_at.is_not(None))
    )
    return [
        precondition(
            rid,
            "signed",
            Words(
                "No version of an agreement is used before it is signed.",
                "The version came into force unsigned.",
                "Have it signed; until then nothing can be measured by it.",
            ),
            unit=agreements("sla"),
            before=later_of(first_day_ends(a), began(a)),
            evidence=at(case((a.signed_at <= first_day_ends(a), signed(a)))),
            fields=("signed_at", "valid_from"),
        ),
        precondition(
            rid,
            "agreed",
            Words(
                "A change of what was promised ends with a signed version of the agreement.",
                "The change was finished, and no signed version of the agreement belongs to it.",
                "Have the new or supplementary agreement signed, and link it to the change.",
            ),
            unit=done(every_change()).where(c.class_ == "sla", func.coalesce(c.outcome, "successful") == "successful"),
            before=ended,
            evidence=version,
            fields=("class", "outcome", "links"),
            doubts=[END_UNKNOWN],
        ),
        threshold(
            rid,
            "measured",
            Words(
                "Nothing is measured against a target that no signed agreement in force holds.",
                "The figure is measured against another target than a signed agreement in force holds.",
                "Measure against what was signed, or have the target signed.",
            ),
            unit=figures.opening(func.coalesce(m.created_at, m.period_end)).reading(
                sla="all", service="near", calendar="all"
            ),
            holds=stands(covers(x.sid, m.subject), same, or_(in_use(x, m.period_start), in_use(x, last))),
            at=func.coalesce(m.created_at, m.period_end),
            fields=("metric_id", "subject", "target", "period"),
            needs=[Need("sla", frozenset({"targets", "service_ids", "signed_at", "valid_from"}), evidence=True)],
        ),
    ]


def _slm_17(rid: str, _: Parameters) -> list[Part]:
    system: Any = child_tables["sla", "critical_systems"].alias()
    service: Any = kind_tables["service"].alias()
    slower = and_(service.c.sid == system.c.service_id, system.c.recovery_minutes < service.c.rto_min)
    hasty = exists().where(system.c.sid == a.sid, slower).correlate_except(system, service)
    vague = some_child(
        "sla", "critical_systems", a.sid, lambda one: or_(one.recovery_minutes.is_(None), not_(covers(a.sid, one.service_id)))
    )  # fmt: skip
    units = agreements("sla")
    return [
        threshold(
            rid,
            "named",
            Words(
                "Every agreement names the systems the business cannot do without, or says that there are none.",
                "The agreement does not say which systems are critical.",
                "Name the critical systems, or state that there are none.",
            ),
            unit=units,
            holds=_says("critical_systems"),
            at=began(a),
            fields=("critical_systems",),
        ),
        threshold(
            rid,
            "recovery",
            Words(
                "For each critical system of its services an agreement promises a recovery time that can be kept.",
                "A critical system has no recovery time, a shorter one than its service needs, or belongs to no service "
                "of the agreement.",
                "Promise a time the service can keep, for services of the agreement only.",
            ),
            unit=units.where(some_child("sla", "critical_systems", a.sid)).reading(service="near"),
            holds=and_(not_(vague), not_(hasty)),
            at=began(a),
            fields=("critical_systems", "service_ids"),
            needs=[Need("service", frozenset({"rto_min"}), evidence=True)],
        ),
        threshold(
            rid,
            "boundary",
            Words(
                "Every agreement says where the security duties of each side end.",
                "The agreement does not say which side answers for which part of security.",
                "Agree the boundary, and write it into the agreement.",
            ),
            unit=units,
            holds=filled(a.security_boundary),
            at=began(a),
            fields=("security_boundary",),
        ),
    ]


DECLARATIONS: dict[str, Declare] = {
    "SLM-01": _slm_01,
    "SLM-02": _slm_02,
    "SLM-03": _slm_03,
    "SLM-07": _slm_07,
    "SLM-17": _slm_17,
}
"""Requirement -> what makes its parts."""
