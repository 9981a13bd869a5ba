"""Plugins of the imagination, so that these tests depend on no real one."""

from __future__ import annotations

import os
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from hub import ChannelSettings, ChannelType, SourceSettings, SourceType, hookimpl
from hub.conformance.pack import CatalogueEntry, Pack
from hub.registry import GROUP, Registry

ENTRY = CatalogueEntry("BS15000-8.2-c", "8.2", "", "", "major", None, "", {"min_approvers": 1})
PACK = Pack("bs15000", "1", {"8.2": "Changes"}, (ENTRY,), {ENTRY.id: lambda _id, _parameters: []})


class Limits(BaseModel):
    model_config = ConfigDict(extra="forbid")

    per_minute: int = 60
    key: SecretStr | None = None


class ToolSettings(SourceSettings):
    url: str
    flavour: Literal["cloud", "data_center"] = "cloud"
    token: SecretStr | None = None
    projects: list[str] = Field(default_factory=list)
    statuses: dict[str, Literal["new", "closed"]] = Field(default_factory=dict)
    limits: Limits = Limits()
    others: dict[str, SecretStr] = Field(default_factory=dict)

    @field_validator("token")
    @classmethod
    def _talkative(cls, value: SecretStr | None) -> SecretStr | None:
        if value and value.get_secret_value().startswith("bad"):
            raise ValueError(f"should not begin with bad: {value.get_secret_value()}")
        return value


class SmtpSettings(ChannelSettings):
    host: str


class FileSettings(ChannelSettings):
    folder: Path


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    for name in [name for name in os.environ if name.startswith("HUB_")]:
        monkeypatch.delenv(name)

    tool = ModuleType("imagined_tool")
    tool.hub_register_sources = lambda register: register(SourceType("tool", ToolSettings, lambda *_: None))
    email = ModuleType("imagined_email")

    def channels(register):
        register(ChannelType("smtp", SmtpSettings, lambda *_: None))
        register(ChannelType("file", FileSettings, lambda *_: None))

    email.hub_register_channels = channels
    pack = ModuleType("imagined_pack")
    pack.hub_register_requirements = lambda register: register(PACK)
    hostile = tmp_path_factory.mktemp("hostile")
    (hostile / "imagined_broken_plugin.py").write_text('raise RuntimeError("no licence found")')
    monkeypatch.syspath_prepend(hostile)
    points = [
        EntryPoint("broken", "imagined_broken_plugin", GROUP),
        EntryPoint("lame", "imagined_library_that_is_missing", GROUP),
    ]
    for name, module in {"tool": tool, "email": email, "bs15000": pack}.items():
        for attribute, value in list(vars(module).items()):
            if attribute.startswith("hub_"):
                setattr(module, attribute, hookimpl(value))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        points.append(EntryPoint(name, module.__name__, GROUP))
    return Registry(points)
