"""The part of JQL a reader needs; everything else is refused the way Jira refuses it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hub_sandbox.office_hours import ZONE

if TYPE_CHECKING:
    from hub_sandbox.timeline import Issue

__all__ = ["JqlError", "Query", "parse_jql"]

_TOKEN = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(>=|<=|!=|=|>|<|\(|\)|,)|([^\s"'()=<>!,]+))""")
_TIME = re.compile(r"(\d{4})[-/](\d\d?)[-/](\d\d?)(?: (\d\d?):(\d\d))?")
_FORMATS = "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
_TIME_FIELDS = ("updated", "created")
_ORDER_FIELDS = ("id", "key", "updated", "created")
_VALUE_FIELDS = {
    "project": "project",
    "id": "id",
    "issue": "id",
    "key": "id",
    "issuekey": "id",
    "issuetype": "issuetype",
    "type": "issuetype",
}


class JqlError(Exception):
    """Jira would answer 400 with this message."""


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed search."""

    tests: tuple[Test, ...]
    order: tuple[tuple[str, bool], ...]
    """(field, descending)."""


@dataclass(frozen=True, slots=True)
class Test:
    """One clause: a field is one of some values, or a time stands on one side of another."""

    field: str
    operator: str
    values: tuple[str, ...] = ()
    instant: int = 0

    def holds(self, issue: Issue, now_ms: int, resolve: Callable[[str], int | None]) -> bool:
        """Tell whether an issue passes at an instant; `resolve` turns a key or id into an id."""
        match self.field:
            case "updated" | "created":
                at = issue.created_at if self.field == "created" else issue.updated_at(now_ms)
                return {
                    ">=": at >= self.instant,
                    ">": at > self.instant,
                    "<": at < self.instant,
                    "<=": at <= self.instant,
                }[self.operator]
            case "id":
                return issue.id in {resolve(value) for value in self.values}
            case "project":
                return issue.project_at(now_ms).casefold() in self.values
            case _:
                return str(issue.value_at(self.field, now_ms)).casefold() in self.values


def parse_jql(text: str) -> Query:
    """Parse a search. Raises JqlError for what this Jira does not know."""
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, bool]] = []
        position = 0
        while text[position:].strip():
            found = _TOKEN.match(text, position)
            if found is None:
                raise JqlError(
                    f"Error in the JQL Query: The character '{text[position:].strip()[0]}' is a reserved JQL character."
                )
            double, single, symbol, word = found.groups()
            quoted = double if double is not None else single
            self._tokens.append((symbol or word, False) if quoted is None else (re.sub(r"\\(.)", r"\1", quoted), True))
            position = found.end()

    def parse(self) -> Query:
        tests: list[Test] = []
        if self._tokens and not self._at("ORDER"):
            tests.append(self._clause())
            while self._at("AND"):
                self._take()
                tests.append(self._clause())
        order: list[tuple[str, bool]] = []
        if self._at("ORDER"):
            self._take()
            self._expect("BY")
            order.append(self._sorting())
            while self._at(","):
                self._take()
                order.append(self._sorting())
        if self._tokens:
            raise JqlError(
                f"Error in the JQL Query: Expecting either 'AND' or 'ORDER BY' but got '{self._tokens[0][0]}'. (line 1, character 1)"
            )
        return Query(tuple(tests), tuple(order))

    def _at(self, word: str) -> bool:
        return bool(self._tokens) and not self._tokens[0][1] and self._tokens[0][0].upper() == word

    def _take(self) -> str:
        if not self._tokens:
            raise JqlError("Error in the JQL Query: Expecting a field name, operator or value at the end of the query.")
        return self._tokens.pop(0)[0]

    def _expect(self, word: str) -> None:
        if not self._at(word):
            raise JqlError(
                f"Error in the JQL Query: Expecting '{word}' but got '{self._tokens[0][0] if self._tokens else 'the end'}'."
            )
        self._take()

    def _clause(self) -> Test:
        name = self._take().casefold()
        operator = self._take().casefold()
        if name in _TIME_FIELDS:
            if operator not in {">=", ">", "<", "<="}:
                raise JqlError(f"The operator '{operator}' is not supported by the '{name}' field.")
            return Test(name, operator, instant=_instant(name, self._take()))
        field = _VALUE_FIELDS.get(name)
        if field is None:
            raise JqlError(f"Field '{name}' does not exist or you do not have permission to view it.")
        if operator == "=":
            values = [self._take()]
        elif operator == "in":
            self._expect("(")
            values = [self._take()]
            while self._at(","):
                self._take()
                values.append(self._take())
            self._expect(")")
        else:
            raise JqlError(f"The operator '{operator}' is not supported by the '{name}' field.")
        return Test(field, "in", tuple(value.casefold() for value in values))

    def _sorting(self) -> tuple[str, bool]:
        name = self._take().casefold()
        if name not in _ORDER_FIELDS:
            raise JqlError(f"Not able to sort using field '{name}'.")
        if self._at("ASC") or self._at("DESC"):
            return name, self._take().upper() == "DESC"
        return name, name in _TIME_FIELDS


def _instant(field: str, text: str) -> int:
    found = _TIME.fullmatch(text)
    refusal = JqlError(f"Date value '{text}' for field '{field}' is invalid. Valid formats include: {_FORMATS}")
    if found is None:
        raise refusal
    year, month, day, hour, minute = (int(part or 0) for part in found.groups())
    try:
        moment = datetime(year, month, day, hour, minute, tzinfo=ZONE)
    except ValueError:
        raise refusal from None
    return int(moment.astimezone(UTC).timestamp() * 1000)
