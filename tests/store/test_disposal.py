"""What has served its time goes, what is held stays, and the proof stays whole."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from hub.errors import StoreError
from hub.records import KINDS
from hub.store import disposal
from hub.store.access import accesses, read_document
from hub.store.disposal import Authority, close_interrupted, disposals, dispose
from hub.store.document import count_disposed, documents_for_replay
from hub.store.retention import Hold, Plan, Rule, make_plan
from hub.store.revision import read_record
from hub.store.store import Store
from hub.store.tables import document_access, finding, obligation, raw_document, revision
from hub.store.verify import disposed_of, verify_chain, verify_disposals, verify_revisions
from hub.store.writer import write_page
from hub.sync.source import Document, Normalised

AUTHORITY = Authority("root", 1, 2, "test")
RULE = Rule("old", before=1000, since="closed", source="desk", states=True)
OPEN_MONTH = 5000


def put(store: Store, number: int, at: int, *, body: str = "body", status: str = "closed") -> None:
    """Keep an incident whose state ended at `at`, and one that was before it."""
    for text, category, instant in ((f"{body} open", "new", at - 10), (body, status, at)):
        given = KINDS["incident"](
            id=f"desk:issue/{number}",
            source="desk",
            scope="OPS",
            title=text,
            status_category=category,
            updated_at=instant,
        )
        with store.begin() as conn:
            document = Document("issue", str(number), "OPS", f"{number} {text}".encode())
            write_page(conn, source="desk", documents=[document], normalised=[Normalised([given])], known_at=instant)


def planned(store: Store, *rules: Rule, holds: tuple[Hold, ...] = ()) -> list[Plan]:
    with store.connect() as conn:
        return make_plan(conn, rules or (RULE,), holds, now=9000, month_starts_at=OPEN_MONTH)


def bodies(store: Store) -> set[tuple[str, int]]:
    """(native id, versions with a body)."""
    with store.connect() as conn:
        d = raw_document.c
        rows = conn.execute(select(d.native_id, func.count(d.body)).group_by(d.native_id)).all()
    return {(name, count) for name, count in rows if count}


def faults(store: Store) -> list[str]:
    with store.connect() as conn:
        found = [*verify_chain(conn), verify_revisions(conn), verify_disposals(conn)]
    return [str(broken) for one in found for broken in one.broken]


def owe(store: Store, unit: int, **values: Any) -> None:
    empty = {"part": 1, "anchor": 0, "opened_at": 1, "declared": False, "place": 1, "known_from": 1}
    empty |= {"settled_at": 9} if "settled_at" in obligation.c else {}
    with store.begin() as conn:
        conn.execute(insert(obligation), {**empty, "unit": unit, **values})


def test_old_and_closed_goes_and_the_record_stays(store: Store) -> None:
    put(store, 1, 500)
    put(store, 2, 2000)
    put(store, 3, 600, status="in_progress")
    (plan,) = planned(store)
    assert (plan.documents, plan.states, plan.held) == (2, 1, {})
    assert type(plan.states) is int
    did = dispose(store, plan, AUTHORITY, now=9000)

    assert did == 1
    assert bodies(store) == {("2", 2), ("3", 2)}
    assert faults(store) == []
    with store.connect() as conn:
        assert read_record(conn, "desk:issue/1").title == "body"  # type: ignore[union-attr] # it is there
        with pytest.raises(StoreError, match=r"desk:issue/1 then was disposed of"):
            read_record(conn, "desk:issue/1", known_at=495)
        (entry,) = disposals(conn)
        assert (entry.rule, entry.documents, entry.states, entry.oldest, entry.newest) == ("old", 2, 1, 500, 500)
        (gone,) = disposed_of(conn)
        assert (gone.by, gone.at, gone.documents) == ("rule 'old'", 9000, 2)
    assert planned(store)[0].due == []


def test_what_is_gone_is_not_read_back_and_not_replayed(store: Store) -> None:
    put(store, 1, 500)
    put(store, 2, 2000)
    dispose(store, planned(store)[0], AUTHORITY, now=9000)
    same = Document("issue", "1", "OPS", b"1 body")
    now = KINDS["incident"](
        id="desk:issue/1", source="desk", scope="OPS", title="body", status_category="closed", updated_at=500
    )
    with store.begin() as conn:
        write_page(conn, source="desk", documents=[same], normalised=[Normalised([now])], known_at=9500)
    assert bodies(store) == {("2", 2)}
    with store.connect() as conn:
        assert count_disposed(conn, "desk") == 1
        assert [one.native_id for batch in documents_for_replay(conn, "desk") for one in batch] == ["2"]
    put(store, 1, 9700, body="reopened")
    assert ("1", 2) in bodies(store)
    assert faults(store) == []


def test_what_holds_it_back(store: Store) -> None:
    for number in range(1, 7):
        put(store, number, 500)
    with store.begin() as conn:
        seen = {"breached_at": 1, "first_seen_at": 1, "state_at": 1, "reopened": 0, "part": 1, "anchor": 0}
        conn.execute(insert(finding), [{"unit": 1, "state": "open", **seen}, {"unit": 2, "state": "cured", **seen}])
    owe(store, 3, due_at=9900)
    owe(store, 4, due_at=6000, met_at=5500)
    owe(store, 99, due_at=None, evidence=5)
    (plan,) = planned(store, holds=(Hold(record="desk:issue/6"),))
    assert plan.held == {"open finding": 1, "still judged": 2, "month not closed": 1, "legal hold": 1}
    assert [one.native_id for one in plan.due] == ["2"]
    assert planned(store, holds=(Hold(scope="OPS"),))[0].held == {"legal hold": 6}
    owe(store, 2, due_at=400, met_at=300)
    assert [one.native_id for one in planned(store)[0].due] == ["2", "6"]


def test_the_first_rule_that_fits_decides(store: Store) -> None:
    put(store, 1, 500)
    longer = Rule("longer", before=100, kind="incident")
    assert [one.documents for one in planned(store, longer, RULE)] == [0, 0]
    assert [one.documents for one in planned(store, RULE, longer)] == [2, 0]
    other = Rule("other", before=1000, since="changed", stream="version")
    assert [one.documents for one in planned(store, other, RULE)] == [0, 2]


def test_killed_in_the_middle_the_next_run_does_the_rest(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 6):
        put(store, number, 500)
    take, calls = disposal._dispose_documents, []

    def dies(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        take(*arguments)

    monkeypatch.setattr(disposal, "_dispose_documents", dies)
    with pytest.raises(KeyboardInterrupt):
        dispose(store, planned(store)[0], AUTHORITY, now=9000, batch=2)
    monkeypatch.setattr(disposal, "_dispose_documents", take)
    assert len(bodies(store)) == 3
    assert faults(store) == []
    with store.begin() as conn:
        assert close_interrupted(conn, at=9100) == [1]
    dispose(store, planned(store)[0], AUTHORITY, now=9200)
    assert bodies(store) == set()
    assert faults(store) == []
    with store.connect() as conn:
        assert [(one.documents, one.states, one.finished_at) for one in disposals(conn)] == [(4, 2, 9100), (6, 3, 9200)]


def test_more_gone_than_the_log_says_is_found(store: Store) -> None:
    put(store, 1, 500)
    put(store, 2, 2000)
    dispose(store, planned(store)[0], AUTHORITY, now=9000)
    with store.begin() as conn:
        conn.execute(
            update(raw_document).where(raw_document.c.native_id == "2").values(body=None, disposed_at=1, disposal=1)
        )
        conn.execute(
            update(revision).where(revision.c.sid == 2, revision.c.known_to.is_(None)).values(body=b"", disposal=7)
        )
    assert faults(store) == [
        "record desk:issue/2 as known from 2000: its state was disposed of, and it is the current one",
        "disposal 1: is not what was disposed of by it",
    ]


def test_reading_a_document_is_noted_first(store: Store) -> None:
    put(store, 1, 500)
    found = read_document(store, "desk:issue/1", login="root", reason=" audit ", at=42, acting_as="register:people/c")
    assert (found.body, found.seq, found.stream, found.native_id) == (b"1 body", 2, "issue", "1")
    assert read_document(store, "1", login="root", reason="audit", at=43).body == b"1 body open"
    with store.connect() as conn:
        assert [(a.aid, a.at, a.doc, a.login, a.acting_as, a.reason) for a in accesses(conn)] == [
            (1, 42, 2, "root", "register:people/c", "audit"),
            (2, 43, 1, "root", None, "audit"),
        ]
        assert [a.aid for a in accesses(conn, name="desk:issue/1")] == [1]
    for name, reason, said in (("9", "audit", "no document and no record '9'"), ("1", " ", "say why")):
        with pytest.raises(StoreError, match=said):
            read_document(store, name, login="root", reason=reason, at=44)
    with store.begin() as conn:
        conn.execute(document_access.delete().where(document_access.c.aid == 1))
    assert faults(store) == ["log of access: 1 entries removed"]


def test_without_the_note_nothing_is_read(store: Store) -> None:
    put(store, 1, 500)
    with store.begin() as conn:
        conn.exec_driver_sql("ALTER TABLE document_access RENAME TO lost")
    with pytest.raises(Exception, match="document_access"):
        read_document(store, "1", login="root", reason="audit", at=42)
