"""Reading one stream of one project: pages, and what the cursor holds between them.

`issue`, `merge_request`, `deployment`: see `hub_gitlab.mark`. `release`: `seen` (tag -> hash). `document`: `seen` (path -> blob). Others are read whole and keep nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from hub.errors import ProtocolFault
from hub.sync.source import Census, Document, Page
from hub_gitlab import listing
from hub_gitlab.client import Closed, NotFound
from hub_gitlab.mark import NAMED, Mark
from hub_gitlab.part import Assembled, Parts, read_raw
from hub_gitlab.report import folder_in
from hub_gitlab.repository import Repository, rules_of
from hub_gitlab.walk import Seen, read_heads, walk
from hub_gitlab.wire import DeploymentHead, Environment, Head, Numbered, Release

if TYPE_CHECKING:
    from hub.sync.source import Slice
    from hub_gitlab.client import GitlabClient
    from hub_gitlab.settings import GitlabSettings
    from hub_gitlab.vocabulary import Vocabulary
    from hub_gitlab.wire import Project

__all__ = ["Reading"]

WALKED = {"issue": "issues", "merge_request": "merge_requests", "deployment": "deployments"}
REPORTER = 20
PLANNER = 15


class Reading:
    """Reads one project with one client."""

    def __init__(
        self, client: GitlabClient, settings: GitlabSettings, vocabulary: Vocabulary, project: Project
    ) -> None:
        self._client = client
        self._settings = settings
        self._vocabulary = vocabulary
        self._project = project
        self._place = f"/projects/{project.id}"
        self._shown = msgspec.json.encode(project.shown())
        self._parts = Parts(
            client, settings, project.id, self._shown, reports=folder_in(settings.mapping.reports, project)
        )

    def pages(self, part: Slice, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """Yield the pages of one stream from a committed cursor on."""
        client, project, shown = self._client, self._project, self._shown
        if part.stream in WALKED:
            yield from self._walked(part, cursor)
        elif part.stream == "environment":
            yield from listing.environments(client, part, project, shown)
        elif part.stream == "release":
            yield from listing.releases(client, part, project, shown, cursor)
        elif part.stream == "protection":
            yield from listing.protection(client, part, project, shown, premium=self._settings.premium)
        else:
            yield from self._documents(part, cursor)

    def census(self, part: Slice, *, admin: bool) -> Census:
        """List the ids visible now. Below a certain role GitLab hides what is confidential, and absence proves nothing."""
        needed = PLANNER if part.stream == "issue" else REPORTER
        role = self._project.role
        proves = admin or (role is not None and role >= needed)
        wanted = "Planner" if part.stream == "issue" else "Reporter"
        doubt = (
            ""
            if proves
            else f"this account's role may hide it; give it the role {wanted} in {self._project.path_with_namespace}"
        )
        return Census(part.stream, part.scope, list(dict.fromkeys(self._ids(part.stream))), proves, doubt)

    def _ids(self, stream: str) -> Iterator[str]:
        client, project = self._client, self._project
        if stream in WALKED:
            for found in walk(
                client, f"{self._place}/{WALKED[stream]}", Head, None, **self._asked(stream, view="simple")
            ):
                yield from (str(each.head.id) for each in found.objects)
        elif stream == "environment":
            for objects in client.leaves(f"{self._place}/environments"):
                yield from (str(read_raw(each, Numbered).id) for each in objects)
        elif stream == "release":
            for objects in client.leaves(f"{self._place}/releases"):
                yield from (f"{project.id}/{read_raw(each, Release).tag_name}" for each in objects)
        elif stream == "protection":
            client.pages(f"{self._place}/protected_branches")
            yield str(project.id)
        else:
            repository = self._repository()
            papers = repository.papers(rules_of(self._settings.mapping.documents, project))
            yield from map(repository.native_id, papers)

    def _asked(self, stream: str, **more: str) -> dict[str, str | int]:
        asked: dict[str, str | int] = {"per_page": self._settings.page_size}
        if stream != "deployment":
            asked["scope"] = "all"
        if stream == "merge_request":
            asked |= more
        return asked

    def _walked(self, part: Slice, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """Read what changed since the mark; the mark never passes the present, whatever instants GitLab shows."""
        client, overlap = self._client, self._settings.overlap_minutes * 60_000
        began = client.server_now_ms()
        reached = self._in_production(part.stream)
        complete, shape = self._completing(part.stream, reached)
        mark = Mark.of(cursor, overlap, reached)
        if mark.refused is not None and not self._still_refused(part, mark.refused[1], complete, shape):
            mark.go_back()
        since = mark.after - overlap if mark.after is not None else self._since_ms()
        counted = 0
        for again in self._asked_again(mark.named()):
            mark.redo(again)
            documents, gaps = self._documented(part, again, complete, mark)
            yield Page(documents, mark.state(), requests=client.requests - counted, gaps=gaps)
            counted = client.requests
        path = f"{self._place}/{WALKED[part.stream]}"
        for found in walk(client, path, shape, since, **self._asked(part.stream)):
            changed = [each for each in found.objects if mark.edge.get(each.head.id) != each.updated_ms]
            mark.redo(changed)
            documents, gaps = self._documented(part, changed, complete, mark)
            mark.reach(found.reached_ms, began, found.objects)
            yield Page(documents, mark.state(), requests=client.requests - counted, gaps=gaps)
            counted = client.requests
        if mark.end():
            yield Page([], mark.state(), requests=0)

    def _still_refused(
        self, part: Slice, number: int, complete: Callable[[Sequence[Seen[Any]]], list[Assembled]], shape: type[Head]
    ) -> bool:
        """Try the object of which a part was refused once more."""
        path = f"{self._place}/{WALKED[part.stream]}/{number}"
        try:
            raw = self._client.get(path, msgspec.Raw)
        except NotFound:
            return False
        except Closed:
            return True
        return any(each.refused for each in complete(read_heads([raw], shape, path)))

    def _completing(
        self, stream: str, reached: frozenset[int] | None
    ) -> tuple[Callable[[Sequence[Seen[Any]]], list[Assembled]], type[Head]]:
        """Give what completes the objects of a stream, and what is looked at in each."""
        if stream == "issue":
            return self._parts.issues, Head
        if stream == "deployment":
            around: list[listing.Surroundings] = []

            def deployments(found: Sequence[Seen[DeploymentHead]]) -> list[Assembled]:
                if found and not around:
                    around.append(listing.Surroundings(self._client, self._project))
                return self._parts.deployments(found, around[0]) if found else []

            return deployments, DeploymentHead
        return lambda found: self._parts.merge_requests(found, reached), Head

    def _documented(
        self,
        part: Slice,
        found: Sequence[Seen[Any]],
        complete: Callable[[Sequence[Seen[Any]]], list[Assembled]],
        mark: Mark,
    ) -> tuple[list[Document], list[str]]:
        assembled = complete(found) if found else []
        for seen, each in zip(found, assembled, strict=True):
            if each.waits:
                mark.waiting.append(seen.head.iid)
            if each.refused and mark.refused is None:
                mark.refused = mark.after, seen.head.id if part.stream == "deployment" else seen.head.iid
        documents = [
            Document(part.stream, each.native_id, part.scope, each.body) for each in assembled if each.body is not None
        ]
        return documents, [gap for each in assembled for gap in each.gaps]

    def _asked_again(self, iids: Sequence[int]) -> Iterator[list[Seen[Head]]]:
        """Give merge requests by number: whose pipeline had not ended when they were read, or that came to production."""
        path = f"{self._place}/merge_requests"
        for first in range(0, len(iids), NAMED):
            named = list(iids[first : first + NAMED])
            page = self._client.page(path, {"iids[]": named, "scope": "all", "per_page": NAMED})
            found = read_heads(page.objects, Head, path)
            if foreign := {each.head.iid for each in found} - set(iids):
                raise ProtocolFault(f"GET {path}: GitLab gives !{min(foreign)}, which was not asked for")
            yield found

    def _in_production(self, stream: str) -> frozenset[int] | None:
        """List the merge requests that deployments brought to an environment of the tier production; None = no matter."""
        if stream != "merge_request" or self._settings.mapping.changes.which != "production":
            return None
        names = [
            each.name
            for raw in self._client.pages(f"{self._place}/environments")
            if self._vocabulary.tier(msgspec.to_builtins(each := read_raw(raw, Environment))) == "production"
        ]
        asked = self._asked("merge_request", view="simple", state="merged")
        return frozenset(
            seen.head.iid
            for name in names
            for found in walk(self._client, f"{self._place}/merge_requests", Head, None, environment=name, **asked)
            for seen in found.objects
        )

    def _documents(self, part: Slice, cursor: Mapping[str, Any]) -> Iterator[Page]:
        repository = self._repository()
        papers = repository.papers(rules_of(self._settings.mapping.documents, self._project))
        before: dict[str, str] = cursor.get("seen", {})
        seen = {each.path: each.blob for each in papers if before.get(each.path) == each.blob}
        counted = 0
        for edited in repository.read([each for each in papers if each.path not in seen]):
            seen |= {each.paper.path: each.paper.blob for each in edited if not each.refused}
            documents = [
                Document("document", repository.native_id(each.paper), part.scope, each.body)
                for each in edited
                if each.body is not None
            ]
            gaps = [f"{each.paper.path}: its history does not hold it" for each in edited if each.body is None]
            yield Page(documents, {"seen": dict(seen)}, requests=self._client.requests - counted, gaps=gaps)
            counted = self._client.requests
        yield Page([], {"seen": seen}, requests=self._client.requests - counted)

    def _repository(self) -> Repository:
        return Repository(self._client, self._project, self._shown, self._parts, self._settings.at_once)

    def _since_ms(self) -> int | None:
        day = self._settings.since
        return None if day is None else int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
