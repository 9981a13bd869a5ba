"""A person becomes a tombstone: no word of the name stays, every number does."""

from __future__ import annotations

import io
from email.message import EmailMessage
from typing import Any

import pytest
import zstandard
from sqlalchemy import inspect, select, text

from hub.errors import StoreError
from hub.records import KINDS
from hub.records.base import Event
from hub.store import outbox
from hub.store.disposal import Authority, disposals
from hub.store.erasure import begin_erasure, finish_erasures, open_erasures
from hub.store.redaction import Redaction, hash_of, load_redaction, words_of
from hub.store.revision import read_record
from hub.store.store import Store
from hub.store.tables import record
from hub.store.verify import verify_chain, verify_disposals, verify_revisions
from hub.store.writer import Write, write_page, write_records
from hub.sync.erased import Erased
from hub.sync.source import Document, Normalised

KEY = "of this test"
AUTHORITY = Authority("root", 1, 2, "Ann Lee asked for it")
NAMES = ("ann lee", "lee@example.com", "annlee7", "4930123")


def fill(store: Store) -> None:
    """Ann Lee as a row of the register and a login, a namesake by half, and a ticket that speaks of her."""
    ann = KINDS["person"](
        id="register:people/annlee7",
        source="register",
        title="Ann Lee",
        name="Ann Lee",
        key="people/annlee7",
        email=["ann.lee@example.com"],
        phone="+49 30 123",
        same_as=["desk:user/42"],
        active_from=5,
    )
    login = KINDS["person"](id="desk:user/42", source="desk", account=True, name="Ann Lee", key="42")
    other = KINDS["person"](id="register:people/lee", source="register", name="Bo Lee", email=["bo@example.com"])
    ticket = KINDS["incident"](
        id="desk:issue/1",
        source="desk",
        scope="OPS",
        title="ANN LEE cannot print, says Bo Lee",
        assignee="desk:user/42",
        custom={"who": ["ann.lee@example.com"], "42": 42},
        events=[Event(at=1, type="assigned", actor="desk:user/42", to="Ann Lee")],
    )
    approval = KINDS["approval"](
        id="desk:issue/1/approval/3/annlee7",
        source="desk",
        scope="OPS",
        approver="desk:user/42",
        subject_id="desk:issue/1",
    )
    for at, source, native_id, body, records in (
        (1, "register", "people/annlee7", b'{"name":"Ann Lee"}', [ann]),
        (2, "register", "people/lee", b'{"name":"Bo Lee"}', [other]),
        (3, "desk", "1", b'{"a":"Ann Lee first"}', [login, ticket]),
        (4, "desk", "1", b'{"a":"\\u0041nn Lee again","n":1.50}', [login, ticket, approval]),
        (5, "desk", "2", b'{"a":"nobody"}', []),
    ):
        with store.begin() as conn:
            documents = [Document("row", native_id, "x", body)]
            write_page(conn, source=source, documents=documents, normalised=[Normalised(list(records))], known_at=at)
    message = EmailMessage()
    message["To"] = "Ann Lee <ann.lee@example.com>"
    message.set_content("Findings of Ann Lee", cte="base64")
    with store.begin() as conn:
        for recipient, state in (("ann.lee@example.com", None), ("bo@example.com", "held")):
            key = outbox.MessageKey("r", 1, "mail", recipient)
            outbox.queue(conn, key, message_id=recipient[:2], message=bytes(message), held=state, now=1)


def everything(store: Store) -> str:
    opened = zstandard.ZstdDecompressor()
    said = io.StringIO()
    with store.connect() as conn:
        for name in inspect(conn).get_table_names():
            for row in conn.execute(text(f'SELECT * FROM "{name}"')):
                for value in row:
                    packed = isinstance(value, bytes) and value.startswith(zstandard.FRAME_HEADER)
                    said.write(f"{opened.decompress(value).decode() if packed else value}\n")
    return said.getvalue().lower()


def erase(store: Store, *, batch: int = 500) -> list[str]:
    with store.begin() as conn:
        begun = begin_erasure(conn, "desk:user/42", AUTHORITY, key=KEY, at=90)
    assert begun is not None
    finish_erasures(store, key=KEY, now=99, batch=batch)
    return begun[1]


def broken(store: Store) -> list[str]:
    with store.connect() as conn:
        checked = [*verify_chain(conn), verify_revisions(conn), verify_disposals(conn)]
    return [str(fault) for one in checked for fault in one.broken]


def sids(store: Store) -> dict[str, int]:
    with store.connect() as conn:
        return dict(conn.execute(select(record.c.id, record.c.sid)).all())


def test_nothing_names_the_person_and_the_numbers_stay(store: Store) -> None:
    fill(store)
    before = sids(store)
    assert erase(store) == ["42"]
    said = everything(store)
    assert [name for name in NAMES if name in said] == []
    assert "bo lee" in said
    assert "nobody" in said
    after = sids(store)
    assert sorted(after.values()) == sorted(before.values())
    assert broken(store) == []
    with store.connect() as conn:
        human = next(one for one, sid in after.items() if sid == before["register:people/annlee7"])
        login = next(one for one, sid in after.items() if sid == before["desk:user/42"])
        stone: Any = read_record(conn, human)
        ticket: Any = read_record(conn, "desk:issue/1", known_at=3)
        canonical = conn.execute(select(record.c.canonical).where(record.c.id == login)).scalar()
        sent = [(one.state, one.detail) for one in outbox.deliveries(conn)]
    assert human.startswith("register:people/erased-")
    assert (stone.name, stone.email, stone.phone, stone.same_as, stone.active_from) == (
        "Erased person",
        [],
        None,
        [login],
        5,
    )
    assert canonical == before["register:people/annlee7"]
    assert (ticket.assignee, ticket.custom["42"]) == (login, 42)
    assert sent == [("failed", "named a person whose data was erased; issue the report again")] * 2


def test_a_login_known_by_its_address_stays_the_persons(store: Store) -> None:
    fill(store)
    mail = "mail:address/ann.lee@example.com"
    account = KINDS["person"](
        id=mail, source="mail", account=True, key="ann.lee@example.com", email=["ann.lee@example.com"]
    )
    with store.begin() as conn:
        write_records(conn, [Write(account)], 6)
    before = sids(store)
    erase(store)
    assert "ann.lee@example.com" not in everything(store)
    with store.connect() as conn:
        asked = select(record.c.canonical).where(record.c.sid == before[mail])
        assert conn.execute(asked).scalar() == before["register:people/annlee7"]
    assert broken(store) == []


def test_killed_in_the_middle_it_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store)
    whole, begun = Store.begin, []
    for last in range(2, 12):
        if not begun:
            with store.begin() as conn:
                begin_erasure(conn, "register:people/annlee7", AUTHORITY, key=KEY, at=90)
            begun.append(1)
        calls: list[int] = []

        def dies(one: Store, calls: list[int] = calls, last: int = last) -> Any:
            calls.append(1)
            if len(calls) == last:
                raise KeyboardInterrupt
            return whole(one)

        monkeypatch.setattr(Store, "begin", dies)
        try:
            finish_erasures(store, key=KEY, now=99, batch=2)
        except KeyboardInterrupt:
            with store.connect() as conn, pytest.raises(StoreError, match="an erasure was interrupted"):
                Erased(conn, KEY)
        monkeypatch.setattr(Store, "begin", whole)
    finish_erasures(store, key=KEY, now=99)
    with store.connect() as conn:
        assert open_erasures(conn) == []
        assert [(one.type, one.documents, one.finished_at) for one in disposals(conn)] == [("erasure", 3, 99)]
    said = everything(store)
    assert [name for name in NAMES if name in said] == []
    assert broken(store) == []


def test_a_later_reading_gives_the_tombstone(store: Store) -> None:
    fill(store)
    erase(store)
    said = everything(store)
    with store.connect() as conn:
        erased = Erased(conn, KEY)
    given = [
        Document("row", "1", "x", b'{"a":"\\u0041nn Lee again","n":1.50}'),
        Document("row", "2", "x", b'{"a":"nobody"}'),
    ]
    login = KINDS["person"](
        id="desk:user/42", source="desk", account=True, name="Ann  Lee", email=["ann.lee@example.com"]
    )
    normalised = erased.normalised([Normalised([login]), Normalised([])])
    assert normalised[0].records[0].name == "Erased person"  # type: ignore[attr-defined] # it is a person
    with store.begin() as conn:
        count = write_page(
            conn, source="desk", documents=list(erased.documents(given)), normalised=normalised, known_at=200
        )
    assert (count.documents_new, count.changed) == (0, 0)
    assert everything(store) == said
    assert erased.texts(["x: Ann Lee is unknown"]) != ["x: Ann Lee is unknown"]
    for key, match in ((None, "retention.key is not set"), ("other", "not the key by which")):
        with store.connect() as conn, pytest.raises(StoreError, match=match):
            load_redaction(conn, key)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("Ann Lee", "Ann  LEE's, not Ann alone", "TOKEN's, not Ann alone"),
        ("ann.lee@example.com", "<ann.lee@example.com>", "<TOKEN>"),
        ("张三", "报告张三说", "报告TOKEN说"),
        ("Ångström", "\u0041\u030angström ångström", "TOKEN TOKEN"),
        ("557058:ab-cd", "user/557058:ab-cd/3", "user/TOKEN/3"),
        ("ann", "annual ann_x Ann", "annual TOKEN_x TOKEN"),
    ],
)
def test_words_are_found_as_people_write_them(name: str, before: str, after: str) -> None:
    key = b"k" * 32
    words = words_of(name)
    hashes = {hash_of(key, words[:1], first=True): 0} | {hash_of(key, words): len(words)}
    redaction = Redaction(key, hashes)
    token = redaction.text(name)
    assert redaction.text(before).replace(token, "TOKEN") == after
