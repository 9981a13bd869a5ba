"""Commented examples of every register file, for `hub init` and for people who begin one.

A line that begins with `## ` explains; one that begins with `# ` is an example row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from importlib import resources
from typing import Any

from hub_register.reader import read_text
from hub_register.schema import FILES

__all__ = ["SCHEMAS", "START", "START_FILES", "TEMPLATES", "csv_template", "example", "live", "summary", "uncomment"]

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
    said = "".join(f"{line}\n" for line in _example(stem).splitlines() if line.startswith("##"))
    _, rows = example(stem)
    return f"{_EDITOR} $schema={SCHEMAS}/{stem}.json\n{said}{_DECLARED}{rows}"


def summary(stem: str) -> str:
    """Say in one line what a file is for: the first sentence of its template."""
    said, _ = example(stem)
    return said.partition(". ")[0].rstrip(".") + "."


def example(stem: str) -> tuple[str, str]:
    """Give what a template explains, as one text, and its example file without the explanations."""
    lines = _example(stem).splitlines()
    said = " ".join(line.removeprefix("## ") for line in lines if line.startswith("## "))
    return said, "".join(f"{line}\n" for line in lines if not line.startswith("##"))


def uncomment(template: str) -> str:
    """Turn a template into the file its examples stand for; the explanations stay comments."""
    kept = ("##", _EDITOR)
    lines = (line if line.startswith(kept) else line.removeprefix("# ") for line in template.splitlines())
    return "\n".join(lines) + "\n"


def csv_template(stem: str, *, rows: bool) -> str:
    """Give the header of a CSV file, and with `rows` the first example of the template.

    Declaration and everything the example fills are columns; add others by their names.
    """
    top = read_text(_example(stem), stem).value
    assert isinstance(top, dict)  # noqa: S101 - our own file
    given = top["rows"].value
    assert isinstance(given, list)  # noqa: S101 - the same
    row: dict[str, Any] = given[0].plain()
    head = {
        "id": row["id"],
        **{key: top[key].plain() for key in ("declared_by", "declared_at")},
        "proof": row.get("proof") or top["proof"].plain(),
    }
    cells = dict(_flat({**head, **row}, ""))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(cells)
    if rows:
        writer.writerow(cells.values())
    return text.getvalue()


def _flat(value: dict[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        match item:
            case dict():
                yield from _flat(item, f"{above}{key}.")
            case [dict(), *_]:
                for number, one in enumerate(item, 1):
                    yield from _flat(one, f"{above}{key}.{number}.")
            case list():
                yield f"{above}{key}", "; ".join(item) or "[]"
            case _:
                yield f"{above}{key}", item


def _comment(text: str) -> str:
    return "".join(f"{line}\n" if line.startswith("#") else f"# {line}\n" for line in text.splitlines())


@cache
def _example(stem: str) -> str:
    return resources.files("hub_register").joinpath("template", f"{stem}.yaml").read_text(encoding="utf-8")


class _Written(Mapping[str, str]):
    """Texts by name, each written when it is asked for: every command loads this module, few begin a file."""

    def __init__(self, makers: Mapping[str, Callable[[], str]]) -> None:
        self._makers = makers

    def __getitem__(self, name: str) -> str:
        return self._makers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def _commented(stem: str) -> str:
    return _comment(live(stem))


def _schema(stem: str) -> str:
    from hub_register.json_schema import write_schema  # noqa: PLC0415 - the same

    return write_schema(stem)


TEMPLATES: Mapping[str, str] = _Written({f"{stem}.yaml": partial(_commented, stem) for stem in FILES})
"""File name to its commented example; together they are one consistent register."""
START_FILES: Mapping[str, str] = _Written(
    {f"register/{stem}.yaml": partial(_commented, stem) for stem in START}
    | {f"register/{SCHEMAS}/{stem}.json": partial(_schema, stem) for stem in START}
)
"""What `hub init` writes: path to text."""
