"""Other programs that read Jira: installed apart from the hub, and how each is run against a given address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Rival", "environment", "rivals"]

_TAP = """
from tap_jira import main
from tap_jira.http import Client

# The tap insists on https; the benchmark's server has no certificate.
Client.url = lambda self, path: self.base_url.rstrip("/") + "/" + path.lstrip("/")
main()
"""
_STREAMS = ("issues", "issue_comments", "changelogs")
_DLT = """
import sys

import dlt
from dlt.sources.rest_api import rest_api_source

url, folder = sys.argv[1:]
paginator = {"type": "offset", "limit": 100, "offset_param": "startAt", "limit_param": "maxResults", "total_path": "total"}
endpoint = {
    "path": "rest/api/2/search",
    "params": {"jql": "updated > 0 order by key", "expand": "changelog", "fields": "*all"},
    "data_selector": "issues",
    "paginator": paginator,
}
source = rest_api_source({"client": {"base_url": url}, "resources": [{"name": "issues", "endpoint": endpoint}]})
pipeline = dlt.pipeline(
    "bench",
    destination=dlt.destinations.duckdb(folder + "/bench.duckdb"),
    dataset_name="jira",
    pipelines_dir=folder + "/pipelines",
)
print(pipeline.run(source))
"""


@dataclass(frozen=True, slots=True)
class Rival:
    """A program to compare with."""

    name: str
    version: str
    prepare: Callable[[str, Path], list[str]]
    """Called with (address, empty folder): writes its configuration, returns its command; standard output is kept."""


def rivals(cache: Path, requirements: Path) -> list[Rival]:
    """Install every program of the requirements that is not there yet; one that cannot be is told and left out."""
    prepared = {"perceval": _perceval, "tap-jira": _tap_jira, "dlt": _dlt}
    found = []
    for line in requirements.read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition("==")
        short = name.partition("[")[0]
        if line.startswith("#") or short not in prepared:
            continue
        if (home := environment(cache, line)) is not None:
            found.append(Rival(short, version, _bound(prepared[short], home / "bin")))
    return found


def environment(cache: Path, requirement: str) -> Path | None:
    """Install a pinned requirement apart from the hub unless it is there; None, told on stderr, where it cannot be."""
    name, _, version = requirement.partition("==")
    short = name.partition("[")[0]
    home = cache / f"{short}-{version}-py{sys.version_info.major}{sys.version_info.minor}"
    if fault := _install(home, requirement):
        print(f"{short} left out, it cannot be installed: {fault}", file=sys.stderr)
        return None
    return home


def _bound(prepare: Callable[[Path, str, Path], list[str]], bin_: Path) -> Callable[[str, Path], list[str]]:
    return lambda url, folder: prepare(bin_, url, folder)


def _install(home: Path, requirement: str) -> str:
    """Make an environment; returns why not, or nothing."""
    if (home / ".ready").exists():
        return ""
    print(f"installing {requirement} into {home}", file=sys.stderr)
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(home)],
        [str(home / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", requirement],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["?"])[-1]
    (home / ".ready").touch()
    return ""


def _perceval(bin_: Path, url: str, _folder: Path) -> list[str]:
    return [str(bin_ / "perceval"), "jira", url, "--no-archive", "-u", "bench", "-p", "bench"]


def _tap_jira(bin_: Path, url: str, folder: Path) -> list[str]:
    """Choose issues with their comments and changelogs, as the hub reads them."""
    (folder / "tap.py").write_text(_TAP, encoding="utf-8")
    account = {"username": "bench", "password": "bench", "user_agent": "bench"}
    config = {"start_date": "2010-01-01T00:00:00Z", "base_url": url, **account}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    command = [str(bin_ / "python"), "tap.py", "--config", "config.json"]
    found = subprocess.run([*command, "--discover"], cwd=folder, capture_output=True, check=True, env=os.environ)
    catalog = json.loads(found.stdout)
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if stream["tap_stream_id"] in _STREAMS and entry["metadata"].get("inclusion") != "automatic":
                entry["metadata"]["selected"] = True
    (folder / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
    return [*command, "--properties", "catalog.json"]


def _dlt(bin_: Path, url: str, folder: Path) -> list[str]:
    (folder / "pipeline.py").write_text(_DLT, encoding="utf-8")
    return [str(bin_ / "python"), "pipeline.py", url, str(folder)]
