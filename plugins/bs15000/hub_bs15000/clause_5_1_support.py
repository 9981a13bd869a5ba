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
from hub_bs15000.target import as_strict, calendar_of, counts_time, never_open, open_time_within, supported

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

    def behind(self, promised: Any, *conditions: Any) -> ColumnElement[bool]:
        """Say whether a target stands behind `promised`; conditions get the supporting agreement and its target."""
        return supported(self.owner, self.kind, _DEPENDENCY[self.kind], promised, _last, *conditions)

    def strict(self, margin_pct: float, *, share: Any) -> Any:
        """Make a condition on a promised target: one stands behind it for which `share` says yes of its strictness."""
        return lambda t: self.behind(t, lambda _, support: share(as_strict(support, t, margin_pct)))


def _unknown(found: ColumnElement[Any]) -> ColumnElement[bool]:
    return found.is_(None)


def _agreed(rid: str, kind: str) -> list[Part]:
    chain = _Chain("sla", kind)
    sure, maybe = chain.strict(0, share=lambda found: found), chain.strict(0, share=_unknown)
    holds = not_(chain.any_target(lambda t: not_(sure(t))))
    fails = chain.any_target(lambda t: not_(sure(t)), lambda t: not_(maybe(t)))
    name = _NAMED[kind]
    return [
        threshold(
            rid,
            "supported",
            Words(
                f"Behind every promise that rests on an {name} stands a signed one with a target at least as strict."
                if kind == "ola"
                else f"Behind every promise that rests on a supplier stands a signed {name} with a target at least as strict.",
                f"At the end of the month a promise had no signed {name} behind it that is as strict.",
                f"Agree a {name} that makes the promise possible, or promise less.",
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
    weaker = chain.any_target(chain.strict(margin_pct, share=not_))
    unsure = chain.any_target(chain.strict(margin_pct, share=_unknown))
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
        holds=not_(or_(weaker, unsure)),
        doubts=[(and_(not_(weaker), unsure), _NOT_COMPARABLE)],
        **chain.more,
    )


def _hours(rid: str, chain: _Chain) -> Part:
    def behind(t: Any, *conditions: Any) -> ColumnElement[bool]:
        def timed(_: Any, support: Any) -> ColumnElement[bool]:
            return and_(counts_time(t), counts_time(support))

        return chain.behind(t, timed, *conditions)

    def closed(t: Any) -> ColumnElement[bool]:
        mine = calendar_of(chain.a, t)
        return behind(
            t,
            lambda x, support: not_(
                open_time_within(mine, calendar_of(x, support), _period.starts_at, _period.ends_at)
            ),
        )

    def unknown(t: Any) -> ColumnElement[bool]:
        mine = calendar_of(chain.a, t)
        return behind(t, lambda x, support: or_(never_open(mine), never_open(calendar_of(x, support))))

    unsure, shut = chain.any_target(unknown), chain.any_target(closed)
    return threshold(
        rid,
        f"{chain.owner}_{chain.kind}_hours",
        Words(
            f"A supporting {_NAMED[chain.kind]} is in service whenever the {_NAMED[chain.owner]} promises support.",
            f"A supporting {_NAMED[chain.kind]} rests at hours for which the {_NAMED[chain.owner]} promises support.",
            "Buy or agree support for those hours too, or promise fewer.",
        ),
        unit=chain.unit,
        holds=not_(or_(unsure, shut)),
        doubts=[(unsure, "on which calendar a target counts is not known")],
        **chain.more,
    )


DECLARATIONS: dict[str, Declare] = {"BS15000-5.1-c": _5_1_c, "BS15000-5.1-d": _5_1_d, "SLM-08": _slm_08}
"""Requirement -> what makes its parts."""
