from __future__ import annotations

import threading
import time

import pytest

import hub_jira.search as search_module
from hub.clock import FixedClock
from hub.errors import (
    AuthenticationFailed,
    ConnectorOutdated,
    ProtocolFault,
    Retriable,
    ScopeUnreadable,
    SourceError,
)
from hub.sync.source import Slice
from hub_jira.search import jql_time
from tests.jira.kit import NOW, SECRET, Fault, Script, at, entry, issue, item
from tests.jira.stand import Drip

OPS = Slice("issue", "OPS", frozenset({"incident"}))
CLOUD, CENTER = "/rest/api/3/search/jql", "/rest/api/2/search"
DC = {"flavour": "data_center", "user": None}


def numbered(n: int, **fields) -> dict:
    return {**issue("Incident", **fields), "id": str(1000 + n), "key": f"OPS-{n}"}


def ids(pages) -> list[str]:
    return [each.native_id for page in pages for each in page.documents]


class Shelf:
    """Issues behind both dialects."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = list(numbers)
        self.before_page: dict[int, object] = {}
        self.served = 0

    def _next(self) -> None:
        self.served += 1
        if self.served in self.before_page:
            self.before_page[self.served]()

    def cloud(self, query: dict) -> dict:
        self._next()
        start = int(query.get("nextPageToken", "t0")[1:])
        size = int(query["maxResults"])
        page = [numbered(n) for n in self.numbers[start : start + size]]
        more = start + size < len(self.numbers)
        return {"issues": page, "isLast": not more, **({"nextPageToken": f"t{start + size}"} if more else {})}

    def center(self, query: dict) -> dict:
        self._next()
        behind = query["jql"].partition('key > "OPS-')[2].partition('"')[0]
        numbers = [n for n in self.numbers if n > int(behind or 0)]
        start, size = int(query["startAt"]), int(query["maxResults"])
        page = [numbered(n) for n in numbers[start : start + size]]
        return {"startAt": start, "maxResults": size, "total": len(numbers), "issues": page}


@pytest.mark.parametrize(
    ("answer", "error", "hint"),
    [
        (Fault(401, {}), AuthenticationFailed, "renew the token"),
        (Fault(200, [], X_Seraph_LoginReason="AUTHENTICATED_FAILED"), AuthenticationFailed, "credential"),
        (Fault(403, {}, X_Seraph_LoginReason="AUTHENTICATION_DENIED"), AuthenticationFailed, "CAPTCHA"),
        (Fault(403, {"errorMessages": ["no permission"]}), ScopeUnreadable, "no permission"),
        (Fault(404, {"errorMessages": ["No project"]}), ScopeUnreadable, "No project"),
        (Fault(410, {"errorMessages": ["removed"]}), ConnectorOutdated, "upgrade the plugin"),
        (Fault(400, {"errorMessages": ["The value 'OPS' does not exist for the field 'project'."]}), ScopeUnreadable, "OPS"),
        (Fault(400, {"errorMessages": ["Error in the JQL Query"]}), ProtocolFault, "JQL"),
        (Fault(429, {}), Retriable, "429"),
        (Fault(500, {}), Retriable, "500"),
        (Fault(503, raw=b"<html>"), Retriable, "503"),
        (Fault(200, {"issues": []}, cut=True), Retriable, "cut"),
        (Fault(200, raw=b'{"issues": [{"id": "1'), Retriable, "cut off"),
        (Fault(200, raw=b"<html>log in</html>"), ProtocolFault, "login page"),
        (Fault(200, {"issues": {}}), ProtocolFault, "unexpected shape"),
        (Fault(200, {"issues": [{"id": 5}]}), ProtocolFault, "unexpected shape"),
        (Fault(418, {"errorMessages": [f"teapot {SECRET}"]}), ProtocolFault, r"teapot \*\*\*"),
        (lambda _query: time.sleep(1) or {}, Retriable, "in time"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Fault) else None,
)  # fmt: skip
def test_each_answer_becomes_its_fault_and_shows_no_secret(server, source, caplog, *, answer, error, hint):
    caplog.set_level("DEBUG")
    server.answers[CLOUD] = answer
    with pytest.raises(error, match=hint) as caught:
        list(source(once=True).fetch(OPS, None))
    shown = "".join(f"{each!r}{each}" for each in (caught.value, caught.value.__cause__, caught.value.__context__))
    assert SECRET not in shown + caplog.text
    assert "Basic " not in shown + caplog.text


WITHOUT_BODY = {204, 205, 304}
PASSING = {408, 425, 429}


def meant(status: int) -> type[SourceError] | None:
    """Say what docs/jira.md promises for a status, whatever stands in the body."""
    known = {401: AuthenticationFailed, 403: ScopeUnreadable, 404: ScopeUnreadable, 410: ConnectorOutdated}
    if status < 300:
        return None
    return known.get(status) or (Retriable if status in PASSING or status >= 500 else ProtocolFault)


def test_every_status_is_what_it_is_whatever_stands_in_the_body(server, source):
    """An answer of the right shape under the wrong status is no empty project."""
    found = {}
    one = source(once=True, timeout_s=30)
    for status in sorted({*range(200, 600), 600, 777, 999} - WITHOUT_BODY):
        server.answers[CLOUD] = Fault(status, {"issues": [], "isLast": True})
        try:
            list(one.fetch(OPS, None))
        except SourceError as fault:
            found[status] = type(fault)
        else:
            found[status] = None
    odd = {status: fault for status, fault in found.items() if not _is(fault, meant(status))}
    assert len(found) == 400
    assert not odd


def _is(fault: type[SourceError] | None, wanted: type[SourceError] | None) -> bool:
    return fault is None if wanted is None else fault is not None and issubclass(fault, wanted)


@pytest.mark.parametrize("head", [False, True], ids=["body", "head"])
def test_an_answer_that_drips_ends_at_a_deadline(server, source, head):
    over = threading.Event()
    server.answers[CLOUD] = Drip(over, head=head)
    began = time.monotonic()
    with pytest.raises(Retriable, match=r"in time|was cut"):
        list(source(once=True, timeout_s=0.4).fetch(OPS, None))
    assert 1.9 < time.monotonic() - began < 15
    over.set()


def test_nobody_there(source):
    made = source(once=True)
    made._client._url = "http://127.0.0.1:9"
    with pytest.raises(Retriable, match="check url and network"):
        made.slices()


def test_a_url_no_request_can_be_made_of(source):
    made = source(once=True)
    made._client._url = "http://" + "a" * 70 + ".example"
    with pytest.raises(SourceError):
        made.slices()


@pytest.mark.parametrize(("told", "seconds"), [("17", 17.0), ("Thu, 01 Oct 2026 06:00:30 GMT", 30.0), ("soon", None)])
def test_retry_after_is_handed_on(server, source, told, seconds):
    server.answers[CLOUD] = Fault(429, {}, Retry_After=told)
    with pytest.raises(Retriable) as caught:
        list(source(once=True).fetch(OPS, None))
    assert caught.value.retry_after_s == seconds


def test_the_library_retries_nothing_itself(server, source):
    server.answers[CLOUD] = Fault(503, {}, Retry_After="0")
    with pytest.raises(Retriable):
        list(source(once=True).fetch(OPS, None))
    assert server.paths().count(CLOUD) == 1


def test_a_cut_answer_is_asked_for_again_and_counted(server, source):
    server.answers[CLOUD] = [Script(Fault(200, {"issues": []}, cut=True)), Script(Shelf(1).cloud)]
    (page,) = source(time_zone="UTC").fetch(OPS, None)
    assert ids([page]) == ["1001"]
    assert page.requests == 2


def test_the_credential_of_each_flavour(server, source):
    source().slices()
    source(**DC).slices()
    sent = {each.path: each.auth for each in server.asked}
    assert sent["/rest/api/3/myself"].startswith("Basic ")
    assert sent["/rest/api/2/myself"] == f"Bearer {SECRET}"


def test_identity_is_probed_before_anything_is_concluded(server, source):
    server.answers["/rest/api/3/myself"] = Fault(401, {})
    with pytest.raises(AuthenticationFailed):
        source().slices()
    assert server.paths() == ["/rest/api/3/myself"]


def test_an_unreadable_project_is_a_slice_with_the_reason(server, source):
    server.answers["/rest/api/3/project/OPS"] = {"id": "1", "key": "OPS", "name": "Operations"}
    slices = source(projects=["OPS", "SEC"]).slices()
    assert [(each.stream, each.scope, each.unreadable is None) for each in slices] == [
        ("issue", "OPS", True),
        ("version", "OPS", True),
        ("issue", "SEC", False),
        ("version", "SEC", False),
    ]
    assert {"incident", "change", "approval", "review", "person"} <= slices[0].kinds


@pytest.mark.parametrize(("flavour", "path"), [({}, CLOUD), (DC, CENTER)], ids=["cloud", "center"])
class TestPaging:
    def shelf(self, server, path, *numbers) -> Shelf:
        shelf = Shelf(*numbers)
        server.answers[path] = shelf.cloud if path == CLOUD else shelf.center
        return shelf

    def test_every_page_once_and_the_mark_at_the_end(self, server, source, flavour, path):
        self.shelf(server, path, *range(1, 8))
        pages = list(source(page_size=3, **flavour).fetch(OPS, None))
        assert list(dict.fromkeys(ids(pages))) == [str(1000 + n) for n in range(1, 8)]
        assert [set(page.cursor) for page in pages[:-1]] == [{"mark", "from", "began", "seen", "page"}] * (
            len(pages) - 1
        )
        assert pages[-1].cursor == {"mark": at("2026-01-06T08:00:00Z")}
        asked = next(each for each in server.asked if each.path == path)
        assert asked.query["jql"] == 'project = "OPS" ORDER BY key ASC'
        assert (asked.query["fields"], "changelog" in asked.query["expand"]) == ("*all", True)

    def test_resuming_anywhere_leaves_no_gap(self, server, source, flavour, path):
        self.shelf(server, path, *range(1, 8))
        pages = list(source(page_size=3, **flavour).fetch(OPS, None))
        for n, page in enumerate(pages[:-1]):
            again = ids([*pages[: n + 1], *source(page_size=3, **flavour).fetch(OPS, page.cursor)])
            assert set(again) == {str(1000 + each) for each in range(1, 8)}

    def test_the_next_window_begins_before_the_mark(self, server, source, flavour, path):
        self.shelf(server, path, 1)
        list(source(**flavour).fetch(OPS, {"mark": at("2026-01-06T08:00:59Z")}))
        jql = next(each for each in server.asked if each.path == path).query["jql"]
        assert jql == 'project = "OPS" AND updated >= "2026-01-06 15:55" ORDER BY key ASC'

    def test_an_empty_window_keeps_the_mark(self, server, source, flavour, path):
        self.shelf(server, path)
        (page,) = source(**flavour).fetch(OPS, {"mark": 12345678})
        assert page.cursor == {"mark": 12345678}

    def test_the_mark_never_passes_the_beginning_of_the_window(self, server, source, flavour, path):
        self.shelf(server, path, 1)
        (page,) = source(clock=FixedClock(at("2026-01-01T00:00:00Z")), **flavour).fetch(OPS, None)
        assert page.cursor == {"mark": at("2026-01-01T00:00:00Z")}

    def test_a_census_lists_ids_only(self, server, source, flavour, path):
        self.shelf(server, path, *range(1, 8))
        (census,) = source(issue_security=False, **flavour).census(OPS)
        assert (census.native_ids, census.deletes) == ([str(1000 + n) for n in range(1, 8)], True)
        assert server.asked[-1].query["fields"] == "id"
        for unsure in ({}, {"issue_security": True}):
            (hidden,) = source(**unsure, **flavour).census(OPS)
            assert (hidden.deletes, "issue_security = false" in hidden.doubt) == (False, True)


def test_an_expired_page_token_begins_the_window_again(server, source):
    shelf = Shelf(1, 2, 3)

    def cloud(query):
        return (
            Fault(400, {"errorMessages": ["token expired"]})
            if query.get("nextPageToken") == "old"
            else shelf.cloud(query)
        )

    server.answers[CLOUD] = cloud
    cursor = {"mark": 5, "from": "2026-01-01 00:00", "began": NOW, "seen": 7, "page": {"token": "old"}}
    assert ids(source(page_size=2).fetch(OPS, cursor)) == ["1001", "1002", "1003"]
    assert 'updated >= "2026-01-01 00:00"' in server.asked[-1].query["jql"]


def test_a_token_that_leads_nowhere_ends_the_reading(server, source):
    server.answers[CLOUD] = {"issues": [], "nextPageToken": "same"}
    with pytest.raises(ProtocolFault, match="same page token"):
        list(source().fetch(OPS, None))


def test_issues_that_vanish_between_two_pages_hide_no_other(server, source):
    shelf = Shelf(*range(1, 8))
    server.answers[CENTER] = shelf.center
    shelf.before_page[2] = lambda: shelf.numbers.__delitem__(slice(0, 3))
    pages = list(source(page_size=3, **DC).fetch(OPS, None))
    assert {str(1000 + n) for n in range(4, 8)} <= set(ids(pages))


def test_behind_the_result_window_search_goes_on_from_the_last_key(server, source, monkeypatch):
    monkeypatch.setattr(search_module, "RESULT_WINDOW", 4)
    server.answers[CENTER] = Shelf(*range(1, 12)).center
    pages = list(source(page_size=2, **DC).fetch(OPS, None))
    assert list(dict.fromkeys(ids(pages))) == [str(1000 + n) for n in range(1, 12)]
    assert all(int(each.query["startAt"]) < 4 for each in server.asked if each.path == CENTER)


def test_cut_changelogs_are_completed_in_one_call(server, source):
    told = [
        entry(f"2026-01-06T08:{n:02}:00.000+0000", item("status", "Open", "Work"), native=str(n)) for n in range(45)
    ]
    short, long = numbered(1), {**numbered(2), "changelog": {"histories": told[5:], "total": 40}}
    server.answers[CLOUD] = {"issues": [short, long], "isLast": True}
    server.answers["/rest/api/3/changelog/bulkfetch"] = [
        Script({"issueChangeLogs": [{"issueId": "1002", "changeHistories": told[:30]}], "nextPageToken": "n"}),
        Script({"issueChangeLogs": [{"issueId": "1002", "changeHistories": told[30:]}]}),
    ]
    made = source()
    (page,) = made.fetch(OPS, None)
    first, second = (made.normalise(each).records[0] for each in page.documents)
    bulk = next(each.body for each in server.asked if each.path.endswith("bulkfetch"))
    assert bulk["issueIdsOrKeys"] == ["1002"]
    assert sum(each.field == "status" for each in second.events) == 45
    assert "events" not in first.unknown_fields + second.unknown_fields
    assert (page.requests, page.gaps) == (4, [])


def test_a_changelog_that_cannot_be_completed_is_a_gap(server, source):
    told = [entry("2026-01-06T08:00:00.000+0000", item("status", "Open", "Work"), native=str(n)) for n in range(40)]
    server.answers[CLOUD] = {"issues": [{**numbered(2), "changelog": {"histories": told, "total": 40}}]}
    server.answers["/rest/api/3/changelog/bulkfetch"] = {"issueChangeLogs": []}
    made = source()
    (page,) = made.fetch(OPS, None)
    assert page.gaps == ["issue OPS-2: changelog incomplete"]
    assert "events" in made.normalise(page.documents[0]).records[0].unknown_fields


def test_all_comments_are_read(server, source):
    said = [
        {"id": str(n), "created": "2026-01-06T08:00:00.000+0000", "author": {"accountId": "bob"}, "jsdPublic": True}
        for n in range(3)
    ]
    server.answers[CLOUD] = {"issues": [numbered(1, comment={"comments": said[:1], "total": 3})]}
    server.answers["/rest/api/3/issue/1001/comment"] = lambda q: {"comments": said[int(q["startAt"]) :][:2], "total": 3}
    made = source()
    (page,) = made.fetch(OPS, None)
    record = made.normalise(page.documents[0]).records[0]
    assert [each.ref for each in record.customer_updates] == ["comment/0", "comment/1", "comment/2"]


def test_data_center_documents_carry_the_names_of_mapped_fields(server, source):
    change = {"field": "Back-out plan", "from": None, "fromString": None, "to": None, "toString": "x"}
    body = issue(histories=[entry("2026-01-06T08:00:00.000+0000", change)], customfield_10030="x")
    server.answers[CENTER] = {"issues": [body], "total": 1, "startAt": 0}
    made = source(**DC)
    (page,) = made.fetch(OPS, None)
    since = {each.field: each.at for each in made.normalise(page.documents[0]).records[0].since}
    assert since["backout_plan"] == at("2026-01-06T08:00:00Z")


def test_versions(server, source):
    server.answers["/rest/api/3/project/OPS/versions"] = [{"id": "70", "name": "1.0"}, {"id": "71", "name": "1.1"}]
    made = source()
    part = Slice("version", "OPS", frozenset({"release"}))
    (page,) = made.fetch(part, None)
    assert ids([page]) == ["70", "71"]
    assert [each.native_ids for each in made.census(part)] == [["70", "71"]]


@pytest.mark.parametrize(
    ("instant", "zone", "text"),
    [
        ("2026-01-06T08:00:59Z", "Asia/Shanghai", "2026-01-06 15:50"),
        ("2026-01-06T08:00:59Z", None, "2026-01-05 19:50"),
        ("2026-10-25T01:30:00Z", "Europe/Berlin", "2026-10-25 00:20"),
    ],
)
def test_times_in_a_search(instant, zone, text):
    assert jql_time(at(instant), zone, 10) == text


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ({}, "unexpected shape"),
        (lambda q: {"issues": [numbered(1)], "nextPageToken": q.get("nextPageToken", "") + "x"}, "same issues again"),
        (lambda q: {"issues": [], "nextPageToken": q.get("nextPageToken", "") + "x"}, "nothing new"),
        (
            lambda q: (
                Fault(400, {"errorMessages": ["bad token"]})
                if "nextPageToken" in q
                else {"issues": [numbered(1)], "nextPageToken": "t"}
            ),
            "bad token",
        ),
    ],
    ids=["no issues member", "the same page for ever", "empty pages for ever", "token always refused"],
)
def test_a_search_that_would_never_end_is_given_up(server, source, answer, hint):
    server.answers[CLOUD] = answer
    with pytest.raises(ProtocolFault, match=hint):
        list(source().fetch(OPS, None))


@pytest.mark.parametrize(
    "answer",
    [
        {"issues": [], "total": 5},
        lambda q: {"issues": [numbered(n) for n in (1, 2, 3)][int(q["startAt"]) :][: int(q["maxResults"])], "total": 9},
        lambda q: {"issues": [numbered(1), numbered(2)] if q["startAt"] == "0" else [], "total": 9},
    ],
    ids=["none of five", "three of nine", "an empty page"],
)
def test_a_total_that_promises_too_much_is_a_fault(server, source, answer):
    server.answers[CENTER] = answer
    with pytest.raises(ProtocolFault, match="counts"):
        list(source(page_size=2, **DC).fetch(OPS, None))


def test_a_total_that_promises_too_little_hides_nothing(server, source):
    shelf = Shelf(*range(1, 6))
    server.answers[CENTER] = lambda q: shelf.center(q) | {"total": 2}
    assert {*ids(source(page_size=2, **DC).fetch(OPS, None))} == {str(1000 + n) for n in range(1, 6)}


@pytest.mark.parametrize("flavour", [{}, DC], ids=["cloud", "center"])
def test_an_empty_answer_to_a_stranger_is_no_empty_project(server, source, flavour):
    path = "/rest/api/2/myself" if flavour else "/rest/api/3/myself"
    server.answers[CLOUD] = {"issues": [], "isLast": True}
    server.answers[CENTER] = {"issues": [], "total": 0}
    made = source(time_zone="UTC", **flavour)
    made.slices()
    server.answers[path] = Fault(401, {})
    with pytest.raises(AuthenticationFailed):
        list(made.fetch(OPS, None))
    with pytest.raises(AuthenticationFailed):
        list(made.census(OPS))


@pytest.mark.parametrize("total", [3, 9])
def test_comments_that_are_counted_and_not_given_are_a_gap(server, source, total):
    one = {"id": "1", "created": "2026-01-06T08:00:00.000+0000", "author": {"accountId": "bob"}, "jsdPublic": True}
    server.answers[CLOUD] = {"issues": [numbered(1, comment={"comments": [one], "total": 3})]}
    server.answers["/rest/api/3/issue/1001/comment"] = {"comments": [one], "total": total}
    made = source()
    (page,) = made.fetch(OPS, None)
    assert page.gaps == ["issue OPS-1: comments incomplete"]
    assert "customer_updates" in made.normalise(page.documents[0]).records[0].unknown_fields


def test_a_project_whose_probe_fails_in_passing_stops_no_other(server, source):
    server.answers["/rest/api/3/project/OPS"] = Fault(503, {})
    server.answers["/rest/api/3/project/CHG"] = {"id": "2", "key": "CHG"}
    server.answers[CLOUD] = {"issues": []}
    made = source(projects=["OPS", "CHG"], time_zone="UTC")
    ops, _, chg, _ = made.slices()
    with pytest.raises(Retriable, match="503"):
        list(made.fetch(ops, None))
    assert len(list(made.fetch(chg, None))) == 1
