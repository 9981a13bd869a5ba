"""What promises rest on: SLA, OLA and contract back to back, the offending pair by name."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from hub.clock import parse_instant
from hub.records import Ola, Sla, Target, UnderpinningContract
from hub.records.agreements import Agreement
from hub.sla.calendar import built_in, open_intervals
from hub.sla.chain import cycles, rungs
from hub.sla.open_time import OpenTime

NOW = parse_instant("2026-11-02T00:00:00Z")
CALENDARS = {one.id: OpenTime(open_intervals(one, date(2026, 10, 1), date(2027, 12, 31))) for one in built_in("UTC")}


def target(value: float = 4, **fields: Any) -> Target:
    given: dict[str, Any] = {"metric": "resolution", "operator": "<=", "unit": "h", "calendar": "7x24"} | fields
    return Target(id="t", value=value, **given)


def sla(**fields: Any) -> Sla:
    return Sla(id="r:slas/gold", source="r", targets=[target(priority="P1", **fields)], signed_at=0)


def ola(name: str = "ops", **fields: Any) -> Ola:
    given: dict[str, Any] = {"signed_at": 0, "targets": [target()]} | fields
    return Ola(id=f"r:olas/{name}", source="r", **given)


def weaknesses(*agreements: Agreement) -> list[tuple[str, str, str]]:
    found = rungs(agreements, CALENDARS, NOW)
    return [(one.agreement, one.support, one.weakness) for one in found if one.weakness]


RESTING = sla(internal_dependency="olas/ops")


@pytest.mark.parametrize(
    ("support", "weakness"),
    [
        (ola(), None),
        (ola(targets=[target(180, unit="min")]), None),
        (ola(targets=[target(5)]), "it allows more time"),
        (ola(targets=[target(calendar="5x8")]), "5x8 is closed while 7x24 is open, first on 2026-11-02"),
        (ola(targets=[target(calendar="6x9")]), "it counts on the calendar '6x9', which does not exist"),
        (ola(targets=[target(metric="response")]), "it promises nothing of the kind"),
        (ola(targets=[target(priority="P2")]), "it promises nothing of the kind"),
        (ola(targets=[target(operator=">=", unit="%")]), "the two cannot be compared"),
        (ola(signed_at=None), "it is not signed"),
        (ola("other"), "there is no such agreement"),
    ],
)
def test_the_offending_pair_is_named(support: Ola, weakness: str | None) -> None:
    named = "olas/ops" if support.id == "r:olas/other" else "r:olas/ops"
    assert weaknesses(RESTING, support) == ([("r:slas/gold", named, weakness)] if weakness else [])


def test_a_rate_must_not_fall() -> None:
    promised = sla(metric="availability", operator=">=", unit="%", value=99.5, internal_dependency="r:olas/ops")
    kept, weak = (ola(targets=[target(value, metric="availability", operator=">=", unit="%")]) for value in (99.5, 99))
    assert weaknesses(promised, kept) == []
    assert weaknesses(promised, weak) == [("r:slas/gold", "r:olas/ops", "it allows a lower rate")]


def test_the_chain_goes_on_to_the_contract_and_from_what_supports() -> None:
    middle = ola(targets=[target(supplier_dependency="ucs/net")], supports_sla=["r:slas/gold"])
    contract = UnderpinningContract(id="r:ucs/net", source="r", signed_at=0, targets=[target(6)])
    assert weaknesses(sla(), middle, contract) == [("r:olas/ops", "r:ucs/net", "it allows more time")]
    assert len(list(rungs([sla(), middle, contract], CALENDARS, NOW))) == 2


def test_agreements_that_rest_on_each_other_are_told_as_a_circle() -> None:
    first = ola("a", targets=[target(internal_dependency="olas/b")])
    second = ola("b", targets=[target(internal_dependency="olas/a"), target(metric="response")])
    promise = sla(internal_dependency="olas/a")
    said = "it rests on agreements that rest on each other: r:olas/a -> r:olas/b -> r:olas/a"
    assert cycles([promise, first, second])["r:slas/gold", "t"] == said
    assert cycles([promise, ola("a", targets=[target(internal_dependency="olas/b")]), ola("b")]) == {}
    assert ("r:slas/gold", "r:olas/a", said) in weaknesses(promise, first, second)
