"""The administrator's maps, ready for use: what GitLab's words mean to the hub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from hub_gitlab.reference import KeyFinder
from hub_gitlab.value import as_text, as_texts, dicts, matches, native_id

if TYPE_CHECKING:
    from hub.records import StatusCategory
    from hub_gitlab.mapping_settings import DocumentRule, MappingSettings

__all__ = ["DONE", "OPEN", "PENDING", "Vocabulary", "labels_of", "names_of"]

PENDING = frozenset({"pending_customer", "pending_supplier", "pending_internal"})
DONE = frozenset({"resolved", "closed", "cancelled", "rejected"})
OPEN = frozenset({"new", "in_progress"}) | PENDING
_LABEL = "label:"
M = TypeVar("M")


def labels_of(thing: dict[str, Any]) -> list[str]:
    """Give the labels of an issue or merge request: texts, or objects with a name or title."""
    found = as_texts(thing.get("labels"))
    for named in dicts(thing.get("labels")):
        word = as_text(named.get("name")) or as_text(named.get("title"))
        if word:
            found.append(word)
    return list(dict.fromkeys(found))


def names_of(project: dict[str, Any]) -> list[str]:
    """Give the names by which the configuration may call a project: its path, one it had before, its number."""
    named = (as_text(project.get("path_with_namespace")), as_text(project.get("named")), native_id(project.get("id")))
    return [each for each in dict.fromkeys(named) if each is not None]


@dataclass(frozen=True)
class Vocabulary:
    """Settings of one source, compiled once."""

    source: str
    zone: str
    """The organisation's zone."""
    url: str
    """Base address of the GitLab."""
    settings: MappingSettings
    keys: KeyFinder = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the patterns of keys."""
        object.__setattr__(self, "keys", KeyFinder(self.settings.jira))

    @classmethod
    def of(cls, source: str, zone: str, url: str, settings: MappingSettings) -> Vocabulary:
        """Compile the maps of one source; `zone` is the organisation's."""
        return cls(source, zone, url, settings)

    def ref(self, kind: str, *path: str) -> str:
        """Make the id of a record of this source."""
        return f"{self.source}:{kind}/{'/'.join(path)}"

    # -- merge requests -----------------------------------------------------------------------

    def is_change(
        self, labels: Iterable[str], target_branch: str | None, default_branch: str | None, *, in_production: bool
    ) -> bool | None:
        """Say whether a merge request is a change; None = what decides it was not read."""
        rule = self.settings.changes
        if rule.which == "label":
            return not set(rule.labels).isdisjoint(labels)
        if rule.which == "production":
            return in_production
        if rule.which == "all":
            return True
        wanted = rule.target_branches or ([default_branch] if default_branch else [])
        return matches(target_branch, wanted) if wanted and target_branch else None

    def one_of(self, table: Mapping[str, M], labels: Iterable[str]) -> tuple[str | None, M | None, bool]:
        """Find the label that has a meaning: (label, meaning, several that differ)."""
        found = [label for label in labels if label in table]
        if not found:
            return None, None, False
        label = min(found)
        if any(table[each] != table[label] for each in found):
            return None, None, True
        return label, table[label], False

    def services(self, words: Iterable[str]) -> list[str]:
        """Give the services that a project path or labels stand for."""
        table = self.settings.services
        return sorted({table[word] for word in words if word in table}) if table else []

    def items(self, words: Iterable[str]) -> list[str]:
        """Give the configuration items that a project path or labels stand for."""
        table = self.settings.items
        return sorted({table[word] for word in words if word in table}) if table else []

    # -- tickets ------------------------------------------------------------------------------

    @cached_property
    def _kinds_of_labels(self) -> dict[str, str]:
        known = self.settings.issue_types
        return {name.removeprefix(_LABEL): kind for name, kind in known.items() if name.startswith(_LABEL)}

    def ticket_kind(self, issue_type: str, labels: Iterable[str]) -> tuple[str | None, bool]:
        """Give the record kind of an issue: (kind, its labels name several)."""
        _, kind, several = self.one_of(self._kinds_of_labels, labels)
        if several:
            return None, True
        return kind or self.settings.issue_types.get(issue_type), False

    def category(self, state: str | None, labels: Iterable[str], *, assigned: bool) -> tuple[StatusCategory, bool]:
        """Give the neutral category of a state with these labels: (category, labels contradict each other)."""
        _, said, several = self.one_of(self.settings.statuses, labels)
        if several:
            return "other", True
        if state == "closed":
            return (said if said is not None and said in {"cancelled", "rejected"} else "closed"), False
        if state in {"opened", "reopened"}:
            return (said or ("in_progress" if assigned else "new")), False
        return "other", False

    # -- deployments, documents ---------------------------------------------------------------

    def tier(self, environment: dict[str, Any]) -> str | None:
        """Give the tier of an environment: as configured, else as GitLab says; None = not known."""
        name = as_text(environment.get("name"))
        if name is not None:
            for pattern, tier in self.settings.environments.items():
                if matches(name, [pattern]):
                    return tier
        said = as_text(environment.get("tier"))
        return said if said in {"production", "staging", "testing", "development", "other"} else None

    def document_rule(self, project: dict[str, Any], path: str) -> DocumentRule | None:
        """Find the rule that makes a document of a file."""
        names = names_of(project)
        for rule in self.settings.documents:
            if rule.project in names and any(fits(path, pattern) for pattern in rule.paths):
                return rule
        return None

    # -- what reading proves ------------------------------------------------------------------

    def kinds(self, stream: str) -> frozenset[str]:
        """Name the record kinds whose absence may be concluded from reading a stream of a project."""
        settings = self.settings
        if stream == "issue":
            return frozenset(settings.issue_types.values())
        if stream == "document":
            return frozenset(rule.kind for rule in settings.documents)
        if stream == "protection":
            return frozenset({"control"} if settings.control else ())
        return {
            "merge_request": frozenset({"change", "approval"}),
            "deployment": frozenset({"deployment", "approval"}),
            "release": frozenset({"release"}),
        }.get(stream, frozenset())


def fits(path: str, pattern: str) -> bool:
    """Say whether a path fits a pattern: `*` within a folder, `**` over any folders."""
    return _fits(path.split("/"), pattern.split("/"))


def _fits(path: list[str], pattern: list[str]) -> bool:
    reached = {0}
    for piece in pattern:
        if piece == "**":
            reached = set(range(min(reached, default=len(path) + 1), len(path) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(path) and matches(path[at], [piece])}
    return len(path) in reached
