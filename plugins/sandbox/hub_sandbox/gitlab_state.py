"""What a GitLab holds, as dated facts, so that any past state can be shown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "Commit",
    "Decision",
    "Deployment",
    "LabelStep",
    "MergeRequest",
    "Pipeline",
    "Project",
    "Release",
    "StateStep",
    "Task",
    "digest",
]


def digest(*words: object) -> str:
    """Return a commit's id made from words."""
    return hashlib.sha1(" ".join(map(str, words)).encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; `files` are whole texts by path."""

    sha: str
    at: int
    author: str
    message: str
    parent: str | None = None
    files: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A run of the tests of one commit."""

    id: int
    sha: str
    started_at: int
    finished_at: int
    status: Literal["success", "failed"]
    ref: str
    tests: int = 120


@dataclass(frozen=True, slots=True)
class Decision:
    """Somebody approved a merge request, or took it back."""

    at: int
    person: str
    approved: bool = True


@dataclass(eq=False, slots=True)
class MergeRequest:
    """A merge request from its first push to its end."""

    id: int
    iid: int
    project: int
    title: str
    description: str
    branch: str
    author: str
    created_at: int
    labels: tuple[str, ...] = ()
    milestone: str | None = None
    target: str = "main"
    pushes: list[Commit] = field(default_factory=list)
    pipelines: list[Pipeline] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    merged_at: int | None = None
    merged_by: str | None = None
    merge_commit: str | None = None
    """The commit that merging made; None = fast-forward."""
    closed_at: int | None = None

    def updated_at(self, now: int) -> int:
        """Return when it last changed, as of an instant."""
        happened = [
            self.created_at,
            *(commit.at for commit in self.pushes),
            *(decision.at for decision in self.decisions),
            *(at for at in (self.merged_at, self.closed_at) if at is not None),
        ]
        return max(at for at in happened if at <= now or at == self.created_at)

    def state(self, now: int) -> str:
        """Return GitLab's word for its state at an instant."""
        if self.merged_at is not None and self.merged_at <= now:
            return "merged"
        return "closed" if self.closed_at is not None and self.closed_at <= now else "opened"

    def approved_by(self, now: int) -> list[Decision]:
        """Return the approvals that stand at an instant; a push does not take them back."""
        standing: dict[str, Decision] = {}
        for decision in sorted(self.decisions, key=lambda item: item.at):
            if decision.at <= now:
                standing.pop(decision.person, None)
                if decision.approved:
                    standing[decision.person] = decision
        return list(standing.values())


@dataclass(eq=False, slots=True)
class Deployment:
    """A commit brought to an environment."""

    id: int
    iid: int
    project: int
    environment: str
    sha: str
    actor: str
    started_at: int
    finished_at: int
    merge_requests: tuple[MergeRequest, ...] = ()
    outcome: Literal["success", "failed", "canceled"] = "success"


@dataclass(eq=False, slots=True)
class Release:
    """A release of a tag."""

    tag: str
    project: int
    sha: str
    author: str
    released_at: int
    milestone: str
    description: str
    evidence: int | None
    """Id of what GitLab collected; None = nothing was collected."""


@dataclass(frozen=True, slots=True)
class StateStep:
    """A ticket was closed or opened again."""

    at: int
    person: str
    state: Literal["closed", "reopened"]


@dataclass(frozen=True, slots=True)
class LabelStep:
    """A ticket got a label or lost it."""

    at: int
    person: str
    label: str
    action: Literal["add", "remove"] = "add"


@dataclass(eq=False, slots=True)
class Task:
    """A ticket of GitLab's own."""

    id: int
    iid: int
    project: int
    title: str
    author: str
    created_at: int
    type: Literal["issue", "incident", "task"] = "issue"
    steps: list[StateStep | LabelStep] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Project:
    """A project and its tier."""

    id: int
    path: str
    name: str
    tier: Literal["premium", "free"]
    created_at: int
    commits: list[Commit] = field(default_factory=list)
    merge_requests: list[MergeRequest] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    former_paths: list[str] = field(default_factory=list)
    """Addresses that redirect here."""

    def files(self, now: int, ref: str = "main") -> dict[str, tuple[str, Commit]]:
        """Return path -> text and last commit of the main branch at an instant, or at a commit."""
        found: dict[str, tuple[str, Commit]] = {}
        for commit in sorted(self.commits, key=lambda item: item.at):
            if commit.at > now:
                break
            for path, text in commit.files:
                found[path] = (text, commit)
            if commit.sha == ref:
                break
        return found
