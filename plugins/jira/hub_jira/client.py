"""HTTP to Jira through the `jira` library's session: one request, one answer or one sorted fault.

The session retries nothing by itself (`max_retries=0`), and none of the library's objects are built:
answers are decoded from bytes into the structs of `wire`. The credential never reaches a message.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import jira
import msgspec
import requests
import urllib3

from hub.errors import (
    AuthenticationFailed,
    ConnectorOutdated,
    ProtocolFault,
    Retriable,
    ScopeUnreadable,
    SourceError,
)
from hub.sync.leniency import rewrite
from hub.sync.patience import PatientAdapter
from hub_jira.wire import Account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.sync.source import SourceContext
    from hub_jira.settings import JiraSettings

__all__ = ["BadRequest", "JiraClient", "NotFound"]

T = TypeVar("T")
CONNECT_S = 10.0
SILENCES = 5
"""How many times the longest silence a whole answer may take."""
LONGEST_QUOTE = 200


class BadRequest(ProtocolFault):
    """Jira refused the request itself (400): an expired page token, or a query it cannot run."""


class NotFound(ScopeUnreadable):
    """Jira itself, not something on the way, says that there is no such thing (404)."""


class JiraClient:
    """One account at one Jira; safe to share between threads."""

    def __init__(self, settings: JiraSettings, context: SourceContext) -> None:
        self._context = context
        self._secret = settings.token.get_secret_value()
        self._url = settings.url
        self.api = "/rest/api/3" if settings.flavour == "cloud" else "/rest/api/2"
        cloud = settings.flavour == "cloud"
        proxy = context.proxy or settings.proxy
        bundle = context.ca_bundle or settings.ca_bundle
        self._timeout = (CONNECT_S, settings.timeout_s)
        library = jira.JIRA(
            server=settings.url,
            options={"verify": str(bundle) if bundle else True},
            basic_auth=(settings.user or "", self._secret) if cloud else None,
            token_auth=None if cloud else self._secret,
            get_server_info=False,
            logging=False,
            max_retries=0,
            proxies={"http": proxy, "https": proxy} if proxy else None,
            timeout=self._timeout,
        )
        self._session: requests.Session = library._session  # noqa: SLF001 - the library offers no public way to its session
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, PatientAdapter(settings.timeout_s * SILENCES))
        self.requests = 0
        """Requests sent, retries included."""
        self.clock_skew_ms: int | None = None
        """Jira's clock minus ours at the last answer; None = not told."""

    def counting(self) -> JiraClient:
        """Give a client over the same connections that counts its own requests."""
        twin = object.__new__(JiraClient)
        twin.__dict__.update(self.__dict__)
        twin.requests = 0
        return twin

    def get(self, path: str, shape: type[T], **params: str | int | list[str]) -> T:
        """GET `path` and decode the answer."""
        return self._context.call(lambda: self._once("GET", path, shape, params=params))

    def post(self, path: str, shape: type[T], body: Mapping[str, Any]) -> T:
        """POST a query (nothing is ever written to Jira) and decode the answer."""
        return self._context.call(lambda: self._once("POST", path, shape, body=body))

    def whoami(self) -> Account:
        """Ask who we are; ProtocolFault where the answer names nobody."""
        me = self.get(f"{self.api}/myself", Account)
        if not (me.account_id or me.name):
            raise ProtocolFault(f"GET {self.api}/myself: the answer names no account; check url of this source")
        return me

    def close(self) -> None:
        """Give back connections."""
        self._session.close()

    def server_now_ms(self) -> int:
        """Give the present instant by the slower of both clocks."""
        return self._context.clock.now_ms() + min(self.clock_skew_ms or 0, 0)

    def _once(
        self,
        method: str,
        path: str,
        shape: type[T],
        *,
        params: Mapping[str, str | int | list[str]] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> T:
        self.requests += 1
        where = f"{method} {path}"
        data = msgspec.json.encode(body) if body is not None else None
        response, fault = self._send(method, path, params, data)
        if response is None:
            raise self._connection_fault(where, fault)
        self._note_clock(response)
        problem = self._status_fault(response, where)
        if problem is not None:
            raise problem
        return self._decode(response, shape, where)

    def _send(
        self, method: str, path: str, params: Mapping[str, str | int | list[str]] | None, data: bytes | None
    ) -> tuple[requests.Response | None, Exception | None]:
        """Send once; faults are handed back so that no traceback carries the request's headers."""
        try:
            # not the library's own `request`: it stumbles over error answers that hold no map
            return requests.Session.request(
                self._session, method, self._url + path, params=params, data=data, timeout=self._timeout
            ), None
        except (OSError, urllib3.exceptions.HTTPError, ValueError) as error:
            return None, error  # OSError: also a missing ca_bundle; ValueError: a redirect to what is no address

    def _connection_fault(self, where: str, error: Exception | None) -> SourceError:
        host = urlsplit(self._url).hostname
        if isinstance(error, requests.exceptions.SSLError):
            return SourceError(f"{where}: the certificate of {host} is not trusted; set ca_bundle of this source")
        if isinstance(error, requests.exceptions.ProxyError):
            return Retriable(f"{where}: the proxy does not let us reach {host}; check proxy of this source")
        if isinstance(error, requests.Timeout):
            return Retriable(f"{where}: {host} did not answer in time")
        cut = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
        if isinstance(error, (*cut, requests.exceptions.ContentDecodingError)):
            return Retriable(f"{where}: the connection to {host} failed or was cut; check url and network")
        if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            return SourceError(f"{where}: ca_bundle of this source is no file that can be read")
        return SourceError(f"{where}: no request possible ({type(error).__name__}); check url of this source")

    def _note_clock(self, response: requests.Response) -> None:
        told = _http_date_ms(response.headers.get("Date"))
        self.clock_skew_ms = None if told is None else told - self._context.clock.now_ms()

    def _status_fault(self, response: requests.Response, where: str) -> SourceError | None:  # noqa: PLR0911 - one line a status
        status = response.status_code
        login = response.headers.get("X-Seraph-LoginReason", "")
        if status == requests.codes.unauthorized or "AUTHENTICATED_FAILED" in login:
            return AuthenticationFailed(
                f"{where}: Jira does not accept the credential; check user and token, or renew the token"
            )
        if "AUTHENTICATION_DENIED" in login or "X-Authentication-Denied-Reason" in response.headers:
            return AuthenticationFailed(f"{where}: Jira asks for a CAPTCHA; log in once as this account with a browser")
        if response.ok:
            return None
        said = self._said(response)
        if status in {requests.codes.forbidden, requests.codes.not_found}:
            kind = NotFound if said and status == requests.codes.not_found else ScopeUnreadable
            return kind(f"{where}: Jira answered {status}{said}; give the account permission to browse it")
        if status == requests.codes.gone:
            return ConnectorOutdated(
                f"{where}: Jira has removed this endpoint (410); check flavour, or upgrade the plugin"
            )
        if (
            status == requests.codes.too_many_requests
            or status in {408, 425}
            or status >= requests.codes.internal_server_error
        ):
            return Retriable(f"{where}: Jira answered {status}{said}", retry_after_s=self._retry_after_s(response))
        if status == requests.codes.bad_request:
            return BadRequest(f"{where}: Jira refused the request (400){said}")
        return ProtocolFault(f"{where}: unexpected answer {status}{said}; check url of this source")

    def _said(self, response: requests.Response) -> str:
        """Quote Jira's own sentence, bounded and without the credential."""
        try:
            answer = msgspec.json.decode(response.content, type=_Complaint)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ""
        sentences = [*answer.errorMessages, *answer.errors.values(), answer.message or ""]
        text = " ".join(each for each in sentences if isinstance(each, str) and each)
        for secret in (self._secret, self._secret[:12], self._secret[-12:]):
            text = text.replace(secret, "***") if secret else text
        return f": {text[:LONGEST_QUOTE].rstrip('. ')}" if text else ""

    def _retry_after_s(self, response: requests.Response) -> float | None:
        told = response.headers.get("Retry-After", "").strip()
        if told.isdecimal() and told.isascii():
            return float(told)
        instant = _http_date_ms(told)
        return None if instant is None else max(0.0, (instant - self._context.clock.now_ms()) / 1000)

    def _decode(self, response: requests.Response, shape: type[T], where: str) -> T:
        try:
            try:
                return msgspec.json.decode(response.content, type=shape)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                if isinstance(error, msgspec.ValidationError):
                    raise
                return msgspec.json.decode(rewrite(response.content), type=shape)
        except msgspec.ValidationError as error:
            raise ProtocolFault(f"{where}: answer of an unexpected shape ({error})") from None
        except RecursionError:
            raise ProtocolFault(f"{where}: the answer is nested deeper than any document") from None
        except ValueError:  # neither strict nor lenient JSON
            if response.content.lstrip()[:1] not in {b"{", b"["}:
                raise ProtocolFault(
                    f"{where}: something else than data came, perhaps a login page; check url and token"
                ) from None
            raise Retriable(f"{where}: the answer was cut off") from None


class _Complaint(msgspec.Struct):
    """How Jira words an error."""

    errorMessages: list[Any] = []  # noqa: N815 - Jira's name; msgspec copies the default
    errors: dict[str, Any] = {}
    message: str | None = None


def _http_date_ms(text: str | None) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp() * 1000) if text else None
    except (ValueError, TypeError, OverflowError):
        return None
