"""Hands waiting messages to their channels, each exactly once.

A message is marked `sending` in one transaction, handed over, and marked `sent` in the next. Killed
in between, it is found `sending` at the next run: a channel without recipients (a folder) simply
does it again, which leaves one file; any other message becomes `unknown` and is left to a person,
because it may have arrived. A passing fault leaves the message waiting for the next run; a lasting
one makes it `failed`. A message that came back is `bounced` as soon as the bounce was read from a mailbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from hub.clock import Clock
from hub.errors import DeliveryError, DeliveryUncertain
from hub.report.channel import Channel, Outgoing
from hub.store import outbox
from hub.store.outbox import Delivery, MessageKey, State
from hub.store.store import Store

__all__ = ["Way", "deliver_waiting", "held_reason"]


@dataclass(frozen=True, slots=True)
class Way:
    """A configured channel and what it may do."""

    channel: Channel
    send: bool
    """Messages may leave the machine (`send = true`)."""
    addressed: bool
    """It has recipients; see `ChannelType.addressed`."""

    @property
    def may_deliver(self) -> bool:
        """Nothing leaves the machine without `send = true`."""
        return self.send or not self.addressed


def deliver_waiting(store: Store, ways: Mapping[str, Way], clock: Clock) -> list[Delivery]:
    """Deliver what waits on these channels; return the messages that were touched, as they are now."""
    _look_back(store, ways)
    with store.connect() as conn:
        waiting = outbox.deliveries(conn, state="waiting")
    touched = []
    for delivery in waiting:
        way = ways.get(delivery.key.channel)
        if way is None:
            continue
        if not way.may_deliver:
            with store.begin() as conn:
                outbox.settle(conn, delivery.key, "held", detail=held_reason(delivery.key.channel))
            touched.append(delivery.key)
            continue
        with store.begin() as conn:
            if not outbox.claim(conn, delivery.key):
                continue
            message = outbox.message_of(conn, delivery.key)
        state, detail = _hand_over(way.channel, delivery, message)
        with store.begin() as conn:
            outbox.settle(conn, delivery.key, state, detail=detail, sent_at=clock.now_ms() if state == "sent" else None)
        touched.append(delivery.key)
    return _now(store, touched)


def held_reason(channel: str) -> str:
    """Say why a message stays in the outbox and what would let it go."""
    return f"send = true is not set under [channels.{channel}]"


def _look_back(store: Store, ways: Mapping[str, Way]) -> None:
    again = [name for name, way in ways.items() if not way.addressed]
    doubtful = [name for name, way in ways.items() if way.addressed]
    with store.begin() as conn:
        outbox.mark_bounced(conn)
        outbox.set_stranded(conn, again, "waiting", detail="interrupted; done again")
        outbox.set_stranded(
            conn,
            doubtful,
            "unknown",
            detail="interrupted while it was being sent: ask the recipient whether it arrived",
        )


def _hand_over(channel: Channel, delivery: Delivery, message: bytes) -> tuple[State, str]:
    key = delivery.key
    outgoing = Outgoing(
        report_id=key.report_id,
        revision=key.revision,
        message_id=delivery.message_id,
        recipients=[key.recipient] if key.recipient else [],
        eml=message,
        html=_page_of(message),
    )
    try:
        receipt = channel.deliver(outgoing)
    except DeliveryUncertain as error:
        return "unknown", str(error)
    except DeliveryError as error:
        return ("waiting" if error.retriable else "failed"), str(error)
    if key.recipient and key.recipient not in receipt.accepted:
        return "failed", receipt.refused.get(key.recipient) or receipt.detail
    return "sent", receipt.detail


def _page_of(message: bytes) -> bytes:
    parsed = message_from_bytes(message, EmailMessage, policy=policy.SMTP)
    page = parsed.get_body(("html",))
    content = page.get_content() if page is not None else ""
    return content.replace("\r\n", "\n").encode()


def _now(store: Store, keys: list[MessageKey]) -> list[Delivery]:
    with store.connect() as conn:
        found = {delivery.key: delivery for delivery in outbox.deliveries(conn)}
    return [found[key] for key in keys]
