"""Sections on the service itself: levels, customers, changes, follow-up, the report process."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from hub.conformance.situation.fact import Breach, Kpi, Level, Opinion, Score
from hub.report.section.block import Block, Heading, Mark, Note, Row, Run, Section
from hub.report.section.line import Nonconformity
from hub.report.section.telling import Telling
from hub.report.wording import NO_LEVEL

__all__ = ["control", "follow_up", "levels", "opinion", "process"]

_WHOLE = 10_000
_KEPT = {"met": "kept", "missed": "MISSED", "no_cases": "no cases", "not_provable": "NOT PROVABLE"}
_KPIS = {
    "on_time": "On time",
    "first_pass": "Approved at the first pass",
    "accuracy": "Without correction",
    "reproducibility": "Figures recomputed equal",
    "completeness": "Mandatory sections present",
    "follow_up": "Actions closed by their due day",
    "reader_satisfaction": "Reader satisfaction",
    "archive": "Archived in time",
    "feedback": "Feedback answered in time",
}


def levels(t: Telling) -> Section:
    """Tell every promised level with the period before and the next goal, then who missed it and was not told."""
    say, model = t.words, t.model
    title = say("Service levels: previous, current, next goal")
    situation, blocks = model.situation, t.absent("levels")
    if situation is None:
        return Section(title, blocks)
    shown = sorted(situation.levels, key=_worst_first)
    if not shown and not blocks:
        blocks.append(Note(say(NO_LEVEL)))
    blocks += [_level(t, level) for level in shown[:_MOST]] + t.more(max(0, len(shown) - _MOST))
    blocks.append(Heading(say("Tickets that missed their target: {n}", n=situation.breach_count)))
    blocks += [_breach(t, one) for one in situation.breaches[:_FEW]] or [Note(say("No cases."), small=True)]
    left = situation.breach_count - len(situation.breaches[:_FEW])
    if left:
        blocks.append(Note(say("… and {n} more: hub sla --tickets", n=left), small=True))
    blocks.append(Heading(say("Customers not told in time")))
    return Section(title, blocks + _told_apart(t, "customer_told"))


_MOST, _FEW = 12, 5


def _worst_first(level: Level) -> tuple[int, bool, str, str]:
    order = {"missed": 0, "not_provable": 1, "met": 2, "no_cases": 3}
    return (order[level.kept], not level.critical, level.title, level.promise)


def _level(t: Telling, level: Level) -> Row:
    say = t.words
    before = _share(t, level.previous) or say(level.no_figure_before)
    now = _share(t, level.current) or say(level.no_figure_now)
    figures = [before, now, level.goal or say("not agreed")]
    facts = []
    if level.missed:
        facts.append(say("{n} missed", n=level.missed))
    if level.lacking:
        facts.append(say("{n} not measurable", n=level.lacking))
    if not level.goal:
        facts.append(say("no goal is agreed for the next period"))
    marks = []
    if level.kept in ("missed", "not_provable"):
        marks.append(Mark(say(_KEPT[level.kept]), "bad"))
    if level.critical and level.kept == "missed":
        marks.append(Mark(say("critical").upper(), "critical"))
    return Row(
        marks=marks,
        lines=[[Run(level.title, strong=True), Run(f" {level.promise}")], [Run(" → ".join(figures))]],
        small=[Run(say.list(facts))] if facts else [],
    )


def _share(t: Telling, figure: str) -> str:
    return t.words("{share} %", share=Decimal(figure)) if figure else ""


def _breach(t: Telling, one: Breach) -> Row:
    say = t.words
    done = say("done {day}", day=t.days.minute(one.stopped_at)) if one.stopped_at is not None else say("still not done")
    facts = [one.metric, say("due {day}", day=t.days.minute(one.due_at)), done]
    return Row(lines=[t.subject(one.subject)], small=[Run(say.list(facts))])


def _told_apart(t: Telling, topic: str) -> list[Block]:
    """List the findings of a topic, or say why there are none to list."""
    say, model = t.words, t.model
    wanted = model.topics.get(topic, [])
    lines = [line for line in model.about(topic) if line.state == "open"]
    unknown = [name for name in wanted if model.verdicts.get(name, "not_judged") in ("not_provable", "not_judged")]
    blocks: list[Block] = [_pointer(t, line) for line in lines[:_FEW]]
    blocks += t.more(max(0, len(lines) - _FEW))
    if unknown:
        blocks.append(Note(say("Not provable or not judged: {names}.", names=say.list(unknown)), small=True))
    elif not wanted:
        blocks.append(Note(say("No enabled pack says which requirements speak of it."), small=True))
    return blocks or [Note(say("No cases."), small=True)]


def _pointer(t: Telling, line: Nonconformity) -> Row:
    facts = [line.requirement, t.words("since {day}", day=t.days.day(line.breached_at)), t.owner(line.owner)]
    return Row(lines=[[*t.subject(line.subject), Run(f": {line.found}")]], small=[Run(t.words.list(facts))])


def opinion(t: Telling) -> Section:
    """Tell complaints and surveys, with the period before in brackets."""
    say, title = t.words, t.words("Complaints and satisfaction")
    now = t.model.situation.opinion if t.model.situation else None
    if now is None or "opinion" in t.model.absent:
        return Section(title, t.absent("opinion"))
    before = t.model.situation.opinion_before if t.model.situation else None
    text = "Complaints (before): received {received}, closed {closed}, open {open}, late {late}."
    blocks: list[Block] = [Note(say(text, **_pairs(t, now, before, ("received", "closed", "open", "late"))))]
    text = "Surveys (before): sent {sent}, replied {replied}; reply rate {rate}."
    rate = say.percent(min(now.replied, now.sent), now.sent)
    blocks.append(Note(say(text, **_pairs(t, now, before, ("sent", "replied")), rate=rate)))
    blocks += [_score(t, one) for one in now.scores] or [Note(say("No score was given."), small=True)]
    return Section(title, blocks)


def _pairs(t: Telling, now: Opinion, before: Opinion | None, names: tuple[str, ...]) -> dict[str, str]:
    def pair(name: str) -> str:
        was = f" ({t.words.number(getattr(before, name))})" if before else ""
        return t.words.number(getattr(now, name)) + was

    return {name: pair(name) for name in names}


def _score(t: Telling, one: Score) -> Note:
    mean = (Decimal(str(one.total)) / one.replies).quantize(Decimal("0.01"), rounding=ROUND_DOWN)
    if one.lowest is None or one.highest is None:
        return Note(t.words("Mean score {mean} of {n} replies; the scale is not recorded.", mean=mean, n=one.replies))
    scale = f"{one.lowest:g}-{one.highest:g}"
    text = "Mean score {mean} on the scale {scale}, of {n} replies; {low} low."
    return Note(t.words(text, mean=mean, scale=scale, n=one.replies, low=one.low))


def control(t: Telling) -> Section:
    """Tell changes and releases: unauthorised, emergencies not regularised, failed."""
    say, title = t.words, t.words("Changes and releases")
    now = t.model.situation.control if t.model.situation else None
    if now is None or "control" in t.model.absent:
        return Section(title, t.absent("control"))
    before = t.model.situation.control_before if t.model.situation else None
    text = "{n} changes ended ({before} before), {good} successful, {bad} failed or backed out, {emergency} emergency."
    facts = {"n": now.ended, "good": now.successful, "bad": now.failed_count, "emergency": now.emergency}
    blocks: list[Block] = [Note(say(text, before=before.ended if before else 0, **facts))]
    if now.unknown:
        blocks.append(Note(say("Of {n} the outcome is not recorded.", n=now.unknown), small=True))
    text = "{n} releases; {deployed} deployments to production, {bad} failed or rolled back."
    blocks.append(Note(say(text, n=now.released, deployed=now.deployments, bad=now.deployments_failed)))
    for heading, topic in (("Unauthorised", "unauthorised_change"), ("Emergency, not yet made good", "emergency_open")):
        blocks += [Heading(say(heading)), *_told_apart(t, topic)]
    blocks.append(Heading(say("Failed or backed out")))
    blocks += [Row(lines=[t.subject(one)]) for one in now.failed[:_FEW]] or [Note(say("No cases."), small=True)]
    left = now.failed_count - len(now.failed[:_FEW])
    return Section(title, blocks + t.more(left))


def follow_up(t: Telling) -> Section:
    """Tell how findings and improvement actions are followed up: closed, late, without owner."""
    say, model = t.words, t.model
    open_lines = [line for line in model.nonconformities if line.state == "open"]
    cured = sum(line.state == "cured" for line in model.nonconformities)
    late = sum(t.late(line.due_at) for line in open_lines)
    ownerless = sum(line.owner is None for line in open_lines)
    text = "Findings: {cured} cured, {open} open, {late} late, {ownerless} without owner."
    blocks: list[Block] = [Note(say(text, cured=cured, open=len(open_lines), late=late, ownerless=ownerless))]
    now = model.situation.follow_up if model.situation else None
    if now is None or "follow_up" in model.absent:
        blocks.append(Heading(say("Improvement actions")))
        return Section(say("Follow-up of actions"), blocks + t.absent("follow_up"))
    text = "Improvement actions: {closed} closed, {open} open, {late} late, {ownerless} without owner."
    blocks.append(Note(say(text, closed=now.closed, open=now.open, late=now.late, ownerless=now.ownerless)))
    for line in now.lines[:_FEW]:
        marks = [Mark(say("LATE"), "bad")] if t.late(line.due_at) else []
        who = line.owner.title or line.owner.key if line.owner else say("no owner: name one")
        blocks.append(
            Row(marks=marks, lines=[t.subject(line.subject)], small=[Run(say.list([who, t.due(line.due_at)]))])
        )
    return Section(say("Follow-up of actions"), blocks)


def process(t: Telling) -> Section:
    """Tell the figures of the report process against their targets."""
    title = t.words("Service report process")
    kpis = t.model.situation.kpis if t.model.situation else []
    if not kpis:
        return Section(title, t.absent("process"))
    return Section(title, [_kpi(t, one) for one in kpis])


def _kpi(t: Telling, one: Kpi) -> Row:
    say = t.words
    name = say(_KPIS[one.name]) if one.name in _KPIS else one.name
    if one.missing:
        return Row(lines=[[Run(name, strong=True), Run(" " + say("Not available because {why}.", why=one.missing))]])
    below = one.numerator * _WHOLE < one.target * one.denominator
    figure = f" {say.percent(one.numerator, one.denominator)} ({one.numerator}/{one.denominator})"
    target = say("target {share}", share=say.percent(one.target, _WHOLE))
    return Row(
        marks=[Mark(say("BELOW TARGET"), "bad")] if below else [],
        lines=[[Run(name, strong=True), Run(figure)]],
        small=[Run(target)],
    )
