"""Clause 4.5, records: they can be found, are dated, and were approved where that is asked for (r1, r2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, exists, func, or_

from hub.conformance.evidence import Evidence, any_of, rows
from hub.conformance.expression import filled, later_of, since_when
from hub.conformance.owed import Doubt
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import precondition, threshold
from hub.conformance.unit import Unit, unit
from hub.errors import ConfigurationError, Fault
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import AGREEMENTS, agreements, began, first_day_ends
from hub_bs15000.authorisation import approvals_of, authorised, begun, in_effect, start_unknown
from hub_bs15000.change import START_UNKNOWN, c, every_change, started
from hub_bs15000.clause_4_5 import KEPT_KINDS
from hub_bs15000.report import issued, s
from hub_bs15000.store_check import CITED, STATES, passes

__all__ = ["DECLARATIONS"]

_record = metadata.tables["record"]
_FOUND_KINDS = (*KEPT_KINDS, "request")


# -- found (r1) -------------------------------------------------------------------------------


def _4_5_r1(rid: str, _: Parameters) -> list[Part]:
    return [
        *(_identified(rid, kind) for kind in _FOUND_KINDS),
        passes(
            rid,
            "states",
            Words(
                "Every record has one present state, which is just as it was written.",
                "A record has no present state, or one that was altered; the result of the check names it.",
                "Restore the store from a backup, or read the record from its source again.",
            ),
            STATES,
            shape="completeness",
        ),
        passes(
            rid,
            "cited",
            Words(
                "Everything a report cites is in the store, just as it was cited.",
                "A report cites something that the store does not hold as cited; the result of the check says what.",
                "Find out what became of it, and issue a corrected revision of the report.",
            ),
            CITED,
            shape="completeness",
        ),
    ]


def _identified(rid: str, kind: str) -> Part:
    t: Any = kind_tables[kind].c
    named = kind.replace("_", " ")
    kept = exists().where(_record.c.sid == t.sid, _record.c.document.is_not(None)).correlate_except(_record)
    return threshold(
        rid,
        kind,
        Words(
            f"Every {named} has a title, a date and an address, or the document it was read from is kept.",
            f"The {named} has no title, or neither an address nor the document it was read from.",
            "Give it a title at its source, and let the hub read it again.",
        ),
        unit=unit(kind),
        holds=and_(filled(t.title), or_(filled(t.url), kept)),
        at=func.coalesce(t.created_at, 0),
        fields=("title",),
        doubts=[(t.created_at.is_(None), "when it was made is not recorded")],
    )


# -- approved (r2) ----------------------------------------------------------------------------


class _Asked(NamedTuple):
    """Which records of a kind are past draft, since when, and what approves them."""

    units: Unit
    past_draft: ColumnElement[Any]
    approval: Callable[..., Evidence]
    fields: tuple[str, ...]
    doubts: tuple[Doubt, ...] = ()


def _changes(exempt: list[str]) -> _Asked:
    units = every_change()
    if "standard_change" in exempt:
        units = units.where(or_(func.coalesce(c.type, "") != "standard", c.model_id.is_(None)))
    return _Asked(
        units, started, lambda *roles: approvals_of(c.sid, *roles), ("type", "actual_start"), (START_UNKNOWN,)
    )


def _releases(_: list[str]) -> _Asked:
    e: Any = kind_tables["release"].c
    return _Asked(unit("release"), e.released_at, lambda *roles: approvals_of(e.sid, *roles), ("released_at",))


def _reports(_: list[str]) -> _Asked:
    out = func.coalesce(s.issued_at, s.submitted_at)
    unknown = (out.is_(None), "when it was issued is not recorded")
    return _Asked(issued(), out, lambda *roles: approvals_of(s.sid, *roles), ("issued_at",), (unknown,))


def _documents(kind: str) -> Callable[[list[str]], _Asked]:
    return lambda _: _Asked(
        in_effect(kind),
        begun(kind),
        lambda *roles: authorised(kind, *roles),
        ("authorised_by", "authorised_at", "effective_from"),
        (start_unknown(kind),),
    )


def _agreements(kind: str) -> Callable[[list[str]], _Asked]:
    a: Any = kind_tables[kind].c
    signature: Any = child_tables[kind, "signatories"].alias()
    g = signature.c

    def approved(*roles: str) -> Evidence:
        given = func.coalesce(g.at, a.signed_at)
        recorded = func.coalesce(since_when(a.sid, "signatories"), a.created_at, given)
        on = and_(g.sid == a.sid, given <= later_of(first_day_ends(a), began(a)))
        signed = rows(kind, on, later_of(given, recorded), table=signature, record=g.sid, stated_by_unit=True)
        return any_of(signed.where(g.person.is_not(None)).by(g.person, *roles), approvals_of(a.sid, *roles))

    due = later_of(first_day_ends(a), began(a))
    return lambda _: _Asked(agreements(kind), due, approved, ("signatories", "signed_at"))


_ASKED: dict[str, Callable[[list[str]], _Asked]] = {
    "change": _changes,
    "release": _releases,
    "service_report": _reports,
    **{kind: _documents(kind) for kind in ("document", "plan", "capacity_plan")},
    **{kind: _agreements(kind) for kind in AGREEMENTS},
}
"""Kind -> what is asked of it."""


def _4_5_r2(rid: str, p: Parameters) -> list[Part]:
    for kind in p.needs_approval:
        if kind not in _ASKED or not p.roles.get(kind):
            said = f"{kind!r} cannot be asked for an approval; known: {', '.join(_ASKED)}, each with its roles"
            raise ConfigurationError([Fault(said, key=f"{rid}.needs_approval")])
    return [part for kind in p.needs_approval for part in _approved(rid, kind, p)]


def _approved(rid: str, kind: str, p: Parameters) -> list[Part]:
    asked = _ASKED[kind](p.exempt)
    t: Any = kind_tables[kind].c
    named = kind.replace("_", " ")
    made_by = [Need(kind, frozenset({one})) for one in ("creator", "declared_by")]
    return [
        threshold(
            rid,
            f"{kind}_dated",
            Words(
                f"Every {named} shows when it was made and by whom.",
                f"The {named} does not show who made it.",
                "Record who made it.",
            ),
            unit=asked.units,
            holds=func.coalesce(t.creator, t.declared_by).is_not(None),
            at=asked.past_draft,
            doubts=[(t.created_at.is_(None), "when it was made is not recorded"), *asked.doubts],
            needs=[Need(kind, alternatives=tuple(made_by))],
        ),
        precondition(
            rid,
            f"{kind}_approved",
            Words(
                f"Every {named} is approved by somebody who may before it is past its draft.",
                f"The {named} was put to use without the approval of somebody who may give it.",
                "Have it approved now by somebody in one of the roles that may.",
            ),
            unit=asked.units,
            before=asked.past_draft,
            evidence=asked.approval(*p.roles[kind]),
            fields=asked.fields,
            doubts=asked.doubts,
        ),
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-4.5-r1": _4_5_r1, "BS15000-4.5-r2": _4_5_r2}
"""Requirement -> what makes its parts."""
