"""Periods of reports, and the version of the time-zone data days are counted with."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.errors import ConfigurationError, Fault
from hub.report.model import Period

__all__ = ["last_month", "month_period", "tz_version"]


def month_period(label: str, zone: str) -> Period:
    """Return the month `2026-10` in a zone; another text is a ConfigurationError."""
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", label)
    if not found or found[1] == "0000" or label == "9999-12":
        raise ConfigurationError([Fault(f"'{label}' is no month; write it as 2026-10", key="--period")])
    year, month = int(found[1]), int(found[2])
    return Period(
        label=label,
        start=_midnight(year, month, zone),
        end=_midnight(year + month // 12, month % 12 + 1, zone),
        zone=zone,
    )


def last_month(as_of: int, zone: str) -> Period:
    """Return the last month that had ended at an instant."""
    local = datetime.fromtimestamp(as_of // 1000, tz=UTC).astimezone(ZoneInfo(zone))
    year, month = (local.year, local.month - 1) if local.month > 1 else (local.year - 1, 12)
    return month_period(f"{year:04d}-{month:02d}", zone)


def tz_version() -> str:
    """Return the version of the time-zone data in use: the system's where it has one, else the package's."""
    for folder in zoneinfo.TZPATH:
        source = Path(folder, "tzdata.zi")
        if source.is_file():
            with source.open(encoding="utf-8") as lines:
                return lines.readline().removeprefix("# version ").strip()
    return f"tzdata {metadata.version('tzdata')}"


def _midnight(year: int, month: int, zone: str) -> int:
    return int(datetime(year, month, 1, tzinfo=ZoneInfo(zone)).timestamp()) * 1000
