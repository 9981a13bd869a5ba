"""Alembic's entry: runs the revisions on the connection it is handed (see `hub.store.migration`)."""

from __future__ import annotations

from alembic import context

from hub.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
