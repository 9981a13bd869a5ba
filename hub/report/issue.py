"""Makes a conformance report and puts it in the outbox: once a revision, never changed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from hub.clock import Clock
from hub.config.configuration import Configuration
from hub.config.section import AudienceSettings
from hub.conformance.answer import Answers
from hub.errors import ConfigurationError, Fault
from hub.report.compile import compile_conformance
from hub.report.deliver import Way
from hub.report.mail import Rendered, lighten, render_mail
from hub.report.model import Identity, Period, ReportModel, TrendPoint, decode_model
from hub.report.period import tz_version
from hub.report.series import TYPE, Readers, Series, configured_hosts, keep, readers_of, report_slug, sender_of
from hub.report.status import Thresholds
from hub.report.trend import trend_before
from hub.sla.holiday import holiday_version
from hub.store import outbox
from hub.store.outbox import Issued
from hub.store.store import Store

__all__ = [
    "AnswersProvider",
    "Asked",
    "Issue",
    "compiled",
    "configured_hosts",
    "issue_conformance",
    "post",
    "report_slug",
]

AnswersProvider = Callable[..., Answers]
"""Called with (period, as_of, known_at, known_at of the last report or None), and with the audience where there is one."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One issued revision."""

    report_id: str
    revision: int
    model: ReportModel
    created: bool
    """False = it had been issued before; nothing was computed or queued."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is judged with."""

    period: Period
    as_of: int
    known_at: int
    catalogue_version: str
    profile_version: str
    limits: Thresholds | None = None
    audience: AudienceSettings | None = None


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
    the next number, and goes to whoever got an earlier one too. `ways` are the channels of this report; `hold` says why
    its messages wait for a person though they may leave. Raises ConfigurationError where a recipient has no address
    or the revision leaves a gap.
    """
    series = Series.of(configuration, audience)
    report_id = series.report_id(period.label)
    wanted = revision or 1
    with store.connect() as conn:
        known = outbox.find_report(conn, report_id, wanted)
        last = outbox.last_revision(conn, report_id)
        before = outbox.latest_before(conn, report_type=series.type, report_id=report_id, as_of=as_of)
        trend = trend_before(conn, report_type=series.type, label=period.label)
        earlier = outbox.reached(conn, report_id, before=wanted)
    if known:
        return Issue(report_id, wanted, decode_model(known.model), created=False)
    if wanted != last + 1:
        raise ConfigurationError([Fault(f"the next revision of {report_id} is {last + 1}", key="--revision")])
    asked = Asked(period, as_of, known_at, catalogue_version, profile_version, limits, audience)
    readers = readers_of(store, configuration, series, ways, earlier=earlier)
    _, model = compiled(
        configuration,
        answers,
        asked,
        series,
        readers,
        report_id=report_id,
        revision=wanted,
        note=note,
        now=clock.now_ms(),
        before=before,
        trend=trend,
    )
    enclose = configuration.reports[TYPE].attachments
    post(store, configuration, ways, model, readers, report_type=series.type, hold=hold, enclose=enclose)
    return Issue(report_id, wanted, model, created=True)


def compiled(
    configuration: Configuration,
    answers: AnswersProvider,
    asked: Asked,
    series: Series,
    readers: Readers,
    *,
    report_id: str,
    revision: int,
    note: str,
    now: int,
    before: Issued | None,
    trend: Sequence[TrendPoint] = (),
) -> tuple[Answers, ReportModel]:
    """Ask the store and say what the answers mean; `before` is what it is compared with."""
    audience = [asked.audience] if asked.audience else []
    said = answers(asked.period, asked.as_of, asked.known_at, before.known_at if before else None, *audience)
    return said, compile_conformance(
        said,
        identity=Identity(
            report_id=report_id,
            revision=revision,
            scope=series.title,
            period=asked.period,
            as_of=asked.as_of,
            known_at=asked.known_at,
            issued_at=now,
            catalogue_version=asked.catalogue_version,
            profile_version=asked.profile_version,
            tz_version=tz_version(),
            holidays_version=holiday_version(),
            note=note,
            language=series.language,
            covers=readers.covers,
            readers_zone=readers.zone,
        ),
        previous=decode_model(before.model) if before else None,
        limits=asked.limits,
        trend=trend,
        names=configuration.reports[TYPE].names,
    )


def post(
    store: Store,
    configuration: Configuration,
    ways: Mapping[str, Way],
    model: ReportModel,
    readers: Readers,
    *,
    report_type: str,
    hold: str,
    enclose: Collection[str],
) -> None:
    """Render a report once for all its readers, and queue its messages."""
    sender, name = sender_of(configuration)
    rendered = render_mail(
        model,
        sender=sender,
        to=readers.addresses,
        hosts=configured_hosts(configuration),
        sender_name=name,
        enclose=enclose,
    )
    light = _light_for(configuration, rendered, model, ways)
    keep(store, model, rendered, readers.addresses, ways, report_type=report_type, light=light, hold=hold)


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
    archive = configuration.reports[TYPE].archive
    identity = model.identity
    place = f"{archive.rstrip('/')}/{identity.report_id}-r{identity.revision}.eml" if archive else ""
    return dict.fromkeys(narrow, lighten(rendered, place).eml)
