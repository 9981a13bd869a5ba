"""Tickets that an alert, an acknowledgement or a comment names: only keys of projects that the settings name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import StringConstraints

from hub.records import TicketReference

__all__ = ["TicketFinder", "TicketProject"]

TicketProject = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]*$")]
"""Type of an entry of the setting `ticket_projects`: `OPS` finds `OPS-12`, `group/app` finds `group/app#12` and the address of that issue."""
_LONGEST = 4000
"""Characters looked at; a text that names a ticket names it early."""


class TicketFinder:
    """Finds keys of tickets in text. `note-1` and `CVE-2026` look like keys, so none is believed that is not of a project named."""

    def __init__(self, projects: Iterable[str]) -> None:
        named = "|".join(re.escape(one) for one in sorted(projects, key=len, reverse=True))
        number = r"(\d{1,12})(?![\w-])"
        dashed = rf"(?<![\w.-])({named})-{number}"
        hashed = rf"(?<![\w./-])({named})#{number}"
        address = rf"/({named})/-/(?:issues|work_items)/(?:incident/)?{number}"
        self._pattern = re.compile(f"{dashed}|{hashed}|{address}") if named else None

    def references(self, texts: Iterable[tuple[str, str | None]]) -> list[TicketReference]:
        """Return what the texts name, each key once; `texts` are (where it stands, text)."""
        found: dict[str, TicketReference] = {}
        for said_in, text in texts if self._pattern else ():
            for match in self._pattern.finditer(text[:_LONGEST]) if self._pattern and text else ():
                project, number = (part for part in match.groups() if part is not None)
                sign = "-" if match[1] is not None else "#"
                found.setdefault(
                    f"{project}{sign}{number}", TicketReference(key=f"{project}{sign}{number}", said_in=said_in)
                )
        return list(found.values())
