"""An organisation with a plan of reports, its people, and channels that keep what they were handed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from hub.errors import DeliveryError
from hub.records import Calendar, Customer, Person, ReportParty, ReportSpec, RoleAssignment, Team
from hub.report.channel import Receipt
from hub.report.deliver import Way
from hub.report.plan.desk import Desk
from hub.report.plan.plan import Office
from hub.store.writer import Write, write_records

OFFICE = Office("Example Organisation", "Europe/Berlin", "5x8")
ID = "SR-acme-gmbh-monthly_service-2026-10"


def at(text: str, zone: str = "Europe/Berlin") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).timestamp() * 1000)


def spec(**fields) -> ReportSpec:
    given = {
        "id": "register:report_catalogue/monthly",
        "source": "register",
        "title": "Monthly report",
        "type": "monthly_service",
        "direction": "external",
        "customer_id": "register:customers/acme",
        "frequency": "month",
        "due_days": 5,
        "author": "register:people/ann",
        "approvers": [ReportParty(role="process_manager"), ReportParty(person="register:people/carla")],
        "recipients": [ReportParty(role="customer_contact"), ReportParty(team_id="register:teams/ops")],
        "method": "mail",
        "valid_from": "2026-10-01",
        "valid_to": "2026-11-01",
    }
    return ReportSpec(**(given | fields))


PEOPLE = {
    "ann": "report_author",
    "ben": "process_manager",
    "carla": "operations_manager",
    "dan": "report_manager",
    "kim": "customer_contact",
    "olga": "data_provider",
}


def people() -> list:
    records = [
        Person(id=f"register:people/{name}", source="register", name=name.title(), email=[f"{name}@example.test"])
        for name in PEOPLE
    ]
    records += [
        RoleAssignment(
            id=f"register:roles/{name}",
            source="register",
            person=f"register:people/{name}",
            role=role,
            from_=at("2026-01-01T00:00"),
            created_at=at("2026-01-01T00:00"),
        )
        for name, role in PEOPLE.items()
    ]
    records.append(Customer(id="register:customers/acme", source="register", name="Acme GmbH"))
    records.append(Team(id="register:teams/ops", source="register", members=["register:people/olga"]))
    records.append(Calendar(id="register:calendars/by", source="register", weekly=[], holiday_set="DE-BY"))
    return records


class KeptMail:
    """A channel that remembers what it took, and dies or refuses when told."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.fault: BaseException | None = None
        self.dies_after = False

    def check(self):
        return []

    def deliver(self, message):
        if self.fault and not self.dies_after:
            fault, self.fault = self.fault, None
            raise fault
        self.taken.append((message.recipients[0] if message.recipients else "", message.eml))
        if self.fault:
            fault, self.fault = self.fault, None
            raise fault
        return Receipt(accepted=message.recipients, detail="250 ok")


@pytest.fixture
def mail() -> KeptMail:
    return KeptMail()


@pytest.fixture
def ways(mail) -> dict[str, Way]:
    return {"mail": Way(mail, send=True, addressed=True)}


@pytest.fixture
def planned(any_store):
    """The store with people and one planned report."""
    with any_store.begin() as conn:
        write_records(conn, [Write(one) for one in [*people(), spec()]], at("2026-10-01T08:00"))
    return any_store


@pytest.fixture
def on(planned) -> Callable:
    """Do something at the desk at an instant, in a transaction: `on("2026-11-02T09:00", ask, ID, login="x")`."""

    def run(when: str, what, *given, **more):
        with planned.begin() as conn:
            return what(Desk(conn, OFFICE, now=at(when)), *given, **more)

    return run


__all__ = ["DeliveryError"]
