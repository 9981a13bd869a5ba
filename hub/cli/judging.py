"""What the commands that judge share: derive, refresh findings, and a judgement to ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hub.cli.session import ENABLE_PACK, Session
from hub.clock import format_instant
from hub.conformance.answer import Evidence, ObligationRow, ProfileLine, Subject
from hub.conformance.cycle import derive_all, refresh_findings
from hub.conformance.derive import DeriveSummary, require_derived
from hub.conformance.finding import FindingChange
from hub.conformance.judge import Judgement, judge, natural_as_of
from hub.conformance.pack import CatalogueEntry
from hub.conformance.profile import profile_lines
from hub.errors import ConfigurationError, Fault, LaggingStore, StoreError
from hub.sla.fault import service_level_faults
from hub.sla.zone import local_year

if TYPE_CHECKING:
    from hub.store.store import Connection

__all__ = [
    "catalogue",
    "derived",
    "judged",
    "profile_of",
    "refreshed",
    "require_judged",
    "require_pack",
    "shown_evidence",
    "shown_instant",
    "shown_obligation",
    "shown_subject",
    "told_of_reports",
]


def require_pack(session: Session) -> None:
    """Raise ConfigurationError where no pack is enabled: nothing is judged then, and no derivation changes that."""
    if not session.configuration.packs:
        place = session.configuration.path
        raise ConfigurationError(
            [Fault(f"none is enabled, so nothing is judged; write in {place}: {ENABLE_PACK}", key="packs")]
        )


def require_judged(session: Session, conn: Connection) -> None:
    """Raise LaggingStore where something was read and not derived; without a pack ConfigurationError, for none would be."""
    try:
        require_derived(conn)
    except LaggingStore:
        require_pack(session)
        raise


def derived(session: Session, *, whole: bool = False) -> DeriveSummary:
    """Derive what changed, under the configured zone and calendar; say what is wrong with calendars and agreements."""
    organisation = session.configuration.organisation
    now = session.clock.now_ms()
    told_of_reports(session)
    done = derive_all(
        session.store,
        session.requirements(),
        now=now,
        zone=organisation.zone,
        calendar=organisation.calendar,
        whole=whole,
        probes=session.probes(),
    )
    with session.store.connect() as conn:
        for fault in service_level_faults(conn, organisation.zone, [local_year(now, organisation.zone)])[1]:
            session.progress.say(f"service levels: {fault}", level="warning")
    return done


def told_of_reports(session: Session) -> None:
    """Bring the records of the hub's own planned reports up to date, and enter those that were handed over."""
    from hub.report.plan.act import register
    from hub.report.plan.desk import Desk
    from hub.report.plan.plan import Office
    from hub.report.plan.record import refresh_reports

    organisation, now = session.configuration.organisation, session.clock.now_ms()
    office = Office(organisation.name, organisation.zone, organisation.calendar)
    with session.store.begin() as conn:
        register(Desk(conn, office, now=now))
        refresh_reports(conn, office, now=now)


def refreshed(session: Session) -> list[FindingChange]:
    """Bring findings up to date and tell the plugins that listen."""
    configuration = session.configuration
    days = configuration.findings.due_days
    changes = refresh_findings(
        session.store,
        session.requirements(),
        now=session.clock.now_ms(),
        judge_from=configuration.organisation.judge_from or 0,
        due_days={"critical": days.critical, "major": days.major, "minor": days.minor},
        default_owner=configuration.findings.owner or configuration.organisation.manager,
        longest_days=configuration.waivers.longest_days,
    )
    for change in changes:
        session.registry.observe_finding(change)
    return changes


@contextmanager
def judged(session: Session, as_of: str | None, known_at: str | None) -> Iterator[Judgement]:
    """Give a judgement at `as_of` (None = the last instant that was read) with the knowledge of `known_at`.

    Raises ConfigurationError where no pack is enabled, before the store is opened; LaggingStore where something was
    read and not derived, StoreError where nothing was read.
    """
    require_pack(session)
    known = None if known_at is None else session.instant(known_at)
    with session.store.connect() as conn:
        require_derived(conn)
        instant = natural_as_of(conn, known) if as_of is None else session.instant(as_of)
        if instant is None:
            raise StoreError("nothing was read yet; run: hub run")
        yield judge(
            conn,
            session.requirements(),
            as_of=instant,
            known_at=known,
            judge_from=session.configuration.organisation.judge_from or 0,
            longest_days=session.configuration.waivers.longest_days,
        )


def catalogue(session: Session) -> list[CatalogueEntry]:
    """Return the entries of all enabled packs, those that nothing judges included, as the organisation has set them."""
    packs, enabled = session.registry.packs(), session.configuration.packs
    return [entry for name, pack in enabled.items() for entry in packs[name].catalogue(pack.parameters, pack.choices)]


def profile_of(session: Session) -> list[ProfileLine]:
    """List what the organisation has set otherwise than the enabled packs ship it."""
    packs, enabled = session.registry.packs(), session.configuration.packs
    return [
        line
        for name, pack in enabled.items()
        for line in profile_lines(packs[name].entries, pack.parameters, pack.choices, place=f"packs.{name}.")
    ]


def shown_instant(instant: int | None) -> str | None:
    """Write an instant for a list; None stays None."""
    return None if instant is None else format_instant(instant)


def shown_subject(subject: Subject | None) -> str | None:
    """Write a record for a list: its key, or its id where it has none."""
    return None if subject is None else subject.key or subject.id


def shown_evidence(evidence: list[Evidence]) -> list[dict[str, Any]]:
    """Write deciding records for JSON: id, key, link, and the hash of the document each came from."""
    return [
        {"id": one.subject.id, "key": one.subject.key, "url": one.subject.url, "document_sha256": one.document_hash}
        for one in evidence
    ]


def shown_obligation(row: ObligationRow, *, by_key: bool) -> dict[str, Any]:
    """Write an obligation for a list; `by_key` names its unit as people do, else by its id."""
    return {
        "requirement": row.requirement,
        "part": row.part,
        "unit": shown_subject(row.unit) if by_key else row.unit.id,
        "anchor": row.opened_by or str(row.anchor),
        "opened_at": shown_instant(row.opened_at),
        "due_at": shown_instant(row.due_at),
        "met_at": shown_instant(row.met_at),
        "verdict": row.verdict,
        "reason": row.reason,
        "evidence": shown_evidence(row.evidence),
    }
