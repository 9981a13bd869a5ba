"""Whose conformance report it is, who gets it, and how it is kept: the same for monthly and urgent mails."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from hub.config.configuration import Configuration
from hub.config.section import AudienceSettings, Language
from hub.errors import ConfigurationError, Fault, HubError
from hub.report.address import is_address
from hub.report.deliver import Way, held_reason
from hub.report.mail import Rendered
from hub.report.model import ReportModel, encode_model
from hub.sla.zone import zone_names
from hub.store import outbox
from hub.store.outbox import Issued, MessageKey
from hub.store.store import Store

__all__ = ["TYPE", "Readers", "Series", "configured_hosts", "keep", "readers_of", "report_slug", "sender_of"]

TYPE = "conformance"
"""Section of the configuration, and type of the reports."""


@dataclass(frozen=True, slots=True)
class Series:
    """All reports of the organisation, or of one audience."""

    title: str
    """Whose report it is, as it stands in it."""
    slug: str
    type: str
    """Kept with the report: what changed is told against the last one of the type."""
    people: list[str]
    key: str
    """Where the recipients stand in the configuration."""
    covers: list[str]
    language: Language

    @property
    def urgent_type(self) -> str:
        """Type of the urgent mails between its reports."""
        return f"urgent/{self.type}"

    def report_id(self, label: str) -> str:
        """Name the report of a period."""
        return f"SR-{self.slug}-{TYPE}-{label}"

    @classmethod
    def of(cls, configuration: Configuration, audience: AudienceSettings | None) -> Series:
        """Return the series of an audience; None = the organisation's."""
        settings, name = configuration.reports[TYPE], configuration.organisation.name
        slug, key = report_slug(name), f"reports.{TYPE}"
        if audience is None:
            return cls(name, slug, TYPE, settings.to, f"{key}.to", [], settings.language)
        own = report_slug(audience.name)
        if not re.search("[a-z0-9]", audience.name.lower()):
            own = f"audience-{hashlib.sha256(audience.name.encode()).hexdigest()[:8]}"
        return cls(
            f"{name}, {audience.name}",
            f"{slug}-{own}",
            f"{TYPE}/{own}",
            audience.to,
            f"{key}.audiences.{audience.name}.to",
            [*audience.services, *audience.teams],
            audience.language or settings.language,
        )


def keep(
    store: Store,
    model: ReportModel,
    rendered: Rendered,
    recipients: list[str],
    ways: Mapping[str, Way],
    *,
    report_type: str,
    light: Mapping[str, bytes],
    hold: str,
) -> None:
    """Write report and messages in one transaction: there is never one without the other."""
    identity = model.identity
    issued = Issued(
        report_id=identity.report_id,
        revision=identity.revision,
        type=report_type,
        period=identity.period.label,
        as_of=identity.as_of,
        known_at=identity.known_at,
        created_at=identity.issued_at,
        hash=rendered.message_hash,
        model=encode_model(model),
    )
    with store.begin() as conn:
        if outbox.find_report(conn, identity.report_id, identity.revision):
            raise HubError(f"{identity.report_id} revision {identity.revision} was issued by another run just now")
        outbox.save_report(conn, issued)
        for name, way in sorted(ways.items()):
            for recipient in recipients if way.addressed else [""]:
                outbox.queue(
                    conn,
                    MessageKey(identity.report_id, identity.revision, name, recipient),
                    message_id=rendered.message_id,
                    message=light.get(name, rendered.eml),
                    held=hold or (None if way.may_deliver else held_reason(name)),
                    now=identity.issued_at,
                )


def report_slug(name: str) -> str:
    """Make an organisation's name fit for an id: ASCII letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "organisation"


def configured_hosts(configuration: Configuration) -> frozenset[str]:
    """List the hosts of configured sources: the only ones a report links to."""
    urls = [str(getattr(settings, "url", "") or "") for settings in configuration.sources.values()]
    return frozenset(host for url in urls if (host := urlsplit(url).hostname))


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads a report, and what it is about."""

    addresses: list[str]
    """In the order of the configuration, each once however it is written; then those of whom only an earlier revision knows."""
    covers: str
    """Titles of services and teams; empty = the whole organisation."""
    zone: str
    """IANA zone all of them live in; empty = they share none that is known."""


def readers_of(
    store: Store, configuration: Configuration, series: Series, ways: Mapping[str, Way], *, earlier: Sequence[str] = ()
) -> Readers:
    """Look up who reads a report; `earlier` are further addresses it goes to.

    Raises ConfigurationError where a person has no address that is needed, and for a service or team that was never read.
    """
    with store.connect() as conn:
        to = outbox.addresses(conn, series.people)
        named = outbox.titles(conn, series.covers)
        zone = outbox.zone_of(conn, series.people)
    place = str(configuration.path)
    if unknown := [one for one in series.covers if one not in named]:
        message = "no service or team of this id was read; correct it, or read the register: hub sync"
        raise ConfigurationError([Fault(f"{one}: {message}", place, series.key.removesuffix(".to")) for one in unknown])
    missing = [person for person in series.people if not is_address(to.get(person, ""))]
    if missing and any(way.addressed for way in ways.values()):
        message = "no person of this id with a valid mail address was read from the register; add `email` there, then: hub sync"
        raise ConfigurationError([Fault(f"{person}: {message}", place, series.key) for person in missing])
    once: dict[str, str] = {}
    for address in (*(to[person] for person in series.people if person not in missing), *earlier):
        once.setdefault(address.lower(), address)
    return Readers(
        list(once.values()), ", ".join(named[one] for one in series.covers), zone if zone in zone_names() else ""
    )


def sender_of(configuration: Configuration) -> tuple[str, str]:
    """Take address and name of the report's first channel that has a sender; a report that stays here needs none."""
    for channel in configuration.reports[TYPE].channels:
        settings = configuration.channels.get(channel)
        if sender := getattr(settings, "sender", None):
            return str(sender), str(getattr(settings, "sender_name", ""))
    return "hub@localhost", ""
