"""The content of a GitLab: projects with all they hold, and what people may do to them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Literal

from hub_sandbox.gitlab_state import Commit, Decision, Deployment, MergeRequest, Pipeline, Project, digest
from hub_sandbox.office_hours import MINUTE_MS

__all__ = ["GitlabContent"]

_TESTING_MIN = 12


class GitlabContent:
    """Projects by id; every method is something a person does at an instant (UTC ms)."""

    def __init__(self, *projects: Project, end: int) -> None:
        self.projects = {project.id: project for project in projects}
        self.end = end
        """The instant after the last one of the history."""
        self._ids = {"merge_request": count(88_001), "pipeline": count(990_001), "deployment": count(44_001)}
        self._ids |= {"evidence": count(601), "task": count(70_001)}
        self._iids: dict[tuple[int, str], Iterator[int]] = {}

    def number(self, kind: str) -> int:
        """Return an id nothing else of this kind has."""
        return next(self._ids[kind])

    def number_in(self, project: Project, kind: str) -> int:
        """Return the next number within a project."""
        return next(self._iids.setdefault((project.id, kind), count(1)))

    def find(self, project: int, iid: int) -> MergeRequest:
        """Return a merge request; KeyError where there is none."""
        for request in self.projects[project].merge_requests:
            if request.iid == iid:
                return request
        raise KeyError(f"{project}!{iid}")

    def open(
        self, project: int, author: str, at: int, *, title: str, branch: str, description: str = ""
    ) -> MergeRequest:
        """Let somebody open a merge request; nothing is pushed yet."""
        place = self.projects[project]
        iid = self.number_in(place, "merge_request")
        made = MergeRequest(self.number("merge_request"), iid, project, title, description, branch, author, at)
        place.merge_requests.append(made)
        return made

    def push(
        self, request: MergeRequest, person: str, at: int, *, sha: str | None = None, passed: bool = True
    ) -> Commit:
        """Let somebody push a commit; its tests run at once."""
        parent = request.pushes[-1].sha if request.pushes else None
        sha = sha or digest(request.project, request.iid, len(request.pushes), at)
        trailer = request.title.partition(": ")
        message = f"{trailer[2]}\n\nChange: {trailer[0]}\n" if trailer[1] else f"{request.title}\n"
        commit = Commit(sha, at, person, message, parent)
        request.pushes.append(commit)
        status: Literal["success", "failed"] = "success" if passed else "failed"
        begun = at + MINUTE_MS
        request.pipelines.append(
            Pipeline(self.number("pipeline"), sha, begun, begun + _TESTING_MIN * MINUTE_MS, status, request.branch)
        )
        return commit

    def approve(self, request: MergeRequest, person: str, at: int, *, approved: bool = True) -> None:
        """Let somebody approve, or take the approval back."""
        request.decisions.append(Decision(at, person, approved))

    def merge(self, request: MergeRequest, person: str, at: int, *, fast_forward: bool = True) -> None:
        """Let somebody merge it, fast-forward or with a commit whose tests run on the target branch."""
        request.merged_at, request.merged_by = at, person
        project = self.projects[request.project]
        project.commits += [commit for commit in request.pushes if commit not in project.commits]
        if not fast_forward:
            made = self.commit(
                request.project, person, at, f"Merge branch '{request.branch}' into '{request.target}'\n"
            )
            request.merge_commit, begun = made.sha, at + MINUTE_MS
            ended = begun + _TESTING_MIN * MINUTE_MS
            request.pipelines.append(
                Pipeline(self.number("pipeline"), made.sha, begun, ended, "success", request.target)
            )

    def commit(self, project: int, person: str, at: int, message: str) -> Commit:
        """Let somebody push to the main branch, past any merge request."""
        place = self.projects[project]
        parent = place.commits[-1].sha if place.commits else None
        made = Commit(digest(project, message, at), at, person, message, parent)
        place.commits.append(made)
        return made

    def deploy(
        self, project: int, sha: str, person: str, at: int, *, until: int | None = None, environment: str = "production"
    ) -> Deployment:
        """Let somebody deploy a commit; it brings the merge request the commit came with."""
        place = self.projects[project]
        brought = tuple(
            one for one in place.merge_requests if sha in {one.merge_commit, *(commit.sha for commit in one.pushes)}
        )
        iid = self.number_in(place, "deployment")
        over = at + 10 * MINUTE_MS if until is None else until
        made = Deployment(self.number("deployment"), iid, project, environment, sha, person, at, over, brought)
        place.deployments.append(made)
        return made

    def move(self, project: int, path: str) -> None:
        """Move a project to another address; the one before redirects."""
        place = self.projects[project]
        place.former_paths.append(place.path)
        place.path = path
