from __future__ import annotations

import pytest
from sqlalchemy import Text, cast, func, select

from hub.records import KINDS
from hub.records.base import Event, Link, Record, Since
from hub.store import tables
from hub.store.identity import sids_of
from hub.store.revision import read_record
from hub.store.schema import kind_tables
from hub.store.store import Connection, Store
from hub.store.writer import WriteCount, write_page
from hub.sync.source import Document, Normalised, Skip


def record(kind: str, native: str, **values: object) -> Record:
    return KINDS[kind](id=f"desk:{native}", source="desk", scope="OPS", **values)  # type: ignore[arg-type] # by name


def issue(number: int, body: str, *records: Record, skipped: str = "") -> tuple[Document, Normalised]:
    skips = [Skip(str(number), skipped)] if skipped else []
    return Document("issue", str(number), "OPS", body.encode()), Normalised(list(records), skips)


def write(store: Store, at: int, *pairs: tuple[Document, Normalised], replay: bool = False) -> WriteCount:
    with store.begin() as conn:
        return write_page(
            conn,
            source="desk",
            documents=[document for document, _ in pairs],
            normalised=[normalised for _, normalised in pairs],
            known_at=at,
            replay=replay,
        )


def contents(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.connect() as conn:
        return {
            name: sorted((tuple(row) for row in conn.execute(select(table))), key=repr)
            for name, table in tables.metadata.tables.items()
        }


def log(store: Store, after: int = 0) -> list[tuple[str, str | None, str | None]]:
    """Change log rows with ids for numbers, sorted."""
    with store.connect() as conn:
        names = dict(conn.execute(select(tables.record.c.sid, tables.record.c.id)).all())
        rows = conn.execute(select(tables.change_log).where(tables.change_log.c.seq > after))
        return sorted((r.kind, names.get(r.sid), names.get(r.touched)) for r in rows)


def last_seq(store: Store) -> int:
    with store.connect() as conn:
        return conn.execute(select(func.max(tables.change_log.c.seq))).scalar() or 0


def count(conn: Connection, name: str) -> int:
    return conn.execute(select(func.count()).select_from(tables.metadata.tables[name])).scalar_one()


def test_same_page_twice_writes_nothing(store: Store) -> None:
    page = [
        issue(
            n,
            f"body {n}",
            record(
                "incident",
                f"issue/{n}",
                title="printer",
                key=f"OPS-{n}",
                aliases=["OLD-1"],
                assignee="desk:user/a",
                service_ids=["register:services/shop"],
                events=[Event(at=5, type="updated", actor="desk:user/b")],
                links=[Link(type="caused_by", target=f"desk:issue/{n + 1}", at=7)],
                since=[Since(field="owner", at=3)],
                unknown_fields=["impact"],
                custom={"a": [1, {"b": None}]},
            ),
        )
        for n in range(1, 4)
    ]
    first = write(store, 1000, *page)
    assert first == WriteCount(documents=3, documents_new=3, records=3, changed=3)
    before = contents(store)
    assert {name for name, rows in before.items() if rows} == {
        "alias", "change_log", "event", "incident", "link", "raw_document", "record", "revision", "since", "unknown_field"
    }  # fmt: skip
    assert write(store, 2000, *page) == WriteCount(documents=3, records=3, unchanged=3)
    assert contents(store) == before


def test_maps_filled_in_another_order_are_kept_alike(make_store) -> None:
    """What is mapped in another process comes with its maps in the order they were encoded in."""
    kept = []
    for names in (("updated_at", "created_at"), ("created_at", "updated_at")):
        store = make_store()
        told = dict.fromkeys(names, "2026-10-05")
        write(store, 1, issue(1, "{}", record("incident", "issue/1", raw_times=told)))
        with store.connect() as conn:
            kept.append(conn.scalar(select(cast(kind_tables["incident"].c.raw_times, Text))))
    assert kept[0] == kept[1]


def test_moved_approval_marks_both_changes(store: Store) -> None:
    write(store, 1, issue(1, "1", record("change", "issue/1")), issue(2, "2", record("change", "issue/2")))
    write(store, 2, issue(9, "a", record("approval", "issue/9", subject_id="desk:issue/1", approver="desk:user/x")))
    before = last_seq(store)
    write(store, 3, issue(9, "b", record("approval", "issue/9", subject_id="desk:issue/2", approver="desk:user/x")))
    assert log(store, before) == [
        ("approval", "desk:issue/9", "desk:issue/1"),
        ("approval", "desk:issue/9", "desk:issue/2"),
        ("approval", "desk:issue/9", "desk:issue/9"),
    ]
    with store.connect() as conn:
        names = sids_of(conn, ["desk:issue/2", "desk:issue/9", "desk:user/x"])
        row = conn.execute(select(kind_tables["approval"])).one()
        assert (row.subject_id, row.approver) == (names["desk:issue/2"], names["desk:user/x"])
        links = conn.execute(select(tables.link.c.sid, tables.link.c.type, tables.link.c.target)).all()
        assert links == [(names["desk:issue/9"], "subject_id", names["desk:issue/2"])]


def test_record_that_became_another_kind(store: Store) -> None:
    write(store, 1, issue(1, "a", record("problem", "issue/1", title="disk", incident_ids=["desk:issue/5"])))
    before = last_seq(store)
    write(store, 2, issue(1, "b", record("incident", "issue/1", title="disk")))
    with store.connect() as conn:
        assert (count(conn, "problem"), count(conn, "incident")) == (0, 1)
        assert (
            conn.execute(select(tables.record.c.kind).where(tables.record.c.id == "desk:issue/1")).scalar()
            == "incident"
        )
    assert log(store, before) == [
        ("incident", "desk:issue/1", "desk:issue/1"),
        ("incident", "desk:issue/1", "desk:issue/5"),
        ("problem", "desk:issue/1", "desk:issue/1"),
        ("problem", "desk:issue/1", "desk:issue/5"),
    ]


def test_revisions_answer_what_was_known_when(store: Store) -> None:
    for at, title in ((10, "one"), (10, "two"), (30, "three")):
        write(store, at, issue(1, title, record("incident", "issue/1", title=title)))
    with store.connect() as conn:
        known = {at: read_record(conn, "desk:issue/1", known_at=at) for at in (9, 10, 11, 29, 30)}
        titles = {at: found and found.title for at, found in known.items()}
        assert titles == {9: None, 10: "one", 11: "two", 29: "two", 30: "three"}
        now = read_record(conn, "desk:issue/1")
    assert now == record("incident", "issue/1", title="three")


def test_last_of_two_records_with_one_id_counts(store: Store) -> None:
    person = [record("person", "user/a", title=name, account=True) for name in ("Al", "Alice")]
    done = write(
        store,
        1,
        issue(1, "a", record("incident", "issue/1"), person[0]),
        issue(2, "b", record("incident", "issue/2"), person[1]),
    )
    assert (done.records, done.duplicates, done.changed) == (3, 1, 3)
    with store.connect() as conn:
        assert conn.execute(select(kind_tables["person"].c.title)).scalars().all() == ["Alice"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\0b", "a\ufffdb"),
        ("a\ud800b", "a\ufffdb"),
        ("\ud83d\ude00", "\U0001f600"),
        ("literal \\u0000", "literal \\u0000"),
    ],
)
def test_text_no_database_holds_is_replaced_and_counted(store: Store, text: str, kept: str) -> None:
    given = record(
        "incident", "issue/1", title=text, custom={text: [text]}, links=[Link(type="causes", target=f"x:{text}")]
    )
    done = write(store, 1, issue(1, "a", given))
    assert done.repaired == (text != kept)
    with store.connect() as conn:
        row = conn.execute(select(kind_tables["incident"])).one()
        assert (row.title, row.custom) == (kept, {kept: [kept]})
        assert list(sids_of(conn, [f"x:{kept}"])) == [f"x:{kept}"]
    assert write(store, 2, issue(1, "a", given)).unchanged == 1


def test_unmapped_change_of_a_document_moves_the_proof_only(store: Store) -> None:
    write(store, 1, issue(1, "a", record("incident", "issue/1")))
    before = last_seq(store)
    done = write(store, 2, issue(1, "b", record("incident", "issue/1")))
    assert (done.documents_new, done.changed) == (1, 0)
    assert log(store, before) == []
    with store.connect() as conn:
        assert conn.execute(select(tables.record.c.document)).scalars().all() == [2]


def test_account_named_in_two_documents_does_not_swing_between_them(store: Store) -> None:
    person = record("person", "user/a", account=True)
    pages = [issue(n, "x", record("incident", f"issue/{n}"), person) for n in (1, 2)]
    for page in pages:
        write(store, 1, page)
    before = contents(store)
    for page in pages:
        write(store, 2, page)
    assert contents(store) == before


@pytest.mark.parametrize(("skipped", "vanished", "invisible"), [("", 2, None), ("comment without time", None, 2)])
def test_approval_taken_out_of_its_change(
    store: Store, skipped: str, vanished: int | None, invisible: int | None
) -> None:
    change = record("change", "issue/1")
    approval = record("approval", "issue/1/approval/7/x", subject_id="desk:issue/1")
    account = record("person", "user/x", account=True)
    write(store, 1, issue(1, "a", change, approval, account))
    before = last_seq(store)
    assert write(store, 2, issue(1, "b", change, skipped=skipped)).dropped == 1
    table = kind_tables["approval"]
    with store.connect() as conn:
        assert conn.execute(select(table.c.vanished_at, table.c.invisible_at)).one() == (vanished, invisible)
        assert conn.execute(select(kind_tables["person"].c.vanished_at)).scalar() is None
    assert ("approval", approval.id, change.id) in log(store, before)
    assert write(store, 3, issue(1, "b", change, skipped=skipped)).dropped == 0
    write(store, 4, issue(1, "c", change, approval))
    with store.connect() as conn:
        assert conn.execute(select(table.c.vanished_at, table.c.invisible_at)).one() == (None, None)


def test_document_that_gives_nothing_drops_nothing(store: Store) -> None:
    write(
        store,
        1,
        issue(
            1, "a", record("change", "issue/1"), record("approval", "issue/1/approval/7/x", subject_id="desk:issue/1")
        ),
    )
    assert write(store, 2, issue(1, "b", skipped="normalise failed")).dropped == 0


def test_two_sources_may_use_one_key(store: Store) -> None:
    twin = KINDS["incident"](id="other:1", source="other", key="OPS-1")
    write(store, 1, issue(1, "a", record("incident", "issue/1", key="OPS-1")), issue(2, "b", twin))
    with store.connect() as conn:
        assert conn.execute(select(tables.alias.c.key)).scalars().all() == ["OPS-1", "OPS-1"]


def test_failed_page_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.begin() as conn:  # noqa: PT012 - the failure comes after the write
        page = issue(1, "a", record("incident", "issue/1"))
        write_page(conn, source="desk", documents=[page[0]], normalised=[page[1]], known_at=1)
        raise ZeroDivisionError
    assert not any(contents(store).values())


def test_write_through_the_reading_connection_is_undone(store: Store) -> None:
    with store.connect() as conn:
        conn.execute(tables.fingerprint.insert(), [{"name": "a", "value": "b"}])
    assert not contents(store)["fingerprint"]
