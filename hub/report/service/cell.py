"""Figures as the cells of a chapter's tables show them."""

from __future__ import annotations

from decimal import Decimal

from hub.conformance.named import Subject
from hub.conformance.situation.measured import Measured
from hub.records import ReportMetric

__all__ = ["NO_CASES", "before_text", "doubt_of", "figure", "name_of", "now_text", "share_of"]

NO_CASES = "no cases"
DECLARED = "declared, no minutes were counted"
_PLACES = Decimal("0.01")


def figure(value: float | None, unit: str | None = None) -> str:
    """Write a figure with its unit; percentages have two decimals at least. Empty for None."""
    if value is None:
        return ""
    told = Decimal(str(value))
    exponent = told.as_tuple().exponent
    if unit == "%" and isinstance(exponent, int) and exponent > -2:  # noqa: PLR2004 - two decimals
        told = told.quantize(_PLACES)
    return f"{told:f} {unit}" if unit else f"{told.normalize():f}"


def now_text(line: ReportMetric) -> str:
    """Write the figure of the period, or why there is none."""
    return figure(line.current_actual, line.unit) or line.missing_reason or "not known"


def before_text(line: ReportMetric) -> str:
    """Write the figure of the period before as issued; what is new had none."""
    if line.new_metric:
        return "new metric"
    return figure(line.previous_actual, line.unit) or "no figure"


def share_of(part: float | None) -> str:
    """Write a share, 0 to 1, in per cent, rounded down."""
    if part is None:
        return ""
    return f"{Decimal(int(Decimal(str(part)) * 10_000)).scaleb(-2):f} %"


def doubt_of(measured: Measured) -> str:
    """Say what a service's availability does not prove, and where it is a percentage nobody counted minutes for."""
    notes = [DECLARED] if measured.declared else []
    if measured.missing:
        notes.append(measured.missing)
    elif not measured.proven:
        unknown = measured.coverage is None
        notes.append("how much was watched is not known" if unknown else "too little of it was watched")
    return "; ".join(notes)


def name_of(subject: Subject | None) -> str:
    """Name a record: by its key where it has one of its own, a service by its title."""
    if subject is None:
        return ""
    if subject.key and subject.key != subject.id and subject.kind != "service":
        return subject.key
    return subject.title or subject.key or subject.id
