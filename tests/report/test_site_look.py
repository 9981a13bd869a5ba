from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import pytest

from hub.report.site.folder import publish
from hub.report.site.page import site_files
from tests.report.site_pages import make_site

CSS = resources.files("hub.report").joinpath("templates", "site", "site.css").read_text(encoding="utf-8")
_COLOUR = r"--([\w-]+): (#[0-9a-f]{6});"
_LIGHT, _DARK = CSS.split("@media (prefers-color-scheme: dark)", 1)
LIGHT = dict(re.findall(_COLOUR, _LIGHT))
DARK = LIGHT | dict(re.findall(_COLOUR, _DARK))
FAMILIES = ("bad", "unknown", "warn", "good")
ON_SHEET = ("text", "soft", "link", "bad", "unknown", "warn", "good")
MEET = [
    *((name, ground, 4.5) for name in ("text", "soft", "link") for ground in ("page", "sheet")),
    *((name, "sheet", 4.5) for name in ON_SHEET),
    *(("on-badge", name, 4.5) for name in (*FAMILIES, "none")),
    *(("text", f"{name}-{step}", 4.5) for name in (*FAMILIES, "none") for step in range(1, 5)),
    ("focus", "page", 3.0),
    ("focus", "sheet", 3.0),
    ("curve", "sheet", 3.0),
]


def _light_of(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Ratio after WCAG 2.2, 1 to 21."""
    low, high = sorted((_light_of(one), _light_of(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_what_meets_can_be_told_apart(palette):
    poor = {(a, b): round(ratio, 2) for a, b, least in MEET if (ratio := contrast(palette[a], palette[b])) < least}
    assert poor == {}


def test_every_colour_is_a_variable_and_has_a_dark_one():
    rest = re.sub(_COLOUR, "", CSS)
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(|hsl", rest) == []
    assert set(re.findall(_COLOUR.split(": ", maxsplit=1)[0], CSS)) >= {"text"}
    assert dict(re.findall(_COLOUR, _DARK)).keys() == LIGHT.keys()
    assert set(re.findall(r"var\(--([\w-]+)\)", CSS)) <= LIGHT.keys()
    assert round(contrast("#000000", "#ffffff")) == 21


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found:
        return found
    if os.environ.get("CI"):
        pytest.fail("no Chromium: install the package chromium")
    pytest.skip("no Chromium: install the package chromium")


@pytest.fixture(scope="module")
def pages(tmp_path_factory, answers, first, report) -> Path:
    folder = tmp_path_factory.mktemp("site") / "pages"
    publish(folder, "r1", site_files(make_site(answers, first, report)))
    return folder


@pytest.mark.peer
def test_a_real_browser_searches_from_a_file(chromium, pages, tmp_path):
    """The page is opened from a file, under its own policy: script and index run, and nothing was refused."""
    called = subprocess.run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path}", "--virtual-time-budget=2000"),
            *("--dump-dom", f"{(pages / 'search.html').as_uri()}#payroll%20script"),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert "1 found." in called.stdout
    assert re.search(r'<a href="finding/\w+\.html">CHG-431</a>', called.stdout)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in called.stdout
    assert not re.search(r"CONSOLE|Content Security Policy", called.stderr), called.stderr
