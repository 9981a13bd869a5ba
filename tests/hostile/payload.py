"""Issues of Jira as nobody should send them, each named by its fault."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.jira.kit import entry, issue, item, user

__all__ = ["EVIL", "NAMED", "ODD", "WHEN", "body", "damaged", "places", "whole"]

WHEN = "2026-01-06T10:00:00.000+0100"
EVIL = (
    '=cmd|"/c calc"!A1 "><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}\r\nBcc: thief@example.test\r\n\r\n'
    "\x1b[2J\x1b]0;owned\x07\u202etxt\u2066\x00\ud800\x9b31m<!--]]></style>"
)
"""Formula, script, template, header, terminal, direction, NUL, half a character."""
ODD = (
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    "",
    " ",
    "2026-02-30",
    EVIL,
    [],
    [None],
    [[]],
    {},
    {"id": None},
    {"a": {"b": []}},
)
"""What stands where something else was meant: every type of JSON, empty and not."""


def whole(kind: str = "Change", number: int = 10412, **fields: Any) -> dict[str, Any]:
    """Make an issue in which every part the mapping reads is filled."""
    step = {
        "id": "1",
        "name": "Board",
        "createdDate": {"jira": WHEN, "iso8601": WHEN, "epochMillis": 1767690000000},
        "completedDate": {"jira": WHEN, "epochMillis": 1767690060000},
        "approvers": [
            {"approver": user("bob", emailAddress="bob@example.test"), "approverDecision": "approved"},
            {"approver": user("erin"), "approverDecision": "pending"},
        ],
    }
    comment = {"id": "1", "created": WHEN, "author": user("bob"), "jsdPublic": True, "body": {"type": "doc"}}
    inside = {"key": "sd.public.comment", "value": {"internal": False}}
    told = issue(
        kind,
        histories=[
            entry(WHEN, item("status", "Open", "Work", ids=("1", "2")), native="1"),
            entry(WHEN, item("status", "Work", "Resolved", ids=("2", "4")), native="2"),
            entry(WHEN, item("Link", None, "This issue causes X-1", ids=(None, "X-1")), native="3"),
            entry(WHEN, item("labels", "a", "a escalated"), native="4"),
            entry(WHEN, item("Approvals", "", "approved", field_id="customfield_10045"), by="bob", native="5"),
            entry(WHEN, item("Key", "OLD-1", "OPS-12", ids=("OLD-1", "OPS-12"), field_id="issuekey"), native="6"),
            entry(WHEN, item("components", None, "Web shop", ids=(None, "7")), native="7"),
            entry(WHEN, item("Fix Version", None, "1.0", ids=(None, "70"), field_id="fixVersions"), native="8"),
        ],
        assignee=user("bob"),
        description={"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "t"}]}]},
        priority={"name": "P2"},
        resolutiondate=WHEN,
        duedate="2026-02-01",
        labels=["vpn", "escalated"],
        project={"key": "OPS", "projectTypeKey": "service_desk"},
        components=[{"id": "7", "name": "Web shop"}],
        issuelinks=[
            {
                "id": "1",
                "type": {"name": "Problem/Incident", "outward": "causes", "inward": "is caused by"},
                "outwardIssue": {"id": "5", "key": "X-1", "fields": {"issuetype": {"name": "Incident"}}},
            },
            {"id": "2", "type": {"id": 9, "name": "Odd"}, "inwardIssue": {"id": "6", "key": "X-2"}},
        ],
        parent={"id": "3", "key": "OPS-1"},
        fixVersions=[{"id": "70", "name": "1.0"}],
        comment={"total": 2, "comments": [comment, {**comment, "id": "2", "jsdPublic": None, "properties": [inside]}]},
        customfield_10010={"value": "Normal"},
        customfield_10024="service is slow",
        customfield_10025=user("erin"),
        customfield_10026=WHEN,
        customfield_10030={"type": "doc", "content": [{"type": "paragraph", "content": []}]},
        customfield_10031={"value": "Yes"},
        customfield_10032={"value": "Passed"},
        customfield_10033="abc",
        customfield_10035="r1",
        customfield_10039=WHEN,
        customfield_10044="a: b",
        customfield_10045=[step],
        customfield_10046={"name": "T", "ongoingCycle": {"elapsedTime": 1}},
        customfield_10060=2,
        customfield_10062={"value": "network"},
        customfield_10080=WHEN,
        customfield_10081="a | b | c",
        customfield_10082="late: X-1",
    )
    return {**told, "id": str(number), "key": f"OPS-{number}", "fields": {**told["fields"], **fields}}


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Name every place in a document, containers and leaves."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield (*path, key)
        yield from places(member, (*path, key))


def damaged(whole_one: dict[str, Any], path: tuple[str | int, ...], wrong: Any) -> dict[str, Any]:
    """Copy a document with one place gone (`...`) or holding something wrong."""
    told = copy.deepcopy(whole_one)
    here: Any = told
    for key in path[:-1]:
        here = here[key]
    if wrong is ...:
        del here[path[-1]]
    else:
        here[path[-1]] = wrong
    return told


def body(value: Any) -> bytes:
    """Write a document as a tool that checks nothing would: NaN and half characters included."""
    return json.dumps(value).encode()


def _texts(value: Any, text: str) -> Any:
    """Replace every text that is no id, key or time."""
    if isinstance(value, dict):
        kept = {"id", "key", "issuetype", "created", "accountId", "fieldId", "field", "type", "projectTypeKey"}
        return {key: item if key in kept else _texts(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item, text) for item in value]
    return text if isinstance(value, str) else value


def _deep(levels: int) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "text", "text": "at the bottom"}
    for _ in range(levels):
        node = {"type": "bulletList", "content": [node]}
    return {"type": "doc", "content": [node]}


def _nested(levels: int) -> bytes:
    start, end = b'{"type":"bulletList","content":[', b"]}"
    return start * levels + b'{"type":"text","text":"x"}' + end * levels


def _every(when: Any) -> dict[str, Any]:
    """Make an issue all of whose times are `when`."""

    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: change(item) for key, item in value.items()}
        if isinstance(value, list):
            return [change(item) for item in value]
        return when if value == WHEN or value in ("2026-01-05T09:00:00.000+0100", 1767690000000) else value

    told: dict[str, Any] = change(whole())
    told["fields"]["updated"] = when
    return told


def _links(*targets: str) -> list[dict[str, Any]]:
    kind = {"name": "Problem/Incident", "outward": "causes", "inward": "is caused by"}
    ends = [{"id": target, "key": f"OPS-{target}", "fields": {"issuetype": {"name": "Problem"}}} for target in targets]
    return [
        {"id": f"9{n}", "type": kind, side: end}
        for n, end in enumerate(ends)
        for side in ("outwardIssue", "inwardIssue")
    ]


def _long_history(count: int) -> dict[str, Any]:
    states = ["Open", "Work", "Waiting for customer", "Resolved"]
    entries = [
        entry(
            f"2026-01-{1 + n * 27 // count:02d}T{n % 24:02d}:{n % 60:02d}:00.000+0100",
            item("status", states[n % 4], states[(n + 1) % 4]),
            native=str((n * 7919) % count),
        )
        for n in range(count)
    ]
    told = issue("Incident", histories=entries)
    return {**told, "fields": {**told["fields"], "status": {"name": states[count % 4]}}}


NAMED: dict[str, Callable[[], dict[str, Any] | bytes]] = {
    "every text an attack": lambda: _texts(whole(), EVIL),
    "every text of an incident an attack": lambda: _texts(whole("Incident"), EVIL),
    "every text a megabyte": lambda: whole(
        summary="x" * 1_000_000, description="é" * 500_000, customfield_10030="工" * 400_000
    ),
    "every text empty": lambda: _texts(whole(), ""),
    "every text blank": lambda: _texts(whole(), " \t\u00a0\u2028"),
    "every text a NUL": lambda: _texts(whole(), "\x00"),
    "half a character": lambda: _texts(whole(), "\udfff"),
    "times without zone": lambda: _every("2026-01-06T10:00:00.000"),
    "times in 1969": lambda: _every("1969-12-31T23:59:59.999+0000"),
    "times in 2400": lambda: _every("2400-02-29T00:00:00.000+0000"),
    "times in the year 0": lambda: _every("0000-01-01T00:00:00.000+0000"),
    "times before the first day": lambda: _every("0001-01-01T00:00:00.000+1400"),
    "times after the last day": lambda: _every("9999-12-31T23:59:59.999-1400"),
    "times of zeros": lambda: _every("0000-00-00"),
    "times in epoch seconds": lambda: _every(1767690000),
    "times before the epoch": lambda: _every(-62135596800001),
    "times of 30 digits": lambda: _every(10**30),
    "times as words": lambda: _every("yesterday"),
    "times on a leap second": lambda: _every("2016-12-31T23:59:60.000+0000"),
    "a cycle of links": lambda: whole("Problem", 501, issuelinks=_links("502", "503")),
    "the cycle closed": lambda: whole("Problem", 502, issuelinks=_links("501"), parent={"id": "501", "key": "OPS-501"}),
    "a link to itself": lambda: whole(
        "Incident", 503, issuelinks=_links("503"), parent={"id": "503", "key": "OPS-503"}
    ),
    "10,000 changelog entries": lambda: _long_history(10_000),
    "changelog out of order": lambda: whole("Incident") | {"changelog": _shuffled()},
    "changelog with unknown members": lambda: whole() | {"changelog": _unknown_members()},
    "changelog total negative": lambda: whole() | {"changelog": {"histories": [], "total": -5}},
    "10,000 components": lambda: whole(components=[{"id": str(n), "name": f"c{n}"} for n in range(10_000)]),
    "10,000 labels": lambda: whole(labels=[f"l{n}" for n in range(10_000)]),
    "a document 150 levels deep": lambda: whole(description=_deep(150)),
    "a document 10,000 levels deep": lambda: body(whole(description="HERE")).replace(b'"HERE"', _nested(10_000)),
    "a key of 100,000 characters": lambda: whole() | {"key": "K" * 100_000},
    "an id of 100,000 characters": lambda: whole() | {"id": "9" * 100_000},
    "custom fields of 100,000 characters": lambda: whole(**{"customfield_" + "9" * 100_000: "x"}),
    "numbers beyond 64 bits": lambda: whole("Incident", customfield_10060=2**63, customfield_10099=2**200),
    "a number of 5,000 digits": lambda: body(whole(customfield_10099="HERE")).replace(b'"HERE"', b"9" * 5_000),
    "NaN": lambda: whole("Incident", customfield_10060=float("nan")),
    "Infinity": lambda: whole("Incident", customfield_10060=float("inf")),
    "1e999": lambda: body(whole("Incident", customfield_10060="HERE")).replace(b'"HERE"', b"1e999"),
    "keys that stand twice": lambda: body(whole()).replace(b'"fields": {', b'"fields": 3, "key": null, "fields": {', 1),
    "status of no name": lambda: whole(status={"id": "", "name": ""}),
    "clock that runs backwards": lambda: whole(
        "Incident", customfield_10046={"name": "T", "remainingTime": {"millis": -(10**12)}}
    ),
    "resolved before it was created": lambda: whole("Incident", created="2026-03-01T00:00:00.000+0000"),
    "no fields": lambda: {"id": "1", "key": "OPS-1", "fields": None},
    "nothing but an id": lambda: {"id": "1"},
    "a list": lambda: b"[1,2,3]",
    "a bare word": lambda: b"true",
    "not UTF-8": lambda: body(whole(summary="HERE")).replace(b"HERE", b"\xff\xfe\xc3\x28"),
    "overlong UTF-8": lambda: body(whole(summary="HERE")).replace(b"HERE", b"\xc0\xaf\xed\xa0\x80"),
    "with a byte order mark": lambda: b"\xef\xbb\xbf" + body(whole()),
    "UTF-16": lambda: json.dumps(whole()).encode("utf-16"),
    "cut in the middle": lambda: body(whole())[:900],
    "nothing": lambda: b"",
    "10,000 open brackets": lambda: b"[" * 10_000,
}
"""Name of the fault -> the document."""


def _shuffled() -> dict[str, Any]:
    log: dict[str, Any] = copy.deepcopy(_long_history(50)["changelog"])
    log["histories"] = log["histories"][::-3] + log["histories"][1::3] + log["histories"][:1]
    return log | {"total": len(log["histories"])}


def _unknown_members() -> dict[str, Any]:
    odd = {"id": {"a": 1}, "created": WHEN, "author": [], "items": [{"field": 7, "from": {}, "toString": []}, 3, None]}
    return {"histories": [odd, None, "x", {"created": WHEN}], "total": 4, "values": [], "surprise": {"a": [1]}}
