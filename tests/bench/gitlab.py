"""How fast GitLab is read, compared with python-gitlab's objects and with tap-gitlab. python -m tests.bench.gitlab

Every program runs in a process of its own against the same server; its processor time is compared, without start-up.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.gitlab_server import PROJECT, TOKEN, BenchGitlab, serve
from tests.bench.rival import environment

TAP = "tap-gitlab==1.0.1"
FEW = 100
_TAP = """
import json, resource, sys, time
from tap_gitlab import main
from tap_gitlab.client import Client

made = Client.__init__
def point(self, config):
    made(self, config)
    self.base_url = config["api_url"] + "/api/v4"  # the tap knows gitlab.com only
Client.__init__ = point
main()
"""


def read_hub(url: str, streams: list[str], at_once: int, parts: list[str], cursors: dict) -> dict:
    """Read with the source; gives documents, cursors and what it took."""
    from hub.clock import SystemClock
    from hub.sync.source import SourceContext
    from hub_gitlab.settings import GitlabSettings
    from hub_gitlab.source import make_source

    entries = {"plugin": "gitlab", "url": url, "token": TOKEN, "projects": [str(PROJECT)], "streams": streams}
    settings = GitlabSettings.model_validate({**entries, "at_once": at_once, "parts": parts})
    context = SourceContext("gitlab", Path(), "UTC", SystemClock(), call=lambda request: request())
    source = make_source(settings, context)
    began, spent = time.perf_counter(), time.process_time()
    documents = 0
    for part in source.slices():
        for page in source.fetch(part, cursors.get(part.stream)):
            documents += len(page.documents)
            cursors[part.stream] = page.cursor
    return _took(began, spent, documents) | {"cursors": cursors}


def read_library(url: str, streams: list[str]) -> dict:
    """Read with python-gitlab's object iterator."""
    import gitlab

    library = gitlab.Gitlab(url, private_token=TOKEN)
    began, spent = time.perf_counter(), time.process_time()
    project = library.projects.get(PROJECT)
    lists = {"issue": project.issues, "merge_request": project.mergerequests}
    documents = 0
    for stream in streams:
        for _ in lists[stream].list(iterator=True, per_page=100, order_by="updated_at", sort="asc"):
            documents += 1
    return _took(began, spent, documents)


def _took(began: float, spent: float, documents: int) -> dict:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "documents": documents,
        "seconds": time.perf_counter() - began,
        "cpu_s": time.process_time() - spent,
        "peak_mb": peak,
    }


def run(gitlab: BenchGitlab, who: str, *streams: str, **more: object) -> dict:
    """Read in a process of its own; adds the requests the server counted."""
    told = json.dumps({"url": gitlab.url, "streams": list(streams), **more})
    gitlab.set()
    command = [sys.executable, "-m", "tests.bench.gitlab", "--read", who, told]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout) | {"requests": gitlab.set()}


def run_tap(gitlab: BenchGitlab, home: Path, folder: Path, objects: int) -> float:
    """Read issues with tap-gitlab; gives seconds of processor time, start-up included."""
    (folder / "tap.py").write_text(_TAP, encoding="utf-8")
    config = {
        "private_token": TOKEN,
        "start_date": "2010-01-01T00:00:00Z",
        "groups": "",
        "projects": str(PROJECT),
        "api_url": gitlab.url,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    command = [str(home / "bin" / "python"), "tap.py", "--config", "config.json"]
    found = subprocess.run([*command, "--discover"], cwd=folder, capture_output=True, check=True)
    catalog = json.loads(found.stdout)
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if (stream["tap_stream_id"] in ("issues", "projects") and entry["breadcrumb"] == []) or stream[
                "tap_stream_id"
            ] == "issues":
                entry["metadata"]["selected"] = True
    (folder / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen([*command, "--catalog", "catalog.json"], cwd=folder, stdout=out, stderr=err)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit((folder / "err").read_text(errors="replace")[-2000:])
    with (folder / "out").open(encoding="utf-8") as out_lines:
        read = sum('"stream": "issues"' in line and '"RECORD"' in line for line in out_lines)
    if read != objects:
        raise SystemExit(f"tap-gitlab wrote {read} issues of {objects}")
    return used.ru_utime + used.ru_stime


def measure(gitlab: BenchGitlab, chosen: argparse.Namespace, folder: Path) -> list[tuple[str, str, str]]:
    """Run every program and give the lines of the table: what, figure, aim."""
    both = ("issue", "merge_request")
    listed = {"at_once": 8, "parts": []}
    gitlab.set(count=chosen.objects, changed=0, delay_s=0)
    rounds = range(chosen.rounds)
    hub = [run(gitlab, "hub", *both, **listed) for _ in rounds]
    library = [run(gitlab, "library", *both) for _ in rounds]
    ours, theirs = _median(hub, "cpu_s"), _median(library, "cpu_s")
    objects = 2 * chosen.objects
    assert {each["documents"] for each in [*hub, *library]} == {objects}
    gitlab.set(changed=1)
    again = run(gitlab, "hub", *both, **listed, cursors=hub[0]["cursors"])
    gitlab.set(count=chosen.objects // 10, changed=0)
    small = run(gitlab, "hub", *both, **listed)
    rows = [
        ("the hub, processor time", f"{ours:.2f} s, {1e6 * ours / objects:.0f} µs an object", ""),
        ("python-gitlab's objects", f"{theirs:.2f} s: the hub is {theirs / ours:.1f} times as fast", "at least 3"),
        ("peak memory", f"{hub[0]['peak_mb']:.0f} MB; a tenth of the objects {small['peak_mb']:.0f} MB", "flat"),
        ("requests", f"{hub[0]['requests']}; python-gitlab {library[0]['requests']}", ""),
        (
            "one per cent changed",
            (
                f"{again['documents']} documents, {again['requests']} requests = "
                f"{100 * again['requests'] / hub[0]['requests']:.1f} %, {100 * again['cpu_s'] / ours:.1f} % of the time"
            ),
            "at most 3 %",
        ),
    ]
    home = environment(chosen.cache, TAP)
    if home is not None:
        gitlab.set(count=FEW)
        start = run_tap(gitlab, home, folder, FEW)
        gitlab.set(count=chosen.tap_objects)
        spent = (run_tap(gitlab, home, folder, chosen.tap_objects) - start) / (chosen.tap_objects - FEW)
        gitlab.set(count=chosen.objects)
        issues = _median([run(gitlab, "hub", "issue", **listed) for _ in rounds], "cpu_s") / chosen.objects
        figure = f"{1e6 * spent:.0f} µs an issue, the hub {1e6 * issues:.0f}: {spent / issues:.1f} times as fast"
        rows.append(
            (
                f"tap-gitlab {TAP.partition('==')[2]}, {chosen.tap_objects} issues, start-up subtracted",
                figure,
                "at least 5",
            )
        )
    gitlab.set(count=chosen.approvals, delay_s=0.1)
    one, eight = (run(gitlab, "hub", "merge_request", at_once=n, parts=["approvals"])["seconds"] for n in (1, 8))
    figure = f"one by one {one:.1f} s, eight at once {eight:.1f} s: {one / eight:.1f} times as fast"
    rows.append((f"approvals of {chosen.approvals} changed merge requests, answers 100 ms late", figure, "at least 4"))
    return rows


def _median(runs: list[dict], name: str) -> float:
    return statistics.median(each[name] for each in runs)


def main() -> None:
    """Measure and print one table, or read once for another process."""
    readers: dict[str, Callable[..., dict]] = {"hub": read_hub, "library": read_library}
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gitlab", description=__doc__)
    parser.add_argument("--objects", type=int, default=20_000, help="issues, and as many merge requests")
    parser.add_argument("--tap-objects", type=int, default=2_000, help="issues tap-gitlab reads")
    parser.add_argument(
        "--approvals", type=int, default=1_000, help="merge requests whose approvals are read 100 ms late"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "itsm-hub-bench")
    parser.add_argument("--read", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.read:
        told = json.loads(chosen.read[1])
        if chosen.read[0] == "hub":
            told.setdefault("cursors", {})
        print(json.dumps(readers[chosen.read[0]](**told)))
        return
    with TemporaryDirectory() as folder, serve() as gitlab:
        for what, figure, aim in measure(gitlab, chosen, Path(folder)):
            print(f"{what}: {figure}" + (f" (aim: {aim})" if aim else ""))


if __name__ == "__main__":
    main()
