"""Hand-kept rows of daily operation: backups, shifts, visits, inspections, windows."""

# ruff: noqa: RUF012 - msgspec copies an empty default for each record

from typing import Annotated, Literal

import msgspec

from hub.records.base import AnyRef, Instant, Part, PersonRef, Record, ref

__all__ = ["BackupRun", "Handover", "Inspection", "LogOn", "MaintenanceWindow", "OnsiteVisit", "RoomAccess", "Shift"]


class BackupRun(Record, tag="backup_run", kw_only=True):
    """A backup was made, or a restore was tried."""

    started_at: Instant | None = None
    """When the backup began."""
    result: Literal["success", "partial", "failed"] | None = None
    """How the backup ended."""
    copies: int | None = None
    """Copies made."""
    offsite: bool | None = None
    """A copy is kept elsewhere."""
    keeper: PersonRef | None = None
    """Who keeps the copies."""
    restore_performed_at: Instant | None = None
    """When a restore was tried."""
    restore_result: Literal["success", "partial", "failed"] | None = None
    """How that ended."""


class LogOn(Part, kw_only=True):
    """An agent at work."""

    person: PersonRef
    """Who."""
    on: Instant
    """From."""
    off: Instant | None = None
    """Until; None = still on."""


class Shift(Record, tag="shift", kw_only=True):
    """A shift of the service desk."""

    start: Instant | None = None
    """Start."""
    end: Instant | None = None
    """End."""
    type: Literal["day", "night"] | None = None
    """Day or night."""
    planned_seats: int | None = None
    """Seats that shall be taken."""
    log_ons: list[LogOn] = []
    """Who was there when."""


class Handover(Record, tag="handover", kw_only=True):
    """Duty passed from one to the next."""

    from_: PersonRef | None = msgspec.field(default=None, name="from")
    """Who hands over."""
    to: PersonRef | None = None
    """Who takes over."""
    at: Instant | None = None
    """When."""
    open_ticket_ids: list[AnyRef] = []
    """Tickets handed over."""
    confirmed_from: bool | None = None
    """Confirmed by who hands over."""
    confirmed_to: bool | None = None
    """Confirmed by who takes over."""
    requested_at: Instant | None = None
    """When a duty hand-over was asked for."""
    manager: PersonRef | None = None
    """Manager who agreed to a duty hand-over."""
    customer_contact: PersonRef | None = None
    """Customer's contact who was told."""
    duty_id: Annotated[str, ref("role_assignment")] | None = None
    """Duty handed over; None = see `from`."""


class RoomAccess(Record, tag="room_access", kw_only=True):
    """Somebody was in a protected room."""

    person: PersonRef | None = None
    """Who."""
    party: AnyRef | None = None
    """For whom."""
    room: str | None = None
    """Which room."""
    reason: str | None = None
    """Why."""
    approved_by: PersonRef | None = None
    """Who allowed it."""
    approved_at: Instant | None = None
    """When that was."""
    in_at: Instant | None = None
    """In."""
    out_at: Instant | None = None
    """Out."""


class OnsiteVisit(Record, tag="onsite_visit", kw_only=True):
    """Work at the customer's place."""

    ticket_id: AnyRef | None = None
    """Ticket it belongs to."""
    start: Instant | None = None
    """Arrival."""
    end: Instant | None = None
    """Departure."""
    work: str | None = None
    """What was done."""
    parts: list[str] = []
    """Parts used."""
    customer_contact: PersonRef | None = None
    """Who was there for the customer."""
    confirmed_at: Instant | None = None
    """When the customer confirmed it."""
    report_ref: str | None = None
    """Where the report is."""
    plan_id: Annotated[str, ref("plan")] | None = None
    """Plan of maintenance it carries out."""


class Inspection(Record, tag="inspection", kw_only=True):
    """A round through the premises."""

    inspected_at: Instant | None = None
    """When."""
    by: PersonRef | None = None
    """Who."""
    defects: list[str] = []
    """What was found."""
    incident_ids: list[Annotated[str, ref("incident")]] = []
    """Incidents raised for it."""


class MaintenanceWindow(Record, tag="maintenance_window", kw_only=True):
    """A time agreed for planned work."""

    start: Instant | None = None
    """Start."""
    end: Instant | None = None
    """End."""
    announced_at: Instant | None = None
    """When it was announced."""
    plan_id: Annotated[str, ref("plan")] | None = None
    """Plan of maintenance carried out in it."""
