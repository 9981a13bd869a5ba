"""The post-implementation review that stands in fields of a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.records import Review, Since
from hub_jira.mapped import is_filled

if TYPE_CHECKING:
    from hub_jira.draft import Draft

__all__ = ["PREFIX", "make_review"]

PREFIX = "review."


def make_review(draft: Draft, found: dict[str, Any]) -> Review:
    """Make a record `review` of type `pir` about the draft's issue from what its review fields hold."""
    since: list[Since] = []
    for field_id, target in draft.vocabulary.targets["review"]:
        stated = target.name == "process_weaknesses" and found.get("no_weaknesses")
        at = draft.history.held_since(field_id) if stated or is_filled(found, target.path) else None
        if at is not None:
            since.append(Since(field=target.name, at=at))
    values = draft.values
    return Review(
        **{"type": "pir", **found},
        id=f"{draft.id}/pir",
        source=draft.vocabulary.source,
        scope=values["scope"],
        title=values["title"],
        key=values["key"],
        url=values["url"],
        service_ids=values["service_ids"],
        subject_id=draft.id,
        since=sorted(since, key=lambda each: each.field),
        unknown_fields=sorted(each.removeprefix(PREFIX) for each in draft.unknown if each.startswith(PREFIX)),
        raw_times={k.removeprefix(PREFIX): v for k, v in draft.raw_times.items() if k.startswith(PREFIX)},
    )
