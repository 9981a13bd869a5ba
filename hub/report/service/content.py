"""What the record of a report says of its chapters on work, satisfaction, configuration and follow-up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from hub.conformance.situation.inventory import inventory
from hub.conformance.situation.open_point import action_points
from hub.conformance.situation.satisfaction import Given, LowScore, Satisfaction
from hub.conformance.situation.satisfaction import satisfaction as surveys_of
from hub.conformance.situation.workload import Flow
from hub.conformance.situation.workload import workload as flows_of
from hub.records.report_content import FollowUp, ItemChange, ItemCount, SatisfactionLine, WorkloadLine
from hub.records.report_content import LowScore as LowScoreLine
from hub.report.plan.due import local_date
from hub.report.service.chapter import Asked
from hub.report.service.follow_up import status_of
from hub.report.service.known import known
from hub.report.service.workload import KINDS

__all__ = ["BodyLines", "lines_of"]


class BodyLines(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of a `ServiceReport` that requirements read; empty where nothing is known."""

    workload: list[WorkloadLine] = []
    satisfaction: list[SatisfactionLine] = []
    low_scores: list[LowScoreLine] = []
    follow_ups: list[FollowUp] = []
    ci_counts: list[ItemCount] = []
    ci_changes: list[ItemChange] = []


def lines_of(asked: Asked, numbers: Iterable[int]) -> BodyLines:
    """Say what the record of a report holds of its chapters, by their numbers."""
    found: dict[str, Any] = {}
    for number in numbers:
        if number in _TOLD:
            kinds, told = _TOLD[number]
            found |= told(asked) if known(asked, kinds).absent is None else {}
    return BodyLines(**found)


def _of_work(asked: Asked) -> dict[str, Any]:
    return {"workload": _workload(asked)}


def _of_satisfaction(asked: Asked) -> dict[str, Any]:
    facts = surveys_of(asked.conn, asked.period, asked.as_of, asked.known_at, asked.audience)
    low = [LowScoreLine(survey_id=one.survey.id, follow_up=_followed(one, asked.zone)) for one in facts.low]
    return {"satisfaction": _satisfaction(facts), "low_scores": low}


def _of_items(asked: Asked) -> dict[str, Any]:
    items = inventory(asked.conn, asked.period, asked.as_of, asked.known_at, asked.audience)
    return {
        "ci_counts": [ItemCount(ci_status=state, number=n) for state, n in items.states.items()],
        "ci_changes": [ItemChange(ci_id=one.item, version=one.version, at=one.at) for one in items.versions],
    }


def _of_actions(asked: Asked) -> dict[str, Any]:
    points = action_points(asked.conn, asked.period, asked.as_of, asked.known_at, asked.audience)
    return {"follow_ups": [FollowUp(action_id=one.subject.id, status=status_of(one, asked.instant)) for one in points]}


_TOLD: dict[int, tuple[Sequence[str], Callable[[Asked], dict[str, Any]]]] = {
    4: (KINDS, _of_work),
    6: (("satisfaction_survey",), _of_satisfaction),
    9: (("configuration_item",), _of_items),
    12: (("improvement_action",), _of_actions),
}
"""Number of a chapter -> kinds it rests on, and what to tell of it."""


def _workload(asked: Asked) -> list[WorkloadLine]:
    """Give a line for everything, one a priority (changes have none), one a service."""
    facts = flows_of(asked.conn, asked.period, asked.as_of, asked.known_at, asked.audience)
    lines = [_line(facts.flows)]
    tickets = [one for one in facts.by_class if one.kind != "change" and one.group]
    priorities = sorted({one.group or "" for one in tickets}) or ["P1"]
    lines += [_line([one for one in tickets if one.group == name], priority=name) for name in priorities]
    services = sorted({one.service for one in facts.by_service if one.service})
    lines += [_line([one for one in facts.by_service if one.service == name], service=name) for name in services]
    return lines


def _line(flows: Iterable[Flow], priority: str | None = None, service: str | None = None) -> WorkloadLine:
    own = list(flows)
    return WorkloadLine(
        priority=priority,
        service_id=service,
        opening=sum(one.opening for one in own),
        opened=sum(one.opened for one in own),
        reopened=sum(one.reopened for one in own),
        resolved=sum(one.resolved for one in own),
        cancelled=sum(one.cancelled for one in own),
        closing=sum(one.closing for one in own),
    )


def _satisfaction(facts: Satisfaction) -> list[SatisfactionLine]:
    channels = [one for one in facts.campaigns if one.channel is not None]
    lines = [
        SatisfactionLine(
            sent=sum(one.sent for one in facts.campaigns),
            replied=sum(one.replied for one in facts.campaigns),
            mean=_mean(facts.given),
        )
    ]
    for one in channels:
        own = [each for each in facts.given if each.channel == one.channel]
        way = msgspec.convert({"channel": one.channel, "sent": one.sent, "replied": one.replied}, SatisfactionLine)
        lines.append(msgspec.structs.replace(way, mean=_mean(own)))
    return lines


def _mean(given: Iterable[Given]) -> float | None:
    """Return the mean of all scores; None where scales differ, for then there is none."""
    own = list(given)
    number = sum(one.number for one in own)
    if not number or len({(one.lowest, one.highest) for one in own}) > 1:
        return None
    return float(sum(Decimal(str(one.score)) * one.number for one in own) / number)


def _followed(one: LowScore, zone: str) -> str | None:
    if one.follow_up_at is not None:
        return f"followed up {local_date(one.follow_up_at, zone).isoformat()}"
    return "an action is recorded" if one.acted else None
