"""The action a line of a review names by its key, such as `Test set too small: IMP-10`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hub_jira.value import as_dict, as_list, as_text, native_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.records import Recommendation, Weakness
    from hub_jira.draft import Draft

__all__ = ["name_actions"]

_NAMED = re.compile(r"(?::\s*|\()([A-Z][A-Z0-9_]*-[0-9]+)\)?[.\s]*$")


def name_actions(draft: Draft, lines: Iterable[Weakness | Recommendation]) -> None:
    """Tie each line that ends in `: KEY` or `(KEY)` to the issue of that key among the document's links.

    A key that no link shows stays text: which issue it means is not known.
    """
    linked: dict[str, str] | None = None
    for line in lines:
        named = _NAMED.search(line.text)
        if named is None:
            continue
        if linked is None:
            linked = _linked(draft)
        line.action_id = linked.get(named[1])


def _linked(draft: Draft) -> dict[str, str]:
    found = {}
    for raw in as_list(draft.fields.get("issuelinks")):
        link = as_dict(raw)
        for end in ("outwardIssue", "inwardIssue"):
            other = as_dict(link.get(end))
            key, native = as_text(other.get("key")), native_id(other.get("id"))
            if key is not None and native is not None:
                found[key] = f"{draft.vocabulary.source}:issue/{native}"
    return found
