"""Documents in force: authorised before they took effect, not yet replaced, reviewed in time."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_

from hub.conformance.evidence import Rows, rows
from hub.conformance.expression import days_after, earlier_of, filled, later_of
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata

__all__ = ["has_section", "in_force"]

_document = kind_tables["document"]
_period = metadata.tables["period"]
_REPLACED = ("obsolete", "obsolete_retained", "withdrawn")
_FIELDS = frozenset({"doc_type", "doc_status", "version", "authorised_by", "authorised_at", "effective_from"})


def in_force(doc_type: str, review_days: int) -> Rows:
    """Evidence is a document of `doc_type` in force in the unit's period, to be used with `each_month`.

    It counts from the later of its effective date and the instant its source recorded it, or from the
    start of the period; it is lost when it is superseded, withdrawn, deleted, or when its last review is
    more than `review_days` local days ago.
    """
    d = _document.c
    begins = later_of(d.effective_from, func.coalesce(d.created_at, d.effective_from))
    stopped = earlier_of(earlier_of(d.superseded_at, d.withdrawn_at), d.vanished_at)
    ends = earlier_of(stopped, days_after(func.coalesce(d.last_review_at, d.effective_from), review_days))
    start, end = _period.c.starts_at, _period.c.ends_at
    authorised = and_(filled(d.version), d.authorised_by.is_not(None), d.authorised_at <= d.effective_from)
    replaced = and_(d.doc_status.in_(_REPLACED), or_(d.superseded_at.is_not(None), d.withdrawn_at.is_not(None)))
    found = rows(
        "document",
        and_(d.doc_type == doc_type, begins < end, ends > start),
        later_of(begins, start),
        fields=_FIELDS,
        lost=case((ends < end - 1, ends)),
        reach="all",
    )
    return found.where(authorised, or_(d.doc_status == "effective", d.doc_status.is_(None), replaced)).doubtful(
        d.doc_status.is_(None), "whether the document is in force is not recorded"
    )


def has_section(*names: str) -> ColumnElement[bool]:
    """Say whether the document has a section of one of these names (lower case) that says something."""
    section: Any = child_tables["document", "sections"].alias()
    named = func.lower(func.trim(section.c.name)).in_(names)
    return exists().where(section.c.sid == _document.c.sid, named, filled(section.c.text)).correlate_except(section)
