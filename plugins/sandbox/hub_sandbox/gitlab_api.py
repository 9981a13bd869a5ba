"""What GitLab answers: paths and queries in, statuses, headers and JSON out; knows no sockets."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlencode

from hub_sandbox.exchange import Answer, Request
from hub_sandbox.gitlab_access import Access
from hub_sandbox.gitlab_delivery import DeliveryView
from hub_sandbox.gitlab_page import BadQuery, ordered, page
from hub_sandbox.gitlab_person import GITLAB_USERS, show_user, user_id, user_name
from hub_sandbox.gitlab_supply import SupplyRoutes
from hub_sandbox.gitlab_view import GitlabView
from hub_sandbox.gitlab_work import WorkRoutes

if TYPE_CHECKING:
    from hub_sandbox.gitlab_content import GitlabContent
    from hub_sandbox.gitlab_state import Project

__all__ = ["GitlabApi"]

VERSION = "17.11.2-ee"
T = TypeVar("T")
_PARAMETERS = {
    "page", "per_page", "pagination", "page_token", "cursor", "order_by", "sort", "scope", "updated_after", "updated_before",
    "created_after", "created_before", "state", "labels", "milestone", "target_branch", "iids", "iids[]", "environment", "status",
    "activity_filter", "sha", "ref", "ref_name", "path", "recursive", "title", "username", "include_subgroups", "archived",
    "with_shared", "with_projects", "simple", "view",
}  # fmt: skip
"""What a query may say; GitLab passes over other words, the sandbox refuses them, because it could not keep to them."""
_NO_PROJECT = {"message": "404 Project Not Found"}


class GitlabApi:
    """The endpoints of version 4 over a GitLab's content at a movable instant."""

    def __init__(self, content: GitlabContent, *, token: str, clock_ms: int, offset_cap: int = 50_000) -> None:
        self.content = content
        self.access = Access(token)
        self.base = ""
        self._now = clock_ms
        self._cap = offset_cap
        self._views: tuple[GitlabView, DeliveryView] | None = None
        self._projects: list[tuple[re.Pattern[str], Callable[..., Answer]]] = [
            (re.compile(path), handler) for path, handler in (*WorkRoutes(self).routes, *SupplyRoutes(self).routes)
        ]
        self._others: list[tuple[re.Pattern[str], Callable[..., Answer]]] = [
            (re.compile(path), handler)
            for path, handler in (
                (r"/version", self._version),
                (r"/metadata", self._metadata),
                (r"/user", lambda _: Answer.json(self.access.show_user(self.base, self._now))),
                (r"/personal_access_tokens/self", lambda _: Answer.json(self.access.show_token(self._now))),
                (r"/users", self._users),
                (r"/users/(\d+)", self._user),
                (r"/projects", self._visible),
                (r"/groups/([^/]+)", self._group),
                (r"/groups/([^/]+)/projects", self._group_projects),
            )
        ]

    @property
    def clock_ms(self) -> int:
        """Return the virtual instant."""
        return self._now

    @clock_ms.setter
    def clock_ms(self, instant_ms: int) -> None:
        self._now = instant_ms
        self._views = None

    @property
    def view(self) -> GitlabView:
        """Return how work looks now."""
        return self._both()[0]

    @property
    def delivery(self) -> DeliveryView:
        """Return how what was delivered looks now."""
        return self._both()[1]

    def _both(self) -> tuple[GitlabView, DeliveryView]:
        if self._views is None:
            view = GitlabView(self.base, self._now)
            self._views = view, DeliveryView(view)
        return self._views

    def page(self, request: Request, items: Sequence[T], show: Callable[[T], Any], *, keyset: bool = False) -> Answer:
        """Answer one page of a list."""
        return page(self.base, request, items, show, keyset=keyset, cap=self._cap)

    def answer(self, request: Request) -> Answer:
        """Answer a request; its path is as it was sent, not decoded."""
        path = request.path.removeprefix("/api/v4")
        if path == request.path:
            return Answer.json({"error": "404 Not Found"}, 404)
        if request.method != "GET":
            return Answer.json({"error": "405 Not Allowed"}, 405)
        refusal = self.access.refuse(request)
        if refusal is not None:
            return refusal
        unknown = request.query.keys() - _PARAMETERS
        if unknown:
            return Answer.json({"error": f"the sandbox does not know {', '.join(sorted(unknown))}"}, 400)
        try:
            return self._route(request, path)
        except BadQuery as error:
            return Answer.json({"error": str(error)}, 400)

    def _route(self, request: Request, path: str) -> Answer:
        inside = re.fullmatch(r"/projects/([^/]+)((?:/.*)?)", path)
        if inside:
            return self._in_project(request, inside[1], inside[2])
        for pattern, handler in self._others:
            found = pattern.fullmatch(path)
            if found:
                return handler(request, *found.groups())
        return Answer.json({"error": "404 Not Found"}, 404)

    def _in_project(self, request: Request, ref: str, rest: str) -> Answer:
        project, moved = self.access.find(self.content.projects, ref)
        if project is None:
            return Answer.json(_NO_PROJECT, 404)
        if moved:
            query = f"?{urlencode(request.query, doseq=True)}" if request.query else ""
            place = f"{self.base}/api/v4/projects/{project.id}{rest}{query}"
            said = {"message": f"This resource has been moved permanently to {place}"}
            return Answer(301, Answer.json(said).body, {"Location": place})
        if any(number == project.id and word in rest.split("/") for number, word in self.access.closed):
            return Answer.json({"message": "403 Forbidden"}, 403)
        if not rest:
            return Answer.json(self.view.project(project))
        for pattern, handler in self._projects:
            found = pattern.fullmatch(rest)
            if found:
                return handler(request, project, *found.groups())
        return Answer.json({"error": "404 Not Found"}, 404)

    # -- the instance -------------------------------------------------------------------------

    def _version(self, _request: Request) -> Answer:
        return Answer.json({"version": VERSION, "revision": "0a1b2c3d4e5"})

    def _metadata(self, _request: Request) -> Answer:
        kas = {"enabled": False, "externalUrl": None, "externalK8sProxyUrl": None, "version": None}
        return Answer.json({"version": VERSION, "revision": "0a1b2c3d4e5", "kas": kas, "enterprise": True})

    def _users(self, request: Request) -> Answer:
        name = request.first("username")
        found = [person.id for person in GITLAB_USERS if name in {None, user_name(person.id)}]
        return self.page(request, found, lambda person: show_user(person, self.base, self._now), keyset=True)

    def _user(self, _request: Request, number: str) -> Answer:
        for person in GITLAB_USERS:
            if str(user_id(person.id)) == number:
                return Answer.json(show_user(person.id, self.base, self._now) | {"bot": False, "job_title": ""})
        return Answer.json({"message": "404 User Not Found"}, 404)

    # -- groups -------------------------------------------------------------------------------

    def _seen(self) -> list[Project]:
        return [one for one in self.content.projects.values() if one.id not in self.access.hidden]

    def _visible(self, request: Request) -> Answer:
        return self._list(request, self._seen())

    def _list(self, request: Request, projects: list[Project]) -> Answer:
        keys: dict[str, Callable[[Project], Any]] = {"id": lambda one: one.id, "created_at": lambda one: one.created_at}
        found = ordered(request, projects, keys, "created_at")
        return self.page(request, found, self.view.project, keyset=request.first("order_by") == "id")

    def _paths(self, ref: str) -> list[Project]:
        name = unquote(ref)
        return [
            one
            for one in self._seen()
            if name in {one.path.rpartition("/")[0], str(self.view.namespace(one.path.rpartition("/")[0])["id"])}
            or one.path.startswith(f"{name}/")
        ]

    def _group(self, _request: Request, ref: str) -> Answer:
        found = self._paths(ref)
        if not found:
            return Answer.json({"message": "404 Group Not Found"}, 404)
        shown = self.view.namespace(found[0].path.rpartition("/")[0])
        return Answer.json(
            {**shown, "description": "", "visibility": "private", "full_name": shown["name"], "created_at": None}
        )

    def _group_projects(self, request: Request, ref: str) -> Answer:
        found = self._paths(ref)
        return self._list(request, found) if found else Answer.json({"message": "404 Group Not Found"}, 404)
