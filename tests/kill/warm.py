"""What every child would work out anew, done once where all are forked: the pack, and the SQL of its parts."""

from __future__ import annotations

from sqlalchemy import Dialect, create_engine

from hub_bs15000.catalogue import load_pack
from tests.store_fixtures import ENGINE

__all__: list[str] = []


def _dialect() -> Dialect:
    if ENGINE == "sqlite":
        return create_engine("sqlite+pysqlite://").dialect
    dialect = create_engine("postgresql+psycopg://").dialect
    dialect._backslash_escapes = False  # what a connection would have told it
    return dialect


_chosen = _dialect()
for _requirement in load_pack().requirements({}):
    for _part in _requirement.parts:
        _part.sql(_chosen)
