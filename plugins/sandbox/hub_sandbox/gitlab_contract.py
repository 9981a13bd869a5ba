"""Compares every request to the simulated GitLab, and the status of every answer, with the vendor's own description.

The description stays where it is and is handed over as a folder. It says nothing of an answer's shape
(its definitions are left out), so that shapes are compared with recorded answers of real servers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from hub_sandbox.contract_check import ContractBreach
from hub_sandbox.exchange import Answer, Request

__all__ = ["UNDESCRIBED", "GitlabContract", "shape_breaches"]

_FILE = "gitlab-rest-v4.filtered.swagger2.yaml"
UNDESCRIBED = re.compile(
    r"/api/v4/(user|users|users/\d+|metadata|personal_access_tokens/self|projects/[^/]+/("
    r"merge_requests/\d+/(notes|resource_(state|label)_events)|issues(/\d+(/(notes|resource_(state|label)_events))?)?"
    r"|milestones(/\d+/merge_requests)?|protected_environments|approval_rules|approvals))"
)
"""Paths GitLab has and the description, which is a part of the whole, has not."""
_ALSO = {
    "pagination", "page_token", "cursor", "activity_filter", "scope",  # documented; not in the generated description
}  # fmt: skip
_ALWAYS = {301, 401, 403, 404, 405, 429, 502, 503}


class GitlabContract:
    """An observer for `GitlabServer`: `GitlabServer(content, observer=GitlabContract(folder))`.

    Raises nothing in the server's thread: breaches are collected, and `verify()` raises them.
    """

    def __init__(self, folder: Path) -> None:
        self._paths = _described(folder / _FILE)
        self.breaches: list[str] = []
        self.checked: dict[tuple[str, int], int] = {}
        """(described path, status) -> how many answers were compared."""

    def __call__(self, request: Request, answer: Answer) -> None:
        """Compare one exchange."""
        if UNDESCRIBED.fullmatch(request.path):
            return
        found = [(name, operations) for name, pattern, operations in self._paths if pattern.fullmatch(request.path)]
        if not found:
            if answer.status != 404:  # noqa: PLR2004 - HTTP
                self.breaches.append(f"{request.path}: not described, answered {answer.status}")
            return
        name, operations = min(found, key=lambda item: item[0].count("{"))
        operation = operations.get(request.method.lower())
        if operation is None:
            if answer.status != 405:  # noqa: PLR2004 - HTTP
                self.breaches.append(f"{request.method} {name}: not described, answered {answer.status}")
            return
        self.checked[name, answer.status] = self.checked.get((name, answer.status), 0) + 1
        if answer.status == 200:  # noqa: PLR2004 - HTTP
            self.breaches += [f"{name}: {fault}" for fault in _query_faults(request, operation)]
        if str(answer.status) not in operation["responses"] and answer.status not in _ALWAYS | {400}:
            self.breaches.append(f"{name}: status {answer.status} is not described")

    def verify(self) -> None:
        """Raise ContractBreach with all that was found; also if nothing was ever compared."""
        if self.breaches or not self.checked:
            raise ContractBreach("\n".join(sorted(set(self.breaches))[:20]) or "no answer was compared")


@cache
def _described(path: Path) -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - a safe loader
    wanted = re.compile(r"/api/v4/(projects|groups|version|metadata|user)")
    return [
        (name, re.compile(re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(name))), operations)
        for name, operations in document["paths"].items()
        if wanted.match(name) and "*" not in name
    ]


def _query_faults(request: Request, operation: dict[str, Any]) -> Iterator[str]:
    described = {item["name"]: item for item in operation.get("parameters", []) if item.get("in") == "query"}
    for name, values in request.query.items():
        item = described.get(name) or described.get(name.removesuffix("[]"))
        if item is None:
            if name not in _ALSO:
                yield f"parameter {name!r} is not described"
        elif item.get("type") == "integer" and not values[0].isdecimal():
            yield f"parameter {name!r} is no integer: {values[0]!r}"
        elif item.get("type") == "boolean" and values[0] not in {"true", "false"}:
            yield f"parameter {name!r} is no boolean: {values[0]!r}"
        elif item.get("enum") and values[0] not in item["enum"]:
            yield f"parameter {name!r} is none of {item['enum']}: {values[0]!r}"
        elif item.get("format") == "date-time" and not _is_instant(values[0]):
            yield f"parameter {name!r} is no instant: {values[0]!r}"


def _is_instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def shape_breaches(ours: object, recorded: object, where: str = "") -> Iterator[str]:
    """Yield where our answer has another type than a recorded one, or lacks what that one has; null fits anything."""
    if ours is None or recorded is None:
        return
    if isinstance(ours, dict) and isinstance(recorded, dict):
        for key, value in recorded.items():
            if key not in ours:
                yield f"{where}/{key}: missing"
            else:
                yield from shape_breaches(ours[key], value, f"{where}/{key}")
    elif isinstance(ours, list) and isinstance(recorded, list):
        if ours and recorded:
            yield from shape_breaches(ours[0], recorded[0], f"{where}[]")
    elif type(ours) is not type(recorded) and not (isinstance(ours, int | float) and isinstance(recorded, int | float)):
        yield f"{where}: {type(ours).__name__}, recorded {type(recorded).__name__}"
