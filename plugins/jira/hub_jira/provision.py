"""What a Jira, as mapped, can say of each kind; everything else is provable nowhere here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.sync.source import Provision

if TYPE_CHECKING:
    from hub_jira.vocabulary import Vocabulary

__all__ = ["provisions"]

ISSUE_FIELDS = frozenset(
    {
        "aliases",
        "assignee",
        "created_at",
        "creator",
        "custom",
        "events",
        "key",
        "labels",
        "links",
        "scope",
        "service_ids",
        "status",
        "status_category",
        "title",
        "updated_at",
        "url",
    }
)
"""Envelope fields every issue fills."""
OWN: dict[str, frozenset[str]] = {
    "incident": frozenset(
        {
            "caused_by_change_id",
            "closed_at",
            "customer_updates",
            "escalations",
            "first_response_at",
            "first_response_ref",
            "pauses",
            "priority",
            "problem_ids",
            "recorded_at",
            "reopens",
            "reported_at",
            "reporter",
            "resolved_at",
        }
    ),
    "request": frozenset(
        {
            "closed_at",
            "customer_updates",
            "escalations",
            "first_response_at",
            "first_response_ref",
            "fulfilled_at",
            "pauses",
            "priority",
            "problem_ids",
            "recorded_at",
            "reopens",
            "reported_at",
            "reporter",
            "resolved_at",
        }
    ),
    "problem": frozenset({"closed_at", "detected_at", "incident_ids", "known_error_id", "priority", "resolved_at"}),
    "known_error": frozenset({"problem_id"}),
    "complaint": frozenset({"actions", "closed_at", "complainant", "description", "received_at", "recorded_at"}),
    "improvement_action": frozenset({"closed_at", "source_ids"}),
}
"""Fields Jira fills without a field map."""
OWN["security_incident"] = OWN["incident"]
APPROVAL = frozenset(
    {
        "approver",
        "authenticity",
        "created_at",
        "decided_at",
        "decision",
        "evidence_ref",
        "key",
        "scope",
        "status",
        "subject_id",
        "subject_revision",
        "title",
        "url",
        "via",
        "withdrawn_at",
    }
)
PERSON = frozenset({"account", "email", "name", "same_as", "status", "title"})
RELEASE = frozenset({"planned_release_at", "scope", "status", "title", "version"})


def provisions(vocabulary: Vocabulary) -> list[Provision]:
    """List the kinds and fields of one source as configured."""
    found: list[Provision] = []
    for kind in sorted(set(vocabulary.settings.issue_types.values())):
        fields = ISSUE_FIELDS | OWN.get(kind, frozenset()) | _mapped(vocabulary, kind)
        if kind == "change" and vocabulary.approvals:
            fields |= {"approval_ids"}
        if not vocabulary.settings.services:
            fields -= {"service_ids"}
        found.append(Provision(kind, fields))
    if "approval" in vocabulary.kinds():
        revised = any(target.name == "revision" for _, target in vocabulary.targets.get("change", []))
        found.append(
            Provision("approval", APPROVAL if revised else APPROVAL - {"subject_revision"}, within_subject=True)
        )
    if "review" in vocabulary.kinds() and "review" not in vocabulary.settings.issue_types.values():
        own = {"type", "subject_id", "title", "key", "url", "scope"}
        found.append(Provision("review", _mapped(vocabulary, "review") | own, within_subject=True))
    found.append(Provision("person", PERSON, within_subject=True))
    found.append(Provision("release", RELEASE))
    return found


def _mapped(vocabulary: Vocabulary, kind: str) -> frozenset[str]:
    names = {target.name for _, target in vocabulary.targets.get(kind, [])}
    structs = {target.path[0] for _, target in vocabulary.targets.get(kind, []) if target.struct is not None}
    if kind == "review" and "process_weaknesses" in names:
        names.add("no_weaknesses")
    return frozenset(names | structs)
