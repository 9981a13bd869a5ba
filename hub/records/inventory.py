"""What services are made of: the catalogue and its configuration items."""

# ruff: noqa: RUF012 - msgspec copies an empty default for each record

from typing import Annotated, Any, Literal

from hub.records.base import Confirmation, Instant, Part, Record, ref

__all__ = ["ConfigurationItem", "Measuring", "Service"]


class ConfigurationItem(Record, tag="configuration_item", kw_only=True):
    """A thing under configuration control."""

    ci_type: str | None = None
    """Class of item."""
    serial_or_digest: str | None = None
    """What identifies the copy."""
    version: str | None = None
    """Version."""
    ci_status: Literal["planned", "in_stock", "live", "maintenance", "retired", "disposed"] | None = None
    """Place in its life."""
    location: str | None = None
    """Where it is."""
    controlled: bool | None = None
    """Changes only by change record."""
    licence_required: bool | None = None
    """Needs a licence."""
    baseline: str | None = None
    """Baseline it belongs to."""
    verified_at: Instant | None = None
    """Last time it was found as recorded."""
    retired_at: Instant | None = None
    """When it left service."""
    retired_reason: str | None = None
    """Why."""
    attributes: dict[str, Any] = {}
    """Further attributes."""
    depends_on: list[Annotated[str, ref("configuration_item")]] = []
    """Items it needs."""
    part_of: list[Annotated[str, ref("configuration_item")]] = []
    """Items it is a piece of."""
    runs_on: list[Annotated[str, ref("configuration_item")]] = []
    """Items that carry it."""
    connects_to: list[Annotated[str, ref("configuration_item")]] = []
    """Items it talks to."""


class Measuring(Part, kw_only=True):
    """How availability is measured."""

    method: str | None = None
    """Method."""
    points: str | None = None
    """Where it is measured."""


class Service(Record, tag="service", kw_only=True):
    """A service of the catalogue."""

    name: str | None = None
    """What customers call it."""
    in_scope: bool = True
    """Judged at all."""
    in_scope_from: Instant | None = None
    """First day it is judged."""
    customer_facing: bool | None = None
    """Customers use it directly."""
    lifecycle: Literal["planned", "live", "retiring", "retired"] | None = None
    """Place in its life."""
    live_at: Instant | None = None
    """When it went live."""
    criticality: str | None = None
    """Weight for the business."""
    calendar_id: Annotated[str, ref("calendar")] | None = None
    """Support hours: a built-in calendar or one of the register."""
    availability_target: float | None = None
    """Per cent."""
    measuring: Measuring | None = None
    """How availability is measured."""
    availability_agreed: Confirmation | None = None
    """Who of the business agreed to the availability target."""
    rto_min: int | None = None
    """Minutes until it runs again after a disaster."""
    rpo_min: int | None = None
    """Minutes of data that may be lost."""
    business_priority: int | None = None
    """Order of recovery, 1 first."""
    continuity_agreed: Confirmation | None = None
    """Who agreed to the recovery figures, or that there need be none."""
    continuity_not_required: str | None = None
    """Why the service need not be recovered after a disaster."""
    ci_ids: list[Annotated[str, ref("configuration_item")]] = []
    """Items it is made of."""
