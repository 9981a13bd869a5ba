"""What a GitLab, as mapped, can say of each kind; everything else is provable nowhere here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.sync.source import Provision
from hub_gitlab.front_matter import fillable
from hub_gitlab.mapping_settings import DOCUMENT_KINDS

if TYPE_CHECKING:
    from collections.abc import Collection

    from hub_gitlab.vocabulary import Vocabulary

__all__ = ["provisions"]

_THING = frozenset({"created_at", "creator", "custom", "events", "key", "scope", "title"})
_ISSUE = _THING | {"assignee", "confidentiality", "labels", "links", "status", "status_category", "updated_at", "url"}
_HISTORY = frozenset({"closed_at", "pauses", "reopens", "resolved_at"})
_TALK = frozenset({"customer_updates", "first_response_at", "first_response_ref"})
_TICKET = frozenset({"description", "recorded_at", "reported_at", "reporter"})
_OWN: dict[str, frozenset[str]] = {
    "complaint": frozenset({"closed_at", "complainant", "description", "received_at", "recorded_at"}),
    "improvement_action": frozenset({"closed_at", "due_at"}),
    "incident": _TICKET | _HISTORY,
    "known_error": frozenset(),
    "problem": frozenset({"closed_at", "detected_at", "resolved_at"}),
    "request": _TICKET | _HISTORY | {"fulfilled_at"},
    "risk": frozenset(),
    "security_incident": _TICKET | _HISTORY,
}
_CHANGE = _ISSUE | {"actual_end", "actual_start", "approval_ids", "class_", "class", "implementer", "revision"}
_APPROVAL = frozenset(
    {
        *("approver", "authenticity", "created_at", "decided_at", "decision", "evidence_ref", "scope", "subject_id"),
        *("subject_revision", "title", "url", "via", "withdrawn_at"),
    }
)
_DEPLOYMENT = _THING | {
    *("actor", "commit", "deployment_status", "environment", "finished_at", "source_uri", "started_at", "status"),
    *("tier", "updated_at", "url", "release_id"),
}
_RELEASE = _THING | {"artefacts", "links", "planned_release_at", "released_at", "status", "url", "version"}
_CONTROL = frozenset(
    {
        *("control_id", "control_status", "key", "maintenance", "owner", "policy_statement_ids", "risk_id", "scope"),
        *("title", "url"),
    }
)
_PERSON = frozenset({"account", "email", "name", "same_as", "status", "title"})
_IN_GIT = frozenset(
    {"authorised_at", "authorised_by", "created_at", "creator", "custom", "events", "hash", "key", "scope", "url"}
)


def provisions(vocabulary: Vocabulary, *, premium: bool, parts: Collection[str] | None = None) -> list[Provision]:
    """List the kinds and fields of one source as configured.

    `premium`: approval rules and approvals of deployments can be read. `parts` are what is asked for beside
    the lists (None = everything); what is not asked for is given by nobody.
    """
    settings = vocabulary.settings
    served = frozenset({"service_ids"}) if settings.services else frozenset()

    def reads(*names: str) -> bool:
        return parts is None or set(names) <= set(parts)

    change = _CHANGE | served
    for name, given in (
        ("type", settings.change_types or settings.change_type),
        ("reason", settings.reasons),
        ("outcome", settings.outcomes or settings.outcome),
        ("major", settings.major_label),
        ("contributors", reads("commits")),
        ("tests", reads("pipeline")),
    ):
        change |= {name} if given else frozenset()
    approval = _APPROVAL - (frozenset() if reads("versions") else frozenset({"subject_revision", "withdrawn_at"}))
    deployment = _DEPLOYMENT | served | {"from_protected_ref"}
    deployment |= {"change_id", "change_ids"} if reads("merge_requests") else frozenset()
    deployment |= {"approvals"} if premium else frozenset()
    release = _RELEASE | served | ({"change_ids"} if reads("merge_requests") else frozenset())
    found = [
        Provision("change", change),
        Provision("deployment", deployment),
        Provision("release", release),
        Provision("person", _PERSON, within_subject=True),
    ]
    if reads("approvals"):
        found.append(Provision("approval", approval, within_subject=True))
    for kind in sorted(set(settings.issue_types.values()) - {"change"}):
        fields = _ISSUE | _OWN[kind] | served
        if not reads("state_events", "label_events"):
            fields -= _HISTORY - {"closed_at"}
        if reads("notes") and kind in {"incident", "request", "security_incident"}:
            fields |= _TALK
        fields |= (
            {"priority"} if settings.priorities and kind not in {"risk", "known_error", "complaint"} else frozenset()
        )
        fields |= {"category"} if settings.categories and kind not in {"risk", "known_error"} else frozenset()
        fields |= {"escalations"} if settings.escalation_label else frozenset()
        found.append(Provision(kind, fields))
    kept = {rule.kind for rule in settings.documents}
    found += [Provision(kind, _IN_GIT | _said(kind)) for kind in DOCUMENT_KINDS if kind in kept]
    if settings.control is not None:
        found.append(Provision("control", _CONTROL | ({"operation"} if premium else frozenset())))
    return found


def _said(kind: str) -> frozenset[str]:
    """Everything front matter may say of a kind, and the parts of what has parts."""
    names = {attribute for attribute, _ in fillable(kind).values()}
    return frozenset(names | {"legibility.by", "legibility.at"})
