"""Versions of a project as releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.records import Release
from hub.sync.source import Document, Normalised, Skip
from hub_jira.field import UnconvertibleError, convert, parse_target
from hub_jira.value import as_text, native_id

if TYPE_CHECKING:
    from hub_jira.vocabulary import Vocabulary

__all__ = ["read_version"]


def read_version(document: Document, version: dict[str, Any], vocabulary: Vocabulary) -> Normalised:
    """Turn a version into a release.

    Jira knows the day only. A planned day means its end in the organisation's zone; the day of a
    release that happened is no instant, so `released_at` stays unknown and the day is kept as written.
    """
    native = native_id(version.get("id")) or document.native_id
    name = as_text(version.get("name"))
    day = as_text(version.get("releaseDate"))
    released = version.get("released") is True
    release = Release(
        id=f"{vocabulary.source}:version/{native}",
        source=vocabulary.source,
        scope=document.scope,
        title=name or native,
        version=name,
        status="released" if released else "archived" if version.get("archived") is True else "unreleased",
    )
    skipped: list[Skip] = []
    if day and not released:
        release.raw_times = {"planned_release_at": day}
        try:
            target = parse_target("release.planned_release_at")
            release.planned_release_at = convert(target, day, options={}, zone=vocabulary.zone)
        except UnconvertibleError as fault:
            release.unknown_fields = ["planned_release_at"]
            skipped.append(Skip(document.native_id, f"planned_release_at: {fault}"))
    if released:
        release.raw_times = {"released_at": day} if day else {}
        release.unknown_fields = ["released_at"]
        skipped.append(Skip(document.native_id, "released_at: day without time"))
    return Normalised([release], skipped)
