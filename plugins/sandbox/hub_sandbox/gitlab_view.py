"""How merge requests, commits, pipelines and tickets look at an instant: the JSON that GitLab writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hub_sandbox.gitlab_person import show_instant, show_user, user_id
from hub_sandbox.gitlab_state import Commit, LabelStep, MergeRequest, Pipeline, Project, StateStep, Task
from hub_sandbox.people import PEOPLE

__all__ = ["GitlabView"]

_TIME_STATS = {
    "time_estimate": 0,
    "total_time_spent": 0,
    "human_time_estimate": None,
    "human_total_time_spent": None,
}


class GitlabView:
    """Shows what exists at `now` (UTC ms) below the address `base`."""

    def __init__(self, base: str, now: int) -> None:
        self.base = base
        self.now = now

    # -- projects -----------------------------------------------------------------------------

    def project(self, project: Project) -> dict[str, Any]:
        """Write a project."""
        group, _, path = project.path.rpartition("/")
        web = f"{self.base}/{project.path}"
        return {
            "id": project.id, "description": "", "name": project.name, "name_with_namespace": f"{group} / {project.name}",
            "path": path, "path_with_namespace": project.path, "created_at": show_instant(project.created_at),
            "default_branch": "main", "tag_list": [], "topics": [], "ssh_url_to_repo": f"git@localhost:{project.path}.git",
            "http_url_to_repo": f"{web}.git", "web_url": web, "readme_url": None, "forks_count": 0, "avatar_url": None,
            "star_count": 0, "last_activity_at": show_instant(self.now), "visibility": "private",
            "namespace": self.namespace(group), "empty_repo": False, "archived": False, "issues_enabled": True,
            "merge_requests_enabled": True, "jobs_enabled": True, "wiki_enabled": False, "merge_method": "ff",
            "only_allow_merge_if_pipeline_succeeds": True, "service_desk_enabled": False, "service_desk_address": None,
            "issues_access_level": "enabled", "merge_requests_access_level": "enabled", "builds_access_level": "enabled",
            "environments_access_level": "enabled", "releases_access_level": "enabled", "repository_access_level": "enabled",
            "permissions": {"project_access": {"access_level": 20, "notification_level": 3}, "group_access": None},
        }  # fmt: skip

    def namespace(self, path: str) -> dict[str, Any]:
        """Write the namespace a project lies in."""
        return {
            "id": 60 + sum(map(ord, path)) % 1000, "name": path, "path": path, "kind": "group", "full_path": path,
            "parent_id": None, "avatar_url": None, "web_url": f"{self.base}/groups/{path}",
        }  # fmt: skip

    # -- merge requests -----------------------------------------------------------------------

    def merge_requests(self, project: Project) -> list[MergeRequest]:
        """Return those that exist, oldest first."""
        return [one for one in project.merge_requests if one.created_at <= self.now]

    def pushes(self, request: MergeRequest) -> list[Commit]:
        """Return the commits that were pushed by now."""
        return [commit for commit in request.pushes if commit.at <= self.now]

    def head(self, request: MergeRequest) -> str | None:
        """Return the commit the branch ends in."""
        pushed = self.pushes(request)
        return pushed[-1].sha if pushed else None

    def person(self, person: str | None) -> dict[str, Any] | None:
        """Write a user in short; None for nobody."""
        return None if person is None else show_user(person, self.base, self.now)

    def merge_request(self, project: Project, request: MergeRequest, *, whole: bool = False) -> dict[str, Any]:
        """Write a merge request as a list shows it, or as it is shown alone."""
        state = request.state(self.now)
        merged = state == "merged"
        merger = self.person(request.merged_by) if merged else None
        head = self.head(request)
        shown: dict[str, Any] = {
            "id": request.id, "iid": request.iid, "project_id": project.id, "title": request.title,
            "description": request.description, "state": state, "created_at": show_instant(request.created_at),
            "updated_at": show_instant(request.updated_at(self.now)), "merged_by": merger, "merge_user": merger,
            "merged_at": show_instant(request.merged_at) if merged else None, "closed_by": None,
            "closed_at": show_instant(request.closed_at) if state == "closed" else None, "target_branch": request.target,
            "source_branch": request.branch, "user_notes_count": 0, "upvotes": 0, "downvotes": 0,
            "author": self.person(request.author), "assignees": [self.person(request.author)],
            "assignee": self.person(request.author), "reviewers": [], "source_project_id": project.id,
            "target_project_id": project.id, "labels": list(request.labels), "draft": False, "imported": False,
            "imported_from": "none", "work_in_progress": False,
            "milestone": None if request.milestone is None else self.milestone(project, request.milestone),
            "merge_when_pipeline_succeeds": False, "merge_status": "can_be_merged", "detailed_merge_status":
            "not_open" if merged else "mergeable", "merge_after": None, "sha": head, "merge_commit_sha": request.merge_commit if merged else None,
            "squash_commit_sha": None, "discussion_locked": None, "should_remove_source_branch": True,
            "force_remove_source_branch": True, "prepared_at": show_instant(request.created_at),
            "reference": f"!{request.iid}", "references": {
                "short": f"!{request.iid}", "relative": f"!{request.iid}", "full": f"{project.path}!{request.iid}",
            }, "web_url": f"{self.base}/{project.path}/-/merge_requests/{request.iid}", "time_stats": _TIME_STATS,
            "squash": False, "squash_on_merge": False, "task_completion_status": {"count": 0, "completed_count": 0},
            "has_conflicts": False, "blocking_discussions_resolved": True, "approvals_before_merge": None,
        }  # fmt: skip
        if whole:
            pipeline = self.head_pipeline(request)
            brief = None if pipeline is None else self.pipeline(project, pipeline, whole=False)
            deployed = [
                made.started_at
                for made in project.deployments
                if request in made.merge_requests and made.started_at <= self.now
            ]
            shown |= {
                "subscribed": False, "changes_count": "1", "latest_build_started_at": None, "latest_build_finished_at": None,
                "first_deployed_to_production_at": show_instant(min(deployed, default=None)), "pipeline": brief,
                "head_pipeline": None if pipeline is None else self.pipeline(project, pipeline),
                "diff_refs": {"base_sha": request.pushes[0].parent, "head_sha": head, "start_sha": request.pushes[0].parent},
                "merge_error": None, "first_contribution": False, "user": {"can_merge": False},
            }  # fmt: skip
        return shown

    def approvals(self, project: Project, request: MergeRequest) -> dict[str, Any]:
        """Write who approved; `approved` is true also where nobody has to."""
        standing = request.approved_by(self.now)
        required = 1 if project.tier == "premium" else 0
        rest: dict[str, Any] = {
            "user_has_approved": False, "user_can_approve": False, "approved": len(standing) >= required,
            "approved_by": [{"user": self.person(decision.person)} for decision in standing],
        }  # fmt: skip
        if project.tier == "free":
            return rest
        return {
            "id": request.id, "iid": request.iid, "project_id": project.id, "title": request.title,
            "description": request.description, "state": request.state(self.now), "created_at": show_instant(request.created_at),
            "updated_at": show_instant(request.updated_at(self.now)), "merge_status": "can_be_merged",
            "approvals_required": required, "approvals_left": max(0, required - len(standing)),
            "require_password_to_approve": False, "suggested_approvers": [], "approvers": [], "approver_groups": [],
            "approval_rules_left": [], "has_approval_rules": True, "merge_request_approvers_available": True,
            "multiple_approval_rules_available": True, "invalid_approvers_rules": [], **rest,
        }  # fmt: skip

    def notes(self, project: Project, request: MergeRequest) -> list[dict[str, Any]]:
        """Write what GitLab noted on a merge request, newest first."""
        told: list[tuple[int, str, str]] = [
            (
                decision.at,
                decision.person,
                "approved this merge request" if decision.approved else "unapproved this merge request",
            )
            for decision in request.decisions
        ]
        told += [
            (commit.at, commit.author, f"added 1 commit\n\n<ul><li>{commit.sha[:8]}</li></ul>")
            for commit in request.pushes[1:]
        ]
        if request.merged_at is not None and request.merged_by is not None:
            told.append((request.merged_at, request.merged_by, "merged"))
        shown = [
            {
                "id": request.id * 100 + number, "type": None, "body": body, "author": self.person(person),
                "created_at": show_instant(at), "updated_at": show_instant(at), "system": True, "noteable_id": request.id,
                "noteable_type": "MergeRequest", "project_id": project.id, "resolvable": False, "confidential": False,
                "internal": False, "imported": False, "imported_from": "none", "noteable_iid": request.iid,
                "commands_changes": {},
            }
            for number, (at, person, body) in enumerate(sorted(told))
            if at <= self.now
        ]  # fmt: skip
        return shown[::-1]

    def versions(self, request: MergeRequest) -> list[dict[str, Any]]:
        """Write the states the branch had, newest first."""
        return [
            {
                "id": request.id * 10 + number, "head_commit_sha": commit.sha, "base_commit_sha": request.pushes[0].parent,
                "start_commit_sha": request.pushes[0].parent, "created_at": show_instant(max(commit.at, request.created_at)),
                "merge_request_id": request.id, "state": "collected", "real_size": "1", "patch_id_sha": commit.sha,
            }
            for number, commit in enumerate(self.pushes(request))
        ][::-1]  # fmt: skip

    # -- commits and pipelines ----------------------------------------------------------------

    def commit(self, project: Project, commit: Commit) -> dict[str, Any]:
        """Write a commit."""
        at = show_instant(commit.at)
        person = PEOPLE[commit.author]
        return {
            "id": commit.sha, "short_id": commit.sha[:8], "created_at": at, "parent_ids": [commit.parent] if commit.parent else [],
            "title": commit.message.splitlines()[0], "message": commit.message, "author_name": person.name,
            "author_email": person.email, "authored_date": at, "committer_name": person.name, "committer_email": person.email,
            "committed_date": at, "trailers": {}, "extended_trailers": {},
            "web_url": f"{self.base}/{project.path}/-/commit/{commit.sha}",
        }  # fmt: skip

    def pipelines(self, requests: Iterable[MergeRequest]) -> list[Pipeline]:
        """Return the pipelines that have begun, newest first."""
        begun = [one for request in requests for one in request.pipelines if one.started_at <= self.now]
        return sorted(begun, key=lambda one: -one.id)

    def head_pipeline(self, request: MergeRequest) -> Pipeline | None:
        """Return the pipeline of the commit the branch ends in."""
        return next((one for one in self.pipelines([request]) if one.sha == self.head(request)), None)

    def pipeline(self, project: Project, pipeline: Pipeline, *, whole: bool = True) -> dict[str, Any]:
        """Write a pipeline, or the few lines a list has of it."""
        over = pipeline.finished_at <= self.now
        web = f"{self.base}/{project.path}/-/pipelines/{pipeline.id}"
        shown: dict[str, Any] = {
            "id": pipeline.id, "iid": pipeline.id % 10_000, "project_id": project.id, "sha": pipeline.sha, "ref": pipeline.ref,
            "status": pipeline.status if over else "running", "source": "push", "created_at": show_instant(pipeline.started_at),
            "updated_at": show_instant(pipeline.finished_at if over else pipeline.started_at), "web_url": web, "name": None,
        }  # fmt: skip
        if whole:
            shown |= {
                "before_sha": "0" * 40, "tag": False, "yaml_errors": None, "user": None, "committed_at": None,
                "started_at": show_instant(pipeline.started_at), "finished_at": show_instant(pipeline.finished_at) if over else None,
                "duration": (pipeline.finished_at - pipeline.started_at) // 1000 if over else None, "queued_duration": 1,
                "coverage": None, "detailed_status": {"text": shown["status"], "group": shown["status"]},
            }  # fmt: skip
        return shown

    def jobs(self, project: Project, pipeline: Pipeline) -> list[dict[str, Any]]:
        """Write the jobs of a pipeline."""
        over = pipeline.finished_at <= self.now
        status = pipeline.status if over else "running"
        brief = {
            "id": pipeline.id,
            "project_id": project.id,
            "ref": pipeline.ref,
            "sha": pipeline.sha,
            "status": status,
        }
        return [
            {
                "id": pipeline.id * 10 + number, "status": status, "stage": "test", "name": name, "ref": pipeline.ref, "tag": False,
                "coverage": None, "allow_failure": False, "created_at": show_instant(pipeline.started_at),
                "started_at": show_instant(pipeline.started_at), "finished_at": show_instant(pipeline.finished_at) if over else None,
                "erased_at": None, "duration": 720.0, "queued_duration": 1.0, "user": None, "commit": None, "pipeline": brief,
                "web_url": f"{self.base}/{project.path}/-/jobs/{pipeline.id * 10 + number}", "project": {"ci_job_token_scope_enabled": False},
                "artifacts": [], "runner": None, "artifacts_expire_at": None, "archived": False, "tag_list": [],
            }
            for number, name in enumerate(("unit", "smoke"))
        ]  # fmt: skip

    def test_report_summary(self, pipeline: Pipeline) -> dict[str, Any]:
        """Write how many tests passed."""
        over = pipeline.finished_at <= self.now
        ran, failed = (pipeline.tests if over else 0), (2 if over and pipeline.status == "failed" else 0)
        total = {"time": 600.5, "count": ran, "success": ran - failed, "failed": failed, "skipped": 0, "error": 0}
        suite = {
            f"total_{name}" if name in {"time", "count"} else f"{name}_count": value for name, value in total.items()
        }
        return {
            "total": total | {"suite_error": None},
            "test_suites": [{"name": "unit", "build_ids": [pipeline.id * 10], "suite_error": None, **suite}] if over else [],
        }  # fmt: skip

    # -- tickets ------------------------------------------------------------------------------

    def milestone(self, project: Project, title: str) -> dict[str, Any]:
        """Write the milestone of a month."""
        number = int(title.replace(".", ""))
        due = f"{title.replace('.', '-')}-28"
        return {
            "id": project.id * 1_000_000 + number, "iid": number, "project_id": project.id, "title": title, "description": "",
            "state": "active", "created_at": show_instant(project.created_at), "updated_at": show_instant(project.created_at),
            "due_date": due, "start_date": f"{due[:8]}01", "expired": False,
            "web_url": f"{self.base}/{project.path}/-/milestones/{number}",
        }  # fmt: skip

    def task(self, project: Project, task: Task) -> dict[str, Any]:
        """Write a ticket of GitLab's own."""
        taken = [step for step in task.steps if step.at <= self.now]
        closings = [step for step in taken if isinstance(step, StateStep)]
        closed = closings[-1] if closings and closings[-1].state == "closed" else None
        labels = [step.label for step in taken if isinstance(step, LabelStep) and step.action == "add"]
        gone = {step.label for step in taken if isinstance(step, LabelStep) and step.action == "remove"}
        return {
            "id": task.id, "iid": task.iid, "project_id": project.id, "title": task.title, "description": "",
            "state": "closed" if closed else "opened", "created_at": show_instant(task.created_at),
            "updated_at": show_instant(self.task_updated_at(task)), "closed_at": show_instant(closed.at) if closed else None,
            "closed_by": self.person(closed.person) if closed else None, "labels": [name for name in labels if name not in gone],
            "milestone": None, "assignees": [self.person(task.author)], "author": self.person(task.author),
            "type": task.type.upper(), "assignee": self.person(task.author), "user_notes_count": 0, "merge_requests_count": 0,
            "upvotes": 0, "downvotes": 0, "due_date": None, "confidential": False, "discussion_locked": None,
            "issue_type": task.type, "web_url": f"{self.base}/{project.path}/-/issues/{task.iid}", "time_stats": _TIME_STATS,
            "task_completion_status": {"count": 0, "completed_count": 0}, "blocking_issues_count": 0, "has_tasks": False,
            "task_status": "", "references": {"short": f"#{task.iid}", "relative": f"#{task.iid}", "full": f"{project.path}#{task.iid}"},
            "severity": "UNKNOWN", "moved_to_id": None, "imported": False, "imported_from": "none", "service_desk_reply_to": None,
        }  # fmt: skip

    def task_updated_at(self, task: Task) -> int:
        """Return when a ticket last changed."""
        return max([task.created_at, *(step.at for step in task.steps if step.at <= self.now)])

    def state_events(self, task: Task) -> list[dict[str, Any]]:
        """Write when a ticket was closed and opened again."""
        return [
            {
                "id": task.id * 10 + number, "user": self.person(step.person), "created_at": show_instant(step.at),
                "resource_type": "Issue", "resource_id": task.id, "source_commit": None, "source_merge_request": None,
                "state": step.state,
            }
            for number, step in enumerate(task.steps)
            if isinstance(step, StateStep) and step.at <= self.now
        ]  # fmt: skip

    def label_events(self, task: Task) -> list[dict[str, Any]]:
        """Write when a ticket got labels and lost them."""
        return [
            {
                "id": task.id * 10 + number, "user": self.person(step.person), "created_at": show_instant(step.at),
                "resource_type": "Issue", "resource_id": task.id, "action": step.action,
                "label": {"id": user_id(step.person), "name": step.label, "color": "#808080", "description": None},
            }
            for number, step in enumerate(task.steps)
            if isinstance(step, LabelStep) and step.at <= self.now
        ]  # fmt: skip
