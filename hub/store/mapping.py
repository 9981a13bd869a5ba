"""By which mapping the kept documents of a source became its records.

Every function works in the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from hub.store.tables import fingerprint, provision, raw_document

__all__ = ["KnownProvision", "current_provisions", "get_fingerprint", "has_documents", "set_fingerprint"]


@dataclass(frozen=True, slots=True)
class KnownProvision:
    """What a source is known to say of a kind."""

    kind: str
    fields: frozenset[str]
    within_subject: bool


def get_fingerprint(conn: Connection, source: str) -> str | None:
    """Return the fingerprint of the mapping all kept documents went through; None = there is none yet."""
    found: str | None = conn.execute(
        select(fingerprint.c.value).where(fingerprint.c.name == _name(source))
    ).scalar_one_or_none()
    return found


def set_fingerprint(conn: Connection, source: str, value: str) -> None:
    """State the mapping; nothing is written where it is the same."""
    if get_fingerprint(conn, source) != value:
        conn.execute(delete(fingerprint).where(fingerprint.c.name == _name(source)))
        conn.execute(insert(fingerprint), [{"name": _name(source), "value": value}])


def has_documents(conn: Connection, source: str) -> bool:
    """Tell whether anything was ever kept of a source."""
    return conn.execute(select(raw_document.c.doc).where(raw_document.c.source == source).limit(1)).first() is not None


def current_provisions(conn: Connection, source: str) -> list[KnownProvision]:
    """List what a source is known to provide now."""
    fields: dict[tuple[str, bool], set[str]] = {}
    for row in conn.execute(
        select(provision.c.kind, provision.c.field, provision.c.within_subject).where(
            provision.c.source == source, provision.c.known_to.is_(None)
        )
    ):
        named = fields.setdefault((row.kind, row.within_subject), set())
        if row.field:
            named.add(row.field)
    return [KnownProvision(kind, frozenset(named), within) for (kind, within), named in sorted(fields.items())]


def _name(source: str) -> str:
    return f"mapping:{source}"
