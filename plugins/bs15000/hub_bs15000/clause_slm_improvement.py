"""Service level management: what comes of shortfalls, and how it is passed on (SLM-09, 19)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, not_, or_

from hub.conformance.evidence import Rows, any_of, at, rows
from hub.conformance.expression import days_after, filled, later_of, since_when
from hub.conformance.pack import Declare, Parameters
from hub.conformance.part import Part, Words
from hub.conformance.reading import Need
from hub.conformance.shape import deadline, threshold
from hub.conformance.unit import unit
from hub.store.schema import child_tables, kind_tables
from hub.store.tables import metadata
from hub_bs15000.breach import discussed
from hub_bs15000.improvement import stands
from hub_bs15000.message import mails
from hub_bs15000.review import r

__all__ = ["DECLARATIONS"]

_link = metadata.tables["link"]
i: Any = kind_tables["improvement_action"].c
_CLAUSES = ("5.1", "BS15000-5.1", "SLM")
_LED = ("management_review", "management_forum")


def _planned(line: Any) -> ColumnElement[bool]:
    """Say whether a line names an action with an owner and a date, or a decision that none is needed."""
    action: Any = kind_tables["improvement_action"].alias()
    a = action.c
    whole = or_(and_(a.owner.is_not(None), a.due_at.is_not(None)), and_(a.no_action_at.is_not(None), stands(a)))
    return exists().where(a.sid == line.action_id, whole).correlate_except(action)


def _all_planned(kind: str, field: str, *of: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Say whether a record has such lines in a list, and whether an action is planned for each of them."""
    line, other = child_tables[kind, field].alias(), child_tables[kind, field].alias()
    sid = kind_tables[kind].c.sid

    def some(one: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(one.c.sid == sid, *(each(one.c) for each in of), *conditions).correlate_except(one)

    return some(line), not_(some(other, not_(_planned(other.c))))


def _about_levels(finding: Any) -> ColumnElement[bool]:
    clause = func.coalesce(finding.clause, "")
    return or_(*(or_(clause == one, clause.like(f"{one}-%")) for one in _CLAUSES))


def _told() -> Rows:
    """A message on the action to the management representative."""
    found, mail = mails("improvement_action")
    addressed: Any = _link.alias()
    found = found.joining(addressed, and_(addressed.c.sid == mail.sid, addressed.c.type == "to_persons"))
    return found.by(addressed.c.target, "management_representative").where(
        addressed.c.sid.is_not(None), filled(i.result)
    )


def _slm_09(rid: str, p: Parameters) -> list[Part]:
    audit: Any = kind_tables["audit"].c
    seen = func.coalesce(audit.issued_at, audit.performed_at)
    found, followed = _all_planned("audit", "findings", _about_levels)
    weak, improved = _all_planned("review", "process_weaknesses")
    of_process = or_(r.process.in_(tuple(p.processes)), r.type == "sla_review")
    missing = "A shortfall has no action with an owner and a date."
    remedy = "Open an action, give it an owner and a date, and name it with the shortfall."
    action = unit("improvement_action").where(i.process.in_(tuple(p.processes)))
    needs = [Need("improvement_action", frozenset({"owner", "due_at"}), evidence=True)]
    return [
        threshold(
            rid,
            "audit",
            Words(
                f"Within {p.days} days every audit finding on service levels has an action with an owner and a date.",
                missing,
                remedy,
            ),
            unit=unit("audit")
            .where(found, seen.is_not(None))
            .opening(seen)
            .reading(improvement_action="near", calendar="all"),
            holds=followed,
            at=days_after(seen, p.days),
            fields=("findings", "performed_at"),
            needs=needs,
        ),
        threshold(
            rid,
            "review",
            Words(
                f"Within {p.days} days every weakness a review of the process found has an action with an owner and a date.",
                missing,
                remedy,
            ),
            unit=unit("review")
            .where(weak, of_process, r.held_at.is_not(None))
            .opening(r.held_at)
            .reading(improvement_action="near", calendar="all"),
            holds=improved,
            at=days_after(r.held_at, p.days),
            fields=("process_weaknesses", "process", "held_at"),
            needs=needs,
        ),
        threshold(
            rid,
            "planned",
            Words(
                f"Within {p.days} days every action on the service level process has an owner and a date.",
                "The action has no owner or no date.",
                "Give it an owner and a date.",
            ),
            unit=action.reading(calendar="all"),
            holds=or_(and_(i.owner.is_not(None), i.due_at.is_not(None)), and_(i.no_action_at.is_not(None), stands(i))),
            at=days_after(func.coalesce(i.created_at, 0), p.days),
            fields=("process", "owner", "due_at"),
        ),
        deadline(
            rid,
            "reported",
            Words(
                f"What came of the action is told to the management representative within {p.days} days of its end.",
                "Nobody told the management representative what came of the action.",
                "Write down what came of it, and take it to the management review or send it.",
            ),
            unit=action.where(i.closed_at.is_not(None), i.no_action_at.is_(None)).opening(i.closed_at),
            due=days_after(i.closed_at, p.days),
            evidence=any_of(discussed(i.sid, *_LED).where(filled(i.result)), _told()),
            fields=("process", "closed_at", "result"),
            shape="completeness",
        ),
    ]


def _slm_19(rid: str, p: Parameters) -> list[Part]:
    due = days_after(i.closed_at, p.days)
    opened = func.coalesce(i.created_at, 0)

    def passed_on(field: str, kind: str, when: str, *conditions: Any) -> Rows:
        link: Any = _link.alias()
        k: Any = kind_tables[kind].c
        instant = later_of(k[when], func.coalesce(since_when(k.sid, when), k.created_at, k[when]))
        found = rows(
            kind,
            and_(link.c.sid == i.sid, link.c.type == field),
            instant,
            fields=frozenset({when}),
            table=link,
            record=k.sid,
            declared=k.declared_by.is_not(None),
        )
        found = found.joining(kind_tables[kind], k.sid == link.c.target)
        return replace(found, expires=k.expires_at).where(k[when] >= opened, *conditions)

    d: Any = kind_tables["document"].c
    stood = or_(d.doc_status.is_(None), d.doc_status.not_in(("draft",)))
    reason = later_of(since_when(i.sid, "knowledge_none_reason"), i.created_at)
    given = case((filled(i.knowledge_none_reason), func.coalesce(reason, i.closed_at)))
    return [
        deadline(
            rid,
            "passed_on",
            Words(
                f"What an improvement taught is passed on by a document or a training within {p.days} days of its end, or "
                "it is said why not.",
                "Neither a document nor a training passes on what was learned, and no reason is given.",
                "Update the document, train those concerned, or say why nothing needs passing on.",
            ),
            unit=unit("improvement_action")
            .where(i.closed_at.is_not(None), filled(i.result), i.no_action_at.is_(None))
            .opening(i.closed_at),
            due=due,
            evidence=any_of(
                passed_on("knowledge_document_ids", "document", "effective_from", stood, filled(d.version)),
                passed_on("knowledge_training_ids", "training_record", "completed_at"),
                at(given),
            ),
            fields=("closed_at", "result", "knowledge_document_ids", "knowledge_training_ids", "knowledge_none_reason"),
            shape="completeness",
        )
    ]


DECLARATIONS: dict[str, Declare] = {"SLM-09": _slm_09, "SLM-19": _slm_19}
"""Requirement -> what makes its parts."""
