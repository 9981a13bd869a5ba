"""A moved store goes on as if it had never been moved: the same verdicts, findings and report bytes, there and back."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from hub.clock import parse_instant
from hub_sandbox.command import write_workplace
from hub_sandbox.jira_server import JiraServer
from hub_sandbox.organisation import Organisation
from hub_sandbox.register_files import write_register
from tests.kill.harness import FIRST, NOW, call
from tests.parity.look import Seen, look
from tests.postgresql import PASSWORD
from tests.store_fixtures import Places

pytestmark = [pytest.mark.peer, pytest.mark.slow]
THEN = parse_instant("2026-12-02T08:00:00Z")
AGAIN = 60_000
"""How much later a report is made anew, from what is there, for nothing but the move lies between."""
STAGES = ("moved", "made anew", "next month", "moved back", "made anew there", "the month after")


class Journey:
    """One workplace that stays on SQLite, one moved to PostgreSQL, and one moved from there back to SQLite."""

    def __init__(self, folder: Path, server: JiraServer, elsewhere: Places) -> None:
        self.folder, self.server = folder, server
        self.stayed, self.moved, self.back = (folder / name for name in ("stayed", "moved", "back"))
        self.seen: dict[tuple[str, str], Seen] = {}
        write_workplace(self.stayed, server.api.organisation, server, FIRST)
        self.at(FIRST, "begin", self.stayed)
        self.follow(self.stayed, self.moved)
        self.move(self.stayed, _url(elsewhere.settle(self.moved / "hub.toml")))
        self.see("moved", FIRST)
        self.anew("made anew", FIRST + AGAIN)
        self.at(NOW, "next month", self.stayed, self.moved)
        self.follow(self.moved, self.back)
        shutil.copyfile(self.stayed / "hub.toml", self.back / "hub.toml")
        self.move(self.moved, f"sqlite:///{self.back / 'hub.db'}")
        self.see("moved back", NOW)
        self.anew("made anew there", NOW + AGAIN)
        self.at(THEN, "the month after", self.stayed, self.moved, self.back)

    def follow(self, source: Path, target: Path) -> None:
        """Copy what stands beside a store, and no store."""
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("hub.db*"))

    def move(self, folder: Path, url: str) -> None:
        ended = call(folder, "db", "move", url, environment=(("PGPASSWORD", PASSWORD),))
        assert ended.code == 0, ended.said

    def at(self, now: int, stage: str, *folders: Path) -> None:
        """Read, derive and report what changed up to `now`."""
        self.server.set_clock(now)
        for folder in folders:
            write_register(folder / "register", self.server.api.organisation, as_of=now)
            self.run(folder, "run", now=now)
        self.see(stage, now)

    def anew(self, stage: str, now: int) -> None:
        for folder in self.here():
            self.run(folder, "report", "conformance", "--revision", "2", "--note", "moved", now=now)
        self.see(stage, now)

    def run(self, folder: Path, *words: str, now: int) -> None:
        ended = call(folder, *words, now=now)
        assert ended.code == 0, ended.said

    def see(self, stage: str, now: int) -> None:
        nows = (FIRST, FIRST + AGAIN, NOW, NOW + AGAIN, THEN)
        self.seen |= {(folder.name, stage): look(folder, now, nows) for folder in self.here()}

    def here(self) -> list[Path]:
        return [folder for folder in (self.stayed, self.moved, self.back) if folder.exists()]


def _url(config: Path) -> str:
    return str(tomllib.loads(config.read_text(encoding="utf-8"))["store"]["url"])


def test_nothing_tells_that_a_store_was_moved_there_and_back(postgres, tmp_path):
    """One test: workers that share the rest would each make the journey."""
    with JiraServer(Organisation(7, scale=0.02), "cloud", clock_ms=FIRST) as server:
        seen = Journey(tmp_path, server, Places(postgres)).seen
    something_to_compare(seen)
    for stage in STAGES:
        stayed = seen["stayed", stage]
        others = [name for name, at in seen if at == stage and name != "stayed"]
        assert others == (["moved", "back"] if STAGES.index(stage) >= STAGES.index("moved back") else ["moved"])
        for name in others:
            other = seen[name, stage]
            assert other.picture.keys() == stayed.picture.keys()
            assert [table for table in stayed.picture if stayed.picture[table] != other.picture[table]] == [], stage
            assert other.models == stayed.models, stage
            assert other.files == stayed.files, stage


def something_to_compare(seen: dict[tuple[str, str], Seen]) -> None:
    stages = ["begin", *STAGES]
    told = [seen["stayed", stage] for stage in stages]
    assert sum(told[0].picture["verdicts at None"].values()) > 200
    assert sum(told[0].picture["finding"].values()) > 5
    assert {name.rsplit(".", 1)[1] for name in told[0].files} >= {"eml", "html"}
    issued = [len(one.models) for one in told]
    assert issued == [issued[0], issued[0], *(issued[0] + more for more in (1, 2, 2, 3, 4))]
    for before, after in ((0, 3), (3, 6)):
        assert told[before].picture["incident"] != told[after].picture["incident"]
        assert told[before].picture["verdicts at None"] != told[after].picture["verdicts at None"]
