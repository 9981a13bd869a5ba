"""What customers say: contacts, complaints, surveys."""

# ruff: noqa: RUF012 - msgspec copies an empty default for each record

from typing import Annotated, Any, Literal

import msgspec

from hub.records.base import AnyRef, Instant, Part, PersonRef, Record, ref

__all__ = ["Complaint", "Contact", "Investigation", "SatisfactionSurvey"]


class Investigation(Part, kw_only=True):
    """What the look into a complaint found."""

    by: PersonRef | None = None
    """Who investigated."""
    at: Instant | None = None
    """When it was finished."""
    finding: Literal["substantiated", "partly", "unsubstantiated"] | None = None
    """Whether the complaint was right."""
    cause: str | None = None
    """What lay behind it."""


class Contact(Record, tag="contact", kw_only=True):
    """One call, mail or chat."""

    at: Instant | None = None
    """When it began."""
    direction: Literal["in", "out"] | None = None
    """From the customer's side, or to it."""
    channel: str | None = None
    """Way it took."""
    party: AnyRef | None = None
    """Other side, as far as known."""
    agent: PersonRef | None = None
    """Who spoke for the provider."""
    answered: bool | None = None
    """Somebody took it."""
    wait_s: int | None = None
    """Seconds until it was taken."""
    duration_s: int | None = None
    """Seconds it lasted."""
    ticket_id: AnyRef | None = None
    """Ticket it led to."""
    recording_ref: str | None = None
    """Where the recording is."""
    class_: Literal["service", "spam", "duplicate"] | None = msgspec.field(default=None, name="class")
    """What it was."""


class Complaint(Record, tag="complaint", kw_only=True):
    """A customer's dissatisfaction that asks for an answer."""

    received_at: Instant | None = None
    """When it reached the provider."""
    recorded_at: Instant | None = None
    """When it was recorded."""
    channel: str | None = None
    """Way in."""
    complainant: AnyRef | None = None
    """Who complains: a person or a customer."""
    category: str | None = None
    """Classification."""
    description: str | None = None
    """What it says."""
    about: AnyRef | None = None
    """What it is about."""
    severity: str | None = None
    """Weight."""
    due_at: Instant | None = None
    """When the final answer is due."""
    first_reply_at: Instant | None = None
    """First answer to the complainant."""
    investigation: Investigation | None = None
    """What was found."""
    compared: list[Annotated[str, ref("complaint")]] = []
    """Earlier complaints like it that were looked at."""
    none_alike: bool | None = None
    """There was none like it, by statement."""
    actions: list[Annotated[str, ref("improvement_action")]] = []
    """What is done about it."""
    escalated_at: Instant | None = None
    """When it was handed up."""
    escalated_to: PersonRef | None = None
    """To whom."""
    outcome: str | None = None
    """How it ended."""
    customer_informed_at: Instant | None = None
    """When the customer was told the outcome."""
    closed_at: Instant | None = None
    """Closure."""
    closed_by: PersonRef | None = None
    """Who closed it."""


class SatisfactionSurvey(Record, tag="satisfaction_survey", kw_only=True):
    """One question to one customer, answered or not."""

    campaign: str | None = None
    """Series it belongs to."""
    type: Literal["ticket", "periodic"] | None = None
    """After a ticket, or at intervals."""
    channel: Literal["email", "phone", "visit", "portal"] | None = None
    """How it was asked."""
    ticket_id: AnyRef | None = None
    """Ticket it asks about."""
    sent_at: Instant | None = None
    """When it was asked."""
    reminded_at: Instant | None = None
    """When it was asked again."""
    replied_at: Instant | None = None
    """When the answer came."""
    no_reply: Literal["refused", "silent"] | None = None
    """Why there is no answer, where that was settled."""
    score: float | None = None
    """The answer, between `scale_min` and `scale_max`."""
    scale_min: float | None = None
    """Worst possible score."""
    scale_max: float | None = None
    """Best possible score."""
    answers: dict[str, Any] = {}
    """Answers to further questions."""
    comment: str | None = None
    """Free text."""
    follow_up_at: Instant | None = None
    """When somebody came back to the customer."""
    action_ids: list[Annotated[str, ref("improvement_action")]] = []
    """What is done about it."""
