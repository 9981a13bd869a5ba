"""The administrator's maps, ready for use: what a Jira word or field means to the hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from hub.records import KINDS, StatusCategory
from hub_jira.field import APPROVALS, Target, parse_target
from hub_jira.value import as_dict, as_text, native_id

if TYPE_CHECKING:
    from hub_jira.settings import JiraSettings

__all__ = ["DONE", "OPEN", "PENDING", "Vocabulary"]

PENDING = frozenset({"pending_customer", "pending_supplier", "pending_internal"})
DONE = frozenset({"resolved", "closed", "cancelled", "rejected"})
OPEN = frozenset({"new", "in_progress"}) | PENDING
FALLBACK: dict[str, StatusCategory] = {"new": "new", "indeterminate": "in_progress", "done": "closed"}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Settings of one source, compiled once."""

    source: str
    zone: str
    """The organisation's zone."""
    settings: JiraSettings
    targets: dict[str, list[tuple[str, Target]]]
    """Record kind to (field id, target)."""
    approvals: tuple[str, ...]
    """Ids of the fields that hold approvals, whatever the kind."""

    @classmethod
    def of(cls, source: str, zone: str, settings: JiraSettings) -> Vocabulary:
        """Compile the maps of one source."""
        targets: dict[str, list[tuple[str, Target]]] = {}
        approvals: list[str] = []
        for field_id, names in settings.fields.items():
            for name in [names] if isinstance(names, str) else names:
                target = parse_target(name)
                if target.shape == "approvals":
                    approvals.append(field_id)
                else:
                    targets.setdefault(target.kind, []).append((field_id, target))
        return cls(source, zone, settings, targets, tuple(dict.fromkeys(approvals)))

    @property
    def mapped_ids(self) -> frozenset[str]:
        """Ids of all fields that some neutral field takes."""
        return frozenset(self.settings.fields)

    def kind(self, issue_type: Any) -> str | None:
        """Give the record kind of an issue type object, by its id or word."""
        return _by_id_or_word(self.settings.issue_types, issue_type)

    def category(self, status: dict[str, Any]) -> StatusCategory:
        """Give the neutral category of a status object; `other` where the map is silent."""
        found = _by_id_or_word(cast("dict[str, str]", self.settings.statuses), status)
        if found is None and self.settings.status_fallback == "category":
            key = as_text(as_dict(status.get("statusCategory")).get("key"))
            found = FALLBACK.get(key or "")
        return cast("StatusCategory", found or "other")

    def options(self, target: Target) -> dict[str, str]:
        """Give the configured neutral values of a field's words."""
        return self.settings.values.get(target.full, {})

    def relation(self, link_type: dict[str, Any], *, outward: bool) -> str | None:
        """Give the relation of a link type in one direction, or None where the map is silent."""
        for key in (native_id(link_type.get("id")), as_text(link_type.get("name"))):
            if key in self.settings.links:
                return self.settings.links[key][0 if outward else 1]
        return None

    def services(self, words: frozenset[str]) -> list[str]:
        """Give the services that components, labels or a project key stand for."""
        return sorted({self.settings.services[word] for word in words if word in self.settings.services})

    def kinds(self) -> frozenset[str]:
        """Kinds that reading issues may bring."""
        kinds = set(self.settings.issue_types.values()) | {"person"}
        if self.approvals:
            kinds.add(APPROVALS)
        if "change" in kinds and "review" in self.targets:
            kinds.add("review")
        return frozenset(kinds & set(KINDS))


def _by_id_or_word(entries: dict[str, str], named: Any) -> str | None:
    details = as_dict(named)
    for key in (native_id(details.get("id")), as_text(details.get("name")), as_text(details.get("untranslatedName"))):
        if key is not None and key in entries:
            return entries[key]
    return None
