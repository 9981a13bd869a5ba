"""The report as HTML for a mail: tables, inlined styles, nothing remote, no script."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import css_inline
import jinja2
from markupsafe import Markup

from hub.report.language.words import ENGLISH, Days, Words
from hub.report.model import ReportModel
from hub.report.section.block import Block, Section
from hub.report.section.telling import Telling
from hub.report.status import told
from hub.report.view import View
from hub.report.wording import change_sentence, clean, safe_url, subject_line, verdict_sentence

__all__ = ["read_template", "render_html", "template"]

_LONGEST = 90


def render_html(
    model: ReportModel, view: View, sections: list[Section], hosts: frozenset[str], words: Words = ENGLISH
) -> str:
    """Draw the page. Texts from tools are escaped and made one line; links go to `hosts` only."""
    rate = model.counts.rate
    kept, levels = model.levels_kept
    days = Days(model.identity.zone, words)
    page = template(hosts).render(
        model=model,
        identity=model.identity,
        counts=model.counts,
        sections=sections,
        say=words,
        first=_first(Telling(model, view, words, days)),
        css=Markup(read_template("conformance.css")),  # noqa: S704 - a constant of ours
        rate=words.percent(rate.numerator, rate.denominator).replace(" %", "%") if rate.denominator else "-",
        levels=f"{kept}/{levels}",
        verdict=verdict_sentence(model, words),
        changed=change_sentence(model.change, words),
        reasons=[told(one, words) for one in model.status.said] or model.status.reasons,
        subject_line=subject_line(model),
    )
    inliner = css_inline.CSSInliner(load_remote_stylesheets=False)
    inlined = inliner.inline(page.strip())
    # Media queries cannot be inlined: they are added afterwards. Texts are escaped, so the first </head> is ours.
    return inlined.replace("</head>", f"<style>{read_template('dark.css')}</style></head>", 1) + "\n"


def _first(t: Telling) -> dict[str, object] | None:
    """Say in one line what to do before all else."""
    if not t.view.actions.shown:
        return None
    action, say = t.view.actions.shown[0], t.words
    more = " " + say("and {n} more", n=action.more) if action.more else ""
    late = f" ({say('LATE')})" if action.late else ""
    return {
        "sentence": action.sentence,
        "subject": t.subject(action.subject),
        "facts": more + say.list(["", t.owner(action.owner), t.due(action.due_at)]) + late,
    }


@lru_cache(maxsize=8)
def template(hosts: frozenset[str], name: str = "conformance.html") -> jinja2.Template:
    """Load a page's template: all texts are escaped and made one line, links go to `hosts` only."""
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.FunctionLoader(read_template),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_one_line,
    )
    environment.filters |= {"cut": _cut, "link": lambda url: safe_url(url, hosts), "kind": _kind}
    return environment.get_template(name)


def _kind(block: Block) -> str:
    return type(block).__name__


def read_template(name: str) -> str:
    """Return a file of the templates as it is."""
    return resources.files("hub.report").joinpath("templates", name).read_text(encoding="utf-8")


def _one_line(value: object) -> object:
    return _cleaned(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _cleaned(text: str) -> str:
    """Make it one line; a space before or after it joins it to its neighbours."""
    before, after = (" " if text[:1] == " " else ""), (" " if text[1:][-1:] == " " else "")
    return f"{before}{clean(text)}{after}"


def _cut(text: str) -> str:
    text = clean(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
