"""One organisation, read and judged on both engines side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from hub_sandbox.command import write_workplace
from hub_sandbox.jira_server import JiraServer
from hub_sandbox.organisation import Organisation
from hub_sandbox.register_files import write_register
from tests.kill.harness import FIRST, NOW, call
from tests.kill.picture import Picture, take_picture
from tests.store_fixtures import Places


@dataclass(frozen=True)
class Seen:
    """What one engine has after a run."""

    picture: Picture
    """Every table, and every verdict at several instants."""
    files: dict[str, bytes]
    """The reports as they went out."""
    models: dict[str, bytes]
    """The reports as data."""


@pytest.fixture(scope="module")
def seen(postgres, tmp_path_factory) -> dict[tuple[str, int], Seen]:
    """(engine, instant of the run) -> what is there; the second run reads what changed in a month."""
    organisation = Organisation(7, scale=0.05)
    found = {}
    with JiraServer(organisation, "cloud", clock_ms=FIRST) as server:
        for engine, places in (("sqlite", Places(None)), ("postgresql", Places(postgres))):
            folder = tmp_path_factory.mktemp(engine)
            for now in (FIRST, NOW):
                server.set_clock(now)
                if now == FIRST:
                    places.settle(write_workplace(folder, organisation, server, now))
                write_register(folder / "register", organisation, as_of=now)
                ended = call(folder, "run", now=now)
                assert ended.code == 0, ended.said
                found[engine, now] = _look(folder, now)
    return found


def _look(folder: Path, now: int) -> Seen:
    picture = take_picture(folder, now, (FIRST, NOW))
    files = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    return Seen(picture, files, _models(folder))


def _models(folder: Path) -> dict[str, bytes]:
    from hub.cli.session import Session
    from hub.store.outbox import list_reports

    with Session(folder / "hub.toml") as session, session.store.connect() as conn:
        return {f"{one.report_id} {one.revision}": one.model for one in list_reports(conn)}
