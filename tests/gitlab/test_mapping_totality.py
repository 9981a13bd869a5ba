"""Whatever stands in a document, mapping gives valid records or counted reasons."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gitlab.mapping_kit import POLICY, WHOLE, merge_request, only, policy, read, reasons, request, words

EVIL = (
    '=cmd|"/c calc"!A1 <script>{{7*7}}</script>\r\nBcc: thief@example.test\r\n\x1b[2J\u202etxt\x00\ud800---\n- &a [*a]'
)
"""Formula, script, template, header, terminal, direction, NUL, half a character, YAML."""
ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    "",
    " ",
    "2026-02-30",
    "2026-01-01T00:00:00",
    "1969-07-20T20:17:40Z",
    "2400-02-29T00:00:00+14:00",
    "0001-01-01T00:00:00+14:00",
    EVIL,
    [],
    [None],
    [[]],
    {},
    {"id": None},
    {"a": {"b": []}},
)
"""What stands where something else was meant: every type of JSON, empty and not."""
WORDS = words(
    control={"risk_id": "register:risks/1"},
    issue_types={"incident": "incident", "issue": "change", "service_desk": "request"},
    test_jobs=["unit"],
)


def places(value: object, path: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


def damaged(body: Any, path: tuple, odd: Any) -> Any:
    changed = copy.deepcopy(body)
    here = changed
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = odd
    return changed


@pytest.mark.parametrize("stream", sorted(WHOLE))
def test_every_odd_value_in_every_place(stream):
    for path in places(WHOLE[stream])[1:]:
        for odd in ODD if path[0] != "history" else ():  # an earlier edition is read as the present one
            read(stream, damaged(WHOLE[stream], path, odd), WORDS)


@pytest.mark.parametrize("stream", sorted(WHOLE))
def test_everything_may_be_missing(stream):
    for path in places(WHOLE[stream])[1:]:
        if isinstance(path[-1], str):
            body = copy.deepcopy(WHOLE[stream])
            here = body
            for key in path[:-1]:
                here = here[key]
            del here[path[-1]]
            read(stream, body, WORDS)


JSON = st.recursive(
    st.sampled_from(ODD[:-6]) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)
PLACES = [(stream, path) for stream in sorted(WHOLE) for path in places(WHOLE[stream])[1:]]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), JSON)
def test_no_mutation_makes_the_mapping_fail(place, odd):
    stream, path = place
    read(stream, damaged(WHOLE[stream], path, odd), WORDS)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200))
def test_no_text_at_the_head_of_a_document_makes_the_mapping_fail(text):
    read("document", policy(text=f"---\n{text}\n---\n"), WORDS)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "document is not JSON"),
        (b'{"merge_request": {"id": 1', "document is not JSON"),
        (b"[" * 100_000, "document is not JSON"),
        (b"\xff\xfe\x00", "document is not JSON"),
        (b"[1]", "document is not an object"),
        (b"null", "document is not an object"),
        (b"{}", "merge request without an id"),
    ],
)
def test_what_is_no_document_is_counted(raw, reason):
    assert reasons(read("merge_request", raw)) == {reason}


def test_an_unknown_stream_is_counted():
    assert reasons(read("wiki", {"page": 1})) == {"stream is not mapped"}


def test_half_characters_and_nul_are_taken_over():
    raw = json.dumps(merge_request(merge_request=request(title="a\x00b\ud800"))).encode()
    assert only("change", read("merge_request", raw))


def test_the_same_id_twice_is_one_record():
    body = merge_request()
    told = read("merge_request", {**body, "approval_events": body["approval_events"] * 2})
    ids = [each.id for each in told.records]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("stream", "body"),
    [
        ("merge_request", merge_request(merge_request=request(description="OPS-1 " * 170_000))),
        ("merge_request", merge_request(merge_request=request(title="`" * 1_000_000))),
        ("document", policy(text=POLICY + "# h\n" * 100_000)),
        ("document", policy(text="---\n" + "a:\n " * 250_000)),
        ("document", policy(text="---\n" + "[" * 40_000 + "\n---\n")),
        ("issue", {**WHOLE["issue"], "issue": {**WHOLE["issue"]["issue"], "description": "\n \n" * 300_000}}),
    ],
    ids=["keys", "title", "headings", "head", "brackets", "paragraphs"],
)
def test_a_megabyte_takes_no_time(stream, body):
    began = time.process_time()
    read(stream, body, WORDS)
    assert time.process_time() - began < 3
