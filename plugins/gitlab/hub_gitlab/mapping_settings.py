"""What an administrator writes under `[sources.<name>.mapping]`: what GitLab's words mean to the hub."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hub.records import StatusCategory

__all__ = [
    "DOCUMENT_KINDS",
    "ISSUE_KINDS",
    "ChangeRule",
    "ControlRule",
    "DocumentRule",
    "MappingSettings",
    "ReportRule",
]

ISSUE_KINDS = (
    "change",
    "complaint",
    "improvement_action",
    "incident",
    "known_error",
    "problem",
    "request",
    "risk",
    "security_incident",
)
"""Kinds an issue may become."""
DOCUMENT_KINDS = ("capacity_plan", "document", "plan")
"""Kinds a file may become."""

ProjectName = Annotated[str, Field(pattern=r"^([0-9]+|[^/\s]+(/[^/\s]+)+)$")]
JiraKey = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
Tier = Literal["production", "staging", "testing", "development", "other"]
ChangeClass = Literal["infrastructure", "software", "service_change", "new_service", "sla", "contract", "document"]
Outcome = Literal["successful", "with_issues", "backed_out", "failed", "cancelled"]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChangeRule(_Closed):
    """Which merge requests are changes."""

    which: Literal["all", "label", "target_branch", "production"] = "all"
    """`production` = only what a deployment to an environment of the tier production brought there."""
    labels: list[str] = []
    """For `label`: any of them."""
    target_branches: list[str] = []
    """For `target_branch`: any of them; a star stands for anything. Empty = the project's default branch."""

    @model_validator(mode="after")
    def _named(self) -> ChangeRule:
        if self.which == "label" and not self.labels:
            raise ValueError('which = "label" needs labels')
        return self


class DocumentRule(_Closed):
    """Files of a project that are documents under control."""

    project: ProjectName
    """Project, by id or path, as written in `projects` or found in a group."""
    paths: list[str] = Field(min_length=1)
    """Paths from the root of the repository; `*` stands for anything within a folder, `**` for any folders."""
    kind: str = "document"
    """Record kind."""
    doc_type: str | None = None
    """Type where the file's front matter names none: policy, procedure, plan …"""
    ref: str | None = None
    """Branch; None = the project's default branch."""

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind not in DOCUMENT_KINDS:
            raise ValueError(f"no kind {kind!r}; valid are {', '.join(DOCUMENT_KINDS)}")
        return kind


class ReportRule(_Closed):
    """Where planned reports are approved by merge request."""

    project: ProjectName
    """Project, by id or path, as written in `projects` or found in a group."""
    folder: str = "reports"
    """Folder of its repository: the files of a report lie in `<folder>/<report id>/r<revision>/`."""


class ControlRule(_Closed):
    """The control that protected branches and approval rules carry out; what GitLab cannot say of it is said here."""

    risk_id: str | None = None
    """Id of the risk record it treats."""
    policy_statement_ids: list[str] = []
    """Policy statements it carries out."""
    owner: str | None = None
    """Id of the person record that is answerable."""
    maintenance: str | None = None
    """How it is kept working."""


class MappingSettings(_Closed):
    """What GitLab's words mean; what stands nowhere here is kept as it came and told as unmapped."""

    changes: ChangeRule = ChangeRule()
    """Which merge requests are changes."""
    change_types: dict[str, Literal["standard", "normal", "emergency"]] = {}
    """Label of a merge request = type of change."""
    change_classes: dict[str, ChangeClass] = {}
    """Label = what is changed; without such a label it is `software`."""
    major_label: str | None = None
    """Label of a major change; None = whether one is major is not known."""
    change_type: Literal["standard", "normal", "emergency"] | None = None
    """Type of a merge request without such a label; None = not known."""
    reasons: dict[str, str] = {}
    """Label = reason of the change: fix, improvement, new_feature, compliance, or a word of your own."""
    outcomes: dict[str, Outcome] = {}
    """Label = how the change ended."""
    outcome: Outcome | None = None
    """How a merged change without such a label ended; None = not known."""
    test_jobs: list[str] = []
    """Jobs that are tests, a star stands for anything; empty = the pipeline as a whole is one, unless it reports tests."""
    issue_types: dict[str, str] = {"incident": "incident"}
    """Issue type (`incident`, `issue`, `service_desk`) or `label:<name>` = record kind; a label goes first."""
    statuses: dict[str, StatusCategory] = {}
    """Label = neutral category, where `opened` and `closed` are not enough."""
    priorities: dict[str, Literal["P1", "P2", "P3", "P4"]] = {}
    """Label, or `severity:<word>` of an incident = priority."""
    categories: dict[str, str] = {}
    """Label = category."""
    escalation_label: str | None = None
    """Label whose adding is an escalation."""
    services: dict[str, str] = {}
    """Project path, or label = id of a service record."""
    items: dict[str, str] = {}
    """Project path, or label = id of a configuration item that its changes and tickets affect."""
    accounts: dict[str, str] = {}
    """User name, numeric id or mail address = id of a person record."""
    automation_accounts: list[str] = []
    """User names and mail addresses that are no people."""
    jira: dict[str, list[JiraKey]] = {}
    """Configured Jira source = keys of its projects, looked for in branch, title, description and trailers."""
    environments: dict[str, Tier] = {}
    """Environment name = tier, where GitLab says it wrongly or not at all; a star stands for anything."""
    documents: list[DocumentRule] = []
    """Files that are documents under control."""
    reports: list[ReportRule] = []
    """Projects in which planned reports are approved by merge request."""
    control: ControlRule | None = None
    """Makes a control of each project's protected branches and approval rules; None = they are not records."""

    @field_validator("issue_types")
    @classmethod
    def _kinds(cls, kinds: dict[str, str]) -> dict[str, str]:
        for word, kind in kinds.items():
            if kind not in ISSUE_KINDS:
                near = get_close_matches(kind, ISSUE_KINDS, n=1)
                hint = f"; did you mean {near[0]}" if near else ""
                raise ValueError(f"{word!r}: no kind {kind!r}{hint}; valid are {', '.join(ISSUE_KINDS)}")
        return kinds

    @model_validator(mode="after")
    def _one_source_a_key(self) -> MappingSettings:
        seen: dict[str, str] = {}
        for source, keys in self.jira.items():
            for key in keys:
                if seen.setdefault(key, source) != source:
                    raise ValueError(f"the key {key} stands for two sources, {seen[key]} and {source}")
        return self
