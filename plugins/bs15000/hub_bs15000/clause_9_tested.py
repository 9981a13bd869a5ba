"""Clause 9, release management: what is deployed was tested, accepted and authorised (c)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, or_, select

from hub.conformance.evidence import Rows, rows
from hub.conformance.expression import filled, later_of, since_when, touched
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import precondition, threshold
from hub.conformance.unit import Unit, unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.deployment import BEGUN, began, carried_out, d, in_production
from hub_bs15000.release import r

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
_DIGEST = Need("deployment", frozenset({"artefact_digest"}))
_COMMIT = Need("deployment", frozenset({"commit"}))


def _tests(table: Any, found: Rows) -> Rows:
    """Keep passed tests of the digest that is deployed, or of its commit where the test names no digest."""
    t = table.c
    same = or_(t.digest == d.artefact_digest, and_(t.digest.is_(None), t.commit == d.commit))
    unlabelled = and_(t.digest.is_(None), or_(t.commit.is_(None), d.commit.is_(None)))
    unknown = or_(unlabelled, and_(t.digest.is_not(None), d.artefact_digest.is_(None)))
    passed = func.coalesce(t.status, "") == "passed"  # no column alone: SQLite would look for all that passed
    found = found.where(passed, or_(same, unknown))
    return found.doubtful(and_(~func.coalesce(same, false()), unknown), "what was tested or deployed is not recorded")


def _tested_at(t: Any) -> ColumnElement[Any]:
    entered = since_when(t.sid, "tests")
    return case(
        (entered.is_not(None), later_of(t.finished_at, entered)),
        (t.ref.is_not(None), t.finished_at),
    )


def _carried_out(sid: ColumnElement[int]) -> ColumnElement[bool]:
    """Say whether the deployment carries out the change `sid`: found from the deployment, not by reading all changes."""
    link, deployment = _link.alias(), kind_tables["deployment"]
    several = select(link.c.target).where(link.c.sid == d.sid, link.c.type == "change_ids").correlate(deployment)
    return sid.in_(select(d.change_id).correlate(deployment).union_all(several))


def _several() -> ColumnElement[bool]:
    link = _link.alias()
    return exists().where(link.c.sid == d.sid, link.c.type == "change_ids").correlate_except(link)


def _tested() -> Rows:
    """Evidence: a passed test that a change carried out names."""
    own: Any = child_tables["change", "tests"].alias()
    return _tests(
        own, rows("change", _carried_out(own.c.sid), _tested_at(own.c), table=own, fields=frozenset({"tests"}))
    )


def _release_tested() -> Rows:
    """Evidence: a passed test that one of the changes names which the release brings."""
    link, brought = _link.alias(), child_tables["change", "tests"].alias()
    b: Any = brought.c
    found = rows(
        "change",
        and_(link.c.sid == r.sid, link.c.type == "change_ids"),
        _tested_at(b),
        table=link,
        record=b.sid,
        fields=frozenset({"tests"}),
    )
    return _tests(brought, found.joining(brought, b.sid == link.c.target).where(b.sid.is_not(None)))


def _deployed_by_release() -> Unit:
    """Every release x deployment of it to production that names no change of its own.

    The release owes, so that the changes it brings lead to it.
    """
    releases = unit("release")
    joined = releases.rows.join(kind_tables["deployment"], d.release_id == r.sid)
    deployed = replace(releases, rows=joined, anchor=d.sid, opened=carried_out().opened)
    return deployed.where(*carried_out().conditions, d.change_id.is_(None), ~_several()).reading(deployment="near")


def _brought(*, by_release: bool) -> tuple[Unit, Any]:
    """Every change x deployment of it, or release of it; also returns `anchor`, `began` and `unclear`.

    The change owes, so that its approvals lead to it. `began` is when that first reached production.
    """
    slot = (_by_release() if by_release else _by_deployment()).subquery("brought")
    change, anchor = kind_tables["change"], kind_tables["release" if by_release else "deployment"].alias()
    units = replace(unit("change"), rows=slot.join(change, change.c.sid == slot.c.sid), anchor=slot.c.anchor)
    known = exists().where(anchor.c.sid == slot.c.anchor).correlate_except(anchor)
    return units.where(known).reading(deployment="far", **({"release": "near"} if by_release else {})), slot.c


def _unclear(row: Any) -> ColumnElement[int]:
    vague = or_(row.tier.is_(None), row.deployment_status.is_(None), row.started_at.is_(None))
    return case((and_(row.sid.is_not(None), vague), 1), else_=0)


def _by_release() -> Any:
    link, bringing, one = _link.alias(), kind_tables["release"].alias(), kind_tables["deployment"].alias()
    live = and_(one.c.release_id == link.c.sid, in_production(one.c))
    return (
        select(
            link.c.target.label("sid"),
            link.c.sid.label("anchor"),
            func.min(one.c.started_at).label("began"),
            func.max(_unclear(one.c)).label("unclear"),
        )
        .select_from(link.join(bringing, bringing.c.sid == link.c.sid).outerjoin(one, live))
        .where(touched(link.c.target), link.c.type == "change_ids")
        .group_by(link.c.target, link.c.sid)
    )


def _by_deployment() -> Any:
    among, several = _link.alias(), kind_tables["deployment"].alias()
    o: Any = kind_tables["deployment"].alias().c
    v = several.c
    alone = select(
        o.change_id.label("sid"), o.sid.label("anchor"), o.started_at.label("began"), _unclear(o).label("unclear")
    ).where(touched(o.change_id), in_production(o))
    together = (
        select(among.c.target, v.sid, v.started_at, _unclear(v))
        .select_from(among.join(several, v.sid == among.c.sid))
        .where(touched(among.c.target), among.c.type == "change_ids", in_production(v))
    )
    return alone.union_all(together)


def _accepted() -> Rows:
    unknown = or_(~filled(r.acceptance_digest), ~filled(d.artefact_digest))
    told = r.acceptance_at
    entered = later_of(told, func.coalesce(since_when(r.sid, "acceptance.at"), r.created_at, told))
    found = rows("release", r.sid == d.release_id, entered, fields=frozenset({"acceptance"}))
    found = found.where(
        r.acceptance_by.is_not(None), or_(r.acceptance_digest == d.artefact_digest, unknown), told.is_not(None)
    )
    return found.doubtful(unknown, "which digest was accepted or deployed is not recorded")


def _9_c(rid: str, _: Parameters) -> list[Part]:
    a, link = kind_tables["approval"].c, _link.alias()
    brings = exists().where(link.c.sid == d.release_id, link.c.type == "change_ids").correlate_except(link)
    released = Need("release", frozenset({"change_ids"}), evidence=True)
    common = ("tier", "deployment_status", "started_at")
    deployed = Need("deployment", frozenset({"release_id", "change_id", *common}), evidence=True)
    tested = Words(
        "Just what goes to production passed a test before.",
        "No passed test of what was deployed was recorded before it went to production.",
        "Test what runs in production now, and hold back what is not tested.",
    )

    def belongs(name: str, condition: ColumnElement[bool], *needs: Need) -> Part:
        return threshold(
            rid,
            name,
            Words(
                "What goes to production belongs to a change.",
                "Neither the deployment nor its release names a change.",
                "Name the change, and have it decided whether this may stay.",
            ),
            unit=carried_out().where(began.is_not(None), condition).reading(release="near"),
            holds=or_(d.change_id.is_not(None), _several(), brings),
            at=began,
            fields=(*common, "change_id", "release_id"),
            needs=needs,
            doubts=BEGUN,
        )

    def authorised(name: str, *needs: Need, by_release: bool) -> Part:
        changes, slot = _brought(by_release=by_release)
        return precondition(
            rid,
            name,
            Words(
                "Each change is approved before it goes to production, alone or in a release.",
                "The change went to production before anybody had approved it.",
                "Have it decided whether the change may stay.",
            ),
            unit=changes,
            before=slot.began,
            evidence=rows(
                "approval",
                a.subject_id == kind_tables["change"].c.sid,
                a.decided_at,
                fields=frozenset({"decision", "decided_at"}),
                lost=a.withdrawn_at,
            ).where(a.decision == "approved"),
            needs=[deployed, *needs],
            doubts=[(slot.unclear == 1, "when it first went to production is not recorded")],
        )

    return [
        precondition(
            rid,
            "tested",
            tested,
            unit=carried_out().where(or_(d.change_id.is_not(None), d.release_id.is_(None), _several())),
            before=began,
            evidence=_tested(),
            fields=(*common, "change_id", "release_id"),
            needs=[Need("deployment", alternatives=(_DIGEST, _COMMIT))],
            doubts=BEGUN,
        ),
        precondition(
            rid,
            "release_tested",
            tested,
            unit=_deployed_by_release(),
            before=began,
            evidence=_release_tested(),
            fields=("change_ids",),
            needs=[deployed],
            doubts=BEGUN,
        ),
        precondition(
            rid,
            "accepted",
            Words(
                "Just what goes to production was accepted before.",
                "Nobody had accepted what was deployed.",
                "Have it accepted now, by its digest, and hold back what is not.",
            ),
            unit=carried_out(),
            before=began,
            evidence=_accepted(),
            fields=(*common, "artefact_digest", "release_id"),
            doubts=BEGUN,
        ),
        belongs("belongs_to_change", d.release_id.is_(None)),
        belongs("release_belongs_to_change", d.release_id.is_not(None), released),
        authorised("authorised", by_release=False),
        authorised("authorised_in_release", released, by_release=True),
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-9-c": _9_c}
"""Requirement -> what makes its parts."""
