"""How a monitor's messages are tied to what they are about, where problems and recoveries come one by one."""

from __future__ import annotations

__all__ = ["ENDS", "OF_CHECK"]

OF_CHECK = "of_check"
"""Relation of an alert to its check, an id that no record has."""
ENDS = "ends"
"""Relation of a message to the check it says is well again, with the instant."""
