"""What mail would say if one more rule were written, or approvals were asked for by mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.sync.source_type import Offer
from hub_email.provision import DECIDED, MESSAGE, OF_RULES, SURVEYED
from hub_email.rule_settings import BECOMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub_email.settings import ImapSettings

__all__ = ["offers"]


def offers(name: str, settings: ImapSettings | None) -> Sequence[Offer]:
    """List one offer for each line; without settings there is one, the mailboxes with their messages."""
    if settings is None:
        return [Offer('plugin = "imap"', f"[sources.{name}], with host and mailboxes", (MESSAGE,))]
    made = {rule.becomes for rule in settings.rules}
    found = [
        Offer(
            f'becomes = "{kind}"',
            f"[[sources.{name}.rules]], with the addresses or folders it is for",
            (OF_RULES[kind],),
        )
        for kind in BECOMES
        if kind not in made
    ]
    if settings.decisions is None:
        line = 'key = { file = "secrets/mail-key" }'
        found.append(Offer(line, f"[sources.{name}.decisions]", DECIDED))
    if settings.surveys is None:
        found.append(
            Offer("share = 1.0", f"[sources.{name}.surveys], with key and channel below decisions", (SURVEYED,))
        )
    return found
