"""Reports on conformance issued and handed over: that of a month, and the one between two months that cannot wait."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cli.judging import require_judged, told_of_reports
from hub.cli.report_answers import answers_of, catalogue_version, not_arrived, profile_version
from hub.cli.report_step import office_of
from hub.conformance.alarm import critical_since
from hub.conformance.judge import last_known
from hub.errors import HubError

if TYPE_CHECKING:
    from hub.cli.session import Session
    from hub.report.deliver import Way
    from hub.report.issue import Issue
    from hub.store.outbox import Delivery

__all__ = ["lost_messages", "lost_text", "make_conformance", "make_urgent", "messages_of", "ways_of"]


def make_conformance(
    session: Session,
    *,
    period: str | None = None,
    as_of: str | None = None,
    known_at: str | None = None,
    revision: int | None = None,
    note: str = "",
) -> tuple[Issue, list[Delivery]]:
    """Issue the conformance report (by default of the last month that ended), those of its audiences, and deliver what waits.

    Return the organisation's, and the messages of all.
    """
    from hub.report.deliver import deliver_waiting
    from hub.report.issue import issue_conformance
    from hub.report.period import last_month, month_period
    from hub.report.status import Thresholds

    configuration = session.configuration
    if "conformance" not in configuration.reports:
        raise HubError(
            f"{configuration.path}: there is no [reports.conformance]; say there `to` whom and by which `channels`"
        )
    zone = configuration.organisation.zone
    instant, known = session.instant(as_of), session.clock.now_ms()
    with session.store.connect() as conn:
        require_judged(session, conn)
        known = session.instant(known_at) if known_at else max(known, last_known(conn) or 0)
    hold = _approval_wanted(session)
    ways, ask = ways_of(session, configuration.reports["conformance"].channels), answers_of(session)
    issues = [
        issue_conformance(
            session.store,
            configuration,
            ask,
            ways,
            session.clock,
            period=month_period(period, zone) if period else last_month(instant, zone),
            as_of=instant,
            known_at=known,
            catalogue_version=catalogue_version(session),
            profile_version=profile_version(session),
            revision=revision,
            note=note,
            limits=Thresholds(waiver_days=configuration.waivers.warn_days),
            audience=audience,
            hold=hold,
        )
        for audience in (None, *configuration.reports["conformance"].audiences)
    ]
    told_of_reports(session)
    deliver_waiting(session.store, ways, session.clock)
    messages = [message for issue in issues for message in messages_of(session, issue.report_id, issue.revision)]
    return issues[0], messages


def make_urgent(session: Session) -> tuple[list[str], list[Delivery]]:
    """Tell managers of new critical findings between two reports, at most once a day; return ids issued, and messages.

    The organisation's comes last: where it exists, those of all audiences were looked at.
    """
    from hub.report.deliver import deliver_waiting
    from hub.report.issue import Asked
    from hub.report.status import Thresholds
    from hub.report.urgent import issue_urgent, running_month, told_until

    configuration, settings = session.configuration, session.configuration.reports["conformance"]
    now = session.clock.now_ms()
    with session.store.connect() as conn:
        since = told_until(conn, configuration, now) if settings.urgent else None
        if since is None or not critical_since(conn, session.requirements(), since):
            return [], []
        known = max(now, last_known(conn) or 0)
    asked = Asked(
        period=running_month(now, configuration.organisation.zone),
        as_of=now,
        known_at=known,
        catalogue_version=catalogue_version(session),
        profile_version=profile_version(session),
        limits=Thresholds(waiver_days=configuration.waivers.warn_days),
    )
    ways, ask, hold = ways_of(session, settings.channels), answers_of(session), _approval_wanted(session)
    issues = [
        issue_urgent(
            session.store, configuration, ask, ways, session.clock, asked=replace(asked, audience=audience), hold=hold
        )
        for audience in (*settings.audiences, None)
    ]
    deliver_waiting(session.store, ways, session.clock)
    created = [issue.report_id for issue in issues if issue and issue.created]
    return created, [message for issue in issues if issue for message in messages_of(session, issue.report_id, 1)]


def _approval_wanted(session: Session) -> str:
    """Say why a conformance report waits, where the plan names who approves it."""
    from hub.report.plan.desk import Desk

    with session.store.connect() as conn:
        terms = Desk(conn, office_of(session), now=session.clock.now_ms()).plan.terms.values()
        return "waits for its approval" if any(one.type == "conformance" and one.approvers for one in terms) else ""


def lost_messages(session: Session) -> list[Delivery]:
    """List what was sent to people and did not arrive."""
    with session.store.connect() as conn:
        return not_arrived(conn, session.clock.now_ms())


def lost_text(lost: Delivery) -> str:
    """Say which message did not arrive where, and why."""
    told = f"{lost.key.report_id} to {lost.key.recipient or lost.key.channel}: {lost.state}"
    return f"{told}: {lost.detail}" if lost.detail else told


def ways_of(session: Session, names: Iterable[str] = ()) -> dict[str, Way]:
    """Make the configured channels, all or those named, with what each may do."""
    from hub.report.deliver import Way

    kinds, configured = session.registry.channels(), session.configuration.channels
    return {
        name: Way(channel, send=configured[name].send, addressed=kinds[configured[name].plugin].addressed)
        for name, channel in session.channels(names).items()
    }


def messages_of(session: Session, report_id: str, revision: int) -> list[Delivery]:
    """List the messages of a revision, and how they fare."""
    from hub.store import outbox

    with session.store.connect() as conn:
        return outbox.deliveries(conn, report_id=report_id, revision=revision)
