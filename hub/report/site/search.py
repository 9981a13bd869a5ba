"""The index of the search: a script that fills one variable, for a page opened from a file may fetch nothing. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hub.report.language.words import words_of
from hub.report.site.address import clause_page, finding_page, requirement_page, service_page
from hub.report.site.content import Site
from hub.report.wording import RESULT_WORDS, Days, clean

__all__ = ["index_script"]

_LONGEST = 160
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def index_script(site: Site) -> str:
    """Write everything that can be found as [kind, page, name, text, result]; texts are made one line and cut."""
    rows = json.dumps(list(_rows(site)), ensure_ascii=False, separators=(",", ":"))
    for raw, escaped in _UNSAFE.items():
        rows = rows.replace(raw, escaped)
    return f"window.HUB_INDEX={rows};\n"


def _rows(site: Site) -> Iterator[list[str]]:
    say = words_of(site.model.identity.language)
    days = Days(site.model.identity.zone, say)
    for clause in site.clauses:
        yield [say("Clause"), clause_page(clause.id), clause.id, _cut(clause.title), ""]
    for one in site.requirements.values():
        yield [say("Requirement"), requirement_page(one.id), one.id, _cut(one.title), say(RESULT_WORDS[one.verdict])]
    for service in site.service_lines:
        about = service.subject
        result = say("{n} open", n=service.open) if service.open else ""
        yield [
            say("Service"),
            service_page(about.id),
            _cut(about.title or about.key or about.id),
            _cut(about.key),
            result,
        ]
    for line in site.model.nonconformities:
        about = line.subject
        owner = line.owner.label if line.owner else ""
        named = _cut(about.key or about.title or about.id)
        text = _cut(" ".join(filter(None, (line.requirement, about.title, owner))))
        yield [
            say("Finding"),
            finding_page(line.key),
            named,
            text,
            say.list([say(line.severity), say(line.state), say("since {day}", day=days.day(line.breached_at))]),
        ]


def _cut(text: str) -> str:
    return clean(text)[:_LONGEST]
