"""Join what a part asks under several parameters into one select, each for the units it holds for.

A unit belongs to the services and the customer its own record names, or is the service or customer
itself. A choice of the profile narrows a select to the units that belong; what is common to all
stays under the organisation's parameters. Where a unit's source cannot say what it belongs to, its obligation
lacks that: it might be owed more strictly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Dialect, Text, literal
from sqlalchemy.dialects.sqlite import pysqlite

from hub.conformance.part import OBLIGATION_COLUMNS, Part, Words
from hub.conformance.profile import Choice, Resolved, Scope
from hub.conformance.reading import Need, merge_reads
from hub.errors import ConfigurationError, Fault
from hub.records import KINDS

__all__ = ["CUSTOMER_FIELDS", "SERVICE_FIELDS", "Joined", "joined", "narrowed"]

SERVICE_FIELDS = ("service_id", "service", "service_ids")
"""Fields of records that name the services they are about, the closest first."""
CUSTOMER_FIELDS = ("customer_id",)
_UNKNOWN = "the source could not say which service or customer it belongs to"
_TOUCHED = re.compile(r"/\*touched\*/(?P<sid>.*?) IN \(SELECT unit FROM \{units\}\)/\*\*/", re.DOTALL)
_SQLITE = pysqlite.dialect()
Condition = Callable[[str], str]
"""Writes a condition about the unit whose number the given SQL names."""


def joined(resolved: Resolved, base: Sequence[Part], variants: Sequence[tuple[Choice, Sequence[Part]]]) -> list[Part]:
    """Join the parts of a requirement under the organisation's parameters with those under each scoped choice.

    `variants` are in the order in which they decide. A part that says the same everywhere stays as it is;
    what the profile leaves out is a part of its own, that applies to nobody and is counted. Raises
    ConfigurationError where a choice for a service or customer names what only the organisation owes.
    """
    by_name = [{part.name: part for part in parts} for parts in (base, *(parts for _, parts in variants))]
    names = list(dict.fromkeys(name for parts in by_name for name in parts))
    scopes = [choice.scope for choice, _ in variants]
    if all(part.unit_kind not in KINDS for parts in by_name for part in parts.values()):
        _refuse_by_name(resolved)
    found: list[Part] = []
    for name in names:
        found += _joined(resolved, scopes, [parts.get(name) for parts in by_name])
    return found


def _refuse_by_name(resolved: Resolved) -> None:
    """Refuse choices that name a requirement of the organisation as a whole; a pattern may fit it with others."""
    rid = resolved.entry.id
    if named := [
        choice
        for choice in (*resolved.scoped, *resolved.switches)
        if rid in (*choice.parameters, *choice.disabled, *choice.enabled)
    ]:
        said = f"{rid} is owed by the organisation as a whole, which belongs to no service and no customer"
        raise ConfigurationError([Fault(said, key=".".join(choice.key)) for choice in named])


def _joined(resolved: Resolved, scopes: Sequence[Scope], versions: Sequence[Part | None]) -> list[Part]:
    base, *others = versions
    known = next(part for part in versions if part is not None)
    if known.unit_kind not in KINDS:  # the organisation belongs to no service
        return [base] if base is not None and resolved.judged else []
    texts = [None if part is None else part.written(_SQLITE) for part in versions]
    groups: list[Part | None] = []
    numbers: list[int] = []
    for part, text in zip(versions, texts, strict=True):
        same = next((n for n in range(len(groups)) if texts[numbers.index(n)] == text), len(groups))
        if same == len(groups):
            groups.append(part)
        numbers.append(same)
    while others and numbers[-1] == 0:  # what decides last and as the organisation does decides nothing
        others, numbers, scopes = others[:-1], numbers[:-1], scopes[:-1]
    if not scopes and not resolved.switches:
        return [known]
    belongs = Belonging(
        known.unit_kind,
        tuple(zip(scopes, numbers[1:], strict=True)),
        tuple((choice.scope, resolved.is_on(choice)) for choice in resolved.switches),
        resolved.judged,
    )
    asked = tuple((n, part) for n, part in enumerate(groups) if part is not None)
    parts = [part for _, part in asked]
    whole = replace(
        known,
        select=Joined(asked, belongs, applies=True),
        reads=merge_reads(*(part.reads for part in parts), {known.unit_kind: "near"}),
        needs=tuple(dict.fromkeys((*(need for part in parts for need in part.needs), *belongs.needs))),
        complete=any(part.complete for part in parts),
        words=_words(known.words, [(scope, versions[n]) for n, scope in enumerate(scopes, 1)]),
    )
    if not resolved.switches:
        return [whole]
    left_out = replace(
        whole,
        name=f"{known.name}:left_out",
        select=Joined(asked, belongs, applies=False),
        needs=(),
        complete=False,
        words=_left_out(resolved),
        applies=False,
    )
    return [whole, left_out]


@dataclass(frozen=True, slots=True)
class Belonging:
    """Which select a unit falls to, and whether it is judged at all: the first scope it belongs to decides."""

    kind: str
    groups: tuple[tuple[Scope, int], ...]
    """Number 0 is the organisation's."""
    switches: tuple[tuple[Scope, bool], ...]
    judged: bool
    """Where no switch decides."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the unit that say where it belongs; what it is itself needs none."""
        scopes = [scope for scope, _ in (*self.groups, *self.switches)]
        own = KINDS[self.kind].__struct_fields__
        named: list[str] = []
        if self.kind != "service" and any(scope.service for scope in scopes):
            named.append(next(name for name in SERVICE_FIELDS if name in own))
        if self.kind != "customer" and any(scope.customer for scope in scopes):
            named += CUSTOMER_FIELDS
        return tuple(named)

    @property
    def needs(self) -> tuple[Need, ...]:
        """What a source must be able to say for the profile to be applied."""
        return (Need(self.kind, frozenset(self.fields)),) if self.fields else ()

    def falls_to(self, sid: str, group: int, quote: Callable[[str], str], *, applies: bool) -> str:
        """Write the condition that a unit falls to a select and is judged (or left out)."""
        conditions = []
        if self.groups:
            cases = [(_belongs(sid, scope, quote), str(n)) for scope, n in self.groups]
            conditions.append(f"{_first(cases, '0')} = {group}")
        if self.switches:
            cases = [(_belongs(sid, scope, quote), str(int(on))) for scope, on in self.switches]
            cases = [(self.unknown(sid), "1"), *cases] if self.fields else cases
            conditions.append(f"{_first(cases, str(int(self.judged)))} = {int(applies)}")
        return " AND ".join(conditions) or "1 = 1"

    def unknown(self, sid: str) -> str:
        """Write the condition that nobody can say where a unit belongs."""
        if not self.fields:
            return "1 = 0"
        names = ", ".join(f"'{name}'" for name in self.fields)
        return f"EXISTS (SELECT 1 FROM unknown_field untold WHERE untold.sid = {sid} AND untold.field IN ({names}))"


@dataclass(frozen=True, slots=True)
class Joined:
    """Writes the union of a part's selects, each narrowed to the units that fall to it."""

    asked: tuple[tuple[int, Part], ...]
    belongs: Belonging
    applies: bool

    def __call__(self, dialect: Dialect) -> str:
        """Write it, marked where it may be narrowed further."""
        return " UNION ALL ".join(self._narrowed(group, part, dialect) for group, part in self.asked)

    def _narrowed(self, group: int, part: Part, dialect: Dialect) -> str:
        quote = partial(_quoted, dialect)

        def condition(sid: str) -> str:
            return self.belongs.falls_to(sid, group, quote, applies=self.applies)

        text = narrowed(part.written(dialect), condition)
        columns = _COLUMNS if self.applies else _LEFT_OUT
        told = ", ".join(f"{columns.get(name, f's.{name}')} AS {name}" for name in OBLIGATION_COLUMNS)
        rows = f"SELECT s.*, {self.belongs.unknown('s.unit')} AS vague FROM ({text}) s WHERE {condition('s.unit')}"
        return f"SELECT {told} FROM ({rows}) s"


def _quoted(dialect: Dialect, text: str) -> str:
    return str(literal(text, Text()).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def narrowed(text: str, condition: Condition) -> str:
    """Narrow a written select, wherever it may be narrowed, by a condition about its units."""
    return _TOUCHED.sub(lambda found: f"({found[0]} AND {condition(found['sid'])})", text)


_COLUMNS = {
    **{name: f"CASE WHEN NOT s.vague THEN s.{name} END" for name in ("met_at", "lost_at", "evidence")},
    "declared": "(s.declared AND NOT s.vague)",
    "lacks": f"CASE WHEN s.lacks IS NULL AND s.vague THEN '{_UNKNOWN}' ELSE s.lacks END",
}
_LEFT_OUT = {
    **dict.fromkeys(("warn_at", "met_at", "lost_at", "n", "d", "evidence"), "CAST(NULL AS BIGINT)"),
    "declared": "(1 = 0)",
    "lacks": "CAST(NULL AS TEXT)",
}


def _first(cases: Sequence[tuple[str, str]], otherwise: str) -> str:
    return f"CASE {' '.join(f'WHEN {when} THEN {then}' for when, then in cases)} ELSE {otherwise} END"


def _belongs(sid: str, scope: Scope, quote: Callable[[str], str]) -> str:
    """Write the condition that a unit names the service and the customer, or is it."""
    named = [(scope.service, SERVICE_FIELDS), (scope.customer, CUSTOMER_FIELDS)]
    return " AND ".join(_names(sid, quote(one), fields) for one, fields in named if one is not None)


def _names(sid: str, record_id: str, fields: Sequence[str]) -> str:
    it = f"(SELECT named.sid FROM record named WHERE named.id = {record_id})"
    types = ", ".join(f"'{name}'" for name in fields)
    tie = f"SELECT 1 FROM link tie WHERE tie.sid = {sid} AND tie.type IN ({types}) AND tie.target = {it}"
    return f"({sid} = {it} OR EXISTS ({tie}))"


def _words(common: Words, versions: Sequence[tuple[Scope, Part | None]]) -> Words:
    """Say beside what is asked of all what is asked of some, where it sounds different."""

    def told(name: str) -> str:
        sentence = getattr(common, name)
        others = [(scope, getattr(part.words, name)) for scope, part in versions if part is not None]
        return " ".join([sentence, *(f"For {scope}: {other}" for scope, other in others if other != sentence)])

    return Words(told("asks"), told("missing"), told("remedy"))


def _left_out(resolved: Resolved) -> Words:
    reasons = " ".join(dict.fromkeys(_sentence(choice.reason) for choice in resolved.disabled_by))
    where = ", ".join(dict.fromkeys(".".join(choice.key) for choice in resolved.disabled_by))
    said = f"Not asked by the profile ({where}): {reasons}".strip()
    return Words(said, said, f"Change {where} if it is to be asked.")


def _sentence(reason: str) -> str:
    return reason if reason.endswith((".", "!", "?")) else f"{reason}."
