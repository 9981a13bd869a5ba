"""The list of fields as Jira describes them."""

from __future__ import annotations

from typing import Any

from hub_sandbox.vocabulary import FIELDS

__all__ = ["list_fields"]

_SYSTEM_FIELDS = {
    "summary": "string", "description": "string", "issuetype": "issuetype", "project": "project", "status": "status", "priority": "priority",
    "resolution": "resolution", "resolutiondate": "datetime", "created": "datetime", "updated": "datetime", "creator": "user", "reporter": "user",
    "assignee": "user", "labels": "array", "components": "array", "fixVersions": "array", "issuelinks": "array", "comment": "comments-page",
}  # fmt: skip
_CUSTOM_SCHEMA = {
    "text": ("string", "com.atlassian.jira.plugin.system.customfieldtypes:textarea"),
    "rich": ("string", "com.atlassian.jira.plugin.system.customfieldtypes:textarea"),
    "option": ("option", "com.atlassian.jira.plugin.system.customfieldtypes:select"),
    "user": ("user", "com.atlassian.jira.plugin.system.customfieldtypes:userpicker"),
    "datetime": ("datetime", "com.atlassian.jira.plugin.system.customfieldtypes:datetime"),
    "number": ("number", "com.atlassian.jira.plugin.system.customfieldtypes:float"),
    "url": ("string", "com.atlassian.jira.plugin.system.customfieldtypes:url"),
    "approvals": ("sd-approvals", "com.atlassian.servicedesk.approvals-plugin:sd-approvals"),
    "sla": ("sd-servicelevelagreement", "com.atlassian.servicedesk:sd-sla-field"),
}


def list_fields(*, cloud: bool) -> list[dict[str, Any]]:
    """Return all fields, system ones first."""
    shown: list[dict[str, Any]] = []
    for name, kind in _SYSTEM_FIELDS.items():
        schema = {"type": kind, "system": name} | ({"items": "string"} if kind == "array" else {})
        shown.append(_field(name, name.capitalize(), schema, cloud=cloud))
    for spec in FIELDS.values():
        kind, plugin = _CUSTOM_SCHEMA[spec.type]
        shown.append(_field(spec.id, spec.name, {"type": kind, "custom": plugin, "customId": spec.number}, cloud=cloud))
    return shown


def _field(identity: str, name: str, schema: dict[str, Any], *, cloud: bool) -> dict[str, Any]:
    custom = identity.startswith("customfield")
    shown: dict[str, Any] = {
        "id": identity,
        "name": name,
        "custom": custom,
        "orderable": custom,
        "navigable": True,
        "searchable": True,
    }
    return (
        shown
        | {"clauseNames": [f"cf[{schema['customId']}]" if custom else identity], "schema": schema}
        | ({"key": identity} if cloud else {})
    )
