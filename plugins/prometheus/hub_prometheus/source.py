"""Prometheus as a source of the hub: which slices there are, how they are read, what they can say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from hub.clock import parse_instant
from hub.errors import PluginError, ProtocolFault
from hub.sync.source import Census, CheckLine, Document, Normalised, Page, Provision, Slice, SourceContext
from hub_prometheus.document import Quiet
from hub_prometheus.mapping import normalise
from hub_prometheus.provision import provisions
from hub_prometheus.vocabulary import Vocabulary

if TYPE_CHECKING:
    from hub_prometheus.client import Alertmanager, Prometheus
    from hub_prometheus.settings import PrometheusSettings

__all__ = ["LARGEST_SKEW_MS", "PrometheusSource", "make_source", "skew_told"]

LARGEST_SKEW_MS = 5 * 60 * 1000
_SILENCES = "silence"
SCOPE = "alerts"
"""Scope of alerts and silences; samples and figures have one each, by service and by metric."""


def make_source(settings: PrometheusSettings, context: SourceContext) -> PrometheusSource:
    """Make a source; no network. Raises PluginError with what to install where the library is missing."""
    try:
        from hub_prometheus.client import Alertmanager, Prometheus  # noqa: PLC0415 - the plugin loads without the library
    except ModuleNotFoundError as fault:
        raise PluginError(
            f"Plugin 'prometheus' cannot be loaded: No module named '{fault.name}'. "
            "Run: pip install 'itsm-hub[prometheus]'"
        ) from fault
    return PrometheusSource(settings, context, Prometheus(settings, context), Alertmanager(settings, context))


class PrometheusSource:
    """One configured Prometheus with its Alertmanagers.

    Streams: `alert` and `silence`, once each; `availability` for each service that has a query; `figure` for each
    metric. What a cursor holds is told where its stream is read.
    """

    def __init__(
        self,
        settings: PrometheusSettings,
        context: SourceContext,
        prometheus: Prometheus,
        alertmanager: Alertmanager,
    ) -> None:
        self._settings, self._context = settings, context
        self._prometheus, self._alertmanager = prometheus, alertmanager
        self._words = Vocabulary.of(context.name, settings)

    def check(self) -> list[CheckLine]:
        """Try address, credential, clock, queries and maps; every fault is a line."""
        from hub_prometheus.check import check  # noqa: PLC0415 - it needs the library

        return check(
            self._prometheus.counting(), self._alertmanager.counting(), self._settings, self._words, self._context
        )

    def provides(self) -> list[Provision]:
        """State what the settings let this source say."""
        return provisions(self._settings)

    def slices(self) -> list[Slice]:
        """Ask Prometheus whether we may ask anything, then list what is configured."""
        self._prometheus.counting().now_ms()
        found = [Slice("alert", SCOPE, frozenset({"alert"}))]
        if self._alertmanager:
            found.append(Slice(_SILENCES, SCOPE, frozenset({"maintenance_window"})))
        sampled = frozenset({"availability_sample"})
        found += [Slice("availability", service, sampled) for service in self._words.availability]
        return found + [Slice("figure", metric, frozenset({"measurement"})) for metric in self._words.figures]

    def fetch(self, part: Slice, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """Yield the pages of a slice from a committed cursor on; clocks too far apart are a gap, and nothing is read."""
        from hub_prometheus.figures import availability_pages, figure_pages  # noqa: PLC0415 - they need the library
        from hub_prometheus.history import AlertHistory  # noqa: PLC0415 - the same

        prometheus, held = self._prometheus.counting(), dict(cursor or {})
        now_ms = prometheus.now_ms()
        told = skew_told(now_ms - self._context.clock.now_ms())
        if told is not None:
            yield Page([], held, prometheus.requests, [f"{told}: its instants cannot be compared with others"])
            return
        now_ms = min(now_ms, self._context.clock.now_ms())
        days = self._settings.history_days
        match part.stream:
            case "alert":
                alertmanager = self._alertmanager.counting()
                history = AlertHistory(prometheus, alertmanager, self._settings, self._context, scope=part.scope)
                yield from history.pages(held, now_ms)
            case "availability":
                asked = self._words.availability[part.scope]
                yield from availability_pages(prometheus, asked, held, now_ms, days=days)
            case "figure":
                yield from figure_pages(prometheus, self._words.figures[part.scope], held, now_ms, days=days)
            case _:
                yield self._silences(held)

    def _silences(self, cursor: Mapping[str, Any]) -> Page:
        """Read all silences; the cursor keeps when each was first seen to have been changed: it was announced no later."""
        alertmanager = self._alertmanager.counting()
        announced: dict[str, int] = {}
        documents = []
        for one in alertmanager.silences():
            try:
                start, end, changed = (parse_instant(each) for each in (one.startsAt, one.endsAt, one.updatedAt))
            except (ValueError, OverflowError):
                raise ProtocolFault(f"GET /api/v2/silences: a time of silence {one.id} is none") from None
            announced[one.id] = min(changed, int(cursor.get("announced", {}).get(one.id, changed)))
            matchers = [(each.name, each.value, each.isRegex, each.isEqual) for each in one.matchers]
            quiet = Quiet(one.id, start, end, announced[one.id], one.createdBy, one.comment, matchers)
            documents.append(Document(_SILENCES, one.id, SCOPE, msgspec.json.encode(quiet)))
        return Page(documents, {"announced": announced}, alertmanager.requests)

    def normalise(self, document: Document) -> Normalised:
        """Turn a document into records."""
        return normalise(document, self._words)

    def census(self, part: Slice) -> Iterator[Census]:  # noqa: ARG002 - the protocol hands it over
        """Yield nothing: what is over is no longer listed, and is not gone for that."""
        return iter(())

    def look_for(self, stream: str, native_ids: Sequence[str]) -> Iterator[Page]:  # noqa: ARG002 - as above
        """Yield nothing: what Prometheus has forgotten it cannot be asked for."""
        return iter(())

    def close(self) -> None:
        """Give back connections."""
        self._prometheus.close()
        self._alertmanager.close()


def skew_told(skew_ms: int) -> str | None:
    """Say that the two clocks are too far apart to compare instants; None = they are not."""
    if abs(skew_ms) <= LARGEST_SKEW_MS:
        return None
    side = "ahead of" if skew_ms > 0 else "behind"
    return f"Prometheus's clock is {abs(skew_ms) // 60_000} minutes {side} this machine's; set both by NTP"
