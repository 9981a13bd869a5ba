"""The verdict: a pure function of an obligation, an instant, and how far things were read.

Written twice on purpose: `verdict_of` for people and tests, `VERDICT` for the database. A test holds
them equal.
"""

from __future__ import annotations

from hub.conformance.answer import Verdict

__all__ = ["EXPIRED", "VERDICT", "needs_through", "verdict_of"]

EXPIRED = "what was declared for it has expired"
"""What an obligation lacks from the end of a declaration on; before its evidence is there, it lacks nothing yet."""


def needs_through(as_of: int, due_at: int | None, stale_ms: int) -> int:
    """Return the instant through which everything must have been read to conclude from absence.

    A due instant that has passed needs everything up to it; one still to come needs a reading no
    older than `stale_ms`.
    """
    return due_at if due_at is not None and due_at <= as_of else as_of - stale_ms


def verdict_of(  # noqa: PLR0911 - the rules of the design, in their order
    *,
    as_of: int,
    opened_at: int,
    due_at: int | None,
    warn_at: int | None,
    met_at: int | None,
    lost_at: int | None,
    declared: bool,
    lacks: str | None,
    complete: bool,
    through: int | None,
    waived: bool,
    stale_ms: int,
) -> Verdict | None:
    """Judge one obligation at `as_of`; None = it does not exist yet.

    A record not met is only proven where everything that could hold the evidence was read through the
    due instant, or where late evidence shows it. What could not be known of the unit comes before both:
    evidence is not late where nobody knows when it was due.
    """
    if opened_at > as_of:
        return None
    limit = as_of if due_at is None else min(as_of, due_at)
    read = through is not None and through >= needs_through(as_of, due_at, stale_ms)
    if met_at is not None and met_at <= limit and (lost_at is None or lost_at > limit):
        if complete and not read:
            return "not_provable"
        return "attested" if declared else "met"
    if lacks is not None and not (lacks == EXPIRED and met_at is not None and met_at > limit):
        return "not_provable"
    if due_at is not None and due_at <= as_of:
        late = met_at is not None and due_at < met_at <= as_of
        if late or read:
            return "waived" if waived else "not_met"
        return "not_provable"
    return "at_risk" if warn_at is not None and warn_at <= as_of else "pending"


_LIMIT = "CASE WHEN o.due_at IS NULL OR o.due_at > {as_of} THEN {as_of} ELSE o.due_at END"
_READ = "coalesce(h.through >= CASE WHEN o.due_at <= {as_of} THEN o.due_at ELSE {as_of} - {stale_ms} END, {false})"
_LATE = "coalesce(o.met_at > o.due_at AND o.met_at <= {as_of}, {false})"
VERDICT = (
    f"CASE WHEN o.met_at <= {_LIMIT} AND (o.lost_at IS NULL OR o.lost_at > {_LIMIT}) THEN "
    f"CASE WHEN h.complete AND NOT {_READ} THEN 'not_provable' WHEN o.declared THEN 'attested' ELSE 'met' END "
    f"WHEN o.lacks <> '{EXPIRED}' OR o.lacks IS NOT NULL AND (o.met_at IS NULL OR o.met_at <= {_LIMIT}) "
    "THEN 'not_provable' "
    f"WHEN o.due_at <= {{as_of}} THEN CASE WHEN {_LATE} OR {_READ} THEN "
    "CASE WHEN w.part IS NULL THEN 'not_met' ELSE 'waived' END ELSE 'not_provable' END "
    "WHEN o.warn_at <= {as_of} THEN 'at_risk' ELSE 'pending' END"
)
"""SQL over obligation `o`, horizon `h`, waived `w`; `as_of`, `stale_ms` and the engine's `false` are filled in."""
