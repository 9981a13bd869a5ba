"""Reading alerts: their history from the series `ALERTS`, and what Alertmanager adds while they fire.

The history is read in windows, each no larger than Prometheus answers and we can hold; a window begins where the
one before ended, so that whoever slept for a week sees every alert that fired meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from hub.clock import parse_instant
from hub.errors import ProtocolFault, SourceError
from hub.sync.source import Document, Page
from hub_prometheus.client import MOST_POINTS, Alertmanager, Prometheus, TooMuch
from hub_prometheus.document import Alarm, Now, Silenced, key_of
from hub_prometheus.freshness import is_selector
from hub_prometheus.interval import Firing, Over, Seen, follow
from hub_prometheus.matcher import alerts_that_fire

if TYPE_CHECKING:
    from hub.sync.source import SourceContext
    from hub_prometheus.settings import PrometheusSettings
    from hub_prometheus.wire import AlertNow, Silence

__all__ = ["ALERTS", "AlertHistory"]

ALERTS = "alert"
"""Stream of the documents."""
_PAGE = 500
_FIRST_WINDOW = 360
"""Looks of the first window; the next is twice as long while answers stay small."""
_SMALL = 100_000
"""Points of an answer after which the window grows no further."""
_LARGE = 400_000
"""Points of an answer after which the next window is shorter."""
_SILENT_S = 300
"""Time without a heartbeat at the end after which Prometheus is said to be silent."""
_BEAT_LOOKS = 3
"""For so many looks a heartbeat counts: a scrape may be rarer than an evaluation. With looks a minute apart an alert of
before a pause is still repeated when a heartbeat no longer counts: for five minutes."""
_ALERT_LOOKS = 1
"""For so many looks a sample of an alert says that it fires. Prometheus marks the end of an alert, so that an older one,
which it repeats because it paused, says neither that it fires nor that it is over."""


class AlertHistory:
    """Reads the alerts of one Prometheus from a cursor on.

    The cursor: `begun` (the first look ever), `mark` (seconds; all before it is settled), `open` (what fired then), `now` (what Alertmanager said of
    alerts that were not over at the mark), `foreign` (alerts only Alertmanager knows, and when they were last seen).
    """

    def __init__(
        self,
        prometheus: Prometheus,
        alertmanager: Alertmanager,
        settings: PrometheusSettings,
        context: SourceContext,
        *,
        scope: str,
    ) -> None:
        self._prometheus, self._alertmanager = prometheus, alertmanager
        self._settings, self._context, self._scope = settings, context, scope
        self._step = settings.step_s
        self._asked_for = f"timestamp({alerts_that_fire(settings.alerts)})"
        self._size = _FIRST_WINDOW
        self._watched_last: int | None = None
        self._counted = 0
        self._begun: int | None = None

    def pages(self, cursor: Mapping[str, Any], now_ms: int) -> Iterator[Page]:
        """Yield everything from the cursor up to `now_ms` by Prometheus's clock."""
        step = self._step
        end = now_ms // 1000 // step * step
        mark = int(cursor.get("mark", (end - self._settings.history_days * 86_400) // step * step))
        mark = min(mark, end)
        self._begun = int(cursor.get("begun", mark + step))
        state = {key: msgspec.convert(one, Firing) for key, one in cursor.get("open", {}).items()}
        told = {key: msgspec.convert(one, Now) for key, one in cursor.get("now", {}).items()}
        foreign = {key: dict(one) for key, one in cursor.get("foreign", {}).items()}
        gaps: list[str] = []
        present, silences = self._present(gaps)
        settled = max(mark, (end - self._settings.overlap_minutes * 60) // step * step)
        warnings: list[str] = []
        after: dict[str, Any] = dict(cursor)
        recent: list[tuple[dict[str, str], int]] = []
        for first, last in self._windows(mark + step, settled):
            over, state = self._window(first, last, state, warnings)
            after = {"begun": self._begun, "mark": last, "open": _plain(state), "now": _plain(told), "foreign": foreign}
            recent = [*recent, *((one.labels, one.start) for one in over)][-_PAGE:]
            documents = [self._document(one, told) for one in over]
            yield from self._pages(documents, after, cursor)
            cursor = after
        self._tell(_Owners(state.values(), recent, step), present, silences, told)
        over, still = [], state
        for first, last in self._windows(settled + step, end):
            more, still = self._window(first, last, still, warnings)
            over += more
        recent += [(one.labels, one.start) for one in over]
        owners = _Owners(still.values(), recent, step)
        self._tell(owners, present, silences, told)
        seen: list[Over | Firing] = [*over, *still.values()]
        documents = [self._document(one, told) for one in seen]
        if not gaps:
            documents += self._foreign(foreign, owners, present, silences, end)
        kept = {_native(one.labels, one.start) for one in [*state.values(), *seen]}
        after = {
            "begun": self._begun,
            "mark": settled,
            "open": _plain(state),
            "now": _plain({name: one for name, one in told.items() if name in kept}),
            "foreign": foreign,
        }
        gaps += [f"Prometheus warns: {one}" for one in dict.fromkeys(warnings)]
        gaps += self._silence(end)
        yield from self._pages(documents, after, cursor, gaps=gaps, always=True)

    # -- windows ------------------------------------------------------------------------------

    def _windows(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        while first <= end:
            last = min(end, first + (self._size - 1) * self._step)
            yield first, last
            first = last + self._step

    def _window(
        self, first: int, last: int, state: Mapping[str, Firing], warnings: list[str]
    ) -> tuple[list[Over], dict[str, Firing]]:
        """Read one window; one that is too large is read in halves."""
        try:
            found = self._asked(self._asked_for, first, last, warnings, within=_ALERT_LOOKS)
            beats = self._beats(first - self._step, last, warnings)
        except TooMuch:
            looks = (last - first) // self._step + 1
            if looks == 1:
                raise
            middle = first + (looks // 2 - 1) * self._step
            self._size = max(1, looks // 2)
            over, between = self._window(first, middle, state, warnings)
            more, still = self._window(middle + self._step, last, between, warnings)
            return over + more, still
        rows: list[Seen] = []
        points = 0
        for metric, looks_seen, repeated in found:
            labels = {name: value for name, value in metric.items() if name not in ("__name__", "alertstate")}
            points += len(looks_seen) + len(repeated)
            rows.append(Seen(key_of(labels), labels, looks_seen, repeated))
        self._resize(points)
        beats = beats or {look for row in rows for look in row.looks}
        self._watched_last = max(beats, default=self._watched_last)
        watched = sorted(look for look in beats if look - self._step in beats and look >= first)
        return follow(state, rows, watched, self._step)

    def _beats(self, first: int, last: int, warnings: list[str]) -> set[int]:
        """Return the looks at which Prometheus was at work; it has evaluated its rules by the next of two."""
        query, within = self._settings.heartbeat, None
        if is_selector(query):
            query, within = f"max(timestamp({query}))", _BEAT_LOOKS
        return {look for _, looks, _ in self._asked(query, first, last, warnings, within=within) for look in looks}

    def _asked(
        self, query: str, first: int, last: int, warnings: list[str], *, within: int | None
    ) -> list[tuple[dict[str, str], list[int], list[int]]]:
        """Return labels of each series, the looks at which it has a value, and those at which an older one is repeated.

        `within`: the value is the instant it was measured, and is a repetition after that many looks.
        """
        answer = self._prometheus.over(query, first, last, self._step, warnings=warnings)
        oldest = None if within is None else within * self._step
        found = []
        while answer:  # what is taken over is let go of: a large window is held once
            series = answer.pop()
            looks: list[int] = []
            repeated: list[int] = []
            for at, value in series.values:
                (looks if oldest is None or at - float(value) < oldest else repeated).append(round(at))
            found.append((series.metric, looks, repeated))
        return found[::-1]

    def _resize(self, points: int) -> None:
        if points > _LARGE:
            self._size = max(1, self._size // 2)
        elif points < _SMALL:
            self._size = min(MOST_POINTS, self._size * 2)

    def _silence(self, end: int) -> list[str]:
        last = self._watched_last
        if last is not None and end - last <= max(_SILENT_S, _BEAT_LOOKS * self._step):
            return []
        since = "" if last is None else f" for at least {(end - last) // 60} minutes"
        told = (
            f"Prometheus has measured nothing{since} ({self._settings.heartbeat} has no value): that nothing fires says "
            "nothing; see whether it scrapes, or set heartbeat of this source"
        )
        return [told]

    # -- what Alertmanager adds ---------------------------------------------------------------

    def _present(self, gaps: list[str]) -> tuple[list[AlertNow], dict[str, Silence]]:
        if not self._alertmanager:
            return [], {}
        try:
            return self._alertmanager.alerts(), {one.id: one for one in self._alertmanager.silences()}
        except SourceError as fault:
            gaps.append(str(fault))
            return [], {}

    def _tell(
        self,
        owners: _Owners,
        present: Sequence[AlertNow],
        silences: Mapping[str, Silence],
        told: dict[str, Now],
    ) -> None:
        """Add what Alertmanager has now to the alerts of the history it belongs to."""
        for alert in present:
            owner = owners.of(alert)
            if owner is None:
                continue
            native = _native(*owner)
            known = told.get(native)
            seen = {one.id: one for one in ([] if known is None else known.silences)}
            told[native] = _now(alert, silences, seen)

    def _foreign(
        self,
        foreign: dict[str, dict[str, Any]],
        owners: _Owners,
        present: Sequence[AlertNow],
        silences: Mapping[str, Silence],
        end: int,
    ) -> list[Document]:
        """Give alerts that no rule of this Prometheus raised; changes `foreign` to what fires now."""
        documents, here = [], {}
        for alert in present:
            started = _ms(alert.startsAt)
            young = started > (end - 2 * self._step) * 1000
            if young or owners.of(alert) is not None:
                continue
            native = f"{alert.fingerprint}/{started}"
            before = msgspec.convert(foreign[native]["alarm"], Alarm) if native in foreign else None
            seen = {one.id: one for one in (before.now.silences if before and before.now else [])}
            alarm = Alarm(alert.labels, started // 1000, self._step, now=_now(alert, silences, seen), foreign=True)
            here[native] = {"alarm": msgspec.to_builtins(alarm), "seen": end}
            documents.append(self._kept(native, alarm))
        for native, known in foreign.items():
            if native not in here:
                alarm = msgspec.convert(known["alarm"], Alarm)
                alarm.end, alarm.after = end, min(int(known["seen"]), end)
                documents.append(self._kept(native, alarm))
        foreign.clear()
        foreign.update(here)
        return documents

    # -- documents ----------------------------------------------------------------------------

    def _document(self, one: Over | Firing, told: Mapping[str, Now]) -> Document:
        native = _native(one.labels, one.start)
        end, after = (one.end, one.after) if isinstance(one, Over) else (None, None)
        alarm = Alarm(one.labels, one.start, self._step, end, after, told.get(native), one.start == self._begun)
        return self._kept(native, alarm)

    def _kept(self, native: str, alarm: Alarm) -> Document:
        return Document(ALERTS, native, self._scope, msgspec.json.encode(alarm, order="sorted"))

    def _pages(
        self,
        documents: list[Document],
        after: Mapping[str, Any],
        before: Mapping[str, Any],
        *,
        gaps: Sequence[str] = (),
        always: bool = False,
    ) -> Iterator[Page]:
        """Cut a window into pages; the cursor moves with its last."""
        pages = [documents[n : n + _PAGE] for n in range(0, len(documents), _PAGE)] or ([[]] if always else [])
        if not pages and after != before:
            pages = [[]]
        for number, page in enumerate(pages, 1):
            last = number == len(pages)
            yield Page(page, dict(after if last else before), self._spent(), list(gaps) if last else [])

    def _spent(self) -> int:
        total = self._prometheus.requests + self._alertmanager.requests
        spent, self._counted = total - self._counted, total
        return spent


def _native(labels: dict[str, str], start: int) -> str:
    return f"{key_of(labels)}/{start}"


class _Owners:
    """Finds the firing of the history that an alert of Alertmanager is: on its way labels are added, none is taken away."""

    def __init__(self, firing: Iterable[Firing], recent: Iterable[tuple[dict[str, str], int]], step: int) -> None:
        self._near_s = 3 * step
        self._by_name: dict[str, list[tuple[dict[str, str], int, bool]]] = {}
        for labels, start, fires in [
            *((one.labels, one.start, True) for one in firing),
            *((labels, start, False) for labels, start in recent),
        ]:
            self._by_name.setdefault(labels.get("alertname", ""), []).append((labels, start, fires))

    def of(self, alert: AlertNow) -> tuple[dict[str, str], int] | None:
        """Return labels and start of the firing: one that still fires, or one that began just then.

        Of several the one with most labels, then the latest.
        """
        started = _ms(alert.startsAt) // 1000
        fits = [
            (fires, labels, start)
            for labels, start, fires in self._by_name.get(alert.labels.get("alertname", ""), ())
            if (fires or abs(start - started) <= self._near_s) and labels.items() <= alert.labels.items()
        ]
        found = max(fits, key=lambda one: (one[0], len(one[1]), one[2]), default=None)
        return None if found is None else (found[1], found[2])


def _now(alert: AlertNow, silences: Mapping[str, Silence], seen: dict[str, Silenced]) -> Now:
    for name in alert.status.silencedBy:
        if name in silences:
            one = silences[name]
            seen[name] = Silenced(one.id, _ms(one.startsAt), one.createdBy, one.comment)
    ordered = sorted(seen.values(), key=lambda one: (one.start, one.id))
    return Now(alert.fingerprint, _ms(alert.startsAt), alert.annotations, ordered)


def _ms(text: str) -> int:
    try:
        return parse_instant(text)
    except (ValueError, OverflowError):
        raise ProtocolFault(f"GET /api/v2/alerts: {text[:40]!r} is no time") from None


def _plain(held: Mapping[str, msgspec.Struct]) -> dict[str, Any]:
    return {key: msgspec.to_builtins(one) for key, one in held.items()}
