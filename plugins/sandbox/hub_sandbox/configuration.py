"""The hub's configuration for this organisation, as `hub.toml`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from hub_sandbox.people import AUTOMATION, SERVICES
from hub_sandbox.vocabulary import FIELDS, ISSUE_TYPES, LINK_TYPES, PROJECTS, STATUSES

__all__ = ["NOT_INTRODUCED", "TOKEN", "USER", "write_configuration"]

NOT_INTRODUCED = [
    *("4.1", "4.2", "4.3", "4.4", "4.6", "5.1", "5.2", "5.3", "5.4", "5.5", "5.6", "5.7", "6.1", "6.2", "7.1"),
    *("8.1", "8.3", "9", "CMP", "OPS", "SD", "SLM", "SRM"),
    *(f"BS15000-4.5-{letter}" for letter in ("a", "b", "c", "d", "e", "f", "g", "r1", "r2", "r3", "r4", "r6")),
]
"""Clauses and requirements the organisation does not ask of itself yet."""
USER = "hub@example.com"
TOKEN = "sandbox-token-0123456789"  # noqa: S105 - opens nothing but the sandbox


def write_configuration(
    folder: Path,
    *,
    url: str,
    token_file: Path,
    flavour: Literal["cloud", "data_center"] = "cloud",
    projects: tuple[str, ...] = tuple(PROJECTS),
) -> Path:
    """Write `hub.toml` with all maps of the organisation; return its path."""
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
