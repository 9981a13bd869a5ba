"""Issues as Jira shows them at an instant, encoded once and kept until the clock moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hub_sandbox.jira_history import history_entries
from hub_sandbox.jira_person import show_person
from hub_sandbox.jira_text import adf, show_date, show_duration, show_time
from hub_sandbox.people import ALL_ACCOUNTS, SERVICES
from hub_sandbox.vocabulary import FIELDS, ISSUE_TYPES, LINK_TYPES, PRIORITIES, PROJECTS, STATUSES, FieldSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from hub_sandbox.jira_person import Flavour
    from hub_sandbox.timeline import Approval, Issue, Link, Sla, State, Step

__all__ = ["CHANGELOG_CAP", "COMMENT_CAP", "JiraView"]

CHANGELOG_CAP = 40
COMMENT_CAP = 20
"""How many entries and comments Jira Cloud embeds in a search answer at most."""
_EMPTY = dict.fromkeys(spec.id for spec in FIELDS.values())
_CATEGORIES = {
    "new": (2, "blue-gray", "To Do"),
    "indeterminate": (4, "yellow", "In Progress"),
    "done": (3, "green", "Done"),
}


class JiraView:
    """The organisation through one flavour of Jira at one instant (UTC ms)."""

    def __init__(
        self,
        flavour: Flavour,
        base: str,
        now_ms: int,
        visible: Callable[[Issue], bool],
        *,
        ended: Collection[str] = (),
    ) -> None:
        self.flavour: Flavour = flavour
        self.api = f"{base}/rest/api/{3 if flavour == 'cloud' else 2}"
        self.now_ms = now_ms
        self._visible = visible
        self._cache: dict[tuple[int, tuple[str, ...] | None, bool], msgspec.Raw] = {}
        self.people = {
            person.id: _raw(show_person(person.id, flavour, base, now_ms, ended=ended)) for person in ALL_ACCOUNTS
        }
        self.statuses = {name: _raw(self.status(name)) for name in STATUSES}
        self.types = {name: _raw(self.issue_type(name)) for name in ISSUE_TYPES}
        self.projects = {key: _raw(self.project(key)) for key in PROJECTS}
        self._priorities = {
            name: _raw({"self": f"{self.api}/priority/{number}", "name": name, "id": str(number)})
            for name, number in PRIORITIES.items()
        }
        self._plain: dict[str, Callable[[Any], Any]] = {
            "user": self.people.__getitem__,
            "datetime": show_time,
            "number": float,
        }
        self._components = {
            service.id: _raw(
                {
                    "self": f"{self.api}/component/{service.component_id}",
                    "id": str(service.component_id),
                    "name": service.name,
                }
            )
            for service in SERVICES
        }

    def status(self, name: str) -> dict[str, Any]:
        """Return a status."""
        status = STATUSES[name]
        number, colour, text = _CATEGORIES[status.category]
        category = {
            "self": f"{self.api}/statuscategory/{number}",
            "id": number,
            "key": status.category,
            "colorName": colour,
            "name": text,
        }
        return {
            "self": f"{self.api}/status/{status.id}",
            "description": "",
            "name": name,
            "id": str(status.id),
            "statusCategory": category,
        }

    def issue_type(self, name: str) -> dict[str, Any]:
        """Return an issue type."""
        number = ISSUE_TYPES[name].id
        return {
            "self": f"{self.api}/issuetype/{number}",
            "id": str(number),
            "description": "",
            "name": name,
            "subtask": False,
        }

    def project(self, key: str) -> dict[str, Any]:
        """Return a project as it stands in lists and issues."""
        project = PROJECTS[key]
        shown: dict[str, Any] = {
            "self": f"{self.api}/project/{project.id}",
            "id": str(project.id),
            "key": key,
            "name": project.name,
        }
        return shown | (
            {"projectTypeKey": "service_desk", "simplified": False} if self.flavour == "cloud" else {"archived": False}
        )

    def issue(
        self, issue: Issue, fields: tuple[str, ...] | None, *, changelog: bool, capped: bool = True
    ) -> msgspec.Raw:
        """Return an issue as encoded JSON; `fields` as asked, None = all."""
        key = (issue.id if capped else -issue.id, fields, changelog)
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = _raw(self._show(issue, fields, changelog=changelog, capped=capped))
        return found

    def histories(self, issue: Issue) -> list[dict[str, Any]]:
        """Return the whole changelog, oldest first."""
        steps = sum(step.at <= self.now_ms for step in issue.steps)
        return history_entries(issue, steps, self.flavour, self.people, self.now_ms)

    def comments(self, issue: Issue) -> list[dict[str, Any]]:
        """Return all comments, oldest first."""
        return [self._comment(issue, step) for step in issue.state_at(self.now_ms).comments]

    def _show(self, issue: Issue, fields: tuple[str, ...] | None, *, changelog: bool, capped: bool) -> dict[str, Any]:
        state = issue.state_at(self.now_ms)
        shown: dict[str, Any] = {
            "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
            "id": str(issue.id),
            "self": f"{self.api}/issue/{issue.id}",
            "key": state.key,
        }
        if fields != ():
            values = self._fields(issue, state, capped=capped)
            shown["fields"] = values if fields is None else {name: values[name] for name in fields if name in values}
        if changelog:
            entries = history_entries(issue, state.steps, self.flavour, self.people, self.now_ms)
            total = len(entries)
            entries.reverse()
            if self.flavour == "cloud" and capped:
                entries = entries[:CHANGELOG_CAP]
            shown["changelog"] = {"startAt": 0, "maxResults": len(entries), "total": total, "histories": entries}
        return shown

    def _fields(self, issue: Issue, state: State, *, capped: bool) -> dict[str, Any]:
        values = state.fields
        rich = adf if self.flavour == "cloud" else str
        done = values.get("resolution")
        shown: dict[str, Any] = {
            "summary": values["summary"],
            "description": rich(values["description"]) if values.get("description") else None,
            "issuetype": self.types[values["issuetype"]],
            "project": self.projects[values["project"]],
            "status": self.statuses[values["status"]],
            "priority": self._priorities[values["priority"]],
            "resolution": {"self": f"{self.api}/resolution/10000", "id": "10000", "name": done} if done else None,
            "resolutiondate": show_time(self._resolved_at(issue)) if done else None,
            "created": show_time(issue.created_at),
            "updated": show_time(state.updated_at),
            "creator": self.people[issue.creator],
            "reporter": self.people[values["reporter"]],
            "assignee": self.people[values["assignee"]] if values.get("assignee") else None,
            "labels": values["labels"],
            "components": [self._components[name] for name in values.get("components", ())],
            "fixVersions": [],
            "issuelinks": [self._link(issue, link) for link in state.links if self._linked(issue, link)],
        }
        comments = [self._comment(issue, step) for step in state.comments]
        total = len(comments)
        if self.flavour == "cloud" and capped:
            comments = comments[-COMMENT_CAP:]
        shown["comment"] = {
            "comments": comments,
            "self": f"{self.api}/issue/{issue.id}/comment",
            "maxResults": len(comments),
            "total": total,
            "startAt": 0,
        }
        shown |= _EMPTY
        for word, value in values.items():
            if value is not None and word in FIELDS:
                spec = FIELDS[word]
                shown[spec.id] = self._custom(issue, spec, value)
        return shown

    def _resolved_at(self, issue: Issue) -> int:
        changes = [step for step in issue.steps if step.at <= self.now_ms and "resolution" in step.changes]
        at = changes[-1].at
        for step in reversed(changes):
            if step.changes["resolution"] is None:
                break
            at = step.at
        return at

    def _custom(self, issue: Issue, spec: FieldSpec, value: Any) -> Any:
        if spec.type == "option":
            number = spec.option_id(value)
            return {"self": f"{self.api}/customFieldOption/{number}", "value": value, "id": number}
        if spec.type == "approvals":
            return [self._approval(issue, item) for item in value]
        if spec.type == "sla":
            return self._sla(issue, value)
        if spec.type == "rich" and self.flavour == "cloud":
            return adf(value)
        return self._plain[spec.type](value) if spec.type in self._plain else value

    def _approval(self, issue: Issue, approval: Approval) -> dict[str, Any]:
        shown = {
            "id": str(approval.id),
            "name": "Authorise the change",
            "finalDecision": approval.decision,
            "canAnswerApproval": False,
            "approvers": [
                {"approver": self.people[person], "approverDecision": decision}
                for person, decision in approval.approvers
            ],
            "createdDate": show_date(approval.created_at),
            "_links": {
                "self": f"{self.api.rpartition('/rest')[0]}/rest/servicedeskapi/request/{issue.id}/approval/{approval.id}"
            },
        }
        return shown if approval.completed_at is None else shown | {"completedDate": show_date(approval.completed_at)}

    def _sla(self, issue: Issue, sla: Sla) -> dict[str, Any]:
        links = {"self": f"{self.api.rpartition('/rest')[0]}/rest/servicedeskapi/request/{issue.id}/sla/1"}
        shown: dict[str, Any] = {"id": "1", "name": "Time to resolution", "_links": links, "completedCycles": []}
        elapsed = self.now_ms - sla.start if sla.elapsed_ms is None else sla.elapsed_ms
        cycle = {
            "startTime": show_date(sla.start),
            "breachTime": show_date(sla.due),
            "breached": (self.now_ms if sla.stop is None else sla.stop) > sla.due,
            "goalDuration": show_duration(sla.goal_ms),
            "elapsedTime": show_duration(elapsed),
            "remainingTime": show_duration(sla.goal_ms - elapsed),
        }
        if sla.stop is None:
            shown["ongoingCycle"] = cycle | {"paused": False, "withinCalendarHours": True}
        else:
            shown["completedCycles"] = [cycle | {"stopTime": show_date(sla.stop)}]
        return shown

    def _linked(self, issue: Issue, link: Link) -> bool:
        other = link.target if link.source is issue else link.source
        return other.exists_at(self.now_ms) and self._visible(other)

    def _link(self, issue: Issue, link: Link) -> dict[str, Any]:
        kind = LINK_TYPES[link.type]
        outward = link.source is issue
        other = link.target if outward else link.source
        stub = {
            "id": str(other.id),
            "key": other.key_at(self.now_ms),
            "self": f"{self.api}/issue/{other.id}",
            "fields": {
                "summary": other.fields["summary"],
                "status": self.statuses[other.value_at("status", self.now_ms)],
                "issuetype": self.types[other.value_at("issuetype", self.now_ms)],
            },
        }
        shown_type = {
            "id": str(kind.id),
            "name": kind.name,
            "inward": kind.inward,
            "outward": kind.outward,
            "self": f"{self.api}/issueLinkType/{kind.id}",
        }
        return {
            "id": str(link.id),
            "self": f"{self.api}/issueLink/{link.id}",
            "type": shown_type,
            "outwardIssue" if outward else "inwardIssue": stub,
        }

    def _comment(self, issue: Issue, step: Step) -> dict[str, Any]:
        assert step.comment is not None  # noqa: S101 - callers pick steps that say something
        text = str(step.comment.text)
        author = self.people[step.actor]
        at = show_time(step.at)
        shown: dict[str, Any] = {
            "self": f"{self.api}/issue/{issue.id}/comment/{step.id}",
            "id": str(step.id),
            "author": author,
            "body": adf(text) if self.flavour == "cloud" else text,
            "updateAuthor": author,
            "created": at,
            "updated": at,
        }
        if self.flavour == "cloud":
            return shown | {"jsdPublic": step.comment.public}
        internal = {"key": "sd.public.comment", "value": {"internal": not step.comment.public}}
        return shown | {"properties": [internal]}


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
