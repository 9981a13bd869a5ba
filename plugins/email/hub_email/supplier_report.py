"""A supplier's report that came by mail: which contract it is owed under, when it came, what came with it."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from hub.records import Period, ServiceReport
from hub.records.service_report import ReportFile
from hub_email.parse.message import Mail
from hub_email.rule_settings import MailRule

__all__ = ["find_period", "supplier_report"]

_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "mär": 3, "apr": 4, "may": 5, "mai": 5, "jun": 6, "jul": 7, "aug": 8,
    "sep": 9, "oct": 10, "okt": 10, "nov": 11, "dec": 12, "dez": 12,
}  # fmt: skip
_YEAR = r"(20\d{2})"
_ISO = re.compile(rf"(?<!\d){_YEAR}[-_./ ]?(0[1-9]|1[0-2])(?![\d-])")
_SLASH = re.compile(rf"(?<!\d)(0?[1-9]|1[0-2])[/.]{_YEAR}(?!\d)")
_NAMED = re.compile(rf"\b([a-zä]{{3,9}})\.? {_YEAR}(?!\d)", re.IGNORECASE)
_QUARTER = re.compile(rf"(?<!\d){_YEAR}[-_/ ]?Q([1-4])|Q([1-4])[-_/ ]?{_YEAR}(?!\d)", re.IGNORECASE)
_BARE_YEAR = re.compile(rf"(?<![\d-]){_YEAR}(?![\d-])")
_QUARTERS = 4
_YEAR_MONTHS = 12


def supplier_report(
    mail: Mail, rule: MailRule, *, record_id: str, source: str, scope: str, received_at: int | None, zone: str
) -> ServiceReport:
    """Make the record: received, not judged. Files are named and hashed; none is opened."""
    told = " ".join([mail.said("subject"), *(file.name or "" for file in mail.files)])
    period = find_period(told, rule.period, zone) if rule.period else None
    hashes = sorted(file.sha256 for file in mail.files)
    content = "\n".join(hashes) if hashes else mail.text
    return ServiceReport(
        id=record_id,
        source=source,
        scope=scope,
        title=mail.said("subject")[:300],
        created_at=received_at,
        direction="inbound",
        type=rule.report_type,
        contract_id=rule.contract,
        submitted_at=received_at,
        period=period,
        unknown_fields=[] if period else ["period"],
        service_ids=sorted(rule.services),
        content_hash=hashlib.sha256(content.encode()).hexdigest(),
        files=[ReportFile(name=file.name or file.type, sha256=file.sha256) for file in mail.files],
    )


def find_period(text: str, length: Literal["month", "quarter", "year"], zone: str) -> Period | None:
    """Return the one period a text names, in local months of the zone; None where it names none, or several."""
    text = text[:2_000]
    found: set[tuple[int, int, int]] = set()
    if length == "month":
        found |= {(int(year), int(month), 1) for year, month in _ISO.findall(text)}
        found |= {(int(year), int(month), 1) for month, year in _SLASH.findall(text)}
        for word, year in _NAMED.findall(text):
            if number := _MONTHS.get(word.lower()[:3]):
                found.add((int(year), number, 1))
    elif length == "quarter":
        for year, number, other, behind in _QUARTER.findall(text):
            found.add((int(year or behind), 3 * int(number or other) - 2, _YEAR_MONTHS // _QUARTERS))
    else:
        found |= {(int(year), 1, _YEAR_MONTHS) for year in _BARE_YEAR.findall(text)}
    if len(found) != 1:
        return None
    year, month, months = found.pop()
    return Period(start=_midnight(year, month, zone), end=_midnight(year, month + months, zone))


def _midnight(year: int, month: int, zone: str) -> int:
    year, month = year + (month - 1) // _YEAR_MONTHS, (month - 1) % _YEAR_MONTHS + 1
    return int(datetime(year, month, 1, tzinfo=ZoneInfo(zone)).timestamp()) * 1000
