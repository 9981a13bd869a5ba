"""Commented examples of every register file, for `hub init` and for people who begin one.

A line that begins with `## ` explains; one that begins with `# ` is an example row.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from hub_register.schema import FILES

__all__ = ["SCHEMAS", "START", "TEMPLATES", "live", "summary", "uncomment"]

START = (
    "people",
    "roles",
    "teams",
    "services",
    "customers",
    "calendars",
    "waivers",
    "reviews",
    "documents",
    "improvement_actions",
    "disposals",
    "service_reports",
)
"""What `hub init` writes; everything else is begun with `hub register new`."""
SCHEMAS = "schema"
"""Folder beside the files in which editors find what a row may say."""
_EDITOR = "# yaml-language-server:"
_DECLARED = """\
## Every row has an id of its own, and says who vouches for it (declared_by), since when (declared_at)
## and what that rests on (proof: a path, URL or Message-ID; proof_hash: its SHA-256; expires_at: until
## when). What all rows of a file share may stand once in its head; a row that says it again wins. Times
## are local times of `zone` (or of the organisation) unless they carry an offset; a date means the
## midnight it begins with. Change declared_at when you change what a row says.
##
"""


def live(stem: str) -> str:
    """Give a template as the file its examples stand for; the explanations stay comments."""
    text = _example(stem)
    said = "".join(f"{line}\n" for line in text.splitlines() if line.startswith("##"))
    rows = "".join(f"{line}\n" for line in text.splitlines() if not line.startswith("##"))
    return f"{_EDITOR} $schema={SCHEMAS}/{stem}.json\n{said}{_DECLARED}{rows}"


def summary(stem: str) -> str:
    """Say in one line what a file is for: the first sentence of its template."""
    said = " ".join(line.removeprefix("## ") for line in _example(stem).splitlines() if line.startswith("## "))
    return said.partition(". ")[0].rstrip(".") + "."


def uncomment(template: str) -> str:
    """Turn a template into the file its examples stand for; the explanations stay comments."""
    kept = ("##", _EDITOR)
    lines = (line if line.startswith(kept) else line.removeprefix("# ") for line in template.splitlines())
    return "\n".join(lines) + "\n"


def _comment(text: str) -> str:
    return "".join(f"{line}\n" if line.startswith("#") else f"# {line}\n" for line in text.splitlines())


@cache
def _example(stem: str) -> str:
    return resources.files("hub_register").joinpath("template", f"{stem}.yaml").read_text(encoding="utf-8")


TEMPLATES: dict[str, str] = {f"{stem}.yaml": _comment(live(stem)) for stem in FILES}
"""File name to its commented example; together they are one consistent register."""
