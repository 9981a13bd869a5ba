"""Who works in the simulated organisation, in which team, with which account."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

__all__ = [
    "ALL_ACCOUNTS",
    "CHANGE_AUTHORITY",
    "CUSTOMERS",
    "PEOPLE",
    "SERVICES",
    "STAFF",
    "TEAMS",
    "Person",
    "Service",
    "Team",
]


@dataclass(frozen=True, slots=True)
class Person:
    """One login of the tool, and for staff the human behind it."""

    id: str
    name: str
    team: str = ""
    registered: bool = True
    """Stands in the register; False = the hub cannot know who it is."""
    account_type: str = "atlassian"
    left: str | None = None
    """Last working day, ISO date."""

    @property
    def account_id(self) -> str:
        """Return the immutable id Jira Cloud knows the login by."""
        return hashlib.sha256(f"sandbox account {self.id}".encode()).hexdigest()[:24]

    @property
    def user_key(self) -> str:
        """Return the immutable key Jira Data Center knows the login by."""
        return f"JIRAUSER{int(self.account_id[:4], 16) + 10_000}"

    @property
    def email(self) -> str:
        """Return the address."""
        return f"{self.id}@example.com"


@dataclass(frozen=True, slots=True)
class Team:
    """A team of the provider."""

    id: str
    name: str
    manager: str


@dataclass(frozen=True, slots=True)
class Service:
    """A service customers use."""

    id: str
    name: str
    """Also the Jira component's name."""
    owner: str
    team: str
    areas: tuple[str, ...]
    component_id: int


TEAMS = (
    Team("service-desk", "Service Desk", "bruno"),
    Team("shop-operations", "Shop Operations", "dora"),
    Team("payroll-operations", "Payroll Operations", "jonas"),
    Team("change-and-problem", "Change and Problem Management", "alice"),
)
SERVICES = (
    Service(
        "shop",
        "Web shop",
        "dora",
        "shop-operations",
        (
            "Checkout",
            "Search",
            "Catalogue",
            "Login",
            "Basket",
            "Vouchers",
            "Invoices",
            "Images",
            "Stock",
            "Mobile app",
            "Newsletter",
            "Returns",
        ),
        10201,
    ),
    Service(
        "payroll",
        "Payroll",
        "jonas",
        "payroll-operations",
        (
            "Payslip",
            "Time sheet",
            "Tax report",
            "Bank file",
            "Leave",
            "Expenses",
            "Onboarding",
            "Portal",
            "Archive",
            "Interface",
            "Pension",
            "Printing",
        ),
        10202,
    ),
)
_NAMES = {
    "change-and-problem": ("Alice Adler", "Carla Conrad", "Peter Pohl", "Ruth Richter", "Quentin Quandt"),
    "service-desk": (
        "Bruno Bauer",
        "Emil Ernst",
        "Frida Fuchs",
        "Gustav Groß",
        "Hanna Hahn",
        "Ilse Imhof",
        "Viktor Vogt",
    ),
    "shop-operations": ("Dora Dietz", "Karl Krüger", "Lena Lang", "Mona Meyer", "Nils Neumann", "Olga Otto"),
    "payroll-operations": ("Jonas Jung", "Sven Schulz", "Tina Thoma", "Ulrich Ulmer", "Wanda Wolf", "Xaver Xylander"),
}
STAFF = tuple(
    Person(name.split()[0].lower(), name, team, left="2026-06-30" if name == "Nils Neumann" else None)
    for team, names in _NAMES.items()
    for name in names
)
CUSTOMERS = tuple(
    Person(f"customer-{number:02}", f"Customer {number:02}", registered=False, account_type="customer")
    for number in range(1, 13)
)
CONTRACTOR = Person("contractor", "Zoe Zander (external)", registered=False)
AUTOMATION = Person("automation", "Automation for Jira", registered=False, account_type="app")
READER = Person("hub", "Hub reader", registered=False)
ALL_ACCOUNTS = (*STAFF, *CUSTOMERS, CONTRACTOR, AUTOMATION, READER)
PEOPLE = {person.id: person for person in ALL_ACCOUNTS}
CHANGE_AUTHORITY = ("alice", "dora", "jonas")
"""Who may authorise a change."""
PROBLEM_MANAGERS = ("peter", "ruth")
LEFT_MS = 1_782_856_800_000
"""2026-07-01 in Berlin, UTC ms: from here on Nils's account is inactive."""
