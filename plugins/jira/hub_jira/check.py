"""`hub check` for a Jira source: who we are, what we may see, which words have no meaning yet."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from hub.errors import SourceError
from hub.sync.source import CheckLine
from hub_jira.field import APPROVALS, UnknownTargetError, parse_target
from hub_jira.value import as_dict, as_list, as_text, native_id
from hub_jira.wire import CloudPage, Named, OffsetPage

if TYPE_CHECKING:
    from hub.sync.source import SourceContext
    from hub_jira.client import JiraClient
    from hub_jira.settings import JiraSettings
    from hub_jira.vocabulary import Vocabulary

__all__ = ["check"]

LARGEST_SKEW_MS = 5 * 60 * 1000
WARN_DAYS = 30
SAMPLE = 100
GUESSES = {"service request": "request", "bug": "incident", "improvement": "improvement_action"}


def check(
    client: JiraClient, settings: JiraSettings, vocabulary: Vocabulary, context: SourceContext
) -> list[CheckLine]:
    """Try everything once; a fault ends its own lines only. Nothing is concluded from answers to a wrong credential."""
    try:
        me = client.whoami()
    except SourceError as fault:
        return [CheckLine("error", str(fault), "check url, user and token of this source")]
    lines = [CheckLine("ok", f"{settings.url}: signed in as {me.display_name or me.account_id or me.name}")]
    lines += _clock(client)
    lines += _token(client, settings, context)
    readable = [project for project in settings.projects if _project(client, project, lines)]
    try:
        lines += _words(client, settings, vocabulary, readable)
    except SourceError as fault:
        lines.append(CheckLine("warning", f"words without mapping could not be listed: {fault}"))
    return lines


def passing_trouble(client: JiraClient, settings: JiraSettings, context: SourceContext) -> list[str]:
    """Say what does not stop a reading today but soon will: skewed clocks, a token that ends."""
    lines = _clock(client) + _token(client, settings, context)
    return [f"{line.text}; {line.advice}" for line in lines if line.level != "ok"]


def _clock(client: JiraClient) -> list[CheckLine]:
    skew = client.clock_skew_ms
    if skew is None or abs(skew) <= LARGEST_SKEW_MS:
        return []
    side = "ahead of" if skew > 0 else "behind"
    text = f"Jira's clock is {abs(skew) // 60_000} minutes {side} this machine's"
    return [CheckLine("warning", text, "set both clocks by NTP; instants of the two cannot be compared")]


def _token(client: JiraClient, settings: JiraSettings, context: SourceContext) -> list[CheckLine]:
    ends = settings.token_expires
    if settings.flavour == "data_center" and ends is None:
        ends = _told_end(client)
    if ends is None:
        if settings.flavour == "cloud":
            advice = "token_expires = 2027-01-31   # the day shown where the token was made"
            return [CheckLine("ok", "Jira Cloud does not tell when a token ends", advice)]
        return []
    today = datetime.fromtimestamp(context.clock.now_ms() / 1000, tz=UTC).date()
    left = (ends - today).days
    if left < 0:
        return [CheckLine("error", f"the token ended on {ends}", "make a new token and replace the secret file")]
    if left <= WARN_DAYS:
        return [CheckLine("warning", f"the token ends on {ends}, in {left} days", "make a new token in time")]
    return [CheckLine("ok", f"the token is good until {ends}")]


def _told_end(client: JiraClient) -> date | None:
    """Ask Data Center when this account's tokens end; the earliest counts, for it does not say which one we use."""
    try:
        tokens = client.get("/rest/pat/latest/tokens", list[dict[str, Any]])
    except SourceError:
        return None
    ends = [as_text(each.get("expiringAt")) for each in tokens]
    try:
        return min((date.fromisoformat(each[:10]) for each in ends if each), default=None)
    except ValueError:
        return None


def _project(client: JiraClient, project: str, lines: list[CheckLine]) -> bool:
    try:
        found = client.get(f"{client.api}/project/{project}", Named)
    except SourceError as fault:
        advice = f"let this account browse {project}, or take it out of projects"
        lines.append(CheckLine("error", f"project {project} cannot be read: {fault}", advice))
        return False
    lines.append(CheckLine("ok", f"project {project}: {found.name or 'readable'}"))
    return True


def _words(client: JiraClient, settings: JiraSettings, vocabulary: Vocabulary, projects: list[str]) -> list[CheckLine]:
    known = client.get(f"{client.api}/field", list[Named])
    names = {str(each.id): each.name for each in known}
    statuses = client.get(f"{client.api}/status", list[Named])
    types = client.get(f"{client.api}/issuetype", list[Named])
    lines = [
        CheckLine("warning", f"field {field_id} is mapped but Jira no longer has it", f"look for its new id: {target}")
        for field_id, target in settings.fields.items()
        if field_id not in names
    ]
    lines += [
        CheckLine(
            "ok",
            f"field {field_id} {names[field_id]!r} fills {target if isinstance(target, str) else ', '.join(target)}",
        )
        for field_id, target in settings.fields.items()
        if field_id in names
    ]
    lines += _vanished("status", settings.statuses, statuses) + _vanished("issue type", settings.issue_types, types)
    sample = [issue for project in projects for issue in _latest(client, settings, project)]
    return lines + _unmapped(sample, names, vocabulary)


def _vanished(what: str, mapped: dict[str, Any], known: list[Named]) -> list[CheckLine]:
    words = {word for each in known for word in (str(each.id), each.name, each.untranslated_name)}
    return [
        CheckLine(
            "warning", f"{what} {word!r} is mapped but Jira does not have it", "correct the word, or map it by id"
        )
        for word in mapped
        if word not in words
    ]


def _latest(client: JiraClient, settings: JiraSettings, project: str) -> list[dict[str, Any]]:
    """Read the most recent issues of a project: enough to count words by."""
    query: dict[str, str | int] = {
        "jql": f'project = "{project}" ORDER BY key DESC',
        "fields": "*all",
        "maxResults": SAMPLE,
    }
    issues: list[msgspec.Raw]
    if settings.flavour == "cloud":
        issues = client.get(f"{client.api}/search/jql", CloudPage, **query).issues
    else:
        issues = client.get(f"{client.api}/search", OffsetPage, **query).issues
    return [as_dict(as_dict(msgspec.json.decode(each)).get("fields")) for each in issues]


def _unmapped(sample: list[dict[str, Any]], names: dict[str, str], vocabulary: Vocabulary) -> list[CheckLine]:
    types: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    links: Counter[str] = Counter()
    fields: Counter[str] = Counter()
    seen: dict[str, Any] = {}
    for issue in sample:
        issue_type, status = as_dict(issue.get("issuetype")), as_dict(issue.get("status"))
        if vocabulary.kind(issue_type) is None:
            types[as_text(issue_type.get("name")) or "?"] += 1
            continue
        if vocabulary.category(status) == "other":
            statuses[as_text(status.get("name")) or "?"] += 1
        for link in map(as_dict, as_list(issue.get("issuelinks"))):
            link_type = as_dict(link.get("type"))
            if vocabulary.relation(link_type, outward=True) is None:
                links[as_text(link_type.get("name")) or native_id(link_type.get("id")) or "?"] += 1
        for name, value in issue.items():
            if (
                name.startswith("customfield_")
                and value not in (None, "", [], {})
                and name not in vocabulary.mapped_ids
            ):
                fields[name] += 1
                seen.setdefault(name, value)
    where = f"in the {len(sample)} latest issues"
    found = [
        *(
            _line(f"issue type {w!r}", n, where, f'[…issue_types] {_quoted(w)} = "{_guess(w)}"')
            for w, n in types.most_common()
        ),
        *(
            _line(f"status {w!r}", n, where, f'[…statuses] {_quoted(w)} = "in_progress"')
            for w, n in statuses.most_common()
        ),
        *(
            _line(f"link type {w!r}", n, where, f'[…links] {_quoted(w)} = ["relates", "relates"]')
            for w, n in links.most_common()
        ),
        *(
            _line(
                f"field {w} {names.get(w, '')!r}",
                n,
                where,
                f'[…fields] {w} = "{_field_guess(names.get(w, ""), seen[w])}"',
            )
            for w, n in fields.most_common()
        ),
    ]
    return found or [CheckLine("ok", f"every word {where} has a mapping")]


def _line(what: str, count: int, where: str, advice: str) -> CheckLine:
    return CheckLine("warning", f"{what} has no mapping ({count} {where})", advice.replace("[…", "["))


def _quoted(word: str) -> str:
    return msgspec.json.encode(word).decode()


def _guess(word: str) -> str:
    """Propose a kind; a person decides."""
    folded = word.lower()
    for kind in ("incident", "request", "problem", "change", "complaint"):
        if kind in folded:
            return kind
    return GUESSES.get(folded, "incident")


def _field_guess(name: str, value: Any) -> str:
    """Propose a target: service desk fields by what they hold, others by a neutral field of the same name."""
    if "finalDecision" in as_dict(next(iter(as_list(value)), None)):
        return APPROVALS
    if {"completedCycles", "ongoingCycle"} & as_dict(value).keys():
        return "incident.tool_sla"
    folded = name.strip().lower().replace("-", "").replace(" ", "_")
    for kind in ("change", "incident", "problem", "known_error", "request"):
        try:
            return parse_target(f"{kind}.{folded}").full
        except UnknownTargetError:
            continue
    return "kind.field"
