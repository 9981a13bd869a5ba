"""`hub explain`: shows how one verdict came about, down to the evidence."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from hub.cli.judging import catalogue, judged
from hub.cli.option import (
    CONFIG,
    AsOfOption,
    ConfigOption,
    Format,
    FormatOption,
    KnownAtOption,
    LogFormat,
    LogFormatOption,
    examples,
)
from hub.cli.output import as_json, emit, plain
from hub.cli.session import Session
from hub.clock import format_instant
from hub.conformance.answer import ObligationRow
from hub.conformance.explain import Explanation, PartExplanation
from hub.conformance.explain import explain as explained
from hub.conformance.subject import find_sid
from hub.errors import ConfigurationError, Fault

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("hub explain BS15000-8.2-c", "hub explain BS15000-8.2-c CHG-12 --sql"))(explain)


def explain(
    requirement: Annotated[str, typer.Argument(help="Requirement id.")],
    unit: Annotated[str | None, typer.Argument(help="Key or id of a record.")] = None,
    *,
    sql: Annotated[bool, typer.Option("--sql", help="Show the SQL that derives each part.")] = False,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """Show how one verdict came about, down to the evidence.

    Without a record: what the requirement asks, what it reads, from where.
    """
    with Session(config, log_format=log_format) as session, judged(session, as_of, known_at) as judgement:
        entry = next((one for one in catalogue(session) if one.id == requirement), None)
        if entry is None:
            raise ConfigurationError(
                [Fault("no enabled pack has this requirement; see: hub coverage --requirements", key=requirement)]
            )
        parts = next((one.parts for one in judgement.requirements if one.id == requirement), ())
        sids = find_sid(judgement.conn, unit) if unit else [None]
        if not sids:
            raise ConfigurationError([Fault("no record of this key or id was read", key=unit or "")])
        found = [explained(judgement, entry, parts, sid) for sid in sids]
    if output is Format.JSON:
        typer.echo(as_json(msgspec.to_builtins(found)))
    elif output is Format.CSV:
        columns = ("requirement", "part", "unit", "verdict", "due_at", "met_at", "reason")
        emit([_row(one, row) for one in found for part in one.parts for row in part.obligations], columns, output)
    else:
        for one in found:
            for line in _lines(one, sql=sql):
                typer.echo(plain(line))  # keys, ids and addresses are a tool's words too


def _row(one: Explanation, row: ObligationRow) -> dict[str, object]:
    return {
        "requirement": one.requirement,
        "part": row.part,
        "unit": row.unit.id,
        "verdict": row.verdict,
        "due_at": _when(row.due_at),
        "met_at": _when(row.met_at),
        "reason": row.reason,
    }


def _when(instant: int | None) -> str:
    return "-" if instant is None else format_instant(instant)


def _lines(one: Explanation, *, sql: bool) -> list[str]:
    lines = [
        f"{one.requirement}  {one.title}  [{one.severity}]",
        f"  clause {one.clause}, ISO/IEC 20000-1:2018 {one.iso20000 or 'no equal clause'}",
        f"  {one.statement}",
    ]
    if one.parameters:
        chosen = ", ".join(f"{name} = {value}" for name, value in sorted(one.parameters.items()))
        lines.append(f"  parameters: {chosen}")
    if not one.parts:
        lines.append("  not judged yet: no part of an enabled pack covers it")
    if one.unit is not None:
        lines += ["", f"{one.unit.key}  {plain(one.unit.title)}", f"  {one.unit.id}  {one.unit.url}".rstrip()]
    for part in one.parts:
        lines += _part_lines(part, sql=sql)
    for title, moments in (("timeline", one.timeline), ("what the hub knew", one.history)):
        if moments:
            lines += ["", title, *(f"  {_when(moment.at)}  {plain(moment.text)}" for moment in moments)]
    if one.related:
        lines += ["", "related records"]
        lines += [
            f"  {proof.subject.kind} {proof.subject.key} {plain(proof.subject.title)[:60]} "
            f"{proof.document_hash[:16]}".rstrip()
            for proof in one.related
        ]
    return lines


def _part_lines(part: PartExplanation, *, sql: bool) -> list[str]:
    lines = ["", f"part {part.name} ({part.shape}): {part.asks}", f"  reads {', '.join(part.reads)}"]
    for row in part.obligations:
        lines.append(f"  {row.verdict.replace('_', ' ').upper()}  {row.reason}".rstrip())
        lines.append(f"    opened {_when(row.opened_at)}, due {_when(row.due_at)}, met {_when(row.met_at)}")
        for proof in row.evidence:
            digest = f"document sha256 {proof.document_hash[:16]}…" if proof.document_hash else "no document"
            lines.append(f"    evidence {proof.subject.key} ({proof.subject.id}) {digest} {proof.subject.url}".rstrip())
    if part.coverage:
        lines.append(f"  coverage: {part.coverage}")
    if sql:
        lines += [f"    {line}" for line in part.sql.splitlines()]
    return lines
