"""HTTP to Jira through the `jira` library's session: one request, one answer or one sorted fault.

The session retries nothing by itself (`max_retries=0`), and none of the library's objects are built:
answers are decoded from bytes into the structs of `wire`. The credential never reaches a message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import jira
import msgspec
import requests

from hub.errors import (
    AuthenticationFailed,
    ConnectorOutdated,
    ProtocolFault,
    Retriable,
    ScopeUnreadable,
    SourceError,
)
from hub.sync.answer import asked_wait_s, http_date_ms, quote, read_json
from hub.sync.session import CONNECT_S, be_patient, send
from hub_jira.wire import Account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.sync.source import SourceContext
    from hub_jira.settings import JiraSettings

__all__ = ["BadRequest", "JiraClient", "NotFound"]

T = TypeVar("T")


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
        be_patient(self._session, settings.timeout_s)
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
        # not the library's own `request`: it stumbles over error answers that hold no map
        response = send(
            lambda: requests.Session.request(
                self._session, method, self._url + path, params=params, data=data, timeout=self._timeout
            ),
            self._url,
            where,
        )
        self._note_clock(response)
        problem = self._status_fault(response, where)
        if problem is not None:
            raise problem
        return read_json(response.content, shape, where)

    def _note_clock(self, response: requests.Response) -> None:
        told = http_date_ms(response.headers.get("Date"))
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
        if 200 <= status < 300:  # noqa: PLR2004 - the class of good answers; a redirect that leads nowhere is none
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
            wait_s = asked_wait_s(response.headers.get("Retry-After"), self._context.clock.now_ms())
            return Retriable(f"{where}: Jira answered {status}{said}", retry_after_s=wait_s)
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
        return f": {quote(text, [self._secret])}" if text else ""


class _Complaint(msgspec.Struct):
    """How Jira words an error."""

    errorMessages: list[Any] = []  # noqa: N815 - Jira's name; msgspec copies the default
    errors: dict[str, Any] = {}
    message: str | None = None
