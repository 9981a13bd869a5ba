"""Chapter 10: money, where agreements ask for it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hub.conformance.situation.cost import CostLine, Costs, costs, finance_duty
from hub.report.file.topic import Column, Topic
from hub.report.model import Said
from hub.report.plan.due import local_date
from hub.report.service.chapter import Asked, Chapter, Part
from hub.report.service.known import known, whole
from hub.report.status import percent
from hub.sla.open_time import Span
from hub.sla.zone import load_zone, wall_to_utc

__all__ = ["finance"]

_TITLE = "Finance"
_NONE = "not recorded"


def finance(asked: Asked) -> Chapter:
    """Tell budget, actual and variance by service and kind of cost, and what changes were expected to cost."""
    if asked.terms.type != "finance":
        last = local_date(asked.instant - 1, asked.zone).isoformat()
        duty = finance_duty(asked.conn, asked.instant, asked.audience, day=last)
        if not duty.agreed:
            phrase = "no agreement asks for it"
            if duty.none_agreed:
                phrase = "it was agreed that money is not reported"
            return Chapter(10, _TITLE, absent=Said(phrase=phrase))
    said = known(asked, ("budget", "cost_entry"))
    if said.absent:
        return whole(10, _TITLE, said, [], empty=True)
    label, year = _year(asked)
    facts = costs(asked.conn, asked.period, asked.as_of, asked.audience, year=year, label=label)
    phrase = "Budget and variance are those of the fiscal year {year}, counted from January; spent to date is compared."
    parts: list[Part] = [_lines(facts), Said(phrase=phrase, values={"year": label}), *_notes(facts)]
    return whole(10, _TITLE, said, parts, empty=not (facts.lines or facts.ended or facts.unreadable))


def _year(asked: Asked) -> tuple[str, Span]:
    """Return the calendar year the period begins in, and its span in the report's zone."""
    number = local_date(asked.terms.start, asked.zone).year
    zone = load_zone(asked.zone)
    return str(number), (wall_to_utc(zone, date(number, 1, 1), 0), wall_to_utc(zone, date(number + 1, 1, 1), 0))


def _lines(facts: Costs) -> Topic:
    return Topic(
        "Budget and cost",
        (
            Column("Service", "word", 26),
            Column("Kind of cost", "word", 18),
            Column("Currency", width=9),
            Column("Budget of the year", "word", 14),
            Column("Spent in the period", width=14),
            Column("Spent to date", width=14),
            Column("Left", width=14),
            Column("Share spent", "word", 11),
            Column("Still expected", width=14),
        ),
        [
            (
                one.service or "no single service",
                one.cost_type or _NONE,
                one.currency,
                one.budget or "no budget",
                one.actual or "",
                one.to_date or "",
                *_variance(one),
                one.forecast or "",
            )
            for one in facts.lines
        ],
        "neither a budget nor a cost is recorded",
    )


def _variance(one: CostLine) -> tuple[str, str]:
    if one.budget is None:
        return "", ""
    budget, spent = Decimal(one.budget), Decimal(one.to_date or 0)
    cents = 10 ** max(0, *(-int(value.as_tuple().exponent) for value in (budget, spent)))
    return f"{budget - spent:f}", percent(int(spent * cents), int(budget * cents)) if budget > 0 else ""


def _notes(facts: Costs) -> list[Part]:
    parts: list[Part] = []
    if facts.ended:
        text = "Changes that ended in the period: {n}, of which {estimated} have an estimate of their cost, together {sum}."
        total = ", ".join(f"{amount} {currency}".strip() for currency, amount in facts.changes.items()) or "0"
        values: dict[str, int | str] = {"n": facts.ended, "estimated": facts.estimated, "sum": total}
        parts.append(Said(phrase=text, values=values))
        parts.append(Said(phrase="What changes really cost is not recorded with them."))
    if facts.unapproved:
        phrase = "{n} budgets of the year are not approved."
        parts.append(Said(phrase=phrase, values={"n": facts.unapproved}))
    if facts.unreadable:
        phrase = "{n} amounts are no number; they are in no sum."
        parts.append(Said(phrase=phrase, values={"n": facts.unreadable}))
    return parts
