"""When a waiver does not hold because who is named as its approver said no.

A refusal lasts until the same person agrees to the waiver as it stands: other words that nobody agreed to do not end it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import zstandard
from sqlalchemy import ColumnElement, Connection, or_, select

from hub.conformance.asked import waiver_revision
from hub.conformance.waiver_rule import load_people
from hub.records import Approval, Waiver, decode_record
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["Refusal", "refusals"]

_record = metadata.tables["record"]
_revision = metadata.tables["revision"]
_EVER = 2**62


class Refusal(NamedTuple):
    """From `start` up to, but not at, `end` the waiver does not hold; UTC milliseconds."""

    start: int
    end: int
    word: str
    """`rejected`, `withdrawn`."""


def refusals(conn: Connection, waivers: Sequence[Waiver], known_at: int | None) -> Mapping[str, list[Refusal]]:
    """Return waiver id -> when it was refused, as known at `known_at` (None = now); one never refused is missing.

    A refusal is not forgotten when the mail that said it is gone; an agreement that is gone ends none. One without
    a date has always been there.
    """
    said = _decisions(conn, [one.id for one in waivers], known_at)
    if not said:
        return {}
    people = load_people(conn, [*(one.approver for one in waivers), *(one.approver for one in said)])
    found: dict[str, list[Refusal]] = {}
    for waiver in waivers:
        approver = waiver.approver
        by_him = [
            one
            for one in said
            if one.subject_id == waiver.id and approver and one.approver and people.same(one.approver, approver)
        ]
        if by_him:
            found[waiver.id] = list(_spans(by_him, waiver_revision(waiver)))
    return found


def _decisions(conn: Connection, waivers: Sequence[str], known_at: int | None) -> list[Approval]:
    about, approval = _record.alias(), kind_tables["approval"].c
    asked = (
        select(_revision.c.body)
        .join(approval.sid.table, approval.sid == _revision.c.sid)
        .join(about, about.c.sid == approval.subject_id)
        .where(about.c.kind == "waiver", about.c.id.in_(list(waivers)), *_as_known(known_at))
    )
    unpack = zstandard.ZstdDecompressor().decompress
    read = [decode_record(unpack(body)) for body in conn.scalars(asked)]
    return [one for one in read if isinstance(one, Approval) and one.decision in ("approved", "rejected", "withdrawn")]


def _spans(said: Sequence[Approval], text: str) -> Iterator[Refusal]:
    """Tell when `no` was the last word; `text` is the revision of the waiver as it stands."""
    start: int | None = None
    word = ""
    has_agreed = False
    for at, decision, about_this in sorted(_words(said, text), key=lambda one: (one[0], one[1] != "approved")):
        if decision == "approved":
            if start is not None:
                yield Refusal(start, at, word)
            start, has_agreed = None, True
        elif start is None and (about_this or not has_agreed):
            start, word = at, decision
    if start is not None:
        yield Refusal(start, _EVER, word)


def _words(said: Sequence[Approval], text: str) -> Iterator[tuple[int, str, bool]]:
    """Yield (instant, decision, about the text as it stands); agreement to another text, or one that is gone, is none."""
    for one in said:
        about_this = one.subject_revision in (None, text)
        at = -_EVER if one.decided_at is None else one.decided_at
        if one.decision != "approved":
            yield at, one.decision or "", about_this
        elif about_this and one.vanished_at is None:
            yield at, "approved", True
        if one.decision == "approved" and one.withdrawn_at is not None:
            yield one.withdrawn_at, "withdrawn", about_this


def _as_known(known_at: int | None) -> tuple[ColumnElement[bool], ...]:
    if known_at is None:
        return (_revision.c.known_to.is_(None),)
    later = or_(_revision.c.known_to.is_(None), _revision.c.known_to > known_at)
    return (_revision.c.known_from <= known_at, later)
