"""What GitLab answers about merge requests, pipelines and tickets of a project."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hub_sandbox.exchange import Answer, Request
from hub_sandbox.gitlab_page import between, ordered
from hub_sandbox.gitlab_state import MergeRequest, Pipeline, Project, Task

if TYPE_CHECKING:
    from hub_sandbox.gitlab_api import GitlabApi

__all__ = ["WorkRoutes"]

_NOT_FOUND = Answer.json({"message": "404 Not found"}, 404)


class WorkRoutes:
    """Paths below a project, and what answers them."""

    def __init__(self, api: GitlabApi) -> None:
        self._api = api
        request, issue, run = r"/merge_requests/(\d+)", r"/issues/(\d+)", r"/pipelines/(\d+)"
        self.routes: list[tuple[str, Callable[..., Answer]]] = [
            (r"/merge_requests", self._requests),
            (rf"{request}(?:/(\w+))?", self._request),
            (r"/issues", self._tasks),
            (rf"{issue}(?:/(\w+))?", self._task),
            (r"/pipelines", self._pipelines),
            (rf"{run}(?:/(\w+))?", self._pipeline),
        ]
        """Pattern -> what answers `(request, project, *groups)`."""

    # -- merge requests -----------------------------------------------------------------------

    def _requests(self, request: Request, project: Project) -> Answer:
        view = self._api.view
        found = between(request, view.merge_requests(project), "updated", lambda one: one.updated_at(view.now))
        found = between(request, found, "created", lambda one: one.created_at)
        found = [one for one in found if self._fits(request, one)]
        keys: dict[str, Callable[[MergeRequest], Any]] = {
            "updated_at": lambda one: (one.updated_at(view.now), one.id),
            "created_at": lambda one: (one.created_at, one.id),
            "merged_at": lambda one: (one.merged_at or 0, one.id),
        }
        found = ordered(request, found, keys, "created_at")
        return self._api.page(request, found, lambda one: view.merge_request(project, one))

    def _fits(self, request: Request, one: MergeRequest) -> bool:
        labels = {name for text in request.query.get("labels", []) for name in text.split(",") if name}
        iids = {text for name in ("iids[]", "iids") for text in request.query.get(name, [])}
        return (
            request.first("state") in {None, "all", one.state(self._api.view.now)}
            and request.first("target_branch") in {None, one.target}
            and request.first("milestone") in {None, one.milestone}
            and labels <= set(one.labels)
            and (not iids or str(one.iid) in iids)
        )

    def _request(self, request: Request, project: Project, iid: str, part: str | None) -> Answer:
        view = self._api.view
        one = next((each for each in view.merge_requests(project) if str(each.iid) == iid), None)
        if one is None:
            return _NOT_FOUND
        lists: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "notes": lambda: self._notes(request, project, one),
            "versions": lambda: view.versions(one),
            "commits": lambda: [view.commit(project, commit) for commit in view.pushes(one)[::-1]],
            "pipelines": lambda: [view.pipeline(project, each, whole=False) for each in view.pipelines([one])],
            "closes_issues": list,
            "resource_state_events": list,
            "resource_label_events": list,
        }
        if part is None:
            return Answer.json(view.merge_request(project, one, whole=True))
        if part == "approvals":
            return Answer.json(view.approvals(project, one))
        return self._list(request, lists, part)

    def _notes(self, request: Request, project: Project, one: MergeRequest) -> list[dict[str, Any]]:
        shown = self._api.view.notes(project, one)
        if request.first("activity_filter") == "only_comments":
            return []
        return shown[::-1] if request.first("sort") == "asc" else shown

    # -- tickets ------------------------------------------------------------------------------

    def _tasks(self, request: Request, project: Project) -> Answer:
        view = self._api.view
        begun = [task for task in project.tasks if task.created_at <= view.now]
        found = between(request, begun, "updated", view.task_updated_at)
        found = between(request, found, "created", lambda task: task.created_at)
        keys: dict[str, Callable[[Task], Any]] = {
            "updated_at": lambda task: (view.task_updated_at(task), task.id),
            "created_at": lambda task: (task.created_at, task.id),
        }
        found = ordered(request, found, keys, "created_at")
        return self._api.page(request, found, lambda task: view.task(project, task), keyset=True)

    def _task(self, request: Request, project: Project, iid: str, part: str | None) -> Answer:
        view = self._api.view
        begun = (task for task in project.tasks if task.created_at <= view.now)
        task = next((each for each in begun if str(each.iid) == iid), None)
        if task is None:
            return _NOT_FOUND
        lists: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "resource_state_events": lambda: view.state_events(task),
            "resource_label_events": lambda: view.label_events(task),
            "notes": list,
            "closed_by": list,
        }
        return Answer.json(view.task(project, task)) if part is None else self._list(request, lists, part)

    # -- pipelines ----------------------------------------------------------------------------

    def _pipelines(self, request: Request, project: Project) -> Answer:
        view, sha = self._api.view, request.first("sha")
        found = [one for one in view.pipelines(project.merge_requests) if sha in {None, one.sha}]
        return self._api.page(request, found, lambda one: view.pipeline(project, one, whole=False))

    def _pipeline(self, request: Request, project: Project, number: str, part: str | None) -> Answer:
        view = self._api.view
        begun: list[Pipeline] = view.pipelines(project.merge_requests)
        one = next((each for each in begun if str(each.id) == number), None)
        if one is None:
            return _NOT_FOUND
        if part is None:
            return Answer.json(view.pipeline(project, one))
        if part == "test_report_summary":
            return Answer.json(view.test_report_summary(one))
        return self._list(request, {"jobs": lambda: view.jobs(project, one)}, part)

    def _list(self, request: Request, lists: dict[str, Callable[[], list[dict[str, Any]]]], part: str) -> Answer:
        return self._api.page(request, lists[part](), lambda item: item) if part in lists else _NOT_FOUND
