"""The first and the last sections: what changed, which report this is, what was read, what is attached."""

from __future__ import annotations

from collections import defaultdict

from hub.conformance.answer import WordRow
from hub.report.model import SEVERITIES, Attachment
from hub.report.section.block import Block, Heading, Mark, Note, Row, Run, Section
from hub.report.section.line import Change, Nonconformity
from hub.report.section.telling import MANIFEST, Telling
from hub.report.view import ScopeLine
from hub.report.wording import RESULT_WORDS, period_text, rule_sentence

__all__ = ["changed", "coverage", "ending", "identity"]


def changed(t: Telling) -> Section:
    """Tell what is different from the last mail: new, worse, cured, continuing, waivers that end."""
    say, change = t.words, t.model.change
    title, blocks = say("Since the last mail"), list[Block]()
    ending = [row for row in t.model.waivers if row.expires_soon]
    if change is None:
        blocks = [Note(say("This is the first mail; there is nothing to compare it with."))]
    else:
        since = say(
            "Compared with {report}, as of {when}.", report=change.since, when=t.days.minute(change.since_as_of)
        )
        if n := len(t.model.urgent):
            what = say.count(n, "new critical finding")
            text = "Urgent: {what}. The monthly mail comes as always; until then there is at most one such mail a day."
            blocks.append(Note(say(text, what=what)))
        blocks += [*_appeared(t), *_worse(t, change), *_gone(t, change)]
        blocks.append(Row(marks=[Mark(say("CONTINUING"))], lines=[[Run(say.count(change.continuing, "finding"))]]))
        blocks += [*_moved(t), *_by_us(t), Note(since, small=True)]
        blocks += [Note(note, small=True) for note in change.notes]
    for row in ending[:_FEW]:
        until = say("until {day}", day=t.days.day(row.valid_to - 1))
        text = f"{row.requirement} {row.unit_filter} {until}"
        blocks.append(Row(marks=[Mark(say("WAIVER ENDS"), "bad")], lines=[[Run(text)]]))
    return Section(title, blocks)


_FEW = 5


def _appeared(t: Telling) -> list[Block]:
    return _grouped(t, t.view.new, Mark(t.words("NEW"), "bad"))


def _worse(t: Telling, change: Change) -> list[Block]:
    say = t.words
    blocks = _grouped(t, change.worse, Mark(say("WORSE"), "bad"), say("late or reopened"))
    return blocks + _grouped(t, change.unwaived, Mark(say("OPEN AGAIN"), "bad"), say("the waiver ended"))


def _gone(t: Telling, change: Change) -> list[Block]:
    blocks: list[Block] = []
    for state in dict.fromkeys(line.state for line in change.resolved):
        lines = [line for line in change.resolved if line.state == state]
        blocks += _grouped(t, lines, Mark(t.words(state.upper()), "good"))
    return blocks + _grouped(t, change.waived, Mark(t.words("WAIVED")))


def _grouped(t: Telling, lines: list[Nonconformity], mark: Mark, why: str = "") -> list[Block]:
    """One row a requirement, the most severe first: what it asks, how many, the first of them, who has to act by when."""
    say, groups = t.words, defaultdict[str, list[Nonconformity]](list)
    for line in sorted(lines, key=lambda one: (SEVERITIES.index(one.severity), one.requirement)):
        groups[line.requirement].append(line)
    blocks: list[Block] = [_group(t, group, mark, why) for group in list(groups.values())[:_FEW]]
    return blocks + [Note(say("and {n} more", n=n), small=True) for n in [len(groups) - _FEW] if n > 0]


def _group(t: Telling, group: list[Nonconformity], mark: Mark, why: str) -> Row:
    say, first = t.words, group[0]
    title = t.model.titles.get(first.requirement, "") or first.requirement
    names: list[Run] = []
    subjects = list({line.subject.id: line.subject for line in group}.values())
    for place, one in enumerate(subjects[:_NAMED]):
        named = t.subject(one) if len(subjects) == 1 else [Run(one.key or one.title or one.id, one.url)]
        names += [*([Run(", ")] if place else []), *named]
    if len(subjects) > _NAMED:
        names.append(Run(" " + say("and {n} more", n=len(subjects) - _NAMED)))
    facts = [first.requirement, say(first.severity), *([why] if why else [])]
    if first.state == "open":
        due = min((line.due_at for line in group if line.due_at is not None), default=None)
        facts += [t.owner(first.owner), t.due(due) + (f" ({say('LATE')})" if t.late(due) else "")]
    number = f"{say.number(len(group))} x " if len(group) > 1 else ""
    return Row(marks=[mark], lines=[[Run(number + title, strong=True)], names], small=[Run(say.list(facts))])


_NAMED = 3


def _moved(t: Telling) -> list[Block]:
    say, blocks = t.words, list[Block]()
    if t.view.moved.shown:
        blocks.append(Heading(say("Requirements whose result is another")))
    for moved in t.view.moved.shown:
        mark = Mark(say("BETTER"), "good") if moved.better else Mark(say("OTHER"))
        mark = Mark(say("WORSE"), "bad") if moved.worse else mark
        text = f"{moved.requirement} {moved.title}: {say(RESULT_WORDS[moved.before])} → {say(RESULT_WORDS[moved.now])}"
        why = say("derived anew: the rules or time-zone data changed")
        blocks.append(Row(marks=[mark], lines=[[Run(text)]], small=[Run(why)] if moved.by_rules else []))
    return blocks + t.more(t.view.moved.more, MANIFEST)


def _by_us(t: Telling) -> list[Block]:
    say, blocks = t.words, list[Block]()
    for rule in t.view.rules.shown:
        blocks.append(Row(marks=[Mark(say("SET BY US"))], lines=[[Run(rule_sentence(rule, say))]]))
    blocks += t.more(t.view.rules.more, MANIFEST)
    for line in t.view.redefined.shown:
        blocks.append(
            _short(t, line, Mark(say("CHANGED BY US")), [say("appeared" if line.state == "open" else "went away")])
        )
    return blocks + t.more(t.view.redefined.more)


def _short(t: Telling, line: Nonconformity, mark: Mark, facts: list[str] | None = None) -> Row:
    return Row(
        marks=[mark],
        lines=[[Run(f"{line.requirement} "), *t.subject(line.subject)]],
        small=[Run(t.words.list(facts))] if facts else [],
    )


def identity(t: Telling) -> Section:
    """Say which report this is and what it rests on."""
    say, one, days = t.words, t.model.identity, t.days
    note = f": {one.note}" if one.note else ""
    lines = [
        say("{report}, revision {revision}", report=one.report_id, revision=str(one.revision)) + note,
        say("Scope {scope}", scope=one.scope + (f": {one.covers}" if one.covers else "")),
        say("Period {period}", period=period_text(one, say)),
        say("As of {when}", when=days.both(one.as_of)),
    ]
    if one.known_at != one.as_of:
        lines.append(say("Known at {when}", when=days.both(one.known_at)))
    lines.append(say("Approved by {who}", who=one.approved_by) if one.approved_by else say("Not approved by a person"))
    versions = [
        say("catalogue {version}", version=one.catalogue_version),
        say("profile {version}", version=one.profile_version),
        say("time-zone data {version}", version=one.tz_version),
    ]
    if one.holidays_version:
        versions.append(say("holidays {version}", version=one.holidays_version))
    blocks: list[Block] = [Note(line, small=True) for line in [*lines, say.list(versions)]]
    if one.covers:
        text = "What belongs to none of these services and teams stands in the report of the whole organisation."
        blocks.append(Note(say(text), small=True))
    return Section(say("This report"), blocks)


def coverage(t: Telling) -> Section:
    """Tell what was read and what not, and what would prove what is not provable."""
    say, view = t.words, t.view
    blocks: list[Block] = [_scope(t, row) for row in view.scopes.shown] or [Note(say("No source was read."))]
    blocks += t.more(view.scopes.more, MANIFEST)
    if lost := t.model.lost:
        text = "{what} of the hub did not arrive; `hub check` says which."
        blocks.append(Note(say(text, what=say.count(lost, "message"))))
    if t.model.words is not None:
        blocks.append(Heading(say("Read, but not understood, since the period began")))
        blocks += [_word(t, row) for row in view.words.shown] or [Note(say("No cases."), small=True)]
        blocks += t.more(view.words.more, MANIFEST)
    if view.gaps.shown:
        blocks.append(Heading(say("Not provable, and what would prove it")))
    for gap in view.gaps.shown:
        names = say.list(gap.requirements[:_FEW])
        if len(gap.requirements) > _FEW:
            names += " " + say("and {n} more", n=len(gap.requirements) - _FEW)
        blocks.append(
            Row(
                lines=[[Run(gap.reason)], [Run(say("Remedy: {remedy}", remedy=gap.remedy), strong=True)]],
                small=[Run(f"{say.count(gap.obligations, 'case')}: {names}")],
            )
        )
    return Section(say("Coverage and gaps"), blocks + t.more(view.gaps.more, MANIFEST))


def _word(t: Telling, row: WordRow) -> Row:
    say = t.words
    mark = Mark(say("NO MAPPING"), "bad") if row.what == "unmapped" else Mark(say("LEFT OUT"))
    facts = [row.source, say.count(row.documents, "document")]
    return Row(marks=[mark], lines=[[Run(row.word)]], small=[Run(say.list(facts))])


def _scope(t: Telling, row: ScopeLine) -> Row:
    say = t.words
    name = f"{row.source} / {row.scope}" if row.scope else row.source
    if row.through is None:
        read = say("never read to the end")
    else:
        read = say("read to {when}", when=t.days.minute(row.through))
    unread = bool(row.reason) or row.through is None
    return Row(
        marks=[Mark(say("NOT READ"), "bad")] if unread else [],
        lines=[[Run(name, strong=True), *([Run(f": {row.reason}")] if row.reason else [])]],
        small=[Run(f"{row.kinds}; {read}")],
    )


def ending(t: Telling, attachments: list[Attachment]) -> Section:
    """List the attachments with their hashes, and say how to verify them and where to reply."""
    say, one = t.words, t.model.identity
    blocks: list[Block] = [Row(lines=[[Run(file.name)]], small=[Run(f"SHA-256 {file.sha256}")]) for file in attachments]
    blocks.append(
        Note(say("To verify: sha256sum FILE gives the SHA-256 above; evidence-manifest.json names the proofs."))
    )
    blocks.append(Note(say("Replies go to the sender of this mail.")))
    text = "End of report {report} revision {revision}."
    blocks.append(Note(say(text, report=one.report_id, revision=str(one.revision))))
    return Section(say("Attachments"), blocks)
