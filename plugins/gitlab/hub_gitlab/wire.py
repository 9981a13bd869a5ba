"""Shapes of GitLab's answers, as far as the reading looks into them; objects stay raw."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = [
    "Account",
    "Approvals",
    "Commit",
    "DeploymentHead",
    "Environment",
    "File",
    "Head",
    "Headed",
    "MergedHead",
    "Named",
    "Note",
    "Numbered",
    "Pipeline",
    "Project",
    "Release",
    "Token",
    "TreeEntry",
    "User",
    "Version",
    "WithApprovals",
    "WithPipeline",
]


class Head(msgspec.Struct):
    """An issue, a merge request or a deployment, seen from afar."""

    id: int
    iid: int
    updated_at: str


class Numbered(msgspec.Struct):
    """Anything with an id."""

    id: int


class DeploymentHead(Head):
    """A deployment: what it is of, and whether approvals are asked for."""

    ref: str | None = None
    environment: Numbered | None = None
    pending_approval_count: int | msgspec.UnsetType | None = msgspec.UNSET


class Headed(msgspec.Struct):
    """A merge request with its branch."""

    source_branch: str | None = None
    sha: str | None = None


class WithPipeline(msgspec.Struct):
    """A single merge request."""

    id: int
    head_pipeline: msgspec.Raw = msgspec.Raw(b"null")
    state: str | None = None
    sha: str | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None

    @property
    def merged_as(self) -> str | None:
        """The commit that merging made; None = none but those of the branch."""
        made = self.merge_commit_sha or self.squash_commit_sha
        return made if self.state == "merged" and made != self.sha else None


class Pipeline(msgspec.Struct):
    """A pipeline as a merge request names it."""

    id: int
    project_id: int | None = None
    status: str | None = None


class Approvals(msgspec.Struct):
    """`/merge_requests/:iid/approvals`."""

    approved_by: list[msgspec.Raw]


class WithApprovals(msgspec.Struct):
    """A single deployment; approvals are there from Premium on."""

    id: int
    approvals: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Named(msgspec.Struct):
    """A branch or a tag rule, or anything with a name."""

    name: str


class Environment(Numbered):
    """An environment."""

    name: str = ""
    tier: str | None = None


class Note(msgspec.Struct):
    """A comment, or what GitLab wrote down as one."""

    id: int
    system: bool = False
    body: str | None = None
    internal: bool = False
    confidential: bool | None = None


class Account(msgspec.Struct):
    """`/user`."""

    id: int
    username: str
    name: str = ""
    is_admin: bool = False


class User(msgspec.Struct):
    """`/users/:id`, and the members of `/users`."""

    id: int
    username: str
    state: str | None = None


class Token(msgspec.Struct):
    """`/personal_access_tokens/self`."""

    scopes: list[str] = []
    expires_at: str | None = None
    active: bool | None = None
    revoked: bool | None = None


class Version(msgspec.Struct):
    """`/version`."""

    version: str


class Access(msgspec.Struct):
    """A role, by number."""

    access_level: int = 0


class Permissions(msgspec.Struct):
    """What this account may do in a project."""

    project_access: Access | None = None
    group_access: Access | None = None


class Project(msgspec.Struct):
    """`/projects/:id`."""

    id: int
    path_with_namespace: str
    web_url: str = ""
    default_branch: str | None = None
    visibility: str | None = None
    archived: bool = False
    empty_repo: bool = False
    permissions: Permissions | None = None
    issues_access_level: str | None = None
    merge_requests_access_level: str | None = None
    repository_access_level: str | None = None
    builds_access_level: str | None = None
    environments_access_level: str | None = None
    releases_access_level: str | None = None
    named: str | None = None
    """Never GitLab's: the name we know it by, where that is another than its path, for it moved."""

    @property
    def role(self) -> int | None:
        """Access level of this account, the higher of its own and the group's; None = not told."""
        if self.permissions is None:
            return None
        held = (self.permissions.project_access, self.permissions.group_access)
        return max((each.access_level for each in held if each is not None), default=None)

    def shown(self) -> dict[str, Any]:
        """Give what every document of the project carries."""
        shown = {
            "id": self.id,
            "path_with_namespace": self.path_with_namespace,
            "web_url": self.web_url,
            "default_branch": self.default_branch,
        }
        return shown if self.named is None else {**shown, "named": self.named}


class Milestone(msgspec.Struct):
    """A milestone of a release."""

    title: str


class Release(msgspec.Struct):
    """A release."""

    tag_name: str
    released_at: str | None = None
    milestones: list[Milestone] = []


class TreeEntry(msgspec.Struct):
    """A file or a folder of a repository."""

    id: str
    path: str
    type: str


class MergedHead(msgspec.Struct):
    """A merge request, as a commit names it."""

    id: int
    iid: int
    project_id: int | None = None


class Commit(msgspec.Struct):
    """A commit."""

    id: str


class File(msgspec.Struct):
    """`/repository/files/:path`."""

    blob_id: str
    content: str = ""
    encoding: str | None = None
    size: int | None = None
