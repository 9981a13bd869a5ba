from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from hub.records import KINDS, Record
from hub.store.census import CensusCount, mark_vanished
from hub.store.document import documents_for_replay
from hub.store.revision import read_record
from hub.store.store import Store
from hub.store.tables import change_log
from hub.store.writer import WriteCount, write_page
from hub.sync.source import Document, Normalised


def issue(number: int, scope: str = "OPS", body: str = "a") -> tuple[Document, list[Record]]:
    name = f"desk:issue/{number}"
    return Document("issue", str(number), scope, f"{number}{body}".encode()), [
        KINDS["change"](id=name, source="desk", scope=scope),
        KINDS["approval"](id=f"{name}/approval/1/x", source="desk", scope=scope, subject_id=name),
        KINDS["person"](id="desk:user/x", source="desk", scope=scope, account=True),
    ]


def write(store: Store, at: int, *issues: tuple[Document, list[Record]], replay: bool = False) -> WriteCount:
    with store.begin() as conn:
        return write_page(
            conn,
            source="desk",
            documents=[document for document, _ in issues],
            normalised=[Normalised(records) for _, records in issues],
            known_at=at,
            replay=replay,
        )


def census(store: Store, at: int, visible: Iterable[int], *, scope: str = "OPS", deletes: bool = True) -> CensusCount:
    with store.begin() as conn:
        return mark_vanished(
            conn,
            source="desk",
            stream="issue",
            scope=scope,
            visible_ids=[str(number) for number in visible],
            deletes=deletes,
            at=at,
        )


def marks(store: Store, number: int, known_at: int | None = None) -> list[tuple[int | None, int | None]]:
    with store.connect() as conn:
        names = (f"desk:issue/{number}", f"desk:issue/{number}/approval/1/x", "desk:user/x")
        found = [read_record(conn, name, known_at=known_at) for name in names]
    return [(one.vanished_at, one.invisible_at) for one in found if one]


NOTHING = (None, None)


def test_deleted_issue_and_its_approval_vanish_and_the_person_stays(store: Store) -> None:
    write(store, 1, issue(1), issue(2))
    with store.connect() as conn:
        before = conn.execute(select(change_log.c.seq).order_by(change_log.c.seq.desc()).limit(1)).scalar_one()
    assert census(store, 5, [2]) == CensusCount(vanished=2)
    assert (marks(store, 1), marks(store, 2)) == ([(5, None), (5, None), NOTHING], [NOTHING] * 3)
    assert marks(store, 1, known_at=4) == [NOTHING] * 3
    with store.connect() as conn:
        kinds = conn.execute(select(change_log.c.kind).where(change_log.c.seq > before)).scalars().all()
    assert sorted(set(kinds)) == ["approval", "change"]
    assert census(store, 6, [2]) == CensusCount()


def test_issue_no_longer_visible_is_not_called_deleted(store: Store) -> None:
    write(store, 1, issue(1))
    assert census(store, 5, [], deletes=False) == CensusCount(invisible=2)
    assert marks(store, 1)[0] == (None, 5)
    assert census(store, 6, [1], deletes=False) == CensusCount(reappeared=2)
    assert marks(store, 1) == [NOTHING] * 3


def test_issue_moved_to_another_project_has_not_vanished(store: Store) -> None:
    write(store, 1, issue(1))
    write(store, 2, issue(1, scope="CHG", body="b"))
    assert census(store, 5, []) == CensusCount()
    assert census(store, 5, [1], scope="CHG") == CensusCount()
    assert census(store, 6, [], scope="CHG") == CensusCount(vanished=2)


def test_approval_taken_out_does_not_come_back_with_its_document(store: Store) -> None:
    document, (change, approval, person) = issue(1)
    write(store, 1, (document, [change, approval, person]))
    later, _ = issue(1, body="b")
    assert write(store, 2, (later, [change, person])).dropped == 1
    assert census(store, 3, [1]) == CensusCount()
    assert marks(store, 1) == [NOTHING, (2, None), NOTHING]


def test_replay_of_kept_documents_brings_nothing_back_to_life(store: Store) -> None:
    write(store, 1, issue(1), issue(2))
    write(store, 2, issue(1, body="new"))
    census(store, 5, [2])
    with store.connect() as conn:
        batches = list(documents_for_replay(conn, "desk", batch=1))
    kept = [(one.native_id, one.body) for batch in batches for one in batch]
    assert kept == [("2", b"2a"), ("1", b"1new")]
    assert write(store, 6, issue(1, body="new"), issue(2), replay=True).changed == 0
    assert marks(store, 1) == [(5, None), (5, None), NOTHING]
    write(store, 7, issue(1, body="new"))
    assert marks(store, 1) == [NOTHING] * 3


def test_too_many_at_once_are_held_until_a_person_accepts_them(store: Store) -> None:
    write(store, 1, *(issue(number) for number in range(40)))

    def left(visible: Iterable[int], *, accept: bool) -> CensusCount:
        ids = [str(number) for number in visible]
        with store.begin() as conn:
            return mark_vanished(
                conn, source="desk", stream="issue", scope="OPS", visible_ids=ids, deletes=True, at=5, accept=accept
            )

    assert left(range(11, 40), accept=False) == CensusCount(held=11, known=40)
    assert marks(store, 1) == [NOTHING] * 3
    assert left(range(10, 40), accept=False) == CensusCount(vanished=20), "ten are believed"
    assert left([], accept=False) == CensusCount(held=30, known=30)
    assert left([], accept=True) == CensusCount(vanished=60)
