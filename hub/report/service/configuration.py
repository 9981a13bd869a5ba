"""Chapter 9: configuration items, their movements and verification, unauthorised changes, licences."""

from __future__ import annotations

from collections.abc import Sequence

from hub.conformance.situation.inventory import Inventory, LicenceUse, Unauthorised
from hub.conformance.situation.inventory import inventory as facts_of
from hub.report.file.topic import Cell, Column, Topic
from hub.report.model import Said
from hub.report.plan.due import local_date, plus_days
from hub.report.service.chapter import Asked, Chapter, Part
from hub.report.service.known import Known, known, name_of, whole
from hub.report.status import percent

__all__ = ["configuration"]

_TITLE = "Configuration"
_NONE = "not recorded"
_SOON_DAYS = 30


def configuration(asked: Asked) -> Chapter:
    """Tell how many items there are and what moved, what was verified, what changed without leave, and licences."""
    said = known(asked, ("configuration_item", "change", "approval", "deployment", "audit", "licence"))
    if said.absent:
        return whole(9, _TITLE, said, [], empty=True)
    facts = facts_of(asked.conn, asked.period, asked.as_of, asked.known_at, asked.audience)
    parts: list[Part] = []
    if "configuration_item" in said.kinds:
        parts += [_items(facts), _verified(facts), *_movements(facts)]
    if "audit" in said.kinds:
        parts.append(_audits(asked, facts))
    parts += _unauthorised(asked, facts, said)
    if "licence" in said.kinds:
        parts.append(_licences(asked, facts.licences))
    empty = not (facts.flows or facts.undated or facts.audits or facts.begun or facts.deployments or facts.licences)
    return whole(9, _TITLE, said, parts, empty=empty)


def _items(facts: Inventory) -> Topic:
    rows: list[tuple[Cell, ...]] = [
        (one.ci_type or _NONE, one.opening, one.added, one.retired, one.closing, one.live) for one in facts.flows
    ]
    if len(rows) > 1:
        fields = ("opening", "added", "retired", "closing", "live")
        rows.append(("all", *(sum(getattr(one, name) for one in facts.flows) for name in fields)))
    return Topic(
        "Configuration items",
        (
            Column("Class of item", "word", 22),
            Column("At the start", "number", 10),
            Column("Added", "number", 9),
            Column("Retired", "number", 9),
            Column("At the end", "number", 10),
            Column("Of these live", "number", 10),
        ),
        rows,
        "no cases",
    )


def _verified(facts: Inventory) -> Said:
    total = sum(one.closing for one in facts.flows)
    good, never = (sum(getattr(one, name) for one in facts.flows) for name in ("verified", "unverified"))
    phrase = "Verified in the period: {share} ({part} of {whole} items); never verified: {never}."
    values: dict[str, int | str] = {"part": good, "whole": total, "never": never}
    return Said(phrase=phrase, values=values, shares={"share": (good, total)})


def _movements(facts: Inventory) -> list[Part]:
    names = {"ci_status": "state", "version": "version", "location": "location", "owner": "owner"}
    parts: list[Part] = [
        Topic(
            "Movements of items",
            (Column("What changed", "word", 18), Column("Times", "number", 9)),
            [(names[name], number) for name, number in facts.moved.items()],
            "no movement of an item is recorded",
        )
    ]
    if facts.undated:
        phrase = (
            "Of {n} items nobody knows since when they are recorded, or when they were retired; they are in no figure."
        )
        parts.append(Said(phrase=phrase, values={"n": facts.undated}))
    return parts


def _audits(asked: Asked, facts: Inventory) -> Topic:
    return Topic(
        "Configuration audits",
        (
            Column("Audit", width=34),
            Column("Performed", "day", 13),
            Column("Looked at", "number", 10),
            Column("Found wrong", "number", 10),
            Column("Accuracy", "word", 12),
        ),
        [
            (
                name_of(asked, one.subject),
                one.performed_at,
                one.sampled,
                one.discrepancies,
                _accuracy(one.sampled, one.discrepancies),
            )
            for one in facts.audits
        ],
        "no audit of the configuration was made in the period",
    )


def _accuracy(sampled: int | None, wrong: int | None) -> str:
    """Write the share found right, rounded down."""
    if not sampled or wrong is None:
        return _NONE
    return percent(max(0, sampled - wrong), sampled)


def _unauthorised(asked: Asked, facts: Inventory, said: Known) -> list[Part]:
    parts: list[Part] = []
    if {"change", "approval"} <= said.kinds:
        parts.append(
            _table(asked, "Changes begun without approval", facts.unapproved, "every change begun had been approved")
        )
        phrase = "{n} of {whole} changes begun had no approval that held when they began (standard and emergency changes apart)."
        parts.append(Said(phrase=phrase, values={"n": facts.unapproved_count, "whole": facts.begun}))
    else:
        parts.append(
            Said(
                phrase="Whether changes were approved before they began cannot be told: changes or approvals were not read."
            )
        )
    if "deployment" in said.kinds:
        name = "Deployments without a change"
        parts.append(_table(asked, name, facts.unnamed, "every deployment to production names a change or a release"))
        phrase = "{n} of {whole} deployments to production name neither a change nor a release."
        parts.append(Said(phrase=phrase, values={"n": facts.unnamed_count, "whole": facts.deployments}))
    return parts


def _table(asked: Asked, name: str, rows: Sequence[Unauthorised], empty: str) -> Topic:
    return Topic(
        name,
        (Column("Record", width=44), Column("When", "minute", 17), Column("Address", "link", 24)),
        [(name_of(asked, one.subject), one.at, one.subject.url) for one in rows],
        empty,
    )


def _licences(asked: Asked, rows: Sequence[LicenceUse]) -> Topic:
    today = local_date(asked.instant, asked.zone).isoformat()
    soon = local_date(plus_days(asked.instant, _SOON_DAYS, asked.zone), asked.zone).isoformat()
    return Topic(
        "Licences",
        (
            Column("Product", width=30),
            Column("Allowed", "number", 10),
            Column("In use", "number", 10),
            Column("Valid until", width=12),
            Column("Status", "word", 34),
        ),
        [(one.product, one.entitlement, one.installed, one.valid_to or "", _status(one, today, soon)) for one in rows],
        "no cases",
    )


def _status(one: LicenceUse, today: str, soon: str) -> str:
    words = []
    if one.entitlement is None or one.installed is None:
        words.append("use or entitlement not recorded")
    elif one.installed > one.entitlement:
        words.append("more in use than allowed")
    if one.valid_to is not None and one.valid_to <= today:
        words.append("no longer valid")
    elif one.valid_to is not None and one.valid_to <= soon:
        words.append("ends soon")
    return "; ".join(words) or "in order"
