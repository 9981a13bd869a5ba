"""How many requests reading Jira takes: pages, bulk calls, continuation pages, and never one an issue."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections import Counter
from threading import Barrier

import msgspec
import pytest

from hub.sync.source import Slice
from hub_jira import vocabulary
from hub_jira.completion import Completion
from hub_jira.mapping import normalise
from hub_jira.search import Found, read_head
from tests.jira.kit import Fault, configure, document, entry, issue, item

OPS = Slice("issue", "OPS", frozenset())
SEARCH, BULK = "/rest/api/3/search/jql", "/rest/api/3/changelog/bulkfetch"
ENTRIES = [
    entry(f"2026-01-0{n}T09:00:00.000+0100", item("Rank", None, "1", field_id="customfield_1"), native=str(n))
    for n in (5, 6)
]


def project(issues: int, *, cut: int, gone: tuple[str, ...] = ()) -> dict[str, object]:
    """Answer for a project whose first `cut` issues embed one of two changelog entries; `gone` = deleted since."""

    def search(query: dict[str, str]) -> object:
        start, size = int(query.get("nextPageToken", 0)), int(query["maxResults"])
        named = query["jql"].partition("id in (")[2].partition(")")[0]
        if set(gone) & set(named.split(", ")):
            return Fault(400, {"errorMessages": ["A value with ID does not exist for the field 'id'."]})
        asked = sorted(map(int, named.split(", "))) if named else range(issues)
        found = [each for each in map(str, asked) if int(each) >= start and each not in gone]
        page = []
        for native in found[:size]:
            log = {"histories": ENTRIES[1:], "total": 2 if int(native) < cut else 1}
            page.append({**issue(), "id": native, "key": f"OPS-{native}", "changelog": log})
        more = {"nextPageToken": found[size]} if size < len(found) else {}
        return {"issues": page, **more}

    def bulk(body: dict[str, object]) -> dict[str, object]:
        asked = body["issueIdsOrKeys"]
        first = asked[: len(asked) // 2]
        part = asked[len(first) :] if "nextPageToken" in body else first
        more = {} if "nextPageToken" in body else {"nextPageToken": "rest"}
        return {"issueChangeLogs": [{"issueId": each, "changeHistories": ENTRIES} for each in part], **more}

    return {SEARCH: search, BULK: bulk}


@pytest.mark.parametrize(
    ("issues", "cut", "requests"),
    [
        (1, 1, (1, 1)),
        (100, 0, (1, 0)),
        (101, 0, (2, 0)),
        (250, 3, (3, 1)),
        (250, 250, (3, 1)),
        (1_100, 1_000, (11, 1)),
        (1_100, 1_001, (11, 2)),
    ],
)
def test_requests_are_pages_and_a_bulk_call_a_thousand_cut_changelogs(source, server, issues, cut, requests) -> None:
    pages, bulk = requests
    server.answers |= project(issues, cut=cut)
    read = list(source(time_zone="UTC", timeout_s=30).fetch(OPS, None))
    asked = Counter(server.paths())
    assert (asked.pop(SEARCH), asked.pop(BULK, 0)) == (pages, 2 * bulk)
    assert not asked
    assert sum(page.requests for page in read) == len(server.asked)
    assert sum(len(page.documents) for page in read) == issues
    assert max(len(page.documents) for page in read) <= 100
    assert not any(page.gaps for page in read)


def test_issues_made_whole_come_in_pages_that_are_not_larger_than_others(source, server, monkeypatch) -> None:
    """Each of them is several times as large as an issue that waits for nothing."""
    monkeypatch.setattr("hub_jira.completion.LARGE", 2_000)
    server.answers |= project(30, cut=20)
    read = list(source(time_zone="UTC", timeout_s=30).fetch(OPS, None))
    sizes = [sum(len(each.body) for each in page.documents) for page in read]
    largest = max(len(each.body) for page in read for each in page.documents)
    assert sum(len(page.documents) for page in read) == 30
    assert len(read) > 3
    assert max(sizes[1:]) < 2_000 + largest


def read_until(source, stop: int | None, cursor: object = None) -> tuple[object, dict[str, int]]:
    """Read `stop` pages; give the cursor that would be committed by then and the changelog entries of every issue."""
    entries: dict[str, int] = {}
    for number, page in enumerate(source(time_zone="UTC", timeout_s=30, page_size=10).fetch(OPS, cursor)):
        if number == stop:
            break
        cursor = json.loads(json.dumps(page.cursor))
        entries |= {each.native_id: len(json.loads(each.body)["changelog"]["histories"]) for each in page.documents}
    return cursor, entries


@pytest.mark.parametrize("gone", [(), ("4",)], ids=["all there", "one deleted meanwhile"])
@pytest.mark.parametrize("size", [12, 50], ids=["a bulk call in the middle", "a bulk call at the end"])
def test_a_reading_ended_anywhere_loses_no_issue_that_waits_for_its_changelog(
    source, server, monkeypatch, size, gone
) -> None:
    monkeypatch.setattr("hub_jira.completion.ISSUES_A_CALL", size)
    whole = {str(n): 2 if n < 25 else 1 for n in range(45)}
    server.answers |= project(45, cut=25)
    done, entries = read_until(source, None)
    assert (set(done), entries) == ({"mark"}, whole)
    for stop in range(1, 8):
        server.answers |= project(45, cut=25)
        cursor, before = read_until(source, stop)
        server.answers |= project(45, cut=25, gone=gone)
        end, after = read_until(source, None, cursor)
        kept = whole if set(gone) <= {*before, *after} else {n: whole[n] for n in whole if n not in gone}
        assert ({**before, **after}, end) == (kept, done), f"ended after {stop} pages"


def test_what_waits_for_its_changelog_takes_a_tenth_of_its_size() -> None:
    """A large reading waits for a thousand issues in each of several projects."""

    def long_one(number: int) -> bytes:
        words = random.Random(number)
        told = [item("Rank", None, f"{words.random()}", field_id="customfield_1") for _ in range(50)]
        log = {"histories": [entry("2026-01-05T09:00:00.000+0100", each) for each in told], "total": 60}
        return json.dumps({**issue(), "id": str(number), "changelog": log}).encode()

    completion = Completion(None, cloud=True, names={}, batch_size=100)  # type: ignore[arg-type] # it has nothing to ask for yet
    tracemalloc.start()
    read = 0
    try:
        for page in range(10):
            raw = [msgspec.Raw(long_one(20 * page + number)) for number in range(20)]
            read += sum(len(bytes(each)) for each in raw)
            list(completion.batches(Found(raw, [read_head(each) for each in raw], {"token": "next"})))
            del raw
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(completion.waiting) == 200
    assert held < read / 10


def test_an_issue_read_twice_is_kept_as_read_last(source, server) -> None:
    """The token expired: the window begins again, and an issue that waited is whole by now."""
    healthy = project(15, cut=3)[SEARCH]
    now = project(15, cut=0)[SEARCH]
    expired = []

    def search(query: dict[str, str]) -> object:
        if "nextPageToken" in query and not expired:
            expired.append(query)
            return Fault(400, {"errorMessages": ["expired"]})
        return (now if expired else healthy)(query)

    server.answers |= {SEARCH: search}
    assert read_until(source, None)[1] == {str(n): 1 for n in range(15)}
    assert BULK not in server.paths()


def test_projects_are_probed_side_by_side_and_stand_in_the_order_of_the_settings(source, server) -> None:
    """Each answer waits until all are asked for, so that one probe after the other would never get one."""
    projects = ["OPS", "CHG", "PRB", "IMP"]
    together = Barrier(len(projects))

    def answer(_query: dict[str, str]) -> dict[str, str]:
        together.wait(timeout=20)
        return {"id": "1"}

    server.answers |= {f"/rest/api/3/project/{each}": answer for each in projects}
    server.answers["/rest/api/3/myself"] = {"accountId": "hub"}
    parts = source(projects=projects, timeout_s=60, fetchers=4).slices()
    assert [(each.scope, each.unreadable) for each in parts if each.stream == "issue"] == [(p, None) for p in projects]
    assert not together.broken, "a project was asked for only when another had answered"


def test_what_the_maps_say_is_worked_out_once_a_kind_not_once_an_issue(monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[str] = []
    plan = vocabulary._plan

    def note(kind: str, *told: object) -> vocabulary.Plan:
        planned.append(kind)
        return plan(kind, *told)

    monkeypatch.setattr(vocabulary, "_plan", note)
    words = vocabulary.Vocabulary.of("desk", "Europe/Berlin", configure())
    for kind in ("Change", "Incident") * 20:
        assert normalise(document(issue(kind)), words).records
    assert sorted(planned) == ["change", "incident", "review"]
