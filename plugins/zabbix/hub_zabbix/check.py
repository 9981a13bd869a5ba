"""`hub check` for a Zabbix source: whose token, which method is forbidden, what stands for no service yet."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hub.errors import SourceError
from hub.sync.source import CheckLine
from hub_zabbix.source import PROBES, hosts_seen, skew_told
from hub_zabbix.watch_reading import find_items, find_triggers
from hub_zabbix.wire import Host, number

if TYPE_CHECKING:
    from hub.sync.source import SourceContext
    from hub_zabbix.client import ZabbixClient
    from hub_zabbix.vocabulary import Vocabulary

__all__ = ["check"]

_SHOWN = 10
_WARN_DAYS = 30


def check(client: ZabbixClient, words: Vocabulary, context: SourceContext) -> list[CheckLine]:
    """Try everything once; a fault ends its own lines only."""
    url = words.settings.url
    try:
        version, user = client.version, client.whoami()
    except SourceError as fault:
        return [CheckLine("error", str(fault), "check url, token and ca_bundle of this source")]
    lines = [CheckLine("ok", f"{url}: signed in as {user}, Zabbix {version.major}.{version.minor}")]
    told = skew_told(client.clock_skew_ms)
    if told:
        lines.append(CheckLine("error", told, "until then nothing is concluded from this source"))
    lines += _token(client, context)
    lines += _methods(client, words)
    for part in (_hosts, _names):
        try:
            lines += part(client, words)
        except SourceError as fault:
            lines.append(CheckLine("error", str(fault), "see the role of this token's user"))
    return lines


def _token(client: ZabbixClient, context: SourceContext) -> list[CheckLine]:
    """Tell when tokens of this user end; the earliest, for Zabbix does not say which one we use."""
    try:
        tokens = client.call("token.get", {"output": ["name", "expires_at", "status"]}, list[dict[str, Any]])
    except SourceError:
        return []
    ends = [number(each.get("expires_at")) for each in tokens if str(each.get("status", "0")) == "0"]
    end = min((each for each in ends if each), default=None)
    if end is None:
        return []
    days = (end * 1000 - context.clock.now_ms()) // 86_400_000
    told = f"an API token of this user ends on {datetime.fromtimestamp(end, tz=UTC).date()}"
    if days > _WARN_DAYS:
        return [CheckLine("ok", told)]
    return [CheckLine("warning", f"{told}, in {days} days" if days >= 0 else told, "make a new token in time")]


def _methods(client: ZabbixClient, words: Vocabulary) -> list[CheckLine]:
    lines = []
    settings = words.settings
    idle = {"sli"} if not settings.services else set()
    idle |= {"watch"} if not (settings.availability or settings.measurements) else set()
    for stream, probes in PROBES.items():
        for method, params in probes if stream not in idle else ():
            try:
                client.call(method, params, list[Any])
            except SourceError as fault:
                lines.append(CheckLine("error", str(fault), f"allow {method} in the role of this token's user"))
    return lines or [CheckLine("ok", "every method needed is allowed")]


def _hosts(client: ZabbixClient, words: Vocabulary) -> list[CheckLine]:
    seen = hosts_seen(client)
    if not seen:
        return [
            CheckLine(
                "error",
                "no host is visible",
                "give the user group of this token's user the permission to read host groups",
            )
        ]
    asked = {"output": ["hostid", "host"], client.version.groups: ["name"], "selectTags": "extend"}
    unmapped: Counter[str] = Counter()
    for each in client.list("host.get", Host, asked):
        groups = [f"hostgroup={group.name}" for group in [*each.hostgroups, *each.groups]]
        facts = [("host", each.host), *(("hostgroup", group.partition("=")[2]) for group in groups)]
        facts += [(tag.tag, tag.value) for tag in each.tags]
        if not words.services_of(facts):
            unmapped.update(groups)
    lines = [CheckLine("ok", f"{seen} hosts are visible")]
    return lines + [
        CheckLine(
            "warning",
            f"{rule} stands for no service ({count} hosts)",
            f'[services] "{rule}" = "register:services/<id>"',
        )
        for rule, count in unmapped.most_common(_SHOWN)
    ]


def _names(client: ZabbixClient, words: Vocabulary) -> list[CheckLine]:
    settings = words.settings
    there = {one.key for one in find_triggers(client, settings)}
    lines = [
        CheckLine(
            "warning",
            f"{key!r} in availability is no trigger, or not to be seen",
            "write <host>: <name of the trigger>",
        )
        for key in sorted(settings.availability.keys() - there)
    ]
    items = {(host, item.key_) for host, item in find_items(client, settings).values()}
    return lines + [
        CheckLine("warning", f"{host}: no item {key!r} in measurements, or not to be seen", "see Items of the host")
        for host, key in sorted(words.figures.keys() - items)
    ]
