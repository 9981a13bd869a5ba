"""Clause 5.1, missed levels: their causes recorded, reviewed and fed into improvement (h to j)."""

from __future__ import annotations

from hub.conformance.expression import business_days_after, days_after
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline
from hub_bs15000.breach import CLOCKS, SIDE_UNKNOWN, breached, cause_recorded, discussed, m, missed, month_ends
from hub_bs15000.improvement import acted
from hub_bs15000.ticket import KINDS_OF_TICKET

__all__ = ["DECLARATIONS"]

_FIGURE = ("metric_id", "actual", "target", "period")
_SERVICE_REVIEWS = ("service_review", "sla_review")


def _said(kind: str) -> list[Need]:
    ways = tuple(Need(kind, frozenset({f"breach.{name}"})) for name in ("cause_code", "cause_text"))
    return [Need(kind, alternatives=ways)]


def _5_1_h(rid: str, p: Parameters) -> list[Part]:
    remedy = "Find out why, and record it with what was missed."
    parts = []
    for kind in KINDS_OF_TICKET:
        for metric, done in CLOCKS.items():
            units, promised = breached(kind, metric)
            parts.append(
                deadline(
                    rid,
                    f"{kind}_{metric}",
                    Words(
                        f"Why a{'n' if kind[0] == 'i' else ''} {kind} was not {done} as promised is recorded within "
                        f"{p.business_days} working days.",
                        f"The {kind} was {done} too late, and nobody recorded in time why.",
                        remedy,
                    ),
                    unit=units,
                    due=business_days_after(promised, p.business_days),
                    evidence=cause_recorded(kind),
                    needs=_said(kind),
                )
            )
    return [
        *parts,
        deadline(
            rid,
            "figure",
            Words(
                f"Why a target of a period was missed is recorded within {p.business_days} working days of its end.",
                "The figure missed its target, and nobody recorded in time why.",
                remedy,
            ),
            unit=missed(),
            due=business_days_after(m.period_end - 1, p.business_days),
            evidence=cause_recorded("measurement"),
            fields=_FIGURE,
            doubts=[SIDE_UNKNOWN],
            needs=_said("measurement"),
        ),
    ]


def _5_1_i(rid: str, p: Parameters) -> list[Part]:
    remedy = "Take it up in the next service review, and name it in the minutes."
    parts = []
    for kind in KINDS_OF_TICKET:
        for metric, done in CLOCKS.items():
            units, promised = breached(kind, metric)
            parts.append(
                deadline(
                    rid,
                    f"{kind}_{metric}",
                    Words(
                        f"A service review looks at everything that was not {done} as promised within {p.days} days "
                        "of the end of the month.",
                        f"The {kind} was {done} too late, and no service review looked at it in time.",
                        remedy,
                    ),
                    unit=units.reading(period="all"),
                    due=days_after(month_ends(promised) - 1, p.days),
                    evidence=discussed(units.sid, *_SERVICE_REVIEWS),
                )
            )
    return [
        *parts,
        deadline(
            rid,
            "figure",
            Words(
                f"A service review looks at every missed target within {p.days} days of the end of its period.",
                "The figure missed its target, and no service review looked at it in time.",
                remedy,
            ),
            unit=missed(),
            due=days_after(m.period_end - 1, p.days),
            evidence=discussed(m.sid, *_SERVICE_REVIEWS),
            fields=_FIGURE,
            doubts=[SIDE_UNKNOWN],
        ),
    ]


def _5_1_j(rid: str, p: Parameters) -> list[Part]:
    return [
        deadline(
            rid,
            "improved",
            Words(
                f"Every missed target leads to an action, or to a decision that none is needed, within {p.days} days.",
                "The figure missed its target, and neither an action nor a decision followed in time.",
                "Open an improvement action for it, or record who decided that none is needed and why.",
            ),
            unit=missed(),
            due=days_after(m.period_end - 1, p.days),
            evidence=acted(m.sid),
            fields=_FIGURE,
            doubts=[SIDE_UNKNOWN],
            shape="completeness",
        )
    ]


DECLARATIONS: dict[str, Declare] = {"BS15000-5.1-h": _5_1_h, "BS15000-5.1-i": _5_1_i, "BS15000-5.1-j": _5_1_j}
"""Requirement -> what makes its parts."""
