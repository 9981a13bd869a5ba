"""`hub verify`: proves that what is kept is what was read."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption, examples
from hub.cli.output import emit
from hub.cli.session import Session
from hub.clock import format_instant
from hub.store.verify import disposed_of, verify_chain, verify_disposals, verify_file, verify_revisions

__all__ = ["register"]

_COLUMNS = ("source", "what", "checked", "disposed", "result", "place", "fault")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("hub verify", "hub verify --source service-desk --format json"))(verify)


def verify(
    *,
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="Only this source's documents.")
    ] = None,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Prove that no kept document was altered, removed or reordered, and no past state of a record rewritten.

    Exit code 2 where anything is broken. A body that was lawfully disposed of is no fault: it is
    counted, with when and by which rule.
    """
    with Session(config) as session:
        verify_file(session.store)
        with session.store.connect() as conn:
            found = verify_chain(conn, source)
            if source is None:
                found += [verify_revisions(conn), verify_disposals(conn)]
            gone = disposed_of(conn, source)
    rows = []
    for one in found:
        row = {"source": one.source, "what": one.what, "checked": one.count, "disposed": one.disposed}
        rows += [{**row, "result": "broken", "place": b.place, "fault": b.fault} for b in one.broken]
        if not one.broken:
            rows.append({**row, "result": "ok", "place": "", "fault": ""})
    rows += [
        {
            "source": one.source,
            "what": "documents",
            "checked": one.documents,
            "disposed": one.documents,
            "result": "disposed",
            "place": f"disposed of on {format_instant(one.at)[:10]} by {one.by} (hub retention log, number {one.did})",
            "fault": "",
        }
        for one in gone
    ]
    emit(rows, _COLUMNS, output)
    if any(one.broken for one in found):
        raise typer.Exit(2)
