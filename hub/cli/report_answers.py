"""What a report asks of the store: the answers of the organisation and of each audience, worked out once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from hub.cli.judging import catalogue, profile_of
from hub.cli.report_step import office_of
from hub.conformance.judge import judge
from hub.conformance.profile import left_out
from hub.conformance.query import answers, derived_anew
from hub.conformance.rollup import judge_period, list_attestations, roll_up
from hub.conformance.situation.audience import fill_audience
from hub.conformance.situation.narrow import narrowed
from hub.conformance.situation.query import promised_lines, situation

if TYPE_CHECKING:
    from hub.cli.session import Session
    from hub.config.section import AudienceSettings, Language
    from hub.conformance.answer import Answers
    from hub.conformance.pack import CatalogueEntry, Pack
    from hub.report.issue import AnswersProvider
    from hub.report.model import Period
    from hub.store.outbox import Delivery
    from hub.store.store import Connection

__all__ = ["answers_of", "catalogue_version", "not_arrived", "profile_version"]

_QUESTION_LASTS_MS = 30 * 86_400_000


def answers_of(session: Session) -> AnswersProvider:
    """Let reports ask the store, with the configured packs and adoption date; verdicts are computed once for all of them."""
    kept: dict[str, Answers] = {}

    def ask(
        period: Period, as_of: int, known_at: int, before: int | None, audience: AudienceSettings | None = None
    ) -> Answers:
        if not kept:
            with session.store.begin() as conn:
                kept.update(_all_answers(session, conn, period, as_of, known_at))
        with session.store.connect() as conn:
            anew = derived_anew(conn, before)
        return msgspec.structs.replace(kept[audience.name if audience else ""], derived_anew=anew)

    return ask


def _all_answers(
    session: Session, conn: Connection, period: Period, as_of: int, known_at: int
) -> Iterator[tuple[str, Answers]]:
    """Yield the organisation's answers under the empty name, then those of each audience under its own."""
    from hub.report.period import last_month
    from hub.report.plan.desk import Desk
    from hub.report.plan.figure import figures_for_mail

    settings, span = session.configuration.reports["conformance"], (period.start, period.end)
    earlier = last_month(period.start, period.zone)
    judgement = judge(
        conn,
        session.requirements(),
        as_of=as_of,
        known_at=known_at,
        judge_from=session.configuration.organisation.judge_from or 0,
        longest_days=session.configuration.waivers.longest_days,
    )
    before = (earlier.start, earlier.end)
    beside = partial(
        situation,
        conn,
        period=span,
        before=before,
        as_of=as_of,
        known_at=known_at,
        zone=period.zone,
        lines=promised_lines(conn, period=span, before=before, zone=period.zone, as_of=as_of),
        kpis=figures_for_mail(Desk(conn, office_of(session), now=as_of), start=period.start, end=period.end, at=as_of),
    )
    entries = catalogue(session)
    several = bool(settings.audiences)
    if several:
        judge_period(judgement, start=period.start, end=period.end)
    whole = answers(
        judgement,
        _told_in(entries, settings.language),
        start=period.start,
        end=period.end,
        profile=profile_of(session),
        topics=_topics(session),
        beside=beside(),
        judged=several,
        lost=len(not_arrived(conn, session.clock.now_ms())),
    )
    yield "", whole
    out = left_out(whole.profile)
    for number, one in enumerate(settings.audiences):
        told = _told_in(entries, one.language or settings.language)
        if not one.services and not one.teams:
            rows = roll_up(judgement, told, start=period.start, end=period.end, judged=True, out=out)
            yield one.name, msgspec.structs.replace(whole, requirements=rows)
            continue
        audience = fill_audience(conn, number, services=one.services, teams=one.teams)
        yield (
            one.name,
            narrowed(
                conn,
                whole,
                audience,
                requirements=roll_up(
                    judgement, told, start=period.start, end=period.end, audience=audience, judged=True, out=out
                ),
                attestations=list_attestations(
                    judgement, start=period.start, end=period.end, audience=audience, judged=True
                ),
                beside=beside(audience=audience),
            ),
        )


def _told_in(entries: Sequence[CatalogueEntry], language: Language) -> list[CatalogueEntry]:
    """Give the catalogue with titles in the reader's language."""
    return [replace(entry, title=entry.title_in(language)) for entry in entries]


def not_arrived(conn: Connection, now: int) -> list[Delivery]:
    """List what was sent to people and did not arrive: reports however old, questions of the last 30 days."""
    from hub.store import outbox

    return outbox.astray(conn, since=now - _QUESTION_LASTS_MS)


def catalogue_version(session: Session) -> str:
    """Name the enabled packs, each with its version."""
    return ", ".join(f"{pack.name} {pack.version}" for pack in _packs(session))


def profile_version(session: Session) -> str:
    """Name what the organisation has set otherwise by its hash; `as shipped` where it has none."""
    chosen: dict[str, Any] = {}
    for name, pack in sorted(session.configuration.packs.items()):
        if pack.profile:
            chosen[name] = pack.model_dump(mode="json", include={"parameters", "profile"})
        elif pack.parameters:
            chosen[name] = pack.parameters
    if not chosen:
        return "as shipped"
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:12]


def _topics(session: Session) -> dict[str, list[str]]:
    """Gather what the enabled packs tell apart."""
    found: dict[str, list[str]] = {}
    for pack in _packs(session):
        for name, requirements in pack.topics.items():
            found.setdefault(name, []).extend(requirements)
    return found


def _packs(session: Session) -> list[Pack]:
    return [session.registry.packs()[name] for name in sorted(session.configuration.packs)]
