"""A site made of the fixture's report, for the tests of pages."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import PurePosixPath

from hub.conformance.answer import Answers, Subject
from hub.report.model import ReportModel, encode_model
from hub.report.site.content import Site
from hub.report.site.trend import figures_of, months_of

HOST = "jira.example.test"
_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta"}


def make_site(answers: Answers, *models: ReportModel, **more: object) -> Site:
    """Make the site of the last report; the others stand in its trend."""
    shop = Subject(id="register:services/shop", kind="service", key="shop", title="Shop <b>& Co")
    fields: dict[str, object] = {
        "model": models[-1],
        "rows": answers.requirements,
        "clause_titles": {"8.2": "Change management"},
        "services": [shop, Subject(id="register:services/payroll", kind="service", title="Payroll")],
        "services_of": {f"service-desk:issue/CHG-{n}": [shop.id] for n in (401, 402, 431)},
        "months": months_of([figures_of(encode_model(one)) for one in models], models[-1].identity.period.label),
        "hosts": frozenset({HOST}),
    }
    return Site(**{**fields, **more})


class Page(HTMLParser):
    """A page taken apart; a tag that is not closed in its turn is a fault."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.faults: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self._open]

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> out of turn")

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def links(self) -> list[str]:
        """Every address the page names, wherever."""
        return [a[name] for _, a in self.tags for name in ("href", "src", "action", "data", "poster") if name in a]


def below_root(page: str, href: str) -> str:
    """Resolve a relative address; above the root it has `..`."""
    parts: list[str] = []
    for part in [*PurePosixPath(page).parent.parts, *href.split("#", maxsplit=1)[0].split("/")]:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
