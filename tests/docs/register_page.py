"""Writes docs/register.md from the records, the templates and the commands' help: `make docs`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from msgspec import inspect

from hub.records import KINDS, Period, Record
from hub_register.command import app
from hub_register.description import field_texts, kind_text
from hub_register.json_schema import DECLARATION
from hub_register.schema import ALIASES, FILES, RECORDED, REQUIRED, row_fields, struct_fields, unwrap
from hub_register.templates import example
from tests.docs.command_page import command_section

PAGE = Path(__file__).resolve().parents[2] / "docs" / "register.md"
INTRODUCTION = Path(__file__).with_name("register_introduction.md")


def register_page() -> str:
    """Return the page: how the register is kept, its commands, every kind with fields and an example."""
    lines = ["# The register", "", INTRODUCTION.read_text(encoding="utf-8").strip(), "", "## Commands", ""]
    for name, command in typer.main.get_group(app).commands.items():
        lines += [
            f"#{line}" if line.startswith("## ") else line for line in command_section(f"hub register {name}", command)
        ]
    shared = set(struct_fields(Record))
    lines += ["## Fields every row may have", "", *_table()]
    lines += [f"| `{name}` | | {text} |" for name, text in DECLARATION.items()]
    lines += list(_fields({k: v for k, v in row_fields("team").items() if k in shared}, field_texts(Record)))
    lines += ["", "## Kinds", ""]
    for stem, kind in FILES.items():
        lines += _kind(stem, kind, shared)
    return "\n".join(lines).rstrip() + "\n"


def _kind(stem: str, kind: str, shared: set[str]) -> list[str]:
    said = dict(field_texts(KINDS[kind]))
    said |= {key: said[name] for key, name in ALIASES.get(kind, {}).items()}
    own = {
        name: field for name, field in row_fields(kind).items() if name not in shared or name in ALIASES.get(kind, {})
    }
    explained, rows = example(stem)
    lines = [f"### `{stem}`", "", f"{kind_text(kind)} {explained}", ""]
    lines += [
        f"A row has at least {', '.join(f'`{name}`' for name in REQUIRED[kind])}." if kind in REQUIRED else "",
        "",
    ]
    for name, of in RECORDED.get(kind, {}).items():
        lines += [f"`{name}` is not written: it is since when `{of}` holds.", ""]
    return [*lines, *_table(), *_fields(own, said), "", "```yaml", rows.rstrip(), "```", ""]


def _table() -> list[str]:
    return ["| field | form | meaning |", "|---|---|---|"]


def _fields(fields: Mapping[str, inspect.Field], said: Mapping[str, str], above: str = "") -> Iterator[str]:
    for name, field in fields.items():
        yield f"| `{above}{name}` | {_form(field.type)} | {said.get(name, '').replace('|', '/')} |"
        kind, _ = unwrap(field.type)
        if isinstance(kind, inspect.ListType):
            kind, _ = unwrap(kind.item_type)
        if isinstance(kind, inspect.StructType) and kind.cls is not Period:
            yield from _fields(struct_fields(kind.cls), field_texts(kind.cls), f"{above}{name}.")


def _form(described: inspect.Type) -> str:
    kind, marks = unwrap(described)
    if "unit" in marks:
        return str(marks["unit"])
    if "ref" in marks:
        stems = [stem for stem, of in FILES.items() if issubclass(KINDS[of], KINDS.get(marks["ref"], Record))]
        return "reference" if marks["ref"] == "any" or not stems else f"reference to {' or '.join(stems)}"
    forms: dict[type[inspect.Type], Any] = {
        inspect.BoolType: "true or false",
        inspect.IntType: "whole number",
        inspect.FloatType: "number",
        inspect.DictType: "map",
    }
    match kind:
        case inspect.ListType():
            return f"list of {_form(kind.item_type)}"
        case inspect.LiteralType():
            return " · ".join(str(word) for word in kind.values)
        case inspect.StructType():
            return "month, or `start` and `end`" if kind.cls is Period else "parts"
        case _:
            return str(forms.get(type(kind), "text"))


if __name__ == "__main__":
    PAGE.write_text(register_page(), encoding="utf-8")
