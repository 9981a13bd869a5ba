"""The administrator's maps, ready for use: what a Jira word or field means to the hub."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from hub.records import KINDS, StatusCategory
from hub_jira.field import APPROVALS, Target, parse_target
from hub_jira.value import as_dict, as_text, native_id

if TYPE_CHECKING:
    from hub.records import Person
    from hub_jira.settings import JiraSettings

__all__ = ["DONE", "OPEN", "PENDING", "Filling", "Plan", "Telling", "Vocabulary"]

PENDING = frozenset({"pending_customer", "pending_supplier", "pending_internal"})
DONE = frozenset({"resolved", "closed", "cancelled", "rejected"})
OPEN = frozenset({"new", "in_progress"}) | PENDING
EVENTS = {
    "actual_end": "implementation_ended",
    "actual_start": "implementation_started",
    "assignee": "assigned",
    "category": "classified",
    "impact": "prioritised",
    "planned_end": "planned",
    "planned_start": "planned",
    "priority": "prioritised",
    "published_at": "published",
    "schedule_published_at": "published",
    "subcategory": "classified",
    "tests.status": "tested",
    "urgency": "prioritised",
}
"""Neutral field -> type of the event of its change; of any other it is `updated`."""
SYSTEM_FIELDS = {"summary": "title", "components": "service_ids", "assignee": "assignee", "priority": "priority"}
_DATED = {
    **{name: name for name in ("assignee", "creator", "description", "priority", "reporter")},
    "complainant": "reporter",
    "title": "summary",
    **dict.fromkeys(("received_at", "recorded_at", "reported_at"), "created"),
}
"""Neutral field -> system field that fills it and whose history dates it, unless another field is mapped."""
FALLBACK: dict[str, StatusCategory] = {"new": "new", "indeterminate": "in_progress", "done": "closed"}


@dataclass(frozen=True, slots=True)
class Filling:
    """A mapped field, and the neutral field that takes it."""

    field_id: str
    target: Target
    options: dict[str, str]
    """The configured neutral values of its words."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How a change of a field is told as an event."""

    name: str
    """The neutral field."""
    type: str
    options: dict[str, str]
    """The configured neutral values of its words."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the maps say of one record kind, in the shapes in which every issue asks for it."""

    fillings: tuple[Filling, ...]
    taken: frozenset[str]
    """Ids of the fields that some neutral field of the kind, of a review, or an approval takes."""
    dated: tuple[tuple[str, tuple[str, ...], str], ...]
    """(neutral field, its attributes from the record down, field id) whose history dates the value held."""
    parts: tuple[tuple[str, tuple[str, ...]], ...]
    """List of one struct -> its fields that are mapped."""
    told: dict[str, Telling]
    """By field id, or name of a system field."""
    people: frozenset[str]
    """Ids of the fields that hold one person."""


def _plan(
    kind: str,
    targets: dict[str, list[tuple[str, Target]]],
    approvals: tuple[str, ...],
    values: dict[str, dict[str, str]],
) -> Plan:
    own = targets.get(kind, [])
    listed = dict.fromkeys(target.path[0] for _, target in own if target.in_list)
    dated: dict[str, tuple[tuple[str, ...], str]] = {name: ((name,), field_id) for name, field_id in _DATED.items()}
    dated |= {target.name: (target.path, field_id) for field_id, target in own}
    neutral = {**SYSTEM_FIELDS, **{field_id: target.name for field_id, target in own}}
    return Plan(
        fillings=tuple(Filling(field_id, target, values.get(target.full, {})) for field_id, target in own),
        taken=frozenset(field_id for field_id, _ in [*own, *targets.get("review", [])]) | frozenset(approvals),
        dated=tuple((name, path, field_id) for name, (path, field_id) in dated.items()),
        parts=tuple(
            (each, tuple(target.name for _, target in own if target.name.startswith(f"{each}."))) for each in listed
        ),
        told={
            field_id: Telling(name, EVENTS.get(name, "updated"), values.get(f"{kind}.{name}", {}))
            for field_id, name in neutral.items()
        },
        people=frozenset(field_id for field_id, target in own if target.shape == "person"),
    )


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
    automation: frozenset[str]
    """Accounts that are no persons."""
    people: dict[str, tuple[list[dict[str, Any]], Person]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    """What `Accounts` remembers."""
    _plans: dict[str, Plan] = field(init=False, repr=False, compare=False, default_factory=dict)
    _categories: dict[tuple[str | None, str | None], StatusCategory] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

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
        return cls(
            source, zone, settings, targets, tuple(dict.fromkeys(approvals)), frozenset(settings.automation_accounts)
        )

    def plan(self, kind: str) -> Plan:
        """Give what the maps say of one kind, worked out once."""
        plan = self._plans.get(kind)
        if plan is None:
            plan = self._plans[kind] = _plan(kind, self.targets, self.approvals, self.settings.values)
        return plan

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

    def past_category(self, native: str | None, word: str | None) -> StatusCategory:
        """Give the neutral category of a status the changelog names by id and word; there are few, met often."""
        found = self._categories.get((native, word))
        if found is None:
            found = self._categories[native, word] = self.category({"id": native, "name": word})
        return found

    def relation(self, link_type: dict[str, Any], *, outward: bool) -> str | None:
        """Give the relation of a link type in one direction, or None where the map is silent."""
        for key in (native_id(link_type.get("id")), as_text(link_type.get("name"))):
            if key in self.settings.links:
                return self.settings.links[key][0 if outward else 1]
        return None

    def services(self, words: Collection[str]) -> list[str]:
        """Give the services that components, labels or a project key stand for."""
        services = self.settings.services
        return sorted({services[word] for word in words if word in services}) if self.serves(words) else []

    def serves(self, words: Collection[str]) -> bool:
        """Whether some service stands behind components, labels or a project key."""
        return not self.settings.services.keys().isdisjoint(words)

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
