"""What a tool no longer shows: deleted, moved, or only hidden from us."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hub.clock import Clock
from hub.errors import SourceError
from hub.store.census import Absent, find_absent, mark_vanished
from hub.store.store import Store
from hub.sync.fetcher import Ended, describe_defect
from hub.sync.run import SourceSummary
from hub.sync.source import Page, Slice, Source

__all__ = ["Absence"]


@dataclass(slots=True)
class Absence:
    """Concludes, once every slice of a source was read, what became of what is no longer listed.

    An id seen in another scope has moved. What no scope lists is asked after by its id, once; what is
    found so is read there, and what moved out of all that is read is no longer visible. The rest is
    deleted only where the source says that absence proves it and no closed scope may hold it. As long
    as one readable scope of a stream could not be listed, nothing of the stream is marked; so it is in a
    slice where too many are missing at once, unless a person said that they are gone (`accept`).
    """

    store: Store
    name: str
    source: Source
    parts: Sequence[Slice]
    """All slices, closed ones included."""
    ends: Sequence[Ended]
    summary: SourceSummary
    clock: Clock
    keep: Callable[[Page, str, list[str]], None]
    """Writes what was found elsewhere, as any page but for the cursor, and marks these ids of the stream as no
    longer visible with it: they stand where we do not read."""
    accept: bool = False
    reasons: dict[Slice, str] = field(default_factory=dict)
    """Why nothing can be concluded of these slices."""
    whole: bool = True
    """Every readable slice was listed and nothing is held."""

    def mark(self) -> None:
        """Mark records; `reasons`, `whole` and the summary tell the rest."""
        for stream in sorted({end.part.stream for end in self.ends}):
            of_stream = [end for end in self.ends if end.part.stream == stream]
            unlisted = [end for end in of_stream if _not_listed(end)]
            for end in unlisted:
                told = f"what vanished from {stream} is not known: {end.census_fault or end.fault}"
                self.summary.warnings.append(f"{end.part.scope}: {told}")
                if end.census_fault is not None:
                    self.reasons[end.part] = told
            if unlisted:
                self.whole = False
            else:
                self._conclude(stream, [end for end in of_stream if end.census is not None])

    def _conclude(self, stream: str, listed: list[Ended]) -> None:
        visible = {native_id for end in listed if end.census for native_id in end.census.native_ids}
        closed = self._closed(stream)
        absent = self._find(stream, listed, visible)
        asked = {
            native_id
            for end in listed
            if end.part in absent
            for native_id in (*absent[end.part].native_ids, *(absent[end.part].marked if _proves(end, closed) else ()))
        }
        try:
            found = self._look_for(stream, sorted(asked), {end.part.scope for end in listed})
        except SourceError as error:
            self._not_known(absent, str(error))
            return
        except Exception as error:  # noqa: BLE001 - a defect of one plugin must not stop the other sources
            self._not_known(absent, describe_defect(error, "look_for"))
            return
        unsure, why = 0, ""
        now = self.clock.now_ms()
        with self.store.begin() as conn:
            for end in listed:
                if end.part not in absent:
                    continue
                marked = mark_vanished(
                    conn,
                    source=self.name,
                    stream=stream,
                    scope=end.part.scope,
                    visible_ids=visible | found,
                    deletes=_proves(end, closed),
                    at=now,
                )
                self.summary.vanished += marked.vanished + marked.invisible
                if marked.invisible:
                    unsure += len(set(absent[end.part].native_ids) - found)
                    doubts = [end.census.doubt] if end.census and end.census.doubt else []
                    why = "; ".join([*doubts, *(f"{scope} cannot be read and may hold it" for scope in closed)])
        if unsure:
            self.summary.warnings.append(
                f"{unsure} no longer listed in {stream} and not found by id: no longer visible, not called deleted; {why}"
            )

    def _find(self, stream: str, listed: list[Ended], visible: set[str]) -> dict[Slice, Absent]:
        """Find what is absent from each slice; those where too much is are held and left out."""
        found: dict[Slice, Absent] = {}
        with self.store.connect() as conn:
            for end in listed:
                part = end.part
                absent = find_absent(conn, source=self.name, stream=stream, scope=part.scope, visible_ids=visible)
                if absent.too_many and not self.accept:
                    reason = (
                        f"{len(absent.native_ids)} of {absent.known} known in {stream} are no longer listed, more than is "
                        f"believed; see what the account may read; are they gone: hub sync {self.name} --accept-absence"
                    )
                    self.reasons[part] = reason
                    self.whole = False
                    self.summary.warnings.append(f"{part.scope}: {reason}")
                else:
                    found[part] = absent
        return found

    def _look_for(self, stream: str, native_ids: list[str], read: set[str]) -> set[str]:
        """Ask after ids and keep what is found; return whose it is."""
        found: set[str] = set()
        outside: Counter[str] = Counter()
        for page in self.source.look_for(stream, native_ids) if native_ids else ():
            moved_out = [each for each in page.documents if each.scope not in read]
            self.keep(page, stream, [each.native_id for each in moved_out])
            found |= {each.native_id for each in page.documents}
            outside.update(each.scope for each in moved_out)
        for scope, count in sorted(outside.items()):
            self.summary.warnings.append(
                f"{scope}: {count} in {stream} moved there, where this source does not read: no longer visible"
            )
        return found

    def _closed(self, stream: str) -> list[str]:
        """List the scopes that are closed to us and may have taken in what is absent elsewhere."""
        closed = {part for part in self.parts if part.unreadable is not None} | {
            end.part for end in self.ends if end.unreadable
        }
        return sorted({part.scope for part in closed if part.stream == stream and not part.sealed})

    def _not_known(self, absent: dict[Slice, Absent], fault: str) -> None:
        self.whole = False
        for part in (part for part, missing in absent.items() if missing.native_ids or missing.marked):
            self.reasons[part] = f"what vanished from {part.stream} is not known: {fault}"
            self.summary.warnings.append(f"{part.scope}: {self.reasons[part]}")


def _proves(end: Ended, closed: list[str]) -> bool:
    return end.census is not None and end.census.deletes and not closed


def _not_listed(end: Ended) -> bool:
    return end.census_fault is not None or (end.fault is not None and not end.unreadable)
