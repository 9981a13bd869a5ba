"""The hub's configuration for this organisation, as `hub.toml`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from hub_sandbox.people import AUTOMATION, SERVICES
from hub_sandbox.vocabulary import FIELDS, ISSUE_TYPES, LINK_TYPES, PROJECTS, STATUSES

__all__ = ["GITLAB_TOKEN", "NOT_INTRODUCED", "TOKEN", "USER", "write_configuration"]

_LATER = {
    "4.2": "ci",
    "4.3": "bef",
    "4.5": ("r1", "r2", "r3", "r4", "r6"),
    "5.1": "bcdghij",
    "5.2": "cde",
    "5.3": "c",
    "5.4": "abcefg",
    "5.5": "ce",
    "5.6": "f",
    "5.7": "beghijklmn",
    "6.1": "defghij",
    "6.2": "bdhj",
    "7.1": "befgij",
    "8.1": "fghijlmno",
    "9": "abdefgijkl",
}
"""Clauses of which some requirements are asked already -> the letters of the others."""
_LATER_RULES = {
    "OPS": (*range(1, 11), 12, *range(14, 19)),
    "SD": (1, 2, *range(6, 22)),
    "SLM": (*range(1, 5), *range(6, 10), *range(11, 21)),
    "SRM": (*range(1, 7), *range(8, 16), *range(17, 30)),
}
"""The same of the rules of the processes, by number."""
NOT_INTRODUCED = [
    *("4.4", "8.3", "CMP"),
    *(f"BS15000-{clause}-{letter}" for clause, letters in _LATER.items() for letter in letters),
    *(f"{clause}-{number:02}" for clause, numbers in _LATER_RULES.items() for number in numbers),
]
"""Clauses and requirements the organisation does not ask of itself yet."""
USER = "hub@example.com"
TOKEN = "sandbox-token-0123456789"  # noqa: S105 - opens nothing but the sandbox
GITLAB_TOKEN = "sandbox-gitlab-token-0123456789"  # noqa: S105 - the same


def write_configuration(
    folder: Path,
    *,
    url: str,
    token_file: Path,
    flavour: Literal["cloud", "data_center"] = "cloud",
    projects: tuple[str, ...] = tuple(PROJECTS),
    more: Sequence[str] = (),
    approved_sources: Sequence[str] = (),
) -> Path:
    """Write `hub.toml` with all maps of the organisation; return its path.

    `more` are lines of further sources; `approved_sources` are addresses of pipelines that may deploy.
    """
    lines = [
        "# Configuration of the simulated organisation.",
        "[organisation]",
        'name = "Example Organisation"',
        'zone = "Europe/Berlin"',
        'calendar = "5x8"',
        "judge_from = 2025-10-01",
        'manager = "register:people/alice"',
        "",
        "[store]",
        'url = "sqlite:///hub.db"',
        "",
        "[packs.bs15000]",
        *(
            [f'parameters."BS15000-8.1-k" = {{ approved_sources = {json.dumps(list(approved_sources))} }}']
            if approved_sources
            else []
        ),
        "",
        "[[packs.bs15000.profile]]",
        f"disabled = {json.dumps(NOT_INTRODUCED)}",
        'reason = "Introduced step by step: these clauses follow in 2027."',
        'set_by = "register:people/alice"',
        "set_at = 2025-09-15",
        "",
        "[sources.service-desk]",
        'plugin = "jira"',
        f"url = {_text(url)}",
        f"flavour = {_text(flavour)}",
        *([f"user = {_text(USER)}"] if flavour == "cloud" else []),
        f"token = {{ file = {_text(str(token_file))} }}",
        f"projects = {json.dumps(list(projects))}",
        f"automation_accounts = {json.dumps([AUTOMATION.account_id if flavour == 'cloud' else AUTOMATION.user_key])}",
        'escalation = { status = "Escalated" }',
        "issue_security = false",
        'sealed_projects = ["SEC"]',
        "",
        *_table("issue_types", {item.name: item.kind for item in ISSUE_TYPES.values()}),
        *_table("statuses", {item.name: item.neutral for item in STATUSES.values()}),
        *_table(
            "fields",
            {
                spec.id: spec.neutral[0] if len(spec.neutral) == 1 else list(spec.neutral)
                for spec in FIELDS.values()
                if spec.neutral
            },
        ),
        *_table("services", {service.name: f"register:services/{service.id}" for service in SERVICES}),
        *_table("links", {item.name: list(item.relations) for item in LINK_TYPES.values()}),
        "[sources.register]",
        'plugin = "register"',
        'folder = "register"',
        "",
        *more,
        "[channels.outbox]",
        'plugin = "file"',
        'folder = "out"',
        "",
        "[reports.conformance]",
        'to = ["register:people/alice"]',
        'channels = ["outbox"]',
        "",
    ]
    path = folder / "hub.toml"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _table(name: str, rows: dict[str, str] | dict[str, list[str]] | dict[str, str | list[str]]) -> list[str]:
    return [
        f"[sources.service-desk.{name}]",
        *(f"{_text(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in rows.items()),
        "",
    ]
