"""What each field of a record means: the docstring beneath it, read from the source of its module."""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from typing import TYPE_CHECKING

from hub.records import KINDS
from hub_register.schema import struct_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["field_texts", "kind_text"]


def kind_text(kind: str) -> str:
    """Say what a record of a kind is, in one line."""
    return (KINDS[kind].__doc__ or "").partition("\n")[0]


@cache
def field_texts(struct: type) -> Mapping[str, str]:
    """Give what the fields of a struct mean, by the name they are written with; empty where no source is at hand."""
    said: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        said |= _documented(base.__module__).get(base.__name__, {})
    return {written: said[field.name] for written, field in struct_fields(struct).items() if field.name in said}


@cache
def _documented(module: str) -> Mapping[str, Mapping[str, str]]:
    """Read the docstrings of a module's classes: class -> attribute -> text."""
    if not module.startswith("hub.records"):
        return {}
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except OSError:  # installed without sources
        return {}
    return {node.name: dict(_attributes(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _attributes(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for attribute, following in zip(node.body, node.body[1:], strict=False):
        match attribute, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, " ".join(text.split())
            case _:
                pass
