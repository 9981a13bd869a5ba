"""`hub db backup`, `restore` and `move`: copies of the store, each proven before it is called one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption
from hub.cli.output import emit
from hub.cli.session import Session
from hub.config.section import StoreSettings
from hub.errors import ConfigurationError, Fault
from hub.store.backup import backup as write_backup
from hub.store.backup import restore as read_backup
from hub.store.move import move as move_store
from hub.store.store import Store
from hub.store.undone import Undone
from hub.sync.lock import hold_all

__all__ = ["attached", "backup", "move", "restore"]

ForceOption = Annotated[bool, typer.Option("--force", help="Replace what is there.")]


@contextmanager
def attached(session: Session, *, create: bool = False) -> Iterator[Store]:
    """Open the configured store whatever its schema is."""
    configuration = session.configuration
    store = Store.attach(configuration.store.url_with_password(), base_dir=configuration.base_dir, create=create)
    try:
        yield store
    finally:
        store.close()


def backup(
    file: Annotated[Path, typer.Argument(help="File to write; only its owner may read it.")],
    *,
    config: ConfigOption = CONFIG,
    force: ForceOption = False,
) -> None:
    """Write a proven copy of the store, of either engine, to one SQLite file, while others read and write it.

    What each table holds is counted, hashed and written into the file; documents and past states of
    records are verified.
    """
    with Session(config) as session, attached(session) as store:
        size = write_backup(store, file, force=force)
    typer.echo(f"{file}: {size} bytes, proven")


def restore(
    file: Annotated[Path, typer.Argument(help="File that `hub db backup` wrote, on either engine.")],
    *,
    config: ConfigOption = CONFIG,
    force: ForceOption = False,
) -> None:
    """Put a backup in the place of the store; the former store is kept aside.

    All of the backup is proven before the store is touched. An older backup needs `hub db upgrade`
    afterwards. What was disposed of or erased after the backup is in the store again: how much, and how
    to do it once more, is told. Refused while a run is at work.
    """
    with Session(config) as session:
        configuration = session.configuration
        with attached(session, create=True) as store, hold_all(store, configuration.sources, clock=session.clock):
            restored = read_backup(
                configuration.store.url_with_password(),
                file,
                base_dir=configuration.base_dir,
                now=session.clock.now_ms(),
                force=force,
            )
    typer.echo(f"{restored.place} holds the backup {file} now")
    if restored.former is not None:
        typer.echo(f"The former store is kept in {restored.former}; remove it when you no longer need it")
    for line in _came_back(restored.undone):
        typer.echo(line, err=True)


def _came_back(undone: Undone | None) -> Iterator[str]:
    """Say what was disposed of or erased since the backup, is in the store again, and how it goes once more."""
    if undone is None:
        yield "No former store could be compared: what was disposed of or erased after the backup is in the store again"
        return
    if undone.erasures:
        yield f"Erasures after the backup that are undone: {undone.erasures}; the names are in the store again"
        for person in undone.people:
            yield f"  erase again: hub retention erase {person} --reason … --approver …"
        if not undone.people:
            yield "  whom to erase again, the backup cannot tell; see the requests named in the former log"
        yield "  and give each --also again; read no source before, or it names them once more"
    if undone.disposals:
        yield f"Disposals after the backup that are undone: {undone.disposals}; the bodies are in the store again"
        yield "  dispose again: hub retention run --reason … --approver …"


def move(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Where to: sqlite:///hub.db or postgresql+psycopg://user@host/name.")
    ],
    *,
    config: ConfigOption = CONFIG,
    output: FormatOption = Format.TABLE,
) -> None:
    """Copy the whole store into an empty database of either engine and prove that the copy is the same.

    Every table is counted and hashed on both sides. The store is not changed, nor is the configuration:
    the lines to write are told at the end. The password is taken from PGPASSWORD or ~/.pgpass. Refused
    while a run is at work; killed in between, it is simply called again.
    """
    with Session(config) as session:
        configuration = session.configuration
        target = _target(url)
        with attached(session) as store, hold_all(store, configuration.sources, clock=session.clock):
            session.progress.begin("move")
            place, found = move_store(
                store, target.url, base_dir=configuration.base_dir, told=lambda _: session.progress.advance("move")
            )
            session.progress.end("move", f"{sum(one.rows for one in found)} rows, the same on both sides")
            rows = [{"table": one.name, "rows": one.rows, "sha256": one.digest} for one in found if one.rows]
            emit(rows, ("table", "rows", "sha256"), output)
            session.progress.say(f"{store.place} is unchanged; {place} holds the same.")
        session.progress.say(f"To use it, write below [store] in {config}:")
        session.progress.say(f'  url = "{target.url}"')
        if os.environ.get("PGPASSWORD") and not target.url.startswith("sqlite"):
            session.progress.say('  password = { file = "secrets/store" }')


def _target(url: str) -> StoreSettings:
    """Check a URL as the configuration would: what is told at the end can be written there."""
    try:
        return StoreSettings(url=url)
    except ValidationError as error:
        # pydantic repeats the input, which may hold a password; the reason does not.
        if "password inside" in str(error):
            reason = "has a password inside, which others could see; set PGPASSWORD or write ~/.pgpass"
        else:
            reason = "should begin with sqlite:/// or postgresql+psycopg://"
        raise ConfigurationError([Fault(reason, key="URL")]) from None
