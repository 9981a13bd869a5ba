"""Which ticket of another tool a mail names by its key, in the subject: exactly one, or none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from hub_email.rule_settings import TicketKeys

__all__ = ["named_tickets"]


def named_tickets(subject: str, known: Sequence[TicketKeys]) -> list[str]:
    """Return what the subject names, as ids `<source>:key/<key>`, each once and in order.

    Which record bears the key is found where records are written (`hub.store.naming`).
    """
    found: dict[str, None] = {}
    for one in known:
        for match in _expression(one.pattern).finditer(subject):
            word = match.group(match.re.groups)
            if word:
                found[f"{one.source}:key/{one.key.replace('{}', word)}"] = None
    return list(found)


@lru_cache(maxsize=100)
def _expression(pattern: str) -> re.Pattern[str]:
    """Find it as a word of its own: `OPS-1` does not stand in `OPS-12` or `DEVOPS-1`."""
    return re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])")
