"""The shapes of requirements, each compiled to one select of obligations.

precondition   evidence exists before the unit's own event
deadline       evidence exists by a due instant after something happened
completeness   fields or links are filled by a due instant
threshold      a condition over the unit holds at an instant
trend          an analysis is made for every period
attestation    a document is in force throughout every period
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, case

from hub.conformance.decision import Choice, decision, laid_out
from hub.conformance.evidence import At, Evidence, Filled
from hub.conformance.owed import Doubt, owed_columns
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need, merge_reads
from hub.conformance.unit import Unit

__all__ = ["attestation", "completeness", "deadline", "obligations", "precondition", "threshold", "trend"]

Instants = ColumnElement[Any]


def obligations(
    shape: str,
    requirement: str,
    name: str,
    words: Words,
    *,
    unit: Unit,
    evidence: Evidence,
    due: Instants,
    fields: Sequence[str] = (),
    warn_share: float | None = None,
    nth: int = 1,
    doubts: Sequence[Doubt] = (),
    complete: bool = False,
    needs: Sequence[Need] = (),
) -> Part:
    """Compile one part.

    `fields` are the unit's own neutral fields the part reads: where the source could not give one for
    a record, the obligation lacks it; where no source gives it at all, nothing is provable. `doubts`
    are conditions under which it cannot be known whether the unit owes this. `nth` asks for evidence
    of that many different people.
    """
    own = tuple(evidence.fields) if isinstance(evidence, Filled) else ()
    all_fields = frozenset((*fields, *own))
    owed = owed_columns(unit, due, all_fields, doubts, [*evidence.needs, *needs])
    single = isinstance(evidence, Filled | At)  # one row a unit, which needs no choice
    choice = Choice(nth=0 if single else nth, warn_permille=_permille(warn_share), complete=complete)
    unit_needs = (Need(unit.kind, all_fields),) if unit.has_envelope else ()
    return Part(
        requirement=requirement,
        name=name,
        shape=shape,
        unit_kind=unit.kind,
        select=decision(laid_out(evidence.beside(unit, owed)), choice),
        reads=merge_reads(unit.reads, evidence.reads),
        needs=(*unit_needs, *evidence.needs, *needs),
        of_kind=unit.of_kind,
        lined=unit.lined,
        complete=complete or getattr(evidence, "lost", None) is not None,
        words=words,
    )


def _permille(share: float | None) -> int | None:
    return None if share is None else round(share * 1000)


def precondition(
    requirement: str, name: str, words: Words, *, unit: Unit, before: Instants, evidence: Evidence, **more: Any
) -> Part:
    """Evidence exists before the unit's own event `before`; equal instants pass.

    Without the event the obligation stays pending: nothing has gone live yet.
    """
    return obligations("precondition", requirement, name, words, unit=unit, evidence=evidence, due=before, **more)


def deadline(
    requirement: str,
    name: str,
    words: Words,
    *,
    unit: Unit,
    due: Instants,
    evidence: Evidence,
    warn_share: float = 0.8,
    shape: str = "deadline",
    **more: Any,
) -> Part:
    """Evidence exists by `due`, counted from the instant the unit opens; a warning goes out at `warn_share`.

    Where the calendar does not reach the day, the obligation lacks it.
    """
    return obligations(
        shape,
        requirement,
        name,
        words,
        unit=unit.reading(calendar="all"),
        evidence=evidence,
        due=due,
        warn_share=warn_share,
        **more,
    )


def completeness(
    requirement: str, name: str, words: Words, *, unit: Unit, fields: Sequence[str], by: Instants, **more: Any
) -> Part:
    """All `fields` of the unit hold values by `by` (NULL = not yet called for)."""
    return obligations(
        "completeness", requirement, name, words, unit=unit, evidence=Filled(tuple(fields)), due=by, **more
    )


def threshold(
    requirement: str, name: str, words: Words, *, unit: Unit, holds: ColumnElement[bool], at: Instants, **more: Any
) -> Part:
    """The condition `holds` is true of the unit as recorded; decided at `at`."""
    return obligations(
        "threshold",
        requirement,
        name,
        words,
        unit=unit,
        evidence=At(case((holds, at))),
        due=at,
        complete=True,
        **more,
    )


def trend(
    requirement: str, name: str, words: Words, *, unit: Unit, due: Instants, evidence: Evidence, **more: Any
) -> Part:
    """An analysis is made for every period, by `due` after its end."""
    return deadline(requirement, name, words, unit=unit, due=due, evidence=evidence, shape="trend", **more)


def attestation(
    requirement: str, name: str, words: Words, *, unit: Unit, due: Instants, evidence: Evidence, **more: Any
) -> Part:
    """Something declared is in force to the end of every period; what lapses before is lost."""
    return obligations("attestation", requirement, name, words, unit=unit, evidence=evidence, due=due, **more)
