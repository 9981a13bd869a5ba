"""Documents of GitLab as nobody should send them, each named by its fault."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.gitlab.mapping_kit import (
    ANN,
    B1,
    BEN,
    MERGED,
    POLICY,
    WHOLE,
    commit,
    label_event,
    note,
    policy,
    release,
    request,
    version,
    words,
)
from tests.hostile.payload import EVIL, body, damaged

__all__ = ["ALIKE", "HEADS", "OWN", "WHOLE", "WORDS"]

WORDS = words(
    control={"risk_id": "register:risks/1"},
    issue_types={"incident": "incident", "issue": "change", "service_desk": "request"},
    test_jobs=["unit"],
)
"""What the settings say; with `issue` a change, so that every map of the plugin is walked."""
KEPT = frozenset({"action", "id", "iid", "path", "path_with_namespace", "project_id", "state", "status"})
"""Where GitLab itself chose the words."""
MANY = 10_000
WHEN = "2026-03-03T09:00:00Z"
LONG = "".join(map(chr, Random(7).choices(range(0x4E00, 0x9FA5), k=20_000)))
"""Longer than an entry of PostgreSQL's indexes may be, however it is packed."""
TEXTS = {
    "every text an attack": EVIL,
    "every text empty": "",
    "every text blank": " \t\u00a0\u2028",
    "every text a NUL": "\x00",
    "every text half a character": "\udfff",
    "every text a formula": '=HYPERLINK("http://thief.example.test","open")',
    "every text of 100,000 characters": "工" * 100_000,
    "every text that cannot be packed": LONG,
}
TIMES: dict[str, Any] = {
    "times without zone": "2026-01-06T10:00:00.000",
    "times in 1969": "1969-12-31T23:59:59.999Z",
    "times in 2400": "2400-02-29T00:00:00.000Z",
    "times in the year 0": "0000-01-01T00:00:00.000Z",
    "times before the first day": "0001-01-01T00:00:00.000+14:00",
    "times after the last day": "9999-12-31T23:59:59.999-14:00",
    "times of zeros": "0000-00-00",
    "times in epoch seconds": 1767690000,
    "times of 30 digits": 10**30,
    "times as words": "yesterday",
    "times on a leap second": "2016-12-31T23:59:60.000Z",
}


Fault = Callable[[str], dict[str, Any] | bytes]
"""Gives the document of a stream with the fault in it."""


def _changed(change: Callable[[str, Any], Any], value: Any, key: str = "") -> Any:
    """Replace leaves by what `change(key, value)` gives; a leaf in an array has the array's key."""
    if isinstance(value, dict):
        return {name: _changed(change, each, name) for name, each in value.items()}
    return [_changed(change, each, key) for each in value] if isinstance(value, list) else change(key, value)


def _texts(text: str) -> Fault:
    def change(key: str, value: Any) -> Any:
        return text if isinstance(value, str) and key not in KEPT and value[:4] != "2026" else value

    return lambda stream: _changed(change, WHOLE[stream])


def _times(when: Any) -> Fault:
    def change(_key: str, value: Any) -> Any:
        return when if isinstance(value, str) and value[:4] == "2026" else value

    return lambda stream: _changed(change, WHOLE[stream])


def _ids(native: Any) -> Fault:
    def change(key: str, value: Any) -> Any:
        return native if key in ("id", "iid", "project_id") else value

    return lambda stream: _changed(change, WHOLE[stream])


def _lists(change: Callable[[list[Any]], list[Any]]) -> Fault:
    def within(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: within(each) for key, each in value.items()}
        return change([within(each) for each in value]) if isinstance(value, list) else value

    return lambda stream: within(WHOLE[stream])


def _bytes(change: Callable[[bytes], bytes]) -> Fault:
    return lambda stream: change(body(WHOLE[stream]))


def _merge(**more: Any) -> dict[str, Any]:
    return damaged(WHOLE["merge_request"], ("merge_request",), request(**more))


def _with(stream: str, **more: Any) -> dict[str, Any]:
    return {**WHOLE[stream], **more}


def _raw(stream: str, place: str, text: bytes) -> bytes:
    """Put bytes that no JSON writer would make where a document has its own id, number or title."""
    return body(damaged(WHOLE[stream], (stream, place), "HERE")).replace(b'"HERE"', text)


ALIKE: dict[str, Fault] = {
    **{name: _texts(text) for name, text in TEXTS.items()},
    **{name: _times(when) for name, when in TIMES.items()},
    "every id null": _ids(None),
    "every id the same": _ids(7),
    "every id negative": _ids(-1),
    "every id beyond 64 bits": _ids(2**63),
    "every id of 100,000 characters": _ids("9" * 100_000),
    "every id an attack": _ids(EVIL),
    "every id that cannot be packed": _ids(LONG),
    "every list empty": _lists(lambda _: []),
    "every list backwards": _lists(lambda given: given[::-1]),
    "every list twice": _lists(lambda given: given * 2),
    "every list with holes": _lists(lambda given: [None, *given, [], {}, 0, ""]),
    "every leaf null": lambda stream: _changed(lambda _key, _value: None, WHOLE[stream]),
    "everything null": lambda stream: dict.fromkeys(WHOLE[stream]),
    "not UTF-8": _bytes(lambda told: told.replace(b"shop", b"\xff\xfe\xc3\x28").replace(b"dora", b"\xff")),
    "overlong UTF-8": _bytes(lambda told: told.replace(b"shop", b"\xc0\xaf\xed\xa0\x80").replace(b"dora", b"\xc0\xaf")),
    "with a byte order mark": _bytes(lambda told: b"\xef\xbb\xbf" + told),
    "UTF-16": _bytes(lambda told: told.decode().encode("utf-16")),
    "cut in the middle": _bytes(lambda told: told[: len(told) // 2]),
}
"""Faults any stream can have."""
OWN: dict[str, dict[str, Callable[[], dict[str, Any] | bytes]]] = {
    "merge_request": {
        "closes itself and what closes it": lambda: _with(
            "merge_request", closes=[{"id": 9001, "iid": 45, "project_id": 501}, {"id": 70, "iid": 7}] * 2
        ),
        "merged before it was opened": lambda: _merge(merged_at="2026-01-01T00:00:00Z"),
        "merged without a commit": lambda: _merge(sha=None, merge_commit_sha=None, squash_commit_sha=None),
        "title of a megabyte": lambda: _merge(title="CHG-7 " * 170_000),
        "10,000 pushes": lambda: _with("merge_request", versions=[version(B1, WHEN, id=n) for n in range(MANY)]),
        "10,000 approvals": lambda: _with(
            "merge_request",
            approval_events=[note(n, BEN, WHEN, f"{'un' * (n % 2)}approved this merge request") for n in range(MANY)],
        ),
        "10,000 commits": lambda: _with(
            "merge_request", commits=[commit(f"a{n}@example.net", message=EVIL) for n in range(MANY)]
        ),
        "an approval by nobody": lambda: _with(
            "merge_request", approval_events=[{**note(71, ANN, WHEN), "author": None}], approvals={"approved": True}
        ),
        "NaN": lambda: _raw("merge_request", "iid", b"NaN"),
        "Infinity": lambda: _raw("merge_request", "id", b"-Infinity"),
        "1e999": lambda: _raw("merge_request", "id", b"1e999"),
        "a number of 5,000 digits": lambda: _raw("merge_request", "id", b"9" * 5_000),
        "keys that stand twice": lambda: body(WHOLE["merge_request"]).replace(
            b'"merge_request": {', b'"merge_request": 3, "merge_request": {', 1
        ),
        "10,000 levels deep": lambda: _raw("merge_request", "title", b"[" * MANY + b"]" * MANY),
    },
    "issue": {
        "10,000 label events": lambda: _with(
            "issue",
            label_events=[label_event("workflow::doing", WHEN, "remove" if n % 2 else "add", BEN) for n in range(MANY)],
        ),
        "events that contradict each other": lambda: _with(
            "issue", label_events=[label_event("waiting::customer", WHEN, action) for action in ("add", "remove") * 50]
        ),
        "10,000 labels": lambda: damaged(WHOLE["issue"], ("issue", "labels"), [f"l{n}" for n in range(MANY)]),
        "its own epic, parent and copy": lambda: damaged(
            damaged(WHOLE["issue"], ("issue", "epic"), {"id": 70}), ("issue", "moved_to_id"), 70
        ),
        "closed before it was opened": lambda: damaged(WHOLE["issue"], ("issue", "closed_at"), "2020-01-01T00:00:00Z"),
        "NaN": lambda: _raw("issue", "weight", b"NaN"),
    },
    "release": {
        "10,000 keys": lambda: damaged(
            release(), ("release", "description"), " ".join(f"CHG-{n}" for n in range(MANY))
        ),
        "10,000 pictures": lambda: damaged(release(), ("release", "description"), "![](data:x)" * MANY),
        "no tag": lambda: damaged(release(), ("release", "tag_name"), None),
    },
    "document": {
        "1,000 editions": lambda: policy(
            history=[{**policy(), "commit": {"id": f"{n:040x}", "committed_date": WHEN}} for n in range(1_000)]
        ),
        "an edition within itself": lambda: policy(history=[policy(history=[policy()])] * 3),
        "text of two megabytes": lambda: policy(text=POLICY + "# é\n" * 500_000),
        "text that is no text": lambda: policy(text={"a": 1}),
        "path that climbs": lambda: policy(path="policies/../../../etc/passwd.md"),
        "brought by 10,000 requests": lambda: policy(
            merge_requests=[request(id=n, iid=n, merge_commit_sha=MERGED) for n in range(MANY)]
        ),
    },
}
"""Faults of one stream."""
_LAUGHS = "a0: &a0 [lol, lol, lol]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
HEADS = {
    "billion laughs": _LAUGHS,
    "an alias of itself": "title: &a [*a]",
    "a python object": "title: !!python/object/apply:os.system [id]",
    "a binary": "title: !!binary aGVsbG8=",
    "a key twice": "title: one\ntitle: two",
    "a tab": "title: one\n\tversion: two",
    "a merge key": "base: {version: 1}\n<<: {version: 2}",
    "keys that are no text": "? [a, b]\n: 1\n? {a: 1}\n: 2\nnull: 3",
    "an instant for a day": "effective: 2026-04-01T25:61:00Z",
    "a day of zeros": "effective: 0000-00-00\nreview_days: -1",
    "a day of the year 9999": "effective: 9999-12-31\nreview_days: 999999999999999999999",
    "not a number": "review_days: .nan\nversion: .inf",
    "a number beyond 64 bits": f"review_days: {2**64}",
    "a list for a text": "title: [a, b]\nversion: {a: 1}",
    "control characters": "title: a\x07b",
    "half a character": "title: \ud800",
    "deep brackets": "title: " + "[" * 5_000 + "]" * 5_000,
    "deep indentation": "\n".join(" " * n + "a:" for n in range(200)),
    "a scalar of 40,000 characters": "title: " + "x" * 40_000,
    "an attack": f"title: {EVIL!r}\ntype: {EVIL!r}\napproved_by: {EVIL!r}",
    "what only approval proves": "authorised_at: 2026-01-01\nauthorised_by: ann",
    "open quotes": 'title: "never closed',
    "a directive": "%YAML 9.9",
}
"""Fault -> what stands between the two lines of three dashes at the head of a document."""
