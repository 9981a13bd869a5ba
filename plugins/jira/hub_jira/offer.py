"""What a Jira would say if one more line were written: an issue type, a field, a service."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from hub.records import KINDS
from hub.sync.source import Provision
from hub.sync.source_type import Offer
from hub_jira.field import UnknownTargetError, parse_target
from hub_jira.provision import APPROVAL, ISSUE_FIELDS, OWN, PERSON, RELEASE
from hub_jira.settings import ISSUE_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub_jira.settings import JiraSettings

__all__ = ["offers"]

_FIELD = "customfield_10000"
"""Stands for the id Jira gives a field: Settings, Issues, Custom fields."""


def offers(name: str, settings: JiraSettings | None) -> Sequence[Offer]:
    """List one offer for each line; without settings there is one, the whole source."""
    if settings is None:
        gives = [Provision(kind, _unmapped(kind)) for kind in ISSUE_KINDS if kind != "review"]
        gives += [Provision("person", PERSON, within_subject=True), Provision("release", RELEASE)]
        return [Offer('plugin = "jira"', f"[sources.{name}], with url, token, projects and issue_types", tuple(gives))]
    table = f"[sources.{name}.fields]"
    found = [
        Offer(f'"{_title(kind)}" = "{kind}"', f"[sources.{name}.issue_types]", (Provision(kind, _unmapped(kind)),))
        for kind in ISSUE_KINDS
        if kind not in settings.issue_types.values()
    ]
    found += [
        Offer(f'{_FIELD} = "{kind}.{field}"', table, (Provision(kind, given),), opens=False)
        for kind in ISSUE_KINDS
        for field, given in _mappable(kind)
    ]
    approved = (Provision("approval", APPROVAL, within_subject=True), Provision("change", frozenset({"approval_ids"})))
    found.append(Offer(f'{_FIELD} = "change.approval_ids"', table, approved))
    served = tuple(Provision(kind, frozenset({"service_ids"})) for kind in ISSUE_KINDS)
    line = '"Name of a component" = "register:services/<id>"'
    return [*found, Offer(line, f"[sources.{name}.services]", served, opens=False)]


def _unmapped(kind: str) -> frozenset[str]:
    return (ISSUE_FIELDS | OWN.get(kind, frozenset())) - {"service_ids"}


def _title(kind: str) -> str:
    return kind.replace("_", " ").capitalize()


@cache
def _mappable(kind: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """Name the fields a line can fill, each with what it then gives."""
    found = []
    for field in msgspec.structs.fields(KINDS[kind]):
        if field.name in ISSUE_FIELDS:
            continue
        names = [field.encode_name, *(f"{field.encode_name}.{part}" for part in _parts(kind, field.encode_name))]
        for name in names:
            try:
                target = parse_target(f"{kind}.{name}")
            except UnknownTargetError:  # a group of fields, of which one has to be named
                continue
            given = {target.name, target.path[0]} if target.struct is not None else {target.name}
            found.append((name, frozenset(given)))
    return tuple(found)


def _parts(kind: str, name: str) -> list[str]:
    """Name the fields of a group of fields."""
    described = msgspec.inspect.type_info(KINDS[kind])
    assert isinstance(described, msgspec.inspect.StructType)  # noqa: S101 - records are structs
    kept: msgspec.inspect.Type = next(field.type for field in described.fields if field.encode_name == name)
    while not isinstance(kept, msgspec.inspect.StructType):
        if isinstance(kept, msgspec.inspect.UnionType):
            kept = next(one for one in kept.types if not isinstance(one, msgspec.inspect.NoneType))
        elif isinstance(kept, msgspec.inspect.ListType):
            kept = kept.item_type
        elif isinstance(kept, msgspec.inspect.Metadata):
            kept = kept.type
        else:
            return []
    return [field.encode_name for field in kept.fields]
