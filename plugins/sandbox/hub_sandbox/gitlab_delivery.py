"""How deployments, environments, releases, tags, files and rules look at an instant."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from hub_sandbox.gitlab_person import show_instant
from hub_sandbox.gitlab_state import Commit, Deployment, Project, Release, digest
from hub_sandbox.gitlab_view import GitlabView

__all__ = ["DeliveryView"]

_MAINTAINERS = [{"id": 1, "access_level": 40, "access_level_description": "Maintainers"}]
_NOBODY = [{"id": 2, "access_level": 0, "access_level_description": "No one"}]


class DeliveryView:
    """Shows what a project delivered, in the words of its `GitlabView`."""

    def __init__(self, view: GitlabView) -> None:
        self.view = view

    # -- deployments --------------------------------------------------------------------------

    def deployments(self, project: Project) -> list[Deployment]:
        """Return those that have begun, oldest first."""
        return [one for one in project.deployments if one.started_at <= self.view.now]

    def deployment_updated_at(self, made: Deployment) -> int:
        """Return when a deployment last changed."""
        return made.finished_at if made.finished_at <= self.view.now else made.started_at

    def deployment_status(self, made: Deployment) -> str:
        """Return GitLab's word for how a deployment stands."""
        return made.outcome if made.finished_at <= self.view.now else "running"

    def deployment(self, project: Project, made: Deployment) -> dict[str, Any]:
        """Write a deployment."""
        over = made.finished_at <= self.view.now
        status = self.deployment_status(made)
        commit = next(one for one in project.commits if one.sha == made.sha)
        user = self.view.person(made.actor)
        finished = show_instant(made.finished_at) if over else None
        job: dict[str, Any] = {
            "id": made.id * 10, "status": status, "stage": "deploy", "name": "deploy", "ref": "main", "tag": False,
            "coverage": None, "allow_failure": False, "created_at": show_instant(made.started_at),
            "started_at": show_instant(made.started_at), "finished_at": finished, "erased_at": None, "duration": None,
            "queued_duration": None, "user": user, "commit": self.view.commit(project, commit),
            "pipeline": {"id": made.id * 100, "project_id": project.id, "sha": made.sha, "ref": "main", "status": status,
                         "web_url": f"{self.view.base}/{project.path}/-/pipelines/{made.id * 100}"},
            "web_url": f"{self.view.base}/{project.path}/-/jobs/{made.id * 10}", "project": {"ci_job_token_scope_enabled": False},
            "artifacts": [], "runner": None, "artifacts_expire_at": None,
        }  # fmt: skip
        shown: dict[str, Any] = {
            "id": made.id, "iid": made.iid, "ref": "main", "sha": made.sha, "created_at": show_instant(made.started_at),
            "updated_at": show_instant(self.deployment_updated_at(made)), "user": user,
            "environment": self._brief(project, made.environment), "deployable": job, "status": status,
        }  # fmt: skip
        if project.tier == "premium":
            shown |= {"pending_approval_count": 0, "approvals": []}
        return shown

    def environments(self, project: Project) -> list[str]:
        """Return the names of the environments something was deployed to."""
        return sorted({one.environment for one in self.deployments(project)})

    def environment(self, project: Project, name: str) -> dict[str, Any]:
        """Write an environment."""
        tier = name if name in {"production", "staging", "testing", "development"} else "other"
        more = {
            "description": None,
            "tier": tier,
            "state": "available",
            "auto_stop_at": None,
            "auto_stop_setting": "always",
        }
        return self._brief(project, name) | more

    @staticmethod
    def _brief(project: Project, name: str) -> dict[str, Any]:
        at = show_instant(project.created_at)
        number = project.id * 100 + len(name)
        return {"id": number, "name": name, "slug": name, "external_url": None, "created_at": at, "updated_at": at}

    # -- releases -----------------------------------------------------------------------------

    def releases(self, project: Project) -> list[Release]:
        """Return those that were published, newest first."""
        return [one for one in project.releases if one.released_at <= self.view.now][::-1]

    def release(self, project: Project, release: Release) -> dict[str, Any]:
        """Write a release."""
        web = f"{self.view.base}/{project.path}"
        at = show_instant(release.released_at)
        evidences = (
            []
            if release.evidence is None
            else [
                {
                    "sha": hashlib.sha256(f"evidence {release.evidence}".encode()).hexdigest()[:40],
                    "filepath": f"{web}/-/releases/{release.tag}/evidences/{release.evidence}.json", "collected_at": at,
                }
            ]
        )  # fmt: skip
        image = {
            "id": release.released_at % 1_000_000, "name": "image", "url": f"https://registry.example.com/{project.path}:{release.tag}",
            "direct_asset_url": f"{web}/-/releases/{release.tag}/downloads/image", "link_type": "image",
        }  # fmt: skip
        return {
            "name": release.tag, "tag_name": release.tag, "description": release.description, "created_at": at,
            "released_at": at, "upcoming_release": False, "author": self.view.person(release.author),
            "commit": self.view.commit(project, self._commit(project, release.sha)),
            "milestones": [self.view.milestone(project, release.milestone)],
            "commit_path": f"/{project.path}/-/commit/{release.sha}", "tag_path": f"/{project.path}/-/tags/{release.tag}",
            "assets": {
                "count": 2, "sources": [{"format": "zip", "url": f"{web}/-/archive/{release.tag}/{release.tag}.zip"}], "links": [image],
            },
            "evidences": evidences, "_links": {"self": f"{web}/-/releases/{release.tag}"},
        }  # fmt: skip

    def tag(self, project: Project, release: Release) -> dict[str, Any]:
        """Write the tag of a release."""
        return {
            "name": release.tag, "message": "", "target": digest("tag", release.tag),
            "commit": self.view.commit(project, self._commit(project, release.sha)),
            "release": {"tag_name": release.tag, "description": release.description}, "protected": project.tier == "premium",
            "created_at": show_instant(release.released_at),
        }  # fmt: skip

    @staticmethod
    def _commit(project: Project, sha: str) -> Commit:
        return next(one for one in project.commits if one.sha == sha)

    # -- files --------------------------------------------------------------------------------

    def tree(self, project: Project, path: str, ref: str, *, recursive: bool) -> list[dict[str, Any]]:
        """Write the entries of a folder, folders first."""
        prefix = f"{path.strip('/')}/" if path.strip("/") else ""
        entries: dict[str, dict[str, Any]] = {}
        for name, (text, _) in sorted(project.files(self.view.now, ref).items()):
            if not name.startswith(prefix):
                continue
            parts = name[len(prefix) :].split("/")
            for depth in range(1, len(parts) if recursive else min(2, len(parts))):
                folder = prefix + "/".join(parts[:depth])
                entries[folder] = {
                    "id": digest("tree", folder),
                    "name": parts[depth - 1],
                    "type": "tree",
                    "path": folder,
                    "mode": "040000",
                }
            if recursive or len(parts) == 1:
                entries[name] = {
                    "id": digest("blob", text),
                    "name": parts[-1],
                    "type": "blob",
                    "path": name,
                    "mode": "100644",
                }
        return sorted(entries.values(), key=lambda entry: (entry["type"] == "blob", entry["path"]))

    def file(self, project: Project, path: str, ref: str) -> dict[str, Any] | None:
        """Write a file with its text; None where there is none."""
        found = project.files(self.view.now, ref).get(path)
        if found is None:
            return None
        text, commit = found
        content = text.encode()
        return {
            "file_name": path.rpartition("/")[2], "file_path": path, "size": len(content), "encoding": "base64",
            "content_sha256": hashlib.sha256(content).hexdigest(), "ref": ref, "blob_id": digest("blob", text),
            "commit_id": commit.sha, "last_commit_id": commit.sha, "execute_filemode": False,
            "content": base64.b64encode(content).decode(),
        }  # fmt: skip

    # -- rules --------------------------------------------------------------------------------

    def protected_branches(self, project: Project) -> list[dict[str, Any]]:
        """Write which branches are guarded."""
        shown: dict[str, Any] = {
            "id": project.id * 10, "name": "main", "push_access_levels": _NOBODY, "merge_access_levels": _MAINTAINERS,
            "allow_force_push": False,
        }  # fmt: skip
        if project.tier == "premium":
            shown |= {"unprotect_access_levels": [], "code_owner_approval_required": False, "inherited": False}
        return [shown]

    def approval_rules(self, project: Project) -> list[dict[str, Any]]:
        """Write how many have to approve (Premium)."""
        return [
            {
                "id": project.id * 10 + 1, "name": "Change authority", "rule_type": "regular", "report_type": None,
                "eligible_approvers": [self.view.person("dora"), self.view.person("alice")], "approvals_required": 1,
                "users": [self.view.person("dora"), self.view.person("alice")], "groups": [], "contains_hidden_groups": False,
                "protected_branches": [], "applies_to_all_protected_branches": True,
            }
        ]  # fmt: skip

    def approval_settings(self) -> dict[str, Any]:
        """Write what happens to approvals (Premium): here a push does not take them back."""
        return {
            "approvers": [], "approver_groups": [], "approvals_before_merge": 0, "reset_approvals_on_push": False,
            "selective_code_owner_removals": False, "disable_overriding_approvers_per_merge_request": False,
            "merge_requests_author_approval": True, "merge_requests_disable_committers_approval": False,
            "require_password_to_approve": False, "require_reauthentication_to_approve": False,
        }  # fmt: skip
