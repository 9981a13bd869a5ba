"""What an administrator writes under `[sources.<name>]` for a GitLab source."""

# ruff: noqa: RUF012 - pydantic copies an empty default for each model

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from hub.sync.setting import TimeoutS, Token, ToolUrl
from hub.sync.source_type import SourceSettings
from hub_gitlab.mapping_settings import MappingSettings

__all__ = ["DEFAULT_PARTS", "STREAMS", "GitlabSettings", "Part", "Stream"]

Stream = Literal["issue", "merge_request", "deployment", "environment", "release", "protection", "document"]
STREAMS: tuple[Stream, ...] = (
    "issue",
    "merge_request",
    "deployment",
    "environment",
    "release",
    "protection",
    "document",
)
"""What can be read of a project."""
Part = Literal[
    "approvals",
    "approval_events",
    "versions",
    "commits",
    "pipeline",
    "closes",
    "state_events",
    "label_events",
    "notes",
    "merge_requests",
]
"""What is asked for beside the list, once for every object that changed."""
DEFAULT_PARTS: tuple[Part, ...] = (
    "approvals",
    "approval_events",
    "versions",
    "commits",
    "pipeline",
    "closes",
    "state_events",
    "label_events",
    "merge_requests",
)
"""What is asked for where nothing else is written."""
ProjectName = Annotated[str, Field(pattern=r"^([0-9]+|[^/\s]+(/[^/\s]+)+)$")]
GroupName = Annotated[str, Field(pattern=r"^([0-9]+|[^/\s]+(/[^/\s]+)*)$")]


class GitlabSettings(SourceSettings):
    """Connection, scope and vocabulary of one GitLab."""

    model_config = ConfigDict(hide_input_in_errors=True)

    url: ToolUrl = "https://gitlab.com"
    """Base address, with a path where GitLab has one."""
    token: Token
    """Personal, group or project access token with the scope `read_api`."""
    token_expires: date | None = None
    """Day the token ends, where GitLab does not tell: `hub check` warns 30, 7 and 1 days ahead."""
    tier: Literal["free", "premium", "ultimate"] = "free"
    """What is paid for: approval rules and approvals of deployments are asked for from `premium` on."""
    projects: list[ProjectName] = []
    """Projects to read, by id or path; a project that moved is followed."""
    groups: list[GroupName] = []
    """Groups whose projects are read, those of their subgroups included, by id or path."""
    archived: bool = False
    """True = archived projects of the groups are read too."""
    streams: list[Stream] = Field(default=list(STREAMS), min_length=1)
    """What is read of each project; `document` only where `mapping.documents` names the project."""
    parts: list[Part] = list(DEFAULT_PARTS)
    """What is asked for beside the lists, a request each for every object that changed. `notes` = comments."""
    since: date | None = None
    """Issues, merge requests and deployments that were last changed before this day are not read; None = all are."""
    mapping: MappingSettings = MappingSettings()
    """What GitLab's words mean."""
    page_size: int = Field(default=100, ge=2, le=100)
    """Objects a page."""
    at_once: int = Field(default=8, ge=1, le=32)
    """Requests for parts that are under way at the same time, in each stream that is being read."""
    overlap_minutes: int = Field(default=5, ge=0, le=1440)
    """Each run reads again this much before the last change it saw."""
    timeout_s: TimeoutS = 60
    """Longest silence within a request; a whole answer may take five times as long."""

    @field_validator("url")
    @classmethod
    def _root(cls, url: str) -> str:
        return url.removesuffix("/api/v4")

    @model_validator(mode="after")
    def _somewhere(self) -> GitlabSettings:
        if not self.projects and not self.groups:
            raise ValueError("neither projects nor groups; name what is to be read")
        return self

    @property
    def premium(self) -> bool:
        """What only paid tiers have may be asked for."""
        return self.tier != "free"
