"""What a person writes under `[channels.…]`."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from hub.report.channel import ChannelSettings
from hub.report.mail import is_address

__all__ = ["FileSettings", "SmtpSettings"]


class FileSettings(ChannelSettings):
    """A folder that reports are written into; nothing leaves the machine."""

    folder: Path = Path("out")
    """Relative to the configuration file; made where it does not exist."""


class SmtpSettings(ChannelSettings):
    """A mail server that takes messages for delivery (submission)."""

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    starttls: bool = True
    """Encrypt, and check the server's certificate; False only inside the machine or a trusted network."""
    sender: str
    """Bare address the mail comes from; answers and bounces go there."""
    user: str | None = None
    """Login name; None = the server takes mail without login."""
    password: SecretStr | None = None
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
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together: set both or neither")
        if self.password is not None and not self.starttls and not _is_loopback(self.host):
            raise ValueError("the password would cross the network unencrypted; set starttls = true")
        return self


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
