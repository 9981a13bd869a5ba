"""The faults that are put in, and the list of those nobody need notice."""

from __future__ import annotations

import pytest

from tests.mutation.mutant import mutants
from tests.mutation.run import ROOT, accepted, mapped


def keys(source: str) -> list[str]:
    return [one.key for one in mutants(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", ["module: a < b -> a <= b"]),
        ("a < b <= c", ["module: a < b <= c -> a <= b <= c", "module: a < b <= c -> a < b < c"]),
        ("a and b", ["module: a and b -> a or b"]),
        ("a + b", ["module: a + b -> a - b"]),
        ("and_(a)", ["module: and_(a) -> or_(a)"]),
        ("a.is_(None)", ["module: a.is_(None) -> a.is_not(None)"]),
        ("f(7)", ["module: 7 -> 8"]),
        ("x = 'WHEN a AND b'", ["module: 'WHEN a AND b' -> 'WHEN a OR b'"]),
        ("def f(a: int = 1) -> None:\n    'Says 1 AND 2.'\n    return a", ["f: 1 -> 2"]),
        ("x = 'a AND_ b'", []),
        ("__all__ = ['WHEN a AND b']", []),
        ("f(1, 1)", ["module: 1 -> 2", "module: 1 -> 2 #2"]),
    ],
)
def test_what_is_changed(source: str, expected: list[str]) -> None:
    assert keys(source) == expected


def test_a_mutant_differs_by_its_fault_alone() -> None:
    first, second = mutants("def f(a, b):\n    return a < b or b")
    assert (first.source, second.source) == (
        "def f(a, b):\n    return a < b and b",
        "def f(a, b):\n    return a <= b or b",
    )


def test_every_accepted_survivor_is_a_mutant_and_says_why() -> None:
    for module, reasons in accepted().items():
        assert module in mapped()
        known = set(keys((ROOT / module).read_text(encoding="utf-8")))
        assert set(reasons) <= known, "the code changed: run python -m tests.mutation.run"
        assert all(len(reason.split()) > 3 for reason in reasons.values())


def test_the_mapped_tests_are_there() -> None:
    files = {*mapped(), *(test.partition("::")[0] for tests in mapped().values() for test in tests)}
    assert [name for name in sorted(files) if not (ROOT / name).is_file()] == []
