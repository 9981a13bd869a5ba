"""Installs plugins of the imagination: a module and the metadata pip would write."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture
def install(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    modules: list[str] = []

    def installed(name: str, source: str, *, extras: tuple[str, ...] = (), distribution: str | None = None) -> None:
        module = f"imagined_{name}_{len(modules)}"
        modules.append(module)
        (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
        info = tmp_path / f"{distribution or module}-1.2.dist-info"
        info.mkdir()
        provided = "".join(f"Provides-Extra: {extra}\n" for extra in extras)
        head = f"Metadata-Version: 2.1\nName: {distribution or module}\nVersion: 1.2\n{provided}"
        (info / "METADATA").write_text(head, encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[hub.plugins]\n{name} = {module}\n", encoding="utf-8")

    yield installed
    for module in modules:
        sys.modules.pop(module, None)
