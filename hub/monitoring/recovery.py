"""Let a message that a check is well again end the alerts of that check.

Where problems and recoveries come as messages of their own, none says which one it ends: an alert ends with the first
recovery of its check at or after its start. Without one it is not known whether it ended, however long nothing came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, select

from hub.monitoring.check import ENDS, OF_CHECK
from hub.records import Alert
from hub.store.bulk import among
from hub.store.matched import ENDED_BY, with_end
from hub.store.revision import current_records
from hub.store.schema import kind_tables
from hub.store.tables import metadata
from hub.store.writer import Write, write_records

__all__ = ["refresh_recoveries"]

_BATCH = 500
_record, _log, _link = (metadata.tables[name] for name in ("record", "change_log", "link"))
_alert: Any = kind_tables["alert"].c


def refresh_recoveries(conn: Connection, *, now: int, whole: bool = False) -> int:
    """End what recovered, of the checks that anything changed of; return how many alerts changed.

    Works in the caller's transaction, before the change log is consumed.
    """
    related = select(_link.c.target).distinct().where(_link.c.type.in_((OF_CHECK, ENDS)))
    if not whole:
        related = related.where(_link.c.target.in_(select(_log.c.touched)))
    checks = sorted(conn.scalars(related))
    return sum(_refresh(conn, checks[start : start + _BATCH], now) for start in range(0, len(checks), _BATCH))


def _refresh(conn: Connection, checks: Collection[int], now: int) -> int:
    recoveries = _recoveries(conn, checks)
    rows = conn.execute(
        select(_link.c.target, _record.c.id, _alert.started_at, _alert.ended_at)
        .join(kind_tables["alert"], _alert.sid == _link.c.sid)
        .join(_record, _record.c.sid == _link.c.sid)
        .where(_link.c.type == OF_CHECK, among(conn, _link.c.target, checks), _alert.started_at.is_not(None))
    )
    ends = {}
    for check, alert, started_at, ended_at in rows:
        end = next((one for one in recoveries.get(check, ()) if one[0] >= started_at), None)
        if ended_at != (None if end is None else end[0]):
            ends[alert] = end
    writes = []
    for one in current_records(conn, sorted(ends)):
        # What ended otherwise, its source says itself.
        if isinstance(one, Alert) and (one.ended_at is None or ENDED_BY in one.custom):
            end = ends[one.id]
            writes.append(Write(with_end(one, None, "") if end is None else with_end(one, *end)))
    return write_records(conn, writes, now).changed


def _recoveries(conn: Connection, checks: Collection[int]) -> Mapping[int, list[tuple[int, str]]]:
    """Return check -> (when it was well again, id of the message that says so), the first first."""
    rows = conn.execute(
        select(_link.c.target, _link.c.at, _record.c.id)
        .join(_record, _record.c.sid == _link.c.sid)
        .where(_link.c.type == ENDS, among(conn, _link.c.target, checks), _link.c.at.is_not(None))
        .order_by(_link.c.at, _record.c.id)
    )
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for check, at, message in rows:
        found[check].append((at, message))
    return found
