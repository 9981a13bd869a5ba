"""Both tools of the organisation in one process: `python -m hub_sandbox.serving` prints their addresses and serves."""

from __future__ import annotations

import argparse
import threading

from hub.clock import parse_instant
from hub_sandbox.gitlab_server import GitlabServer
from hub_sandbox.jira_server import JiraServer
from hub_sandbox.organisation import Organisation

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m hub_sandbox.serving", description="Serve the simulated organisation's Jira and GitLab."
    )
    parser.add_argument("--now", default="2026-11-03T08:00:00Z", help="virtual instant, with an offset")
    parser.add_argument("--seed", type=int, default=20000)
    chosen = parser.parse_args(arguments)
    organisation, now = Organisation(chosen.seed), parse_instant(chosen.now)
    with (
        JiraServer(organisation, clock_ms=now) as jira,
        GitlabServer(organisation.shipping.content, clock_ms=now) as gitlab,
    ):
        print(jira.url, gitlab.url, flush=True)  # noqa: T201 - the command's output
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
