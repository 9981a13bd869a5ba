"""Tickets of two services, and whether deriving what changed is deriving everything."""

from __future__ import annotations

from typing import Any

from hub.records import Incident, Service
from hub.testing.factory import at
from tests.conformance.kit import House

LINED_UP = {"BS15000-7.2-c", "CMP-07"}
"""What looks at the neighbours of a ticket in line."""
MAIL, PAY = "register:service/mail", "register:service/pay"
TOP = "desk:incident/1"
SERVICES = [Service(id=one, source="register", in_scope_from=at(-60), created_at=at(-60)) for one in (MAIL, PAY)]


def incident(native: str = TOP, day: int = 3, *services: str, none: bool = False, **more: Any) -> Incident:
    """An incident of a day that was answered and resolved on it and closed on the next."""
    values = {
        "reported_at": at(day),
        "created_at": at(day),
        "first_response_at": at(day) + 60_000,
        "resolved_at": at(day) + 7_200_000,
        "closed_at": at(day + 1),
        "category": "disk",
    }
    named = [] if none else list(services or [MAIL])
    return Incident(id=native, source="desk", scope="OPS", service_ids=named, **values | more)


def holds(house: House) -> bool:
    """Derive what changed, then everything, and see that nothing differs; return whether something had changed."""
    before = house.remembered()
    house.derive()
    little = house.remembered()
    owed = house.current()
    whole = house.derive(whole=True)
    assert (whole.closed, whole.written) == (0, 0)
    assert house.current() == owed
    assert house.remembered() == little
    return little != before
