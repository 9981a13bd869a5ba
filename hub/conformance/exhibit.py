"""What a sample is checked with: the documents its units and evidence stood in, as then known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from hub.conformance.sample import Sample
from hub.store.provenance import ChainHead, Provenance, chain_heads, documents_known

__all__ = ["Exhibits", "exhibits_of"]


@dataclass(frozen=True, slots=True)
class Exhibits:
    """Where the documents of a sample stand; their bodies are read by `hub.store.access` alone."""

    documents: Mapping[str, Provenance]
    """Record id -> its document; without records that came from none."""
    chains: list[ChainHead]
    """Of the sources concerned, at known-at."""

    @property
    def places(self) -> dict[int, Provenance]:
        """Number of a document -> where it stands, each once."""
        return {one.doc: one for one in self.documents.values()}


def exhibits_of(conn: Connection, drawn: Sample) -> Exhibits:
    """Find the documents of all units and deciding records of a sample."""
    rows = [one.obligation for one in drawn.chosen]
    ids = {row.unit.id for row in rows} | {proof.subject.id for row in rows for proof in row.evidence}
    documents = documents_known(conn, ids, drawn.known_at)
    return Exhibits(documents, chain_heads(conn, {one.source for one in documents.values()}, drawn.known_at))
