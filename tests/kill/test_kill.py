"""Whatever is killed wherever, and run again, stands as if it had never been killed."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from hub.cli.session import Session
from hub.clock import FixedClock
from hub.sync.lock import DERIVE, hold, source_lock
from tests.kill.harness import KILLED, LATER, NOW, SCENARIOS, Ended, Scenario, call
from tests.kill.picture import Picture, take_picture

KILLS = int(os.environ.get("HUB_KILLS", "2"))
SEED = int(os.environ.get("HUB_KILL_SEED", "1"))
"""`HUB_KILLS=200` kills at 200 random places, those of seed 1 to 200; HUB_KILL_SEED is the first."""
PROOF = KILLS > 2
SAMPLE = (
    {"first run": 2, "next run": 5, "sync": 3, "replay": 2, "derive": 4, "report": 4}
    if PROOF
    else {"next run": 1, "sync": 1, "derive": 1, "report": 1}
)
"""Deterministic kills of each scenario, evenly over its transactions."""
pytestmark = pytest.mark.timeout(3600 if PROOF else 600)


NOWS = (NOW, LATER)


class Reference:
    """What it is like when nobody kills."""

    def __init__(self, workshop, scenario: Scenario) -> None:
        folder = workshop.copy(scenario.base)
        self.ended = call(folder, *scenario.command)
        assert self.ended.code == 0, self.ended.said
        self.picture = _finish(folder, scenario.then, NOW)


@pytest.fixture(scope="session")
def reference(workshop):
    return cache(lambda name: Reference(workshop, SCENARIOS[name]))


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, places in SAMPLE.items() for place in range(places)]
)
def test_killed_at_a_transaction(workshop, reference, name, place):
    scenario = SCENARIOS[name]
    points = _boundaries(reference(name).ended)
    point = points[(2 * place + 1) * len(points) // (2 * SAMPLE[name])]
    folder = workshop.copy(scenario.base)
    ended = call(folder, *scenario.command, die_at=point)
    assert ended.code == KILLED, (point, ended)
    _judge(folder, scenario, reference(name), f"{name} killed at {point}")


def test_a_sync_that_never_gets_further_than_one_more_page(workshop, reference):
    scenario = SCENARIOS["sync"]
    folder = workshop.copy(scenario.base)
    for n in range(1, 14 if PROOF else 4):
        assert call(folder, *scenario.command, die_at=("written", n)).code == KILLED
    _judge(folder, scenario, reference("sync"), "killed at the 1st, then at the 2nd, … transaction")


@pytest.mark.parametrize("seed", range(SEED, SEED + KILLS))
def test_killed_at_random(workshop, reference, seed):
    dice = random.Random(seed)
    scenario = SCENARIOS[dice.choice(list(SCENARIOS))]
    wanted = reference(scenario.name)
    folder = workshop.copy(scenario.base)
    told = f"seed {seed}: {scenario.name}"
    for _ in range(dice.choice((1, 1, 2, 3))):  # killed again on the way back
        if dice.random() < 0.5:
            delay = dice.uniform(0, wanted.ended.seconds)
            ended = call(folder, *scenario.command, delay=delay)
            told += f", after {delay:.3f} s"
        else:
            kind = dice.choice(list(wanted.ended.passed))
            point = (kind, dice.randint(1, wanted.ended.passed[kind]))
            ended = call(folder, *scenario.command, die_at=point)
            told += f", at {point}"
        assert ended.code in (KILLED, 0), (told, ended)
        told += " (too late)" if ended.code == 0 else ""
    print(told)  # noqa: T201 - a proof says what it tried
    _judge(folder, scenario, wanted, told)


def _boundaries(ended: Ended) -> list[tuple[str, int]]:
    """List the points of a run that matter most: around each commit, and before a file gets its name."""
    commits = range(1, ended.passed["committed"] + 1)
    files = range(1, ended.passed.get("flushed", 0) + 1)
    return [(kind, n) for n in commits for kind in ("written", "committed")] + [("flushed", n) for n in files]


def _judge(folder: Path, scenario: Scenario, reference: Reference, told: str) -> None:
    """Run again to the end, and compare."""
    found = _finish(folder, (scenario.command, *scenario.then), LATER)
    assert _differences(found, reference.picture) == {}, told
    with Session(folder / "hub.toml") as session:
        for name in ("run", DERIVE, source_lock("service-desk"), source_lock("register")):
            with hold(session.store, name, clock=FixedClock(LATER)):
                pass


def _finish(folder: Path, commands: Iterable[tuple[str, ...]], now: int) -> Picture:
    for command in commands:
        ended = call(folder, *command, now=now)
        assert ended.code == 0, ended.said
    return take_picture(folder, now, NOWS)


def _differences(found: Picture, wanted: Picture) -> dict[str, object]:
    assert found.keys() == wanted.keys()
    return {
        name: {"missing": list((wanted[name] - rows).items())[:5], "too many": list((rows - wanted[name]).items())[:5]}
        for name, rows in found.items()
        if rows != wanted[name]
    }
