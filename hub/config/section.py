"""The sections of hub.toml that belong to the hub itself; frozen, unknown keys refused."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from hub.conformance.answer import Severity
from hub.conformance.profile import Choice, Scope
from hub.sync.setting import ZoneName

__all__ = [
    "AudienceSettings",
    "FindingSettings",
    "OrganisationSettings",
    "PackSettings",
    "ProfileSettings",
    "RecordId",
    "ReportSettings",
    "Section",
    "StoreSettings",
    "WaiverSettings",
]


def _record_id(value: str) -> str:
    source, colon, native = value.partition(":")
    if not (source and colon and native):
        raise ValueError("should be the id of a record: `<source>:<id>`, such as register:people/alice")
    return value


RecordId = Annotated[str, AfterValidator(_record_id)]
"""`<source name>:<native id>`."""


class Section(BaseModel):
    """What all sections share."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class OrganisationSettings(Section):
    """Whose services these are."""

    name: str = Field(min_length=1)
    """As it stands in reports."""
    zone: ZoneName
    """IANA zone; local days, due dates and dates in this file are meant in it."""
    calendar: str = "5x8"
    """Id of a calendar: built-in `5x8` (Mon-Fri 08-12, 13-17) and `7x24`, or one from the register."""
    judge_from: int | None = None
    """Adoption, UTC milliseconds: older obligations are baseline, not findings. In the file a local date
    (its midnight) or an instant with offset; absent = everything is judged."""
    manager: RecordId | None = None
    """Person who owns findings that nobody else owns, such as `register:people/alice`."""

    @field_validator("judge_from", mode="before")
    @classmethod
    def _local_midnight(cls, value: object, info: ValidationInfo) -> object:
        if value is None:
            return None
        return local_instant(value, info.data.get("zone", "UTC"))  # a wrong zone is a fault of its own


def local_instant(value: object, zone: str) -> int:
    """Turn a date (its first instant in `zone`) or a time with offset into UTC milliseconds.

    Takes text in ISO 8601 or what TOML made of it. Raises ValueError for anything else, also for a
    time without offset.
    """
    if isinstance(value, str):
        try:
            value = (dt.datetime if len(value) > len("2026-10-01") else dt.date).fromisoformat(value)
        except ValueError:
            value = None
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise ValueError("a time needs an offset: 2026-10-01T06:00:00Z; or write a date alone: 2026-10-01")
        moment = value
    elif isinstance(value, dt.date):
        moment = dt.datetime.combine(value, dt.time(), tzinfo=ZoneInfo(zone))
    else:
        # ValueError, for pydantic takes a TypeError for a defect
        raise ValueError(  # noqa: TRY004
            "should be a date (2026-10-01) or a time with offset (2026-10-01T06:00:00Z)"
        )
    try:
        delta = moment.astimezone(dt.UTC) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    except OverflowError:
        raise ValueError("lies outside the years 1 to 9999") from None
    return delta // dt.timedelta(milliseconds=1)


class StoreSettings(Section):
    """Where everything is kept."""

    url: str = "sqlite:///hub.db"
    """SQLAlchemy URL without password; an SQLite path is relative to the configuration file."""
    password: SecretStr | None = None
    """Password for PostgreSQL, where its own password file is not used."""

    @field_validator("url")
    @classmethod
    def _known_and_free_of_passwords(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"sqlite", "postgresql", "postgresql+psycopg"}:
            raise ValueError("should begin with sqlite:/// or postgresql+psycopg://")
        if parts.password is not None or any("pass" in name for name, _ in parse_qsl(parts.query)):
            raise ValueError('has a password inside; write it to a file and add: password = { file = "secrets/store" }')
        return value

    def url_with_password(self) -> str:
        """Return the URL to connect with; never to be logged."""
        if self.password is None:
            return self.url
        parts = urlsplit(self.url)
        user, _, host = parts.netloc.rpartition("@")
        secret = quote(self.password.get_secret_value(), safe="")
        return urlunsplit(parts._replace(netloc=f"{user}:{secret}@{host}"))


Language = Literal["en", "zh"]
"""A language reports are told in."""
Patterns = list[Annotated[str, Field(min_length=1)]]
"""Requirements: ids, clauses such as `7.2`, or patterns of ids such as `BS15000-5.5-*`."""


class ProfileSettings(Section):
    """Something the organisation sets otherwise than the pack ships it: for whom, why, who decided it and when."""

    service: RecordId | None = None
    """Only for what belongs to this service, such as `register:services/shop`."""
    customer: RecordId | None = None
    """Only for what belongs to this customer."""
    parameters: dict[str, dict[str, Any]] = {}
    """Requirement id -> parameter -> value."""
    disabled: Patterns = []
    """Requirements that are not judged."""
    enabled: Patterns = []
    """Requirements that are judged though an entry with a wider scope disables them."""
    severity: dict[str, Severity] = {}
    """Requirement, or pattern -> severity."""
    reason: str = Field(min_length=1)
    set_by: str = Field(min_length=1)
    """Who decided it: a person's id, or a role."""
    set_at: dt.date

    @model_validator(mode="after")
    def _sets_something(self) -> Self:
        if not (self.parameters or self.disabled or self.enabled or self.severity):
            raise ValueError("sets nothing; write parameters, disabled, enabled or severity")
        return self


class PackSettings(Section):
    """One pack of requirements that is judged."""

    enabled: bool = True
    parameters: dict[str, dict[str, Any]] = {}
    """Requirement id -> parameter -> value, where the organisation deviates from the pack."""
    profile: list[ProfileSettings] = []
    """Deviations with a reason, for the whole organisation, a service or a customer."""

    @property
    def choices(self) -> list[Choice]:
        """The entries of the profile, each with the key it stands under."""
        return [
            Choice(
                key=("profile", str(place)),
                scope=Scope(entry.service, entry.customer),
                parameters=entry.parameters,
                disabled=tuple(entry.disabled),
                enabled=tuple(entry.enabled),
                severity=entry.severity,
                reason=entry.reason,
                set_by=entry.set_by,
                set_at=entry.set_at.isoformat(),
            )
            for place, entry in enumerate(self.profile)
        ]


class AudienceSettings(Section):
    """A manager's own report: what concerns some services and teams."""

    name: str = Field(min_length=1)
    """As it stands in the report."""
    services: list[RecordId] = []
    """Services it is about; without services and teams it is about the whole organisation."""
    teams: list[RecordId] = []
    """Teams whose work it is about."""
    to: list[RecordId] = Field(min_length=1)
    """Persons; their addresses come from the register."""
    language: Language | None = None
    """`en` or `zh`; absent = the report's."""


class ReportSettings(Section):
    """One report that is made and delivered."""

    to: list[RecordId] = Field(min_length=1)
    """Persons; their addresses come from the register."""
    channels: list[str] = Field(min_length=1)
    """Names of channels of this file."""
    archive: str = Field(default="", pattern=r"^(https://[^\s<>\"]+)?$")
    """Address below which the folder of a `file` channel can be read; stands in a mail too large for its attachments."""
    attachments: list[Literal["charts", "pdf", "xlsx"]] = ["charts", "pdf", "xlsx"]
    """What goes with the mail besides findings (CSV) and evidence manifest (JSON), which always do."""
    language: Language = "en"
    """Language of the report: `en` or `zh`."""
    urgent: bool = True
    """True = a new critical finding is told between the monthly mails, by at most one a day."""
    names: bool = False
    """True = people are named, instead of their role and initials."""
    audiences: list[AudienceSettings] = []
    """Further reports, each narrowed to services and teams."""
    enabled: bool = True

    @model_validator(mode="after")
    def _audiences_differ(self) -> Self:
        names = [one.name.casefold() for one in self.audiences]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two audiences are called {', '.join(twice)}")
        return self


Days = Annotated[int, Field(ge=0, le=3650)]


class DueDays(Section):
    """Days until a finding has to be cured, by severity."""

    critical: Days = 7
    major: Days = 30
    minor: Days = 90


class FindingSettings(Section):
    """What happens to a finding."""

    due_days: DueDays = DueDays()
    owner: RecordId | None = None
    """Person who owns a finding whose subject, service and process have no owner; else `organisation.manager`."""


class WaiverSettings(Section):
    """How long an exception may be accepted for."""

    longest_days: int = Field(default=365, ge=1, le=3650)
    """A waiver that holds for longer is malformed."""
    warn_days: int = Field(default=30, ge=0, le=365)
    """So long before its end a waiver is pointed at."""
