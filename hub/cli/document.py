"""`hub document`: shows a raw document to who may ask for proof, and notes who read it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hub.cli.judging import shown_instant
from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption, examples
from hub.cli.output import emit
from hub.cli.session import Session
from hub.store.access import RawDocument, read_document
from hub.store.authority import login_name, require_person
from hub.store.redaction import TOKEN

__all__ = ["register"]

_TOLD = (
    *("document", "source", "stream", "native_id", "scope", "place", "fetched_at", "size", "sha256", "chain"),
    *("disposed_at", "disposal", "redacted", "body"),
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    reason = '--reason "audit 2026, sample 14"'
    lines = (
        f"hub document service-desk:issue/10412 {reason}",
        f"hub document 812 --raw {reason} --as register:people/carol",
    )
    app.command(epilog=examples(*lines))(document)


def document(
    name: Annotated[
        str, typer.Argument(metavar="DOCUMENT", help="Number of a document, or id of a record made from it.")
    ],
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it is read; it stays on record.")],
    acting_as: Annotated[
        str | None, typer.Option("--as", metavar="PERSON", help="For whom it is read, beside the login that is noted.")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Write the bytes of the body alone, as they are hashed.")] = False,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show a document as the tool gave it: body, hash, place in the chain of its source, when it was read.

    Who reads it, when and why is noted first, see `hub retention access`; where that cannot be done,
    nothing is shown.
    """
    with Session(config) as session:
        if acting_as is not None:
            with session.store.connect() as conn:
                require_person(conn, acting_as)
        found = read_document(
            session.store, name, login=login_name(), reason=reason, at=session.clock.now_ms(), acting_as=acting_as
        )
    if raw:
        sys.stdout.buffer.write(found.body or b"")
        return
    row = _told(found)
    if output is Format.TABLE:
        emit([{"name": key, "value": row[key]} for key in _TOLD], ("name", "value"), output)
    else:
        emit([row], _TOLD, output)


def _told(found: RawDocument) -> dict[str, object]:
    body = None if found.body is None else found.body.decode("utf-8", "replace")
    return {
        "document": found.doc,
        "source": found.source,
        "stream": found.stream,
        "native_id": found.native_id,
        "scope": found.scope,
        "place": found.seq,
        "fetched_at": shown_instant(found.fetched_at),
        "size": found.size,
        "sha256": found.hash.hex(),
        "chain": found.chain.hex(),
        "disposed_at": shown_instant(found.disposed_at),
        "disposal": found.disposal,
        "redacted": bool(body and TOKEN.search(body)),
        "body": body,
    }
