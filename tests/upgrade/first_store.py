"""Fills a store of the first schema (0001) with everything a store can hold.

It knows the frozen description of that schema and how rows were meant then, and nothing of today's
program: what it writes stays what an organisation of the first release has on its disk.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from random import Random
from typing import Any

import zstandard
from sqlalchemy import Connection, MetaData, Table, types

from hub.store import migrations
from hub.store.migrations import frozen

__all__ = ["fill_first"]

SCHEMA = Path(migrations.__file__).with_name("versions") / "0001_schema.json"
REPORT = Path(__file__).with_name("first_report.json")
START, END = 1_759_269_600_000, 1_793_404_800_000  # 2025-10-01 to 2026-10-31
KNOWN = 1_793_500_000_000
_SHARED = ("event", "link", "since", "unknown_field", "alias")
_PARTS = (
    ("BS15000-8.2-b", "impact"),
    ("BS15000-8.2-c", "authorised"),
    ("BS15000-8.2-d", "backout"),
    ("BS15000-7.2-d", "reviewed"),
    ("BS15000-7.2-g", "cause"),
    ("BS15000-0.0-z", "retired"),
)
_WORDS = ("normal", "emergency", "approved", "resolved", "closed", "other", "no", "Zählerstand", "漢字 ✓", "=1+1")
_JSON = ("[]", "{}", '["ä", "1", "2.5"]', '{"a": {"b": [true, "\\u0000"]}}')
Row = dict[str, Any]


def fill_first(conn: Connection, *, records: int) -> None:
    """Write `records` records, spread over all kinds, and what belongs to them."""
    schema = frozen.tables(SCHEMA)
    for name, rows in _Filler(schema, records).tables():
        # One statement for rows that name the same columns.
        for columns, same in groupby(rows, key=tuple):
            _put(conn, schema.tables[name], columns, [tuple(row.values()) for row in same])


def _put(conn: Connection, table: Table, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    quote = conn.dialect.identifier_preparer.quote
    names, driver = ", ".join(map(quote, columns)), conn.connection.driver_connection
    assert driver is not None
    if conn.dialect.name == "sqlite":
        driver.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(columns))})", rows)
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    counting = table.autoincrement_column
    if counting is not None:
        # As if the store had counted itself.
        column, last = counting.name, f"(SELECT max({quote(counting.name)}) FROM {table.name})"
        conn.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column}'), {last})")


class _Filler:
    def __init__(self, schema: MetaData, records: int) -> None:
        self._tables = schema.tables
        self._chance = Random(1)
        key_of_parts = [name for name, table in sorted(self._tables.items()) if _key(table) == ["sid", "pos"]]
        self._kinds = [name for name, table in sorted(self._tables.items()) if _key(table) == ["sid"]]
        self._kinds.remove("record")
        self._children = [name for name in key_of_parts if name != "event"]
        self._count = records
        self._pack = zstandard.ZstdCompressor().compress

    def tables(self) -> Iterator[tuple[str, list[Row]]]:
        sids = range(1, self._count + 1)
        kinds = {sid: self._kinds[sid % len(self._kinds)] for sid in sids}
        yield "raw_document", list(self._documents(kinds))
        yield "record", [self._record(sid, kind) for sid, kind in kinds.items()]
        for name in self._kinds:
            yield name, [self._row(name, sid=sid) for sid, kind in kinds.items() if kind == name]
        for name in self._children:
            owners = [sid for sid, kind in kinds.items() if name.startswith(f"{kind}_")]
            yield name, [self._row(name, sid=sid, pos=pos) for sid in owners for pos in range(sid % 3)]
        yield "event", [self._row("event", sid=sid, pos=pos) for sid in sids for pos in range(sid % 4)]
        yield (
            "link",
            [
                {"sid": sid, "type": kind, "target": self._sid(), "at": self._instant(), "source_ref": None}
                for sid in sids
                for kind in ("affects", "service_ids")[: sid % 3]
            ],
        )
        yield "since", [{"sid": sid, "field": "backout_plan", "at": self._instant()} for sid in sids if sid % 5 == 0]
        yield "unknown_field", [{"sid": sid, "field": "owner"} for sid in sids if sid % 7 == 0]
        yield "alias", [{"key": f"KEY-{sid}", "sid": sid} for sid in sids]
        yield "revision", [row for sid, kind in kinds.items() for row in self._revisions(sid, kind)]
        yield "change_log", [{"seq": 9000 + n, "kind": kinds[n], "sid": n, "touched": n} for n in range(1, 51)]
        yield from self._reading()
        yield from self._time()
        yield from self._judging()
        yield from self._reporting()

    def _record(self, sid: int, kind: str) -> Row:
        source = _source(sid)
        return {
            "sid": sid,
            "id": _id(sid, kind),
            "kind": kind,
            "source": source,
            "scope": "OPS" if source == "desk" else "",
            "canonical": sid if kind == "person" else None,
            "document": sid if source == "desk" else None,
        }

    def _documents(self, kinds: dict[int, str]) -> Iterator[Row]:
        chain = hashlib.sha256(b"desk").digest()
        for seq, sid in enumerate((sid for sid in kinds if _source(sid) == "desk"), 1):
            body = json.dumps({"id": sid, "fields": {"summary": self._chance.choice(_WORDS) * 9}}).encode()
            digest = hashlib.sha256(body).digest()
            state = hashlib.sha256(chain)
            for text in (b"issue", str(sid).encode()):
                state.update(len(text).to_bytes(4, "big") + text)
            state.update(digest)
            chain = state.digest()
            disposed = sid % 50 == 0
            yield {
                "doc": sid,
                "source": "desk",
                "stream": "issue",
                "native_id": str(sid),
                "scope": "OPS",
                "seq": seq,
                "fetched_at": KNOWN - 1000,
                "hash": digest,
                "chain": chain,
                "size": len(body),
                "body": None if disposed else self._pack(body),
                "disposed_at": KNOWN if disposed else None,
            }

    def _revisions(self, sid: int, kind: str) -> Iterator[Row]:
        times = (1000, KNOWN - 500, None) if sid % 5 == 0 else (KNOWN - 1000, None)
        for known_from, known_to in pairwise(times):
            state: Row = {"kind": kind, "id": _id(sid, kind), "source": _source(sid), "title": f"as of {known_from}"}
            if kind == "waiver":
                state |= {"requirement_id": _PARTS[sid % 3][0], "reason": "old tool", "approver": _id(sid, "person")}
                state |= {"valid_from": START, "valid_to": END}
            body = json.dumps(state, separators=(",", ":")).encode()
            digest = hashlib.sha256(body).digest()
            yield {
                "sid": sid,
                "known_from": known_from,
                "known_to": known_to,
                "hash": digest,
                "body": self._pack(body),
            }

    def _reading(self) -> Iterator[tuple[str, list[Row]]]:
        span = {"known_from": 1000, "known_to": None}
        yield (
            "sync_cursor",
            [{"source": "desk", "stream": "issue", "scope": "OPS", "cursor": '{"updated":"x"}', "committed_at": KNOWN}],
        )
        yield (
            "coverage",
            [
                {"cid": n, "source": "desk", "scope": "OPS", "kind": kind, "through": END, "reason": None, **span}
                for n, kind in enumerate(self._kinds, 1)
            ],
        )
        yield (
            "provision",
            [
                {"pid": n, "source": "desk", "kind": kind, "field": "", "within_subject": True, **span}
                for n, kind in enumerate(self._kinds, 1)
            ],
        )
        yield (
            "sync_run",
            [
                {
                    "run": 1,
                    "source": "desk",
                    "started_at": 1000,
                    "finished_at": KNOWN,
                    "complete": True,
                    "summary": '{"documents": 5}',
                }
            ],
        )

    def _time(self) -> Iterator[tuple[str, list[Row]]]:
        for name in ("open_interval", "local_day", "period"):
            yield name, [self._row(name, number=n) for n in range(1, 800)]
        yield "fingerprint", [{"name": f"calendar:{n}", "value": f"old {n}"} for n in range(3)]

    def _judging(self) -> Iterator[tuple[str, list[Row]]]:
        numbers = range(1, len(_PARTS) + 1)
        yield "place", [{"place": 1, "source": "desk", "scope": "OPS"}, {"place": 2, "source": "register", "scope": ""}]
        yield "part", [{"part": n, "requirement": _PARTS[n - 1][0], "name": _PARTS[n - 1][1]} for n in numbers]
        yield (
            "requirement_state",
            [
                {"requirement": name, "fingerprint": "old", "watermark": 9000, "derived_at": KNOWN}
                for name, _ in _PARTS[:-1]
            ],
        )
        yield (
            "derivation",
            [
                {"requirement": name, "known_at": KNOWN - 900 + n, "cause": cause, "closed": n, "written": n}
                for name, _ in _PARTS
                for n, cause in enumerate(("definition", "records"))
            ],
        )
        keys = [(part, unit) for part in numbers for unit in range(1, self._count + 1, 3)]
        yield "obligation", [row for key in keys for row in self._obligations(*key)]
        found = keys[:: max(1, len(keys) // 2000)]
        yield "finding", [self._finding(fid, *key) for fid, key in enumerate(found, 1)]
        yield (
            "finding_event",
            [
                {"fid": fid, "at": KNOWN - 800 + n, "state": state}
                for fid in range(1, len(found) + 1)
                for n, state in enumerate(("open", _state(fid))[: 2 if fid % 4 else 1])
            ],
        )

    def _obligations(self, part: int, unit: int) -> Iterator[Row]:
        times = (KNOWN - 900, KNOWN - 899, None) if unit % 2 else (KNOWN - 900, None)
        opened = self._instant()
        for n, (known_from, known_to) in enumerate(pairwise(times)):
            yield {
                "part": part,
                "unit": unit,
                "anchor": (0, self._sid())[part % 2] if n == 0 and part > 3 else 0,
                "opened_at": opened,
                "due_at": opened + 86_400_000,
                "warn_at": self._maybe(opened),
                "met_at": self._maybe(opened + 5),
                "lost_at": None,
                "n": self._maybe(3),
                "d": self._maybe(4),
                "evidence": self._maybe(unit),
                "declared": unit % 9 == 0,
                "place": 1 + unit % 2,
                "lacks": "who approved it" if unit % 11 == 0 else None,
                "known_from": known_from,
                "known_to": known_to,
            }

    def _finding(self, fid: int, part: int, unit: int) -> Row:
        return {
            "fid": fid,
            "part": part,
            "unit": unit,
            "anchor": 0,
            "state": _state(fid) if fid % 4 else "open",
            "breached_at": self._instant(),
            "first_seen_at": KNOWN - 800,
            "state_at": KNOWN - 799,
            "cured_at": END if _state(fid) == "cured" and fid % 4 else None,
            "reopened": fid % 3,
            "owner": self._maybe(self._sid()),
            "due_at": END,
        }

    def _reporting(self) -> Iterator[tuple[str, list[Row]]]:
        model = self._pack(REPORT.read_bytes())
        revisions = [("SR-example-conformance-2026-09", 1), ("SR-example-conformance-2026-09", 2)]
        yield (
            "report",
            [
                {
                    "report_id": name,
                    "revision": revision,
                    "type": "conformance",
                    "period": "2026-09",
                    "as_of": END,
                    "known_at": KNOWN,
                    "created_at": KNOWN,
                    "model": model,
                    "hash": "ab" * 32,
                }
                for name, revision in revisions
            ],
        )
        yield (
            "outbox",
            [
                {
                    "report_id": name,
                    "revision": revision,
                    "channel": "outbox",
                    "recipient": "register:people/ann",
                    "message_id": f"<{name}.{revision}@hub.invalid>",
                    "message": self._pack(b"Subject: old\r\n\r\nold"),
                    "state": state,
                    "attempts": 1,
                    "detail": None,
                    "queued_at": KNOWN,
                    "sent_at": KNOWN if state == "sent" else None,
                }
                for (name, revision), state in zip(revisions, ("sent", "held"), strict=True)
            ],
        )

    def _row(self, name: str, **given: int) -> Row:
        """Any row of a table; key columns of whole numbers get the number."""
        number = given.pop("number", None)
        row: Row = {}
        for column in self._tables[name].columns:
            if column.name in given:
                row[column.name] = given[column.name]
            elif number is not None and isinstance(column.type, types.Integer):
                row[column.name] = number
            elif column.nullable and self._chance.random() < 0.2:
                row[column.name] = None
            else:
                row[column.name] = self._value(column.type)
        return row

    def _value(self, kind: Any) -> Any:
        chance = self._chance
        match kind:
            case types.BigInteger():
                value: Any = self._instant()
            case types.Integer():
                value = self._sid()
            case types.Boolean():
                value = chance.random() < 0.5
            case types.Float():
                value = chance.choice((0.1, 2.0, 1e300, chance.random()))
            case types.LargeBinary():
                value = chance.randbytes(20)
            case types.JSON():
                value = chance.choice(_JSON)
            case _:
                value = chance.choice(_WORDS)
        return value

    def _instant(self) -> int:
        return self._chance.randrange(START, END, 1000)

    def _sid(self) -> int:
        return self._chance.randint(1, self._count)

    def _maybe(self, value: int) -> int | None:
        return value if self._chance.random() < 0.6 else None


def _key(table: Table) -> list[str]:
    return [column.name for column in table.primary_key.columns]


def _source(sid: int) -> str:
    return "desk" if sid % 2 else "register"


def _id(sid: int, kind: str) -> str:
    return f"{_source(sid)}:{kind}/{sid}"


def _state(fid: int) -> str:
    return ("cured", "waived", "withdrawn")[fid % 3]
