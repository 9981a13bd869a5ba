"""Put small faults into the code that judges, one at a time, and see that the tests mapped to it turn red.

    python -m tests.mutation.run                          every module named in `modules.yaml`
    python -m tests.mutation.run hub/conformance/ratio.py  this one

A mutant stands in for the module in a forked process; nothing on disk changes. One that no test
notices must stand in `survivors.yaml` with its reason: any other ends the run with 1, as does an entry that was noticed.
What needs a server is left out: the one engine is SQLite.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.mutation.attempt import Attempts
from tests.mutation.mutant import Mutant, mutants

__all__ = ["ROOT", "accepted", "main", "mapped"]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def mapped() -> dict[str, list[str]]:
    """Return the modules that are mutated -> the tests that must notice."""
    found: dict[str, list[str]] = yaml.safe_load((HERE / "modules.yaml").read_text(encoding="utf-8"))
    return found


def accepted() -> dict[str, dict[str, str]]:
    """Return the survivors that are accepted: module -> key of the mutant -> why no test can or need notice."""
    found: dict[str, dict[str, str]] = yaml.safe_load((HERE / "survivors.yaml").read_text(encoding="utf-8"))
    return found


def _survivors(module: str, tests: list[str], found: list[Mutant], attempts: Attempts) -> Iterator[Mutant]:
    """Yield the mutants of a module that no test noticed."""
    for _, noticed in attempts.noticed(module, [(ROOT / module).read_text(encoding="utf-8")], tests):
        if noticed:
            raise SystemExit(f"{module}: its tests are red without any mutant")
    for index, noticed in attempts.noticed(module, [one.source for one in found], tests):
        if not noticed:
            yield found[index]


def main(arguments: list[str] | None = None) -> int:
    """Mutate, tell what survived, and return 1 where a survivor has no reason or a reason no survivor."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("modules", nargs="*", help="Default: all of modules.yaml.")
    parser.add_argument("--only", default="", metavar="WORDS", help="Try only mutants that have these in their name.")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="Mutants tried at once.")
    given = parser.parse_args(arguments)
    os.chdir(ROOT)
    tests, reasons = mapped(), accepted()
    faults = 0
    with tempfile.TemporaryDirectory(prefix="hub-mutants-") as folder:
        attempts = Attempts(Path(folder), given.workers)
        for module in given.modules or tests:
            started = time.monotonic()
            every = mutants((ROOT / module).read_text(encoding="utf-8"))
            found = [one for one in every if given.only in one.key]
            known = {key for key in reasons.get(module, {}) if given.only in key}
            met = set()
            new = 0
            for one in _survivors(module, tests[module], found, attempts):
                met.add(one.key)
                if one.key not in known:
                    new += 1
                    _tell(f"  {module}:{one.line} not noticed: {one.key}")
            gone = sorted(known - met)
            for key in gone:
                _tell(f"  {module} accepted, but noticed or no more there: {key}")
            _tell(
                f"{module}: {len(found)} mutants, {len(found) - len(met)} noticed, {len(met) - new} accepted, "
                f"{new} not explained, {time.monotonic() - started:.0f} s"
            )
            faults += new + len(gone)
    return 1 if faults else 0


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
