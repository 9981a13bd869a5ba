"""What every child would work out anew, done once where all are forked: the pack, and the SQL of its parts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Select, create_engine

import hub.conformance.part
from hub.conformance.expression import render
from hub_bs15000.catalogue import load_pack
from tests.store_fixtures import ENGINE

__all__: list[str] = []

_known: dict[tuple[int, str, str], str] = {}


def _remembered(statement: Select[Any], dialect: Dialect, *, units: str = "") -> str:
    key = (id(statement), dialect.name, units)
    if key not in _known:
        _known[key] = render(statement, dialect, units=units)
    return _known[key]


def _dialect() -> Dialect:
    if ENGINE == "sqlite":
        return create_engine("sqlite+pysqlite://").dialect
    dialect = create_engine("postgresql+psycopg://").dialect
    dialect._backslash_escapes = False  # what a connection would have told it
    return dialect


hub.conformance.part.render = _remembered  # type: ignore[attr-defined]
_chosen = _dialect()
for _requirement in load_pack().requirements({}):
    for _part in _requirement.parts:
        for _units in ("", "dirty"):
            _part.sql(_chosen, units=_units)
