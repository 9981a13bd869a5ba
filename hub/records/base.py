"""The envelope every record has, and the few field types the store understands.

The store's tables follow from these structs by one rule (`hub.store.schema`): a scalar is a
column, a struct is prefixed columns, a list of structs is a child table, a list of references
is link rows, an open map or a list of texts is JSON that no requirement reads.

Annotations of records are evaluated as their classes are made (no `from __future__ import annotations`): kept as
text, those of the envelope would be evaluated anew for each of sixty kinds whenever a command starts.
"""

from typing import Annotated, Any, Literal

import msgspec

__all__ = [
    "INDEXED",
    "AnyRef",
    "Confidentiality",
    "Confirmation",
    "CustomerRef",
    "Date",
    "Event",
    "Instant",
    "Link",
    "Money",
    "Part",
    "Period",
    "PersonRef",
    "Record",
    "ServiceRef",
    "Since",
    "StatusCategory",
    "ref",
]


def ref(kind: str, *, index: bool = False) -> msgspec.Meta:
    """Mark a text field as the id of a record of `kind` (`any` where several kinds may stand).

    `index` asks the store for an index: requirements join on this field.
    """
    return msgspec.Meta(extra={"ref": kind, "index": True} if index else {"ref": kind})


INDEXED = msgspec.Meta(extra={"index": True})
"""Marks a plain field for which the store keeps an index: requirements look few records up by it."""
Instant = Annotated[int, msgspec.Meta(extra={"unit": "instant"})]
"""UTC milliseconds since 1970."""
Date = Annotated[str, msgspec.Meta(extra={"unit": "date"})]
"""ISO 8601 calendar date in the organisation's zone."""
PersonRef = Annotated[str, ref("person")]
ServiceRef = Annotated[str, ref("service")]
CustomerRef = Annotated[str, ref("customer")]
AnyRef = Annotated[str, ref("any")]

StatusCategory = Literal[
    "new",
    "in_progress",
    "pending_customer",
    "pending_supplier",
    "pending_internal",
    "resolved",
    "closed",
    "cancelled",
    "rejected",
    "other",
]
"""Neutral state; `other` = the tool's word is not in the mapping (reported, never guessed)."""
Confidentiality = Literal["public", "internal", "customer", "secret"]


class Part(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """Base of the structs that stand inside a record. A record is a tree: nothing in it is found by looking for cycles."""


class Money(Part):
    """An amount in a currency."""

    amount: str
    """Decimal number as text."""
    currency: str
    """ISO 4217 code."""


class Period(Part):
    """A span of time, half-open: `start` belongs to it, `end` does not."""

    start: Instant
    """First instant."""
    end: Instant
    """First instant after it."""


class Confirmation(Part):
    """Somebody vouched for something at some time."""

    by: PersonRef | None = None
    """Who."""
    at: Instant | None = None
    """When."""


class Event(Part):
    """Something that happened to a record."""

    at: Instant
    """When the tool recorded it."""
    type: str
    """One of the event types of the neutral model, such as `assigned`, `resolved`, `escalated`, `updated`."""
    actor: PersonRef | None = None
    """Who did it; None where the tool does not say."""
    field: str | None = None
    """Neutral field that changed, or the tool's own name where none is mapped."""
    from_: str | None = msgspec.field(default=None, name="from")
    """Value before."""
    to: str | None = None
    """Value after."""
    visible_to_customer: bool = False
    """The customer could see it."""
    source_ref: str | None = None
    """Native id of the entry at the source."""


class Link(Part):
    """A relation as this record's own source states it; the inverse stands at the other end."""

    type: str
    """Relation name of the neutral model: `caused_by`, `causes`, `affects`, `documented_as` …"""
    target: Annotated[str, ref("any")]
    """Id of the record at the other end, read or not."""
    at: Instant | None = None
    """When the tool recorded the link; None = not known."""
    source_ref: str | None = None
    """Native id of the link."""


class Since(Part):
    """Since when a field has held a value without a gap, as the tool's own history tells.

    A field that holds a value and has no row here has an unknown instant: what depends on it
    is not provable. The instant of creation counts only where the complete history shows that
    the value was there from the start.
    """

    field: str
    """Neutral field name; dotted for a struct's field (`impact.service`)."""
    at: Instant
    """When the tool recorded the value."""


class Record(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag_field="kind", gc=False):
    """The envelope: identity, scope, state, people, history, and honesty about gaps."""

    id: str
    """`<source>:<immutable native id>`; never the key people use, which changes when things move."""
    source: str
    """Name of the configured source."""
    scope: str = ""
    """What the source's permissions are granted on: project key, mailbox, register file."""
    title: str = ""
    """Short name."""
    key: str | None = None
    """What people call it (`OPS-12`)."""
    aliases: list[str] = []
    """Former keys."""
    url: str | None = None
    """Where a person can open it."""
    status: str | None = None
    """The tool's own word."""
    status_category: StatusCategory | None = None
    """Neutral state."""
    created_at: Instant | None = None
    """When the tool recorded it first."""
    updated_at: Instant | None = None
    """When the tool changed it last."""
    owner: PersonRef | None = None
    """Who is answerable."""
    assignee: PersonRef | None = None
    """Who works on it."""
    creator: PersonRef | None = None
    """Who made it."""
    service_ids: list[ServiceRef] = []
    """Services concerned."""
    customer_id: CustomerRef | None = None
    """Customer concerned."""
    site: str | None = None
    """Location."""
    labels: list[str] = []
    """As at the source."""
    custom: dict[str, Any] = {}
    """Fields of the source that no neutral field takes, kept as they came; never read by a requirement."""
    events: list[Event] = []
    """History, oldest first."""
    links: list[Link] = []
    """Relations this record's source states."""
    since: list[Since] = []
    """Since when fields hold their values."""
    same_as: list[Annotated[str, ref("any")]] = []
    """Other records that are the same thing or person, by explicit statement only."""
    confidentiality: Confidentiality = "internal"
    """Drives redaction in mail."""
    unknown_fields: list[str] = []
    """Fields whose source could not be read for this record (no permission, truncated answer)."""
    raw_times: dict[str, str] = {}
    """Times as the source wrote them, where they carried an offset."""
    declared_by: PersonRef | None = None
    """Who vouches for a hand-kept record; set = evidence that rests on a declaration."""
    proof: str | None = None
    """Path, URL or Message-ID of what a declaration rests on."""
    expires_at: Instant | None = None
    """First instant at which a declaration no longer counts; None = it does not expire."""
    vanished_at: Instant | None = None
    """First census that showed it deleted at its source."""
    invisible_at: Instant | None = None
    """First census that could no longer see it."""
