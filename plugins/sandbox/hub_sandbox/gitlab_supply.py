"""What GitLab answers about deployments, releases, files and rules of a project."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from hub_sandbox.exchange import Answer, Request
from hub_sandbox.gitlab_page import BadQuery, between, ordered
from hub_sandbox.gitlab_state import Commit, Deployment, Project, digest

if TYPE_CHECKING:
    from hub_sandbox.gitlab_api import GitlabApi

__all__ = ["SupplyRoutes"]

_TEXT = {"Content-Type": "text/plain; charset=utf-8"}


class SupplyRoutes:
    """Paths below a project, and what answers them."""

    def __init__(self, api: GitlabApi) -> None:
        self._api = api
        self.routes: list[tuple[str, Callable[..., Answer]]] = [
            (r"/deployments", self._deployments),
            (r"/deployments/(\d+)(/merge_requests)?", self._deployment),
            (r"/environments", self._environments),
            (r"/releases", self._releases),
            (r"/releases/([^/]+)", self._release),
            (r"/repository/tags", self._tags),
            (r"/milestones", self._milestones),
            (r"/milestones/(\d+)/merge_requests", self._milestone_requests),
            (r"/repository/commits", self._commits),
            (r"/repository/commits/([0-9a-f]+)(/merge_requests)?", self._commit),
            (r"/repository/tree", self._tree),
            (r"/repository/files/([^/]+)(/raw)?", self._file),
            (r"/repository/blobs/([0-9a-f]+)(/raw)?", self._blob),
            (r"/protected_branches", self._protected_branches),
            (r"/protected_tags", self._nothing),
            (r"/(protected_environments|approval_rules|approvals)", self._paid),
        ]
        """Pattern -> what answers `(request, project, *groups)`."""

    # -- deployments and releases -------------------------------------------------------------

    def _deployments(self, request: Request, project: Project) -> Answer:
        view = self._api.delivery
        if request.first("updated_after") and request.first("order_by") != "updated_at":
            raise BadQuery("`updated_at` filter and `updated_at` sorting must be paired")
        found = between(request, view.deployments(project), "updated", view.deployment_updated_at)
        place, status = request.first("environment"), request.first("status")
        found = [
            made
            for made in found
            if place in {None, made.environment} and status in {None, view.deployment_status(made)}
        ]
        keys: dict[str, Callable[[Deployment], Any]] = {
            "id": lambda made: made.id,
            "iid": lambda made: made.iid,
            "created_at": lambda made: (made.started_at, made.id),
            "updated_at": lambda made: (view.deployment_updated_at(made), made.id),
        }
        found = ordered(request, found, keys, "id", descending=False)
        return self._api.page(request, found, lambda made: view.deployment(project, made))

    def _deployment(self, request: Request, project: Project, number: str, rest: str | None) -> Answer:
        view = self._api.delivery
        made = next((each for each in view.deployments(project) if str(each.id) == number), None)
        if made is None:
            return _missing("Not found")
        if rest is None:
            return Answer.json(view.deployment(project, made))
        found = [one for one in made.merge_requests if one.created_at <= self._api.view.now]
        return self._api.page(request, found, lambda one: self._api.view.merge_request(project, one))

    def _environments(self, request: Request, project: Project) -> Answer:
        view = self._api.delivery
        return self._api.page(request, view.environments(project), lambda name: view.environment(project, name))

    def _releases(self, request: Request, project: Project) -> Answer:
        view = self._api.delivery
        return self._api.page(request, view.releases(project), lambda one: view.release(project, one))

    def _release(self, _request: Request, project: Project, tag: str) -> Answer:
        view = self._api.delivery
        found = (one for one in view.releases(project) if one.tag == unquote(tag))
        return next((Answer.json(view.release(project, one)) for one in found), _missing("Not Found"))

    def _tags(self, request: Request, project: Project) -> Answer:
        view = self._api.delivery
        return self._api.page(request, view.releases(project), lambda one: view.tag(project, one), keyset=True)

    def _milestones(self, request: Request, project: Project) -> Answer:
        view = self._api.view
        titles = sorted({one.milestone for one in view.merge_requests(project) if one.milestone})
        title = request.first("title")
        found = [each for each in titles if title in {None, each}]
        return self._api.page(request, found, lambda each: view.milestone(project, each))

    def _milestone_requests(self, request: Request, project: Project, number: str) -> Answer:
        view = self._api.view
        found = [
            one
            for one in view.merge_requests(project)
            if one.milestone and str(view.milestone(project, one.milestone)["id"]) == number
        ]
        return self._api.page(request, found, lambda one: view.merge_request(project, one))

    # -- repository ---------------------------------------------------------------------------

    def _commits(self, request: Request, project: Project) -> Answer:
        path, now = request.first("path"), self._api.view.now
        found = [one for one in project.commits if one.at <= now and (path is None or path in dict(one.files))]
        found.sort(key=lambda one: -one.at)
        return self._api.page(request, found, lambda one: self._api.view.commit(project, one), keyset=True)

    def _commit(self, request: Request, project: Project, sha: str, rest: str | None) -> Answer:
        view = self._api.view
        pushed = (one for asked in project.merge_requests for one in asked.pushes)
        begun = (one for one in (*project.commits, *pushed) if one.at <= view.now)
        found: Commit | None = next((one for one in begun if one.sha.startswith(sha)), None)
        if found is None:
            return _missing("Commit Not Found")
        if rest is None:
            return Answer.json(view.commit(project, found))
        came = [one for one in view.merge_requests(project) if any(found.sha == commit.sha for commit in one.pushes)]
        return self._api.page(request, came, lambda one: view.merge_request(project, one))

    def _tree(self, request: Request, project: Project) -> Answer:
        recursive = request.first("recursive") in {"true", "1"}
        folder, ref = request.first("path") or "", request.first("ref") or "main"
        entries = self._api.delivery.tree(project, folder, ref, recursive=recursive)
        return self._api.page(request, entries, lambda one: one, keyset=True) if entries else _missing("Tree Not Found")

    def _file(self, request: Request, project: Project, path: str, raw: str | None) -> Answer:
        ref = request.first("ref") or "main"
        shown = self._api.delivery.file(project, unquote(path), ref)
        if shown is None:
            return _missing("File Not Found")
        if raw is None:
            return Answer.json(shown)
        return Answer(200, project.files(self._api.view.now, ref)[unquote(path)][0].encode(), _TEXT)

    def _blob(self, _request: Request, project: Project, sha: str, raw: str | None) -> Answer:
        texts = (text for one in project.commits if one.at <= self._api.view.now for _, text in one.files)
        text = next((each for each in texts if digest("blob", each) == sha), None)
        if text is None:
            return _missing("Blob Not Found")
        return Answer(200, text.encode(), _TEXT) if raw else Answer.json({"size": len(text), "sha": sha})

    # -- rules --------------------------------------------------------------------------------

    def _protected_branches(self, request: Request, project: Project) -> Answer:
        return self._api.page(request, self._api.delivery.protected_branches(project), lambda one: one)

    def _nothing(self, request: Request, _project: Project) -> Answer:
        nothing: list[str] = []
        return self._api.page(request, nothing, lambda one: one)

    def _paid(self, request: Request, project: Project, what: str) -> Answer:
        """Answer what only a paid tier has."""
        if project.tier == "free":
            return _missing("Not Found")
        if what == "approvals":
            return Answer.json(self._api.delivery.approval_settings())
        rules = self._api.delivery.approval_rules(project) if what == "approval_rules" else []
        return self._api.page(request, rules, lambda one: one)


def _missing(what: str) -> Answer:
    return Answer.json({"message": f"404 {what}"}, 404)
