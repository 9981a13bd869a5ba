"""Lists that GitLab cannot give by what changed: environments, releases, what protects branches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import msgspec

from hub.clock import parse_instant
from hub.sync.source import Document, Page
from hub_gitlab.client import Closed
from hub_gitlab.part import compose, read_raw, write_array
from hub_gitlab.wire import DeploymentHead, Environment, Named, Numbered, Release

if TYPE_CHECKING:
    from hub.sync.source import Slice
    from hub_gitlab.client import GitlabClient
    from hub_gitlab.wire import Project

__all__ = ["Surroundings", "environments", "protection", "releases"]

STILL_MOVES_MS = 31 * 86_400_000
"""How long after a release its milestones are asked after again."""


def environments(client: GitlabClient, part: Slice, project: Project, shown: bytes) -> Iterator[Page]:
    """Yield every environment, page by page."""
    counted = 0
    for objects in client.leaves(f"/projects/{project.id}/environments"):
        documents = [
            Document(
                "environment", str(read_raw(each, Numbered).id), part.scope,
                compose({"project": shown, "environment": each}),
            )
            for each in objects
        ]  # fmt: skip
        yield Page(documents, {}, requests=client.requests - counted)
        counted = client.requests


def releases(
    client: GitlabClient, part: Slice, project: Project, shown: bytes, cursor: Mapping[str, Any]
) -> Iterator[Page]:
    """Yield what is new or different among the releases, and what may still take merge requests in.

    The cursor keeps a short hash of each as `seen`, by tag.
    """
    place = f"/projects/{project.id}"
    before: dict[str, str] = dict(cursor.get("seen", {}))
    seen: dict[str, str] = {}
    tags: dict[str, msgspec.Raw] | None = None
    refused: dict[str, str] = {}
    merged: dict[str, list[msgspec.Raw]] = {}
    counted = 0
    for objects in client.leaves(f"{place}/releases"):
        documents = []
        for raw in objects:
            release: Release = read_raw(raw, Release)
            seen[release.tag_name] = hashlib.blake2b(bytes(raw), digest_size=8).hexdigest()
            same = before.get(release.tag_name) == seen[release.tag_name]
            if same and not _moves(release, client.server_now_ms()):
                continue
            if tags is None:
                tags = _tags(client, place, refused)
            members: dict[str, bytes | msgspec.Raw] = {"project": shown, "release": raw}
            if "tag" in refused:
                members["refused"] = msgspec.json.encode(refused)
                del seen[release.tag_name]  # asked for again with the next reading
            else:
                members["tag"] = tags.get(release.tag_name, msgspec.Raw(b"null"))
            if release.milestones:
                members["merge_requests"] = write_array(_merged(client, place, release, merged))
            documents.append(Document("release", f"{project.id}/{release.tag_name}", part.scope, compose(members)))
        yield Page(documents, {"seen": {**before, **seen}}, requests=client.requests - counted)
        counted = client.requests
    yield Page([], {"seen": seen}, requests=client.requests - counted)


def protection(client: GitlabClient, part: Slice, project: Project, shown: bytes, *, premium: bool) -> Iterator[Page]:
    """Yield what protects branches and tags, and who has to approve; raises ScopeUnreadable where none may be seen."""
    place = f"/projects/{project.id}"
    members: dict[str, bytes | msgspec.Raw] = {
        "project": shown,
        "protected_branches": write_array(_named(client, f"{place}/protected_branches")),
    }
    refused: dict[str, str] = {}
    lists = ["protected_tags", *(("protected_environments", "approval_rules") if premium else ())]
    for name in lists:
        try:
            members[name] = write_array(client.pages(f"{place}/{name}"))
        except Closed as fault:
            refused[name] = str(fault.status)
    if premium:
        try:
            settings = client.get(f"{place}/approvals", msgspec.Raw)
            read_raw(settings, dict[str, msgspec.Raw])
            members["approval_settings"] = settings
        except Closed as fault:
            refused["approval_settings"] = str(fault.status)
    if refused:
        members["refused"] = msgspec.json.encode(refused)
    yield Page([Document("protection", part.scope, part.scope, compose(members))], {}, requests=client.requests)


class Surroundings:
    """What a project says of its deployments: the environment in full, and whether what was deployed is protected."""

    def __init__(self, client: GitlabClient, project: Project) -> None:
        place = f"/projects/{project.id}"
        self.refused: dict[str, str] = {}
        """What was not for this account."""
        self._environments: dict[int, msgspec.Raw] = {}
        self._patterns: list[str] | None = None
        try:
            listed = client.pages(f"{place}/environments")
            self._environments = {read_raw(each, Environment).id: each for each in listed}
        except Closed as fault:
            self.refused["environment"] = str(fault.status)
        try:
            names = [*_named(client, f"{place}/protected_branches"), *_named(client, f"{place}/protected_tags")]
            self._patterns = [read_raw(each, Named).name for each in names]
        except Closed as fault:
            self.refused["ref_protected"] = str(fault.status)

    def of(self, deployment: DeploymentHead) -> dict[str, bytes | msgspec.Raw]:
        """Give what stands beside one deployment."""
        members: dict[str, bytes | msgspec.Raw] = {}
        environment = deployment.environment
        if environment is not None and environment.id in self._environments:
            members["environment"] = self._environments[environment.id]
        if self._patterns is not None and deployment.ref is not None:
            protected = any(fnmatchcase(deployment.ref, pattern.replace("[", "[[]")) for pattern in self._patterns)
            members["ref_protected"] = b"true" if protected else b"false"
        return members


def _named(client: GitlabClient, path: str) -> list[msgspec.Raw]:
    found = client.pages(path)
    for each in found:
        read_raw(each, Named)
    return found


def _tags(client: GitlabClient, place: str, refused: dict[str, str]) -> dict[str, msgspec.Raw]:
    try:
        return {read_raw(each, Named).name: each for each in _named(client, f"{place}/repository/tags")}
    except Closed as fault:
        refused["tag"] = str(fault.status)
        return {}


def _merged(
    client: GitlabClient, place: str, release: Release, known: dict[str, list[msgspec.Raw]]
) -> list[msgspec.Raw]:
    """List the merge requests of the milestones of a release; each milestone is asked after once a reading."""
    found: dict[int, msgspec.Raw] = {}
    for milestone in release.milestones:
        if milestone.title not in known:
            known[milestone.title] = client.pages(
                f"{place}/merge_requests", milestone=milestone.title, state="merged", scope="all"
            )
        found |= {read_raw(each, Numbered).id: each for each in known[milestone.title]}
    return list(found.values())


def _moves(release: Release, now_ms: int) -> bool:
    """Tell whether a release is so young that its milestones may still change; only those that have any matter."""
    if not release.milestones or release.released_at is None:
        return False
    try:
        return now_ms - parse_instant(release.released_at) < STILL_MOVES_MS
    except (ValueError, OverflowError):
        return False
