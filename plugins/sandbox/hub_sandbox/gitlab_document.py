"""The handbook: policies and procedures kept as files, put in force by merging them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from hub_sandbox.gitlab_content import GitlabContent
from hub_sandbox.office_hours import HOUR_MS, MINUTE_MS, OfficeHours

__all__ = ["write_handbook"]

_REVIEW_DAYS = 365


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
    return (
        f'---\ntitle: {text.title}\nversion: "{version}"\nstatus: effective\neffective_from: {day + timedelta(days=1)}\n'
        f"review_at: {day + timedelta(days=_REVIEW_DAYS)}\nowner: {text.author}@example.com\n---\n\n# {text.title}\n\n{text.text}\n"
    )
