"""Issued reports, and their messages on the way out.

A message is one row per report, revision, channel and recipient. Its state goes
`waiting -> sending -> sent`, committed before and after it is handed over: a row found `sending`
belongs to a delivery that was killed, and nobody knows whether it went out. `held` rows wait for a
person, `failed` and `unknown` ones too, and `bounced` ones, which were sent and came back; none of them is sent again
by itself.

Every function works in the caller's transaction (`Store.begin`, `Store.connect`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple, cast

import zstandard
from sqlalchemy import Column, ColumnElement, Connection, Row, and_, func, insert, select, update

from hub.store.schema import child_tables, kind_tables
from hub.store.tables import outbox, record, report

__all__ = [
    "Delivery",
    "Issued",
    "MessageKey",
    "State",
    "addresses",
    "astray",
    "claim",
    "deliveries",
    "empty",
    "find_report",
    "last_reports",
    "last_revision",
    "latest_before",
    "list_reports",
    "mark_bounced",
    "message_of",
    "queue",
    "reached",
    "release",
    "reports_since",
    "save_report",
    "set_stranded",
    "settle",
    "titles",
]

State = Literal["waiting", "sending", "sent", "failed", "held", "unknown", "bounced"]
_SKEW_MS = 300_000
"""A mail server's clock may be so much behind ours."""


class Issued(NamedTuple):
    """One issued revision of a report."""

    report_id: str
    revision: int
    type: str
    period: str
    as_of: int
    known_at: int
    created_at: int
    hash: str
    """SHA-256 of the rendered message, hexadecimal."""
    model: bytes
    """The encoded report."""


class MessageKey(NamedTuple):
    """Names one message."""

    report_id: str
    revision: int
    channel: str
    recipient: str
    """Mail address; empty where the channel has no recipients."""


class Delivery(NamedTuple):
    """How one message fares."""

    key: MessageKey
    message_id: str
    state: State
    attempts: int
    detail: str | None
    """The other side's answer, or why it is not sent."""
    queued_at: int
    sent_at: int | None


def save_report(conn: Connection, issued: Issued) -> None:
    """Keep an issued revision; it is never changed afterwards."""
    body = issued._replace(model=zstandard.ZstdCompressor().compress(issued.model))
    conn.execute(insert(report), body._asdict())


def find_report(conn: Connection, report_id: str, revision: int | None = None) -> Issued | None:
    """Return a revision, by default the last one."""
    query = select(*_columns()).where(report.c.report_id == report_id)
    if revision is not None:
        query = query.where(report.c.revision == revision)
    return _issued(conn.execute(query.order_by(report.c.revision.desc()).limit(1)).first())


def last_revision(conn: Connection, report_id: str) -> int:
    """Return the highest issued revision, 0 where there is none."""
    return conn.execute(select(func.max(report.c.revision)).where(report.c.report_id == report_id)).scalar() or 0


def latest_before(conn: Connection, *, report_type: str, report_id: str, as_of: int) -> Issued | None:
    """Return the last report of the type on another period, judged before `as_of`: what changed is told against it."""
    query = (
        select(*_columns())
        .where(report.c.type == report_type, report.c.report_id != report_id, report.c.as_of < as_of)
        .order_by(report.c.as_of.desc(), report.c.report_id.desc(), report.c.revision.desc())
        .limit(1)
    )
    return _issued(conn.execute(query).first())


def list_reports(conn: Connection) -> list[Issued]:
    """List every issued revision, the newest first."""
    query = select(*_columns()).order_by(report.c.created_at.desc(), report.c.report_id, report.c.revision.desc())
    return [found for row in conn.execute(query) if (found := _issued(row))]


def last_reports(conn: Connection, *, report_type: str, through: str, most: int) -> Iterator[Issued]:
    """Give the last revision of each of the `most` periods up to `through`, the newest first, one after the other."""
    last = (
        select(report.c.report_id, func.max(report.c.revision).label("revision"))
        .where(report.c.type == report_type, report.c.period <= through)
        .group_by(report.c.report_id)
        .subquery()
    )
    query = (
        select(*_columns())
        .join(last, and_(last.c.report_id == report.c.report_id, last.c.revision == report.c.revision))
        .order_by(report.c.period.desc(), report.c.report_id)
        .limit(most)
    )
    return (found for row in conn.execute(query) if (found := _issued(row)))


def reports_since(conn: Connection, *, report_type: str, since: int, most: int) -> list[Issued]:
    """List the last `most` issued revisions of a type that were judged at `since` or later, the newest first."""
    query = (
        select(*_columns())
        .where(report.c.type == report_type, report.c.as_of >= since)
        .order_by(report.c.as_of.desc(), report.c.report_id.desc(), report.c.revision.desc())
        .limit(most)
    )
    return [found for row in conn.execute(query) if (found := _issued(row))]


def queue(conn: Connection, key: MessageKey, *, message_id: str, message: bytes, held: str | None, now: int) -> None:
    """Put one message in the outbox: waiting, or held for the given reason."""
    conn.execute(
        insert(outbox),
        {
            **key._asdict(),
            "message_id": message_id,
            "message": zstandard.ZstdCompressor().compress(message),
            "state": "held" if held else "waiting",
            "attempts": 0,
            "detail": held,
            "queued_at": now,
            "sent_at": None,
        },
    )


def deliveries(
    conn: Connection, *, report_id: str | None = None, revision: int | None = None, state: State | None = None
) -> list[Delivery]:
    """List messages in the order they were queued, all or those that fit."""
    chosen = [c for c in outbox.c if c.name != "message"]
    query = select(*chosen).order_by(outbox.c.queued_at, *(outbox.c[name] for name in MessageKey._fields))
    if report_id is not None:
        query = query.where(outbox.c.report_id == report_id)
    if revision is not None:
        query = query.where(outbox.c.revision == revision)
    if state is not None:
        query = query.where(outbox.c.state == state)
    return [
        Delivery(
            key=MessageKey(row.report_id, row.revision, row.channel, row.recipient),
            message_id=row.message_id,
            state=cast("State", row.state),
            attempts=row.attempts,
            detail=row.detail,
            queued_at=row.queued_at,
            sent_at=row.sent_at,
        )
        for row in conn.execute(query)
    ]


def astray(conn: Connection, *, since: int) -> list[Delivery]:
    """List messages that did not arrive, or of which nobody knows whether they did, in the order they were queued.

    A report stays among them until it was sent. Any other mail leaves when a later one to the same address was taken
    and did not come back, for the address is mended, or when it was queued before `since` and is out of date.
    """
    lost = [one for one in deliveries(conn) if one.state in ("failed", "unknown", "bounced")]
    if not lost:
        return []
    issued = set(conn.scalars(select(report.c.report_id).distinct()))
    latest = select(outbox.c.channel, outbox.c.recipient, func.max(outbox.c.sent_at)).where(outbox.c.state == "sent")
    arrived = {
        row[:2]: row[2] for row in map(tuple, conn.execute(latest.group_by(outbox.c.channel, outbox.c.recipient)))
    }
    return [
        one
        for one in lost
        if one.key.report_id in issued
        or (
            one.queued_at >= since
            and arrived.get((one.key.channel, one.key.recipient), -1) < (one.sent_at or one.queued_at)
        )
    ]


def message_of(conn: Connection, key: MessageKey) -> bytes:
    """Return the message's bytes, as they were hashed."""
    packed = conn.execute(select(outbox.c.message).where(_is(key))).scalar_one()
    return zstandard.ZstdDecompressor().decompress(packed)


def empty(conn: Connection, key: MessageKey) -> None:
    """Take the bytes of a message that has served its time; all else that is known of it stays."""
    nothing = zstandard.ZstdCompressor().compress(b"")
    conn.execute(update(outbox).where(_is(key), outbox.c.state.not_in(("waiting", "sending"))).values(message=nothing))


def claim(conn: Connection, key: MessageKey) -> bool:
    """Take one waiting message to send it; False where another process was faster."""
    taken = conn.execute(
        update(outbox)
        .where(_is(key), outbox.c.state == "waiting")
        .values(state="sending", attempts=outbox.c.attempts + 1)
    )
    return taken.rowcount == 1


def settle(conn: Connection, key: MessageKey, state: State, *, detail: str, sent_at: int | None = None) -> None:
    """Write down how a delivery ended."""
    conn.execute(update(outbox).where(_is(key)).values(state=state, detail=detail, sent_at=sent_at))


def reached(conn: Connection, report_id: str, *, before: int) -> list[str]:
    """List the addresses that have, or may have, a revision below `before`: who has to be told of a correction."""
    query = (
        select(outbox.c.recipient)
        .where(
            outbox.c.report_id == report_id,
            outbox.c.revision < before,
            outbox.c.recipient != "",
            outbox.c.state.in_(("waiting", "sending", "sent", "unknown")),
        )
        .distinct()
        .order_by(outbox.c.recipient)
    )
    return list(conn.scalars(query))


def set_stranded(conn: Connection, channels: Iterable[str], state: State, *, detail: str) -> int:
    """Give messages of these channels that were found `sending` another state; return how many there were."""
    stranded = conn.execute(
        update(outbox)
        .where(outbox.c.state == "sending", outbox.c.channel.in_(list(channels)))
        .values(state=state, detail=detail)
    )
    return stranded.rowcount


def mark_bounced(conn: Connection) -> int:
    """Mark messages that came back, by the bounces that were read; return how many there were.

    A bounce names its message by Message-ID and recipient. Where it names somebody else (mail was passed on),
    or nobody, it is that message's only one, or nobody's. One from before the message was sent is of an
    earlier sending.
    """
    mail, told = kind_tables["communication"], child_tables["communication", "undelivered"]
    gone = [*deliveries(conn, state="sent"), *deliveries(conn, state="unknown")]
    if not gone:
        return 0
    query = (
        select(mail.c.in_reply_to, mail.c.received_at, told.c.address, told.c.status, told.c.said)
        .join(told, told.c.sid == mail.c.sid, isouter=True)
        .where(mail.c.bounce, mail.c.in_reply_to.is_not(None))
        .order_by(mail.c.sid, told.c.pos)
    )
    returned: dict[str, list[tuple[int | None, str, str]]] = {}
    for row in conn.execute(query):
        words = " ".join(word for word in (row.status, row.said) if word) or "without a reason"
        came = (row.received_at, (row.address or "").lower(), words)
        returned.setdefault(row.in_reply_to.strip("<>"), []).append(came)
    copies = Counter(one.message_id for one in gone if one.key.recipient)
    marked = 0
    for one in gone:
        if not one.key.recipient:
            continue
        since = (one.sent_at or 0) - _SKEW_MS
        came_back = [
            each for each in returned.get(one.message_id.strip("<>"), []) if each[0] is None or each[0] >= since
        ]
        own = [words for _, address, words in came_back if address == one.key.recipient.lower()]
        if not own and copies[one.message_id] == 1:
            own = [": ".join(filter(None, (address, words))) for _, address, words in came_back]
        if own:
            settle(conn, one.key, "bounced", detail=f"came back: {own[0]}", sent_at=one.sent_at)
            marked += 1
    return marked


def release(
    conn: Connection, report_id: str, revision: int, *, states: Iterable[State], channels: Iterable[str]
) -> int:
    """Let messages of one revision wait for delivery again, because a person said so; return how many."""
    released = conn.execute(
        update(outbox)
        .where(
            outbox.c.report_id == report_id,
            outbox.c.revision == revision,
            outbox.c.state.in_(list(states)),
            outbox.c.channel.in_(list(channels)),
        )
        .values(state="waiting")
    )
    return released.rowcount


def addresses(conn: Connection, person_ids: Iterable[str]) -> dict[str, str]:
    """Return person id -> first mail address; who has none, has left the register or is unknown is missing."""
    person = kind_tables["person"]
    query = (
        select(record.c.id, person.c.email)
        .join(person, person.c.sid == record.c.sid)
        .where(record.c.id.in_(list(person_ids)), person.c.vanished_at.is_(None))
    )
    return {row.id: row.email[0] for row in conn.execute(query) if row.email}


def zone_of(conn: Connection, person_ids: Iterable[str]) -> str:
    """Return the zone all these people live in; empty = they share none, or it is not recorded of all."""
    person, wanted = kind_tables["person"], sorted(set(person_ids))
    query = (
        select(person.c.zone)
        .join(record, person.c.sid == record.c.sid)
        .where(record.c.id.in_(wanted), person.c.vanished_at.is_(None))
    )
    zones = list(conn.scalars(query))
    return zones[0] or "" if len(zones) == len(wanted) and len(set(zones)) == 1 else ""


def titles(conn: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Return id -> title of services and teams that were read and are still there."""
    wanted, found = list(ids), dict[str, str]()
    for kind in ("service", "team"):
        table = kind_tables[kind]
        query = (
            select(record.c.id, table.c.title, table.c.name)
            .join(table, table.c.sid == record.c.sid)
            .where(record.c.id.in_(wanted), table.c.vanished_at.is_(None))
        )
        found |= {row.id: row.title or row.name or row.id for row in conn.execute(query)}
    return found


def _columns() -> list[Column[Any]]:
    return [report.c[name] for name in Issued._fields]


def _issued(row: Row[Any] | None) -> Issued | None:
    if row is None:
        return None
    return Issued._make(row)._replace(model=zstandard.ZstdDecompressor().decompress(row.model))


def _is(key: MessageKey) -> ColumnElement[bool]:
    return and_(*(outbox.c[name] == value for name, value in key._asdict().items()))
