"""The handbook: policies and procedures kept as files, put in force by merging them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import yaml

from hub_sandbox.gitlab_content import GitlabContent
from hub_sandbox.office_hours import HOUR_MS, MINUTE_MS, OfficeHours

__all__ = ["write_handbook"]

_REVIEW_DAYS = 365


class _Plain(yaml.SafeDumper):
    """Writes every value out, as people do."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - asked for each value
        return True


@dataclass(frozen=True, slots=True)
class _Text:
    path: str
    title: str
    author: str
    text: str


_TEXTS = (
    _Text("policies/release-policy.md", "Release policy", "ilse", "Releases are made every month; what is deployed was approved before."),
    _Text("policies/branch-policy.md", "Branch policy", "carla", "Nobody approves their own work; the main branch is protected."),
    _Text("procedures/deployment-procedure.md", "Deployment procedure", "karl", "A deployment names the change it carries out."),
)  # fmt: skip
_EDITIONS = ((date(2025, 9, 3), "1.0"), (date(2026, 8, 5), "1.1"))


def write_handbook(content: GitlabContent, number: int) -> None:
    """Let every text be written, approved by top management and merged, and once be revised."""
    hours, project = OfficeHours(), content.projects[number]
    for day, version in _EDITIONS:
        for order, text in enumerate(_TEXTS):
            at = hours.local(day, 9) + order * HOUR_MS
            branch = f"{text.path[:-3].replace('/', '-')}-{version}"
            request = content.open(number, text.author, at, title=f"{text.title} {version}", branch=branch)
            pushed = content.push(request, text.author, at - MINUTE_MS)
            request.pushes[-1] = replace(pushed, files=((text.path, _write(text, version, day)),))
            content.approve(request, "alice", at + 20 * MINUTE_MS)
            content.merge(request, text.author, at + 40 * MINUTE_MS)
            project.commits[-1] = replace(project.commits[-1], at=at + 40 * MINUTE_MS)


def _write(text: _Text, version: str, day: date) -> str:
    """Write a file: what is known of it stands at its head, who put it in force says the merge request."""
    head = {
        "title": text.title,
        "version": version,
        "doc_status": "effective",
        "effective_from": day + timedelta(days=1),
        "last_review_at": day,
        "review_days": _REVIEW_DAYS,
        "owner": "register:people/alice",
        "reachable_at": day,
        "legibility": {"by": "register:people/alice", "at": day},
        "points_of_use": [{"site": "Berlin", "available_at": day}],
    }
    return f"---\n{yaml.dump(head, Dumper=_Plain, sort_keys=False)}---\n\n# {text.title}\n\n{text.text}\n"
