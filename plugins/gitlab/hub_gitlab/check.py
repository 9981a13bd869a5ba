"""`hub check` for a GitLab source: who we are, how long, and which scope or role is missing for which record."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from hub.errors import AuthenticationFailed, ScopeUnreadable, SourceError
from hub.sync.source import CheckLine
from hub_gitlab.part import Parts, read_raw
from hub_gitlab.project import find_places, streams_of
from hub_gitlab.repository import Repository, rules_of
from hub_gitlab.wire import Approvals, Head, Numbered, Pipeline, Token, Version, WithPipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hub.sync.source import SourceContext
    from hub_gitlab.client import GitlabClient
    from hub_gitlab.project import Place
    from hub_gitlab.settings import GitlabSettings, Stream
    from hub_gitlab.vocabulary import Vocabulary
    from hub_gitlab.wire import Project

__all__ = ["check", "passing_trouble"]

OLDEST = (15, 11)
LARGEST_SKEW_MS = 5 * 60 * 1000
WARN_DAYS = 30
SUFFICIENT = frozenset({"api", "read_api"})
ROLES: dict[Stream, str] = {
    "issue": "Planner or Reporter",
    "merge_request": "Reporter",
    "deployment": "Reporter",
    "environment": "Reporter",
    "release": "Reporter",
    "protection": "Maintainer",
    "document": "Reporter",
}
"""Least role that sees a stream whole in a private project, by GitLab's table of permissions."""
WORDS: dict[Stream, str] = {
    "issue": "issues",
    "merge_request": "merge requests",
    "deployment": "deployments",
    "environment": "environments",
    "release": "releases",
    "protection": "protected branches",
    "document": "files of the repository",
}
PARTS = {
    "approval_events": ("notes", "the instants of approvals", "Reporter"),
    "versions": ("versions", "revisions of changes", "Reporter"),
    "commits": ("commits", "authors and committers of changes", "Reporter"),
    "closes": ("closes_issues", "what changes close", "Reporter"),
    "state_events": ("resource_state_events", "when states changed", "Reporter"),
    "label_events": ("resource_label_events", "when labels changed", "Reporter"),
}
"""Part of a merge request -> end of its address, what is told by it, role."""


def check(
    client: GitlabClient, settings: GitlabSettings, vocabulary: Vocabulary, context: SourceContext
) -> list[CheckLine]:
    """Try everything once; a fault ends its own lines only. Nothing is concluded from answers to a wrong token."""
    try:
        me = client.whoami()
    except SourceError as fault:
        return [CheckLine("error", str(fault), "check url and token of this source")]
    lines = [CheckLine("ok", f"{settings.url}: signed in as {me.username}")]
    lines += _clock(client) + _version(client) + _token(client, settings, context)
    try:
        places = find_places(client, settings)
    except AuthenticationFailed as fault:
        return [*lines, CheckLine("error", str(fault), "make a token with the scope read_api")]
    for place in places:
        lines += _place(client, settings, vocabulary, place, admin=me.is_admin)
    lines += _rules_without_project(settings, places)
    return lines


def passing_trouble(client: GitlabClient, settings: GitlabSettings, context: SourceContext) -> list[str]:
    """Say what does not stop a reading today but soon will: skewed clocks, a token that ends."""
    lines = _clock(client) + _token(client, settings, context)
    return [f"{line.text}; {line.advice}" for line in lines if line.level != "ok"]


def _clock(client: GitlabClient) -> list[CheckLine]:
    skew = client.clock_skew_ms
    if skew is None or abs(skew) <= LARGEST_SKEW_MS:
        return []
    side = "ahead of" if skew > 0 else "behind"
    text = f"GitLab's clock is {abs(skew) // 60_000} minutes {side} this machine's"
    return [CheckLine("warning", text, "set both clocks by NTP; instants of the two cannot be compared")]


def _version(client: GitlabClient) -> list[CheckLine]:
    try:
        told = client.get("/version", Version).version
        number = tuple(int(each) for each in told.split("-")[0].split(".")[:2])
    except (SourceError, ValueError):
        return [CheckLine("warning", "GitLab does not tell its version", "15.11 or newer is needed")]
    if number < OLDEST:
        return [CheckLine("error", f"GitLab {told} is older than 15.11", "upgrade GitLab")]
    return [CheckLine("ok", f"GitLab {told}")]


def _token(client: GitlabClient, settings: GitlabSettings, context: SourceContext) -> list[CheckLine]:
    """Ask the token what it may and until when; a word in the configuration stands where GitLab does not tell."""
    told: Token | None = None
    with suppress(SourceError):
        told = client.get("/personal_access_tokens/self", Token)
    lines = []
    if told is not None and told.scopes and not SUFFICIENT & set(told.scopes):
        missing = f"the token has the scopes {', '.join(told.scopes)}; without read_api no project can be read at all"
        lines.append(CheckLine("error", missing, "make a token with the scope read_api"))
    if told is not None and (told.revoked or told.active is False):
        lines.append(CheckLine("error", "the token is revoked or no longer active", "make a new token"))
    ends = _day(told.expires_at if told is not None else None) or settings.token_expires
    if ends is None:
        advice = "token_expires = 2027-01-31   # the day shown where the token was made"
        never = "GitLab names no day on which the token ends"
        return [*lines, CheckLine("ok", never, "" if told is not None else advice)]
    left = (ends - datetime.fromtimestamp(context.clock.now_ms() / 1000, tz=UTC).date()).days
    renew = "make a new token and replace the secret file"
    if left < 0:
        lines.append(CheckLine("error", f"the token ended on {ends}", renew))
    elif left <= 1:
        lines.append(CheckLine("error", f"the token ends on {ends}, {'tomorrow' if left else 'today'}", renew))
    elif left <= WARN_DAYS:
        soon = "this week" if left <= 7 else "in time"  # noqa: PLR2004 - days
        lines.append(CheckLine("warning", f"the token ends on {ends}, in {left} days", f"make a new token {soon}"))
    else:
        lines.append(CheckLine("ok", f"the token is good until {ends}"))
    return lines


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None


def _place(
    client: GitlabClient, settings: GitlabSettings, vocabulary: Vocabulary, place: Place, *, admin: bool
) -> list[CheckLine]:
    if place.project is None:
        advice = f"make this account a member of {place.name}, or take it out"
        return [CheckLine("error", place.closed or f"{place.name}: {place.unsure}", advice)]
    name, project = place.name, place.project
    lines: list[CheckLine] = []
    readable = []
    for stream, reason in streams_of(place, settings, admin=admin):
        kinds = ", ".join(sorted(vocabulary.kinds(stream))) or stream
        advice = f"give the account the role {ROLES[stream]} in {name}, or take {stream} out of streams"
        try:
            if reason is not None:
                raise ScopeUnreadable(reason)
            latest = _latest(client, settings, stream, project)
            readable.append(WORDS[stream])
        except SourceError as fault:
            lines.append(CheckLine("error", f"{name}: {WORDS[stream]} cannot be read ({kinds}): {fault}", advice))
            continue
        for what, role, why in _closed_parts(client, settings, stream, project, latest):
            text = f"{name}: {what} cannot be read and stay unknown: {why}"
            lines.append(CheckLine("warning", text, f"give the account the role {role} in {name}"))
    seen = f"{name} (id {project.id}): {', '.join(readable) or 'nothing'} can be read"
    return [CheckLine("ok" if readable else "error", seen), *lines]


def _latest(client: GitlabClient, settings: GitlabSettings, stream: Stream, project: Project) -> msgspec.Raw | None:
    """Read what was changed last in a stream; None = there is nothing."""
    place = f"/projects/{project.id}"
    if stream == "protection":
        client.pages(f"{place}/protected_branches")
        return None
    if stream == "document":
        parts = Parts(client, settings, project.id, b"{}")
        repository = Repository(client, project, b"{}", parts, settings.at_once)
        repository.papers(rules_of(settings.mapping.documents, project))
        return None
    asked: dict[str, Any] = {"per_page": 1}
    if stream in {"issue", "merge_request"}:
        asked["scope"] = "all"
    if stream in {"issue", "merge_request", "deployment"}:
        asked |= {"order_by": "updated_at", "sort": "desc"}
    found = client.page(f"{place}/{stream}s", asked).objects
    return found[0] if found else None


def _closed_parts(
    client: GitlabClient, settings: GitlabSettings, stream: Stream, project: Project, latest: msgspec.Raw | None
) -> Iterator[tuple[str, str, SourceError]]:
    """Try the parts of the latest object; yield (what stays unknown, role it needs, why)."""
    place = f"/projects/{project.id}"
    tries: list[tuple[str, str, Callable[[], object]]] = []
    if stream == "merge_request" and latest is not None:
        tries = _of_merge_request(client, settings, place, read_raw(latest, Head).iid)
    elif stream == "deployment" and latest is not None:
        one = f"{place}/deployments/{read_raw(latest, Numbered).id}"
        if "merge_requests" in settings.parts:
            tries.append(("the changes a deployment brought", "Reporter", _list(client, f"{one}/merge_requests")))
        if settings.premium:
            tries.append(("approvals of deployments", "Reporter", lambda: client.get(one, Numbered)))
    elif stream == "release" and latest is not None:
        tries.append(("tags of releases", "Reporter", _list(client, f"{place}/repository/tags")))
    elif stream == "protection" and settings.premium:
        rules = 'approval rules (is tier = "premium" true here?)'
        tries.append((rules, "Maintainer", _list(client, f"{place}/approval_rules")))
        tries.append(("protected environments", "Maintainer", _list(client, f"{place}/protected_environments")))
    for what, role, ask in tries:
        try:
            ask()
        except SourceError as fault:
            yield what, role, fault


def _of_merge_request(
    client: GitlabClient, settings: GitlabSettings, place: str, iid: int
) -> list[tuple[str, str, Callable[[], object]]]:
    one = f"{place}/merge_requests/{iid}"
    tries: list[tuple[str, str, Callable[[], object]]] = [
        (what, role, _list(client, f"{one}/{last}"))
        for part, (last, what, role) in PARTS.items()
        if part in settings.parts
    ]
    if "approvals" in settings.parts:
        tries.append(("approvals of changes", "Reporter", lambda: client.get(f"{one}/approvals", Approvals)))
    if "pipeline" in settings.parts:
        what = "tests of changes (pipelines, jobs, test reports)"
        tries.append((what, "Reporter", lambda: _tests(client, one, place)))
    return tries


def _list(client: GitlabClient, path: str) -> Callable[[], object]:
    return lambda: client.page(path, {"per_page": 1})


def _tests(client: GitlabClient, one: str, place: str) -> None:
    head = client.get(one, WithPipeline).head_pipeline
    if bytes(head) != b"null":
        pipeline: Pipeline = read_raw(head, Pipeline)
        client.page(f"{place}/pipelines/{pipeline.id}/jobs", {"per_page": 1})
        client.get(f"{place}/pipelines/{pipeline.id}/test_report_summary", dict[str, msgspec.Raw])


def _rules_without_project(settings: GitlabSettings, places: list[Place]) -> list[CheckLine]:
    found = [place.project for place in places if place.project is not None]
    return [
        CheckLine(
            "warning",
            f"documents of {rule.project}: this source does not read that project",
            "write its id, or its path as it is now, and name it in projects or its group in groups",
        )
        for rule in settings.mapping.documents
        if not any(rules_of([rule], project) for project in found)
    ]
