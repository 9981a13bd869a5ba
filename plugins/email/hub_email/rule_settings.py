"""What an administrator writes so that mail becomes records: whom to believe, and which mail means what."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from hub_email.dkim import read_key

__all__ = [
    "BECOMES",
    "CLASSES",
    "DecisionSettings",
    "MailReading",
    "MailRule",
    "SurveySettings",
    "TicketKeys",
    "TrustSettings",
]

BECOMES = ("alert", "complaint", "incident", "request", "service_report")
"""Kinds of records a rule may make of a mail."""
CLASSES = (
    *("complaint", "customer_notice", "fault_report", "minutes", "monitoring"),
    *("other", "report_delivery", "supplier_notice"),
)
"""What a rule may call a mail. Decisions and answers to surveys are known by their token alone."""
Address = Annotated[str, Field(pattern=r"^[^@\s]*@[^@\s]+$")]
"""`desk@example.com`, or `@example.com` for everybody there."""
Host = Annotated[str, Field(pattern=r"^\.?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TrustSettings(_Closed):
    """Whose word is taken on who sent a mail, and when it came."""

    servers: list[Host] = []
    """Own mail servers, as they call themselves after `by` in Received; `.example.com` = all below it.
    None: only the uppermost Received header is our own."""
    networks: list[str] = []
    """Own networks with public addresses (`203.0.113.0/24`); private ones are ours anyway."""
    authserv_ids: list[str] = []
    """Names under which own servers write Authentication-Results. Nothing else in such a header counts."""
    unnamed_results: bool = False
    """The server does not say who it is in Authentication-Results (Microsoft 365): the uppermost without a name counts."""
    results_below_received: bool = False
    """The server writes Authentication-Results below its own Received header (Gmail, Postfix with OpenDKIM). Set it
    only for one that writes them on every mail: where it leaves them out, a sender's own would be believed."""
    dkim_keys: dict[str, str] = {}
    """`selector._domainkey.example.com` = its DNS record (`v=DKIM1; p=…`): signatures that are verified here."""
    addresses: list[Address] = []
    """Addresses we write from. What lies in a folder of sent mail, or is proven to come from one, is outgoing."""
    sent: list[str] = []
    """Folders that hold sent mail, such as `Sent`: nobody else can put mail there."""

    @field_validator("networks")
    @classmethod
    def _are_networks(cls, values: list[str]) -> list[str]:
        for value in values:
            ip_network(value)  # its ValueError says what is wrong
        return values

    @field_validator("dkim_keys")
    @classmethod
    def _are_keys(cls, values: dict[str, str]) -> dict[str, str]:
        for name, value in values.items():
            if "._domainkey." not in name:
                raise ValueError(f"{name!r}: write `selector._domainkey.example.com`")
            if read_key(value) is None:
                raise ValueError(f"{name!r}: no RSA key; write the DNS record as it stands: `v=DKIM1; k=rsa; p=…`")
        return {name.lower(): value for name, value in values.items()}


class DecisionSettings(_Closed):
    """Approvals asked for by mail, and answered by mail. `hub ask` sends them."""

    key: SecretStr
    """Signs what is asked for: 32 random characters or more. Whoever knows it can make requests look like ours."""
    former_keys: dict[str, SecretStr] = {}
    """Keys used before, under any name: answers to what they signed still count."""
    channel: str = ""
    """Channel of type smtp that requests leave by; answers must come to its `sender`."""
    requirements: list[str] = ["BS15000-8.2-c"]
    """Requirements under which a change waits for an approval."""
    waivers: bool = False
    """The approver named in a waiver is asked too."""
    reports: bool = False
    """Whoever's turn it is to approve a planned report is asked too, with its files attached."""
    roles: list[str] = ["change_authority"]
    """Who is asked to decide on changes: everybody who holds one of these roles."""
    remind_days: int = Field(default=2, ge=1, le=90)
    """An open request is repeated after so many days."""
    reminders: int = Field(default=2, ge=0, le=10)
    """How often, at most."""
    late_hours: int = Field(default=24, ge=1, le=720)
    """A decision that arrives so long after it was written is asked for again: it may have been kept and sent anew."""

    @field_validator("key")
    @classmethod
    def _is_long(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < 32:  # noqa: PLR2004 - as long as the signature's hash
            raise ValueError("shorter than 32 characters")
        return value


class SurveySettings(_Closed):
    """Questions to the reporter once a ticket is closed. `hub survey` sends them, signed and sent as decisions are."""

    kinds: list[Literal["incident", "request"]] = Field(default=["incident", "request"], min_length=1)
    """Tickets that are asked about."""
    share: float = Field(default=1, gt=0, le=1)
    """Which part of them; chosen by the ticket's id, so that the choice never changes."""
    delay_hours: int = Field(default=4, ge=0, le=720)
    """A ticket is asked about when it has been closed for so long."""
    latest_days: int = Field(default=7, ge=1, le=90)
    """It is not asked about any more when it has been closed for so long."""
    silent_days: int = Field(default=14, ge=1, le=365)
    """Who has not answered after so many days is silent."""
    scale_min: int = Field(default=1, ge=0, le=1)
    scale_max: int = Field(default=5, ge=2, le=100)
    never: list[Address] = []
    """Addresses that are not written to, besides our own and those of machines."""
    confirm: bool = False
    """The reporter of a resolved incident is asked too whether it may be closed."""

    @model_validator(mode="after")
    def _there_is_time(self) -> Self:
        if self.delay_hours >= self.latest_days * 24:
            raise ValueError("delay_hours is not below latest_days: nobody would ever be asked")
        return self


class TicketKeys(_Closed):
    """How the key of a ticket of another source looks in a subject."""

    source: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    """Name of that source."""
    pattern: str = Field(min_length=1, max_length=200)
    """Regular expression of the key, `OPS-[0-9]+`, or of what stands around it, with one group for the rest of the key."""
    key: str = "{}"
    """The key as the source writes it, `{}` = what was found: `acme/shop#{}`."""

    @field_validator("pattern")
    @classmethod
    def _is_expression(cls, value: str) -> str:
        try:
            found = re.compile(value)
        except re.error as fault:
            raise ValueError(f"no regular expression: {fault}") from None
        if found.groups > 1 or found.search("") is not None:
            raise ValueError("it has several groups, or fits an empty text; write `OPS-[0-9]+`")
        return value

    @field_validator("key")
    @classmethod
    def _has_one_place(cls, value: str) -> str:
        if value.count("{}") != 1:
            raise ValueError("write `{}` once, where what was found belongs")
        return value


class MailRule(_Closed):
    """Which mail is meant, and what it becomes. The first rule that fits decides."""

    name: str = Field(min_length=1)
    """Stands in counts, and in the mail's record."""
    folders: list[str] = []
    """In one of these folders; as the end of the scope, `complaints@example.com/INBOX` or `INBOX`."""
    to: list[Address] = []
    """To or copied to one of these."""
    sender: list[Address] = []
    """From one of these."""
    subject: list[str] = []
    """One of these stands in the subject, in whatever case."""
    text: list[str] = []
    """One of these stands in the first lines."""
    authenticated: bool = False
    """Only mail whose sender is proven."""
    becomes: Literal["alert", "complaint", "incident", "request", "service_report"] | None = None
    """Record made of it, or of the first mail of its thread."""
    calls: (
        Literal[
            "complaint",
            "customer_notice",
            "fault_report",
            "minutes",
            "monitoring",
            "other",
            "report_delivery",
            "supplier_notice",
        ]
        | None
    ) = None
    """What the mail is called; taken from `becomes` where that says it."""
    services: list[str] = []
    """Services concerned, by id of their records."""
    customer: str | None = None
    """Customer concerned."""
    record: str | None = None
    """Record it belongs to."""
    contract: str | None = None
    """Contract under which a supplier's report is owed."""
    report_type: str | None = None
    """Type of a supplier's report."""
    period: Literal["month", "quarter", "year"] | None = None
    """What a supplier's report covers; which one is read from the subject or a file's name: `2026-10`, `October 2026`,
    `10/2026`, `2026-Q3`, `2026`."""
    product: Literal["alertmanager", "icinga", "nagios", "zabbix"] | None = None
    """Whose alerts these are."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not (self.folders or self.to or self.sender or self.subject or self.text):
            raise ValueError(f"rule {self.name!r} fits every mail; say folders, to, sender, subject or text")
        if self.becomes is None and self.calls is None and self.record is None:
            raise ValueError(f"rule {self.name!r} makes nothing of a mail; say becomes, calls or record")
        if (self.becomes == "alert") != (self.product is not None):
            raise ValueError(f'rule {self.name!r}: becomes = "alert" and product belong together')
        if self.becomes == "service_report" and self.contract is None:
            raise ValueError(f"rule {self.name!r}: a supplier's report needs contract, the id of what it is owed under")
        return self


class MailReading(_Closed):
    """What decides how a mail is read. Settings of a source of mail inherit from here."""

    trust: TrustSettings = TrustSettings()
    """Whom to believe."""
    accounts: dict[Address, str] = {}
    """Address = id of a person record."""
    decisions: DecisionSettings | None = None
    """Approvals by mail; None = none are asked for, and none count."""
    rules: list[MailRule] = []
    """What mail becomes, the first that fits."""
    tickets: list[TicketKeys] = []
    """Keys by which a subject names a ticket of another source."""
    surveys: SurveySettings | None = None
    """Questions after a ticket was closed; None = `hub survey` asks nobody."""

    @field_validator("accounts")
    @classmethod
    def _in_one_case(cls, values: dict[str, str]) -> dict[str, str]:
        return {address.lower(): person for address, person in values.items()}

    @field_validator("rules")
    @classmethod
    def _names_differ(cls, rules: list[MailRule]) -> list[MailRule]:
        names = [rule.name for rule in rules]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"several rules are named {', '.join(twice)}")
        return rules

    @model_validator(mode="after")
    def _surveys_are_signed(self) -> Self:
        if self.surveys is not None and (self.decisions is None or not self.decisions.channel):
            raise ValueError("surveys are signed and sent as decisions are: write key and channel below decisions")
        return self
