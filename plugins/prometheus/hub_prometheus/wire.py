"""Shapes of the answers, as far as they are read (Prometheus HTTP API v1, Alertmanager API v2)."""

# ruff: noqa: N815 - the tools' names

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["AlertNow", "Answer", "Complaint", "Matcher", "Matrix", "Series", "Silence", "State", "Vector"]

Point = tuple[float, str]
"""Seconds since 1970, and the value as text: `NaN` and `+Inf` are values."""


class Series(msgspec.Struct):
    """One series of an answer."""

    metric: dict[str, str] = {}
    values: list[Point] = []


class Matrix(msgspec.Struct):
    """What a query over a range gives."""

    result: list[Series]
    resultType: str = "matrix"


class Vector(msgspec.Struct):
    """What a query at one instant gives; its shape depends on the query."""

    result: Any
    resultType: str = ""


class Answer(msgspec.Struct):
    """How Prometheus wraps every answer; an error may come with any HTTP status."""

    status: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    errorType: str = ""
    error: str = ""
    warnings: list[str] = []


class State(msgspec.Struct):
    """State of an alert."""

    state: str = ""
    silencedBy: list[str] = []


class AlertNow(msgspec.Struct):
    """An alert as Alertmanager has it at present."""

    fingerprint: str
    startsAt: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    status: State = msgspec.field(default_factory=State)
    generatorURL: str = ""


class Matcher(msgspec.Struct):
    """What a silence silences."""

    name: str
    value: str
    isRegex: bool = False
    isEqual: bool = True


class Silence(msgspec.Struct):
    """A silence; a changed one that has begun gets a new id."""

    id: str
    startsAt: str
    endsAt: str
    updatedAt: str
    comment: str = ""
    createdBy: str = ""
    matchers: list[Matcher] = []
    status: State = msgspec.field(default_factory=State)


class Complaint(msgspec.Struct):
    """How Alertmanager words an error."""

    message: str = ""
