from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

import hub
from hub.conformance.memory import _KEPT, Memory, _sources

_names = count(1)


class Maker:
    """Counts how often something had to be made."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> list[str]:
        self.made += 1
        return ["made"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "itsm-hub"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of its own to remember things of."""
    folder = tmp_path / "site" / f"remembered_{next(_names)}"
    (folder / "clauses").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "clauses" / "one.py").write_text("DAYS = 5\n")
    (folder / "catalogue.yaml").write_text("entries: []\n")
    monkeypatch.syspath_prepend(folder.parent)
    return folder


def recall(package: Path, make: Callable[[], list[str]], what: str = "parts") -> list[str]:
    """As a new process would."""
    return Memory(package.name).recall(what, list[str], make)


def test_what_was_made_once_is_recalled(cache, package):
    make = Maker()
    assert [recall(package, make), recall(package, make)] == [["made"], ["made"]]
    assert make.made == 1
    assert [file.stat().st_mode & 0o077 for file in (cache, *cache.iterdir())] == [0, 0]


def test_another_name_is_another_thing(cache, package):
    make = Maker()
    recall(package, make, "days 5")
    recall(package, make, "days 7")
    assert make.made == 2


@pytest.mark.parametrize("changed", ["__init__.py", "clauses/one.py", "catalogue.yaml", "clauses/new.py"])
def test_any_source_that_changes_is_noticed(cache, package, changed):
    make = Maker()
    recall(package, make)
    with (package / changed).open("a") as file:
        file.write("# \n")
    recall(package, make)
    assert make.made == 2


def test_sources_that_change_while_something_is_made(cache, package):
    """An upgrade in the middle: what came of it stands under neither the old sources nor the new."""

    def upgraded() -> list[str]:
        (package / "clauses" / "one.py").write_text("DAYS = 7\n")
        return ["of both"]

    assert recall(package, upgraded) == ["of both"]
    assert recall(package, Maker()) == ["made"]
    (package / "clauses" / "one.py").write_text("DAYS = 5\n")
    assert recall(package, Maker()) == ["made"]


DAMAGE = {
    "empty": lambda _kept: b"",
    "truncated": lambda kept: kept[:-1],
    "head only": lambda kept: kept[:32],
    "a bit": lambda kept: kept[:-1] + bytes([kept[-1] ^ 1]),
    "longer": lambda kept: kept + b"\0",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_is_made_anew(cache, package, damage):
    make = Maker()
    recall(package, make)
    (file,) = cache.iterdir()
    kept = file.read_bytes()
    file.write_bytes(damage(kept))
    assert recall(package, make) == ["made"]
    assert make.made == 2
    assert file.read_bytes() == kept


def test_a_file_counts_under_its_own_name_only(cache, package):
    recall(package, lambda: ["five"], "days 5")
    (five,) = cache.iterdir()
    recall(package, lambda: ["seven"], "days 7")
    (seven,) = set(cache.iterdir()) - {five}
    five.replace(seven)
    assert recall(package, Maker(), "days 7") == ["made"]


def test_what_is_of_another_kind_is_made_anew(cache, package):
    Memory(package.name).recall("parts", int, lambda: 1)
    assert recall(package, Maker()) == ["made"]


def test_what_somebody_else_wrote_is_not_believed(cache, package, monkeypatch):
    make = Maker()
    recall(package, make)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    recall(package, make)
    assert make.made == 2


def test_where_nothing_can_be_kept_it_is_made_each_time(tmp_path, package, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    make = Maker()
    assert [recall(package, make), recall(package, make)] == [["made"], ["made"]]
    assert make.made == 2


def test_without_a_cache_of_its_own_it_is_the_one_at_home(tmp_path, package, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    recall(package, Maker())
    assert len(list((tmp_path / ".cache" / "itsm-hub").iterdir())) == 1


@pytest.mark.parametrize("unknown", ["no_such_package", "json.decoder"])
def test_what_has_no_folder_of_sources_is_not_remembered(cache, unknown):
    make = Maker()
    for _ in range(2):
        Memory(unknown).recall("parts", list[str], make)
    assert make.made == 2
    assert not cache.exists()


def test_the_newest_few_stay(cache, package):
    make = Maker()
    for n in range(_KEPT + 3):
        recall(package, make, str(n))
    assert len(list(cache.iterdir())) == _KEPT
    recall(package, make, str(_KEPT + 2))
    assert make.made == _KEPT + 3


def test_all_of_the_hub_that_a_pack_is_made_with_is_hashed():
    told = "import sys, hub_bs15000.declaration; print(*(n for n in sys.modules if n.split('.')[0] == 'hub'))"
    loaded = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.split()
    folder = Path(hub.__file__).parent
    hashed = {".".join(("hub", *file.relative_to(folder).with_suffix("").parts)) for file in _sources("hub_bs15000")
              if file.is_relative_to(folder)}  # fmt: skip
    hashed |= {name.removesuffix(".__init__") for name in hashed}
    assert "hub.conformance.shape" in loaded
    assert set(loaded) <= hashed
