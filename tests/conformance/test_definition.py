"""What of a requirement's definition changed, in words."""

from __future__ import annotations

import json

import pytest

from hub.conformance.definition import what_changed


def told(pack="p 1", rules="a", asked=None, calendars=None) -> str:
    return json.dumps({"pack": pack, "rules": rules, "asked": asked or {}, "calendars": calendars or {}})


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (None, told(), ""),
        (told(), told(rules="b"), "pack: other rules"),
        (told(), told("p 2", "b"), "pack: p 1 -> p 2"),
        (told(asked={"days": 5}), told(rules="b", asked={"days": 3}), "parameter days: 5 -> 3"),
        (told(asked={"days": 5}), told("p 2", "b", {"days": 3}), "parameter days: 5 -> 3; pack: p 1 -> p 2"),
        (
            told(asked={"days": 5}),
            told(rules="b", asked={"days": 5, "days (service s)": 3}),
            "parameter days (service s): as everywhere -> 3",
        ),
        (told(calendars={"calendar:a": "1"}), told(calendars={"calendar:a": "2"}), "calendar a"),
        (told(calendars={"period:month": "1"}), told(rules="b"), "pack: other rules; period month"),
    ],
)
def test_what_changed(before, after, words):
    assert what_changed(before, after) == words
