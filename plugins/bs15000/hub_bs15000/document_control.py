"""Documents and plans under control: authorised before they took effect, reviewed in time, never lapsing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_

from hub.conformance.continuous import holding, in_force
from hub.conformance.evidence import Rows, rows
from hub.conformance.expression import earlier_of, filled, later_of
from hub.conformance.part import Part, Words
from hub.conformance.unit import Unit, organisation
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata

__all__ = ["doc", "documents", "reviewed_until", "says"]

_record = metadata.tables["record"]
_REPLACED = ("obsolete", "obsolete_retained", "withdrawn")
_CONTROL = frozenset({"doc_status", "version", "authorised_by", "authorised_at", "effective_from"})


def _type_of(table: Any) -> Any:
    return table.c.doc_type if "doc_type" in table.c else table.c.plan_type if "plan_type" in table.c else None


def _alone(table: Any) -> ColumnElement[bool]:
    """No other thing of that type in the same source bears its name and version; other sources may show it again."""
    other, there, here = table.alias(), _record.alias(), _record.alias()
    alike = [other.c.title == table.c.title, other.c.version == table.c.version, other.c.vanished_at.is_(None)]
    if (kind := _type_of(table)) is not None:
        alike.append(_type_of(other) == kind)
    same_source = and_(there.c.sid == other.c.sid, here.c.sid == table.c.sid, there.c.source == here.c.source)
    return ~exists().where(other.c.sid != table.c.sid, same_source, *alike).correlate_except(other, there, here)


def documents(
    doc_type: str | tuple[str, ...], *, kind: str = "document", on: ColumnElement[bool] | None = None
) -> Rows:
    """Evidence is a document of this type (or one of these), or a `plan`, under control, from when it is in force.

    `on` ties it to the unit, where it is not one for the whole organisation. What it must say are further
    conditions: `documents("incident_procedure").where(says("document", "escalation"))`. A `capacity_plan` is of
    one type only; `doc_type` is then not read.
    """
    table = kind_tables[kind]
    d: Any = table.c
    typed = _type_of(table)
    types = (doc_type,) if isinstance(doc_type, str) else doc_type
    of_type = [] if typed is None else [typed.in_(types) if len(types) > 1 else typed == types[0]]
    begins = later_of(d.effective_from, func.coalesce(d.created_at, d.effective_from))
    replaced = and_(d.doc_status.in_(_REPLACED), or_(d.superseded_at.is_not(None), d.withdrawn_at.is_not(None)))
    found = rows(
        kind,
        and_(d.sid.is_not(None), *of_type, *([] if on is None else [on])),
        begins,
        fields=_CONTROL | ({str(typed.name)} if typed is not None else set()),
        lost=earlier_of(earlier_of(d.superseded_at, d.withdrawn_at), d.vanished_at),
        reach="all",
    )
    return found.where(
        filled(d.version),
        d.authorised_by.is_not(None),
        d.authorised_at <= d.effective_from,
        or_(d.doc_status == "effective", d.doc_status.is_(None), replaced),
        _alone(table),
    ).doubtful(d.doc_status.is_(None), "whether it is in force is not recorded")


def reviewed_until(review_days: int, *, kind: str = "document") -> ColumnElement[Any]:
    """Return how long a document holds without another review: `review_days` local days after the last."""
    d: Any = kind_tables[kind].c
    return holding(func.coalesce(d.last_review_at, d.effective_from), review_days)


def says(kind: str, *names: str) -> ColumnElement[bool]:
    """Say whether the document or plan has a section of one of these names (lower case) that is not empty."""
    section: Any = child_tables[kind, "sections"].alias()
    named = func.lower(func.trim(section.c.name)).in_(names)
    return (
        exists()
        .where(section.c.sid == kind_tables[kind].c.sid, named, filled(section.c.text))
        .correlate_except(section)
    )


def doc(
    rid: str,
    name: str,
    words: Words,
    doc_type: str | tuple[str, ...],
    review_days: int,
    *having: ColumnElement[bool],
    kind: str = "document",
    unit: Unit | None = None,
    on: ColumnElement[bool] | None = None,
    sections: Sequence[Sequence[str] | str] = (),
    **more: Any,
) -> Part:
    """A document (or plan) of this type is in force without a gap, month after month.

    What it must say: `sections`, each by its name or its possible names, and conditions `having` over the
    columns of `kind`; a document that does not say it does not count. The organisation owes it once, or each
    `unit`, tied by `on`.
    """
    told = [says(kind, *((one,) if isinstance(one, str) else one)) for one in sections]
    evidence = documents(doc_type, kind=kind, on=on).where(*having, *told)
    return in_force(
        rid,
        name,
        words,
        unit=organisation() if unit is None else unit,
        evidence=evidence,
        until=reviewed_until(review_days, kind=kind),
        **more,
    )
