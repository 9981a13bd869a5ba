"""The same records give the same verdicts, findings and report, to the byte, on both engines."""

from __future__ import annotations

import pytest

from tests.kill.harness import FIRST, NOW

pytestmark = pytest.mark.peer


@pytest.mark.parametrize("now", [FIRST, NOW], ids=["first", "a month later"])
def test_every_table_and_verdict(seen, now):
    on_sqlite, on_postgresql = seen["sqlite", now].picture, seen["postgresql", now].picture
    assert on_sqlite.keys() == on_postgresql.keys()
    assert [name for name in on_sqlite if on_sqlite[name] != on_postgresql[name]] == []
    assert sum(on_sqlite["verdicts at None"].values()) > 500
    assert sum(on_sqlite["finding"].values()) > 10


@pytest.mark.parametrize("now", [FIRST, NOW], ids=["first", "a month later"])
def test_every_byte_of_the_reports(seen, now):
    on_sqlite, on_postgresql = seen["sqlite", now], seen["postgresql", now]
    assert {name.rsplit(".", 1)[1] for name in on_sqlite.files} >= {"eml", "html"}
    assert on_sqlite.models == on_postgresql.models
    assert on_sqlite.files == on_postgresql.files


def test_the_second_run_was_an_increment(seen):
    assert seen["sqlite", FIRST].models.keys() < seen["sqlite", NOW].models.keys()
    assert seen["sqlite", FIRST].picture["obligation"] != seen["sqlite", NOW].picture["obligation"]
