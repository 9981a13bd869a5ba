"""The pages in a real Chromium, opened from files: what a reader with eyes, keys or a screen reader meets."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from hub.report.site import address
from hub.report.site.folder import publish
from hub.report.site.page import site_files
from tests.peer import unavailable
from tests.report.site_pages import make_site

pytestmark = pytest.mark.peer
TELEPHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
FOCUS = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
  return {
    place: [...document.querySelectorAll('*')].indexOf(one), tag: one.tagName, href: one.getAttribute('href'),
    outline: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth),
    seen: box.width > 0 && box.left >= 0 && box.top >= 0 && box.top < innerHeight,
  };
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        unavailable("no Chromium: install the package chromium")
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield one
        one.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory, answers, first, report) -> Path:
    folder = tmp_path_factory.mktemp("site") / "pages"
    publish(folder, "r1", site_files(make_site(answers, first, report)))
    return folder


@pytest.fixture(scope="module")
def kinds(answers, report) -> list[str]:
    """One page of every kind."""
    return [
        *(f"{name}.html" for name in ("index", "findings", "services", "changes", "deadlines", "coverage")),
        address.clause_page("8.2"),
        address.requirement_page("bs15000-8.2-c"),
        *(address.finding_page(line.key) for line in report.nonconformities if line.subject.key == "CHG-431"),
        address.service_page("register:services/shop"),
        "search.html#c",
    ]


class Visit:
    """A page with all it said and asked for."""

    def __init__(self, browser: Browser, folder: Path, **more: object) -> None:
        self.folder = folder
        self._context = browser.new_context(**more)
        self._context.set_default_timeout(90_000)
        self.page: Page = self._context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message) or dialog.dismiss())
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, name: str) -> Page:
        self.page.goto("about:blank")
        path, _, part = name.partition("#")
        self.page.goto((self.folder / path).as_uri() + (f"#{part}" if part else ""))
        return self.page

    def outside(self) -> list[str]:
        return [url for url in self.asked if not url.startswith((self.folder.as_uri(), "about:"))]

    def close(self) -> None:
        self._context.close()


@pytest.fixture
def visit(browser, pages) -> Iterator[type]:
    made: list[Visit] = []

    def open_one(**more: object) -> Visit:
        made.append(Visit(browser, pages, **more))
        return made[-1]

    yield open_one
    for one in made:
        one.close()


def _serious(page: Page) -> list[str]:
    # Without `preload` it would read style sheets by requests of its own, which the policy refuses.
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [
        f"{rule['id']}: {node['target']}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", DESKTOP), ("dark", TELEPHONE)], ids=["desktop light", "telephone dark"]
)
def test_every_kind_of_page_is_quiet_asks_nobody_and_can_be_read_by_all(visit, kinds, scheme, size):
    one = visit(viewport=size, color_scheme=scheme)
    grounds = set()
    for name in kinds:
        page = one.open(name)
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"], f"{name} is too wide"
        assert _serious(page) == [], name
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert one.said == []
    assert one.outside() == []
    assert grounds == {"rgb(238, 241, 244)" if scheme == "light" else "rgb(14, 19, 24)"}


def test_chinese_pages_are_as_quiet_and_search_in_chinese(browser, tmp_path, answers, report, kinds):
    told = msgspec.structs.replace(report, identity=msgspec.structs.replace(report.identity, language="zh"))
    publish(tmp_path / "pages", "r1", site_files(make_site(answers, told)))
    one = Visit(browser, tmp_path / "pages", viewport=TELEPHONE)
    for name in ("index.html", kinds[8], "search.html#关键"):
        page = one.open(name)
        assert page.evaluate("document.documentElement.scrollWidth") == TELEPHONE["width"], f"{name} is too wide"
        assert _serious(page) == [], name
        if shown := os.environ.get("HUB_PICTURES"):
            page.screenshot(path=f"{shown}/zh-{name.partition('.')[0].replace('/', '-')}.png", full_page=True)
    assert page.locator("#told").text_content().startswith("找到 ")
    assert page.locator("#hits li").count() > 0
    assert one.said == []
    one.close()


def test_axe_would_have_told(visit):
    page = visit().open("index.html")
    page.evaluate("document.querySelector('.verdict').className = 'soft badge'")
    page.evaluate("document.querySelector('nav').insertAdjacentHTML('beforeend', '<img><a href=\"#x\"></a>')")
    assert {line.split(":")[0] for line in _serious(page)} >= {"image-alt", "link-name"}


def test_the_policy_refuses_what_the_pages_do_not_need(visit):
    one = visit()
    page = one.open("search.html#payroll%20script")
    page.evaluate("""() => {
      const add = (tag, more) => document.body.append(Object.assign(document.createElement(tag), more));
      document.addEventListener('securitypolicyviolation', (e) => (window.refused ||= []).push(e.effectiveDirective));
      add('script', {textContent: 'window.ran = 1'});
      add('style', {textContent: 'body { display: none }'});
      add('img', {src: 'https://outside.example/x.png'});
      add('iframe', {src: 'https://outside.example/'});
      fetch('https://outside.example/').catch(() => 0);
    }""")
    page.wait_for_function("window.refused?.length >= 5")
    told = {"script-src-elem", "style-src-elem", "img-src", "frame-src", "connect-src"}
    assert set(page.evaluate("window.refused")) == told
    assert page.evaluate("[window.ran, getComputedStyle(document.body).display]") == [None, "block"]
    assert page.locator("#told").inner_text() == "1 found.", "its own script ran under the same policy"


def test_it_searches_without_a_server(visit, report):
    one = visit(viewport=TELEPHONE)
    page = one.open("search.html")
    page.get_by_label("Clause, requirement").fill("<SCRIPT>  payroll")
    hit = page.locator("#hits a")
    assert (page.locator("#told").inner_text(), hit.all_inner_texts()) == ("1 found.", ["CHG-431"])
    assert "<script>alert(1)</script>" in page.locator("#hits").inner_text()
    hit.click()
    assert "<script>alert(1)</script>" in page.locator("h1").inner_text()
    page.go_back()
    assert page.locator("#told").inner_text() == "1 found.", "back shows the hits again"
    page.get_by_label("Clause, requirement").fill("8.2")
    assert page.locator("#hits a").first.inner_text() == "8.2", "the thing itself before what only mentions it"
    page.get_by_label("Clause, requirement").fill("<b>")
    assert page.locator("#hits a").all_inner_texts() == ["Shop <b>& Co"]
    page.get_by_label("Clause, requirement").fill("no such word")
    assert page.locator("#told").inner_text() == "0 found."
    one.open("search.html#%")
    assert one.said == one.outside() == []
    still = visit(java_script_enabled=False).open("search.html")
    assert "Searching needs JavaScript" in still.locator("main").inner_text()


def test_keys_alone_reach_everything_and_one_sees_where_one_is(visit):
    one = visit(viewport=DESKTOP)
    page = one.open("index.html")
    page.keyboard.press("Tab")
    skip = page.evaluate(FOCUS)
    assert (skip["href"], skip["seen"]) == ("#main", True)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)"), "the menu was skipped"
    page = one.open("index.html")
    wanted = page.evaluate("""() => [...document.querySelectorAll('*')].flatMap((one, place) =>
      one.matches('a[href], input, button, [tabindex="0"]') ? [place] : [])""")
    met = []
    for _ in wanted:
        page.keyboard.press("Tab")
        met.append(page.evaluate(FOCUS))
    assert [where["place"] for where in met] == wanted, "all of them, in the order they are read"
    assert [where for where in met if not where["seen"] or where["outline"] < 2] == []
    page = one.open("search.html")
    for _ in range(9):
        page.keyboard.press("Tab")
    page.keyboard.type("payroll script")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/finding/*.html")


def test_on_a_telephone_the_clause_stays_beside_its_figures(visit):
    page = visit(viewport=TELEPHONE).open("index.html")
    region = page.locator(".scroll").first
    region.focus()
    page.keyboard.press("End")
    region.evaluate("(one) => { one.scrollLeft = 200; }")
    clause = page.locator(".heat tbody th").first
    assert region.evaluate("(one) => one.scrollLeft") > 100, "the table is wider than the screen and can be moved"
    assert clause.evaluate("(one) => one.getBoundingClientRect().left") >= 0
