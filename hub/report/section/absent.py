"""Why a section has no data, and who may be named in those that have. Pure."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from hub.conformance.answer import Answers
from hub.conformance.situation.fact import Situation
from hub.report.model import Said
from hub.report.person import Naming

__all__ = ["absent_sections", "named_situation"]

_KINDS = {
    "levels": ("sla",),
    "opinion": ("complaint", "satisfaction_survey"),
    "control": ("change", "release", "deployment"),
    "follow_up": ("improvement_action",),
}
"""Section -> the kinds of record it is made from."""


def absent_sections(answers: Answers) -> dict[str, Said]:
    """Say of each section without data why: no source gives the kind, or it was not read."""
    if answers.situation is None:
        return dict.fromkeys((*_KINDS, "process"), Said(phrase="it was not asked for when this report was made"))
    found = {name: _why(answers, kinds) for name, kinds in _KINDS.items()}
    if not answers.situation.kpis:
        found["process"] = Said(phrase="no plan of reports is kept")
    return {name: why for name, why in found.items() if why}


def named_situation(situation: Situation | None, naming: Naming) -> Situation | None:
    """Hide the names of people who are told of, unless the organisation allows names."""
    if situation is None or situation.follow_up is None:
        return situation
    lines = [
        msgspec.structs.replace(
            line,
            subject=naming.subject(line.subject),
            owner=None if line.owner is None else naming.subject(line.owner),
        )
        for line in situation.follow_up.lines
    ]
    return msgspec.structs.replace(situation, follow_up=msgspec.structs.replace(situation.follow_up, lines=lines))


def _why(answers: Answers, kinds: Collection[str]) -> Said | None:
    """Say why none of the kinds was read; None where one was."""
    rows = [row for row in answers.coverage if row.kind in kinds]
    if not rows:
        return Said(phrase="no source provides {kinds}", values={"kinds": ", ".join(kinds).replace("_", " ")})
    if any(row.through is not None or row.records for row in rows):
        return None
    reason = next((row.reason for row in rows if row.reason), "")
    return Said(phrase="{reason}", values={"reason": reason}) if reason else Said(phrase="it was never read to the end")
