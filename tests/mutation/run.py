"""Put small faults into the code that judges, one at a time, and see that the tests mapped to it turn red.

    python -m tests.mutation.run                          every module named in `modules.yaml`
    python -m tests.mutation.run hub/conformance/ratio.py  this one

A mutant is loaded in a process of its own instead of the module on disk; nothing on disk changes. One that no test
notices must stand in `survivors.yaml` with its reason: any other ends the run with 1, as does an entry that was noticed.
What is remembered of compiled packs goes by the hash of the files on disk, so every mutant gets an empty cache.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from tests.mutation.mutant import Mutant, mutants

__all__ = ["ROOT", "accepted", "main", "mapped"]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
_PATIENCE_S = 120
"""A mutant whose tests take longer hangs: that is noticed too."""
_NOT_NOTICED = 0
_HANGS = -1


def mapped() -> dict[str, list[str]]:
    """Return the modules that are mutated -> the tests that must notice."""
    found: dict[str, list[str]] = yaml.safe_load((HERE / "modules.yaml").read_text(encoding="utf-8"))
    return found


def accepted() -> dict[str, dict[str, str]]:
    """Return the survivors that are accepted: module -> key of the mutant -> why no test can or need notice."""
    found: dict[str, dict[str, str]] = yaml.safe_load((HERE / "survivors.yaml").read_text(encoding="utf-8"))
    return found


def _try(module: str, source: str, tests: list[str]) -> int:
    """Run the tests on a mutant in a process of its own; return pytest's exit code, 0 = nobody noticed."""
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "mutant.py")
        text.write_text(source, encoding="utf-8")
        environment = os.environ | {"XDG_CACHE_HOME": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        options = ["-x", "-q", "-n0", "-p", "no:cacheprovider", "--basetemp", f"{folder}/pytest"]
        command = [sys.executable, "-m", "tests.mutation.attempt", module, str(text), *options, *tests]
        try:
            ended = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, timeout=_PATIENCE_S, check=False
            )
        except subprocess.TimeoutExpired:
            return _HANGS
    return ended.returncode


def _look_at(module: str, tests: list[str], found: list[Mutant], workers: int) -> list[Mutant]:
    """Return the mutants of a module that no test noticed."""
    code = _try(module, (ROOT / module).read_text(encoding="utf-8"), tests)
    if code != _NOT_NOTICED:
        raise SystemExit(f"{module}: its tests are red without any mutant (pytest ended with {code})")
    with ThreadPoolExecutor(workers) as pool:
        codes = list(pool.map(lambda one: _try(module, one.source, tests), found))
    return [one for one, code in zip(found, codes, strict=True) if code == _NOT_NOTICED]


def main(arguments: list[str] | None = None) -> int:
    """Mutate, tell what survived, and return 1 where a survivor has no reason or a reason no survivor."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("modules", nargs="*", help="Default: all of modules.yaml.")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="Mutants tried at once.")
    given = parser.parse_args(arguments)
    os.chdir(ROOT)
    tests: dict[str, list[str]] = mapped()
    reasons: dict[str, dict[str, Any]] = accepted()
    faults = 0
    for module in given.modules or tests:
        started = time.monotonic()
        found = list(mutants((ROOT / module).read_text(encoding="utf-8")))
        survivors = _look_at(module, tests[module], found, given.workers)
        known = reasons.get(module, {})
        new = [one for one in survivors if one.key not in known]
        gone = sorted(set(known) - {one.key for one in survivors})
        sys.stdout.write(
            f"{module}: {len(found)} mutants, {len(found) - len(survivors)} noticed, "
            f"{len(survivors) - len(new)} accepted, {len(new)} not explained, {time.monotonic() - started:.0f} s\n"
        )
        sys.stdout.writelines(f"  line {one.line}: {one.key}\n" for one in new)
        sys.stdout.writelines(f"  accepted, but noticed or no more there: {key}\n" for key in gone)
        sys.stdout.flush()
        faults += len(new) + len(gone)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
