"""Rows that are counted for a unit and a period, whatever the unit is: they are summed up before it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause

__all__ = ["Member"]


@dataclass(frozen=True, slots=True)
class Member:
    """For whom a row is counted, and whose it is."""

    unit: ColumnElement[Any]
    sid: ColumnElement[Any]
    joined: FromClause
    """The rows, joined to the table `period`.

    What is said of a row depends on its own record, on what `near` finds from that, and on calendars and periods; where rows
    stand in line (`hub.conformance.lineup`), on what these say and on nothing else of any record. On nothing else, the unit it is
    counted for included: it is remembered (`hub.conformance.tally`), and `changed(sid)` narrows the rows to those of some records.
    """
