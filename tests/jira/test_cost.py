"""How many requests reading Jira takes: pages, bulk calls, continuation pages, and never one an issue."""

from __future__ import annotations

from collections import Counter

import pytest

from hub.sync.source import Slice
from tests.jira.kit import entry, issue, item

OPS = Slice("issue", "OPS", frozenset())


def project(issues: int, *, cut: int) -> dict[str, object]:
    """Answer for a project whose first `cut` issues embed one of two changelog entries."""
    entries = [
        entry(f"2026-01-0{n}T09:00:00.000+0100", item("Rank", None, "1", field_id="customfield_1"), native=str(n))
        for n in (5, 6)
    ]

    def search(query: dict[str, str]) -> dict[str, object]:
        start, size = int(query.get("nextPageToken", 0)), int(query["maxResults"])
        page = []
        for number in range(start, min(start + size, issues)):
            log = {"histories": entries[1:], "total": 2 if number < cut else 1}
            page.append({**issue(), "id": str(number), "key": f"OPS-{number}", "changelog": log})
        more = {"nextPageToken": str(start + size)} if start + size < issues else {}
        return {"issues": page, **more}

    def bulk(body: dict[str, object]) -> dict[str, object]:
        asked = body["issueIdsOrKeys"]
        first = asked[: len(asked) // 2]
        part = asked[len(first) :] if "nextPageToken" in body else first
        more = {} if "nextPageToken" in body else {"nextPageToken": "rest"}
        return {"issueChangeLogs": [{"issueId": each, "changeHistories": entries} for each in part], **more}

    return {"/rest/api/3/search/jql": search, "/rest/api/3/changelog/bulkfetch": bulk}


@pytest.mark.parametrize(
    ("issues", "cut", "requests"),
    [(1, 1, (1, 1)), (100, 0, (1, 0)), (101, 0, (2, 0)), (250, 3, (3, 1)), (250, 100, (3, 1)), (250, 250, (3, 3))],
)
def test_requests_are_pages_and_bulk_calls_with_one_continuation_each(source, server, issues, cut, requests) -> None:
    pages, bulk = requests
    server.answers |= project(issues, cut=cut)
    read = list(source(time_zone="UTC").fetch(OPS, None))
    asked = Counter(server.paths())
    assert (asked.pop("/rest/api/3/search/jql"), asked.pop("/rest/api/3/changelog/bulkfetch", 0)) == (pages, 2 * bulk)
    assert not asked
    assert sum(page.requests for page in read) == len(server.asked)
    assert sum(len(page.documents) for page in read) == issues
    assert not any(page.gaps for page in read)
