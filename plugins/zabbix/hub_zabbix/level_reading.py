"""What Zabbix computed itself: service levels per service and period that ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from hub.sync.source import Document, Page
from hub_zabbix.document import Level
from hub_zabbix.event_reading import in_batches, instant
from hub_zabbix.vocabulary import SCOPE
from hub_zabbix.wire import ServiceObject, Sla, Sli, number

if TYPE_CHECKING:
    from hub_zabbix.client import ZabbixClient

__all__ = ["read_levels"]

_MOST = 100
"""Periods Zabbix gives at once."""
_SERVICES = 200
_ENABLED = 1


def read_levels(client: ZabbixClient, now: int, cursor: Mapping[str, Any], gaps: list[str]) -> Iterator[Page]:
    """Yield a page for each service level; the cursor is, per service level, the period to begin at next time."""
    after = dict(cursor)
    counted = 0
    levels = client.list("sla.get", Sla, {"output": "extend", "filter": {"status": _ENABLED}})
    for level in levels:
        slaid = str(level.slaid)
        tied = client.list(
            "service.get", ServiceObject, {"output": ["serviceid", "name"], "selectTags": "extend", "slaids": [slaid]}
        )
        found: list[Level] = []
        for some in in_batches(tied, _SERVICES):
            found += _computed(client, level, some, now, after.get(slaid))
        ended = sorted({one.begins // 1000 for one in found})
        if ended:
            after[slaid] = ended[-2] if len(ended) > 1 else ended[0]
        documents = [
            Document("sli", f"{slaid}/{one.service}/{one.begins}", SCOPE, msgspec.json.encode(one)) for one in found
        ]
        last = level is levels[-1]
        yield Page(documents, dict(after), client.requests - counted, gaps if last else [])
        counted = client.requests
    if not levels:
        yield Page([], after, client.requests, gaps)


def _computed(
    client: ZabbixClient, level: Sla, services: Sequence[ServiceObject], now: int, begin: int | None
) -> Iterator[Level]:
    """Give what is computed from the period `begin` on, at first the last hundred periods."""
    named = {str(each.serviceid): each for each in services}
    while named:
        asked: dict[str, Any] = {"slaid": level.slaid, "serviceids": list(named), "periods": _MOST}
        if begin is not None:
            asked["period_from"] = begin
        told = client.call("sla.getsli", asked, Sli)
        yield from _cells(level, told, named, now)
        reached = max((number(period.period_to) for period in told.periods), default=now)
        if begin is None or reached >= now or reached <= begin:
            return
        begin = reached


def _cells(level: Sla, told: Sli, services: Mapping[str, ServiceObject], now: int) -> Iterator[Level]:
    for period, row in zip(told.periods, told.sli, strict=False):
        if number(period.period_to) > now:
            continue
        for serviceid, cell in zip(told.serviceids, row, strict=False):
            service = services.get(str(serviceid))
            if service is None:
                continue
            yield Level(
                sla=str(level.slaid),
                sla_name=level.name,
                service=str(service.serviceid),
                service_name=service.name,
                facts=[(tag.tag, tag.value) for tag in service.tags],
                begins=instant(period.period_from),
                ends=instant(period.period_to),
                target=_decimal(level.slo),
                up_s=number(cell.uptime),
                down_s=number(cell.downtime),
                share=None if cell.sli < 0 else cell.sli,
                excluded=[
                    (instant(each.get("period_from")), instant(each.get("period_to")))
                    for each in cell.excluded_downtimes
                ],
            )


def _decimal(told: str | float) -> float:
    try:
        return float(told)
    except ValueError:
        return 0.0
