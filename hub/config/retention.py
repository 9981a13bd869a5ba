"""How long what is kept is kept, who may dispose of it, and what must be kept whatever its age."""

# ruff: noqa: RUF012 - pydantic copies an empty default for each model

from __future__ import annotations

import calendar
import datetime as dt
import difflib
import re
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from hub.config.section import RecordId, Section
from hub.records import KINDS

__all__ = ["HoldSettings", "RetentionSettings", "RuleSettings", "instant_before", "month_start"]

_SPAN = re.compile(r"([1-9][0-9]{0,3}) (day|month|year)s?")
_LONGEST_YEARS = 100


def _span(value: str) -> str:
    found = _SPAN.fullmatch(value)
    if found is None or (found[2] == "year" and int(found[1]) > _LONGEST_YEARS):
        raise ValueError("should be a number of days, months or years, such as 90 days, 36 months, 10 years")
    return value


def _kind(value: str) -> str:
    if value not in KINDS:
        near = difflib.get_close_matches(value, KINDS, n=1)
        raise ValueError(
            "is no kind of record; " + (f"did you mean '{near[0]}'?" if near else "such as incident or change")
        )
    return value


Span = Annotated[str, AfterValidator(_span)]
"""`36 months`: local days, months or years of the organisation's zone."""


class RuleSettings(Section):
    """One rule; the first that fits a document decides."""

    name: str = Field(min_length=1, max_length=200)
    """As it stands in the log of disposals."""
    reason: str = Field(min_length=1)
    """Why so long and no longer: law, contract, decision."""
    keep: Span
    """How long after `since`."""
    since: Literal["changed", "closed"] = "changed"
    """From the last change, or from when everything of the document was closed."""
    source: str | None = None
    stream: str | None = None
    """List of the tool it comes from, such as `issue`."""
    scope: str | None = None
    """Project, mailbox or file."""
    kind: Annotated[str, AfterValidator(_kind)] | None = None
    """Documents that became a record of this kind."""
    what: list[Literal["documents", "states"]] = Field(default=["documents"], min_length=1)
    """`documents` = what the tool answered; `states` = past states of the records too."""


class HoldSettings(Section):
    """What must not be disposed of while this stands here."""

    name: str = Field(min_length=1)
    """What it is for, such as the name of a lawsuit."""
    record: RecordId | None = None
    source: str | None = None
    scope: str | None = None

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if not (self.record or self.source or self.scope):
            raise ValueError("holds nothing; write record, source or scope")
        return self


class RetentionSettings(Section):
    """Retention, erasure and access to raw documents."""

    approver_role: str = "retention_approver"
    """Role in the register that a person needs to approve a disposal."""
    operators: dict[str, RecordId] = {}
    """Login at this machine -> person who runs disposals, and in whose name it decides on reports."""
    key: SecretStr | None = None
    """Finds erased persons again, so that no source names them anew; never to be changed or lost."""
    rules: list[RuleSettings] = []
    holds: list[HoldSettings] = []

    @field_validator("rules")
    @classmethod
    def _named_apart(cls, value: list[RuleSettings]) -> list[RuleSettings]:
        names = [rule.name for rule in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two rules have the name {twice[0]!r}; the log of disposals tells them apart by it")
        return value


def instant_before(now: int, span: str, zone: str) -> int:
    """Go back from `now` (UTC milliseconds) by a span, to the start of that local day."""
    found = _SPAN.fullmatch(span)
    assert found is not None  # noqa: S101 - checked when the configuration was read
    count, unit = int(found[1]), found[2]
    day = _local_day(now, zone)
    if unit == "day":
        day -= dt.timedelta(days=count)
    else:
        months = day.year * 12 + day.month - 1 - count * (12 if unit == "year" else 1)
        year, month = months // 12, months % 12 + 1
        day = dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
    return _start_of(day, zone)


def month_start(now: int, zone: str) -> int:
    """Return the first instant of the local month that `now` is in."""
    return _start_of(_local_day(now, zone).replace(day=1), zone)


def _local_day(instant: int, zone: str) -> dt.date:
    return dt.datetime.fromtimestamp(instant // 1000, tz=ZoneInfo(zone)).date()


def _start_of(day: dt.date, zone: str) -> int:
    return int(dt.datetime.combine(day, dt.time(), tzinfo=ZoneInfo(zone)).timestamp()) * 1000
