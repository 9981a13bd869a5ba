"""What a tool no longer shows: deleted, or only hidden from us."""

from __future__ import annotations

from collections.abc import Sequence

from hub.clock import Clock
from hub.store.reading import mark_vanished
from hub.store.store import Store
from hub.sync.fetcher import Ended
from hub.sync.run import SourceSummary
from hub.sync.source import Slice

__all__ = ["mark_absent"]


def mark_absent(
    store: Store, source: str, ends: Sequence[Ended], summary: SourceSummary, *, clock: Clock, accept: bool = False
) -> list[tuple[Slice, str]]:
    """Mark records whose ids no scope of their stream shows any more.

    An id seen in another scope has moved. As long as one readable scope of a stream could not be listed,
    the thing may be there: nothing of the stream is marked, and the summary says so. So it is where too
    many are missing at once, unless a person said that they are gone (`accept`); these slices come
    back with the reason, for nothing can be concluded of them.
    """
    held: list[tuple[Slice, str]] = []
    for stream in sorted({end.part.stream for end in ends}):
        of_stream = [end for end in ends if end.part.stream == stream]
        unlisted = [end for end in of_stream if _not_listed(end)]
        for end in unlisted:
            summary.warnings.append(
                f"{end.part.scope}: what vanished from {stream} is not known: {end.census_fault or end.fault}"
            )
        if unlisted:
            continue
        seen = {native_id for end in of_stream if end.census for native_id in end.census.native_ids}
        with store.begin() as conn:
            for end in of_stream:
                if end.census is not None:
                    marked = mark_vanished(
                        conn,
                        source=source,
                        stream=stream,
                        scope=end.part.scope,
                        visible_ids=seen,
                        deletes=end.census.deletes,
                        at=clock.now_ms(),
                        accept=accept,
                    )
                    if marked.held:
                        reason = (
                            f"{marked.held} of {marked.known} known in {stream} are no longer listed, more than is "
                            f"believed; see what the account may read; are they gone: hub sync {source} --accept-absence"
                        )
                        held.append((end.part, reason))
                        summary.warnings.append(f"{end.part.scope}: {reason}")
                    summary.vanished += marked.vanished + marked.invisible
    return held


def _not_listed(end: Ended) -> bool:
    return end.census_fault is not None or (end.fault is not None and not end.unreadable)
