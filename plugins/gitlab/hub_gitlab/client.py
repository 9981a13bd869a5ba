"""HTTP to GitLab through python-gitlab's session: one request, one answer or one sorted fault.

The library's own retrying is not used and none of its objects are built: answers are decoded from
bytes into the structs of `wire`, and stay raw where only the mapping looks into them. The credential
travels as a bearer token, which a redirect to another host loses, and never reaches a message.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import gitlab
import msgspec
import requests
from requests import Response, Session

from hub.clock import monotonic_s
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
from hub_gitlab.wire import Account

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hub.sync.source import SourceContext
    from hub_gitlab.settings import GitlabSettings

__all__ = ["API", "BadRequest", "Closed", "GitlabClient", "Listed", "NotFound"]

T = TypeVar("T")
Params = dict[str, str | int | list[int]]
PATIENCE = 20
"""Pages without anything after which it is given up that something comes."""
API = "/api/v4"
CHUNK = 1 << 20
LONGEST_LIMIT_S = 3600.0
"""A rate limit that ends later than this is taken for a clock gone wrong."""


class BadRequest(ProtocolFault):
    """GitLab refused the request itself (400)."""


class Closed(ScopeUnreadable):
    """GitLab does not let this account see it (403), or says no more than that there is nothing (404)."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class NotFound(Closed):
    """GitLab itself, not something on the way, says that there is no such thing (404)."""


class Listed(msgspec.Struct):
    """One page of a list."""

    objects: list[msgspec.Raw]
    following: Params | None
    """What GitLab wants to be asked for the next page; None = this was the last."""


class _Bearer(requests.auth.AuthBase):
    """Sets the credential; as the session's own, so that no .netrc takes its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Count:
    """Requests sent, retries included; several threads count together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.value = 0

    def add(self) -> None:
        with self._lock:
            self.value += 1


class GitlabClient:
    """One account at one GitLab; safe to share between threads."""

    def __init__(self, settings: GitlabSettings, context: SourceContext) -> None:
        self._context = context
        self._secret = settings.token.get_secret_value()
        self._url = settings.url
        proxy = context.proxy or settings.proxy
        bundle = context.ca_bundle or settings.ca_bundle
        self._timeout = (CONNECT_S, settings.timeout_s)
        library = gitlab.Gitlab(settings.url, keep_base_url=True, retry_transient_errors=False)
        self._session: Session = library.session
        self._session.auth = _Bearer(self._secret)
        self._session.headers["User-Agent"] = library.headers["User-Agent"]
        around = self._session.merge_environment_settings(settings.url, {}, None, None, None)
        self._session.trust_env = False  # what the environment says is asked once, not with every request
        self._session.verify = str(bundle) if bundle else around["verify"]
        self._session.proxies = {"http": proxy, "https": proxy} if proxy else dict(around["proxies"])
        connections = settings.at_once * settings.fetchers
        be_patient(self._session, settings.timeout_s, connections)
        self._count = _Count()
        self._limit = {"until_s": 0.0}
        """When the rate limit, used up, begins anew, by our monotonic clock; shared by all twins."""
        self.clock_skew_ms: int | None = None
        """GitLab's clock minus ours at the last answer; None = not told."""

    @property
    def requests(self) -> int:
        """Requests sent, retries included."""
        return self._count.value

    def counting(self) -> GitlabClient:
        """Give a client over the same connections that counts its own requests."""
        twin = object.__new__(GitlabClient)
        twin.__dict__.update(self.__dict__)
        twin._count = _Count()
        return twin

    def get(self, path: str, shape: type[T], **params: str | int) -> T:
        """GET `path` below the API and decode the answer."""
        return self._context.call(lambda: read_json(self._once(path, params).content, shape, f"GET {path}"))

    def page(self, path: str, params: Mapping[str, str | int | list[int]]) -> Listed:
        """GET one page of a list; ProtocolFault where the answer is none."""

        def ask() -> Listed:
            response = self._once(path, params)
            objects = read_json(response.content, list[msgspec.Raw], f"GET {path}")
            return Listed(objects, self._following(response, params, len(objects)))

        return self._context.call(ask)

    def leaves(self, path: str, /, **params: str | int) -> Iterator[list[msgspec.Raw]]:
        """Yield the pages of a list as GitLab leads from one to the next; ProtocolFault where it leads in a circle."""
        following: Params | None = {"per_page": 100, **params}
        asked: list[Params] = []
        empty = 0
        while following is not None:
            if following in asked or empty > PATIENCE:
                raise ProtocolFault(f"GET {path}: GitLab leads in a circle; reading would never end")
            asked.append(following)
            page = self.page(path, following)
            empty = 0 if page.objects else empty + 1
            yield page.objects
            following = page.following

    def pages(self, path: str, /, **params: str | int) -> list[msgspec.Raw]:
        """GET a whole list that is short by its nature."""
        return [each for objects in self.leaves(path, **params) for each in objects]

    def whoami(self) -> Account:
        """Ask who we are."""
        return self.get("/user", Account)

    def close(self) -> None:
        """Give back connections."""
        self._session.close()

    def server_now_ms(self) -> int:
        """Give the present instant by the slower of both clocks."""
        return self._context.clock.now_ms() + min(self.clock_skew_ms or 0, 0)

    def _once(self, path: str, params: Mapping[str, Any]) -> Response:
        where = f"GET {path}"
        wait_s = self._limit["until_s"] - monotonic_s()
        if wait_s > 0:
            raise Retriable(f"{where}: the rate limit of GitLab is used up", retry_after_s=wait_s)
        self._count.add()
        response = send(lambda: self._whole(path, params), self._url, where)
        self._note_clock(response)
        problem = self._status_fault(response, where)
        if problem is not None:
            raise problem
        self._note_limit(response)
        return response

    def _whole(self, path: str, params: Mapping[str, Any]) -> Response:
        response = self._session.get(self._url + API + path, params=params, timeout=self._timeout, stream=True)
        response._content = b"".join(response.iter_content(CHUNK))  # noqa: SLF001 - left alone, it reads 10 kB at a time
        return response

    def _note_clock(self, response: Response) -> None:
        told = http_date_ms(response.headers.get("Date"))
        self.clock_skew_ms = None if told is None else told - self._context.clock.now_ms()

    def _note_limit(self, response: Response) -> None:
        """Send nothing more until the limit begins anew, once an answer says that none is left."""
        if response.headers.get("RateLimit-Remaining", "").strip() == "0":
            wait_s = self._limit_ends_in_s(response)
            if wait_s is not None:
                self._limit["until_s"] = monotonic_s() + wait_s

    def _limit_ends_in_s(self, response: Response) -> float | None:
        told = response.headers.get("RateLimit-Reset", "").strip()
        now_ms = http_date_ms(response.headers.get("Date")) or self._context.clock.now_ms()
        if not (told.isdecimal() and told.isascii() and len(told) < 12):  # noqa: PLR2004 - seconds since 1970
            return None
        wait_s = int(told) - now_ms / 1000
        return wait_s if 0 < wait_s <= LONGEST_LIMIT_S else None

    def _status_fault(self, response: Response, where: str) -> SourceError | None:  # noqa: PLR0911 - one line a status
        status = response.status_code
        if status == requests.codes.unauthorized:
            return AuthenticationFailed(f"{where}: GitLab does not accept the token; renew it, or check url")
        if 200 <= status < 300 and status != requests.codes.no_content:  # noqa: PLR2004 - the class of good answers
            return None
        said = self._said(response)
        if status == requests.codes.forbidden:
            if "insufficient_scope" in said:
                return AuthenticationFailed(f"{where}: the token lacks a scope; make one with the scope read_api{said}")
            return Closed(f"{where}: GitLab answered 403{said}; give the account a role that may read it", status)
        if status == requests.codes.not_found:
            kind = NotFound if said else Closed
            return kind(f"{where}: GitLab answered 404{said}; give the account a role that may read it", status)
        if status == requests.codes.gone:
            return ConnectorOutdated(f"{where}: GitLab has removed this endpoint (410); upgrade the plugin")
        if status == requests.codes.too_many_requests or status in {408, 425} or status >= requests.codes.server_error:
            return Retriable(f"{where}: GitLab answered {status}{said}", retry_after_s=self._retry_after_s(response))
        if status == requests.codes.bad_request:
            return BadRequest(f"{where}: GitLab refused the request (400){said}")
        return ProtocolFault(f"{where}: unexpected answer {status}{said}; check url of this source")

    def _said(self, response: Response) -> str:
        """Quote GitLab's own sentence, bounded and without the credential."""
        try:
            answer = msgspec.json.decode(response.content, type=_Complaint)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ""
        parts = (answer.error, answer.error_description, answer.message)
        text = " ".join(each if isinstance(each, str) else msgspec.json.encode(each).decode() for each in parts if each)
        return f": {quote(text, [self._secret])}" if text else ""

    def _retry_after_s(self, response: Response) -> float | None:
        asked_s = asked_wait_s(response.headers.get("Retry-After"), self._context.clock.now_ms())
        if asked_s is None and response.status_code == requests.codes.too_many_requests:
            return self._limit_ends_in_s(response)
        return asked_s

    def _following(self, response: Response, asked: Mapping[str, str | int | list[int]], found: int) -> Params | None:
        """Read what leads on, from the address's query only: where the request goes is ours to say."""
        link = response.links.get("next", {}).get("url")
        if link:
            return dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))
        told = response.headers.get("X-Next-Page")
        if told is not None and re.fullmatch(r"[0-9]{1,9}", told.strip()):
            return {**asked, "page": int(told)}
        if told is not None or "Link" in response.headers or found < _number(asked.get("per_page"), found + 1):
            return None
        if "pagination" in asked:
            return None
        return {**asked, "page": _number(asked.get("page"), 1) + 1}  # something on the way took the headers off


class _Complaint(msgspec.Struct):
    """How GitLab words an error."""

    message: Any = None
    error: Any = None
    error_description: Any = None


def _number(told: object, otherwise: int) -> int:
    return int(told) if isinstance(told, str | int) and str(told).isdecimal() else otherwise
