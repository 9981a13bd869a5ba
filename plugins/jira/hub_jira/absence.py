"""Issues asked after by their id: what no project that is read lists any more may have been moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from hub.errors import ProtocolFault, SourceError
from hub.sync.source import Document, Page
from hub_jira.completion import Completion
from hub_jira.search import Found, read_head
from hub_jira.wire import OffsetPage

if TYPE_CHECKING:
    from hub_jira.client import JiraClient
    from hub_jira.settings import JiraSettings

__all__ = ["find_issues"]

ISSUES_A_CALL = 100
"""Most that `issue/bulkfetch` takes, and Data Center is asked for no more at once."""


class _Fault(msgspec.Struct, rename="camel"):
    id: str | int
    error_message: str | None = None


class _Bulk(msgspec.Struct, rename="camel"):
    """`/rest/api/3/issue/bulkfetch`: what is deleted and what is hidden is left out alike."""

    issues: list[msgspec.Raw] = []
    issue_errors: list[_Fault] = []


def find_issues(
    client: JiraClient, settings: JiraSettings, names: dict[str, str], native_ids: Sequence[str]
) -> Iterator[Page]:
    """Yield those that this account may still see, whole, each under the project it is in now.

    Raises SourceError where Jira cannot tell of one; that one is left out proves nothing but that it is not
    to be seen (Cloud leaves deleted and hidden ones out, Data Center answers 404 to both).
    """
    cloud = settings.flavour == "cloud"
    counted = 0
    for first in range(0, len(native_ids), ISSUES_A_CALL):
        asked = list(native_ids[first : first + ISSUES_A_CALL])
        raw = _bulk(client, asked) if cloud else _search(client, asked)
        heads = [read_head(each) for each in raw]
        scopes = {head.id: head.key.rpartition("-")[0] for head in heads}
        if unknown := sorted(scopes.keys() - set(asked)):
            raise ProtocolFault(f"asking after issues: Jira gives issue {unknown[0]}, which was not asked for")
        completion = Completion(client, cloud=cloud, names=names, batch_size=ISSUES_A_CALL)
        for batch in completion.batches(Found(raw, heads, None)):
            documents = [Document("issue", each, scopes[each], body) for each, body in batch.issues if scopes[each]]
            yield Page(documents, {}, requests=client.requests - counted, gaps=batch.gaps)
            counted = client.requests
    if native_ids:
        client.whoami()  # nothing is also what Jira shows to strangers


def _bulk(client: JiraClient, asked: list[str]) -> list[msgspec.Raw]:
    """Ask Cloud; what it could not give with the others is asked for alone."""
    found: list[msgspec.Raw] = []
    waiting = [asked]
    while waiting:
        ids = waiting.pop()
        body: dict[str, Any] = {"issueIdsOrKeys": ids, "fields": ["*all"], "expand": ["changelog"]}
        answer = client.post(f"{client.api}/issue/bulkfetch", _Bulk, body)
        found += answer.issues
        failed = [str(each.id) for each in answer.issue_errors]
        if failed and len(ids) == 1:
            raise SourceError(f"POST {client.api}/issue/bulkfetch: Jira cannot tell of issue {ids[0]} now")
        waiting += [[each] for each in failed]
    return found


def _search(client: JiraClient, asked: list[str]) -> list[msgspec.Raw]:
    """Ask Data Center, which refuses a search that names what is not there unless told not to look."""
    body = {
        "jql": f"id in ({', '.join(asked)})",
        "startAt": 0,
        "maxResults": len(asked),
        "fields": ["*all"],
        "expand": ["changelog"],
        "validateQuery": False,
    }
    return client.post(f"{client.api}/search", OffsetPage, body).issues
