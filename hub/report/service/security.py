"""Chapter 11: security incidents, tests of continuity, what suppliers reached."""

from __future__ import annotations

from collections.abc import Sequence

from hub.conformance.situation.protection import (
    Continuity,
    SecurityLine,
    SupplierFigure,
    continuity_tests,
    security_lines,
    supplier_figures,
)
from hub.report.file.topic import Cell, Column, Topic
from hub.report.model import Said
from hub.report.plan.due import local_date
from hub.report.service.chapter import Asked, Chapter, Part
from hub.report.service.known import known, name_of, whole

__all__ = ["days_of", "security", "suppliers_topic"]

_TITLE = "Security, continuity, suppliers"
_NONE = "not recorded"
_DIRECTIONLESS = "direction not recorded"


def security(asked: Asked) -> Chapter:
    """Tell security incidents by type and cost, tests of continuity, attainment of suppliers."""
    said = known(asked, ("security_incident", "continuity_test", "underpinning_contract", "measurement"))
    if said.absent:
        return whole(11, _TITLE, said, [], empty=True)
    lines = security_lines(asked.conn, asked.period, asked.as_of, asked.audience)
    tests = continuity_tests(asked.conn, asked.period, asked.as_of, asked.known_at, asked.audience)
    figures = supplier_figures(asked.conn, asked.period, asked.known_at, asked.audience, days=days_of(asked))
    parts: list[Part] = []
    if "security_incident" in said.kinds:
        parts += [_incidents(lines), *_unreported(lines)]
    if "continuity_test" in said.kinds:
        parts.append(_tests(asked, tests))
    if said.kinds & {"underpinning_contract", "measurement"}:
        parts.append(suppliers_topic(asked, figures))
    return whole(11, _TITLE, said, parts, empty=not (lines or tests or figures))


def days_of(asked: Asked) -> tuple[str, str]:
    """Return the first local day of the period and the first after it."""
    return local_date(asked.terms.start, asked.zone).isoformat(), local_date(asked.terms.end, asked.zone).isoformat()


def _incidents(lines: Sequence[SecurityLine]) -> Topic:
    return Topic(
        "Security incidents",
        (
            Column("Type", "word", 22),
            Column("Incidents", "number", 10),
            Column("Of these critical", "number", 10),
            Column("Still open", "number", 10),
            Column("Personal data", "number", 10),
            Column("Cost", "word", 20),
            Column("With cost recorded", "number", 10),
        ),
        [
            (one.type or _NONE, one.number, one.critical, one.open, one.personal, _cost(one), one.costed)
            for one in lines
        ],
        "no security incident was noticed",
    )


def _cost(one: SecurityLine) -> str:
    return ", ".join(f"{amount} {currency}".strip() for currency, amount in one.costs.items()) or _NONE


def _unreported(lines: Sequence[SecurityLine]) -> list[Part]:
    number = sum(one.unreported for one in lines)
    phrase = "Of {n} security incidents it is not recorded that management was told."
    return [Said(phrase=phrase, values={"n": number})] if number else []


def _tests(asked: Asked, tests: Sequence[Continuity]) -> Topic:
    return Topic(
        "Continuity tests",
        (
            Column("Test", width=36),
            Column("Performed", "day", 13),
            Column("Result", "word", 14),
            Column("Recovered in minutes", "number", 11),
            Column("Data lost in minutes", "number", 11),
            Column("Retest", "word", 8),
        ),
        [
            (
                name_of(asked, one.subject),
                one.performed_at,
                one.result or _NONE,
                one.recovery_min,
                one.loss_min,
                "yes" if one.retest else "no",
            )
            for one in tests
        ],
        "continuity was not tested in the period",
    )


def suppliers_topic(asked: Asked, figures: Sequence[SupplierFigure]) -> Topic:
    """Lay out what was measured of suppliers against what their contracts promise."""
    return Topic(
        "Supplier attainment",
        (
            Column("Supplier", width=24),
            Column("Contract", width=28),
            Column("Metric", "word", 20),
            Column("Target", width=12),
            Column("Reached", "word", 16),
            Column("Kept", "word", 22),
        ),
        [_figure(asked, one) for one in figures],
        "nothing was measured of suppliers in the period",
    )


def _figure(asked: Asked, one: SupplierFigure) -> tuple[Cell, ...]:
    unit = f" {one.unit}" if one.unit else ""
    return (
        name_of(asked, one.supplier),
        name_of(asked, one.contract),
        one.metric.replace("_", " "),
        "" if one.target is None else f"{one.target:g}{unit}",
        (one.missing or _NONE) if one.actual is None else f"{one.actual:g}{unit}",
        _kept(one),
    )


def _kept(one: SupplierFigure) -> str:
    if one.actual is None:
        return "not provable"
    if one.target is None:
        return "no target"
    if one.upward is None:
        return _DIRECTIONLESS
    return "met" if (one.actual >= one.target) == one.upward or one.actual == one.target else "missed"
