"""What the hub knows besides what a source says, kept when the source is read again: an alert's ticket and end, when a survey left."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from hub.records import Alert, SatisfactionSurvey
from hub.records.base import Since
from hub.store.dropped import Write
from hub.store.revision import current_records

__all__ = ["ENDED_BY", "HANDED_OVER", "keep_ends", "keep_hand_overs", "keep_matches", "with_end", "with_match"]

_FIELD = "ticket_id"
ENDED_BY = "ended_by"
"""Stands in `custom` of an alert the hub ended: id of the message that says so."""
HANDED_OVER = "handed_over_at"
"""Stands in `custom` of a survey the hub sent itself: when the mail server took it."""


def with_match(alert: Alert, ticket: str | None, basis: str | None, linked_at: int | None, *, unknown: bool) -> Alert:
    """Return an alert with the ticket the hub found for it, the rule, and since when the two belong together."""
    since = [one for one in alert.since if one.field != _FIELD]
    if linked_at is not None:
        since.append(Since(field=_FIELD, at=linked_at))
    others = [one for one in alert.unknown_fields if one != _FIELD]
    return msgspec.structs.replace(
        alert,
        ticket_id=ticket,
        ticket_basis=basis,
        since=since,
        unknown_fields=[*others, _FIELD] if unknown else others,
    )


def with_end(alert: Alert, ended_at: int | None, ended_by: str) -> Alert:
    """Return an alert with the end the hub found for it, and the message that tells it; None = it is not known any more."""
    custom = {name: value for name, value in alert.custom.items() if name != ENDED_BY}
    unknown = [one for one in alert.unknown_fields if one != "ended_at"]
    if ended_at is None:
        unknown = sorted([*unknown, "ended_at"])
    else:
        custom[ENDED_BY] = ended_by
    return msgspec.structs.replace(alert, ended_at=ended_at, custom=custom, unknown_fields=unknown)


def keep_ends(conn: Connection, writes: dict[str, Write]) -> None:
    """Carry over, in place, when alerts ended; it is worked out anew where anything of their check changed."""
    alerts = {
        one: write.record
        for one, write in writes.items()
        if isinstance(write.record, Alert) and "ended_at" in write.record.unknown_fields
    }
    for before in current_records(conn, list(alerts)) if alerts else ():
        if isinstance(before, Alert) and ENDED_BY in before.custom:
            kept = with_end(alerts[before.id], before.ended_at, before.custom[ENDED_BY])
            writes[before.id] = Write(kept, writes[before.id].document, writes[before.id].earlier)


def keep_matches(conn: Connection, writes: dict[str, Write]) -> None:
    """Carry the matches over, in place; the next derivation works them out anew where anything changed."""
    alerts = {
        one: write.record
        for one, write in writes.items()
        if isinstance(write.record, Alert) and write.record.ticket_id is None
    }
    for before in current_records(conn, list(alerts)) if alerts else ():
        if not isinstance(before, Alert):
            continue
        unknown = _FIELD in before.unknown_fields
        if before.ticket_basis is None and not unknown:
            continue
        linked_at = next((one.at for one in before.since if one.field == _FIELD), None)
        found = None if before.ticket_basis is None else before.ticket_id
        kept = with_match(alerts[before.id], found, before.ticket_basis, linked_at, unknown=unknown)
        writes[before.id] = Write(kept, writes[before.id].document, writes[before.id].earlier)


def keep_hand_overs(conn: Connection, writes: dict[str, Write]) -> None:
    """Carry over, in place, when a survey left: its answer tells only when it was written."""
    surveys = {one: write.record for one, write in writes.items() if isinstance(write.record, SatisfactionSurvey)}
    for before in current_records(conn, list(surveys)) if surveys else ():
        if isinstance(before, SatisfactionSurvey) and HANDED_OVER in before.custom:
            custom = {**surveys[before.id].custom, HANDED_OVER: before.custom[HANDED_OVER]}
            kept = msgspec.structs.replace(surveys[before.id], sent_at=before.custom[HANDED_OVER], custom=custom)
            writes[before.id] = Write(kept, writes[before.id].document, writes[before.id].earlier)
