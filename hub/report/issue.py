"""Makes a conformance report and puts it in the outbox: once a revision, never changed afterwards."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from hub.clock import Clock
from hub.config.configuration import Configuration
from hub.config.section import AudienceSettings, Language
from hub.conformance.answer import Answers
from hub.errors import ConfigurationError, Fault, HubError
from hub.report.compile import compile_conformance
from hub.report.deliver import Way, held_reason
from hub.report.mail import Rendered, is_address, lighten, render_mail
from hub.report.model import Identity, Period, ReportModel, decode_model, encode_model
from hub.report.period import tz_version
from hub.report.status import Thresholds
from hub.report.trend import trend_before
from hub.sla.holiday import holiday_version
from hub.sla.zone import zone_names
from hub.store import outbox
from hub.store.outbox import Issued, MessageKey
from hub.store.store import Store

__all__ = ["AnswersProvider", "Issue", "configured_hosts", "issue_conformance", "report_slug"]

AnswersProvider = Callable[..., Answers]
"""Called with (period, as_of, known_at, known_at of the last report or None), and with the audience where there is one."""
_TYPE = "conformance"


@dataclass(frozen=True, slots=True)
class Issue:
    """One issued revision."""

    report_id: str
    revision: int
    model: ReportModel
    created: bool
    """False = it had been issued before; nothing was computed or queued."""


@dataclass(frozen=True, slots=True)
class _Series:
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

    @classmethod
    def of(cls, configuration: Configuration, audience: AudienceSettings | None) -> _Series:
        settings, name = configuration.reports[_TYPE], configuration.organisation.name
        slug, key = report_slug(name), f"reports.{_TYPE}"
        if audience is None:
            return cls(name, slug, _TYPE, settings.to, f"{key}.to", [], settings.language)
        own = report_slug(audience.name)
        if not re.search("[a-z0-9]", audience.name.lower()):
            own = f"audience-{hashlib.sha256(audience.name.encode()).hexdigest()[:8]}"
        return cls(
            f"{name}, {audience.name}",
            f"{slug}-{own}",
            f"{_TYPE}/{own}",
            audience.to,
            f"{key}.audiences.{audience.name}.to",
            [*audience.services, *audience.teams],
            audience.language or settings.language,
        )


def issue_conformance(
    store: Store,
    configuration: Configuration,
    answers: AnswersProvider,
    ways: Mapping[str, Way],
    clock: Clock,
    *,
    period: Period,
    as_of: int,
    known_at: int,
    catalogue_version: str,
    profile_version: str,
    revision: int | None = None,
    note: str = "",
    limits: Thresholds | None = None,
    audience: AudienceSettings | None = None,
    hold: str = "",
) -> Issue:
    """Issue the report of a period and queue its messages; a revision already issued is returned as it is.

    `audience` makes it the report of one manager, a series of its own. `revision` None = the first. A correction is
    the next number. `ways` are the channels of this report; `hold` says why its messages wait for a person though
    they may leave. Raises ConfigurationError where a recipient has no address or the revision leaves a gap.
    """
    series = _Series.of(configuration, audience)
    report_id = f"SR-{series.slug}-{_TYPE}-{period.label}"
    wanted = revision or 1
    with store.connect() as conn:
        known = outbox.find_report(conn, report_id, wanted)
        last = outbox.last_revision(conn, report_id)
        before = outbox.latest_before(conn, report_type=series.type, report_id=report_id, as_of=as_of)
        to = outbox.addresses(conn, series.people)
        named = outbox.titles(conn, series.covers)
        zone = outbox.zone_of(conn, series.people)
        trend = trend_before(conn, report_type=series.type, label=period.label)
    if known:
        return Issue(report_id, wanted, decode_model(known.model), created=False)
    if wanted != last + 1:
        raise ConfigurationError([Fault(f"the next revision of {report_id} is {last + 1}", key="--revision")])
    if unknown := [one for one in series.covers if one not in named]:
        message = "no service or team of this id was read; correct it, or read the register: hub sync"
        key = series.key.removesuffix(".to")
        raise ConfigurationError([Fault(f"{one}: {message}", str(configuration.path), key) for one in unknown])
    recipients = _recipients(configuration, series, to, ways)
    now = clock.now_ms()
    said = answers(period, as_of, known_at, before.known_at if before else None, *([audience] if audience else []))
    model = compile_conformance(
        said,
        identity=Identity(
            report_id=report_id,
            revision=wanted,
            scope=series.title,
            period=period,
            as_of=as_of,
            known_at=known_at,
            issued_at=now,
            catalogue_version=catalogue_version,
            profile_version=profile_version,
            tz_version=tz_version(),
            holidays_version=holiday_version(),
            note=note,
            language=series.language,
            covers=", ".join(named[one] for one in series.covers),
            readers_zone=zone if zone in zone_names() else "",
        ),
        previous=decode_model(before.model) if before else None,
        limits=limits,
        trend=trend,
        names=configuration.reports[_TYPE].names,
    )
    sender, name = _sender(configuration)
    rendered = render_mail(
        model,
        sender=sender,
        to=recipients,
        hosts=configured_hosts(configuration),
        sender_name=name,
        enclose=configuration.reports[_TYPE].attachments,
    )
    light = _light_for(configuration, rendered, model, ways)
    _keep(store, model, rendered, recipients, ways, report_type=series.type, light=light, hold=hold)
    return Issue(report_id, wanted, model, created=True)


def _light_for(
    configuration: Configuration, rendered: Rendered, model: ReportModel, ways: Mapping[str, Way]
) -> dict[str, bytes]:
    """Give channel -> the message without attachments, for those that take none as large as this one."""
    narrow = [
        name
        for name, way in ways.items()
        if way.addressed and len(rendered.eml) > configuration.channels[name].largest_mb * 1_000_000
    ]
    if not narrow:
        return {}
    archive = configuration.reports[_TYPE].archive
    identity = model.identity
    place = f"{archive.rstrip('/')}/{identity.report_id}-r{identity.revision}.eml" if archive else ""
    return dict.fromkeys(narrow, lighten(rendered, place).eml)


def _keep(
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


def _recipients(
    configuration: Configuration, series: _Series, to: dict[str, str], ways: Mapping[str, Way]
) -> list[str]:
    """Addresses in the order of the configuration, each once however it is written; needed only for recipients."""
    people = series.people
    missing = [person for person in people if not is_address(to.get(person, ""))]
    if missing and any(way.addressed for way in ways.values()):
        message = "no person of this id with a valid mail address was read from the register; add `email` there, then: hub sync"
        raise ConfigurationError(
            [Fault(f"{person}: {message}", str(configuration.path), series.key) for person in missing]
        )
    once: dict[str, str] = {}
    for person in people:
        if person not in missing:
            once.setdefault(to[person].lower(), to[person])
    return list(once.values())


def _sender(configuration: Configuration) -> tuple[str, str]:
    """Take address and name of the report's first channel that has a sender; a report that stays here needs none."""
    for channel in configuration.reports[_TYPE].channels:
        settings = configuration.channels.get(channel)
        if sender := getattr(settings, "sender", None):
            return str(sender), str(getattr(settings, "sender_name", ""))
    return "hub@localhost", ""
