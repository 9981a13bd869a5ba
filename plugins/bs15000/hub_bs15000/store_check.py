"""What the hub checks of its own store, and the requirement that the check of every month passes."""

from __future__ import annotations

from sqlalchemy import func

from hub.conformance.part import Part, Words
from hub.conformance.probe import checked, failed_at, unchecked
from hub.conformance.shape import deadline
from hub.conformance.unit import each_month
from hub.store.tables import metadata

__all__ = ["CHAIN", "CITED", "DECODES", "STATES", "passes"]

_period = metadata.tables["period"].c
CHAIN = "evidence_chain"
"""No kept document was altered, removed or reordered; `counted` of `out_of` were looked at."""
STATES = "evidence_states"
"""Every record has a present state that fits its hash; `counted` of `out_of` documents were looked at."""
DECODES = "evidence_decodes"
"""Documents and their records decode; `counted` of the `out_of` looked at do."""
CITED = "evidence_cited"
"""What the month's reports cite is in the store as cited; `counted` of `out_of` reports are right."""


def passes(rid: str, name: str, words: Words, check: str, *, shape: str, least: float = 1) -> Part:
    """The hub's own check passes every month; one that fails counts against it at once."""
    return deadline(
        rid,
        name,
        words,
        unit=each_month().opening(_period.starts_at),
        due=func.coalesce(failed_at(check, least=least), _period.ends_at - 1),
        evidence=checked(check, least=least),
        doubts=[unchecked(check)],
        shape=shape,
    )
