"""A merge request whose approved revision holds the files of a planned report: who approved it approved these bytes.

Which report it is stands in the name of its source branch, `report/<id>/r<revision>`, for that cannot be changed
afterwards as title, labels and description can. What was approved is hashed here from what the commit holds.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import msgspec

from hub_gitlab.client import NotFound
from hub_gitlab.value import as_dict, as_text, dicts
from hub_gitlab.wire import File, Headed, TreeEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.records import Approval
    from hub_gitlab.client import GitlabClient
    from hub_gitlab.draft import Sheet
    from hub_gitlab.mapping_settings import ReportRule
    from hub_gitlab.wire import Project

__all__ = ["Reported", "decisions_on_report", "files_of", "folder_in", "reported_by"]

_BRANCH = re.compile(r"report/(SR-[A-Za-z0-9][A-Za-z0-9._-]{0,200})/r([1-9][0-9]{0,4})")
_MOST_FILES = 100


class Reported(NamedTuple):
    """A revision of a report."""

    report_id: str
    revision: int


def folder_in(rules: Sequence[ReportRule], project: Project) -> str | None:
    """Return the folder in which a project keeps reports; None = it keeps none."""
    names = {str(project.id), project.path_with_namespace, project.named}
    return next((rule.folder.strip("/") for rule in rules if rule.project in names), None)


def reported_by(branch: Any) -> Reported | None:
    """Tell from its source branch which report a merge request brings."""
    found = _BRANCH.fullmatch(as_text(branch) or "")
    return None if found is None else Reported(found[1], int(found[2]))


def files_of(client: GitlabClient, place: str, folder: str, raw: msgspec.Raw) -> bytes | None:
    """Hash the files of the report at the head of a merge request; None where it brings none.

    `place` is the project's; JSON: `{"sha": head, "files": [{"name", "sha256"}]}`. Closed where they may not be read.
    """
    head = msgspec.json.decode(raw, type=Headed)
    about = reported_by(head.source_branch)
    if about is None or head.sha is None:
        return None
    path = "/".join(filter(None, (folder, about.report_id, f"r{about.revision}")))
    try:
        listed = client.pages(f"{place}/repository/tree", path=path, ref=head.sha, pagination="keyset")
    except NotFound:  # nothing is there at this commit, or nobody may see it: it approves nothing
        listed = []
    entries = [msgspec.json.decode(each, type=TreeEntry) for each in listed[:_MOST_FILES]]
    files = []
    for entry in entries:
        digest = _digest(client, place, entry, head.sha) if entry.type == "blob" else None
        files.append({"name": entry.path.rpartition("/")[2], "sha256": digest})
    return msgspec.json.encode({"sha": head.sha, "files": files if len(listed) <= _MOST_FILES else []})


def _digest(client: GitlabClient, place: str, entry: TreeEntry, ref: str) -> str | None:
    """Hash what a commit holds under a path; None where GitLab does not give it as it is."""
    try:
        file = client.get(f"{place}/repository/files/{quote(entry.path, safe='')}", File, ref=ref)
    except NotFound:
        return None
    if file.encoding != "base64":
        return None
    try:
        return hashlib.sha256(base64.b64decode(file.content, validate=True)).hexdigest()
    except binascii.Error:
        return None


def decisions_on_report(sheet: Sheet, request: dict[str, Any], approvals: Sequence[Approval]) -> list[Approval]:
    """Say of the approvals of a merge request what they decide on the report it brings, bound to its bytes."""
    from hub.report.plan.cycle import File as ReportFile  # noqa: PLC0415 - sources without reports do without it
    from hub.report.plan.cycle import content_hash  # noqa: PLC0415 - the same
    from hub.report.plan.desk import record_id  # noqa: PLC0415 - the same

    about, held = reported_by(request.get("source_branch")), as_dict(sheet.body.get("report_files"))
    if about is None or not held:
        return []
    files = [(as_text(each.get("name")), as_text(each.get("sha256"))) for each in dicts(held.get("files"))]
    whole = [ReportFile(name, digest) for name, digest in files if name and digest]
    if not whole or len(whole) != len(files):
        sheet.skip("report: its files are not in the merge request, or could not be read")
        return []
    digest = content_hash(whole)
    found = []
    for each in approvals:
        if each.subject_revision != held.get("sha"):
            sheet.skip("report: another commit was approved than the one whose files are known")
            continue
        found.append(
            msgspec.structs.replace(
                each,
                id=f"{each.id}/report",
                title=f"{each.decision} {about.report_id} r{about.revision}",
                subject_id=record_id(about.report_id, about.revision),
                subject_revision=digest,
            )
        )
    return found
