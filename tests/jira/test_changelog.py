from __future__ import annotations

import pytest

from hub_jira.changelog import read_history
from tests.jira.kit import at, entry, issue, item

T = ["2026-01-05T10:00:00.000+0800", "2026-01-06T10:00:00.000+0800", "2026-01-07T10:00:00.000+0800"]
MADE = at("2026-01-01T00:00:00Z")


def history(*entries, total=None, by_id=True, names=None):
    body = issue(histories=list(entries))
    if total is not None:
        body["changelog"]["total"] = total
    body["names"] = names or {}
    return read_history(body, MADE, by_id=by_id)


def plan(old, new):
    return item("Back-out plan", old, new, field_id="customfield_1")


@pytest.mark.parametrize(
    ("entries", "since"),
    [
        ([], MADE),
        ([entry(T[0], plan("a", "b"))], MADE),
        ([entry(T[0], plan(None, "a"))], at(T[0])),
        ([entry(T[0], plan(None, "a")), entry(T[1], plan("a", "b"))], at(T[0])),
        ([entry(T[0], plan(None, "a")), entry(T[1], plan("a", "")), entry(T[2], plan("", "c"))], at(T[2])),
        ([entry(T[0], plan("a", None))], None),
    ],
)
def test_since_when_a_field_is_filled(entries, since):
    assert history(*entries).held_since("customfield_1") == since


def test_newest_first_is_put_in_order():
    told = history(entry(T[1], plan("a", "b"), native="2"), entry(T[0], plan(None, "a"), native="1"))
    assert [each.at for each in told.changes] == [at(T[0]), at(T[1])]


def test_an_incomplete_history_says_nothing():
    assert history(entry(T[0], plan(None, "a")), total=2).held_since("customfield_1") is None


def test_an_unreadable_entry_makes_it_incomplete():
    assert not history({"id": "1", "created": "2026-01-05 10:00", "items": []}).complete


def test_data_center_is_read_by_display_name_and_silent_without():
    change = {"field": "Back-out plan", "from": None, "fromString": None, "to": None, "toString": "a"}
    named = history(entry(T[0], change), by_id=False, names={"customfield_1": "Back-out plan"})
    assert named.held_since("customfield_1") == at(T[0])
    assert history(entry(T[0], change), by_id=False).held_since("customfield_1") is None


@pytest.mark.parametrize(("when", "text"), [("2026-01-05T00:00:00Z", None), (T[0], "a"), (T[1], "b"), (T[2], "b")])
def test_the_word_at_an_instant(when, text):
    told = history(entry(T[0], plan(None, "a")), entry(T[1], plan("a", "b")))
    assert told.text_at("customfield_1", "b", at(when)) == text


def test_bulk_answers_write_numbers():
    told = history(entry(1492070429, plan(None, "a")), entry(1492070430123, plan("a", "b")))
    assert [each.at for each in told.changes] == [1492070429000, 1492070430123]
