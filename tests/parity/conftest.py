"""One organisation, read and judged on both engines side by side."""

from __future__ import annotations

import pytest

from hub_sandbox.command import write_workplace
from hub_sandbox.jira_server import JiraServer
from hub_sandbox.organisation import Organisation
from hub_sandbox.register_files import write_register
from tests.kill.harness import FIRST, NOW, call
from tests.parity.look import Seen, look
from tests.store_fixtures import Places


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
                for words in (("run",), ("publish", str(folder / "pages"))):
                    ended = call(folder, *words, now=now)
                    assert ended.code == 0, ended.said
                found[engine, now] = look(folder, now, (FIRST, NOW))
    return found
