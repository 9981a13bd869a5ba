"""How fast Jira is read, compared with other programs and with a loop written by hand. Run: make bench."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hub.store.sqlite import sqlite3
from tests.bench.issue import PROJECTS
from tests.bench.measure import Run, contents, run_handwritten, run_hub, run_rival
from tests.bench.rival import Rival, rivals
from tests.bench.server import PAGE, BenchJira, serve

FEW = 100
"""Issues of the run that tells what a program takes to start and to end."""


@dataclass
class Figures:
    """What was measured, a value a round."""

    full: list[Run] = field(default_factory=list)
    started: list[Run] = field(default_factory=list)
    changed: list[Run] = field(default_factory=list)
    loop: list[Run] = field(default_factory=list)
    rivals: dict[str, list[Run]] = field(default_factory=dict)
    starts: dict[str, list[Run]] = field(default_factory=dict)
    latency: dict[int, list[Run]] = field(default_factory=dict)
    many: list[Run] = field(default_factory=list)
    written: dict[str, dict[str, int]] = field(default_factory=dict)


def measure(jira: BenchJira, others: list[Rival], chosen: argparse.Namespace, folder: Path) -> Figures:
    """Run every round, one program after the other within each."""
    found = Figures()
    jira.set(issues=FEW, changed=0)
    for warm_up in (run_hub, run_handwritten):
        warm_up(jira, folder / "warm")
    for number in range(chosen.rounds):
        _say(f"round {number + 1} of {chosen.rounds}")
        jira.set(issues=FEW, changed=0)
        found.started.append(run_hub(jira, folder / "hub"))
        jira.set(issues=chosen.issues)
        found.full.append(run_hub(jira, folder / "hub"))
        found.written["hub"] = contents(folder / "hub")
        jira.set(changed=1)
        found.changed.append(run_hub(jira, folder / "hub", again=True))
        jira.set(changed=0)
        found.loop.append(run_handwritten(jira, folder / "loop"))
        found.written["loop"] = contents(folder / "loop")
        for other in others:
            jira.set(issues=FEW)
            found.starts.setdefault(other.name, []).append(run_rival(other, jira, folder / "rival"))
            jira.set(issues=chosen.rival_issues)
            found.rivals.setdefault(other.name, []).append(run_rival(other, jira, folder / "rival"))
        jira.set(issues=chosen.latency_issues, delay_s=0.25)
        for fetchers in (1, 4):
            run = run_hub(jira, folder / "latency", fetchers=fetchers)
            found.latency.setdefault(fetchers, []).append(run)
        jira.set(delay_s=0)
    if chosen.many:
        _say(f"{chosen.many} issues once, for the memory")
        jira.set(issues=chosen.many)
        found.many.append(run_hub(jira, folder / "hub"))
    return found


def _median(runs: Iterable[Run], name: str = "seconds") -> float:
    return statistics.median(getattr(run, name) for run in runs)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table."""

    what: str
    figure: str
    target: str = ""


def report(found: Figures, others: list[Rival], chosen: argparse.Namespace) -> list[Row]:
    """Turn the figures into lines."""
    full, loop = _median(found.full), _median(found.loop)
    each = (full - _median(found.started)) / (chosen.issues - FEW)
    changed = _median(found.changed, "reading_s")
    start = _median(found.changed, "cpu_s") - changed
    work = _median(found.full, "cpu_s") - start  # of both processes; by the clock two cores would make it look less
    one, four = _median(found.latency[1]), _median(found.latency[4])
    peak = max(run.peak_mb for run in found.full)
    pages = sum(-(-len(range(n, chosen.issues, len(PROJECTS))) // PAGE) for n in range(len(PROJECTS)))
    same = found.written["hub"] == found.written["loop"]
    rows = [
        Row("`hub sync`", f"{full:.1f} s, {chosen.issues / full:.0f} issues/s, start-up included; without it {1e6 * each:.0f} µs an issue"),
        Row("loop written by hand", f"{loop:.1f} s, {chosen.issues / loop:.0f} issues/s: the hub reaches {loop / full:.2f} of it", "at least 0.4"),
        Row("both wrote", ", ".join(f"{n} {what}" for what, n in found.written["hub"].items()) + ("" if same else f"; the loop {found.written['loop']}"), "the same"),
    ]  # fmt: skip
    for other in others:
        seconds = _median(found.rivals[other.name]) - _median(found.starts[other.name])
        spent = seconds / (chosen.rival_issues - FEW)
        wanted = {"perceval": "at least 5", "tap-jira": "at least 8", "dlt": "at least 5"}[other.name]
        rows.append(
            Row(
                f"{other.name} {other.version}, {chosen.rival_issues} issues, start-up of both left out",
                f"{1e6 * spent:.0f} µs an issue: the hub is {spent / each:.1f} times as fast",
                wanted,
            )
        )
    rows += [
        Row(f"peak memory, {chosen.issues} issues", f"{peak:.0f} MB", "at most 150 MB"),
        *(Row(f"peak memory, {chosen.many} issues", f"{run.peak_mb:.0f} MB, {run.peak_mb / peak:.2f} times; {run.seconds:.0f} s", "at most 1.3 times") for run in found.many),
        Row("requests", f"{_median(found.full, 'requests'):.0f}, of them {pages} pages"),
        Row("one per cent changed, without start-up", f"{changed:.2f} s of {work:.2f} s of work = {100 * changed / work:.1f} %", "at most 3 %"),
        Row(f"answers 250 ms late, {chosen.latency_issues} issues", f"one fetcher {one:.1f} s, four {four:.1f} s: {one / four:.1f} times", "at least 2.5 times"),
    ]  # fmt: skip
    return rows


def describe_machine() -> str:
    """Name processor, memory, and the versions that matter."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        named = [line for line in cpuinfo.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        processor = named[0].partition(":")[2].strip() if named else processor
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return (
        f"{os.cpu_count()} x {processor}, {memory:.0f} GB; {platform.system()} {platform.release()}; "
        f"{python}; SQLite {sqlite3.sqlite_version}"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _print(rows: list[Row], command: str, *, markdown: bool) -> None:
    if markdown:
        print(f"`{command}`, medians of the rounds; {describe_machine()}\n")
        print("| what | figure | target |\n|---|---|---|")
        print("\n".join(f"| {row.what} | {row.figure} | {row.target} |" for row in rows))
        return
    print(f"{command}\n{describe_machine()}")
    for row in rows:
        print(f"{row.what}: {row.figure}" + (f" (target: {row.target})" if row.target else ""))


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sync", description=__doc__)
    parser.add_argument("--issues", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rival-issues", type=int, default=2_000, help="issues the other programs read")
    parser.add_argument("--latency-issues", type=int, default=4_000, help="issues read with answers 250 ms late")
    parser.add_argument("--many", type=int, default=100_000, help="issues of the memory run; 0 = leave it out")
    parser.add_argument("--no-rivals", action="store_true", help="measure the hub and the loop only")
    parser.add_argument("--markdown", action="store_true", help="print a table for docs/performance.md")
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache" / "itsm-hub-bench", help="where other programs live"
    )
    chosen = parser.parse_args()
    requirements = Path(__file__).with_name("requirements.txt")
    others = [] if chosen.no_rivals else rivals(chosen.cache, requirements)
    with TemporaryDirectory() as folder, serve() as jira:
        rows = report(measure(jira, others, chosen, Path(folder)), others, chosen)
    _print(rows, " ".join(["python -m tests.bench.sync", *sys.argv[1:]]), markdown=chosen.markdown)


if __name__ == "__main__":
    main()
