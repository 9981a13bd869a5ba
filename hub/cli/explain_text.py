"""Tells an explanation as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hub.cli.output import plain
from hub.clock import format_instant
from hub.conformance.answer import ProfileLine
from hub.conformance.demand import EvidenceKind, Read, Setting
from hub.conformance.explain import Explanation, PartExplanation
from hub.records import KINDS

__all__ = ["lines"]

_ORIGIN = {
    "source": "shipped, from the source document",
    "mixed": "shipped, partly from the source document",
    "project": "shipped, our default",
    "": "shipped",
}


def lines(one: Explanation, *, sql: bool) -> Iterator[str]:
    """Write one explanation; a tool's words in it are made plain line by line by whoever prints them."""
    yield from _demand_lines(one)
    if one.unit is not None:
        yield from ("", f"{one.unit.key}  {plain(one.unit.title)}", f"  {one.unit.id}  {one.unit.url}".rstrip())
    for part in one.parts:
        yield from _part_lines(part, sql=sql)
    if one.unit is None and any(read.missing or not read.given_by for part in one.parts for read in part.needs):
        yield from ("", f"what would give it: hub coverage {one.requirement}")
    for title, moments in (("timeline", one.timeline), ("what the hub knew", one.history)):
        if moments:
            yield from ("", title, *(f"  {_when(moment.at)}  {plain(moment.text)}" for moment in moments))
    if one.related:
        yield from ("", "related records")
    for proof in one.related:
        subject = proof.subject
        yield f"  {subject.kind} {subject.key} {plain(subject.title)[:60]} {proof.document_hash[:16]}".rstrip()


def _demand_lines(one: Explanation) -> Iterator[str]:
    """Write what is asked of everybody."""
    yield f"{one.requirement}  {one.title}  [{one.severity}]"
    clause = f"{one.clause} {one.clause_title}".rstrip()
    yield f"  clause {clause}; ISO/IEC 20000-1:2018 {one.iso20000 or 'has no equal clause'}"
    yield f"  {one.statement}"
    yield f"  {one.shape} of {_words(one.unit_kind)}; where nobody owns it, it falls to: {_words(one.role)}"
    if one.settings:
        yield from ("  parameters", *(f"    {_setting(setting)}" for setting in one.settings))
    if one.profile:
        yield from ("  set otherwise than shipped", *(f"    {_deviation(line)}" for line in one.profile))
    if not one.asked:
        yield "  not judged: the profile leaves it out"
    elif not one.parts:
        yield from ("  not judged yet: no part of an enabled pack covers it", "  what could tell:")
        yield from (f"    {_words(kind.kind)}  {_givers(kind)}" for kind in one.evidence_kinds)


def _part_lines(part: PartExplanation, *, sql: bool) -> Iterator[str]:
    yield from ("", f"part {part.name} ({part.shape} of {_words(part.unit_kind)}): {part.asks}", "  reads")
    for read in part.needs:
        yield from (f"    {line}" for line in _read_lines(read))
    if part.looks_at:
        yield f"    and where there are any: {_besides(part.looks_at)}"
    for row in part.obligations:
        yield f"  {row.verdict.replace('_', ' ').upper()}  {row.reason}".rstrip()
        yield f"    opened {_when(row.opened_at)}, due {_when(row.due_at)}, met {_when(row.met_at)}"
        for proof in row.evidence:
            digest = f"document sha256 {proof.document_hash[:16]}…" if proof.document_hash else "no document"
            yield f"    evidence {proof.subject.key} ({proof.subject.id}) {digest} {proof.subject.url}".rstrip()
    if part.coverage:
        yield f"  coverage: {part.coverage}"
    if sql:
        yield from (f"    {line}" for line in part.sql.splitlines())


def _setting(one: Setting) -> str:
    if one.key:
        return f"{one.name} = {_value(one.value)}  set in the configuration, see below"
    return f"{one.name} = {_value(one.value)}  {_ORIGIN[one.origin]}"


def _deviation(line: ProfileLine) -> str:
    told = f"{line.what} = {_value(line.ours)} for {line.scope}; shipped: {_value(line.shipped)}; at {line.key}"
    by = ", ".join(filter(None, (line.set_by, line.set_at)))
    return told + (f"; {by}" if by else "") + (f": {line.reason}" if line.reason else "")


def _value(value: Any) -> str:
    """Write a value as it would stand in the configuration."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_value(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _read_lines(read: Read) -> Iterator[str]:
    names = ", ".join([*read.fields, " or ".join(read.any_of)]).strip(", ")
    yield f"{read.kind}{f' ({names})' if names else ''}  {_givers(read)}"
    for source, fields in read.missing.items():
        yield f"  {source} gives no {', '.join(fields)}"


def _besides(names: Sequence[str]) -> str:
    kinds = [name for name in names if name in KINDS and name not in _SPECIAL]
    told = [", ".join(map(_words, kinds)) if len(kinds) <= _LISTED else "records of any kind it is tied to"]
    return ", ".join(filter(None, [*told, *(words for name, words in _SPECIAL.items() if name in names)]))


_LISTED = 10
_SPECIAL = {"calendar": "working hours", "identity": "who is who", "period": "periods"}


def _givers(one: Read | EvidenceKind) -> str:
    return f"from {', '.join(one.given_by)}" if one.given_by else "no source gives any"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _when(instant: int | None) -> str:
    return "-" if instant is None else format_instant(instant)
