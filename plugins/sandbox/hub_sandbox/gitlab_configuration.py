"""The part of `hub.toml` that is about GitLab: a paid group and free ones are two sources, because a tier is of a group."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from hub_sandbox.gitlab_person import user_id
from hub_sandbox.gitlab_story import HANDBOOK, PAYROLL, PROJECT_SERVICES, WEB_SHOP
from hub_sandbox.people import Person

__all__ = ["GITLAB_SOURCES", "gitlab_accounts", "gitlab_lines"]


class _Source(NamedTuple):
    tier: str
    projects: tuple[int, ...]


_SOURCES = {"gitlab": _Source("premium", (WEB_SHOP,)), "gitlab-free": _Source("free", (PAYROLL, HANDBOOK))}
GITLAB_SOURCES = tuple(_SOURCES)
"""Names of the sources in `hub.toml`."""
_CHANGE_LABELS = {"change::normal": "normal", "change::standard": "standard"}


def gitlab_accounts(person: Person) -> list[str]:
    """Return the ids of a person's accounts and of the address in commits, for the people register."""
    return [
        account
        for source in GITLAB_SOURCES
        for account in (f"{source}:user/{user_id(person.id)}", f"{source}:author/{person.email}")
    ]


def gitlab_lines(url: str, token_file: Path, *, tickets: str, projects: dict[int, str], keys: list[str]) -> list[str]:
    """Write the sources; `projects` = id -> path, `keys` = keys of the Jira projects of the source `tickets`."""
    lines: list[str] = []
    for name, (tier, numbers) in _SOURCES.items():
        services = {
            projects[number]: f"register:services/{PROJECT_SERVICES[number]}"
            for number in numbers
            if number in PROJECT_SERVICES
        }
        lines += [
            f"[sources.{name}]",
            'plugin = "gitlab"',
            f"url = {json.dumps(url)}",
            f"token = {{ file = {json.dumps(str(token_file))} }}",
            f"tier = {json.dumps(tier)}",
            f"projects = {json.dumps([projects[number] for number in numbers])}",
            "",
            f"[sources.{name}.mapping]",
            f'changes = {{ which = "label", labels = {json.dumps(list(_CHANGE_LABELS))} }}',
            f"change_types = {_inline(_CHANGE_LABELS)}",
            f"services = {_inline(services)}",
            f"jira = {_inline({tickets: keys})}",
            'outcome = "successful"',
            *(_document_lines(projects[HANDBOOK]) if HANDBOOK in numbers else []),
            "",
        ]
    return lines


def _document_lines(project: str) -> list[str]:
    rules = [
        {"project": project, "paths": [f"{folder}/*.md"], "doc_type": kind}
        for folder, kind in (("policies", "policy"), ("procedures", "procedure"))
    ]
    return [f"documents = [{', '.join(_inline(rule) for rule in rules)}]"]


def _inline(table: dict[str, Any]) -> str:
    pairs = (f"{json.dumps(key)} = {json.dumps(value)}" for key, value in table.items())
    return f"{{ {', '.join(pairs)} }}" if table else "{}"
