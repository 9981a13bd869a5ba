"""`hub check` for an Icinga source: who we are, which permission is missing, which objects have no service yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from hub.errors import SourceError
from hub.sync.source import CheckLine
from hub_icinga.source import RIGHTS, skew_told

if TYPE_CHECKING:
    from hub_icinga.client import Account, IcingaClient
    from hub_icinga.vocabulary import Vocabulary
    from hub_icinga.wire import Checked, Objects

    FactsOf = Callable[[Checked], list[tuple[str, str]]]

__all__ = ["check"]

_SHOWN = 10
_GIVES = {
    "status/query": "whether Icinga runs and what its clock says",
    "objects/query/Host": "hosts",
    "objects/query/Service": "services",
    "objects/query/Comment": "acknowledgements and comments",
    "objects/query/Downtime": "downtimes",
}


def check(client: IcingaClient, words: Vocabulary, facts_of: FactsOf) -> list[CheckLine]:
    """Try everything once; a fault ends its own lines only."""
    try:
        account = client.whoami()
    except SourceError as fault:
        return [CheckLine("error", str(fault), "check url, user, password and ca_bundle of this source")]
    lines = [CheckLine("ok", f"{words.settings.url}: signed in as {account.user}, Icinga {account.version}")]
    lines += _rights(account)
    lines += _clock(client)
    try:
        hosts, services = client.hosts(), client.services()
    except SourceError as fault:
        return [*lines, CheckLine("error", str(fault), "see the permissions of the ApiUser")]
    told = f"{len(hosts.results)} hosts and {len(services.results)} services are visible"
    none = not hosts.results
    lines.append(CheckLine("warning" if none else "ok", told, "see filters of the permissions" if none else ""))
    return lines + _names(hosts, services, words, facts_of)


def _rights(account: Account) -> list[CheckLine]:
    wanted = list(dict.fromkeys(right for rights in RIGHTS.values() for right in rights))
    lacking = account.lacks(*wanted)
    lines = [
        CheckLine("error", f"permission {right} is missing: {_GIVES[right]} cannot be read", _paste(account, lacking))
        for right in lacking
    ]
    return lines or [CheckLine("ok", "every permission needed is there")]


def _paste(account: Account, lacking: list[str]) -> str:
    named = ", ".join(f'"{right}"' for right in lacking)
    return f'object ApiUser "{account.user}" {{ permissions += [ {named} ] }}'


def _clock(client: IcingaClient) -> list[CheckLine]:
    try:
        process = client.process()
    except SourceError as fault:
        return [CheckLine("error", str(fault), "give the ApiUser the permission status/query")]
    told = skew_told(process)
    return [CheckLine("error", told, "until then nothing is concluded from this source")] if told else []


def _names(hosts: Objects, services: Objects, words: Vocabulary, facts_of: FactsOf) -> list[CheckLine]:
    settings = words.settings
    listed = [*hosts.results, *services.results]
    there = {each.attrs.name for each in listed}
    lines = [
        CheckLine(
            "warning", f"{name} in {key} is not in Icinga, or not to be seen", "correct the name: host or host!service"
        )
        for key, names in (
            ("availability", list(settings.availability)),
            ("measurements", [figure.object for figure in settings.measurements]),
        )
        for name in names
        if name not in there
    ]
    unmapped: Counter[str] = Counter()
    for each in listed:
        facts = facts_of(each)
        if not words.services_of(each.attrs.name, facts):
            groups = [f"{kind}={value}" for kind, value in facts if kind.endswith("group")]
            unmapped.update(groups or [f"host={each.attrs.host_name or each.attrs.name}"])
    lines += [
        CheckLine(
            "warning",
            f"{rule} stands for no service ({count} objects)",
            f'[services] "{rule}" = "register:services/<id>"',
        )
        for rule, count in unmapped.most_common(_SHOWN)
    ]
    return lines or [CheckLine("ok", "every object stands for a service")]
