"""What a mail address looks like, for configuration as for delivery: it must not cost the start of a command that sends none."""

from __future__ import annotations

import re

__all__ = ["is_address"]


def is_address(text: str) -> bool:
    """Tell whether a text is one bare mail address in ASCII, without a display name."""
    return re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", text) is not None
