"""The profile: what an organisation sets otherwise than the pack ships it, for whom, who set it and why.

A choice holds for the whole organisation, for a customer, for a service, or for a service as one
customer has it; the more specific comes first, in this order from the last to the first, and among
equals the one that stands first in the file. For each unit one choice decides the parameters of a
requirement and one decides whether it is judged at all: the first that speaks of the requirement and to whose
service and customer the unit belongs. What it leaves open is as the organisation has it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from hub.conformance.answer import ProfileLine, Severity
from hub.conformance.parameter import chosen_over, objection

if TYPE_CHECKING:
    from hub.conformance.pack import CatalogueEntry

__all__ = ["Choice", "Objection", "Resolved", "Scope", "left_out", "matching", "objections", "profile_lines", "resolve"]

KeyPath = tuple[str, ...]
Objection = tuple[KeyPath, str]
"""Where in the pack's section of the configuration something is wrong, and what."""


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom a choice holds: units that belong to the service and to the customer; neither = everybody."""

    service: str | None = None
    """Record id."""
    customer: str | None = None
    """Record id."""

    @property
    def rank(self) -> int:
        """How specific it is: organisation 0, customer 1, service 2, both 3."""
        return (self.customer is not None) + 2 * (self.service is not None)

    def __str__(self) -> str:
        """`service register:services/shop, customer register:customers/acme`, or `organisation`."""
        named = (("service", self.service), ("customer", self.customer))
        return ", ".join(f"{word} {name}" for word, name in named if name) or "organisation"


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of the profile."""

    key: KeyPath
    """Where it stands, below the pack's section, such as ('profile', '0')."""
    scope: Scope = Scope()
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Requirement id -> parameter -> value."""
    disabled: Sequence[str] = ()
    """Requirements that are not judged: ids, clauses, or patterns of ids such as `BS15000-5.5-*`."""
    enabled: Sequence[str] = ()
    """Requirements that are judged where a wider choice disables them."""
    severity: Mapping[str, Severity] = field(default_factory=dict)
    """Requirements, named like those above -> severity; for the whole organisation only."""
    reason: str = ""
    set_by: str = ""
    set_at: str = ""
    """Date."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a profile makes of one requirement."""

    entry: CatalogueEntry
    """With the organisation's severity and parameters."""
    judged: bool
    """For units that no switch names."""
    scoped: tuple[Choice, ...]
    """Choices of parameters for some units only, most specific first."""
    switches: tuple[Choice, ...]
    """Choices of being judged for some units only, most specific first."""
    disabled_by: tuple[Choice, ...]
    """Choices for which it is not judged, of everybody or of some, in the order of the file."""

    @property
    def is_asked(self) -> bool:
        """Say whether it is judged of anybody."""
        return self.judged or any(self.is_on(choice) for choice in self.switches)

    def asked(self) -> dict[str, Any]:
        """Return the parameters and switches by name; those for some units only with their scope behind the name."""
        scoped = {
            f"{name} ({choice.scope})": value
            for choice in reversed(self.scoped)
            for name, value in choice.parameters[self.entry.id].items()
        }
        switched = {f"judged ({choice.scope})": self.is_on(choice) for choice in reversed(self.switches)}
        return {**self.entry.parameters, "judged": self.judged, **scoped, **switched}

    def is_on(self, choice: Choice) -> bool:
        """Say whether a switch lets the requirement be judged."""
        return any(matches(self.entry, pattern) for pattern in choice.enabled)


def matches(entry: CatalogueEntry, pattern: str) -> bool:
    """Say whether a pattern names a requirement: its id, a pattern of it, its clause or one above that."""
    above = entry.clause == pattern or entry.clause.startswith(f"{pattern}.")
    return above or entry.id == pattern or fnmatchcase(entry.id, pattern)


def matching(entries: Iterable[CatalogueEntry], patterns: Iterable[str]) -> set[str]:
    """Return the ids of the requirements that any of the patterns names."""
    wanted = tuple(patterns)
    return {entry.id for entry in entries if any(matches(entry, pattern) for pattern in wanted)}


def resolve(entry: CatalogueEntry, chosen: Mapping[str, Any], choices: Sequence[Choice]) -> Resolved:
    """Work out what holds for one requirement; `chosen` are the organisation's parameters without a reason."""
    judged = True
    parameters: dict[str, Any] = dict(chosen)
    scoped, switches = [], []
    severity = entry.severity
    for choice in in_order(choices):
        speaks = _switch(entry, choice) is not None
        if choice.scope.rank:
            if entry.id in choice.parameters:
                scoped.append(choice)
            if speaks:
                switches.append(choice)
            continue
        parameters |= choice.parameters.get(entry.id, {})
        judged = bool(_switch(entry, choice)) if speaks else judged
        severity = next((value for name, value in choice.severity.items() if matches(entry, name)), severity)
    ours = replace(entry, severity=severity, parameters=chosen_over(entry.parameters, parameters))
    off = tuple(choice for choice in choices if _switch(entry, choice) is False)
    return Resolved(ours, judged, tuple(scoped), tuple(switches), off)


def in_order(choices: Iterable[Choice]) -> list[Choice]:
    """Put the most specific first; among equals the order of the file stays."""
    return sorted(choices, key=lambda choice: -choice.scope.rank)


def _switch(entry: CatalogueEntry, choice: Choice) -> bool | None:
    """Say whether a choice turns a requirement on or off; None = it does not speak of it."""
    if any(matches(entry, pattern) for pattern in choice.disabled):
        return False
    return True if any(matches(entry, pattern) for pattern in choice.enabled) else None


# -- what is wrong with a profile --------------------------------------------------------------


def objections(
    entries: Sequence[CatalogueEntry],
    chosen: Mapping[str, Mapping[str, Any]],
    choices: Sequence[Choice],
    *,
    place: KeyPath = (),
) -> list[Objection]:
    """List everything that is wrong, each with the key it stands under, below `place`."""
    known = {entry.id: entry for entry in entries}
    found = [one for rid, values in chosen.items() for one in _of_values(known, ("parameters", rid), rid, values)]
    for choice in choices:
        for rid, values in choice.parameters.items():
            found += _of_values(known, (*choice.key, "parameters", rid), rid, values)
        for word, patterns in (
            ("disabled", choice.disabled),
            ("enabled", choice.enabled),
            ("severity", choice.severity),
        ):
            found += [
                ((*choice.key, word), f"{pattern!r} is no requirement, no clause, and fits none{_near(pattern, known)}")
                for pattern in patterns
                if not any(matches(entry, pattern) for entry in entries)
            ]
        if choice.severity and choice.scope.rank:
            found.append(
                ((*choice.key, "severity"), "holds for the whole organisation only; leave out service and customer")
            )
    return found + list(_ties(entries, chosen, choices, place))


def _of_values(
    known: Mapping[str, CatalogueEntry], key: KeyPath, rid: str, values: Mapping[str, Any]
) -> Iterator[Objection]:
    entry = known.get(rid)
    if entry is None:
        yield key, f"the pack has no requirement {rid!r}{_near(rid, known)}"
        return
    for name, value in values.items():
        default = entry.parameters.get(name)
        if default is None:
            yield key, f"unknown parameter {name!r}; known: {', '.join(sorted(entry.parameters)) or 'it has none'}"
        elif said := objection(name, value, default):
            yield key, said


def _near(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return hint if len(names) > _LISTED else f"{hint or ';'} known: {', '.join(names)}"


_LISTED = 40


def _ties(
    entries: Sequence[CatalogueEntry],
    chosen: Mapping[str, Mapping[str, Any]],
    choices: Sequence[Choice],
    place: KeyPath,
) -> Iterator[Objection]:
    """Find what is said twice for the same units: neither is more specific than the other."""
    first: dict[tuple[Scope, str, str], KeyPath] = {}
    for choice in (_unreasoned(chosen), *choices):
        for what, key in _claims(entries, choice):
            other = first.setdefault(what, key)
            if other != key:
                scope, rid, word = what
                yield key, f"{rid}: {word} for {scope} stands in {_dotted((*place, *other))} too; keep one of the two"


def _claims(entries: Sequence[CatalogueEntry], choice: Choice) -> Iterator[tuple[tuple[Scope, str, str], KeyPath]]:
    """Yield what a choice decides: for some units all parameters of a requirement at once, for all each by itself."""
    for rid, values in choice.parameters.items():
        for word in ("parameters",) if choice.scope.rank else values:
            yield (choice.scope, rid, word), (*choice.key, "parameters", rid)
    for entry in entries:
        for word, patterns in (("disabled", choice.disabled), ("enabled", choice.enabled)):
            if any(matches(entry, pattern) for pattern in patterns):
                yield (choice.scope, entry.id, "whether it is judged"), (*choice.key, word)
        for pattern in choice.severity:
            if matches(entry, pattern):
                yield (choice.scope, entry.id, "severity"), (*choice.key, "severity", pattern)


def _unreasoned(chosen: Mapping[str, Mapping[str, Any]]) -> Choice:
    return Choice(key=(), parameters=chosen)


def _dotted(key: KeyPath) -> str:
    return ".".join(part if part.replace("-", "").replace("_", "").isalnum() else f'"{part}"' for part in key)


# -- what differs from the pack ----------------------------------------------------------------


def profile_lines(
    entries: Sequence[CatalogueEntry],
    chosen: Mapping[str, Mapping[str, Any]],
    choices: Sequence[Choice],
    *,
    place: str = "",
) -> list[ProfileLine]:
    """List what is set otherwise than shipped, sorted by requirement; `place` is put before each key."""
    found = []
    for entry in entries:
        base = resolve(entry, chosen.get(entry.id, {}), choices).entry.parameters
        for choice in (_unreasoned(chosen), *choices):
            found += [
                ProfileLine(
                    requirement=entry.id,
                    what=what,
                    shipped=shipped,
                    ours=ours,
                    scope=str(choice.scope),
                    reason=choice.reason,
                    set_by=choice.set_by,
                    set_at=choice.set_at,
                    key=f"{place}{_dotted((*choice.key, *below))}",
                )
                for what, shipped, ours, below in _said(entry, choice, base if choice.scope.rank else entry.parameters)
            ]
    return found


def left_out(lines: Iterable[ProfileLine]) -> dict[str, str]:
    """Return the requirements that a profile leaves out for everybody -> why."""
    return {
        line.requirement: f"left out by the profile: {line.reason}"
        for line in lines
        if line.what == "judged" and line.ours is False and line.scope == str(Scope())
    }


def _said(entry: CatalogueEntry, choice: Choice, base: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any, KeyPath]]:
    """Yield what a choice sets of a requirement: its name, as shipped, as chosen, and the key below the choice's."""
    for name, value in sorted(choice.parameters.get(entry.id, {}).items()):
        yield name, entry.parameters.get(name), chosen_over(base, {name: value})[name], ("parameters", entry.id)
    for word, patterns, on in (("disabled", choice.disabled, False), ("enabled", choice.enabled, True)):
        if any(matches(entry, pattern) for pattern in patterns):
            yield "judged", True, on, (word,)
    for pattern, value in choice.severity.items():
        if matches(entry, pattern):
            yield "severity", entry.severity, value, ("severity", pattern)
