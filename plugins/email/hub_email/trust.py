"""Who sent a mail, as far as somebody we believe vouches for it, and when it came.

Two things are believed: what our own server wrote into Authentication-Results, under a configured
name and above the border, and a DKIM signature that holds with a configured key. A sender's own
header, display name or date proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Literal

from hub_email.authentication_results import Result, read_results
from hub_email.dkim import read_signature, verify
from hub_email.parse.header import one_address, words
from hub_email.parse.message import Mail
from hub_email.parse.received import Border, Network, find_border
from hub_email.rule_settings import TrustSettings

__all__ = ["Sender", "Trust"]

Authenticity = Literal["tool_login", "dkim_pass", "none"]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who is said to have sent a mail."""

    address: str | None
    """In lower case; None = the From header does not name exactly one mailbox."""
    authenticity: Authenticity
    """`dkim_pass`: the domain vouches for it; `tool_login`: our own server saw the login; `none`: nobody does."""
    reason: str = ""
    """Why it is `none`."""
    shown: str = ""
    """The From header, for people to read."""

    @property
    def is_proven(self) -> bool:
        """Somebody we believe vouches for the address."""
        return self.authenticity != "none" and self.address is not None


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to believe, ready to be asked."""

    settings: TrustSettings
    networks: tuple[Network, ...] = field(default=())
    authserv_ids: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: TrustSettings) -> Trust:
        """Make it from settings."""
        names = frozenset(one.lower() for one in settings.authserv_ids)
        return cls(settings, tuple(ip_network(one) for one in settings.networks), names)

    def border(self, mail: Mail) -> Border:
        """Find where the mail came in."""
        return find_border(mail.fields, self.settings.servers, self.networks)

    def sender(self, mail: Mail, border: Border) -> Sender:
        """Tell who sent it, and what vouches for that."""
        froms = mail.all("from")
        shown = words(", ".join(froms))[:500]
        if len(froms) != 1:
            return Sender(None, "none", "it names no sender" if not froms else "it names several senders", shown)
        address = one_address(froms[0])
        if address is None:
            return Sender(None, "none", "its From header does not name exactly one mailbox", shown)
        if not mail.whole:
            return Sender(address, "none", "its header was not read to the end, or is broken", shown)
        found = self._by_results(mail, border, address)
        if found is not None:
            return Sender(address, found, shown=shown)
        reason = self._by_signature(mail, address)
        if reason is None:
            return Sender(address, "dkim_pass", shown=shown)
        return Sender(address, "none", reason, shown)

    def _by_results(self, mail: Mail, border: Border, address: str) -> Authenticity | None:
        domain = address.rpartition("@")[2]
        for result in self._results(mail, border):
            told = result.properties
            if result.result != "pass":
                continue
            if result.method == "auth" and told.get("smtp.auth") == address:
                return "tool_login"
            if result.method == "dmarc" and told.get("header.from") == domain:
                return "dkim_pass"
            if result.method == "dkim" and _vouches(told.get("header.d") or told.get("header.i", ""), domain):
                return "dkim_pass"
        return None

    def _results(self, mail: Mail, border: Border) -> Iterator[Result]:
        """Yield what our own server found: of headers under its name only those nobody else can have put there."""
        if border.place < 0:
            return
        upper = mail.fields[: border.place]
        texts = [one.text for one in upper if one.name == "authentication-results"]
        if self.settings.results_below_received:
            # Up to the next Received header the server's own come first; only its first is taken.
            for one in mail.fields[border.place + 1 :]:
                if one.name == "received":
                    break
                if one.name == "authentication-results" and self._is_ours(one.text):
                    texts.append(one.text)
                    break
        unnamed_before = False
        for text in texts:
            name, results = read_results(text)
            # Of those without a name the uppermost alone was written last, by the server of our own mailbox.
            if name in self.authserv_ids or (not name and self.settings.unnamed_results and not unnamed_before):
                yield from results
            unnamed_before = unnamed_before or not name

    def _is_ours(self, text: str) -> bool:
        return read_results(text)[0] in self.authserv_ids

    def _by_signature(self, mail: Mail, address: str) -> str | None:
        """Return None where a signature vouches for the address, else why none does."""
        domain = address.rpartition("@")[2]
        reason = "nothing we believe says who sent it"
        for one in [given for given in mail.fields if given.name == "dkim-signature"][:5]:
            signature = read_signature(one)
            key = self.settings.dkim_keys.get(signature.key_name) if signature else None
            if signature is None or key is None or not _vouches(signature.domain, domain):
                continue
            wrong = verify(signature, mail.fields, mail.body, key)
            if wrong is None:
                return None
            reason = wrong
        return reason


def _vouches(signing: str, domain: str) -> bool:
    """Say whether a signing domain speaks for the domain of an address: the same, or one above it."""
    signing = signing.rpartition("@")[2].strip(".")
    return "." in signing and (domain == signing or domain.endswith(f".{signing}"))
