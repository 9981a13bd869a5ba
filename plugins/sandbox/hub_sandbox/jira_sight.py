"""Which issues and projects a token sees at an instant, and which of them a search finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hub_sandbox.jql import JqlError, Query, parse_jql
from hub_sandbox.vocabulary import ISSUE_TYPES, PROJECTS

if TYPE_CHECKING:
    from hub_sandbox.organisation import Organisation
    from hub_sandbox.timeline import Issue

__all__ = ["Sight"]


class Sight:
    """What is visible of an organisation; results of searches are kept until `forget`."""

    def __init__(self, organisation: Organisation, now_ms: int, hidden_projects: set[str]) -> None:
        self._organisation = organisation
        self._results: dict[str, list[Issue]] = {}
        self.now_ms = now_ms
        self.hidden_projects = hidden_projects
        self.secret_issues: set[int] = set()

    def forget(self) -> None:
        """Forget results: the clock moved, or something changed."""
        self._results.clear()

    def projects(self) -> list[str]:
        """Return the keys of the projects that can be browsed."""
        return [key for key in PROJECTS if key not in self.hidden_projects]

    def visible(self, issue: Issue) -> bool:
        """Tell whether the token may see an issue that exists."""
        return issue.project_at(self.now_ms) not in self.hidden_projects and issue.id not in self.secret_issues

    def find(self, ref: str) -> Issue | None:
        """Return a visible issue by id, key or former key."""
        if ref.isdecimal():
            issue = self._organisation.by_id.get(int(ref))
        else:
            issue = self._organisation.by_key.get(ref.upper())
        return issue if issue is not None and issue.exists_at(self.now_ms) and self.visible(issue) else None

    def search(self, jql: str, *, unbounded: bool = True, validate: bool = True) -> list[Issue]:
        """Return what a search finds, in its order. Raises JqlError; also for no restriction unless `unbounded`.

        Values that do not exist are refused only where asked to `validate`.
        """
        known = self._results.get(jql) if validate else None
        if known is not None:
            return known
        query = parse_jql(jql)
        if not query.tests and not unbounded:
            raise JqlError("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
        for test in query.tests if validate else ():
            self._refuse_unknown(test.field, test.values)
        result = [
            issue
            for issue in self._organisation.issues
            if issue.exists_at(self.now_ms)
            and self.visible(issue)
            and all(test.holds(issue, self.now_ms, self._resolve) for test in query.tests)
        ]
        ordered = self._sorted(result, query)
        if validate:
            self._results[jql] = ordered
        return ordered

    def _sorted(self, result: list[Issue], query: Query) -> list[Issue]:
        keys: dict[str, Callable[[Issue], tuple[str, int]]] = {
            "id": lambda issue: ("", issue.id),
            "key": lambda issue: _key_order(issue.key_at(self.now_ms)),
            "created": lambda issue: ("", issue.created_at),
            "updated": lambda issue: ("", issue.updated_at(self.now_ms)),
        }
        for name, descending in reversed(query.order or (("created", True),)):
            result.sort(key=keys[name], reverse=descending)
        return result

    def _resolve(self, ref: str) -> int | None:
        issue = self.find(ref)
        return None if issue is None else issue.id

    def _refuse_unknown(self, name: str, values: tuple[str, ...]) -> None:
        projects = {key.casefold() for key in self.projects()}
        types = {kind.casefold() for kind in ISSUE_TYPES}
        for value in values:
            if (name == "project" and value not in projects) or (name == "issuetype" and value not in types):
                raise JqlError(f"The value '{value.upper()}' does not exist for the field '{name}'.")
            if name == "id" and self.find(value) is None:
                raise JqlError(f"An issue with key '{value.upper()}' does not exist for field 'id'.")


def _key_order(key: str) -> tuple[str, int]:
    project, number = key.split("-")
    return project, int(number)
