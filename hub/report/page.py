"""The report as HTML for a mail: one table, inlined styles, nothing remote, no script."""

from __future__ import annotations

from importlib import resources

import css_inline
import jinja2
from markupsafe import Markup

from hub.report.model import Attachment, ReportModel
from hub.report.status import percent
from hub.report.view import View
from hub.report.wording import (
    RESULT_WORDS,
    Days,
    change_sentence,
    clean,
    counts_line,
    period_text,
    plural,
    profile_sentence,
    rate_sentence,
    rule_sentence,
    safe_url,
    subject_line,
    verdict_sentence,
)

__all__ = ["render_html"]

_COLUMNS = ("not_met", "not_provable", "waived", "attested", "met")
_LONGEST = 90


def render_html(model: ReportModel, view: View, attachments: list[Attachment], hosts: frozenset[str]) -> str:
    """Draw the page. Texts from tools are escaped and made one line; links go to `hosts` only."""
    rate = model.counts.rate
    page = _template(hosts).render(
        model=model,
        view=view,
        identity=model.identity,
        counts=model.counts,
        attachments=attachments,
        days=Days(model.identity.period.zone),
        columns=_COLUMNS,
        words=RESULT_WORDS,
        css=Markup(_read("conformance.css")),  # noqa: S704 - a constant of ours
        rate=percent(rate.numerator, rate.denominator).replace(" %", "%").replace("no cases", "-"),
        verdict=verdict_sentence(model),
        changed=change_sentence(model.change),
        rate_text=rate_sentence(model),
        counts_text=counts_line(model),
        period=period_text(model.identity, Days(model.identity.period.zone)),
        subject_line=subject_line(model),
    )
    inliner = css_inline.CSSInliner(load_remote_stylesheets=False)
    inlined = inliner.inline(page.strip())
    # Media queries cannot be inlined: they are added afterwards. Texts are escaped, so the first </head> is ours.
    return inlined.replace("</head>", f"<style>{_read('dark.css')}</style></head>", 1) + "\n"


def _template(hosts: frozenset[str]) -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.FunctionLoader(_read),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_one_line,
    )
    environment.filters |= {"plural": plural, "cut": _cut, "link": lambda url: safe_url(url, hosts)}
    environment.filters |= {"profile_sentence": profile_sentence, "rule_sentence": rule_sentence}
    return environment.get_template("conformance.html")


def _read(name: str) -> str:
    return resources.files("hub.report").joinpath("templates", name).read_text(encoding="utf-8")


def _one_line(value: object) -> object:
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _cut(text: str) -> str:
    text = clean(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
