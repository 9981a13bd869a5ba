"""What is different from the last report. Pure: both sides are reports, as issued."""

from __future__ import annotations

from collections import Counter

import msgspec

from hub.conformance.answer import Answers
from hub.conformance.profile import left_out
from hub.report.finding import finding_key, tell
from hub.report.model import Change, Identity, Moved, News, Nonconformity, ProfileLine, ReportModel, RuleChange
from hub.report.person import Naming

__all__ = ["since_last"]

_RANK = {"not_met": 0, "not_provable": 1, "waived": 2, "attested": 3}
_FINE = 4


def since_last(
    answers: Answers,
    lines: list[Nonconformity],
    identity: Identity,
    previous: ReportModel,
    naming: Naming,
    *,
    profile: list[ProfileLine],
) -> Change:
    """Compare with the last report: open before = continuing + resolved + waived, open now = continuing + new + unwaived.

    On both sides, what is there or gone because we changed the rules is told apart (`redefined`).
    """
    before = {line.key: line for line in previous.nonconformities}
    open_before = {key for key, line in before.items() if line.state == "open"}
    open_now = {line.key: line for line in lines if line.state == "open"}
    rows = {finding_key(row): row for row in answers.findings}
    gone = [
        tell(rows[key], identity, previous, naming)
        if key in rows
        else msgspec.structs.replace(before[key], state="withdrawn", news=_news_of_gone(before[key], answers))
        for key in sorted(open_before - open_now.keys())
    ]
    ours = [line for line in open_now.values() if line.news == "redefined"]
    unwaived = [line for line in open_now.values() if line.news == "unwaived"]
    redefined = [*ours, *(line for line in gone if line.news == "redefined")]
    return Change(
        since=f"{previous.identity.report_id} r{previous.identity.revision}",
        since_as_of=previous.identity.as_of,
        new=len(open_now.keys() - open_before) - len(ours) - len(unwaived),
        continuing=len(open_now.keys() & open_before),
        resolved=[line for line in gone if line.news == "resolved"],
        waived=[line for line in gone if line.news == "waived"],
        unwaived=unwaived,
        worse=[line for key, line in open_now.items() if _worse(line, before.get(key), identity, previous)],
        moved=_moved(answers, previous),
        redefined=redefined,
        rules=_rules(profile, previous, identity, redefined),
        notes=_notes(answers, identity, previous),
    )


def _news_of_gone(line: Nonconformity, answers: Answers) -> News:
    """Tell why the store no longer lists a finding: its requirement may not be judged any more."""
    return "redefined" if line.requirement in answers.derived_anew else "resolved"


def _worse(line: Nonconformity, before: Nonconformity | None, identity: Identity, previous: ReportModel) -> bool:
    if before is None:
        return False
    due_passed = line.due_at is not None and previous.identity.as_of < line.due_at <= identity.as_of
    return due_passed or line.reopened > before.reopened


def _moved(answers: Answers, previous: ReportModel) -> list[Moved]:
    """List requirements that went to or from not met, not provable or waived; those judged for the first time not."""
    anew = set(answers.derived_anew)
    moved = []
    for row in answers.requirements:
        before = previous.verdicts.get(row.requirement, "not_judged")
        if before == row.verdict or "not_judged" in (before, row.verdict):
            continue
        rank_before, rank_now = _RANK.get(before, _FINE), _RANK.get(row.verdict, _FINE)
        if rank_before != rank_now and min(rank_before, rank_now) <= _RANK["waived"]:
            moved.append(
                Moved(
                    requirement=row.requirement,
                    title=row.title,
                    before=before,
                    now=row.verdict,
                    worse=rank_now < rank_before,
                    by_rules=row.requirement in anew,
                )
            )
    return sorted(moved, key=lambda line: (not line.worse, line.requirement))


def _rules(
    profile: list[ProfileLine], previous: ReportModel, identity: Identity, redefined: list[Nonconformity]
) -> list[RuleChange]:
    """List what the profile says otherwise than at the last report, with the findings it opened and withdrew."""
    if previous.identity.profile_version == identity.profile_version:
        return []
    before = {(line.requirement, line.what, line.scope): line for line in previous.profile}
    now = {(line.requirement, line.what, line.scope): line for line in profile}
    dropped = {key: line for key, line in before.items() if key not in now}
    back = {key: msgspec.structs.replace(line, ours=line.shipped, left_out=None) for key, line in dropped.items()}
    appeared = Counter(line.requirement for line in redefined if line.state == "open")
    gone = Counter(line.requirement for line in redefined if line.state != "open")
    return [
        RuleChange(
            line=line,
            before=before[key].ours if key in before else line.shipped,
            appeared=appeared[line.requirement],
            gone=gone[line.requirement],
        )
        for key, line in sorted((now | back).items())
        if line.ours != (before[key].ours if key in before else line.shipped)
    ]


def _notes(answers: Answers, identity: Identity, previous: ReportModel) -> list[str]:
    old = previous.identity
    pairs = [
        ("Catalogue", old.catalogue_version, identity.catalogue_version),
        ("Profile", old.profile_version, identity.profile_version),
        ("Time-zone data", old.tz_version, identity.tz_version),
        ("Holidays", old.holidays_version or identity.holidays_version, identity.holidays_version),
    ]
    notes = [f"{what} changed from {was} to {now}." for what, was, now in pairs if was != now]
    out = left_out(answers.profile).keys() | left_out(previous.profile).keys()
    judged_before = {key for key, verdict in previous.verdicts.items() if verdict != "not_judged"} - out
    judged_now = {row.requirement for row in answers.requirements if row.verdict != "not_judged"} - out
    if first := len(judged_now - judged_before):
        notes.append(f"{first} requirement{'s' if first > 1 else ''} judged for the first time.")
    if dropped := len(judged_before - judged_now):
        notes.append(f"{dropped} requirement{'s' if dropped > 1 else ''} no longer judged.")
    return notes
