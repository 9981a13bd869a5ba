"""`hub db`: looks after the database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption, examples
from hub.cli.output import emit
from hub.cli.session import Session
from hub.store import migration
from hub.store.backup import backup as write_backup
from hub.store.backup import restore as read_backup
from hub.store.status import status as look
from hub.store.store import Store

__all__ = ["register"]

ForceOption = Annotated[bool, typer.Option("--force", help="Replace what is there.")]


def register(app: typer.Typer) -> None:
    """Add the group and its commands."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Look after the database: status, upgrade, backup, restore.",
        epilog=examples("hub db status"),
    )
    group.command(epilog=examples("hub db status", "hub db status --format json"))(status)
    group.command(epilog=examples("hub db upgrade"))(upgrade)
    group.command(epilog=examples("hub db backup /var/backups/hub.db", "hub db backup hub.dump --force"))(backup)
    group.command(epilog=examples("hub db restore /var/backups/hub.db --force"))(restore)
    app.add_typer(group, name="db")


def _attach(session: Session, *, create: bool = False) -> Store:
    configuration = session.configuration
    return Store.attach(configuration.store.url_with_password(), base_dir=configuration.base_dir, create=create)


def status(*, config: ConfigOption = CONFIG, output: FormatOption = Format.TABLE) -> None:
    """Show where the store is, its schema, its size, what it holds, and how far judging lags behind."""
    with Session(config) as session:
        store = _attach(session)
        try:
            found = look(store)
        finally:
            store.close()
    rows: list[tuple[str, str | int]] = [
        ("place", found.place),
        ("engine", found.dialect),
        ("schema", found.schema or ""),
        ("schema_state", found.state),
        ("size_bytes", found.size),
        ("documents", found.documents),
        ("revisions", found.revisions),
        ("changes_not_derived", found.lag),
        *((f"records.{kind}", number) for kind, number in found.records.items()),
    ]
    emit([{"name": name, "value": value} for name, value in rows], ("name", "value"), output)


def upgrade(*, config: ConfigOption = CONFIG) -> None:
    """Bring the store to the schema of this program; make it where there is none.

    One transaction: it is done wholly or not at all. A store with records is better backed up before.
    """
    with Session(config) as session:
        store = _attach(session, create=True)
        try:
            with store.begin() as conn:
                state, before = migration.state(conn), migration.revision_of(conn)
                if state in ("newer", "foreign"):
                    migration.require_current(state, store.place)
                if state != "current":
                    migration.upgrade(conn)
        finally:
            store.close()
    if state == "current":
        typer.echo(f"{store.place} has schema {before} already")
    else:
        typer.echo(f"{store.place} has schema {migration.HEAD} now (before: {before or 'none'})")


def backup(
    file: Annotated[Path, typer.Argument(help="File to write; only its owner may read it.")],
    *,
    config: ConfigOption = CONFIG,
    force: ForceOption = False,
) -> None:
    """Write a checked copy of the store, while others read and write it."""
    with Session(config) as session:
        store = _attach(session)
        try:
            size = write_backup(store, file, force=force)
        finally:
            store.close()
    typer.echo(f"{file}: {size} bytes, checked")


def restore(
    file: Annotated[Path, typer.Argument(help="File that `hub db backup` wrote.")],
    *,
    config: ConfigOption = CONFIG,
    force: ForceOption = False,
) -> None:
    """Put a backup in the place of the store; end other hub processes before.

    The backup is checked before the store is touched. An older backup needs `hub db upgrade` afterwards.
    """
    with Session(config) as session:
        configuration = session.configuration
        place = read_backup(configuration.store.url_with_password(), file, base_dir=configuration.base_dir, force=force)
    typer.echo(f"{place} holds the backup {file} now")
