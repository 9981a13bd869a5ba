"""The report as plain text: complete, 72 columns, for readers without HTML.

A link stands alone on its line and is never broken, so only such a line may be longer.
"""

from __future__ import annotations

import unicodedata

from hub.conformance.answer import Subject
from hub.report.model import Action, Attachment, Nonconformity, ReportModel
from hub.report.view import Group, View
from hub.report.wording import (
    RESULT_WORDS,
    Days,
    change_sentence,
    clean,
    counts_line,
    period_text,
    plural,
    profile_sentence,
    rate_sentence,
    rule_sentence,
    safe_url,
    verdict_sentence,
)

__all__ = ["WIDTH", "columns_of", "render_text", "wrap"]

WIDTH = 72
_SHORT = {"not_provable": "not prov."}
_COLUMNS = ("not_met", "not_provable", "waived", "attested", "met")


def render_text(model: ReportModel, view: View, attachments: list[Attachment], hosts: frozenset[str]) -> str:
    """Write the same report as the page, section by section."""
    page = _Page(model, view, hosts)
    page.verdict()
    page.identity()
    page.counts()
    page.to_do()
    page.changed()
    page.nonconformities()
    page.coming()
    page.coverage()
    page.waivers()
    page.profile()
    page.clauses()
    page.end(attachments)
    return "\n".join(page.lines) + "\n"


def columns_of(text: str) -> int:
    """Count the columns a text takes: wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def wrap(text: str, indent: str = "", hanging: str | None = None) -> list[str]:
    """Break a text at spaces, and a word that is too long where the line ends."""
    hanging = indent if hanging is None else hanging
    lines, line, started = [], indent, False
    for word in clean(text).split():
        rest = word
        if started and columns_of(line) + 1 + columns_of(rest) <= WIDTH:
            line += f" {rest}"
            continue
        if started:
            lines.append(line)
            line, started = hanging, False
        while columns_of(line) + columns_of(rest) > WIDTH:
            fitting = _fitting(rest, WIDTH - columns_of(line))
            lines.append(line + rest[:fitting])
            line, rest = hanging, rest[fitting:]
        line, started = line + rest, True
    return [*lines, line] if started else lines


def _fitting(text: str, room: int) -> int:
    """Return how many characters of a text fit, at least one."""
    used = 0
    for index, char in enumerate(text):
        used += columns_of(char)
        if used > room:
            return max(1, index)
    return len(text)


class _Page:
    """Collects lines; one method a section."""

    def __init__(self, model: ReportModel, view: View, hosts: frozenset[str]) -> None:
        self.model, self.view, self.hosts = model, view, hosts
        self.days = Days(model.identity.period.zone)
        self.lines: list[str] = []

    def say(self, text: str, indent: str = "", hanging: str | None = None) -> None:
        self.lines += wrap(text, indent, hanging)

    def link(self, url: str, indent: str) -> None:
        if safe := safe_url(url, self.hosts):
            self.lines.append(indent + safe)

    def head(self, title: str) -> None:
        self.lines += ["", title.upper(), "-" * len(title)]

    def more(self, number: int, file: str = "findings.csv") -> None:
        if number:
            self.say(f"... and {number:,} more, see {file}", "  ")

    def verdict(self) -> None:
        identity = self.model.identity
        self.say(f"{self.model.status.word}: {identity.scope}, conformance {identity.period.label}")
        if self.model.provisional:
            self.say("Provisional: the period has not ended.")
        self.lines.append("")
        self.say(verdict_sentence(self.model))
        self.say(change_sentence(self.model.change))
        for reason in self.model.status.reasons:
            self.say(reason, "* ", "  ")

    def identity(self) -> None:
        identity = self.model.identity
        self.head("Report")
        note = f": {identity.note}" if identity.note else ""
        self.say(f"{identity.report_id}, revision {identity.revision}{note}")
        self.say(f"Period {period_text(identity, self.days)}")
        self.say(f"As of {self.days.both(identity.as_of)}")
        if identity.known_at != identity.as_of:
            self.say(f"Known at {self.days.both(identity.known_at)}")
        self.say(f"Approved by {identity.approved_by}" if identity.approved_by else "Not approved by a person")
        self.say(
            f"Catalogue {identity.catalogue_version}, profile {identity.profile_version}, "
            f"time-zone data {identity.tz_version}"
            + (f", holidays {identity.holidays_version}" if identity.holidays_version else "")
        )

    def counts(self) -> None:
        self.head("Counts (in brackets: last report)")
        self.lines.append(f"{'':<10}" + "".join(f"{_SHORT.get(v) or RESULT_WORDS[v]:>12}" for v in _COLUMNS))
        for row in self.model.by_severity:
            cells = [
                f"{row.now.verdicts.get(v, 0)}" + (f" ({row.before.verdicts.get(v, 0)})" if row.before else "")
                for v in _COLUMNS
            ]
            self.lines.append(f"{row.severity:<10}" + "".join(f"{cell:>12}" for cell in cells))
        self.lines.append("")
        self.say(rate_sentence(self.model) + ".")
        self.say(counts_line(self.model) + ".")
        if unjudged := self.model.counts.of("not_judged"):
            self.say(
                f"{plural(unjudged, 'requirement')} of the catalogue not judged by any enabled pack: "
                "outside status and rate."
            )

    def to_do(self) -> None:
        self.head("What you must do")
        if not self.view.actions.shown:
            self.lines.append("Nothing is open.")
        for number, action in enumerate(self.view.actions.shown, 1):
            self.action(number, action)
        self.more(self.view.actions.more)

    def action(self, number: int, action: Action) -> None:
        more = f" and {action.more} more" if action.more else ""
        due = f"due {self.days.day(action.due_at)}" if action.due_at is not None else "no due date"
        late = " (LATE)" if action.late else ""
        owner = action.owner.label if action.owner else "no owner: name one"
        self.say(f"{action.severity.upper()} {action.requirement}: {action.sentence}", f"{number:>2}. ", "    ")
        self.say(f"{_name(action.subject)}{more}; {owner}, {due}{late}", "    ")
        self.link(action.subject.url, "    ")

    def changed(self) -> None:
        change = self.model.change
        self.head("What changed since the last mail")
        self.say(change_sentence(change))
        if change is None:
            return
        self.say(f"Compared with {change.since}, as of {self.days.minute(change.since_as_of)}.")
        for moved in self.view.moved.shown:
            why = " (derived anew: the rules or time-zone data changed)" if moved.by_rules else ""
            word = "WORSE" if moved.worse else "BETTER"
            before, now = RESULT_WORDS[moved.before], RESULT_WORDS[moved.now]
            self.say(f"{word}: {moved.requirement} {moved.title}: {before} -> {now}{why}", "* ", "  ")
        self.more(self.view.moved.more, "evidence-manifest.json")
        for rule in self.view.rules.shown:
            self.say(f"SET BY US: {rule_sentence(rule)}", "* ", "  ")
        self.more(self.view.rules.more, "evidence-manifest.json")
        for line in self.view.redefined.shown:
            what = "appeared" if line.state == "open" else "went away"
            self.say(f"CHANGED BY US: {line.requirement} {_name(line.subject)} {what}", "* ", "  ")
        self.more(self.view.redefined.more)
        for line in self.view.worse.shown:
            reopened = f", reopened {plural(line.reopened, 'time')}" if line.reopened else ""
            due = f", due {self.days.day(line.due_at)}" if line.due_at is not None else ""
            self.say(f"LATE OR REOPENED: {line.requirement} {_name(line.subject)}{due}{reopened}", "* ", "  ")
        self.more(self.view.worse.more)
        for line in self.view.resolved.shown:
            self.say(f"{line.state.upper()}: {line.requirement} {_name(line.subject)}", "* ", "  ")
        self.more(self.view.resolved.more)
        for note in change.notes:
            self.say(note)

    def nonconformities(self) -> None:
        self.head("Nonconformities by clause")
        if not self.view.clauses:
            self.lines.append("No cases.")
        for clause in self.view.clauses:
            self.lines += ["", f"Clause {clause.clause}"]
            for group in clause.groups:
                self.group(group)
        if self.view.groups_left_out:
            self.more(self.view.groups_left_out)

    def group(self, group: Group) -> None:
        new = f", {group.new} new" if self.model.change else ""
        cured = f", {group.cured} cured" if group.cured else ""
        self.lines.append("")
        self.say(f"{group.severity.upper()} {group.requirement} {group.title}")
        self.say(f"{group.open} open{new}{cured}. Expected: {group.expected}")
        for line in group.lines.shown:
            self.finding(line)
        self.more(group.lines.more)

    def finding(self, line: Nonconformity) -> None:
        day = self.days.day
        mark = {"cured": f"CURED {day(line.cured_at)} ", "waived": "WAIVED ", "withdrawn": "WITHDRAWN "}.get(
            line.state, ""
        )
        mark = mark or {"new": "NEW ", "unwaived": "OPEN AGAIN ", "redefined": "CHANGED BY US "}.get(line.news, "")
        self.say(f"{mark}{_name(line.subject)}", "- ", "  ")
        self.say(line.found, "  ")
        facts = f"first seen {day(line.first_seen_at)}, {plural(line.age_days, 'day')}"
        if line.state == "open":
            facts += f"; {line.owner.label if line.owner else 'no owner'}"
            if line.due_at is not None:
                facts += f", due {day(line.due_at)}{' (LATE)' if line.due_at <= self.model.identity.as_of else ''}"
        if line.evidence:
            facts += f"; evidence: {', '.join(proof.label for proof in line.evidence[:3])}"
        self.say(facts, "  ")
        self.link(line.subject.url, "  ")

    def coming(self) -> None:
        self.head("At risk and due in the next 30 days")
        if not self.view.coming.shown:
            self.lines.append("No cases.")
        for row in self.view.coming.shown:
            risk = "AT RISK " if row.at_risk else ""
            self.say(f"{self.days.day(row.due_at)} {risk}{row.requirement} {_name(row.subject)}", "- ", "  ")
        self.more(self.view.coming.more, "evidence-manifest.json")

    def coverage(self) -> None:
        self.head("Coverage and gaps")
        if not self.view.scopes.shown:
            self.lines.append("No source was read.")
        for row in self.view.scopes.shown:
            mark = "NOT READ: " if row.reason or row.through is None else ""
            name = f"{row.source} / {row.scope}" if row.scope else row.source
            read = "never read to the end" if row.through is None else f"read to {self.days.minute(row.through)}"
            why = f"; {row.reason}" if row.reason else ""
            self.say(f"{mark}{name}: {row.kinds}; {read}{why}", "- ", "  ")
        self.more(self.view.scopes.more, "evidence-manifest.json")
        if self.model.lost:
            self.say(
                f"{plural(self.model.lost, 'message')} of the hub did not arrive; `hub check` says which.", "- ", "  "
            )
        if self.view.gaps.shown:
            self.lines += ["", "Not provable, and what would prove it:"]
        for gap in self.view.gaps.shown:
            self.say(f"{gap.reason} ({plural(gap.obligations, 'case')}: {', '.join(gap.requirements)})", "- ", "  ")
            self.say(f"Remedy: {gap.remedy}", "  ")
        self.more(self.view.gaps.more, "evidence-manifest.json")
        self.lines.append("")
        self.say(
            "Not available in this report, because no source or pack provides them: SLA attainment, complaints and "
            "satisfaction, follow-up of actions, figures of the report process."
        )

    def waivers(self) -> None:
        self.head("Waivers and attestations")
        if not self.view.waivers.shown:
            self.lines.append("No waiver in force.")
        for row in self.view.waivers.shown:
            soon = " (ENDS SOON)" if row.expires_soon else ""
            who = row.approver.label if row.approver else "approver not known"
            self.say(f"{row.requirement} {row.unit_filter} until {self.days.day(row.valid_to - 1)}{soon}", "- ", "  ")
            self.say(f"{row.reason} ({who}; {plural(row.obligations, 'case')})", "  ")
            for note in row.notes:
                self.say(note, "  ")
        self.more(self.view.waivers.more)
        more = f" and {self.view.attested.more} more" if self.view.attested.more else ""
        names = ", ".join(self.view.attested.shown) + more
        self.say(f"Attested, resting on declarations only: {names or 'none'}.")

    def profile(self) -> None:
        self.head("Set by us")
        if not self.view.profile.shown:
            self.lines.append("Everything is as shipped.")
        for line in self.view.profile.shown:
            self.say(profile_sentence(line), "- ", "  ")
        self.more(self.view.profile.more, "evidence-manifest.json")

    def clauses(self) -> None:
        columns = ("met", "attested", "not_met", "not_provable", "not_applicable")
        self.head("By clause")
        self.lines.append(f"{'clause':<10}" + "".join(f"{_SHORT.get(v) or RESULT_WORDS[v]:>12}" for v in columns))
        for row in self.model.clauses:
            self.lines.append(
                f"{clean(row.clause):<10}" + "".join(f"{row.counts.verdicts.get(v, 0):>12}" for v in columns)
            )

    def end(self, attachments: list[Attachment]) -> None:
        self.head("Attachments")
        for file in attachments:
            self.lines += [f"{file.name}, SHA-256:", f"  {file.sha256}"]
        self.lines.append("")
        self.say(
            "To verify: compare each file with its SHA-256 above; record ids and document hashes are in "
            "evidence-manifest.json. Replies go to the sender of this mail."
        )
        self.lines.append("")
        self.say(f"End of report {self.model.identity.report_id} revision {self.model.identity.revision}.")


def _name(subject: Subject) -> str:
    return f"{subject.key} {subject.title}".strip() or subject.id
