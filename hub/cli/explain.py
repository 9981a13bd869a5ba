"""`hub explain`: shows how one verdict came about, down to the evidence."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer

from hub.cli.explain_text import lines
from hub.cli.explain_ticket import explain_ticket
from hub.cli.judging import judged
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
from hub.conformance.explain import Explanation, describe
from hub.conformance.explain import explain as explained
from hub.conformance.horizon import Horizon, load_horizon
from hub.conformance.pack import CatalogueEntry, Pack
from hub.conformance.subject import find_sid
from hub.errors import ConfigurationError, Fault

__all__ = ["register"]


class Language(StrEnum):
    """A language the packs speak."""

    ENGLISH = "en"
    CHINESE = "zh"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "hub explain BS15000-8.2-c",
            "hub explain BS15000-8.2-c CHG-12 --sql",
            "hub explain BS15000-8.2-c --language zh",
            "hub explain OPS-12",
        )
    )(explain)


def explain(
    requirement: Annotated[
        str, typer.Argument(help="Requirement id; or key or id of a ticket, whose clocks are drawn.")
    ],
    unit: Annotated[str | None, typer.Argument(help="Key or id of a record.")] = None,
    *,
    sql: Annotated[bool, typer.Option("--sql", help="Show the SQL that derives each part.")] = False,
    language: Annotated[
        Language, typer.Option("--language", help="Language of the requirement's title and sentence.")
    ] = Language.ENGLISH,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """Show how one verdict came about, down to the evidence; or draw the service level clocks of a ticket.

    Without a record: what the requirement asks, with which parameters, what it reads, from where.
    """
    with Session(config, log_format=log_format) as session:
        drawn = unit is None and not _is_demand(session, requirement)
        if drawn and explain_ticket(session, requirement, as_of, output):
            return
        name, pack, entry = _demand(session, requirement)
        enabled = session.configuration.packs[name]
        parts = next((one.parts for one in session.requirements() if one.id == requirement), ())

        def asked(horizon: Horizon, dialect: Any) -> Explanation:
            return describe(
                entry,
                parts,
                horizon,
                dialect,
                clause_title=pack.clause_in(entry.clause, language.value),
                language=language.value,
                chosen=enabled.parameters,
                choices=enabled.choices,
                place=f"packs.{name}.",
            )

        if unit is None:
            known = None if known_at is None else session.instant(known_at)
            with session.store.connect() as conn:
                horizon = load_horizon(conn, known_at=known)
                found = [asked(horizon, conn.dialect)]
            if horizon.newest() is None:
                typer.echo("nothing was read yet, so that no source is known to give anything; run: hub sync", err=True)
        else:
            with judged(session, as_of, known_at) as judgement:
                sids = find_sid(judgement.conn, unit)
                if not sids:
                    raise ConfigurationError([Fault("no record of this key or id was read", key=unit)])
                told = asked(judgement.horizon, judgement.conn.dialect)
                found = [explained(judgement, told, parts, sid) for sid in sids]
    if output is Format.JSON:
        typer.echo(as_json(msgspec.to_builtins(found)))
    elif output is Format.CSV:
        columns = ("requirement", "part", "unit", "verdict", "due_at", "met_at", "reason")
        emit([_row(one, row) for one in found for part in one.parts for row in part.obligations], columns, output)
    else:
        for one in found:
            for line in lines(one, sql=sql):
                typer.echo(plain(line))  # keys, ids and addresses are a tool's words too


def _is_demand(session: Session, name: str) -> bool:
    packs = session.registry.packs()
    return any(entry.id == name for pack in session.configuration.packs for entry in packs[pack].entries)


def _demand(session: Session, requirement: str) -> tuple[str, Pack, CatalogueEntry]:
    packs = session.registry.packs()
    for name in session.configuration.packs:
        for entry in packs[name].entries:
            if entry.id == requirement:
                return name, packs[name], entry
    fault = Fault("no enabled pack has this requirement; see: hub coverage --requirements", key=requirement)
    raise ConfigurationError([fault])


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
