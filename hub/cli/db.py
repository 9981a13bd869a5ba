"""`hub db`: looks after the database."""

from __future__ import annotations

import typer

from hub.cli.db_copy import attached, backup, move, restore
from hub.cli.option import CONFIG, ConfigOption, Format, FormatOption, examples
from hub.cli.output import emit
from hub.cli.session import Session
from hub.store import migration
from hub.store.status import status as look

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the group and its commands."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Look after the database: status, upgrade, backup, restore, move.",
        epilog=examples("hub db status"),
    )
    group.command(epilog=examples("hub db status", "hub db status --format json"))(status)
    group.command(epilog=examples("hub db upgrade"))(upgrade)
    group.command(epilog=examples("hub db backup /var/backups/hub.db", "hub db backup backup.db --force"))(backup)
    group.command(epilog=examples("hub db restore /var/backups/hub.db --force"))(restore)
    group.command(epilog=examples("hub db move postgresql+psycopg://hub@db.example.com/hub"))(move)
    app.add_typer(group, name="db")


def status(*, config: ConfigOption = CONFIG, output: FormatOption = Format.TABLE) -> None:
    """Show where the store is, its schema, its size, what it holds, and how far judging lags behind."""
    with Session(config) as session, attached(session) as store:
        found = look(store)
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

    One transaction: it is done wholly or not at all. There is no downgrade: back up a store with records
    before, and restore that.
    """
    with Session(config) as session, attached(session, create=True) as store, store.begin() as conn:
        state, before = migration.state(conn), migration.revision_of(conn)
        if state in ("newer", "foreign"):
            migration.require_current(state, store.place)
        if state != "current":
            migration.upgrade(conn)
    if state == "current":
        typer.echo(f"{store.place} has schema {before} already")
    else:
        typer.echo(f"{store.place} has schema {migration.HEAD} now (before: {before or 'none'})")
