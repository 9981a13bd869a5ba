"""What a GitLab would say if one more line were written: a paid tier, an issue type, a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.sync.source import Provision
from hub.sync.source_type import Offer
from hub_gitlab.mapping_settings import DOCUMENT_KINDS, ISSUE_KINDS, ControlRule, DocumentRule, MappingSettings
from hub_gitlab.provision import provisions
from hub_gitlab.settings import DEFAULT_PARTS
from hub_gitlab.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub_gitlab.settings import GitlabSettings

__all__ = ["offers"]

_ALL = frozenset[str](DEFAULT_PARTS)


def offers(name: str, settings: GitlabSettings | None) -> Sequence[Offer]:
    """List one offer for each line; without settings there is one, the whole source."""
    table = f"[sources.{name}.mapping]"
    if settings is None:
        whole = MappingSettings(issue_types={"incident": "incident", "issue": "request"})
        gives = _given(name, whole, premium=True, parts=_ALL)
        return [Offer('plugin = "gitlab"', f"[sources.{name}], with url, token and projects or groups", tuple(gives))]
    own, premium, parts = settings.mapping, settings.premium, frozenset[str](settings.parts)
    found: list[Offer] = []
    has = {each.kind for each in _given(name, own, premium=premium, parts=parts)}
    for kind in ISSUE_KINDS:
        if kind not in has:
            line = f'"label:{kind.replace("_", " ")}" = "{kind}"'
            more = {**own.issue_types, f"label:{kind}": kind}
            gives = _given(name, own.model_copy(update={"issue_types": more}), premium=premium, parts=parts, only=kind)
            found.append(Offer(line, f"[sources.{name}.mapping.issue_types]", tuple(gives)))
    for kind in DOCUMENT_KINDS:
        if all(rule.kind != kind for rule in own.documents):
            rule = DocumentRule(project="group/project", paths=["**/*.md"], kind=kind)
            more_rules = own.model_copy(update={"documents": [*own.documents, rule]})
            gives = _given(name, more_rules, premium=premium, parts=parts, only=kind)
            line = f'project = "group/project", paths = ["policies/**"], kind = "{kind}"'
            found.append(Offer(line, f"[[sources.{name}.mapping.documents]]", tuple(gives)))
    if own.control is None:
        gives = _given(
            name, own.model_copy(update={"control": ControlRule()}), premium=premium, parts=parts, only="control"
        )
        found.append(Offer('control = { owner = "register:people/<id>" }', table, tuple(gives)))
    if not premium:
        gives = _given(name, own, premium=True, parts=parts)
        found.append(Offer('tier = "premium"   # once it is paid for', f"[sources.{name}]", tuple(gives), opens=False))
    for part in sorted(_ALL - parts):
        gives = _given(name, own, premium=premium, parts=parts | {part})
        found.append(Offer(f'parts = [..., "{part}"]', f"[sources.{name}]", tuple(gives), opens=False))
    return found


def _given(
    name: str, mapping: MappingSettings, *, premium: bool, parts: frozenset[str], only: str | None = None
) -> list[Provision]:
    vocabulary = Vocabulary.of(name, "UTC", "https://gitlab.com", mapping)
    found = provisions(vocabulary, premium=premium, parts=parts)
    return [each for each in found if only is None or each.kind == only]
