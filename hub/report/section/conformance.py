"""Sections on requirements: counts, what to do, nonconformities, deadlines, waivers, clauses."""

from __future__ import annotations

from hub.report.section.block import Block, Heading, Mark, Note, Row, Run, Section, Table
from hub.report.section.line import Action, AttestationLine, Coming, Nonconformity, WaiverLine
from hub.report.section.telling import MANIFEST, Telling
from hub.report.view import Group
from hub.report.wording import RESULT_WORDS, counts_line, profile_sentence, rate_sentence

__all__ = ["clauses", "coming", "counts", "nonconformities", "to_do", "waivers"]

_COLUMNS = ("not_met", "not_provable", "waived", "attested", "met")
_SHORT = {"not_provable": "not prov."}


def counts(t: Telling) -> Section:
    """Count requirements by severity and result, with the numbers of the last report in brackets."""
    model, say = t.model, t.words
    rows: list[list[str]] = []
    bad: set[tuple[int, int]] = set()
    for row in model.by_severity:
        cells = [say(row.severity)]
        for place, verdict in enumerate(_COLUMNS, 1):
            number = row.now.verdicts.get(verdict, 0)
            before = f" ({say.number(row.before.verdicts.get(verdict, 0))})" if row.before else ""
            cells.append(say.number(number) + before)
            if verdict == "not_met" and number:
                bad.add((len(rows), place))
        rows.append(cells)
    head = [say("Severity"), *(_head(t, verdict) for verdict in _COLUMNS)]
    blocks: list[Block] = [Table(head, rows, frozenset(bad)), Note(rate_sentence(model, say) + ".", small=True)]
    blocks.append(Note(counts_line(model, say) + ".", small=True))
    if out := model.left_out:
        text = "Of the n/a, {what} left out by the profile: who set it and why stands under Set by us."
        blocks.append(Note(say(text, what=say.count(out, "requirement")), small=True))
    if unjudged := model.counts.of("not_judged"):
        text = "{what} of the catalogue not judged by any enabled pack: outside status and rate."
        blocks.append(Note(say(text, what=say.count(unjudged, "requirement")), small=True))
    return Section(say("Counts (in brackets: last report)"), blocks, "counts")


def to_do(t: Telling) -> Section:
    """List up to ten things somebody has to do, critical first."""
    say = t.words
    blocks: list[Block] = [_action(t, number, action) for number, action in enumerate(t.view.actions.shown, 1)]
    return Section(
        say("What you must do"), (blocks or [Note(say("Nothing is open."))]) + t.more(t.view.actions.more), "do"
    )


def _action(t: Telling, number: int, action: Action) -> Row:
    say = t.words
    more = [Run(" " + say("and {n} more", n=action.more), strong=True)] if action.more else []
    facts = [t.owner(action.owner), t.due(action.due_at)]
    if action.late:
        facts[-1] += f" ({say('LATE')})"
    if action.since is not None:
        facts.append(say("seen since {day}", day=t.days.day(action.since)))
    if action.also:
        facts.append(say("the same miss stands against {names}", names=say.list(action.also)))
    return Row(
        number=number,
        marks=[Mark(say(action.severity).upper(), action.severity)],
        lines=[[Run(action.requirement)], [Run(action.sentence, strong=True)], [*t.subject(action.subject), *more]],
        small=[Run(say.list(facts))],
    )


def nonconformities(t: Telling) -> Section:
    """Tell critical and major nonconformities by clause; minor ones are counted."""
    say = t.words
    blocks: list[Block] = []
    for clause in t.view.clauses:
        for place, group in enumerate(clause.groups):
            if place == 0:
                blocks.append(Heading(say("Clause {clause}", clause=clause.clause)))
            blocks += _group(t, group)
    if not blocks:
        blocks.append(Note(say("No cases.")))
    if t.view.minor:
        blocks.append(Note(say("Beside them {what}, see findings.csv.", what=say.count(t.view.minor, "minor finding"))))
    return Section(say("Critical and major nonconformities"), blocks + t.more(t.view.groups_left_out))


def _group(t: Telling, group: Group) -> list[Block]:
    say = t.words
    parts = [say("{n} open", n=group.open)]
    if t.model.change:
        parts += [say("{n} new", n=group.new), say("{n} continuing", n=group.continuing)]
    if group.cured:
        parts.append(say("{n} cured", n=group.cured))
    mark = Mark(say(group.severity).upper(), "critical" if group.severity == "critical" else "major")
    return [
        Heading(f"{group.requirement} {group.title}", [mark]),
        Note(say("{facts}. Expected: {expected}", facts=say.list(parts), expected=group.expected), small=True),
        *(_finding(t, line) for line in group.lines.shown),
        *t.more(group.lines.more),
    ]


def _finding(t: Telling, line: Nonconformity) -> Row:
    say, day = t.words, t.days.day
    marks = _marks(t, line)
    facts = [
        say("happened {day}", day=day(line.breached_at)),
        say("first seen {day}", day=day(line.first_seen_at)),
        say("{age} old", age=say.count(line.age_days, "day")),
    ]
    if line.state == "open":
        facts += [t.owner(line.owner), t.due(line.due_at)]
        if t.late(line.due_at):
            facts[-1] += f" ({say('LATE')})"
    if also := sorted(key.split("/")[0] for key, head in t.model.twins.items() if head == line.key):
        facts.append(say("the same miss stands against {names}", names=say.list(also)))
    small = [Run(say.list(facts))]
    for place, proof in enumerate(line.evidence[:3]):
        small += [Run(f"; {say('evidence')}: " if place == 0 else ", "), Run(proof.label, proof.url)]
    return Row(marks=marks, lines=[t.subject(line.subject), [Run(line.found)]], small=small)


def _marks(t: Telling, line: Nonconformity) -> list[Mark]:
    say = t.words
    if line.state == "cured":
        return [Mark(say("CURED {day}", day=t.days.day(line.cured_at)), "good")]
    if line.state in ("waived", "withdrawn"):
        return [Mark(say(line.state.upper()), "good")]
    words = {"new": "NEW", "unwaived": "OPEN AGAIN", "redefined": "CHANGED BY US", "continuing": "CONTINUING"}
    word = words.get(line.news)
    return [Mark(say(word), "bad" if word in ("NEW", "OPEN AGAIN") else "plain")] if word else []


def coming(t: Telling) -> Section:
    """List what is owed within 30 days, soonest first."""
    say = t.words
    rows: list[Block] = [_coming(t, row) for row in t.view.coming.shown]
    return Section(
        say("At risk and due in the next 30 days"),
        (rows or [Note(say("No cases."))]) + t.more(t.view.coming.more, MANIFEST),
    )


def _coming(t: Telling, row: Coming) -> Row:
    say = t.words
    first = [Run(t.days.day(row.due_at), strong=True), Run(" "), *t.subject(row.subject)]
    return Row(
        marks=[Mark(say("AT RISK"), "bad")] if row.at_risk else [],
        lines=[first],
        small=[Run(f"{row.requirement} {t.model.titles.get(row.requirement, '')}".strip())],
    )


def waivers(t: Telling) -> Section:
    """List exceptions, declarations and what the organisation set itself."""
    say, view = t.words, t.view
    blocks: list[Block] = [_waiver(t, row) for row in view.waivers.shown] or [Note(say("No waiver in force."))]
    blocks += t.more(view.waivers.more)
    names = say.list(view.attested.shown)
    if view.attested.more:
        names += " " + say("and {n} more", n=view.attested.more)
    text = "Attested, resting on declarations only: {names}."
    blocks.append(Note(say(text, names=names or say("none")), small=True))
    blocks += [_attestation(t, row) for row in view.attestations.shown] + t.more(view.attestations.more, MANIFEST)
    blocks.append(Heading(say("Set by us")))
    blocks += [Row(lines=[[Run(profile_sentence(line, say))]]) for line in view.profile.shown] or [
        Note(say("Everything is as shipped."), small=True)
    ]
    return Section(say("Waivers and attestations"), blocks + t.more(view.profile.more, MANIFEST))


def _waiver(t: Telling, row: WaiverLine) -> Row:
    say = t.words
    until = say("until {day}", day=t.days.day(row.valid_to - 1))
    who = row.approver.label if row.approver else say("approver not known")
    return Row(
        marks=[Mark(say("ENDS SOON"), "bad")] if row.expires_soon else [],
        lines=[[Run(row.requirement, strong=True), Run(f" {row.unit_filter} {until}")], [Run(row.reason)]],
        small=[Run("; ".join([who, say.count(row.obligations, "case"), *row.notes]))],
    )


def _attestation(t: Telling, rows: list[AttestationLine]) -> Row:
    say, first = t.words, rows[0]
    until = say("no end is recorded") if first.until is None else say("until {day}", day=t.days.day(first.until - 1))
    who = first.who.label if first.who else say("nobody is named")
    names = [row.requirement for row in rows]
    more = [say("and {n} more", n=len(names) - _NAMED)] if len(names) > _NAMED else []
    facts = [say("vouched for by {who}", who=who), until, *names[:_NAMED], *more]
    return Row(
        marks=[Mark(say("ATTESTED"))],
        lines=[t.subject(first.subject)],
        small=[Run(say.list(facts))],
    )


_NAMED = 5
"""Requirements that are named of one declaration."""


def clauses(t: Telling) -> Section:
    """Count requirements by clause."""
    columns = ("met", "attested", "not_met", "not_provable", "not_applicable")
    say = t.words
    rows = [[row.clause, *(say.number(row.counts.verdicts.get(v, 0)) for v in columns)] for row in t.model.clauses]
    bad = {
        (place, columns.index("not_met") + 1)
        for place, row in enumerate(t.model.clauses)
        if row.counts.verdicts.get("not_met")
    }
    return Section(say("By clause"), [Table([say("Clause"), *(_head(t, v) for v in columns)], rows, frozenset(bad))])


def _head(t: Telling, verdict: str) -> str:
    return t.words(_SHORT.get(verdict) or RESULT_WORDS[verdict])
