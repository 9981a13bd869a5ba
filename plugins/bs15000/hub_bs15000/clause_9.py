"""Clause 9, release management: what is deployed is checked, whole and out of a library (a, b, h, i)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, literal, or_, true

from hub.conformance.evidence import At, Rows, at, rows
from hub.conformance.expression import filled, later_of, since_when
from hub.conformance.owed import Doubt
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import precondition, threshold
from hub.conformance.unit import Unit, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.configuration import ci, tied
from hub_bs15000.deployment import (
    BEGUN,
    END_UNKNOWN,
    STATUS_UNKNOWN,
    TIER_UNKNOWN,
    began,
    carried_out,
    d,
    ended,
    production,
    succeeded,
    within,
)
from hub_bs15000.document_control import says
from hub_bs15000.entry import entered_at

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_record = metadata.tables["record"]
_ENDED = [TIER_UNKNOWN, STATUS_UNKNOWN, END_UNKNOWN]
_DIGEST_UNKNOWN: Doubt = (~filled(d.artefact_digest), "which digest was deployed is not recorded")
_GUARDED = Need("deployment", frozenset({"from_protected_ref"}))
_STORED = Need("deployment", frozenset({"source_uri", "artefact_digest"}))
_RECEIPTS = ("goods_receipt", "delivery_note")


def _done() -> Unit:
    """Every deployment to production that succeeded."""
    return production().where(succeeded(d), ended.is_not(None))


def _passed(check: str) -> At:
    """Evidence: an automatic check passed, from the instant it told, no earlier than that was entered."""
    told, result = d[f"{check}_at"], d[f"{check}_result"]
    entered = later_of(told, func.coalesce(since_when(d.sid, f"{check}.at"), told))
    return at(
        case((result == "passed", entered)),
        lacks=case(
            (and_(result.is_(None), told.is_not(None)), literal("how the check ended is not recorded")),
            (and_(result == "passed", told.is_(None)), literal("when the check was made is not recorded")),
        ),
    )


def _9_a(rid: str, _: Parameters) -> list[Part]:
    return [
        precondition(
            rid,
            "ready",
            Words(
                "Before anything is installed in production it is checked that the target is ready for it.",
                "The deployment began without a passed check of the target.",
                "Check now what the target lacks, and let the check run before each deployment.",
            ),
            unit=carried_out(),
            before=began,
            evidence=_passed("prereq_check"),
            fields=("tier", "deployment_status", "started_at", "prereq_check"),
            doubts=BEGUN,
        )
    ]


def _9_b(rid: str, _: Parameters) -> list[Part]:
    artefact: Any = child_tables["release", "artefacts"].alias()
    released: Any = kind_tables["release"].alias()
    a = artefact.c

    def delivers(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(a.sid == d.release_id, *conditions).correlate_except(artefact)

    same = delivers(a.digest == d.artefact_digest)
    read = exists().where(released.c.sid == d.release_id).correlate_except(released)
    return [
        threshold(
            rid,
            "same",
            Words(
                "What arrives in production is what its release holds, by its digest.",
                "What was deployed has another digest than anything its release holds.",
                "Find out what runs there, and deploy what was released.",
            ),
            unit=_done().reading(release="near"),
            holds=func.coalesce(same, false()),
            at=ended,
            fields=("tier", "deployment_status", "finished_at", "artefact_digest", "release_id"),
            needs=[Need("release", frozenset({"artefacts"}), evidence=True)],
            doubts=[
                *_ENDED,
                _DIGEST_UNKNOWN,
                (~read, "its release is not named, or was not read"),
                (
                    and_(~same, or_(~delivers(), delivers(~filled(a.digest)))),
                    "which digest was released is not recorded",
                ),
            ],
        ),
        precondition(
            rid,
            "whole",
            Words(
                "By the end of a deployment it is checked that all of it arrived unaltered.",
                "The deployment ended without a passed check that all of it arrived.",
                "Compare what arrived with the release, and let the check run in each deployment.",
            ),
            unit=_done(),
            before=ended,
            evidence=_passed("integrity_check"),
            fields=("tier", "deployment_status", "finished_at", "integrity_check"),
            doubts=_ENDED,
        ),
    ]


def _9_h(rid: str, p: Parameters) -> list[Part]:
    guarded = func.coalesce(d.from_protected_ref, false()) == true()
    in_library = within(d.source_uri, p.approved_libraries)
    stored = and_(in_library, filled(d.artefact_digest))
    unsaid = and_(d.from_protected_ref.is_(None), ~stored)
    return [
        threshold(
            rid,
            "from_library",
            Words(
                "What goes to production comes from a protected branch or tag, or by its digest from an approved library.",
                "What was deployed came neither from a protected branch or tag nor from an approved library.",
                "Find out what runs there, put it under control, and deploy it again from the library.",
            ),
            unit=carried_out().where(began.is_not(None)),
            holds=or_(guarded, stored),
            at=began,
            fields=("tier", "deployment_status"),
            needs=[Need("deployment", alternatives=(_GUARDED, _STORED))],
            doubts=[
                *BEGUN,
                (unsaid, "whether it came from a protected branch or tag is not recorded"),
                (
                    and_(~guarded, ~filled(d.source_uri)),
                    "where it was taken from is not recorded",
                ),
                (
                    and_(~guarded, literal(value=not p.approved_libraries)),
                    "which libraries are approved is not set in the profile",
                ),
                (and_(~guarded, in_library, _DIGEST_UNKNOWN[0]), _DIGEST_UNKNOWN[1]),
            ],
        )
    ]


def _9_i(rid: str, p: Parameters) -> list[Part]:
    link, release = _link.alias(), kind_tables["release"].alias()
    here, there = tied(link, ci.sid)
    items = unit("configuration_item").where(func.lower(func.trim(ci.ci_type)).in_(tuple(p.hardware_types)))
    hardware = replace(
        items,
        rows=items.rows.join(link, here).join(release, release.c.sid == there),
        anchor=release.c.sid,
        opened=func.coalesce(release.c.created_at, 0),
    )
    return [
        threshold(
            rid,
            "verified",
            Words(
                "At every target it is verified by signature or checksum that nothing was altered on the way.",
                "Neither signature nor checksum was verified at the target, or it did not fit.",
                "Verify what lies there, and let it be verified in each deployment.",
            ),
            unit=carried_out().where(ended.is_not(None)),
            holds=func.coalesce(d.integrity_check_result == "passed", false()),
            at=ended,
            fields=("tier", "deployment_status", "finished_at", "integrity_check"),
            doubts=_ENDED,
        ),
        precondition(
            rid,
            "received",
            Words(
                "Before a release goes live its hardware is received without damage, or the damage is an incident.",
                "No receipt of the hardware is recorded, or it shows damage and no incident.",
                "Record the receipt and the state of the hardware; open an incident where it is damaged.",
            ),
            unit=hardware.reading(release="near"),
            before=release.c.released_at,
            evidence=_received(ci.sid),
            fields=("ci_type", "links"),
            needs=[Need("release", frozenset({"released_at"}), evidence=True)],
        ),
    ]


def _received(item: ColumnElement[int]) -> Rows:
    """Evidence: a receipt that names the item and says nothing of damage; or else the item is tied to an incident."""
    document: Any = kind_tables["document"]
    named, damage, incident = _link.alias(), _link.alias(), _record.alias()
    here, there = tied(named, item)
    ties, other = tied(damage, item)
    reported = exists().where(ties, incident.c.sid == other, incident.c.kind == "incident")
    found = rows(
        "document",
        here,
        entered_at(document.c, "effective_from"),
        fields=frozenset({"doc_type", "effective_from", "sections"}),
        table=named,
        record=document.c.sid,
        reach="all",
        declared=document.c.declared_by.is_not(None),
    ).joining(document, document.c.sid == there)
    whole = or_(~says("document", "damage"), reported.correlate_except(damage, incident))
    found = replace(found, lost=document.c.withdrawn_at, expires=document.c.expires_at)
    return replace(
        found.where(document.c.doc_type.in_(_RECEIPTS), whole), reads={"document": "all", "incident": "near"}
    )


DECLARATIONS: dict[str, Declare] = {
    "BS15000-9-a": _9_a,
    "BS15000-9-b": _9_b,
    "BS15000-9-h": _9_h,
    "BS15000-9-i": _9_i,
}
"""Requirement -> what makes its parts."""
