"""Small faults put into a module on purpose: one comparison, word of SQL, number or condition at a time."""

from __future__ import annotations

import ast
import copy
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["Mutant", "mutants"]

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_NAMES = {
    "and_": "or_",
    "or_": "and_",
    "min": "max",
    "max": "min",
    "is_": "is_not",
    "is_not": "is_",
    "any": "all",
    "all": "any",
    "earlier_of": "later_of",
    "later_of": "earlier_of",
    "true": "false",
    "false": "true",
}
_SQL = (
    ("<=", "<"),
    (">=", ">"),
    (" < ", " <= "),
    (" > ", " >= "),
    ("<>", "="),
    (" AND ", " OR "),
    (" OR ", " AND "),
    ("IS NULL", "IS NOT NULL"),
    ("IS NOT NULL", "IS NULL"),
    ("NOT EXISTS", "EXISTS"),
    (" NOT {", " {"),
)
"""Words of SQL in a text -> what stands there instead."""
_LOOKS_LIKE_SQL = re.compile(r"\b(CASE|WHEN|SELECT|THEN|AND|OR|NULL|coalesce)\b")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one fault in it."""

    key: str
    """Where and what: `function: before -> after`, with `#2` for the second of the same."""
    line: int
    source: str
    """Text of the whole module."""


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module's text, in the order of its lines; docstrings and annotations stay as they are."""
    tree = ast.parse(source)
    seen: Counter[str] = Counter()
    for place, (owner, node) in enumerate(_places(tree)):
        for number, (before, after, _) in enumerate(_changes(node)):
            made = copy.deepcopy(tree)
            _, twin = list(_places(made))[place]
            list(_changes(twin))[number][2]()
            key = f"{owner}: {before} -> {after}"
            seen[key] += 1
            again = f" #{seen[key]}" if seen[key] > 1 else ""
            yield Mutant(key + again, getattr(node, "lineno", 0), ast.unparse(ast.fix_missing_locations(made)))


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    yield from _inside(tree, "module")


def _inside(node: ast.AST, owner: str) -> Iterator[tuple[str, ast.AST]]:
    body = getattr(node, "body", None)
    first = body[0] if isinstance(body, list) and body else None
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            told = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if not isinstance(child, ast.AST) or (told and (child is first or isinstance(node, ast.Module))):
                continue
            if isinstance(child, ast.Assign) and ast.unparse(child.targets[0]) == "__all__":
                continue
            inner = child.name if isinstance(child, ast.FunctionDef | ast.ClassDef) else owner
            yield inner, child
            yield from _inside(child, inner)


_Change = tuple[str, str, Callable[[], None]]


def _changes(node: ast.AST) -> Iterator[_Change]:
    """Yield what may be changed of one node: text before, text after, and the act itself."""
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            if type(operator) in _COMPARISONS:
                yield _replacing(node, node.ops, index, _COMPARISONS[type(operator)]())
    elif isinstance(node, ast.BoolOp):
        yield _setting(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        yield _setting(node, "op", _ARITHMETIC[type(node.op)]())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        yield _setting(node, "op", ast.UAdd())
    elif isinstance(node, ast.If | ast.IfExp):
        yield _setting(node, "test", ast.UnaryOp(ast.Not(), node.test), shown=node.test)
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Constant):
        yield from _constants(node)


def _calls(node: ast.Call) -> Iterator[_Change]:
    named = node.func
    if isinstance(named, ast.Name) and named.id in _NAMES:
        yield _setting(named, "id", _NAMES[named.id], shown=node)
    elif isinstance(named, ast.Attribute) and named.attr in _NAMES:
        yield _setting(named, "attr", _NAMES[named.attr], shown=node)


def _constants(node: ast.Constant) -> Iterator[_Change]:
    value = node.value
    if isinstance(value, bool):
        yield _setting(node, "value", not value)
    elif isinstance(value, int):
        yield _setting(node, "value", value + 1)
    elif isinstance(value, str) and _LOOKS_LIKE_SQL.search(value):
        for old, new in _SQL:
            for found in re.finditer(re.escape(old), value):
                yield _setting(node, "value", value[: found.start()] + new + value[found.end() :])


def _replacing(node: ast.AST, items: list[ast.cmpop], index: int, new: ast.cmpop) -> _Change:
    before, old = ast.unparse(node), items[index]
    items[index] = new
    after = ast.unparse(node)
    items[index] = old
    return before, after, lambda: items.__setitem__(index, new)


def _setting(node: ast.AST, name: str, new: object, *, shown: ast.AST | None = None) -> _Change:
    told = shown or node
    before, old = ast.unparse(told), getattr(node, name)
    setattr(node, name, new)
    after = ast.unparse(getattr(node, name)) if told is old and isinstance(new, ast.AST) else ast.unparse(told)
    setattr(node, name, old)
    return before, after, lambda: setattr(node, name, new)
