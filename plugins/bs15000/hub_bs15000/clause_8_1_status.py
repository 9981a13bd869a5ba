"""Clause 8.1, configuration management: state can be seen, only approved versions go live, masters are kept (i, k, l)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select

from hub.conformance.evidence import any_of, rows
from hub.conformance.expression import business_days_after, filled, hours_after
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.relation import linked
from hub.conformance.shape import deadline, precondition, threshold, trend
from hub.conformance.unit import each, organisation, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.configuration import alterations, ci, tied
from hub_bs15000.deployment import RAN, TIER_UNKNOWN, d, production, within
from hub_bs15000.document_control import doc
from hub_bs15000.entry import entered_at
from hub_bs15000.report import DUE_BUSINESS_DAYS, chapter, child, s, some

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_event = metadata.tables["event"]
_period = metadata.tables["period"]
_report = kind_tables["service_report"]
_r: Any = kind_tables["release"].c


# -- state ------------------------------------------------------------------------------------


def _8_1_i(rid: str, p: Parameters) -> list[Part]:
    return [_reported(rid, p.period), _version_reported(rid, p.period), _follows_deployment(rid, p.hours)]


def _reported(rid: str, every: Any) -> Part:
    count, delivery, wanted = child("ci_counts"), child("delivery"), _link.alias()
    reached = some(delivery, delivery.c.recipient == wanted.c.target, delivery.c.sent_at.is_not(None))
    left_out = exists().where(wanted.c.sid == s.sid, wanted.c.type == "recipients", ~reached).correlate_except(wanted)
    covers = and_(s.period_start <= _period.c.starts_at, s.period_end >= _period.c.ends_at)
    report = rows(
        "service_report",
        covers,
        entered_at(s, "submitted_at"),
        fields=frozenset({"period", "submitted_at", "chapters", "ci_counts", "delivery", "recipients"}),
        reach="all",
    )
    return trend(
        rid,
        "reported",
        Words(
            f"A report shows each {every} how many items there are in each state, and reaches everybody who is to get it.",
            f"No report of the {every} on configuration, with the items by state, was delivered to all its readers in time.",
            "Make the report and send it to all its readers.",
        ),
        unit=each(organisation(), every),
        due=business_days_after(_period.c.ends_at - 1, DUE_BUSINESS_DAYS),
        evidence=report.where(chapter("configuration"), some(count), some(delivery), ~left_out),
    )


def _version_reported(rid: str, every: Any) -> Part:
    altered, slot = alterations("version")
    span, link, line = _period.alias(), _link.alias(), child("ci_changes")
    ends = (
        select(span.c.ends_at)
        .where(span.c.unit == every, span.c.starts_at <= slot.at)
        .order_by(span.c.starts_at.desc())
        .limit(1)
        .correlate_except(span)
        .scalar_subquery()
    )
    told = some(line, line.c.ci_id == ci.sid, line.c.version == slot.to)
    report = (
        rows(
            "service_report",
            and_(link.c.target == ci.sid, link.c.type == "ci_changes.ci_id"),
            entered_at(s, "submitted_at"),
            fields=frozenset({"period", "submitted_at", "ci_changes"}),
            table=link,
            declared=s.declared_by.is_not(None),
        )
        .joining(_report, s.sid == link.c.sid)
        .where(s.period_start <= slot.at, s.period_end > slot.at, told)
    )
    return deadline(
        rid,
        "version_reported",
        Words(
            f"Each new version of an item stands in the report of the {every}.",
            "No report names the new version of the item.",
            "Add the version to the report, and send it again.",
        ),
        unit=altered.where(filled(slot.to)).reading(period="all"),
        due=business_days_after(ends - 1, DUE_BUSINESS_DAYS),
        evidence=report,
        fields=("events", "version"),
    )


def _follows_deployment(rid: str, hours: int) -> Part:
    release: Any = kind_tables["release"].alias()
    version = select(release.c.version).where(release.c.sid == d.release_id).correlate_except(release).scalar_subquery()
    limit = hours_after(d.finished_at, hours)

    def entered(start: ColumnElement[Any], kind: str) -> Any:
        """Evidence: the version was entered at an item tied to the deployment or to its change."""
        link, event = _link.alias(), _event.alias()
        item: Any = kind_tables["configuration_item"].alias()
        here, there = tied(link, start)
        same = or_(event.c.to == version, event.c.to == d.commit, event.c.to == d.artefact_digest)
        found = rows(
            "configuration_item",
            here,
            event.c.at,
            fields=frozenset({"events"}),
            table=link,
            record=item.c.sid,
            reach="far",
        )
        found = found.joining(item, item.c.sid == there).joining(event, event.c.sid == item.c.sid)
        found = found.where(
            event.c.field.in_(("version", "serial_or_digest")), event.c.at >= hours_after(d.finished_at, -hours), same
        )
        return replace(found, reads={**found.reads, kind: "near"})

    return deadline(
        rid,
        "version_entered",
        Words(
            f"Within {hours} hours of a deployment to production its item bears the version that was deployed.",
            f"No item tied to the deployment got its version within {hours} hours.",
            "Enter the version at the item, and link the deployment or its change to the item.",
        ),
        unit=production()
        .where(func.coalesce(d.deployment_status, "success") == "success", d.finished_at.is_not(None))
        .reading(release="near"),
        due=limit,
        evidence=any_of(entered(d.sid, "deployment"), entered(d.change_id, "change")),
        fields=("tier", "deployment_status", "finished_at"),
        doubts=[
            TIER_UNKNOWN,
            (d.deployment_status.is_(None), "how the deployment ended is not recorded"),
            (
                and_(version.is_(None), d.commit.is_(None), d.artefact_digest.is_(None)),
                "which version was deployed is not recorded",
            ),
        ],
    )


# -- only what is approved --------------------------------------------------------------------


def _8_1_k(rid: str, p: Parameters) -> list[Part]:
    change: Any = kind_tables["change"].alias()
    link = _link.alias()
    here, there = tied(link, d.sid)
    urgent = change.c.type == "emergency"
    emergency = or_(
        exists().where(change.c.sid == d.change_id, urgent).correlate_except(change),
        exists().where(here, change.c.sid == there, urgent).correlate_except(link, change),
    )
    approved = and_(filled(d.source_uri), within(d.source_uri, p.approved_sources))
    guarded = func.coalesce(d.from_protected_ref, literal(value=False))
    ran = or_(d.deployment_status.is_(None), d.deployment_status.in_(RAN))
    unknown = "which pipelines and libraries are approved is not set in the profile"
    return [
        doc(
            rid,
            "policy",
            Words(
                "A reviewed policy for changes is in force without a gap.",
                "No reviewed policy for changes was in force throughout the month.",
                "Review the policy and have it authorised.",
            ),
            "change_policy",
            p.review_days,
        ),
        threshold(
            rid,
            "from_approved_source",
            Words(
                "What goes to production comes from an approved pipeline or library and a protected branch or tag.",
                "What was deployed did not come from an approved source and a protected branch, and no emergency called for it.",
                "Find out what runs there, and deploy it again from an approved source.",
            ),
            unit=production()
            .where(ran, func.coalesce(d.started_at, d.finished_at).is_not(None))
            .reading(change="near"),
            holds=or_(and_(approved, guarded), emergency),
            at=func.coalesce(d.started_at, d.finished_at),
            fields=("tier", "deployment_status", "source_uri", "from_protected_ref", "change_id"),
            doubts=[
                TIER_UNKNOWN,
                (and_(~emergency, literal(value=not p.approved_sources)), unknown),
                (and_(~emergency, ~filled(d.source_uri)), "where it was taken from is not recorded"),
                (
                    and_(~emergency, approved, d.from_protected_ref.is_(None)),
                    "whether it came from a protected branch or tag is not recorded",
                ),
            ],
        ),
    ]


# -- masters ----------------------------------------------------------------------------------


def _8_1_l(rid: str, p: Parameters) -> list[Part]:
    artefact: Any = child_tables["release", "artefacts"].alias()
    a = artefact.c

    def has(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(a.sid == _r.sid, *conditions).correlate_except(artefact)

    released = unit("release").where(_r.released_at.is_not(None)).opening(_r.released_at)
    unknown = "which libraries are approved is not set in the profile"
    return [
        threshold(
            rid,
            "in_library",
            Words(
                "Everything a release delivers lies in an approved library, with its digest.",
                "The release names nothing it delivers, or something outside the approved libraries or without digest.",
                "Put what was delivered into the library, and record address and digest.",
            ),
            unit=released,
            holds=and_(has(), ~has(or_(~within(a.uri, p.approved_libraries), ~filled(a.digest)))),
            at=_r.released_at,
            fields=("artefacts", "released_at"),
            doubts=[(literal(value=not p.approved_libraries), unknown)],
        ),
        threshold(
            rid,
            "unaltered",
            Words(
                "The copy in the library has the digest that was released.",
                "The copy in the library differs from what was released.",
                "Find out who altered the copy, and restore it.",
            ),
            unit=released.where(has()),
            holds=~has(a.library_digest != a.digest),
            at=_r.released_at,
            fields=("artefacts", "released_at"),
            doubts=[
                (
                    and_(~has(a.library_digest != a.digest), has(or_(a.library_digest.is_(None), a.digest.is_(None)))),
                    "which digest the copy in the library has is not recorded",
                )
            ],
        ),
        precondition(
            rid,
            "belongs_to_item",
            Words(
                "A release is linked to the configuration item it is a version of.",
                "The release went live without a link to a configuration item.",
                "Link the release to its item.",
            ),
            unit=released,
            before=_r.released_at,
            evidence=linked(_r.sid, ("configuration_item",)),
            fields=("links", "released_at"),
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-8.1-i": _8_1_i, "BS15000-8.1-k": _8_1_k, "BS15000-8.1-l": _8_1_l}
"""Requirement -> what makes its parts."""
