"""A register in a folder, and the source that reads it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from hub.clock import FixedClock, parse_instant
from hub.sync.source import SourceContext
from hub_register.settings import RegisterSettings
from hub_register.source import RegisterSource

HEAD = "declared_by: people/alice\ndeclared_at: 2026-01-05\nproof: paper\nrows:\n"
ALICE = HEAD + "- id: alice\n  name: Alice\n"


class Register:
    """Writes files and reads them as the hub does."""

    def __init__(self, base_dir: Path) -> None:
        self.base_dir = base_dir
        self.folder = base_dir / "register"
        self.folder.mkdir()
        self.zone = "Europe/Berlin"
        self.write("people", ALICE)

    def write(self, stem, text, *, head=False):
        content = (HEAD if head else "") + dedent(text)
        (self.folder / f"{stem}.yaml").write_text(content, encoding="utf-8")
        return self

    def source(self, **settings):
        context = SourceContext(
            name="register",
            base_dir=self.base_dir,
            zone=self.zone,
            clock=FixedClock(parse_instant("2026-11-03T08:00:00Z")),
            call=lambda request: request(),
        )
        return RegisterSource(RegisterSettings(plugin="register", folder=Path("register"), **settings), context)

    def faults(self):
        return [str(fault).removeprefix("register/") for fault in self.source().faults()]

    def page(self, stem):
        source = self.source()
        [part] = [part for part in source.slices() if part.stream == stem]
        [page] = source.fetch(part, None)
        return page

    def records(self, stem):
        source = self.source()
        given = [source.normalise(document) for document in self.page(stem).documents]
        return [record for one in given for record in one.records]

    def record(self, stem, text):
        [record] = self.write(stem, text, head=True).records(stem)
        return record


@pytest.fixture
def register(tmp_path):
    return Register(tmp_path)
