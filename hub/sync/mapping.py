"""When the mapping of a source changes, every kept document is mapped anew; none is fetched again."""

from __future__ import annotations

from collections.abc import Callable

from hub.clock import Clock
from hub.store.document import count_disposed
from hub.store.mapping import current_provisions, get_fingerprint, has_documents, mark_unread, set_fingerprint
from hub.store.reading import documents_for_replay, set_provisions
from hub.store.store import Connection, Store
from hub.store.writer import write_page
from hub.sync.erased import Erased
from hub.sync.intake import take_in
from hub.sync.run import SourceSummary
from hub.sync.source import Document, Provision, Source

__all__ = ["DISPOSED", "Mapping"]

DISPOSED = "disposed of"
"""Why a kept document was not mapped anew."""
_CHANGING = "changing"
"""Stands in place of a fingerprint while kept documents still wait to be mapped: killed then, the next run goes on."""


class Mapping:
    """How one source turns documents into records in this run, and what it can say at all."""

    def __init__(
        self, store: Store, name: str, source: Source, fingerprint: str, clock: Clock, *, erased: Erased
    ) -> None:
        self._store = store
        self._name = name
        self._source = source
        self._fingerprint = fingerprint
        self._clock = clock
        self._erased = erased
        self._provides = source.provides()
        self._whole = True

    def begin(self, conn: Connection) -> bool:
        """Tell whether kept documents have to be mapped anew; before anything is written.

        Until they are, only what the mapping before provided too counts as provided.
        """
        before = get_fingerprint(conn, self._name)
        if before == self._fingerprint:
            return False
        if before is None and not has_documents(conn, self._name):
            set_fingerprint(conn, self._name, self._fingerprint)
            return False
        set_fingerprint(conn, self._name, _CHANGING)
        known = {each.kind: each for each in current_provisions(conn, self._name)}
        both = [
            Provision(each.kind, each.fields & known[each.kind].fields, each.within_subject)
            for each in self._provides
            if each.kind in known
        ]
        set_provisions(conn, self._name, both, self._clock.now_ms())
        return True

    def replay(self, summary: SourceSummary, watch: Callable[[], None]) -> None:
        """Map the latest kept document of every id anew and write what differs.

        What a document became stays as it is where the body was disposed of, except that what was not
        mapped while it was there becomes unknown; such documents are counted.
        """
        gaps: list[str] = []
        # Before the others: a person whom both kinds of documents name becomes what the kept ones say.
        with self._store.begin() as conn:
            summary.changed += mark_unread(conn, self._name, self._provides, self._clock.now_ms())
        with self._store.connect() as reader:
            if disposed := count_disposed(reader, self._name):
                summary.skipped[DISPOSED] = summary.skipped.get(DISPOSED, 0) + disposed
            for batch in documents_for_replay(reader, self._name):
                documents = [Document(each.stream, each.native_id, each.scope, each.body) for each in batch]
                intake = take_in(self._source, self._name, documents)
                intake.normalised = self._erased.normalised(intake.normalised)
                with self._store.begin() as conn:
                    written = write_page(
                        conn,
                        source=self._name,
                        documents=documents,
                        normalised=intake.normalised,
                        known_at=self._clock.now_ms(),
                        replay=True,
                        encoded=intake.encoded,
                    )
                intake.count(summary, written)
                gaps += intake.gaps
                watch()
        if gaps:
            self._whole = summary.complete = False
            summary.warnings.append(f"{len(gaps)} kept documents could not be mapped anew, the first: {gaps[0]}")

    def end(self, conn: Connection) -> None:
        """State that every kept document is mapped this way, and what the source provides.

        Where documents could not be mapped, this is not so: the next run tries them again.
        """
        set_fingerprint(conn, self._name, self._fingerprint if self._whole else _CHANGING)
        if self._whole:
            set_provisions(conn, self._name, self._provides, self._clock.now_ms())
