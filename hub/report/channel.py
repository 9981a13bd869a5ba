"""What the hub asks of a way of delivery, and what it gives in return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from hub.sync.source import CheckLine, SourceContext

__all__ = ["Channel", "ChannelSettings", "ChannelType", "Outgoing", "Receipt"]


class ChannelSettings(BaseModel):
    """Settings of every channel; a plugin's own settings inherit from here. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    plugin: str
    """Name of the channel type, such as `smtp` or `file`."""
    enabled: bool = True
    """False = kept in the file, not used."""
    send: bool = False
    """False = whatever leaves the machine stays in the outbox."""
    largest_mb: int = Field(default=10, ge=1, le=150)
    """A larger message goes to its recipients without its attachments, with a link instead."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One rendered report on its way; its bytes are those that were hashed and approved."""

    report_id: str
    """Id of the service_report record."""
    revision: int
    """Revision of the report, from 1."""
    message_id: str
    """`<…@…>`, derived from report id and revision: the same report never gets a second one."""
    recipients: list[str]
    """Mail addresses."""
    eml: bytes
    """The whole message, RFC 5322, CRLF line ends."""
    html: bytes
    """The page a browser can open, UTF-8."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the other side took."""

    accepted: list[str]
    """Addresses it took; those of `Outgoing.recipients` that are missing here were refused."""
    detail: str = ""
    """The server's answer, or the path of what was written."""
    refused: dict[str, str] = field(default_factory=dict)
    """Address -> the reason given."""


class Channel(Protocol):
    """A way to hand a report over. Never retries; the outbox does."""

    def check(self) -> list[CheckLine]:
        """Tell wrong host, wrong credential and missing rights apart without sending anything."""
        ...

    def deliver(self, message: Outgoing) -> Receipt:
        """Hand one message over.

        Raises DeliveryError, `retriable` where a later attempt may help. A message some recipients
        of which were refused is delivered: see `Receipt.refused`.
        """
        ...


@dataclass(frozen=True, slots=True)
class ChannelType:
    """A kind of channel, such as `smtp`."""

    name: str
    settings: type[ChannelSettings]
    make: Callable[[Any, SourceContext], Channel]
    """Called with (validated settings, context); must not use the network. Of the context a channel
    reads name, base_dir, zone, clock, log."""
    addressed: bool = True
    """False = it has no recipients and stays on this machine, such as a folder: it is used once a report,
    needs no `send = true`, and doing it twice leaves one."""
