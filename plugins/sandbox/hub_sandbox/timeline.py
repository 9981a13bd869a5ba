"""An issue as a timeline: how it was created, and dated steps, so that any past state can be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Approval", "Comment", "Issue", "Link", "Mention", "Sla", "State", "Step"]


@dataclass(frozen=True, slots=True)
class Comment:
    """Something said on an issue."""

    text: str | Mention
    public: bool
    """Visible to the customer."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval step of a change: who was asked, what was decided, when."""

    id: int
    created_at: int
    approvers: tuple[tuple[str, str], ...]
    """(person, `approved` | `declined` | `pending`)."""
    decision: str = "pending"
    completed_at: int | None = None


@dataclass(frozen=True, slots=True)
class Sla:
    """The tool's own resolution clock."""

    start: int
    due: int
    goal_ms: int
    stop: int | None = None
    elapsed_ms: int | None = None


@dataclass(eq=False, slots=True)
class Link:
    """A link between two issues; both ends show it."""

    type: str
    source: Issue
    target: Issue
    id: int = 0


@dataclass(frozen=True, slots=True)
class Mention:
    """A text that names another issue by its key; keys are known when all issues are."""

    template: str
    issue: Issue

    def __str__(self) -> str:
        return self.template.format(key=self.issue.keys[0][1])


@dataclass(slots=True)
class Step:
    """Something that happened to an issue at an instant (UTC ms)."""

    at: int
    actor: str
    changes: dict[str, Any]
    """Word of a field -> value from now on; None empties it. `project` moves the issue."""
    comment: Comment | None = None
    link: Link | None = None
    unlink: Link | None = None
    id: int = 0


@dataclass(slots=True)
class State:
    """What an issue shows at an instant."""

    fields: dict[str, Any]
    key: str
    updated_at: int
    comments: list[Step]
    links: list[Link]
    steps: int
    """How many steps have been taken."""


@dataclass(eq=False, slots=True)
class Issue:
    """An issue from its creation to the end of the history."""

    created_at: int
    creator: str
    fields: dict[str, Any]
    """As created; always `project`, `issuetype`, `status`, `summary`."""
    steps: list[Step] = field(default_factory=list)
    deleted_at: int | None = None
    id: int = 0
    keys: list[tuple[int, str]] = field(default_factory=list)
    """(since, key), oldest first."""

    def exists_at(self, instant_ms: int) -> bool:
        """Tell whether it has been created and not been deleted by then."""
        return self.created_at <= instant_ms and (self.deleted_at is None or instant_ms < self.deleted_at)

    def key_at(self, instant_ms: int) -> str:
        """Return the key people used at an instant."""
        current = self.keys[0][1]
        for since, key in self.keys:
            if since <= instant_ms:
                current = key
        return current

    def project_at(self, instant_ms: int) -> str:
        """Return the key of the project it is in at an instant."""
        return self.key_at(instant_ms).partition("-")[0]

    def value_at(self, word: str, instant_ms: int) -> Any:
        """Return one field's value at an instant."""
        value = self.fields.get(word)
        for step in self.steps:
            if step.at > instant_ms:
                break
            value = step.changes.get(word, value)
        return value

    def updated_at(self, instant_ms: int) -> int:
        """Return the instant of the last step taken by then."""
        last = self.created_at
        for step in self.steps:
            if step.at > instant_ms:
                break
            last = step.at
        return last

    def state_at(self, instant_ms: int) -> State:
        """Fold the steps taken by an instant."""
        fields = dict(self.fields)
        state = State(fields, self.key_at(instant_ms), self.created_at, [], [], 0)
        for step in self.steps:
            if step.at > instant_ms:
                break
            state.steps += 1
            state.updated_at = step.at
            fields.update(step.changes)
            if step.comment is not None:
                state.comments.append(step)
            if step.link is not None:
                state.links.append(step.link)
            if step.unlink is not None:
                state.links.remove(step.unlink)
        return state
