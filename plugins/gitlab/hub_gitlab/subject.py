"""Which services and configuration items a change or ticket concerns, and since when it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.records import Link
from hub_gitlab.history import label_since
from hub_gitlab.vocabulary import names_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub_gitlab.draft import Draft
    from hub_gitlab.history import LabelHistory

__all__ = ["name_subjects"]


def name_subjects(draft: Draft, labels: Sequence[str], history: LabelHistory) -> None:
    """Fill `service_ids`, and link the items affected: by the project's path from the start, by a label since it is there."""
    words, created_at = draft.sheet.vocabulary, draft.values.get("created_at")
    project = names_of(draft.sheet.project)
    named = [*project, *labels]
    draft.values["service_ids"] = served = words.services(named)
    if served:
        at = created_at if words.services(project) else label_since(history, set(words.settings.services))
        if at is not None:
            draft.since["service_ids"] = at
    for item in words.items(named):
        labelled = {label for label, each in words.settings.items.items() if each == item}
        at = created_at if labelled.intersection(project) else label_since(history, labelled)
        draft.links.append(Link(type="affects", target=item, at=at))
