"""What an administrator writes under `[sources.<name>]` for a Jira source."""

# ruff: noqa: RUF012 - pydantic copies an empty default for each model

from __future__ import annotations

from datetime import date
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hub.records import StatusCategory
from hub.sync.setting import TimeoutS, Token, ToolUrl, ZoneName
from hub.sync.source_type import SourceSettings
from hub_jira.field import UnknownTargetError, parse_target

__all__ = ["ISSUE_KINDS", "EscalationSign", "JiraSettings"]

ISSUE_KINDS = (
    "change",
    "complaint",
    "improvement_action",
    "incident",
    "known_error",
    "problem",
    "request",
    "review",
    "risk",
    "security_incident",
)
"""Kinds an issue may become."""

Relation = Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")]
ProjectKey = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


class EscalationSign(BaseModel):
    """What in Jira says that a ticket was escalated."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str | None = None
    """Label whose adding is an escalation."""
    status: str | None = None
    """Status, by word or id, whose entering is an escalation."""


class JiraSettings(SourceSettings):
    """Connection, scope and vocabulary of one Jira."""

    model_config = ConfigDict(hide_input_in_errors=True)

    url: ToolUrl
    """Base address, such as `https://example.atlassian.net`."""
    flavour: Literal["cloud", "data_center"] = "cloud"
    """Which of the two products answers there."""
    user: str | None = None
    """Account's e-mail address; Cloud only."""
    token: Token
    """API token (Cloud) or personal access token (Data Center)."""
    token_expires: date | None = None
    """Day the token ends, where Jira does not tell (Cloud): `hub check` warns 30 days ahead."""
    projects: list[ProjectKey] = Field(min_length=1)
    """Keys of the projects to read."""
    issue_types: dict[str, str] = {}
    """Issue type, by word or id = record kind."""
    statuses: dict[str, StatusCategory] = {}
    """Status, by word or id = neutral category."""
    status_fallback: Literal["none", "category"] = "none"
    """`category` = a status without mapping takes new, in_progress or closed from Jira's three categories."""
    fields: dict[str, str | list[str]] = {}
    """Field id = `kind.field`, or a list of them."""
    values: dict[str, dict[str, str]] = {}
    """`kind.field` = {Jira's option = neutral value}."""
    services: dict[str, str] = {}
    """Component, label or project key = id of a service record."""
    accounts: dict[str, str] = {}
    """Account id, key or name = id of a person record."""
    automation_accounts: list[str] = []
    """Accounts that are no people: their comments are never a first response."""
    links: dict[str, tuple[Relation, Relation]] = {}
    """Link type, by word or id = [relation outward, relation inward]."""
    escalation: EscalationSign = EscalationSign()
    """What says that a ticket was escalated."""
    issue_security: bool | None = None
    """False = nothing hides issues from this account: no security level, and no project that `projects` leaves out
    takes issues where it cannot see them. Only then an absent issue is called deleted."""
    sealed_projects: list[ProjectKey] = []
    """Projects into which no issue is moved: that one of them is closed to us does not leave it open where an
    absent issue is."""
    time_zone: ZoneName | None = None
    """IANA zone of the account, where Jira does not tell: search reads times in it."""
    overlap_minutes: int = Field(default=5, ge=0, le=1440)
    """Each run reads again this much before the last change it saw."""
    page_size: int = Field(default=100, ge=1, le=1000)
    """Issues a page."""
    timeout_s: TimeoutS = 60
    """Longest silence within a request; a whole answer may take five times as long."""

    @field_validator("issue_types")
    @classmethod
    def _kinds(cls, kinds: dict[str, str]) -> dict[str, str]:
        for word, kind in kinds.items():
            if kind not in ISSUE_KINDS:
                near = get_close_matches(kind, ISSUE_KINDS, n=1)
                hint = f"; did you mean {near[0]}" if near else ""
                raise ValueError(f"{word!r}: no kind {kind!r}{hint}; valid are {', '.join(ISSUE_KINDS)}")
        return kinds

    @field_validator("fields", "values")
    @classmethod
    def _targets(cls, entries: dict[str, object]) -> dict[str, object]:
        for key, value in entries.items():
            names = [key] if isinstance(value, dict) else value if isinstance(value, list) else [value]
            for name in names:
                try:
                    parse_target(str(name))
                except UnknownTargetError as fault:
                    raise ValueError(f"{key!r}: {fault}") from fault
        return entries

    @model_validator(mode="after")
    def _identity(self) -> JiraSettings:
        if self.flavour == "cloud" and not self.user:
            raise ValueError("user is missing: Jira Cloud wants the account's e-mail address beside the token")
        return self
