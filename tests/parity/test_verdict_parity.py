"""The same records give the same verdicts, findings and report, to the byte, on both engines."""

from __future__ import annotations

from email import message_from_bytes

import pytest

from tests.kill.harness import FIRST, NOW

pytestmark = [pytest.mark.peer, pytest.mark.slow]
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _enclosed(files: dict[str, bytes]) -> set[str]:
    mails = [message_from_bytes(content) for name, content in files.items() if name.endswith(".eml")]
    return {part.get_content_type() for mail in mails for part in mail.walk()}


def test_every_table_verdict_and_byte_of_the_reports(seen):
    """One test: workers that share the rest would each fill both stores."""
    for now in (FIRST, NOW):
        on_sqlite, on_postgresql = seen["sqlite", now], seen["postgresql", now]
        one, other = on_sqlite.picture, on_postgresql.picture
        assert one.keys() == other.keys()
        assert [name for name in one if one[name] != other[name]] == [], now
        assert sum(one["verdicts at None"].values()) > 500
        assert sum(one["finding"].values()) > 10
        assert {name.rsplit(".", 1)[1] for name in on_sqlite.files} >= {"eml", "html"}
        assert on_sqlite.models == on_postgresql.models, now
        assert on_sqlite.files == on_postgresql.files, now
        assert _enclosed(on_sqlite.files) >= {"application/pdf", "image/png", WORKBOOK}, "compared within the mails"
        assert len(on_sqlite.pages) > 20
        assert on_sqlite.pages == on_postgresql.pages, now
    assert seen["sqlite", FIRST].models.keys() < seen["sqlite", NOW].models.keys(), "the second run was an increment"
    assert seen["sqlite", FIRST].picture["obligation"] != seen["sqlite", NOW].picture["obligation"]
