"""Issues to serve in any number: those of the simulated organisation, told again under new numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from hub_jira.text import plain
from hub_sandbox.jira_view import CHANGELOG_CAP, JiraView
from hub_sandbox.organisation import Organisation

__all__ = ["FIRST_ID", "PROJECTS", "Catalogue"]

PROJECTS = ("ALPHA", "BRAVO", "CHARLIE", "DELTA")
FIRST_ID = 10_000_000
LONG_ENTRIES = 45
"""Changelog entries of an issue that has more than a search answer embeds."""
_NUMBER, _PROJECT = "~number~", "~project~"
_CHANGED_AT = "2026-10-31T22:59:00.000+0000"


@dataclass(frozen=True, slots=True)
class _Template:
    cloud: bytes
    """As `/rest/api/3` shows it."""
    plain: bytes
    """As `/rest/api/2` shows it: rich text as text, the changelog whole."""
    histories: bytes
    comments: bytes


class Catalogue:
    """Issue `n` of `count` belongs to project `n % 4`; one of a hundred has a long changelog, another one changes."""

    def __init__(self) -> None:
        organisation = Organisation(20000)
        view = JiraView("cloud", "http://127.0.0.1", organisation.end, lambda _issue: True)
        shown = [view.issue(each, None, changelog=True, capped=False) for each in organisation.issues]
        self._templates = [_template(msgspec.json.decode(each)) for each in shown]
        self._long = [_template(_lengthened(msgspec.json.decode(each))) for each in shown[:100]]
        self._changed = [_template(_touched(msgspec.json.decode(each))) for each in shown[:100]]

    def render(self, number: int, *, cloud: bool, changed: bool) -> bytes:
        """Return issue `number` as JSON."""
        template = self._of(number, changed=changed)
        return _fill(template.cloud if cloud else template.plain, number)

    def histories(self, number: int) -> bytes:
        """Return the whole changelog of an issue, without the brackets."""
        return self._of(number, changed=False).histories

    def comments(self, number: int) -> bytes:
        """Return the comments of an issue, without the brackets."""
        return _fill(self._of(number, changed=False).comments, number)

    def _of(self, number: int, *, changed: bool) -> _Template:
        place = number // len(PROJECTS)
        if is_long(number):
            return self._long[place // 100 % len(self._long)]
        if changed and is_changed(number):
            return self._changed[place // 100 % len(self._changed)]
        return self._templates[number % len(self._templates)]


def is_long(number: int) -> bool:
    """Tell whether the changelog of an issue does not fit a search answer."""
    return number // len(PROJECTS) % 100 == 3


def is_changed(number: int) -> bool:
    """Tell whether an issue is among the one per cent that change."""
    return number // len(PROJECTS) % 100 == 7


def _fill(text: bytes, number: int) -> bytes:
    project = PROJECTS[number % len(PROJECTS)]
    return text.replace(_NUMBER.encode(), b"%d" % (FIRST_ID + number)).replace(_PROJECT.encode(), project.encode())


def _template(issue: dict[str, Any]) -> _Template:
    issue["id"] = _NUMBER
    issue["self"] = f"http://127.0.0.1/rest/api/3/issue/{_NUMBER}"
    issue["key"] = f"{_PROJECT}-{_NUMBER}"
    issue["fields"]["project"] |= {"id": "10400", "key": _PROJECT, "name": _PROJECT}
    histories = issue["changelog"]["histories"]
    newest = histories[:CHANGELOG_CAP]
    embedded = {"startAt": 0, "maxResults": len(newest), "total": len(histories), "histories": newest}
    cloud = msgspec.json.encode({**issue, "changelog": embedded})
    fields = {name: plain(value) if _rich(value) else value for name, value in issue["fields"].items()}
    comments = [{**each, "body": plain(each["body"])} for each in fields["comment"]["comments"]]
    fields["comment"] = {**fields["comment"], "comments": comments}
    return _Template(
        cloud=cloud,
        plain=msgspec.json.encode({**issue, "fields": fields, "transitions": []}),
        histories=msgspec.json.encode(histories)[1:-1],
        comments=msgspec.json.encode(comments)[1:-1],
    )


def _rich(value: object) -> bool:
    return isinstance(value, dict) and value.get("type") == "doc"


def _lengthened(issue: dict[str, Any]) -> dict[str, Any]:
    histories = issue["changelog"]["histories"]
    first = int(histories[-1]["id"]) if histories else 1
    author, created = issue["fields"]["creator"], issue["fields"]["created"]
    item = {"field": "Rank", "fieldtype": "custom", "fieldId": "customfield_19999", "from": "", "fromString": "", "to": "", "toString": "Ranked higher"}  # fmt: skip
    for number in range(LONG_ENTRIES - len(histories)):
        histories.append({"id": str(first + number), "author": author, "created": created, "items": [item]})
    return issue


def _touched(issue: dict[str, Any]) -> dict[str, Any]:
    issue["fields"]["updated"] = _CHANGED_AT
    issue["fields"]["summary"] += " (changed)"
    return issue
