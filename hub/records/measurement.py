"""What was measured and what was said: alerts, outages, samples, figures, messages."""

# ruff: noqa: RUF012 - msgspec copies an empty default for each record

from typing import Annotated, Literal

import msgspec

from hub.records.base import AnyRef, Instant, Part, Period, PersonRef, Record, ServiceRef, ref
from hub.records.support import Breach

__all__ = [
    "Alert",
    "Attachment",
    "AvailabilitySample",
    "CheckResult",
    "Communication",
    "Maintenance",
    "Measurement",
    "Outage",
    "TicketReference",
    "Undelivered",
]


class TicketReference(Part, kw_only=True):
    """A ticket named by an alert, or by whoever took it."""

    key: str
    """What people call the ticket (`OPS-12`)."""
    said_in: str | None = None
    """Where it stands: an annotation, an acknowledgement, the comment of a silence."""


class Alert(Record, tag="alert", kw_only=True):
    """A monitor raised its voice."""

    fingerprint: str | None = None
    """What makes it the same alert again."""
    resource: str | None = None
    """What it is about."""
    severity: str | None = None
    """Weight, as the source names it."""
    started_at: Instant | None = None
    """Start."""
    ended_at: Instant | None = None
    """End; None = still firing."""
    ended_after: Instant | None = None
    """Last instant it was seen, where the source does not tell when it ended: between this and `ended_at`."""
    acknowledged_at: Instant | None = None
    """When somebody took it."""
    ticket_id: AnyRef | None = None
    """Ticket it led to."""
    ticket_basis: Literal["reference", "service_and_time", "ambiguous"] | None = None
    """How the hub found `ticket_id`, or why it chose none of several; None = the tool links the two, or none fits."""
    references: list[TicketReference] = []
    """Tickets it names."""
    outage: bool | None = None
    """While it lasts its services cannot be used; None = nobody has said so."""
    security: bool | None = None
    """Touches information security."""
    altered: bool | None = None
    """Reports that the items it is about were changed; None = nobody has said what does."""
    ci_ids: list[Annotated[str, ref("configuration_item")]] = []
    """Items it is about."""


class Maintenance(Part, kw_only=True):
    """Planned work behind an outage."""

    announced_at: Instant | None = None
    """When it was announced."""
    window: Annotated[str, ref("maintenance_window")] | None = None
    """Window it was announced for."""


class Outage(Record, tag="outage", kw_only=True):
    """A service could not be used."""

    service_id: ServiceRef | None = None
    """Which service."""
    started_at: Instant | None = None
    """Start."""
    ended_at: Instant | None = None
    """End; None = still out."""
    planned: bool | None = None
    """Planned work."""
    maintenance: Maintenance | None = None
    """Announcement of planned work."""
    detected_by: str | None = None
    """Who or what noticed."""
    detected_at: Instant | None = None
    """When it was noticed."""
    acknowledged_at: Instant | None = None
    """When somebody took it."""
    alert_ids: list[Annotated[str, ref("alert")]] = []
    """Alerts it was seen by."""
    incident_id: Annotated[str, ref("incident")] | None = None
    """Incident it led to."""
    incident_basis: Literal["reference", "service_and_time", "ambiguous"] | None = None
    """How the hub found `incident_id`, or why it chose none of several; None = the source links the two, or none fits."""
    users_affected: int | None = None
    """How many users."""


class AvailabilitySample(Record, tag="availability_sample", kw_only=True):
    """The state of a service at one instant."""

    service_id: ServiceRef
    """Which service."""
    at: Instant
    """When."""
    state: Literal["up", "down", "degraded", "unknown"]
    """How it was."""
    interval_s: int | None = None
    """Seconds the sample stands for."""
    every_s: int | None = None
    """Seconds between two looks, where the sample stands for several; None = `interval_s`."""
    probe: str | None = None
    """What measured it."""


class Measurement(Record, tag="measurement", kw_only=True):
    """A figure, and what it rests on."""

    metric_id: str
    """Which metric."""
    formula_version: str | None = None
    """Version of the formula."""
    subject: Annotated[str, ref("any", index=True)] | None = None
    """What it is about."""
    period: Period | None = None
    """Time measured, half-open."""
    target: float | None = None
    """What was promised."""
    actual: float | None = None
    """What was measured; None = see `missing_reason`."""
    unit: str | None = None
    """Unit."""
    numerator: float | None = None
    """Counted."""
    denominator: float | None = None
    """Out of."""
    coverage: float | None = None
    """Share of the data that was there, 0 to 1."""
    missing_reason: str | None = None
    """Why there is no figure."""
    as_of: Instant | None = None
    """When its data was frozen."""
    rev: int | None = None
    """From 1; a restatement counts up."""
    query_ref: str | None = None
    """How it was asked."""
    record_ids_hash: str | None = None
    """Hash over the ids of the records counted."""
    breach: Breach | None = None
    """Cause of a missed target."""


class CheckResult(Record, tag="check_result", kw_only=True):
    """What one of the hub's own checks found, for what no tool records: a requirement reads it like any record."""

    check: str | None = None
    """Name of the check."""
    subject_id: AnyRef | None = None
    """What was checked; None = everything."""
    period: Period | None = None
    """Time it speaks of, half-open."""
    at: Instant | None = None
    """When it was checked."""
    result: Literal["passed", "failed"] | None = None
    """What it found; None = it could not be checked."""
    counted: int | None = None
    """How many were in order."""
    out_of: int | None = None
    """Out of how many."""
    detail: str | None = None
    """What was wrong, in words."""


class Attachment(Part, kw_only=True):
    """A file that came with a message."""

    name: str | None = None
    """Name."""
    sha256: str | None = None
    """Its hash."""
    size: int | None = None
    """Bytes."""


class Undelivered(Part, kw_only=True):
    """A recipient a message did not reach."""

    address: str
    """Mail address, as the message was sent to it where that is told."""
    status: str | None = None
    """Status code of RFC 3463, such as `5.1.1`."""
    said: str | None = None
    """What the refusing server said."""


class Communication(Record, tag="communication", kw_only=True):
    """One message."""

    message_id: str | None = None
    """Message-ID."""
    direction: Literal["in", "out"] | None = None
    """To the provider, or from it."""
    from_: str | None = msgspec.field(default=None, name="from")
    """Sender's address."""
    to: list[str] = []
    """Recipients' addresses."""
    cc: list[str] = []
    """Addresses copied."""
    sent_at: Instant | None = None
    """Date header; proves nothing."""
    received_at: Instant | None = None
    """When the provider's own server took it."""
    in_reply_to: str | None = None
    """Message-ID it answers."""
    class_: (
        Literal[
            "approval",
            "complaint",
            "survey_reply",
            "report_delivery",
            "monitoring",
            "supplier_notice",
            "customer_notice",
            "fault_report",
            "minutes",
            "other",
        ]
        | None
    ) = msgspec.field(default=None, name="class")
    """What it is."""
    class_basis: Literal["rule", "token", "person"] | None = None
    """What that rests on."""
    authenticity: Literal["tool_login", "dkim_pass", "smime", "typed", "none"] | None = None
    """What shows who sent it."""
    attachments: list[Attachment] = []
    """Files."""
    auto_submitted: bool | None = None
    """Sent by a machine."""
    bounce: bool | None = None
    """Says that another message did not arrive."""
    undelivered: list[Undelivered] = []
    """Whom the message named by `in_reply_to` did not reach; of a bounce."""
    record_id: AnyRef | None = None
    """Record it belongs to."""
    to_persons: list[PersonRef] = []
    """Recipients who are known."""
    security: bool | None = None
    """Tells of something that touches information security; None = nobody has judged that."""
    claims_error: bool | None = None
    """Says that something issued is wrong; None = nobody has judged that."""
