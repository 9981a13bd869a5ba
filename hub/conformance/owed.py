"""What a unit owes, laid out as columns: since when, by when, and what cannot be known of the unit itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, literal

from hub.conformance.expression import no_instant, no_text
from hub.conformance.reading import Need
from hub.conformance.unit import Unit
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["HIDDEN", "NEVER", "Doubt", "owed_columns"]

Instants = ColumnElement[Any]
Doubt = tuple[ColumnElement[bool], str]
"""A condition under which it cannot be known whether the unit owes this, and why."""
NEVER = 9_000_000_000_000_000
"""Later than any instant."""
HIDDEN = "it is no longer visible at its source"
_unknown = metadata.tables["unknown_field"]


def owed_columns(
    unit: Unit, due: Instants, fields: frozenset[str], doubts: Sequence[Doubt], needs: Sequence[Need]
) -> list[ColumnElement[Any]]:
    """Say who owes, since when (from the first if nobody knows), by when, and what cannot be known of the unit."""
    cases = [(condition, literal(why)) for condition, why in doubts]
    hidden: ColumnElement[Any] = no_instant()
    if unit.has_envelope:
        hidden = kind_tables[unit.kind].c.invisible_at
        if fields:
            cases.append((_unread(unit, fields), literal(f"the source could not give {', '.join(sorted(fields))}")))
        inside = [need for need in needs if need.evidence]
        if inside:
            text = literal(f"the source could not give the {_kinds(inside)} records that stand in it")
            cases.append((_unread(unit, _names_inside(inside)), text))
    return [
        unit.sid.label("unit"),
        unit.anchor.label("anchor"),
        func.coalesce(unit.opened, 0).label("opened_at"),
        due.label("due_at"),
        hidden.label("hidden_at"),
        (case(*cases) if cases else no_text()).label("doubt"),
    ]


def _unread(unit: Unit, names: Collection[str]) -> ColumnElement[bool]:
    name = func.coalesce(_unknown.c.field, "")  # one look-up of the unit, which mostly has none, not one for each name
    return exists().where(_unknown.c.sid == unit.sid, name.in_(sorted(names))).correlate_except(_unknown)


def _kinds(needs: Sequence[Need]) -> str:
    return ", ".join(sorted({need.kind.replace("_", " ") for need in needs}))


def _names_inside(needs: Sequence[Need]) -> set[str]:
    """Return what records that stand in the unit are called where no mapping read them (`mark_unread`)."""
    return {f"{need.kind}.{field}" for need in needs for field in ("*", *need.fields)}
