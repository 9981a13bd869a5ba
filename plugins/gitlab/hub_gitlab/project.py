"""Which projects a source reads: those it names, and those of the groups it names; moved ones are followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from hub.errors import AuthenticationFailed, ProtocolFault, ScopeUnreadable, SourceError
from hub_gitlab.repository import rules_of
from hub_gitlab.wire import Numbered, Project

if TYPE_CHECKING:
    from hub_gitlab.client import GitlabClient
    from hub_gitlab.settings import GitlabSettings, Stream

__all__ = ["Place", "find_place", "find_places", "streams_of"]

FEATURES: dict[Stream, str] = {
    "issue": "issues_access_level",
    "merge_request": "merge_requests_access_level",
    "deployment": "environments_access_level",
    "environment": "environments_access_level",
    "release": "releases_access_level",
    "protection": "repository_access_level",
    "document": "repository_access_level",
}
"""What in a project switches a stream on and off."""


@dataclass(frozen=True, slots=True)
class Place:
    """A project, or a name under which none could be found."""

    scope: str
    """Id of the project; where it is not known, the name as configured."""
    name: str
    """As configured, or the path found in a group."""
    project: Project | None = None
    closed: str | None = None
    """Why it cannot be read at all."""
    unsure: SourceError | None = None
    """Whether it can be read is not known: asking failed in passing."""


def find_places(client: GitlabClient, settings: GitlabSettings) -> list[Place]:
    """Ask after every configured project and list those of every group; raises AuthenticationFailed only.

    A project is told by its id: whoever renames or moves it changes nothing here.
    """
    found: dict[str, Place] = {}
    for name in settings.projects:
        place = _ask(client, f"/projects/{quote(name, safe='')}", name)
        found.setdefault(place.scope, place)
    for group in settings.groups:
        for place in _of_group(client, group, archived=settings.archived):
            found.setdefault(place.scope, place)
    return list(found.values())


def _ask(client: GitlabClient, path: str, name: str) -> Place:
    try:
        project = client.get(path, Project)
    except ScopeUnreadable as fault:
        return Place(name, name, closed=f"project {name} cannot be read: {fault}")
    except AuthenticationFailed:
        raise
    except SourceError as fault:
        return Place(name, name, unsure=fault)
    moved = name not in {str(project.id), project.path_with_namespace}
    project.named = name if moved else None
    return Place(str(project.id), project.path_with_namespace, project)


def _of_group(client: GitlabClient, group: str, *, archived: bool) -> list[Place]:
    path = f"/groups/{quote(group, safe='')}"
    asked: dict[str, str | int] = {"include_subgroups": "true", "order_by": "id", "sort": "asc", "with_shared": "false"}
    if not archived:
        asked["archived"] = "false"
    name = f"group {group}"
    try:
        client.get(path, Numbered, with_projects="false")
        listed = client.pages(f"{path}/projects", **asked)
        projects = [msgspec.json.decode(each, type=Project) for each in listed]
    except ScopeUnreadable as fault:
        return [Place(name, name, closed=f"{name} cannot be read: {fault}")]
    except AuthenticationFailed:
        raise
    except SourceError as fault:
        return [Place(name, name, unsure=fault)]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        odd = ProtocolFault(f"GET {path}/projects: a project of an unexpected shape ({error})")
        return [Place(name, name, unsure=odd)]
    return [Place(str(each.id), each.path_with_namespace, each) for each in projects]


def find_place(client: GitlabClient, scope: str) -> Place:
    """Ask after one project by its id; raises what asking raises."""
    project = client.get(f"/projects/{quote(scope, safe='')}", Project)
    return Place(str(project.id), project.path_with_namespace, project)


def streams_of(place: Place, settings: GitlabSettings, *, admin: bool) -> list[tuple[Stream, str | None]]:
    """List the streams of a project, each with why it cannot be read; what the project has switched off is left out."""
    found: list[tuple[Stream, str | None]] = []
    for stream in settings.streams:
        if place.project is None:
            if stream != "document" or any(rule.project == place.scope for rule in settings.mapping.documents):
                found.append((stream, None))
            continue
        if stream == "document" and not rules_of(settings.mapping.documents, place.project):
            continue
        level = getattr(place.project, FEATURES[stream], None)
        if level == "disabled":
            continue
        stranger = level == "private" and not place.project.role and not admin
        # GitLab shows strangers an empty list there, which must not be taken for nothing
        told = f"{stream}s of {place.name} are for members only; make this account one" if stranger else None
        found.append((stream, told))
    return found
