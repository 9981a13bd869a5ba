"""The hub's configuration for this organisation, as `hub.toml`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from hub_sandbox.people import AUTOMATION, SERVICES
from hub_sandbox.vocabulary import FIELDS, ISSUE_TYPES, LINK_TYPES, PROJECTS, STATUSES

__all__ = ["GITLAB_TOKEN", "NOT_INTRODUCED", "TOKEN", "USER", "write_configuration"]

NOT_INTRODUCED = {
    "No mailbox is read: who was told what, and who answered, cannot be shown.": (
        *("BS15000-4.4-j", "BS15000-6.1-d", "SLM-12", "SRM-08", "SRM-20", "SRM-23", "CMP-03", "OPS-06"),
    ),
    "The tickets of Jira have no field for it: cause of a breach, promise, resolution, severity.": (
        *("BS15000-5.1-h", "BS15000-5.7-h", "SD-08", "SD-20", "SD-21", "CMP-09"),
        *(f"BS15000-7.1-{letter}" for letter in "gij"),
    ),
    "The simulated desk does not work so yet: it hands nothing up, tells nothing in between, and lets tickets wait unassigned.": (
        *("BS15000-7.1-e", "BS15000-7.1-f", "SD-06", "SD-07"),
    ),
    "A ticket or action in the project that nobody may read could change the answer.": (
        *("BS15000-8.3-k", "SD-09", "SLM-15", "SRM-15", "SRM-27", "CMP-04", "CMP-07"),
    ),
    "The hub looks itself, from its first run on: two runs are too few.": (
        *("BS15000-4.5-r1", "BS15000-4.5-r3", "BS15000-4.5-r4", "SLM-03"),
    ),
    "Asks once more for the approvals that 8.2-c asks for.": ("BS15000-4.5-r2",),
    "GitLab tells neither delivery dates nor digests nor checks of what is released, and no source the history of items.": (
        *(f"BS15000-9-{letter}" for letter in "abfi"),
        *("BS15000-8.1-i", "BS15000-8.1-l"),
    ),
    "Nothing of the kind is on record: no item changed, no service new, no deployment tied to sites or incidents.": (
        *(f"BS15000-9-{letter}" for letter in "dgjkl"),
        *("BS15000-6.2-b", "BS15000-8.1-g", "BS15000-8.1-j"),
        *("OPS-03", "SLM-11"),
    ),
}
"""Why -> requirements the organisation does not ask of itself."""
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
        'parameters."SD-14" = { day_seats = 5 }',
        'parameters."CMP-06" = { hours = 96 }',
        *(
            [f'parameters."BS15000-8.1-k" = {{ approved_sources = {json.dumps(list(approved_sources))} }}']
            if approved_sources
            else []
        ),
        "",
        *(
            line
            for reason, requirements in NOT_INTRODUCED.items()
            for line in (
                "[[packs.bs15000.profile]]",
                f"disabled = {json.dumps(requirements)}",
                f"reason = {_text(reason)}",
                'set_by = "register:people/alice"',
                "set_at = 2025-09-15",
                "",
            )
        ),
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
