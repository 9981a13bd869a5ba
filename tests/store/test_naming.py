"""What a tool calls by its key in another tool is that record, whichever of the two is read first."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hub.records import KINDS, Link, Record
from hub.store.store import Store
from hub.store.tables import change_log, link, record
from hub.store.writer import Write, write_records

ISSUE, MOVED, TWIN = "desk:issue/7", "desk:issue/8", "desk:issue/9"
KEY = "desk:key/OPS-12"


def request(*targets: str) -> Record:
    links = [Link(type="implements", target=each) for each in targets]
    return KINDS["change"](id="git:merge_request/1", source="git", links=links)


def issue(one: str, key: str | None, *aliases: str, source: str = "desk") -> Record:
    return KINDS["change"](id=one, source=source, key=key, aliases=list(aliases))


def write(store: Store, at: int, *records: Record) -> None:
    with store.begin() as conn:
        write_records(conn, [Write(one) for one in records], at)


def tied(store: Store) -> list[str]:
    other = record.alias()
    with store.connect() as conn:
        asked = select(other.c.id).join(link, link.c.target == other.c.sid).join(record, record.c.sid == link.c.sid)
        return sorted(conn.execute(asked.where(record.c.id == "git:merge_request/1")).scalars())


APPROVAL = KINDS["approval"](id=f"{ISSUE}/approval/1", source="desk", key="OPS-12", subject_id=ISSUE)


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([issue(ISSUE, "OPS-12")], ISSUE),
        ([issue(MOVED, "NEW-1", "OPS-12")], MOVED),
        ([APPROVAL, issue(ISSUE, "OPS-12")], ISSUE),
        ([issue(ISSUE, "OPS-1")], KEY),
        ([issue(ISSUE, "OPS-12", source="other")], KEY),
    ],
    ids=["by its key", "by a former key", "not an approval inside it", "another key", "another source"],
)
@pytest.mark.parametrize("first", [True, False], ids=["named first", "named last"])
def test_key_leads_to_its_record_whichever_is_read_first(
    store: Store, others: list[Record], expected: str, *, first: bool
) -> None:
    for at, one in enumerate([request(KEY), *others] if first else [*others, request(KEY)], start=1):
        write(store, at, one)
    assert tied(store) == [expected]


def test_a_key_of_two_records_leads_to_none(store: Store) -> None:
    write(store, 1, issue(ISSUE, "OPS-12"), issue(TWIN, "X-1", "OPS-12"))
    write(store, 2, request(KEY))
    assert tied(store) == [KEY]


def test_both_names_of_a_record_are_one_link(store: Store) -> None:
    write(store, 1, request(KEY, "desk:key/OLD-1"))
    write(store, 2, issue(ISSUE, "OPS-12", "OLD-1"))
    assert tied(store) == [ISSUE]


def test_what_was_read_later_marks_both_ends_as_changed(store: Store) -> None:
    write(store, 1, request(KEY))
    with store.begin() as conn:
        conn.execute(change_log.delete())
    write(store, 2, issue(ISSUE, "OPS-12"))
    with store.connect() as conn:
        names = dict(conn.execute(select(record.c.sid, record.c.id)).all())
        seen = {(row.kind, names[row.sid], names[row.touched]) for row in conn.execute(select(change_log))}
    assert {("change", "git:merge_request/1", "git:merge_request/1"), ("change", "git:merge_request/1", ISSUE)} <= seen


def test_the_same_again_writes_nothing(store: Store) -> None:
    write(store, 1, request(KEY), issue(ISSUE, "OPS-12"))
    with store.begin() as conn:
        before = conn.execute(select(change_log.c.seq)).all()
        assert write_records(conn, [Write(request(KEY)), Write(issue(ISSUE, "OPS-12"))], 2).changed == 0
        assert conn.execute(select(change_log.c.seq)).all() == before
