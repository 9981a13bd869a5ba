"""What a person writes under `[channels.…]` and `[sources.…]` for mail."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from hub.report.address import is_address
from hub.report.channel import ChannelSettings
from hub.sync.source_type import SourceSettings
from hub_email.rule_settings import MailReading

__all__ = ["FileSettings", "ImapSettings", "MailboxSettings", "OAuthSettings", "SmtpSettings", "is_loopback"]

_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
_GOOGLE = "https://oauth2.googleapis.com/token"
_MICROSOFT_SCOPE = "https://outlook.office365.com/.default"
Name = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]


class FileSettings(ChannelSettings):
    """A folder that reports are written into; nothing leaves the machine."""

    folder: Path = Path("out")
    """Relative to the configuration file; made where it does not exist."""


class OAuthSettings(BaseModel):
    """Where access tokens come from, for servers that take no passwords (XOAUTH2)."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    provider: Literal["microsoft", "google", "other"] = "other"
    """`microsoft` and `google` bring their token endpoint with them."""
    tenant: Name | None = None
    """Microsoft: directory (tenant) id or domain."""
    token_url: str = ""
    """Token endpoint; needed for `other`."""
    client_id: Name
    """The application's id."""
    client_secret: SecretStr | None = None
    """The application's secret."""
    refresh_token: SecretStr | None = None
    """Token of a person's consent; None = the application asks in its own name (client credentials)."""
    scope: str | None = None
    """What is asked for; None = what the provider needs for mail."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.provider == "microsoft" and not self.tenant and not self.token_url:
            raise ValueError("tenant is missing: write the directory (tenant) id")
        if self.provider == "google" and self.refresh_token is None:
            raise ValueError("refresh_token is missing: Google opens a mailbox to client credentials of no application")
        if self.provider == "other" and not self.token_url:
            raise ValueError("token_url is missing: write the address of the token endpoint")
        if self.refresh_token is None and self.client_secret is None:
            raise ValueError("client_secret is missing: client credentials need it")
        try:
            parts = urlsplit(self.endpoint)
            sound = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        except ValueError:
            sound = False
        if not sound or not self.endpoint.isprintable() or " " in self.endpoint:
            raise ValueError("token_url is no https:// address; the secret would cross the network unencrypted")
        return self

    @property
    def endpoint(self) -> str:
        """Address of the token endpoint."""
        if self.token_url:
            return self.token_url
        return _MICROSOFT.format(tenant=self.tenant) if self.provider == "microsoft" else _GOOGLE

    @property
    def wanted_scope(self) -> str | None:
        """What is asked for."""
        if self.scope is None and self.provider == "microsoft" and self.refresh_token is None:
            return _MICROSOFT_SCOPE
        return self.scope


class SmtpSettings(ChannelSettings):
    """A mail server that takes messages for delivery (submission)."""

    model_config = ConfigDict(hide_input_in_errors=True)

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    starttls: bool = True
    """Encrypt, and check the server's certificate; False only inside the machine or a trusted network."""
    tls: bool = False
    """Encrypt from the first byte (port 465) instead of by STARTTLS."""
    sender: str
    """Bare address the mail comes from; answers and bounces go there."""
    sender_name: str = Field(default="", max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
    """What stands before the address, in any script."""
    verp: bool = False
    """Bounces go to `sender+local=domain@…`, which tells whose they are; the server must take such addresses."""
    user: str | None = None
    """Login name; None = the server takes mail without login."""
    password: SecretStr | None = None
    oauth: OAuthSettings | None = None
    """Log in with an access token instead of a password."""
    ca_bundle: Path | None = None
    """PEM file with the certificate authorities to trust, instead of the system's."""
    timeout_s: float = Field(default=30.0, gt=0, le=600)
    """How long one answer of the server may take."""

    @field_validator("sender")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if not is_address(value):
            raise ValueError("not a mail address; write it bare: hub@example.com")
        return value

    @model_validator(mode="after")
    def _login_is_whole_and_safe(self) -> Self:
        if self.oauth is not None and (self.user is None or self.password is not None):
            raise ValueError("oauth logs in with user and without password")
        if self.oauth is None and (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together: set both or neither")
        if self.user is not None and not self.encrypted and not is_loopback(self.host):
            raise ValueError("the password would cross the network unencrypted; set starttls = true")
        return self

    @property
    def encrypted(self) -> bool:
        """What is said to the server is read by nobody else."""
        return self.starttls or self.tls


class MailboxSettings(BaseModel):
    """One mailbox, and which of its folders are read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    user: Name
    """Login name, mostly the mailbox's address; the first half of every scope."""
    password: SecretStr | None = None
    oauth: OAuthSettings | None = None
    """Tokens for this mailbox; None = those of the source."""
    folders: list[Name] = Field(default=["INBOX"], min_length=1)
    """Names as the server lists them."""


class ImapSettings(MailReading, SourceSettings):
    """Mailboxes of one IMAP server; they are only read, nothing is marked as seen."""

    model_config = ConfigDict(hide_input_in_errors=True)

    host: Name
    port: int | None = Field(default=None, ge=1, le=65535)
    """None = 993 with `tls`, else 143."""
    security: Literal["tls", "starttls", "none"] = "tls"
    """How the connection is encrypted; `none` only inside the machine."""
    mailboxes: list[MailboxSettings] = Field(min_length=1)
    """What is read."""
    oauth: OAuthSettings | None = None
    """Tokens for every mailbox that has neither a password nor tokens of its own."""
    largest_mb: int = Field(default=20, ge=1, le=200)
    """A larger mail is not read; of it the header is kept and it is counted."""
    page_size: int = Field(default=100, ge=1, le=500)
    """Mails a request, where they are small."""
    moved_elsewhere: bool = True
    """False = mails are never moved to a folder that is not read here; only then an absent mail is called deleted."""
    timeout_s: float = Field(default=60, gt=0, le=600)
    """Longest silence within an answer."""

    @model_validator(mode="after")
    def _logins(self) -> Self:
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError('the password would cross the network unencrypted; set security = "tls"')
        seen: set[tuple[str, str]] = set()
        for mailbox in self.mailboxes:
            if mailbox.password is not None and mailbox.oauth is not None:
                raise ValueError(f"mailbox {mailbox.user}: set password or oauth, not both")
            if mailbox.password is None and mailbox.oauth is None and self.oauth is None:
                raise ValueError(f"mailbox {mailbox.user}: set password, or oauth here or for the source")
            for folder in mailbox.folders:
                if (mailbox.user, folder) in seen:
                    raise ValueError(f"mailbox {mailbox.user}: folder {folder} is named twice")
                seen.add((mailbox.user, folder))
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or (993 if self.security == "tls" else 143)

    @property
    def largest(self) -> int:
        """Bytes of the largest mail that is read."""
        return self.largest_mb * 1_000_000


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
