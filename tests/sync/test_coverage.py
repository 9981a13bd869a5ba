"""How far a kind of a scope was read follows from all slices that hold it."""

from __future__ import annotations

import pytest

from hub.sync.coverage import Reach, SliceOutcome, settle

BOTH, CHANGE = frozenset({"change", "review"}), frozenset({"change"})
CASES = {
    "read whole": ([SliceOutcome("A", CHANGE, 10, None)], [], [Reach("A", "change", 10, None)]),
    "two slices hold the kind: as far as the first begun": (
        [SliceOutcome("A", CHANGE, 10, None), SliceOutcome("A", BOTH, 20, None)],
        [],
        [Reach("A", "change", 10, None), Reach("A", "review", 20, None)],
    ),
    "the other way round": (
        [SliceOutcome("A", BOTH, 20, None), SliceOutcome("A", CHANGE, 10, None)],
        [],
        [Reach("A", "change", 10, None), Reach("A", "review", 20, None)],
    ),
    "one of two slices failed: the kind is not read": (
        [SliceOutcome("A", CHANGE, 10, "down"), SliceOutcome("A", BOTH, 20, None)],
        [],
        [Reach("A", "change", None, "down"), Reach("A", "review", 20, None)],
    ),
    "the same reason is said once": (
        [SliceOutcome("A", CHANGE, None, "closed"), SliceOutcome("A", CHANGE, None, "closed")],
        [("A", "change")],
        [Reach("A", "change", None, "closed")],
    ),
    "another scope is another matter": (
        [SliceOutcome("A", CHANGE, 10, None), SliceOutcome("B", CHANGE, 20, "cut")],
        [],
        [Reach("A", "change", 10, None), Reach("B", "change", None, "cut")],
    ),
    "known before, not read now": (
        [],
        [("A", "change")],
        [Reach("A", "change", None, "the source is no longer configured to read it")],
    ),
    "not begun": ([SliceOutcome("A", CHANGE, None, None)], [], [Reach("A", "change", None, "reading did not begin")]),
}


@pytest.mark.parametrize(("outcomes", "known", "expected"), CASES.values(), ids=CASES)
def test_settle(outcomes: list[SliceOutcome], known: list[tuple[str, str]], expected: list[Reach]) -> None:
    assert settle(outcomes, known) == expected
