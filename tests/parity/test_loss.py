"""The server goes away in the middle: one clear line, exit code 2, and the next run ends as if it had not."""

from __future__ import annotations

from functools import cache

import pytest

from hub_sandbox.jira_server import JiraServer
from hub_sandbox.organisation import Organisation
from tests.kill.harness import LATER, NOW, SCENARIOS, Order, Workshop, call, start
from tests.kill.picture import take_picture
from tests.kill.test_kill import NOWS, Reference, _judge
from tests.store_fixtures import Places, private_server

pytestmark = pytest.mark.peer
OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


def end_connections(server):
    server.execute(OTHERS)


def crash(server):
    server.stop("immediate")
    server.start()


def restart(server):
    server.stop("fast")
    server.start()


@pytest.fixture(scope="module")
def postgres():
    """A server of its own: what other tests keep open there would be lost too."""
    yield from private_server()


@pytest.fixture(scope="module")
def workshop(postgres, tmp_path_factory):
    with JiraServer(Organisation(7, scale=0.02), "cloud", clock_ms=NOW) as server:
        yield Workshop(tmp_path_factory.mktemp("loss"), server, Places(postgres))


@pytest.fixture(scope="module")
def reference(workshop):
    return cache(lambda name: Reference(workshop, SCENARIOS[name]))


@pytest.mark.parametrize("lose", [end_connections, crash, restart], ids=lambda one: one.__name__)
@pytest.mark.parametrize("name", ["sync", "derive", "report"])
def test_lost_in_the_middle(workshop, reference, postgres, name, lose):
    scenario, wanted = SCENARIOS[name], reference(name)
    half = (wanted.ended.passed["statement"] + 1) // 2
    folder = workshop.copy(scenario.base)
    # A sequence of a copied database would fall back in a crash: its next value is logged only after a checkpoint.
    postgres.execute("CHECKPOINT")
    process = start(Order(folder, scenario.command, NOW, pause_at=("statement", half)))
    while not (folder / "reached").exists():
        assert process.is_alive()
        process.join(0.01)
    lose(postgres)
    (folder / "go on").touch()
    process.join()
    said = (folder / "said").read_text()
    assert process.exitcode == 2, said
    assert "Traceback" not in said
    assert "ended the connection; run again" in said
    _judge(folder, scenario, wanted, f"{name} lost the server at statement {half}")


def test_lost_between_two_runs(workshop, reference, postgres):
    crash(postgres)
    scenario = SCENARIOS["derive"]
    folder = workshop.copy(scenario.base)
    assert call(folder, *scenario.command, now=LATER).code == 0
    assert take_picture(folder, LATER, NOWS) == reference("derive").picture
