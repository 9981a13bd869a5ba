"""What an alert is about: settings that map what the tool says of it to services and items of the register."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import AfterValidator

__all__ = ["Facts", "ItemRules", "RuleMap", "Rules", "ServiceRules"]

Facts = Iterable[tuple[str, str]]
"""What a tool says of an alert, as (name, value): a label, a tag, `host`, `hostgroup`; a name may come several times."""


def _sound(rules: dict[str, str]) -> dict[str, str]:
    for rule, record in rules.items():
        name, sign, value = rule.partition("=")
        if not (sign and name.strip() and value.strip()):
            raise ValueError(f'{rule!r}: write "name=value", such as "service=shop" or "hostgroup=web*"')
        if "*" in value.strip()[:-1]:
            raise ValueError(f"{rule!r}: a * may stand at the end only")
        if not record.strip():
            raise ValueError(f"{rule!r}: no record is named")
    return rules


ServiceRules = Annotated[dict[str, str], AfterValidator(_sound)]
"""Type of the setting `services`: `"name=value" = "id of a service record"`; a `*` at the end of the value stands for
anything. Every rule that fits counts: an alert may be about several services."""
ItemRules = ServiceRules
"""Type of the setting `items`: the same, with ids of configuration items."""
Rules = Annotated[list[str], AfterValidator(lambda rules: list(_sound(dict.fromkeys(rules, "fits"))))]
"""Type of settings that pick alerts out: rules as in `services`, without a service."""


class RuleMap:
    """Finds what the rules of one setting name."""

    def __init__(self, rules: Mapping[str, str]) -> None:
        self._exact: dict[tuple[str, str], list[str]] = {}
        self._begins: dict[str, list[tuple[str, str]]] = {}
        for rule, record in rules.items():
            name, _, value = (part.strip() for part in rule.partition("="))
            if value.endswith("*"):
                self._begins.setdefault(name, []).append((value[:-1], record))
            else:
                self._exact.setdefault((name, value), []).append(record)

    def __bool__(self) -> bool:
        """Tell whether there is any rule."""
        return bool(self._exact or self._begins)

    def named(self, facts: Facts) -> list[str]:
        """Return the ids the facts lead to, each once, in the order of the facts."""
        found: dict[str, None] = {}
        for name, value in facts:
            for record in self._exact.get((name, value), ()):
                found[record] = None
            for beginning, record in self._begins.get(name, ()):
                if value.startswith(beginning):
                    found[record] = None
        return list(found)
