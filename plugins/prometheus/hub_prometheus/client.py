"""Questions to one Prometheus and its Alertmanagers; every one only reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import msgspec

from hub.errors import ProtocolFault, Retriable, SourceError
from hub.sync.answer import read_json
from hub.sync.web import Reply, TooLarge, Web, sort_status
from hub_prometheus.matcher import each_matcher
from hub_prometheus.wire import AlertNow, Answer, Complaint, Matrix, Series, Silence, Vector

if TYPE_CHECKING:
    from hub.sync.source import SourceContext
    from hub_prometheus.settings import PrometheusSettings

__all__ = ["MOST_POINTS", "Alertmanager", "Prometheus", "TooMuch"]

T = TypeVar("T")
MOST_POINTS = 10_000
"""Points a series asked for at once: Prometheus refuses more than 11,000."""
_LARGEST = 16 * 1024 * 1024
"""Bytes of one answer: some 800,000 points. What is larger is asked for in pieces."""
_TOO_MUCH = ("exceeded maximum resolution", "too many samples", "too many points", "limit")
_REFUSED = (400, 422)


class TooMuch(ProtocolFault):
    """Prometheus will not answer a question of this size."""


def _web(tool: str, url: str, settings: PrometheusSettings, context: SourceContext) -> Web:
    password = settings.password.get_secret_value() if settings.password else ""
    token = settings.token.get_secret_value() if settings.token else ""
    certificate = None
    if settings.client_certificate and settings.client_key:
        certificate = (context.base_dir / settings.client_certificate, context.base_dir / settings.client_key)
    return Web(
        tool,
        url,
        context,
        timeout_s=settings.timeout_s,
        proxy=settings.proxy,
        ca_bundle=context.base_dir / settings.ca_bundle if settings.ca_bundle else None,
        certificate=certificate,
        auth=(settings.user, password) if settings.user else None,
        headers={"Authorization": f"Bearer {token}"} if token else None,
        secrets=[password, token],
        largest=_LARGEST,
    )


class Prometheus:
    """One Prometheus; safe to share between threads."""

    def __init__(self, settings: PrometheusSettings, context: SourceContext) -> None:
        self._web = _web("Prometheus", settings.url, settings, context)

    def counting(self) -> Prometheus:
        """Give the same connections with a count of their own."""
        twin = object.__new__(type(self))
        twin._web = self._web.counting()
        return twin

    @property
    def requests(self) -> int:
        """Requests sent, retries included."""
        return self._web.requests

    def now_ms(self) -> int:
        """Ask for the present instant by Prometheus's clock; shows at once whether we may ask anything."""
        found = self._ask("/api/v1/query", Vector, [], query="time()").result
        try:
            return int(float(found[0]) * 1000)
        except (TypeError, ValueError, IndexError, KeyError):
            raise ProtocolFault("GET /api/v1/query: time() gave no instant; check url of this source") from None

    def over(self, query: str, start_s: int, end_s: int, step_s: int, *, warnings: list[str]) -> list[Series]:
        """Evaluate a query at every step from `start_s` to `end_s`, both included.

        What Prometheus warns of (a store behind it that did
        not answer) is added to `warnings`. Raises TooMuch where the answer would be too large.
        """
        try:
            return self._ask(
                "/api/v1/query_range",
                Matrix,
                warnings,
                query=query,
                start=start_s,
                end=end_s,
                step=step_s,
            ).result
        except TooLarge as fault:
            raise TooMuch(str(fault)) from None

    def version(self) -> str:
        """Ask which Prometheus it is; empty where it does not say."""
        return str(self._ask("/api/v1/status/buildinfo", dict[str, str], []).get("version", ""))

    def close(self) -> None:
        """Give back connections."""
        self._web.close()

    def _ask(self, path: str, shape: type[T], warnings: list[str], **params: str | int) -> T:
        def read(reply: Reply) -> T:
            answer, fault = self._answer(reply)
            if fault is not None:
                raise fault
            warnings.extend(self._web.quote(one) for one in answer.warnings)
            try:
                return msgspec.json.decode(answer.data, type=shape)
            except msgspec.ValidationError as error:
                raise ProtocolFault(f"{reply.where}: answer of an unexpected shape ({error})") from None

        return self._web.ask("GET", path, read, params=params)

    def _answer(self, reply: Reply) -> tuple[Answer, SourceError | None]:
        try:
            answer = msgspec.json.decode(reply.body, type=Answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            fault = sort_status("Prometheus", reply)
            return (Answer("error"), fault) if fault else (read_json(reply.body, Answer, reply.where), None)
        if answer.status == "success" and reply.status < 300:  # noqa: PLR2004 - the class of good answers
            return answer, None
        said = self._web.quote(answer.error or answer.status)
        if reply.status in (*_REFUSED, 200):
            kind = TooMuch if any(one in answer.error for one in _TOO_MUCH) else ProtocolFault
            if answer.errorType in ("timeout", "unavailable", "canceled"):
                return answer, Retriable(f"{reply.where}: Prometheus could not answer: {said}")
            return answer, kind(f"{reply.where}: Prometheus refused the query ({reply.status}): {said}")
        return answer, sort_status("Prometheus", reply, said) or ProtocolFault(f"{reply.where}: {said}")


class Alertmanager:
    """The Alertmanagers of one source: any of a cluster answers for all."""

    def __init__(self, settings: PrometheusSettings, context: SourceContext) -> None:
        self._webs = [_web("Alertmanager", url, settings, context) for url in settings.alertmanagers]
        self._context = context
        self._filters = each_matcher(settings.alerts)

    def counting(self) -> Alertmanager:
        """Give the same connections with a count of their own."""
        twin = object.__new__(type(self))
        twin._webs = [web.counting() for web in self._webs]
        twin._context, twin._filters = self._context, self._filters
        return twin

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self._webs)

    @property
    def requests(self) -> int:
        """Requests sent, retries included."""
        return sum(web.requests for web in self._webs)

    def alerts(self) -> list[AlertNow]:
        """List what fires at present, silenced or not, of the alerts the settings choose."""
        states = {"active": "true", "silenced": "true", "inhibited": "true", "unprocessed": "true"}
        params = {**states, "filter": self._filters}
        found = self._any(lambda web: web.ask("GET", "/api/v2/alerts", _listed(web, list[AlertNow]), params=params))
        return list({(one.fingerprint, one.startsAt): one for one in found}.values())

    def silences(self) -> list[Silence]:
        """List silences, those over and not yet forgotten included."""
        found = self._any(lambda web: web.ask("GET", "/api/v2/silences", _listed(web, list[Silence])))
        return list({one.id: one for one in found}.values())

    def close(self) -> None:
        """Give back connections."""
        for web in self._webs:
            web.close()

    def _any(self, ask: Callable[[Web], list[T]]) -> list[T]:
        """Ask every one and put together what they say; one that answers will do, the others are warned of."""
        found: list[T] = []
        faults: list[SourceError] = []
        for web in self._webs:
            try:
                found += ask(web)
            except SourceError as fault:
                faults.append(fault)
        if faults and len(faults) == len(self._webs):
            raise faults[0]
        for one in faults:
            self._context.log(f"one of the Alertmanagers could not be asked: {one}")
        return found


def _listed(web: Web, shape: type[T]) -> Callable[[Reply], T]:
    def read(reply: Reply) -> T:
        said = ""
        if reply.status >= 400:  # noqa: PLR2004 - the classes of faults
            try:
                said = web.quote(msgspec.json.decode(reply.body, type=Complaint).message)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                said = ""
        if (wrong := sort_status("Alertmanager", reply, said)) is not None:
            raise wrong
        return read_json(reply.body, shape, reply.where)

    return read
