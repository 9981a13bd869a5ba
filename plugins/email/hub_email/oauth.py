"""Access tokens for mail servers that take no passwords: fetched, kept in memory until shortly before they end.

RFC 6749: client credentials (4.4) and refresh (6). The token goes to the server by XOAUTH2.
"""

from __future__ import annotations

import json
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from hub.clock import Clock
from hub.errors import AuthenticationFailed, ProtocolFault, Retriable, SourceError
from hub_email.settings import OAuthSettings

__all__ = ["Tokens", "xoauth2"]

_EARLY_MS = 120_000
"""A token is not used in its last two minutes: clocks differ, and a login takes a while."""
_LONGEST = 1_000_000
_TOO_MANY, _SERVER_FAULT = 429, 500


class Tokens:
    """The tokens of one account; safe to share between threads."""

    def __init__(
        self,
        settings: OAuthSettings,
        clock: Clock,
        *,
        tls: Callable[[], ssl.SSLContext],
        proxy: str | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._tls = tls
        self._proxy = proxy
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._token: str | None = None
        self._ends_ms = 0
        self._refresh = settings.refresh_token.get_secret_value() if settings.refresh_token else None
        self.where = urlsplit(settings.endpoint).hostname or ""

    def __repr__(self) -> str:
        """Name the endpoint, nothing else."""
        return f"Tokens({self.where!r})"

    def token(self) -> tuple[str, bool]:
        """Give (access token, whether it is new).

        Raises Retriable where the endpoint has a passing fault, AuthenticationFailed where it gives no token.
        """
        with self._lock:
            if self._token is not None and self._clock.now_ms() < self._ends_ms - _EARLY_MS:
                return self._token, False
            self._token, self._ends_ms = None, 0
            asked_at = self._clock.now_ms()
            answer = self._ask()
            token = answer.get("access_token")
            if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
                raise ProtocolFault(f"{self.where}: the answer holds no access token; check token_url")
            lasts = answer.get("expires_in", 0)
            lasts_s = int(lasts) if isinstance(lasts, int | float | str) and str(lasts).isdecimal() else 0
            self._token, self._ends_ms = token, asked_at + lasts_s * 1000
            if isinstance(again := answer.get("refresh_token"), str) and again:
                self._refresh = again  # Microsoft gives a new one with each answer; the configured one stays good
            return token, True

    def forget(self) -> None:
        """Drop the token: the server did not take it."""
        with self._lock:
            self._token, self._ends_ms = None, 0

    def _ask(self) -> dict[str, Any]:
        settings = self._settings
        form = {"client_id": settings.client_id}
        if settings.client_secret is not None:
            form["client_secret"] = settings.client_secret.get_secret_value()
        if self._refresh is not None:
            form |= {"grant_type": "refresh_token", "refresh_token": self._refresh}
        else:
            form["grant_type"] = "client_credentials"
        if settings.wanted_scope:
            form["scope"] = settings.wanted_scope
        status, body = self._post(urlencode(form).encode())
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if status == _TOO_MANY or status >= _SERVER_FAULT:
            raise Retriable(f"{self.where}: the token endpoint answers {status}")
        if status >= 300 or (isinstance(answer, dict) and "error" in answer):  # noqa: PLR2004 - anything but success
            raise AuthenticationFailed(
                f"{self.where}: no access token ({status} {_word(answer)}); check client_id, client_secret, "
                f"{'refresh_token' if settings.refresh_token else 'tenant and scope'}, or whether the secret has expired"
            )
        if not isinstance(answer, dict):
            raise ProtocolFault(f"{self.where}: the answer is no JSON; check token_url")
        return answer

    def _post(self, form: bytes) -> tuple[int, bytes]:
        handlers: list[urllib.request.BaseHandler] = [
            urllib.request.ProxyHandler({"http": self._proxy, "https": self._proxy} if self._proxy else None),
            _NoRedirect(),
        ]
        if self._settings.endpoint.startswith("https:"):
            handlers.append(urllib.request.HTTPSHandler(context=self._tls()))
        opener = urllib.request.build_opener(*handlers)
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked with the settings
            self._settings.endpoint, data=form, headers={"Accept": "application/json"}
        )
        fault: SourceError
        try:
            with opener.open(request, timeout=self._timeout_s) as response:
                return int(response.status), response.read(_LONGEST)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(_LONGEST)
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                fault = SourceError(f"{self.where}: certificate not trusted: {reason.verify_message}; set ca_bundle")
            else:
                fault = Retriable(f"{self.where}: the token endpoint cannot be reached ({type(reason).__name__})")
        raise fault  # out here, so that no traceback carries the form


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The secret goes to the configured address only."""

    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        return None


def xoauth2(user: str, token: str) -> str:
    """Write the initial answer of XOAUTH2 (developers.google.com/gmail/imap/xoauth2-protocol), before base64."""
    return f"user={user}\1auth=Bearer {token}\1\1"


def _word(answer: Any) -> str:
    """Take the error's name, such as `invalid_client`: the description may repeat what was sent."""
    word = answer.get("error") if isinstance(answer, dict) else None
    return word if isinstance(word, str) and word.replace("_", "").isalnum() and len(word) <= 40 else "no reason given"  # noqa: PLR2004 - as long as a name is
