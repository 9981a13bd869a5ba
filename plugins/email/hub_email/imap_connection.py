"""Connections to an IMAP server: encrypted, logged in, and every fault sorted by what the caller must do.

IMAPClient gives raw bytes by UID, EXAMINE and HIGHESTMODSEQ, and builds no object for a mail. The
server's words are not repeated where a credential was sent: some servers repeat it.
"""

from __future__ import annotations

import re
import ssl
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, LoginError, ProtocolError

from hub.errors import AuthenticationFailed, ProtocolFault, Retriable, ScopeUnreadable, SourceError
from hub_email.oauth import Tokens, xoauth2

if TYPE_CHECKING:
    from hub.sync.source import SourceContext
    from hub_email.settings import ImapSettings, MailboxSettings

__all__ = ["Account", "Accounts", "close", "sorted_fault"]

_CONNECT_S = 10.0
_CODE = re.compile(r"\[([A-Z]+)[\] ]")
_PASSING = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "THROTTLED"})
"""Response codes of RFC 5530, and Microsoft's, that later may be gone."""
_STRANGE = ("BAD [", "got more than", "unexpected response")
"""How imaplib calls answers that no server should give."""
_TOOK = re.compile(r"\s*\(\d[\d.]* \+ [\d.+ ]+secs\)\.?")
_BUSY = ("too many", "try again", "not connected", "temporar", "throttl")
"""What servers without response codes say meanwhile (Gmail, Microsoft 365)."""


class Accounts:
    """What all mailboxes of one source share: the server, its certificate authorities, the tokens."""

    def __init__(self, settings: ImapSettings, context: SourceContext) -> None:
        self.settings = settings
        self.context = context
        self.place = "{}:{}".format(*settings.address)
        bundle = context.ca_bundle or settings.ca_bundle
        self._ca_file: Path | None = context.base_dir / bundle if bundle else None
        self._tls: ssl.SSLContext | None = None
        shared = self._tokens(settings) if settings.oauth else None
        self._accounts = {
            each.user: Account(self, each, self._tokens(each) if each.oauth else None if each.password else shared)
            for each in settings.mailboxes
        }

    def __repr__(self) -> str:
        """Name the server, nothing else."""
        return f"Accounts({self.place!r})"

    def of(self, user: str) -> Account:
        """Give one mailbox's account."""
        return self._accounts[user]

    def tls(self) -> ssl.SSLContext:
        """Give what certificates are checked against; read once."""
        if self._tls is None:
            try:
                self._tls = ssl.create_default_context(cafile=str(self._ca_file) if self._ca_file else None)
            except OSError as error:
                raise SourceError(
                    f"ca_bundle {self._ca_file} cannot be used: {error.strerror or 'no certificate in it'}"
                ) from None
        return self._tls

    def _tokens(self, owner: ImapSettings | MailboxSettings) -> Tokens:
        assert owner.oauth is not None  # noqa: S101 - asked by the caller
        proxy = self.context.proxy or self.settings.proxy
        return Tokens(owner.oauth, self.context.clock, tls=self.tls, proxy=proxy, timeout_s=self.settings.timeout_s)


class Account:
    """One mailbox: how it is logged in to."""

    def __init__(self, server: Accounts, mailbox: MailboxSettings, tokens: Tokens | None) -> None:
        self._server = server
        self._mailbox = mailbox
        self._tokens = tokens
        self.user = mailbox.user
        self.place = f"{server.place} ({mailbox.user})"

    def __repr__(self) -> str:
        """Name the mailbox, nothing else."""
        return f"Account({self.place!r})"

    @property
    def context(self) -> SourceContext:
        """What the hub gave the source."""
        return self._server.context

    @property
    def token_host(self) -> str | None:
        """Where tokens come from; None = a password is used."""
        return self._tokens.where if self._tokens else None

    def connect(self) -> IMAPClient:
        """Connect, encrypt, log in. To be run through `context.call`."""
        client = self._reach()
        try:
            self._log_in(client)
        except BaseException:
            close(client, politely=False)
            raise
        return client

    def _reach(self) -> IMAPClient:
        settings = self._server.settings
        host, port = settings.address
        wrapped = settings.security == "tls"
        tls = self._server.tls() if settings.security != "none" else None
        try:
            client = IMAPClient(
                host,
                port,
                ssl=wrapped,
                ssl_context=tls if wrapped else None,
                timeout=SocketTimeout(min(_CONNECT_S, settings.timeout_s), settings.timeout_s),
            )
        except (OSError, IMAPClientError) as error:
            raise sorted_fault(error, self._server.place) from None
        client._imap.debug = 0  # noqa: SLF001 - else every line received is written out for a log nobody reads
        try:
            self._seal(client, tls)
        except BaseException:
            close(client, politely=False)
            raise
        return client

    def _seal(self, client: IMAPClient, tls: ssl.SSLContext | None) -> None:
        """Encrypt by STARTTLS where that is configured; a server that claims to know us already cannot be."""
        if client.welcome.upper().startswith(b"* PREAUTH"):
            raise SourceError(f"{self._server.place}: the server says it knows us before we said who we are; not used")
        if self._server.settings.security != "starttls":
            return
        try:
            client.starttls(tls)
        except CapabilityError:
            raise SourceError(
                f"{self._server.place} offers no STARTTLS: somebody on the way may have taken it out, or port and "
                "security are wrong; no password was sent"
            ) from None
        except (OSError, IMAPClientError) as error:
            raise sorted_fault(error, self._server.place) from None

    def _log_in(self, client: IMAPClient) -> None:
        token, is_new = self._tokens.token() if self._tokens else ("", True)
        try:
            if self._tokens is not None:
                client.sasl_login("XOAUTH2", _xoauth2_answers(self.user, token))
            else:
                secret = self._mailbox.password.get_secret_value() if self._mailbox.password else ""
                if client.has_capability("AUTH=PLAIN"):
                    client.sasl_login("PLAIN", lambda _: f"\0{self.user}\0{secret}".encode())  # LOGIN is ASCII only
                else:
                    client.login(self.user, secret)
        except IMAPClientAbortError:
            fault: SourceError = Retriable(f"{self.place}: the connection was cut at login")
        except LoginError as error:
            fault = self._refusal(str(error), is_new=is_new)
        except (OSError, IMAPClientError, ValueError) as error:
            fault = sorted_fault(error, self.place)
        else:
            return
        raise fault  # out here, so that no traceback carries the credential

    def _refusal(self, said: str, *, is_new: bool) -> SourceError:
        code = _code(said)
        if _is_passing(said):
            return Retriable(f"{self.place}: the server takes no login now ({code or 'busy'})")
        if self._tokens is not None:
            self._tokens.forget()
            if not is_new:
                return Retriable(f"{self.place}: the server takes the token no longer; a new one is fetched")
            return AuthenticationFailed(
                f"{self.place}: the server does not accept the access token of {self._tokens.where} "
                f"({code or 'refused'}); may the application open this mailbox?"
            )
        return AuthenticationFailed(
            f"{self.place}: the server does not accept user and password ({code or 'refused'}); "
            "Microsoft 365 and Google take no passwords: set oauth"
        )


def _xoauth2_answers(user: str, token: str) -> object:
    asked: list[bytes] = []

    def answer(challenge: bytes) -> bytes:
        """Give the token once; what comes then is the reason of a refusal, which wants an empty answer."""
        asked.append(challenge)
        return xoauth2(user, token).encode() if len(asked) == 1 else b""

    return answer


def sorted_fault(error: Exception, place: str) -> SourceError:  # noqa: PLR0911 - one line a fault
    """Turn what the library raised into what the hub knows."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return SourceError(
            f"{place}: certificate not trusted: {error.verify_message}; set ca_bundle to the authority that signed it"
        )
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return SourceError(f"{place}: no TLS is spoken there ({error.reason}); look at port and security")
    if isinstance(error, TimeoutError):
        return Retriable(f"{place}: no answer in time; look at host, port, security and firewall")
    if isinstance(error, IMAPClientAbortError):
        return Retriable(f"{place}: the connection was cut")
    if isinstance(error, OSError):
        return Retriable(
            f"{place} cannot be reached or cut the connection ({_line(str(error))}); look at host and port"
        )
    said = str(error)
    strange = isinstance(error, ProtocolError) or not isinstance(error, IMAPClientError)
    if strange or any(word in said for word in _STRANGE):
        return ProtocolFault(f"{place}: the answer is not what IMAP promises ({type(error).__name__}); is IMAP there?")
    if _is_passing(said):
        return Retriable(f"{place}: the server cannot answer now: {_line(said)}")
    return ScopeUnreadable(f"{place}: {_line(said)}")


def close(client: IMAPClient, *, politely: bool = True) -> None:
    """Say goodbye where that still means something, and close; how the server takes it changes nothing."""
    with suppress(OSError, IMAPClientError):
        if politely:
            client.logout()
            return
    with suppress(OSError, IMAPClientError):
        client.shutdown()


def _code(said: str) -> str:
    found = _CODE.search(said)
    return found[1] if found else ""


def _is_passing(said: str) -> bool:
    return _code(said) in _PASSING or any(word in said.lower() for word in _BUSY)


def _line(said: str) -> str:
    """Make a server's answer one short line, the same every time: Dovecot adds how long it took."""
    said = _TOOK.sub("", said)
    return " ".join("".join(c if c.isprintable() else " " for c in said).split())[:200]
