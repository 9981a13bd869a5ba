"""HTTP for sources whose library is httpx: one request, one answer or one sorted fault.

Nothing is retried here (`SourceContext.call` does that), nothing is followed, and no credential reaches a
message. Only plugins whose extra brings httpx import this module.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from hub.clock import monotonic_s
from hub.errors import (
    AuthenticationFailed,
    ConnectorOutdated,
    ProtocolFault,
    Retriable,
    ScopeUnreadable,
    SourceError,
)
from hub.sync.answer import asked_wait_s, http_date_ms, quote
from hub.sync.source import SourceContext

__all__ = ["Reply", "TooLarge", "Web", "sort_status"]

T = TypeVar("T")
_CONNECT_S = 10.0
_SILENCES = 5
"""How many times the longest silence a whole answer may take."""
_LARGEST = 256 * 1024 * 1024
"""Bytes of one answer; more is no answer but a mistake, or an attack on our memory."""
_DEEPEST = 10
"""Faults behind a fault that are looked at; their chain may be a circle."""
_PASSING = frozenset({408, 425, 429})


class TooLarge(ProtocolFault):
    """An answer larger than we hold."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the tool, whole."""

    where: str
    """What was asked, for messages: `GET /v1/objects/hosts`."""
    status: int
    body: bytes
    wait_s: float | None = None
    """How long the tool asks us to wait; None = it does not."""


class Web:
    """Connections to one tool; safe to share between threads."""

    def __init__(
        self,
        tool: str,
        url: str,
        context: SourceContext,
        *,
        timeout_s: float,
        proxy: str | None = None,
        ca_bundle: Path | None = None,
        certificate: tuple[Path, Path] | None = None,
        auth: httpx.Auth | tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        largest: int = _LARGEST,
    ) -> None:
        self.tool = tool
        """The tool's name, for messages."""
        self.url = url.rstrip("/")
        self.requests = 0
        """Requests sent, retries included."""
        self.clock_skew_ms: int | None = None
        """The tool's clock minus ours by its last answer; None = not told."""
        self._context = context
        self._secrets = tuple(each for each in secrets if each)
        self._largest = largest
        self._limit_s = timeout_s * _SILENCES
        bundle = context.ca_bundle or ca_bundle
        self._bundle = context.base_dir / bundle if bundle else None
        self._certificate = certificate
        self._proxy = context.proxy or proxy
        self._timeout = httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s))
        self._auth, self._headers = auth, dict(headers or {})
        self._clients: list[httpx.Client] = []  # one at most, shared with every twin, made by the first request
        self._opening = threading.Lock()

    def counting(self) -> Web:
        """Give the same connections with a count of their own."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.requests = 0
        return twin

    def ask(
        self,
        method: str,
        path: str,
        read: Callable[[Reply], T],
        *,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """Send one request under the retry policy and read the answer; `read` raises what the answer means.

        `read` is called for every status (`sort_status` and `answer.read_json` do the usual). Raises SourceError.
        """
        return self._context.call(lambda: read(self._once(method, path, params, body, headers)))

    def quote(self, text: str) -> str:
        """Quote what the tool said: bounded, on one line, without a credential."""
        return quote(text, self._secrets)

    def close(self) -> None:
        """Give back connections."""
        for client in self._clients:
            client.close()

    def _open(self) -> httpx.Client:
        with self._opening:  # two threads would open two, and close one
            if not self._clients:
                self._clients.append(self._made())
            return self._clients[0]

    def _made(self) -> httpx.Client:
        trust = self._trust()
        try:
            return httpx.Client(
                verify=trust,
                proxy=self._proxy,
                timeout=self._timeout,
                auth=self._auth,
                headers=self._headers,
                follow_redirects=False,
                trust_env=self._proxy is None,
            )
        except (httpx.InvalidURL, ValueError):
            raise SourceError(
                f"{self.tool}: proxy of this source is no address of a proxy; write http://<host>:<port>"
            ) from None

    def _trust(self) -> ssl.SSLContext | bool:
        if urlsplit(self.url).scheme != "https":
            return True
        try:
            made = ssl.create_default_context(cafile=str(self._bundle) if self._bundle else None)
        except (OSError, ssl.SSLError):
            raise SourceError(
                f"{self.tool}: ca_bundle of this source is no file with certificates that can be read"
            ) from None
        if self._certificate:
            try:
                made.load_cert_chain(*map(str, self._certificate))
            except (OSError, ssl.SSLError):
                raise SourceError(f"{self.tool}: the client certificate or its key cannot be read") from None
        return made

    def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int | Sequence[str]] | None,
        body: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> Reply:
        client = self._open()
        self.requests += 1
        where = f"{method} {path}"
        try:
            request = client.build_request(method, self.url + path, params=params, content=body, headers=headers)
        except (httpx.InvalidURL, ValueError) as error:
            raise self._connection_fault(where, error) from None
        reply, fault = self._send(client, where, request)
        if reply is None:
            raise self._connection_fault(where, fault)
        return reply

    def _send(self, client: httpx.Client, where: str, request: httpx.Request) -> tuple[Reply | None, Exception | None]:
        """Send once; faults are handed back so that no traceback carries the request's headers."""
        end_s = monotonic_s() + self._limit_s
        held = bytearray()
        answer: httpx.Response | None = None
        try:
            answer = client.send(request, stream=True)
            for part in answer.iter_bytes():
                held += part
                if monotonic_s() > end_s:
                    return None, httpx.ReadTimeout("the answer is not there in time")
                if len(held) > self._largest:
                    return None, TooLarge(f"{where}: the answer is larger than {self._largest >> 20} MB")
            now_ms = self._context.clock.now_ms()
            told = http_date_ms(answer.headers.get("date"))
            if told is not None:
                self.clock_skew_ms = told - now_ms
            wait_s = asked_wait_s(answer.headers.get("retry-after"), now_ms)
            return Reply(where, answer.status_code, bytes(held), wait_s), None
        except (httpx.HTTPError, OSError, ValueError) as error:
            return None, error
        finally:
            if answer is not None:
                answer.close()

    def _connection_fault(self, where: str, error: Exception | None) -> SourceError:
        host = urlsplit(self.url).hostname
        if isinstance(error, SourceError):
            return error
        if (told := _encryption_fault(error, host)) is not None:
            return SourceError(f"{where}: {told}")
        if isinstance(error, httpx.ProxyError):
            return Retriable(f"{where}: the proxy does not let us reach {host}; check proxy of this source")
        if isinstance(error, httpx.TimeoutException):
            return Retriable(f"{where}: {host} did not answer in time")
        if isinstance(error, (httpx.TransportError, OSError)) and not isinstance(error, httpx.UnsupportedProtocol):
            return Retriable(f"{where}: the connection to {host} failed or was cut; check url and network")
        return SourceError(f"{where}: no request possible ({type(error).__name__}); check url of this source")


def _encryption_fault(error: BaseException | None, host: str | None) -> str | None:
    """Say whose certificate is refused where TLS is behind a fault, which httpx wraps twice; None = something else is."""
    for _ in range(_DEEPEST):
        if error is None:
            break
        said = str(error)
        if "_ALERT_" in said and "CERTIFICATE" in said:  # by the other side, about us
            told = "the server asks for a certificate of ours that it trusts"
            return f"{told}; set client_certificate and client_key of this source"
        if isinstance(error, ssl.SSLError) or "CERTIFICATE_VERIFY" in said:
            told = f"the certificate of {host} is not trusted or not made out to that name"
            return f"{told}; set ca_bundle of this source, or check url"
        error = error.__cause__ or error.__context__
    return None


def sort_status(tool: str, reply: Reply, said: str = "") -> SourceError | None:
    """Sort an answer by its HTTP status; None = it is good. `said` is the tool's own sentence."""
    status, where = reply.status, reply.where
    said = f": {said}" if said else ""
    if 200 <= status < 300:  # noqa: PLR2004 - the class of good answers
        return None
    if status == httpx.codes.UNAUTHORIZED:
        return AuthenticationFailed(
            f"{where}: {tool} does not accept the credential; check user, password or token of this source"
        )
    if status in {httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}:
        return ScopeUnreadable(f"{where}: {tool} answered {status}{said}; check url, and what this account may read")
    if status == httpx.codes.GONE:
        return ConnectorOutdated(f"{where}: {tool} has removed this endpoint (410); upgrade the plugin")
    if status in _PASSING or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Retriable(f"{where}: {tool} answered {status}{said}", retry_after_s=reply.wait_s)
    return ProtocolFault(f"{where}: unexpected answer {status}{said}; check url of this source")
