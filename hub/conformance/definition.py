"""What a requirement is made of besides the records: its rules, how it is asked, and the calendars it counts by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import pysqlite

from hub.store.tables import metadata

if TYPE_CHECKING:
    from hub.conformance.pack import Requirement

__all__ = ["Calendars", "Definition", "calendars_of", "definition_of", "what_changed"]

_fingerprint = metadata.tables["fingerprint"]
_SQLITE = pysqlite.dialect()
_SHORT = 12
Calendars = Mapping[str, str]
"""Name of a calendar or period as it is materialised -> hash of it."""


@dataclass(frozen=True, slots=True)
class Definition:
    """Everything but the records that decides what the obligations of a requirement are."""

    mark: str
    """Hash of it all; another one means that everything is derived anew."""
    told: str
    """JSON, so that two definitions can be compared in words: `pack`, `rules`, `asked`, `calendars`."""


def calendars_of(conn: Connection) -> Calendars:
    """Return what requirements may count by."""
    named = _fingerprint.c.name.like("calendar:%") | _fingerprint.c.name.like("period:%")
    rows = conn.execute(select(_fingerprint).where(named).order_by(_fingerprint.c.name))
    return {row.name: row.value for row in rows}


def definition_of(conn: Connection, requirement: Requirement, known: Calendars) -> Definition:
    """Hash what decides the obligations of a requirement, and keep what can be told of it.

    Always in SQLite's words: a store moved to the other engine is under the same rules as before.
    """
    digest = hashlib.sha256()
    dialect = conn.dialect if conn.dialect.name == "sqlite" else _SQLITE  # written once only where it is run too
    for part in requirement.parts:
        digest.update(f"{part.name}\0{part.sql(dialect)}\0{sorted(part.reads.items())}\0".encode())
    rules = digest.hexdigest()
    calendars: Calendars = {}
    if any("calendar" in part.reads or "period" in part.reads for part in requirement.parts):
        calendars = known
        digest.update("\0".join(f"{name}={value}" for name, value in calendars.items()).encode())
    told = {
        "pack": requirement.pack,
        "rules": rules[:_SHORT],
        "asked": dict(requirement.asked),
        "calendars": {name: value[:_SHORT] for name, value in calendars.items()},
    }
    return Definition(digest.hexdigest(), json.dumps(told, sort_keys=True, default=str))


def what_changed(before: str | None, after: str) -> str:
    """Say in words in what two definitions differ, such as `parameter days: 5 -> 3`; empty where it cannot be told."""
    if not before:
        return ""
    was, now = json.loads(before), json.loads(after)
    found = [
        f"parameter {name}: {_shown(was['asked'], name)} -> {_shown(now['asked'], name)}"
        for name in _differing(was["asked"], now["asked"])
    ]
    if was["pack"] != now["pack"]:
        found.append(f"pack: {was['pack']} -> {now['pack']}")
    elif was["rules"] != now["rules"] and not found:
        found.append("pack: other rules")
    return "; ".join(found + [name.replace(":", " ") for name in _differing(was["calendars"], now["calendars"])])


def _differing(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [name for name in sorted(was.keys() | now.keys()) if was.get(name) != now.get(name)]


def _shown(asked: Mapping[str, Any], name: str) -> str:
    return json.dumps(asked[name], ensure_ascii=False) if name in asked else "as everywhere"
