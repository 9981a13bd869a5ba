"""Public holidays by country and region, from the pinned `holidays` library."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib import metadata

__all__ = ["holiday_dates", "holiday_version"]


@cache
def holiday_version() -> str:
    """Name the release of the library, which reports print: a later one may know other days."""
    return metadata.version("holidays")


def holiday_dates(name: str, years: Iterable[int]) -> dict[date, str]:
    """Return the holidays of a set such as `DE`, `DE-BY` or `CN`: local date -> what is celebrated.

    Raises ValueError naming what is known where there is no such country or region.
    """
    return dict(_holidays(name, tuple(years)))


@cache
def _holidays(name: str, years: tuple[int, ...]) -> dict[date, str]:
    import holidays  # noqa: PLC0415 - costs a tenth of a second, and few calendars name a set

    country, _, region = name.partition("-")
    known = holidays.list_supported_countries()
    if country not in known:
        raise ValueError(f"no holiday set {name!r}; write a country such as DE, or country-region such as DE-BY")
    if region and region not in known[country]:
        raise ValueError(f"no region {region!r} in {country}; known: {', '.join(known[country]) or 'none'}")
    spoken = holidays.list_localized_countries().get(country, ())
    language = "en_US" if "en_US" in spoken else None  # else it would be that of whoever runs the hub
    found = holidays.country_holidays(country, subdiv=region or None, years=years, language=language)
    return {day: found[day] for day in sorted(found) if day.year in years}
