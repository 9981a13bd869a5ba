"""Protected branches and approval rules as the control they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub_gitlab.draft import Draft
from hub_gitlab.value import as_dict, as_text, dicts

if TYPE_CHECKING:
    from hub_gitlab.draft import Sheet

__all__ = ["read_protection"]


def read_protection(sheet: Sheet) -> None:
    """Turn a document of the stream `protection` into a control for each protected branch, if one is configured."""
    rule = sheet.vocabulary.settings.control
    if rule is None:
        sheet.skip("protection is no control by configuration")
        return
    branches = sheet.body.get("protected_branches")
    if not isinstance(branches, list):
        sheet.skip("protected branches not read")
        return
    rules, settings = sheet.body.get("approval_rules"), sheet.body.get("approval_settings")
    if not isinstance(rules, list):
        sheet.skip("approval rules: not_provable (tier)")
    for branch in dicts(branches):
        name = as_text(branch.get("name"))
        if name is None:
            sheet.skip("protected branch without a name")
            continue
        draft = Draft(sheet, "control", sheet.vocabulary.ref("control", sheet.project_id, name))
        said = [*_branch(branch), *(_rules(dicts(rules), name) if isinstance(rules, list) else ())]
        said += _settings(as_dict(settings))
        draft.values |= {
            "title": f"{sheet.path}: {name} is protected",
            "key": f"{sheet.path}:{name}",
            "url": as_text(sheet.project.get("web_url")),
            "control_id": f"{sheet.path}:{name}",
            "operation": "; ".join(said) or None,
            "control_status": "operating",
            "risk_id": rule.risk_id,
            "owner": rule.owner,
            "maintenance": rule.maintenance,
            "policy_statement_ids": list(rule.policy_statement_ids),
        }
        if not isinstance(rules, list):
            draft.unknown.add("operation")
        sheet.records.append(draft.finish())
    if not sheet.records and not sheet.skipped:
        sheet.skip("no branch is protected")


def _branch(branch: dict[str, Any]) -> list[str]:
    found = []
    for name, verb in (("push", "pushed by"), ("merge", "merged by")):
        levels = dicts(branch.get(f"{name}_access_levels"))
        who = sorted({word for each in levels if (word := as_text(each.get("access_level_description")))})
        if who:
            found.append(f"{verb} {', '.join(who)}")
    if branch.get("allow_force_push") is False:
        found.append("no force push")
    if branch.get("code_owner_approval_required") is True:
        found.append("approval of code owners required")
    return found


def _rules(rules: list[dict[str, Any]], branch: str) -> list[str]:
    found = []
    for rule in rules:
        named = [as_text(each.get("name")) for each in dicts(rule.get("protected_branches"))]
        needed = rule.get("approvals_required")
        if isinstance(needed, int) and (not named or branch in named):
            found.append(f"rule {as_text(rule.get('name')) or '?'} requires {needed} approvals")
    return found


def _settings(settings: dict[str, Any]) -> list[str]:
    words = {
        "reset_approvals_on_push": "a push takes approvals back",
        "disable_overriding_approvers_per_merge_request": "rules are the same for all merge requests",
    }
    found = [text for name, text in words.items() if settings.get(name) is True]
    if settings.get("merge_requests_author_approval") is False:
        found.append("authors do not approve")
    if settings.get("merge_requests_disable_committers_approval") is True:
        found.append("committers do not approve")
    return found
