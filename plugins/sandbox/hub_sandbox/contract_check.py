"""Compares every request and answer with the vendor's own API description.

Needs the development extra (openapi-schema-validator); the descriptions stay where they are and
are handed over as a folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openapi_schema_validator import OAS30Validator

from hub_sandbox.exchange import Answer, Request

if TYPE_CHECKING:
    from hub_sandbox.jira_person import Flavour

__all__ = ["AMENDMENTS", "ContractBreach", "ContractCheck"]

_FILES = {"cloud": "jira-cloud-platform-v3.openapi.json", "data_center": "jira-data-center-10.3.openapi.json"}
AMENDMENTS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    # Recorded answers of real Jiras carry null here though the description says string.
    "cloud": [
        (f"ChangeDetails.{name}", {"type": "string", "nullable": True})
        for name in ("from", "fromString", "to", "toString")
    ],
    "data_center": [
        *(
            (f"ChangeItemBean.{name}", {"type": "string", "nullable": True})
            for name in ("from", "fromString", "to", "toString")
        ),
        # Every value is described as an object; texts, numbers, lists and null are fields as well.
        ("IssueBean.fields", {"type": "object", "additionalProperties": {}}),
        # The value of a comment's property is any JSON; the description says text.
        ("EntityPropertyBean.value", {}),
    ],
}
"""Where the descriptions contradict the vendor's own servers: schema property -> what is true."""
_ERROR_SCHEMA = {
    "type": "object",
    "properties": {
        "errorMessages": {"type": "array", "items": {"type": "string"}},
        "errors": {"type": "object"},
        "message": {"type": "string"},
    },
}


class ContractBreach(AssertionError):
    """A request that was accepted, or an answer, is not what the vendor describes."""


class ContractCheck:
    """An observer for `JiraServer`: `JiraServer(organisation, observer=ContractCheck(folder, "cloud"))`.

    Raises nothing in the server's thread: breaches are collected, and `verify()` raises them.
    `items` bounds how many members of a page's issue list are validated (None = all).
    """

    def __init__(self, folder: Path, flavour: Flavour, *, items: int | None = None) -> None:
        document = json.loads((folder / _FILES[flavour]).read_text(encoding="utf-8"))
        self._components: dict[str, Any] = document["components"]
        for place, schema in AMENDMENTS[flavour]:
            name, member = place.split(".")
            self._components["schemas"][name]["properties"][member] = schema
        prefix = "" if flavour == "cloud" else "/rest"
        self._paths = [
            (prefix + path, re.compile(re.sub(r"\{[^}]+\}", "[^/]+", prefix + path)), operations)
            for path, operations in document["paths"].items()
        ]
        self._items = items
        self._validators: dict[str, Any] = {}
        self.breaches: list[str] = []
        self.checked: dict[tuple[str, str, int], int] = {}
        """(method, described path, status) -> how many answers were compared."""

    def __call__(self, request: Request, answer: Answer) -> None:
        """Compare one exchange."""
        path = request.path.replace("/latest/", "/3/")
        candidates = [(name, operations) for name, pattern, operations in self._paths if pattern.fullmatch(path)]
        if not candidates:
            if answer.status not in {404, 410}:
                self.breaches.append(f"{request.method} {request.path}: not described, answered {answer.status}")
            return
        name, operations = min(candidates, key=lambda item: item[0].count("{"))
        operation = operations.get(request.method.lower())
        if operation is None:
            if answer.status != 405:  # noqa: PLR2004 - HTTP
                self.breaches.append(f"{request.method} {name}: method not described, answered {answer.status}")
            return
        seen = (request.method, name, answer.status)
        self.checked[seen] = self.checked.get(seen, 0) + 1
        if answer.status < 400:  # noqa: PLR2004 - HTTP
            self._check_request(request, name, operation)
        self._check_answer(answer, name, operation)

    def verify(self) -> None:
        """Raise ContractBreach with all that was found; also if nothing was ever compared."""
        if self.breaches:
            raise ContractBreach("\n".join(self.breaches[:20]))
        if not self.checked:
            raise ContractBreach("no answer was compared")

    def _check_request(self, request: Request, name: str, operation: dict[str, Any]) -> None:
        described = {
            item["name"]: item.get("schema", {})
            for item in operation.get("parameters", [])
            if item.get("in") == "query"
        }
        for parameter, values in request.query.items():
            schema = described.get(parameter)
            if schema is None:
                self.breaches.append(f"{request.method} {name}: parameter {parameter!r} is not described")
            elif schema.get("type") == "integer" and not values[0].lstrip("-").isdecimal():
                self.breaches.append(f"{request.method} {name}: parameter {parameter!r} is no integer: {values[0]!r}")
            elif schema.get("type") == "boolean" and values[0] not in {"true", "false"}:
                self.breaches.append(f"{request.method} {name}: parameter {parameter!r} is no boolean: {values[0]!r}")
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if content.get("schema") and request.method == "POST":
            self._compare(f"{request.method} {name} request", content["schema"], json.loads(request.body or b"null"))

    def _check_answer(self, answer: Answer, name: str, operation: dict[str, Any]) -> None:
        described = operation["responses"].get(str(answer.status))
        label = f"{name} {answer.status}"
        if described is None and answer.status not in {401, 404, 410, 429}:
            self.breaches.append(f"{label}: status is not described")
        schema = (described or {}).get("content", {}).get("application/json", {}).get("schema")
        value = json.loads(answer.body)
        if answer.status >= 400:  # noqa: PLR2004 - HTTP
            schema = _ERROR_SCHEMA
        if schema is None:
            self.breaches.append(f"{label}: no body is described")
            return
        if isinstance(value, list) and schema.get("type") != "array":
            schema = {"type": "array", "items": schema}  # Data Center describes lists by their members
        if self._items is not None and isinstance(value, dict) and isinstance(value.get("issues"), list):
            value["issues"] = value["issues"][: self._items]
        self._compare(label, schema, value)

    def _compare(self, label: str, schema: dict[str, Any], value: object) -> None:
        key = json.dumps(schema, sort_keys=True)
        validator = self._validators.get(key)
        if validator is None:
            validator = self._validators[key] = OAS30Validator({"allOf": [schema], "components": self._components})
        self.breaches.extend(_explain(label, validator.iter_errors(value)))


def _explain(label: str, errors: Iterable[Any]) -> list[str]:
    found = []
    for error in errors:
        inner = min(error.context, key=lambda item: -len(item.absolute_path)) if error.context else error
        found.append(f"{label} at {'/'.join(map(str, inner.absolute_path)) or 'the top'}: {inner.message[:200]}")
    return found
