"""Files of a repository that are documents under control: found by path, with their editions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from hub_gitlab.client import NotFound
from hub_gitlab.part import compose, read_raw, several, write_array
from hub_gitlab.vocabulary import fits
from hub_gitlab.wire import Commit, File, MergedHead, TreeEntry

if TYPE_CHECKING:
    from hub_gitlab.client import GitlabClient
    from hub_gitlab.mapping_settings import DocumentRule
    from hub_gitlab.part import Parts
    from hub_gitlab.wire import Project

__all__ = ["Edited", "Paper", "Repository", "rules_of"]

EDITIONS = 20
"""Latest editions of a file that are read."""
LONGEST_TEXT = 1_000_000
FILES_A_PAGE = 10


@dataclass(frozen=True, slots=True)
class Paper:
    """A file that is a document."""

    path: str
    ref: str
    blob: str
    """Its content's id."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A document with its editions."""

    paper: Paper
    body: bytes | None
    """None = its history does not hold what the tree shows."""
    refused: bool = False
    """Who approved an edition was not for this account."""


def rules_of(rules: list[DocumentRule], project: Project) -> list[DocumentRule]:
    """Choose the rules that name a project."""
    return [rule for rule in rules if rule.project in {str(project.id), project.path_with_namespace, project.named}]


class Repository:
    """The documents in one project's repository."""

    def __init__(self, client: GitlabClient, project: Project, shown: bytes, parts: Parts, at_once: int) -> None:
        self._client = client
        self._project = project
        self._shown = shown
        self._parts = parts
        self._at_once = at_once
        self._place = f"/projects/{project.id}/repository"

    def papers(self, rules: list[DocumentRule]) -> list[Paper]:
        """List the files that the rules choose; a path that two rules choose is taken once."""
        found: dict[str, Paper] = {}
        for rule in rules:
            ref = rule.ref or self._project.default_branch
            if ref is None or self._project.empty_repo:
                continue
            listed = self._client.pages(f"{self._place}/tree", ref=ref, recursive="true", pagination="keyset")
            for raw in listed:
                entry: TreeEntry = read_raw(raw, TreeEntry)
                if entry.type == "blob" and any(fits(entry.path, pattern) for pattern in rule.paths):
                    found.setdefault(entry.path, Paper(entry.path, ref, entry.id))
        return [found[path] for path in sorted(found)]

    def read(self, papers: list[Paper]) -> Iterator[list[Edited]]:
        """Yield them with their editions, a few at a time."""
        for first in range(0, len(papers), FILES_A_PAGE):
            chosen = papers[first : first + FILES_A_PAGE]
            yield several(chosen, self._paper, self._at_once)

    def native_id(self, paper: Paper) -> str:
        """Name a document: one a path."""
        return f"{self._project.id}/{paper.path}"

    def _paper(self, paper: Paper) -> Edited:
        asked: dict[str, str | int] = {"path": paper.path, "ref_name": paper.ref, "per_page": EDITIONS}
        commits = self._client.page(f"{self._place}/commits", asked).objects
        refused: list[int] = []
        read = (self._edition(paper, each, refused) for each in commits)
        editions = [each for each in read if each is not None]
        if not editions or editions[0]["blob_sha"] != msgspec.json.encode(paper.blob):
            return Edited(paper, None)
        members: dict[str, bytes | msgspec.Raw] = {
            "project": self._shown,
            "path": msgspec.json.encode(paper.path),
            "ref": msgspec.json.encode(paper.ref),
            **editions[0],
            "history": b"[" + b",".join(compose(each) for each in editions[1:]) + b"]",
        }
        return Edited(paper, compose(members), bool(refused))

    def _edition(self, paper: Paper, raw: msgspec.Raw, refused: list[int]) -> dict[str, bytes | msgspec.Raw] | None:
        """Read one edition; None where the commit took the file away."""
        commit: Commit = read_raw(raw, Commit)
        try:
            file = self._client.get(f"{self._place}/files/{quote(paper.path, safe='')}", File, ref=commit.id)
        except NotFound:
            return None
        listed = self._client.pages(f"{self._place}/commits/{quote(commit.id, safe='')}/merge_requests")
        return {
            "blob_sha": msgspec.json.encode(file.blob_id),
            "commit": raw,
            "text": msgspec.json.encode(_text(file)),
            "merge_requests": write_array([self._reviewed(each, refused) for each in listed]),
        }

    def _reviewed(self, raw: msgspec.Raw, refused: list[int]) -> msgspec.Raw:
        head: MergedHead = read_raw(raw, MergedHead)
        if head.project_id != self._project.id:
            return raw
        members: dict[str, Any] = dict(read_raw(raw, dict[str, msgspec.Raw]))
        review, incomplete = self._parts.review(head.iid)
        if incomplete:
            refused.append(head.iid)
        return msgspec.Raw(compose({**members, **review}))


def _text(file: File) -> str | None:
    """Give the text of a file; None for what is none, or too long to be a document's."""
    if file.encoding != "base64" or len(file.content) > 2 * LONGEST_TEXT:
        return None
    try:
        return base64.b64decode(file.content, validate=False).decode("utf-8-sig")
    except (binascii.Error, UnicodeDecodeError):
        return None
