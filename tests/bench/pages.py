"""How fast a report becomes pages, how large they are, and how fast a browser opens them.

python -m tests.bench.pages

CPU seconds of drawing and writing; of a page the main thread's time in Chromium (its `TaskDuration`), from
opening to load, and of the search from a key to the hits.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from playwright.sync_api import sync_playwright

from hub.report.compile import compile_conformance
from hub.report.site import address
from hub.report.site.content import Site
from hub.report.site.folder import publish
from hub.report.site.page import site_files
from tests.report.conftest import at, finding, identity, realistic, ticket
from tests.report.site_pages import make_site

__all__: list[str] = []

OWNERS = ("register:people/clara", "register:people/paul", "register:people/dana")
PARTS = ("8.2-b", "8.2-c", "8.2-d", "8.2-e", "7.2-a", "7.2-b", "7.2-d")
WORDS = ("Upgrade of the shop's database", "New firewall rules", "Payroll calculation fix", "Load balancer swap")


def make(number: int) -> Site:
    """Spread findings over seven requirements, three owners and a service."""
    units = [ticket("change", f"CHG-{n}", f"{WORDS[n % len(WORDS)]} {n}") for n in range(number)]
    rows = [finding(n, PARTS[n % len(PARTS)], unit, OWNERS[n % len(OWNERS)]) for n, unit in enumerate(units)]
    answers = msgspec.structs.replace(realistic(earlier=False), findings=rows)
    model = compile_conformance(answers, identity=identity("2026-10", at("2026-11-03T08:00")), previous=None)
    return make_site(answers, model, services_of={unit.id: ["register:services/shop"] for unit in units})


def opened(folder: Path, names: Sequence[str]) -> list[tuple[str, int, float]]:
    """Open each page in a real Chromium: name, bytes, ms of its main thread; at last the search."""
    told = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name in names:
            page = browser.new_page()
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable")

            def busy(session=session) -> float:
                metrics = session.send("Performance.getMetrics")["metrics"]
                return next(one["value"] for one in metrics if one["name"] == "TaskDuration") * 1000

            before = busy()
            page.goto((folder / name).as_uri())
            told.append((name, (folder / name).stat().st_size, busy() - before))
            if name == "search.html":
                before = busy()
                page.get_by_role("searchbox").press_sequentially("firewall 99")
                told.append(("search, eleven keys", (folder / "search-index.js").stat().st_size, busy() - before))
            page.close()
        browser.close()
    return told


def main() -> None:
    """Print a table of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", type=int, default=10_000)
    number = parser.parse_args().findings
    site = make(number)
    with tempfile.TemporaryDirectory() as place:
        begun = time.process_time()
        done = publish(Path(place) / "pages", "bench", site_files(site))
        spent = time.process_time() - begun
        print(f"{number:,} findings: {spent:.1f} s CPU, {done.files:,} files, {done.size / 1e6:.1f} MB\n")
        names = ["index.html", "findings.html", address.requirement_page("bs15000-8.2-c")]
        names += [address.service_page("register:services/shop"), "search.html"]
        print("| page | KB | ms |\n|---|---|---|")
        for name, size, busy in opened(done.folder, names):
            print(f"| {name} | {size / 1000:,.0f} | {busy:,.0f} |")


if __name__ == "__main__":
    main()
