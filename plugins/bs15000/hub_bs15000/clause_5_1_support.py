"""What agreements rest on: operational level agreements and contracts as strict as the promise (5.1-c, d, SLM-08)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, not_, or_

from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import threshold
from hub.conformance.unit import Unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.agreement import each_month_of
from hub_bs15000.target import Way, as_strict, calendar_of, closed_while_open, counts_time, never_open, ways

__all__ = ["DECLARATIONS"]

_period = metadata.tables["period"].c
_last = _period.ends_at - 1
_DEPENDENCY = {"ola": "internal_dependency", "underpinning_contract": "supplier_dependency"}
_NAMED = {"sla": "agreement", "ola": "operational level agreement", "underpinning_contract": "contract"}
_FIELDS = frozenset({"targets", "signed_at", "valid_from", "supports_sla"})
_NOT_COMPARABLE = "targets in different units cannot be compared"


class _Chain:
    """The targets of one kind of agreement that rest on another kind, month by month."""

    def __init__(self, owner: str, kind: str) -> None:
        self.kind, self.owner = kind, owner
        self.a: Any = kind_tables[owner].c
        reads: dict[str, Any] = {kind: "all", "calendar": "all"}
        self.unit: Unit = each_month_of(owner).where(self.any_target()).reading(**reads)
        self.more: dict[str, Any] = {
            "fields": ("targets",),
            "needs": [Need(kind, _FIELDS, evidence=True)],
            "at": _period.ends_at,
        }

    def any_target(self, *conditions: Any) -> ColumnElement[bool]:
        """Say whether a target rests on that kind for which all conditions hold; each gets its columns."""
        target: Any = child_tables[self.owner, "targets"].alias()
        marked = (target.c.sid == self.a.sid, target.c[_DEPENDENCY[self.kind]].is_not(None))
        return exists().where(*marked, *(one(target.c) for one in conditions)).correlate_except(target)

    def pairs(self, *conditions: Any) -> ColumnElement[bool]:
        """Say whether a target rests on that kind and another stands behind it for which all conditions hold.

        Each condition gets the promised target, the supporting agreement and its target.
        """
        found = []
        for number in range(2):
            promised: Any = child_tables[self.owner, "targets"].alias()
            t = promised.c
            one = self.ways(t)[number]
            marked = (t.sid == self.a.sid, t[_DEPENDENCY[self.kind]].is_not(None))
            tied = (each(t, one.support, one.target) for each in conditions)
            pair = exists().where(*marked, *one.ties, *tied)
            found.append(pair.correlate_except(promised, *one.tables))
        return or_(*found)

    def ways(self, promised: Any) -> list[Way]:
        """List the ways in which a target stands behind `promised` at the end of the month."""
        return ways(self.owner, self.kind, _DEPENDENCY[self.kind], promised, _last)

    def behind(self, promised: Any, condition: Any) -> ColumnElement[bool]:
        """Say whether a target stands behind `promised` for which a condition on its columns holds."""
        several = (
            exists().where(*one.ties, condition(one.target)).correlate_except(*one.tables)
            for one in self.ways(promised)
        )
        return or_(*several)


def _agreed(rid: str, kind: str) -> list[Part]:
    chain = _Chain("sla", kind)

    def sure(t: Any) -> ColumnElement[bool]:
        return chain.behind(t, lambda support: as_strict(support, t))

    def maybe(t: Any) -> ColumnElement[bool]:
        return chain.behind(t, lambda support: as_strict(support, t).is_(None))

    holds = not_(chain.any_target(lambda t: not_(sure(t))))
    fails = chain.any_target(lambda t: not_(sure(t)), lambda t: not_(maybe(t)))
    name, whom = _NAMED[kind], "another unit" if kind == "ola" else "a supplier"
    return [
        threshold(
            rid,
            "supported",
            Words(
                f"Behind every promise that rests on {whom} stands a signed {name} with a target at least as strict.",
                f"At the end of the month a promise had no signed {name} behind it that is as strict.",
                "Agree one that makes the promise possible, or promise less.",
            ),
            unit=chain.unit,
            holds=holds,
            doubts=[(and_(not_(holds), not_(fails)), _NOT_COMPARABLE)],
            **chain.more,
        )
    ]


def _5_1_c(rid: str, _: Parameters) -> list[Part]:
    return _agreed(rid, "ola")


def _5_1_d(rid: str, _: Parameters) -> list[Part]:
    return _agreed(rid, "underpinning_contract")


def _slm_08(rid: str, p: Parameters) -> list[Part]:
    chains = [_Chain("sla", "ola"), _Chain("sla", "underpinning_contract"), _Chain("ola", "underpinning_contract")]
    return [part for chain in chains for part in (_figures(rid, chain, p.margin_pct), _hours(rid, chain))]


def _figures(rid: str, chain: _Chain, margin_pct: float) -> Part:
    weaker = chain.pairs(lambda t, _, support: not_(as_strict(support, t, margin_pct)))
    unsure = chain.pairs(lambda t, _, support: as_strict(support, t, margin_pct).is_(None))
    told = f", with {margin_pct} per cent to spare" if margin_pct else ""
    return threshold(
        rid,
        f"{chain.owner}_{chain.kind}",
        Words(
            f"No target of a supporting {_NAMED[chain.kind]} is weaker than the target of the {_NAMED[chain.owner]}{told}.",
            f"A supporting {_NAMED[chain.kind]} allows more time, or a lower rate, than was promised.",
            "Tighten the supporting target, or promise less.",
        ),
        unit=chain.unit,
        holds=and_(not_(weaker), not_(unsure)),
        doubts=[(and_(not_(weaker), unsure), _NOT_COMPARABLE)],
        **chain.more,
    )


def _hours(rid: str, chain: _Chain) -> Part:
    def hours(t: Any, x: Any, support: Any) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        return calendar_of(chain.a, t), calendar_of(x, support)

    def timed(t: Any, _: Any, support: Any) -> ColumnElement[bool]:
        return and_(counts_time(t), counts_time(support))

    def closed(t: Any, x: Any, support: Any) -> ColumnElement[bool]:
        mine, theirs = hours(t, x, support)
        return closed_while_open(theirs, mine, _period.starts_at, _period.ends_at)

    unsure = chain.pairs(timed, lambda *three: or_(*(never_open(one) for one in hours(*three))))
    shut = chain.pairs(timed, closed)
    return threshold(
        rid,
        f"{chain.owner}_{chain.kind}_hours",
        Words(
            f"A supporting {_NAMED[chain.kind]} is in service whenever the {_NAMED[chain.owner]} promises support.",
            f"A supporting {_NAMED[chain.kind]} rests at hours for which the {_NAMED[chain.owner]} promises support.",
            "Buy or agree support for those hours too, or promise fewer.",
        ),
        unit=chain.unit,
        holds=and_(not_(unsure), not_(shut)),
        doubts=[(unsure, "on which calendar a target counts is not known")],
        **chain.more,
    )


DECLARATIONS: dict[str, Declare] = {"BS15000-5.1-c": _5_1_c, "BS15000-5.1-d": _5_1_d, "SLM-08": _slm_08}
"""Requirement -> what makes its parts."""
