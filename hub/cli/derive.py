"""`hub derive`: works out what is owed from the records that changed."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli.judging import derived, require_pack
from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption, LogFormat, LogFormatOption, examples
from hub.cli.output import emit
from hub.cli.session import Session
from hub.clock import format_instant

__all__ = ["register"]

_COLUMNS = ("known_at", "requirements", "whole", "closed", "written")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("hub derive", "hub derive --full"))(derive)


def derive(
    *,
    full: Annotated[bool, typer.Option("--full", help="Derive everything again; the result is the same.")] = False,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """Work out what is owed from the records that changed.

    Doing it twice writes nothing the second time. Killed in between, the next call goes on.
    Exit code 2 where no pack is enabled: clocks and outages are worked out, but nothing is judged.
    """
    from hub.sync.lock import DERIVE, hold

    with Session(config, log_format=log_format) as session:
        with hold(session.store, DERIVE, clock=session.clock):
            done = derived(session, whole=full)
        row = {
            "known_at": format_instant(done.known_at),
            "requirements": done.requirements,
            "whole": done.whole,
            "closed": done.closed,
            "written": done.written,
        }
    emit([row], _COLUMNS, output)
    require_pack(session)
