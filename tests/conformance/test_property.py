"""What must always hold: for any history, incremental = whole, at every as-of and every known-at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from hub.conformance.judge import judge
from hub.conformance.pack import Requirement
from hub.store.store import Store
from hub.testing.factory import at
from hub_bs15000.catalogue import load_pack
from tests.conformance.history import Step, draw_history, scene
from tests.conformance.kit import House, NamedRow, cover, named_rows, needed, prepare, provide, small_pack
from tests.conformance.scoped import CHOICES, PACK
from tests.store_fixtures import database_url

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")
HISTORIES = int(os.environ.get("HUB_HISTORIES", "2000"))
"""How many a proof tries on SQLite; PostgreSQL and what takes longer a share of them."""
EXAMPLES = {
    "ci": {"sqlite": 25, "postgresql": 6},
    "proof": {"sqlite": HISTORIES, "postgresql": 1 + HISTORIES // 10},
}[PROFILE]
SEEDS = {
    "ci": {"sqlite": {"small": 60, "scoped": 20, "clause": 6}, "postgresql": {"small": 6, "scoped": 2, "clause": 1}},
    "proof": {
        "sqlite": {"small": HISTORIES, "scoped": 1 + HISTORIES // 4, "clause": 1 + HISTORIES // 10},
        "postgresql": {"small": 1 + HISTORIES // 20, "scoped": 1 + HISTORIES // 40, "clause": 1 + HISTORIES // 100},
    },
}[PROFILE]
AS_OF = tuple(at(day) for day in (-1, 2, 10, 40, 100, 200))


@cache
def packs() -> dict[str, list[Requirement]]:
    """The small pack, one under a profile, and the large one clause by clause: what one clause reads collides more often."""
    made: dict[str, list[Requirement]] = {"small": small_pack(), "scoped": PACK.requirements({}, CHOICES)}
    for one in load_pack().requirements({}):
        made.setdefault(one.entry.clause, []).append(one)
    return made


CLAUSES = sorted(load_pack().clauses)


class Grounds:
    """Fresh stores, cheap enough for thousands."""

    def __init__(self, request: pytest.FixtureRequest, engine: str) -> None:
        self._request, self.engine = request, engine
        self._folder = Path(mkdtemp(prefix="hub-property-"))
        self._count = 0
        if engine == "sqlite":
            shutil.copyfile(request.getfixturevalue("sqlite_template"), self._folder / "furnished.db")
            self._furnish(Store.open("sqlite:///furnished.db", base_dir=self._folder))
        else:
            self._dsn = request.getfixturevalue("postgres_dsn")
            self._execute(f"CREATE DATABASE hub_furnished TEMPLATE {request.getfixturevalue('postgres_template')}")
            self._furnish(Store.open(database_url(self._dsn, "hub_furnished"), base_dir=self._folder))

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as server:
            server.execute(statement)

    @staticmethod
    def _furnish(store: Store) -> None:
        """Calendar, provisions, coverage: half of what is read from `desk` is behind."""
        with store.begin() as conn:
            prepare(conn)
            everything = [one for pack in packs().values() for one in pack]
            provide(conn, everything, "desk", within=("approval",))
            cover(conn, "desk", "OPS", needed(everything))
            cover(conn, "desk", "CHG", needed(everything), through=at(35))
        store.close()

    @contextmanager
    def fresh(self, pack: list[Requirement]) -> Iterator[House]:
        self._count += 1
        name = f"hub_property{self._count}"
        if self.engine == "sqlite":
            file = self._folder / f"{name}.db"
            shutil.copyfile(self._folder / "furnished.db", file)
            store = Store.open(f"sqlite:///{file.name}", base_dir=self._folder)
        else:
            self._execute(f"CREATE DATABASE {name} TEMPLATE hub_furnished")
            store = Store.open(database_url(self._dsn, name), base_dir=self._folder)
        try:
            yield House(store, pack)
        finally:
            store.close()
            if self.engine == "sqlite":
                for left in self._folder.glob(f"{name}.db*"):
                    left.unlink()
            else:
                self._execute(f"DROP DATABASE {name}")

    def close(self) -> None:
        if self.engine != "sqlite":
            self._execute("DROP DATABASE hub_furnished")
        shutil.rmtree(self._folder)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def grounds(request: pytest.FixtureRequest) -> Iterator[Grounds]:
    made = Grounds(request, request.param)
    yield made
    made.close()


def answers(house: House, known_at: int | None = None) -> dict[int, list[NamedRow]]:
    """Judge everything at every as-of."""
    with house.store.connect() as conn:
        judged = judge(conn, house.requirements, as_of=AS_OF[-1], known_at=known_at, judge_from=0, stale_ms=0)
        return {as_of: named_rows(judged, as_of) for as_of in AS_OF}


def hold(grounds: Grounds, pack: list[Requirement], history: list[Step]) -> None:
    """Live through a history in one store, and learn of it at once in another."""
    seen: dict[int, dict[int, list[NamedRow]]] = {}
    with grounds.fresh(pack) as lived:
        for step in history:
            lived.write(*step)
            done = lived.derive()
            seen[done.known_at] = answers(lived)
            counted = lived.remembered()
            whole = lived.derive(whole=True)
            assert (whole.closed, whole.written) == (0, 0), differing(seen[done.known_at], answers(lived))
            assert lived.remembered() == counted
        for known_at, then in seen.items():
            assert answers(lived, known_at) == then, "an answer changed afterwards"
        with grounds.fresh(pack) as told:
            for step in history:
                told.write(*step)
            told.derive()
            last = answers(told)
        assert differing(seen[max(seen)], last) == []


def differing(one: dict[int, list[NamedRow]], other: dict[int, list[NamedRow]]) -> list[Any]:
    """List rows that only one of two answers has."""
    return [
        (sign, (as_of - at(0)) / 86_400_000, row)
        for as_of in AS_OF
        for sign, here, there in (("-", one, other), ("+", other, one))
        for row in here[as_of]
        if row not in set(there[as_of])
    ]


@st.composite
def histories(draw: st.DrawFn, name: str) -> list[Step]:
    chance = draw(st.randoms(use_true_random=False))
    return draw_history(_scene(name), chance, steps=draw(st.integers(1, 5)), size=draw(st.integers(1, 5)))


@cache
def _scene(name: str) -> Any:
    return scene(packs()[name])


@pytest.mark.slow
@pytest.mark.timeout(3600 if PROFILE == "ci" else 36_000)
@pytest.mark.parametrize("name", ["scoped", "small", "7.2", "8.2"])
def test_incremental_is_whole(grounds: Grounds, name: str) -> None:
    @settings(
        max_examples=EXAMPLES[grounds.engine],
        deadline=None,
        database=None,
        derandomize=PROFILE == "ci",
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
    )
    @given(histories(name))
    def property_holds(history: list[Step]) -> None:
        note("\n".join(map(repr, history)))
        hold(grounds, packs()[name], history)

    property_holds()


@pytest.mark.slow
@pytest.mark.timeout(1200 if PROFILE == "ci" else 36_000)
@pytest.mark.parametrize("name", ["scoped", "small", *CLAUSES])
def test_long_histories(grounds: Grounds, name: str) -> None:
    """Plain chance over fixed seeds: longer than hypothesis likes to draw."""
    assert name in packs(), f"nothing of clause {name} is judged"
    for seed in range(SEEDS[grounds.engine]["clause" if name in CLAUSES else name]):
        chance = Random(seed)
        history = draw_history(_scene(name), chance, steps=chance.randrange(2, 7), size=8)
        try:
            hold(grounds, packs()[name], history)
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise
