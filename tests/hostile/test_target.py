"""Random inputs against the oracles of the fuzzer, and the inputs it found.

`HYPOTHESIS_PROFILE=proof` runs them long.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile.payload import EVIL
from tests.hostile.target import TARGETS

EXAMPLES = {"ci": {"config": 40, "gitlab": 60, "mail": 15, "mapping": 60, "register": 60}}
EXAMPLES["proof"] = {target: 50 * count for target, count in EXAMPLES["ci"].items()}
PIECES = {
    "config": '[ ]]\n[[ "" \' = . # organisation sources.desk plugin "jira" "register" zone "UTC" name packs.bs15000 parameters '
    '{ } file env token url "https://j" projects true -1 1e400 nan 0001-01-01 9999-12-31T23:59:59-14:00 \\u0000 \\ud800 """',
    "gitlab": '{ } [ ] : , " "author" {"id":1} "merge_request" \\ud800 NaN 1e999 null 2026-01-01 -1 type: effective: &a *a ? | # ---',
    "mail": "=cmd() <script> &lt; \" ' > </style> {{ }} javascript: http://jira.example.test/ \r\n \u202e \x1b[2J \u2028 "
    "\xad 工 \u0301 ]]> <!-- --> \t @ + -",
    "mapping": '{ } [ ] : , " "fields" "issuetype" {"name":"Change"} "changelog" \\ud800 NaN 1e999 null 2026-01-01 -1',
    "register": "rows: - id: alice\n name: people/ & * ! | > [ ] { } , \t --- ... ~ no 0o17 2026-01-01 <<: !!python/object \x07 ",
}
FOUND = {
    "config": [b'x = "' + EVIL.encode("utf-8", "surrogatepass"), b"a" + b".a" * 3_000 + b" = 1", b"\xef\xbb\xbf\xff"],
    "mail": [b"=cmd()\xff<script>\xff\r\nBcc: x@y\xff\xed\xa0\x80", b"=cmd\xe0\xc3\xd7\x8c=cr\xff", b"\xd7\x8c"],
    "mapping": [b'\x00\x00\x20{"a":"\\ud800"}', b"\x01\x00\x05NaN", b"9" * 5_000, b'"\xed\xa0\x80"'],
    "register": [b"\x00rows: [{id: \xef\xbf\xbe}]", b"\x05&a [*a]", b"\x06"],
}
"""What fell once, by hand or by fuzzer."""


def inputs(target: str) -> st.SearchStrategy[bytes]:
    pieces = st.sampled_from(PIECES[target].split(" ")) | st.text(max_size=5)
    texts = st.lists(pieces, max_size=25).map(lambda words: " ".join(words).encode("utf-8", "surrogatepass"))
    return st.tuples(st.binary(max_size=3), texts).map(b"".join)


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_falls(target):
    @settings(
        max_examples=EXAMPLES[os.environ.get("HYPOTHESIS_PROFILE", "ci")][target],
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize="HYPOTHESIS_PROFILE" not in os.environ,
    )
    @given(inputs(target))
    def holds(data):
        TARGETS[target](data)

    holds()


@pytest.mark.parametrize(("target", "data"), [(target, data) for target, found in FOUND.items() for data in found])
def test_what_fell_once_holds(target, data):
    TARGETS[target](data)
