"""Makes a conformance report and puts it in the outbox: once a revision, never changed afterwards."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from hub.clock import Clock
from hub.config.configuration import Configuration
from hub.conformance.answer import Answers
from hub.errors import ConfigurationError, Fault, HubError
from hub.report.compile import compile_conformance
from hub.report.deliver import Way, held_reason
from hub.report.level import service_levels
from hub.report.mail import Rendered, is_address, lighten, render_mail
from hub.report.model import Identity, Period, ReportModel, decode_model, encode_model
from hub.report.period import tz_version
from hub.report.status import Thresholds
from hub.report.trend import trend_before
from hub.sla.holiday import holiday_version
from hub.store import outbox
from hub.store.outbox import Issued, MessageKey
from hub.store.store import Store

__all__ = ["AnswersProvider", "Issue", "configured_hosts", "issue_conformance", "report_slug"]

AnswersProvider = Callable[[Period, int, int, int | None], Answers]
"""Called with (period, as_of, known_at, known_at of the last report or None)."""
_TYPE = "conformance"


@dataclass(frozen=True, slots=True)
class Issue:
    """One issued revision."""

    report_id: str
    revision: int
    model: ReportModel
    created: bool
    """False = it had been issued before; nothing was computed or queued."""


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
) -> Issue:
    """Issue the report of a period and queue its messages; a revision already issued is returned as it is.

    `revision` None = the first. A correction is the next number. `ways` are the channels of this
    report. Raises ConfigurationError where a recipient has no address or the revision leaves a gap.
    """
    report_id = f"SR-{report_slug(configuration.organisation.name)}-{_TYPE}-{period.label}"
    wanted = revision or 1
    with store.connect() as conn:
        known = outbox.find_report(conn, report_id, wanted)
        last = outbox.last_revision(conn, report_id)
        before = outbox.latest_before(conn, report_type=_TYPE, report_id=report_id, as_of=as_of)
        to = outbox.addresses(conn, configuration.reports[_TYPE].to)
        trend = trend_before(conn, report_type=_TYPE, label=period.label)
        levels = [] if known else service_levels(conn, period, as_of)
    if known:
        return Issue(report_id, wanted, decode_model(known.model), created=False)
    if wanted != last + 1:
        raise ConfigurationError([Fault(f"the next revision of {report_id} is {last + 1}", key="--revision")])
    recipients = _recipients(configuration, to, ways)
    now = clock.now_ms()
    model = compile_conformance(
        answers(period, as_of, known_at, before.known_at if before else None),
        identity=Identity(
            report_id=report_id,
            revision=wanted,
            scope=configuration.organisation.name,
            period=period,
            as_of=as_of,
            known_at=known_at,
            issued_at=now,
            catalogue_version=catalogue_version,
            profile_version=profile_version,
            tz_version=tz_version(),
            holidays_version=holiday_version(),
            note=note,
        ),
        previous=decode_model(before.model) if before else None,
        limits=limits,
        trend=trend,
        levels=levels,
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
    _keep(store, model, rendered, recipients, ways, light=_light_for(configuration, rendered, model, ways))
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
    light: Mapping[str, bytes],
) -> None:
    """Write report and messages in one transaction: there is never one without the other."""
    identity = model.identity
    issued = Issued(
        report_id=identity.report_id,
        revision=identity.revision,
        type=_TYPE,
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
                    held=None if way.may_deliver else held_reason(name),
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


def _recipients(configuration: Configuration, to: dict[str, str], ways: Mapping[str, Way]) -> list[str]:
    """Addresses in the order of the configuration, each once however it is written; needed only for recipients."""
    people = configuration.reports[_TYPE].to
    missing = [person for person in people if not is_address(to.get(person, ""))]
    if missing and any(way.addressed for way in ways.values()):
        message = "no person of this id with a valid mail address was read from the register; add `email` there, then: hub sync"
        raise ConfigurationError(
            [Fault(f"{person}: {message}", str(configuration.path), f"reports.{_TYPE}.to") for person in missing]
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
