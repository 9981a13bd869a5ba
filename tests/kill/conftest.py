"""One small organisation's Jira for all that is killed."""

from __future__ import annotations

import pytest

from hub_sandbox.jira_server import JiraServer
from hub_sandbox.organisation import Organisation
from tests.kill.harness import NOW, Workshop


@pytest.fixture(scope="session")
def workshop(tmp_path_factory, places):
    with JiraServer(Organisation(7, scale=0.02), "cloud", clock_ms=NOW) as server:
        yield Workshop(tmp_path_factory.mktemp("kill"), server, places)


@pytest.fixture(autouse=True)
def tidy(workshop):
    """Leave no database of a test behind; the starting points stay."""
    yield
    workshop.tidy()
