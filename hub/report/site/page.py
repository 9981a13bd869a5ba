"""Draws the pages. The same report gives the same bytes; texts from tools are escaped, made one line and cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

import jinja2
from markupsafe import Markup

from hub.clock import format_instant
from hub.report.attachment import findings_csv, manifest_json
from hub.report.language.words import Words, words_of
from hub.report.model import Identity
from hub.report.site import address
from hub.report.site.content import HEAT, RequirementLine, ServiceLine, Site
from hub.report.site.search import index_script
from hub.report.site.trend import chart_of
from hub.report.status import told as said
from hub.report.view import scopes, view_of
from hub.report.wording import (
    RESULT_WORDS,
    Days,
    change_sentence,
    clean,
    counts_line,
    period_text,
    profile_sentence,
    rate_sentence,
    rule_sentence,
    safe_url,
    verdict_sentence,
)

__all__ = ["POLICY", "site_files"]

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'none'; connect-src 'none'; "
    "base-uri 'none'; form-action 'none'"
)
"""Content-Security-Policy of every page: files beside it, nothing inline, nothing from elsewhere."""
_A_PAGE = 100
_LONGEST = 200
_CHANGES = 200


def site_files(site: Site) -> Iterator[tuple[str, bytes]]:
    """Give every file of the site: its path below the root, with `/`, and its bytes (UTF-8, LF)."""
    draw, say = _Drawing(site), words_of(site.model.identity.language)
    for name in ("site.css", "search.js"):
        yield name, _read(name).encode()
    yield "search-index.js", index_script(site).encode()
    yield "findings.csv", findings_csv(site.model, site.hosts)
    yield "evidence-manifest.json", manifest_json(site.model)
    yield draw.page("index.html", "overview", say("Overview"), **_overview(site))
    yield draw.page("changes.html", "changes", say("Changes"), most=_CHANGES)
    yield draw.page("coverage.html", "coverage", say("Coverage"), scopes=scopes(site.model.coverage))
    yield draw.page("search.html", "search", say("Search"))
    yield draw.page("services.html", "services", say("Services"))
    hidden = len(site.model.nonconformities) - len(site.told)
    yield from draw.parts("findings.html", "findings", say("Findings"), site.told, hidden=hidden)
    yield from draw.parts("deadlines.html", "deadlines", say("Deadlines"), site.model.coming)
    for clause in site.clauses:
        title = f"{say('Clause {clause}', clause=clause.id)} {clause.title}"
        yield draw.page(address.clause_page(clause.id), "clause", title, one=clause)
    for requirement in site.requirements.values():
        yield from _of_requirement(draw, requirement)
    for service in site.service_lines:
        yield from _of_service(draw, service, site)
    for line in site.model.nonconformities:
        about = line.subject
        title = f"{about.key or about.title or about.id}: {line.requirement}"
        yield draw.page(address.finding_page(line.key), "finding", title, one=line, services=site.services_about(line))


def _overview(site: Site) -> dict[str, Any]:
    actions = view_of(site.model).actions
    first: dict[tuple[str, str], str] = {}
    for line in site.model.nonconformities:
        if line.state == "open":
            first.setdefault((line.requirement, line.subject.id), address.finding_page(line.key))
    return {
        "actions": [
            (one, first.get((one.requirement, one.subject.id), address.requirement_page(one.requirement)))
            for one in actions.shown
        ],
        "more": actions.more,
        "chart": chart_of(list(site.months)),
    }


def _of_requirement(draw: _Drawing, one: RequirementLine) -> Iterator[tuple[str, bytes]]:
    page = address.requirement_page(one.id)
    return draw.parts(page, "requirement", f"{one.id} {one.title}", one.findings, one=one)


def _of_service(draw: _Drawing, one: ServiceLine, site: Site) -> Iterator[tuple[str, bytes]]:
    title = one.subject.title or one.subject.key or one.subject.id
    shown = site.shown(one.findings)
    hidden = len(one.findings) - len(shown)
    return draw.parts(address.service_page(one.subject.id), "service", title, shown, one=one, hidden=hidden)


class _Drawing:
    """The templates with what all pages share."""

    def __init__(self, site: Site) -> None:
        model, say = site.model, words_of(site.model.identity.language)
        days = Days(model.identity.zone, say)
        self._say = say
        environment = jinja2.Environment(
            autoescape=True,
            loader=jinja2.FunctionLoader(_read),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_one_line,
        )
        environment.filters |= {
            "plural": say.count,
            "cut": _cut,
            "link": lambda url: safe_url(url, site.hosts),
            "instant": format_instant,
            "host": lambda url: urlsplit(url).hostname,
            "profile_sentence": partial(profile_sentence, words=say),
            "rule_sentence": partial(rule_sentence, words=say),
            "clause_page": address.clause_page,
            "requirement_page": address.requirement_page,
            "service_page": address.service_page,
            "finding_page": address.finding_page,
        }
        environment.globals |= {
            "site": site,
            "model": model,
            "identity": model.identity,
            "counts": model.counts,
            "day": lru_cache(days.day),
            "iso": days.iso,
            "minute": lru_cache(days.minute),
            "both": lru_cache(days.both),
            "say": say,
            "words": {verdict: say(word) for verdict, word in RESULT_WORDS.items()},
            "reasons": [said(one, say) for one in model.status.said] or model.status.reasons,
            "versions": _versions(model.identity, say),
            "heat": HEAT,
            "percent": say.percent,
            "policy": Markup(POLICY),  # noqa: S704 - a constant of ours
            "verdict": verdict_sentence(model, say),
            "changed": change_sentence(model.change, say),
            "rate_text": rate_sentence(model, say),
            "counts_text": counts_line(model, say),
            "period": period_text(model.identity, say),
            "menu": lru_cache(lambda root, path, here: self._part("menu.html", root=root, path=path, here=here)),
            "foot": lru_cache(lambda: self._part("foot.html")),
        }
        self._environment = environment

    def _part(self, name: str, **more: Any) -> Markup:
        """Draw once what many pages have in common."""
        return Markup(self._environment.get_template(name).render(**more).rstrip())  # noqa: S704 - escaped when drawn

    def page(self, path: str, kind: str, title: str, **more: Any) -> tuple[str, bytes]:
        """Draw one page; `root` leads from it to the site's root."""
        template = self._environment.get_template(f"{kind}.html")
        drawn = template.render(root="../" * path.count("/"), path=path, title=_cut(title), here=kind, **more)
        return path, drawn.encode() + b"\n"

    def parts(self, path: str, kind: str, title: str, rows: Sequence[Any], **more: Any) -> Iterator[tuple[str, bytes]]:
        """Draw a list in pages of a hundred, each naming the others; an empty list is one page that says so."""
        last = max(1, -(-len(rows) // _A_PAGE))
        for number in range(1, last + 1):
            shown = rows[(number - 1) * _A_PAGE : number * _A_PAGE]
            named = f"{title} ({self._say('page {n} of {whole}', n=number, whole=last)})" if last > 1 else title
            turn = {n: address.page_part(path, n) for n in range(1, last + 1)} if last > 1 else {}
            yield self.page(
                address.page_part(path, number),
                kind,
                named,
                rows=shown,
                total=len(rows),
                before=(number - 1) * _A_PAGE,
                turn=turn,
                number=number,
                **more,
            )


def _versions(identity: Identity, say: Words) -> list[str]:
    told = [
        say("catalogue {version}", version=identity.catalogue_version),
        say("profile {version}", version=identity.profile_version),
        say("time-zone data {version}", version=identity.tz_version),
    ]
    return told + ([say("holidays {version}", version=identity.holidays_version)] if identity.holidays_version else [])


def _read(name: str) -> str:
    return resources.files("hub.report").joinpath("templates", "site", name).read_text(encoding="utf-8")


def _one_line(value: object) -> object:
    return _clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_clean = lru_cache(4096)(clean)


def _cut(text: str) -> str:
    text = _clean(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
