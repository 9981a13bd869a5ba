"""What GitLab keeps beside a list: approvals, versions, commits, pipelines, events; asked for object by object.

Only objects that changed are asked after, several at a time over a small pool. What the account may not
see stays out of the document and is named in it (`refused`); approvals that are refused are a gap besides,
for a change without approvals must never look like one whose approvals nobody could read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from hub.errors import ProtocolFault
from hub_gitlab.client import Closed, NotFound
from hub_gitlab.report import files_of
from hub_gitlab.wire import Approvals, Note, Numbered, Pipeline, WithApprovals, WithPipeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub_gitlab.client import GitlabClient
    from hub_gitlab.listing import Surroundings
    from hub_gitlab.settings import GitlabSettings
    from hub_gitlab.walk import Seen
    from hub_gitlab.wire import DeploymentHead, Head

__all__ = ["Assembled", "Parts", "compose", "read_raw", "several", "write_array"]

H = TypeVar("H", bound="Head")
T = TypeVar("T")
R = TypeVar("R")
DECISIONS = ("approved this merge request", "unapproved this merge request", "requested changes")
"""How system notes begin that tell of an approval, in whatever language people read GitLab."""
UNFINISHED = frozenset({"created", "waiting_for_resource", "preparing", "pending", "running"})
"""Pipelines that will still change, and their merge request with them."""


@dataclass(slots=True)
class Assembled:
    """One object with its parts."""

    native_id: str
    body: bytes | None
    """None = it was gone when its parts were asked for."""
    gaps: list[str] = field(default_factory=list)
    refused: bool = False
    """A part was not for this account."""
    waits: bool = False
    """Its pipeline had not ended."""


@dataclass(slots=True)
class _Gathered:
    members: dict[str, bytes | msgspec.Raw]
    refused: dict[str, str] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)

    def body(self) -> bytes:
        refused = {"refused": msgspec.json.encode(self.refused)} if self.refused else {}
        return compose({**self.members, **refused})


def compose(members: Mapping[str, bytes | msgspec.Raw]) -> bytes:
    """Write an object of members that are JSON already."""
    pieces: list[bytes | msgspec.Raw] = []
    for name, value in members.items():
        pieces += (b',"', name.encode(), b'":', value)
    pieces[:1] = (b'{"',) if pieces else (b"{",)
    return b"".join((*pieces, b"}"))


def several(found: Sequence[T], complete: Callable[[T], R], at_once: int) -> list[R]:
    """Do the same to each, up to `at_once` at the same time; results in order, the first fault is raised."""
    if at_once == 1 or len(found) <= 1:
        return [complete(each) for each in found]
    with ThreadPoolExecutor(min(at_once, len(found)), thread_name_prefix="part") as pool:
        waiting = [pool.submit(complete, each) for each in found]
        try:
            return [each.result() for each in waiting]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class Parts:
    """Asks for the parts of the objects of one project."""

    def __init__(
        self,
        client: GitlabClient,
        settings: GitlabSettings,
        project_id: int,
        shown: bytes,
        *,
        reports: str | None = None,
    ) -> None:
        """Make one; `reports` = folder of the project in which planned reports are approved."""
        self._client = client
        self._wanted = frozenset(settings.parts)
        self._premium = settings.premium
        self._at_once = settings.at_once
        self._id = project_id
        self._shown = shown
        """The project, as JSON."""
        self._place = f"/projects/{project_id}"
        self._reports = reports
        self._sure = False

    def merge_requests(self, found: Sequence[Seen[Head]], reached: frozenset[int] | None) -> list[Assembled]:
        """Complete merge requests; `reached` = iids of those that came to production, None = not asked."""
        return self._each(found, lambda each: self._merge_request(each, reached))

    def issues(self, found: Sequence[Seen[Head]]) -> list[Assembled]:
        """Complete issues."""
        return self._each(found, self._issue)

    def deployments(self, found: Sequence[Seen[DeploymentHead]], around: Surroundings) -> list[Assembled]:
        """Complete deployments; `around` gives what the project says of one."""
        return self._each(found, lambda each: self._deployment(each, around))

    def review(self, iid: int) -> tuple[dict[str, bytes | msgspec.Raw], bool]:
        """Give approvals, their events and versions of one merge request, and whether one of them was refused."""
        gathered = _Gathered({})
        self._reviewed(gathered, f"{self._place}/merge_requests/{iid}", iid)
        return gathered.members, bool(gathered.refused)

    def _each(self, found: Sequence[Seen[H]], complete: Callable[[Seen[H]], Assembled]) -> list[Assembled]:
        """Complete the objects of a page, some at once, and give them in their order."""
        self._sure = False
        return several(found, complete, self._at_once if self._wanted else 1)

    def _merge_request(self, seen: Seen[Head], reached: frozenset[int] | None) -> Assembled:
        iid = seen.head.iid
        place = f"{self._place}/merge_requests/{iid}"
        native_id = str(seen.head.id)
        gathered = _Gathered({"project": self._shown, "merge_request": seen.raw})
        waits = False
        if "pipeline" in self._wanted:
            try:
                single = self._client.get(place, msgspec.Raw)
            except NotFound:
                self._require_project()
                return Assembled(native_id, None, [f"merge request !{iid}: listed, and gone when it was asked for"])
            except Closed as fault:
                gathered.refused["pipeline"] = str(fault.status)
            else:
                waits = self._pipeline(gathered, single, seen)
        self._reviewed(gathered, place, iid)
        if self._reports is not None:
            self._report(gathered, gathered.members["merge_request"])
        self._lists(
            gathered,
            place,
            {
                "commits": "commits",
                "closes": "closes_issues",
                "state_events": "resource_state_events",
                "label_events": "resource_label_events",
            },
        )
        if reached is not None:
            gathered.members["reached_production"] = b"true" if iid in reached else b"false"
        return Assembled(native_id, gathered.body(), gathered.gaps, bool(gathered.refused), waits)

    def _reviewed(self, gathered: _Gathered, place: str, iid: int) -> None:
        if "approvals" in self._wanted:
            try:
                gathered.members["approvals"] = self._checked(f"{place}/approvals", Approvals)
            except Closed as fault:
                self._refuse(gathered, "approvals", fault)
                gathered.gaps.append(f"merge request !{iid}: {fault}")
        if "approval_events" in self._wanted:
            notes = self._list(
                gathered, "approval_events", f"{place}/notes", sort="asc", activity_filter="only_activity"
            )
            if notes is not None:
                decisions = [raw for raw in notes if _is_decision(read_raw(raw, Note))]
                gathered.members["approval_events"] = write_array(decisions)
        self._lists(gathered, place, {"versions": "versions"})

    def _report(self, gathered: _Gathered, request: bytes | msgspec.Raw) -> None:
        try:
            found = files_of(self._client, self._place, self._reports or "", msgspec.Raw(request))
        except Closed as fault:
            self._refuse(gathered, "report_files", fault)
        else:
            if found is not None:
                gathered.members["report_files"] = found

    def _pipeline(self, gathered: _Gathered, single: msgspec.Raw, seen: Seen[Head]) -> bool:
        """Take the single form in place of the listed one, its pipeline and those of what merging made; tell whether one runs."""
        head = read_raw(single, WithPipeline)
        if head.id != seen.head.id:
            raise ProtocolFault(f"merge request !{seen.head.iid}: GitLab gives another one than was asked for")
        gathered.members["merge_request"] = single
        runs = False
        if bytes(head.head_pipeline) == b"null":
            gathered.members["pipeline"] = b"null"
        else:
            gathered.members["pipeline"], runs = self._tested(gathered, head.head_pipeline)
        if head.merged_as is None:
            return runs
        after = self._list(gathered, "pipelines", f"{self._place}/pipelines", sha=head.merged_as)
        if after is None:
            return runs
        listed = [read_raw(each, Pipeline).id for each in after]
        try:  # the list does not say when one ended
            whole = [
                self._tested(gathered, self._checked(f"{self._place}/pipelines/{one}", Pipeline)) for one in listed
            ]
        except Closed as fault:
            self._refuse(gathered, "pipelines", fault)
            return runs
        gathered.members["pipelines"] = b"[" + b",".join(each for each, _ in whole) + b"]"
        return runs or any(running for _, running in whole)

    def _tested(self, gathered: _Gathered, pipeline: msgspec.Raw) -> tuple[bytes, bool]:
        """Add jobs and test report to a pipeline; also tell whether it still runs."""
        told = read_raw(pipeline, Pipeline)
        place = f"/projects/{told.project_id or self._id}/pipelines/{told.id}"
        members = _members(pipeline)
        jobs = self._list(gathered, "jobs", f"{place}/jobs")
        if jobs is not None:
            members["jobs"] = write_array(jobs)
        try:
            members["test_report_summary"] = self._checked(f"{place}/test_report_summary", dict[str, msgspec.Raw])
        except Closed as fault:
            self._refuse(gathered, "test_report_summary", fault)
        return compose(members), told.status in UNFINISHED

    def _issue(self, seen: Seen[Head]) -> Assembled:
        place = f"{self._place}/issues/{seen.head.iid}"
        gathered = _Gathered({"project": self._shown, "issue": seen.raw})
        self._lists(gathered, place, {"state_events": "resource_state_events", "label_events": "resource_label_events"})
        if "notes" in self._wanted:
            notes = self._list(gathered, "notes", f"{place}/notes", sort="asc", activity_filter="only_comments")
            if notes is not None:
                gathered.members["notes"] = write_array([raw for raw in notes if _is_public(read_raw(raw, Note))])
        return Assembled(str(seen.head.id), gathered.body(), gathered.gaps, bool(gathered.refused))

    def _deployment(self, seen: Seen[DeploymentHead], around: Surroundings) -> Assembled:
        place = f"{self._place}/deployments/{seen.head.id}"
        gathered = _Gathered(
            {"project": self._shown, "deployment": seen.raw, **around.of(seen.head)}, dict(around.refused)
        )
        if self._premium:
            try:
                single = self._client.get(place, msgspec.Raw)
            except Closed as fault:
                self._refuse(gathered, "approvals", fault)
            else:
                told = read_raw(single, WithApprovals)
                if told.approvals is not msgspec.UNSET:
                    gathered.members["approvals"] = told.approvals
        self._lists(gathered, place, {"merge_requests": "merge_requests"})
        return Assembled(str(seen.head.id), gathered.body(), gathered.gaps, bool(gathered.refused))

    def _lists(self, gathered: _Gathered, place: str, named: Mapping[str, str]) -> None:
        for part, last in named.items():
            if part in self._wanted:
                found = self._list(gathered, part, f"{place}/{last}")
                if found is not None:
                    gathered.members[part] = write_array(found)

    def _list(self, gathered: _Gathered, part: str, path: str, **params: str) -> list[msgspec.Raw] | None:
        """Ask for a whole list of objects; None = refused."""
        try:
            found = self._client.pages(path, **params)
        except Closed as fault:
            self._refuse(gathered, part, fault)
            return None
        for each in found:
            read_raw(each, Numbered if part != "commits" else dict[str, msgspec.Raw])
        return found

    def _checked(self, path: str, shape: Any) -> msgspec.Raw:
        raw = self._client.get(path, msgspec.Raw)
        read_raw(raw, shape)
        return raw

    def _refuse(self, gathered: _Gathered, part: str, fault: Closed) -> None:
        if isinstance(fault, NotFound):
            self._require_project()
        gathered.refused[part] = str(fault.status)

    def _require_project(self) -> None:
        """Raise ScopeUnreadable where the whole project is gone, as deleted ones are in mid-reading."""
        if not self._sure:
            self._client.get(self._place, Numbered)
            self._sure = True


def write_array(found: Sequence[msgspec.Raw]) -> bytes:
    """Write a list of what is JSON already."""
    return b"[" + b",".join(bytes(each) for each in found) + b"]"


def _members(raw: msgspec.Raw) -> dict[str, bytes | msgspec.Raw]:
    return dict(read_raw(raw, dict[str, msgspec.Raw]))


def read_raw(raw: msgspec.Raw, shape: Any) -> Any:
    """Look at an object; ProtocolFault where it has another shape."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolFault(f"GitLab gives an object of an unexpected shape ({error})") from None


def _is_decision(note: Note) -> bool:
    return note.system and (note.body or "").startswith(DECISIONS)


def _is_public(note: Note) -> bool:
    return not (note.system or note.internal or note.confidential)
