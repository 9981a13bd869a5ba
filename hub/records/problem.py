"""Causes behind incidents: problems and known errors."""

# ruff: noqa: RUF012 - msgspec copies an empty default for each record

from typing import Annotated, Literal

from hub.records.base import AnyRef, Instant, Part, Record, ref

__all__ = ["Effectiveness", "KnownError", "Problem"]


class Effectiveness(Part, kw_only=True):
    """Whether the solution of a problem held."""

    reviewed_at: Instant | None = None
    """When it was reviewed."""
    result: Literal["effective", "partly", "ineffective"] | None = None
    """What the review found."""
    recurrence_count: int | None = None
    """Incidents of the same cause since the solution."""
    report_id: AnyRef | None = None
    """Report or document that holds the review."""


class Problem(Record, tag="problem", kw_only=True):
    """The cause, known or not, of incidents."""

    detected_at: Instant | None = None
    """When it was noticed."""
    detection: Literal["reactive", "proactive"] | None = None
    """From incidents, or before any."""
    impact: int | None = None
    """1 high to 3 low."""
    urgency: int | None = None
    """1 high to 3 low."""
    priority: Literal["P1", "P2", "P3", "P4"] | None = None
    """Priority in force."""
    category: str | None = None
    """Classification."""
    root_cause: str | None = None
    """The cause."""
    root_cause_known_at: Instant | None = None
    """When the cause was known."""
    workaround: str | None = None
    """How to live with it meanwhile."""
    known_error_id: Annotated[str, ref("known_error", index=True)] | None = None
    """Known error that documents it."""
    target_resolution_at: Instant | None = None
    """When it shall be solved."""
    resolved_at: Instant | None = None
    """When it was solved."""
    solution_ref: str | None = None
    """The solution, or where it stands."""
    closed_at: Instant | None = None
    """Closure."""
    effectiveness: Effectiveness | None = None
    """Review of the solution."""
    incident_ids: list[Annotated[str, ref("incident")]] = []
    """Incidents it causes."""


class KnownError(Record, tag="known_error", kw_only=True):
    """A problem whose cause and workaround are documented."""

    problem_id: Annotated[str, ref("problem", index=True)] | None = None
    """Problem it documents."""
    symptoms: str | None = None
    """How to recognise it."""
    cause: str | None = None
    """The cause."""
    workaround: str | None = None
    """How to live with it."""
    solution: str | None = None
    """How to end it."""
    published_at: Instant | None = None
    """When its readers could find it."""
    kb_url: str | None = None
    """Article in the knowledge base."""
    retired_at: Instant | None = None
    """When it no longer applied."""
    audience: Literal["desk", "internal", "customer"] | None = None
    """Who may read it."""
