"""Who is who: people, their roles and teams, customers, suppliers, and when they work."""

# ruff: noqa: RUF012 - msgspec copies an empty default for each record

from typing import Annotated, Literal

import msgspec

from hub.records.base import AnyRef, Date, Instant, Part, PersonRef, Record, ref

__all__ = [
    "AccessGrant",
    "Calendar",
    "CompetenceAssessment",
    "Customer",
    "ExtraOpening",
    "OpeningHours",
    "Person",
    "RoleAssignment",
    "Subcontractor",
    "Supplier",
    "Team",
]


class Subcontractor(Part, kw_only=True):
    """A supplier's supplier."""

    name: str
    """Name."""
    evidence_ref: str | None = None
    """What shows that it is bound to the same terms."""
    at: Instant | None = None
    """When that was seen."""


class Supplier(Record, tag="supplier", kw_only=True):
    """One who sells services to the provider."""

    name: str | None = None
    """Name."""
    contact_id: PersonRef | None = None
    """Contact person."""
    manager: PersonRef | None = None
    """Who manages the supplier on the provider's side."""
    services_supplied: list[str] = []
    """What it supplies."""
    subcontractors: list[Subcontractor] = []
    """Its suppliers."""
    criticality: str | None = None
    """Weight."""


class Customer(Record, tag="customer", kw_only=True):
    """One for whom services are provided."""

    name: str | None = None
    """Name."""
    contact_id: PersonRef | None = None
    """Contact person."""
    key_customer: bool = False
    """A key customer."""


class CompetenceAssessment(Part, kw_only=True):
    """Somebody looked at what a person can do."""

    competence: str | None = None
    """Which competence; None = all the role asks for."""
    assessed_at: Instant | None = None
    """When."""
    by: PersonRef | None = None
    """Who looked."""


class Person(Record, tag="person", kw_only=True):
    """A human, or a login of a tool."""

    account: bool = False
    """True = a login of a tool; `same_as` tells whose."""
    name: str | None = None
    """Name."""
    email: list[str] = []
    """Addresses."""
    phone: str | None = None
    """Number."""
    zone: str | None = None
    """IANA zone in which mails to the person tell dates; None = the organisation's."""
    party: AnyRef | None = None
    """Customer, supplier or team the person belongs to."""
    employment: Literal["employee", "external", "customer", "supplier"] | None = None
    """How the person is bound."""
    active_from: Instant | None = None
    """First day."""
    active_to: Instant | None = None
    """First day no longer active."""
    competences: list[str] = []
    """What the person can do."""
    assessments: list[CompetenceAssessment] = []
    """When that was looked at."""


class Team(Record, tag="team", kw_only=True):
    """People who work as one."""

    name: str | None = None
    """Name."""
    members: list[PersonRef] = []
    """Who."""
    manager: PersonRef | None = None
    """Who leads it."""


class RoleAssignment(Record, tag="role_assignment", kw_only=True):
    """A person holds a role for a time."""

    person: Annotated[str, ref("person", index=True)] | None = None
    """Who."""
    role: str | None = None
    """Role."""
    process: str | None = None
    """Process it holds for."""
    service: Annotated[str, ref("service", index=True)] | None = None
    """Service it holds for."""
    from_: Instant | None = msgspec.field(default=None, name="from")
    """First day."""
    to: Instant | None = None
    """First day no longer held."""
    authorised_by: PersonRef | None = None
    """Who assigned it."""


class AccessGrant(Record, tag="access_grant", kw_only=True):
    """A person or supplier may enter a target."""

    person: PersonRef | None = None
    """Who."""
    supplier_id: Annotated[str, ref("supplier")] | None = None
    """Which supplier."""
    target: str | None = None
    """System, room or data."""
    level: str | None = None
    """How far."""
    from_: Instant | None = msgspec.field(default=None, name="from")
    """From when."""
    to: Instant | None = None
    """Until when."""
    approved_by: PersonRef | None = None
    """Who allowed it."""
    risk_id: Annotated[str, ref("risk")] | None = None
    """Risk it answers to."""
    control_id: str | None = None
    """Control it falls under."""


class OpeningHours(Part, kw_only=True):
    """A weekly interval of local time; `closes` not after `opens` means past midnight."""

    day: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    """Day it opens."""
    opens: str
    """`HH:MM`, included."""
    closes: str
    """`HH:MM`, not included."""


class ExtraOpening(Part, kw_only=True):
    """An interval on one date, such as a make-up workday."""

    date: Date
    """Day it opens."""
    opens: str
    """`HH:MM`, included."""
    closes: str
    """`HH:MM`, not included."""


class Calendar(Record, tag="calendar", kw_only=True):
    """Support hours as data."""

    zone: str | None = None
    """IANA zone; None = the organisation's."""
    weekly: list[OpeningHours] = []
    """Opening hours of a usual week."""
    closed: list[Date] = []
    """Dates without opening."""
    extra_open: list[ExtraOpening] = []
    """Openings on single dates."""
    holiday_set: str | None = None
    """Name of the holiday list."""
    holiday_set_version: str | None = None
    """Version of the holiday list."""
    valid_from: Date | None = None
    """First day."""
    valid_to: Date | None = None
    """First day no longer valid."""
