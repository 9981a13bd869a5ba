"""Hands a report to a mail server.

A 4xx answer and a broken connection are worth another attempt at the next run, a 5xx answer is not. Once
the whole message was handed over and no answer came, it may be on its way: DeliveryUncertain. Where the
server knows delivery status notifications (RFC 3461), it is asked to name message and recipient in a bounce.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hub.clock import Clock, SystemClock
from hub.errors import DeliveryError, DeliveryUncertain, Retriable, SourceError
from hub.report.address import is_address
from hub.report.channel import Outgoing, Receipt
from hub.sync.source import CheckLine, SourceContext
from hub_email.bounce import verp
from hub_email.oauth import Tokens, xoauth2
from hub_email.settings import SmtpSettings

__all__ = ["SmtpChannel", "make_smtp_channel"]

_PASSING = range(400, 500)
_TAKEN = (250, 251)


def make_smtp_channel(settings: SmtpSettings, context: SourceContext) -> SmtpChannel:
    """Make the channel; nothing is connected yet."""
    return SmtpChannel(settings, base_dir=context.base_dir, clock=context.clock)


class SmtpChannel:
    """A mail server, asked anew for every message."""

    def __init__(self, settings: SmtpSettings, *, base_dir: Path, clock: Clock | None = None) -> None:
        self._settings = settings
        self._ca_file = base_dir / settings.ca_bundle if settings.ca_bundle else None
        self._place = f"{settings.host}:{settings.port}"
        self._tokens = Tokens(settings.oauth, clock or SystemClock(), tls=self._tls) if settings.oauth else None

    def check(self) -> list[CheckLine]:
        """Connect, encrypt and log in, without naming a recipient."""
        try:
            with self._connected() as server:
                code, answer = server.noop()
        except DeliveryError as error:
            return [CheckLine("error", str(error))]
        except (smtplib.SMTPException, OSError) as error:
            return [CheckLine("error", f"{self._place}: {_text(error)}")]
        if code not in _TAKEN:
            return [CheckLine("error", f"{self._place} answers {code} {_line(answer)}")]
        how = "encrypted" if self._settings.encrypted else "NOT encrypted"
        token = f" by a token of {self._tokens.where}" if self._tokens else ""
        login = f", logged in as {self._settings.user}{token}" if self._settings.user else ", without login"
        lines = [CheckLine("ok", f"{self._place} answers, {how}{login}")]
        if not self._settings.send:
            lines.append(CheckLine("warning", "mail stays in the outbox: send = false", "send = true"))
        return lines

    def deliver(self, message: Outgoing) -> Receipt:
        """Send one message; refused recipients are told, also where others were accepted."""
        accepted: list[str] = []
        refused: dict[str, str] = {}
        passing = False
        if strange := [one for one in message.recipients if not is_address(one)]:
            raise DeliveryError(f"{strange[0]!r} is no mail address", retriable=False)
        with self._connected() as server:
            try:
                self._must(server.mail(*self._from(server, message)), "the sender was refused")
                for recipient in message.recipients:
                    code, answer = server.rcpt(recipient, self._told(server, recipient))
                    if code in _TAKEN:
                        accepted.append(recipient)
                    else:
                        refused[recipient] = f"{code} {_line(answer)}"
                        passing = passing or code in _PASSING
                if not accepted or passing:
                    # Nothing was sent: a later attempt cannot make it two.
                    reasons = "; ".join(f"{who}: {why}" for who, why in refused.items())
                    raise DeliveryError(f"{self._place} refused {reasons or 'a mail to nobody'}", retriable=passing)
                self._must(server.docmd("DATA"), "the message was refused", wanted=(354,))
            except (smtplib.SMTPException, OSError) as error:
                raise DeliveryError(f"{self._place}: {_text(error)}", retriable=True) from error
            code, answer = self._hand_over(server, message)
        self._must((code, answer), "the message was refused")
        return Receipt(accepted=accepted, detail=f"{code} {_line(answer)}", refused=refused)

    def _from(self, server: smtplib.SMTP, message: Outgoing) -> tuple[str, list[str]]:
        """Give the address bounces go to, and what the server is told of the message."""
        settings = self._settings
        options = []
        if server.has_extn("size"):
            most = server.esmtp_features["size"].strip()
            if most.isdecimal() and 0 < int(most) < len(message.eml):
                raise DeliveryError(
                    f"{self._place} takes messages of {int(most):,} bytes, this one has {len(message.eml):,}; "
                    f"set largest_mb = {max(int(most) // 1_000_000, 1)}",
                    retriable=False,
                )
            options.append(f"SIZE={len(message.eml)}")
        if server.has_extn("dsn"):
            options += ["RET=HDRS", f"ENVID={_xtext(message.message_id.strip('<>'))}"]
        alone = len(message.recipients) == 1 and settings.verp
        return verp(settings.sender, message.recipients[0]) if alone else settings.sender, options

    @staticmethod
    def _told(server: smtplib.SMTP, recipient: str) -> list[str]:
        return ["NOTIFY=FAILURE", f"ORCPT=rfc822;{_xtext(recipient)}"] if server.has_extn("dsn") else []

    def _hand_over(self, server: smtplib.SMTP, message: Outgoing) -> tuple[int, bytes]:
        try:
            server.send(_stuffed(message.eml))
            return server.getreply()
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryUncertain(
                f"{self._place} took the message and gave no answer ({_text(error)}): ask the recipient whether it arrived"
            ) from error

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        settings = self._settings
        try:
            if settings.tls:
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    settings.host, settings.port, timeout=settings.timeout_s, context=self._tls()
                )
            else:
                server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
        except smtplib.SMTPConnectError as error:
            answer = _line(error.smtp_error if isinstance(error.smtp_error, bytes) else error.smtp_error.encode())
            raise DeliveryError(
                f"{self._place} turns us away: {error.smtp_code} {answer}", retriable=error.smtp_code in _PASSING
            ) from error
        except ssl.SSLCertVerificationError as error:
            raise self._distrusted(error) from error
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(
                f"{self._place} cannot be reached: {_text(error)}; look at host, port and firewall", retriable=True
            ) from error
        try:
            self._open(server)
            yield server
        finally:
            # The answer to the message has been read by now; how the server says goodbye changes nothing.
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _open(self, server: smtplib.SMTP) -> None:
        settings = self._settings
        try:
            server.ehlo_or_helo_if_needed()
            if settings.starttls and not settings.tls:
                server.starttls(context=self._tls())
                server.ehlo()
            if self._tokens is not None:
                self._log_in_by_token(server, self._tokens)
            elif settings.user is not None and settings.password is not None:
                server.login(settings.user, settings.password.get_secret_value())
        except ssl.SSLCertVerificationError as error:
            raise self._distrusted(error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise DeliveryError(
                f"{self._place} offers no STARTTLS or no login that is known here; look at port and starttls",
                retriable=False,
            ) from error
        except smtplib.SMTPAuthenticationError as error:
            # The server's words are not repeated: some repeat what was sent. No cause either: same reason.
            raise DeliveryError(
                f"{self._place} does not accept user and password ({error.smtp_code})",
                retriable=error.smtp_code in _PASSING,
            ) from None
        except UnicodeError:
            raise DeliveryError(
                f"{self._place}: user or password hold characters that no login here carries; use ASCII",
                retriable=False,
            ) from None
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(
                f"{self._place} answers {error.smtp_code} to the greeting or STARTTLS",
                retriable=error.smtp_code in _PASSING,
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"{self._place}: {_text(error)}", retriable=True) from error

    def _log_in_by_token(self, server: smtplib.SMTP, tokens: Tokens) -> None:
        user = self._settings.user or ""
        try:
            token, is_new = tokens.token()
        except SourceError as error:
            raise DeliveryError(str(error), retriable=isinstance(error, Retriable)) from None
        if "XOAUTH2" not in server.esmtp_features.get("auth", "").upper().split():
            raise DeliveryError(f"{self._place} takes no access tokens (XOAUTH2) here; look at port", retriable=False)
        refused = None
        try:
            # What comes after a refusal is its reason, which wants an empty answer.
            server.auth("XOAUTH2", lambda challenge=None: "" if challenge else xoauth2(user, token))
        except smtplib.SMTPAuthenticationError as error:
            tokens.forget()
            passing = error.smtp_code in _PASSING or not is_new
            refused = DeliveryError(
                f"{self._place} does not accept the access token of {tokens.where} ({error.smtp_code}); "
                f"may the application send as {user}, and is SMTP login allowed for that mailbox?",
                retriable=passing,
            )
        if refused is not None:
            raise refused

    def _distrusted(self, error: ssl.SSLCertVerificationError) -> DeliveryError:
        return DeliveryError(
            f"{self._place}: certificate not trusted: {error.verify_message}; "
            "set ca_bundle to the authority that signed it",
            retriable=False,
        )

    def _tls(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=str(self._ca_file) if self._ca_file else None)
        except OSError as error:
            raise DeliveryError(
                f"ca_bundle {self._ca_file} cannot be used: {error.strerror or 'no certificate in it'}", retriable=False
            ) from error

    def _must(self, reply: tuple[int, bytes], what: str, *, wanted: tuple[int, ...] = _TAKEN) -> None:
        code, answer = reply
        if code not in wanted:
            raise DeliveryError(f"{self._place}: {what}: {code} {_line(answer)}", retriable=code in _PASSING)


def _stuffed(eml: bytes) -> bytes:
    """Double leading dots and end with the dot line (RFC 5321 4.5.2); the message has CRLF already."""
    body = eml if eml.endswith(b"\r\n") else eml + b"\r\n"
    if body.startswith(b"."):
        body = b"." + body
    return body.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def _xtext(text: str) -> str:
    """Write a value of an SMTP parameter (RFC 3461 4)."""
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in text)


def _line(answer: bytes) -> str:
    """Make a server's answer one short line."""
    return " ".join("".join(c if c.isprintable() else " " for c in answer.decode("utf-8", "replace")).split())[:200]


def _text(error: Exception) -> str:
    return _line(str(error).encode()) or type(error).__name__
