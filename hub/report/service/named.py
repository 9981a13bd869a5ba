"""The figures a plan's row names or the register defines: added up from clocks and agreed time, or as a source measured them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from hub.conformance.situation.fact import Kept
from hub.conformance.situation.measured import choose_figures
from hub.conformance.situation.performance import Reading, ServiceTime
from hub.records import MetricDefinition, ReportMetric
from hub.report.plan.due import local_date
from hub.report.service.chapter import Asked
from hub.report.service.metric import CLOCKS, Beside, Figures, Level, levels_and_readings
from hub.sla.availability import floored
from hub.store.report_log import ids_of
from hub.store.revision import current_records

__all__ = ["figures"]

_ANNUAL = ("annual_quality", "annual_support")


def figures(asked: Asked) -> Figures:
    """Work out every figure of a report from the store as it stands."""
    beside = Beside(asked)
    found = levels_and_readings(asked, beside)
    definitions = _definitions(asked)
    named = [_named(beside, name, definitions, found) for name in _wanted(asked, definitions)]
    return replace(found, named=named, definitions=definitions)


def _definitions(asked: Asked) -> list[MetricDefinition]:
    """Return the definitions that are valid at some time in the period."""
    first, last = (local_date(at, asked.zone).isoformat() for at in (asked.terms.start, asked.terms.end - 1))
    found = current_records(asked.conn, ids_of(asked.conn, "metric_definition"))
    return [
        one
        for one in found
        if isinstance(one, MetricDefinition)
        and one.metric_id
        and one.vanished_at is None
        and (one.valid_from or "") <= last
        and (one.valid_to is None or one.valid_to > first)
    ]


def _wanted(asked: Asked, definitions: Sequence[MetricDefinition]) -> list[str]:
    terms = asked.terms
    names = list(terms.metrics)
    if terms.type in _ANNUAL:
        names += [one.metric_id or "" for one in definitions]
    elif terms.process:
        names += [one.metric_id or "" for one in definitions if one.process == terms.process]
    return list(dict.fromkeys(names))


def _named(beside: Beside, name: str, definitions: Sequence[MetricDefinition], found: Figures) -> ReportMetric:
    after = local_date(beside.asked.terms.end, beside.asked.zone).isoformat()
    own = [one for one in definitions if one.metric_id == name]
    ahead = [one for one in own if (one.valid_from or "") <= after and (one.valid_to is None or one.valid_to > after)]
    definition = own[-1] if own else MetricDefinition(id="", source="", metric_id=name)
    line = _counted(name, found.levels) or _timed(name, found.times) or _measured(name, found.readings)
    target = line.current_target if line.current_target is not None else definition.target
    line = msgspec.structs.replace(
        line,
        name=definition.title or line.name or name,
        unit=line.unit or definition.unit,
        formula_version=line.formula_version or definition.formula_version,
        current_target=target,
        next_target=line.next_target if line.next_target is not None else ahead[-1].target if ahead else None,
        retired=True if own and not ahead else None,
    )
    line = msgspec.structs.replace(line, verdict=_verdict(line, definition))
    return beside.line(line, before=None, restated=None, why="")


def _verdict(line: ReportMetric, definition: MetricDefinition) -> Kept:
    if line.verdict == "not_provable" or (line.current_actual is None and line.missing_reason != "no cases"):
        return "not_provable"
    if line.current_actual is None or line.current_target is None:
        return "no_cases"
    fits = line.current_actual <= line.current_target if definition.direction == "down" else line.current_actual >= line.current_target  # fmt: skip
    return "met" if fits else "missed"


def _counted(name: str, levels: Sequence[Level]) -> ReportMetric | None:
    """Add up the clocks of every agreement, where the name is that of a clock or of attainment at large."""
    clocks = {one.metric.metric_id.partition("/")[0] for one in levels if one.agreement}
    wanted = {clock for clock in clocks if name in (clock, f"{clock}_attainment", "attainment")}
    own = [one for one in levels if one.agreement and one.metric.metric_id.partition("/")[0] in wanted]
    if not own:
        return None
    met, decided = sum(one.met for one in own), sum(one.met + one.missed for one in own)
    open_to_doubt = any(one.lacking or (one.metric.comment or "").startswith("not every") for one in own)
    doubt = "not every ticket was read or can be measured" if open_to_doubt else None
    return ReportMetric(
        metric_id=name,
        unit="%",
        formula_version=CLOCKS,
        current_actual=float(floored(met, decided, 2)) if decided else None,
        current_numerator=met if decided else None,
        current_denominator=decided or None,
        current_excluded=sum(one.excluded for one in own),
        verdict="not_provable" if open_to_doubt else None,
        missing_reason=None if decided else doubt or "no cases",
        comment=doubt,
    )


def _timed(name: str, times: Sequence[ServiceTime]) -> ReportMetric | None:
    """Add up the agreed time of all services, for availability at large; what is only declared is added to nothing."""
    if name != "availability" or not times:
        return None
    own = [one.measured for one in times]
    up, known = sum(one.up_s for one in own), sum(one.known_s for one in own)
    declared = any(one.declared for one in own)
    whole = not declared and all(one.proven for one in own)
    shares = [one.coverage for one in own if one.coverage is not None]
    why = (
        "a declared percentage is added to nothing"
        if declared
        else "not every service was watched for the whole period"
    )
    return ReportMetric(
        metric_id=name,
        unit="%",
        formula_version=next((one.formula for one in own if one.formula), None),
        current_actual=float(floored(round(up * 1000), round(known * 1000))) if known else None,
        current_numerator=up if known else None,
        current_denominator=known or None,
        current_coverage=min(shares) if len(shares) == len(own) else None,
        verdict=None if whole else "not_provable",
        missing_reason=None if known else why if declared else "nothing was measured",
        comment=None if whole or not known else why,
    )


def _rank(one: Reading) -> tuple[bool, int, str]:
    """Put what is known first, then what was measured over the longer time, then the lesser id."""
    return (one.actual is None, (one.start or 0) - (one.end or 0), one.id)


def _measured(name: str, measured: Sequence[Reading]) -> ReportMetric:
    by_subject = defaultdict[str, list[Reading]](list)
    for one in measured:
        if one.metric_id == name:
            by_subject[one.subject.id if one.subject else ""].append(one)
    own = [one for some in by_subject.values() for one in choose_figures(some, _rank)]
    whole = [one for one in own if one.actual is not None]
    line = ReportMetric(
        metric_id=name,
        unit=next((one.unit for one in own if one.unit), None),
        formula_version=next((one.formula for one in reversed(own) if one.formula), None),
        current_target=own[-1].target if own and len({one.target for one in own}) == 1 else None,
        current_coverage=min((one.coverage for one in own if one.coverage is not None), default=None),
        evidence_ids=[one.id for one in own],
    )
    if len(own) == 1 and whole:
        one = own[0]
        return msgspec.structs.replace(
            line, current_actual=one.actual, current_numerator=one.numerator, current_denominator=one.denominator
        )
    up, of = sum(one.numerator or 0 for one in own), sum(one.denominator or 0 for one in own)
    if whole and len(whole) == len(own) and of and all(one.numerator is not None and one.denominator for one in own):
        scale = 100 if line.unit == "%" else 1
        return msgspec.structs.replace(
            line, current_actual=round(up * scale / of, 4), current_numerator=up, current_denominator=of
        )
    why = "no measurement of it was read for the period"
    if own:
        why = next((one.missing for one in own if one.missing), "it was measured of several things and cannot be added up")  # fmt: skip
    return msgspec.structs.replace(line, missing_reason=why)
