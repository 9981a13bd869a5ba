"""`hub demo`: the whole hub on the simulated organisation, twice, so that the second mail has something to compare.

The organisation's Jira and GitLab run as a process of their own and are read over HTTP by the real plugins.
The first run looks at 1 October 2026, the second at 3 November: the clocks of servers and hub are set,
everything else is as in daily work.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from hub.cli.judging import judged
from hub.cli.run import do_run
from hub.cli.session import Session
from hub.clock import FixedClock, parse_instant
from hub.conformance.finding import list_findings
from hub.errors import HubError
from hub.sync.run import RunSummary
from hub_sandbox.command import write_files
from hub_sandbox.organisation import Organisation
from hub_sandbox.register_files import write_register

__all__ = ["run_demo"]

FIRST = "2026-10-01T06:00:00Z"
SECOND = "2026-11-03T08:00:00Z"
_MADE = ("hub.db", "hub.toml", "register", "secrets", "out")
_MARK = ".hub-demo"


def run_demo(folder: Path, *, echo: Callable[[str], None]) -> None:
    """Make `folder` anew and run the hub in it; `echo` gets the lines a person reads.

    A folder that exists and was not made by a demo is left alone: HubError.
    """
    started = time.perf_counter()
    _clear(folder)
    with _tools(FIRST) as started_at:
        organisation = Organisation()  # made while the servers make their own
        jira, gitlab = started_at()
        write_files(folder, organisation, url=jira, as_of=parse_instant(FIRST), gitlab_url=gitlab)
        echo(f"A simulated organisation serves its Jira at {jira} and its GitLab at {gitlab};")
        echo("the hub reads both as on a working day.")
        for now in (FIRST, SECOND):
            for url in (jira, gitlab):
                _set_clock(url, now)
            write_register(folder / "register", organisation, as_of=parse_instant(now), gitlab=True)
            echo("")
            echo(f"hub run, as of {now}")
            _tell(_run(folder, now), echo)
    _close(folder, echo, time.perf_counter() - started)


def _clear(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise HubError(f"{folder} holds files that no demo made; choose another: hub demo --folder NAME")
    for name in _MADE:
        for path in folder.glob(f"{name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()


@contextmanager
def _tools(now: str) -> Iterator[Callable[[], tuple[str, str]]]:
    """Start the servers; what is given waits for them and returns their addresses."""
    command = [sys.executable, "-m", "hub_sandbox.serving", "--now", now]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - our own module

        def addresses() -> tuple[str, str]:
            words = (server.stdout.readline() if server.stdout else "").split()
            if len(words) != 2:  # noqa: PLR2004 - one address a tool
                raise HubError("the simulated tools did not start; try: python -m hub_sandbox.serving")
            return words[0], words[1]

        try:
            yield addresses
        finally:
            server.terminate()


def _set_clock(url: str, now: str) -> None:
    body = json.dumps({"now": now}).encode()
    request = Request(f"{url}/__sandbox__/clock", data=body, headers={"Content-Type": "application/json"})  # noqa: S310 - loopback
    with urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
        answer.read()


def _run(folder: Path, now: str) -> RunSummary:
    clock = FixedClock(parse_instant(now))
    with Session(folder / "hub.toml", clock=clock, create_store=True) as session:
        return do_run(session)


def _tell(summary: RunSummary, echo: Callable[[str], None]) -> None:
    for source in summary.sources:
        state = "complete" if source.complete else "not complete"
        echo(
            f"  {source.source}: {source.documents} documents, {source.changed} records changed, "
            f"{source.requests} requests, {source.seconds:.1f} s, {state}"
        )
    echo(f"  obligations new or changed: {summary.obligations_written}")
    echo(f"  findings opened: {summary.findings_opened}, closed: {summary.findings_closed}")
    echo(f"  reports: {', '.join(summary.reports) or 'none due'}")


def _close(folder: Path, echo: Callable[[str], None], seconds: float) -> None:
    with Session(folder / "hub.toml", clock=FixedClock(parse_instant(SECOND))) as session:
        with judged(session, None, None) as judgement:
            found = list_findings(judgement, states=("open",))
        mails = sorted((folder / "out").glob("*.eml"))
    config = folder / "hub.toml"
    worst = next((row for row in found if row.requirement.endswith("8.2-c")), found[0] if found else None)
    across = next((row for row in found if row.unit.id.startswith("gitlab")), None)
    echo("")
    echo(f"{len(found)} findings are open, {sum(row.severity == 'critical' for row in found)} of them critical.")
    for mail in mails:
        echo(f"Mail: {mail}  (page: {mail.with_suffix('.html')})")
    echo(f"All of it took {seconds:.1f} s. Commands worth trying next:")
    echo(f"  hub findings --config {config} --as-of {SECOND}")
    if worst is not None:
        echo(f"  hub explain {worst.requirement} {worst.unit.key} --config {config}")
    if across is not None:
        echo(f"  hub explain {across.requirement} {across.unit.id} --config {config}")
    echo(f"  hub coverage --gaps --config {config}")
