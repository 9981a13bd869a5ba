"""What a report of one period asks, answered in one go."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, func, select

from hub.conformance.answer import Answers, ProfileLine, Subject, WordRow
from hub.conformance.finding import list_findings
from hub.conformance.gap import list_coverage, list_gaps
from hub.conformance.judge import Judgement
from hub.conformance.listing import list_obligations
from hub.conformance.pack import CatalogueEntry
from hub.conformance.profile import left_out
from hub.conformance.rollup import list_attestations, roll_up
from hub.conformance.situation.fact import Situation
from hub.conformance.subject import subjects
from hub.conformance.waiver_list import list_waivers
from hub.store.reading import words_since
from hub.store.schema import kind_tables
from hub.store.tables import metadata

__all__ = ["answers", "derived_anew", "roles_told"]

_derivation = metadata.tables["derivation"]
_record = metadata.tables["record"]
COMING_MS = 30 * 86_400_000
"""How far ahead a report looks: 30 days."""


def answers(
    judgement: Judgement,
    catalogue: Sequence[CatalogueEntry],
    *,
    start: int,
    end: int,
    changed_since: int | None = None,
    profile: Sequence[ProfileLine] = (),
    lost: int = 0,
    topics: Mapping[str, Sequence[str]] | None = None,
    beside: Situation | None = None,
    judged: bool = False,
) -> Answers:
    """Answer everything a report over [start, end) says.

    `changed_since` is the last report's known-at; `profile` is what the organisation has set otherwise than shipped;
    `lost` = how many messages of the hub itself did not arrive;
    `beside` is what the period was like beside the verdicts; `judged` as in `roll_up`.
    """
    conn = judgement.conn
    return Answers(
        requirements=roll_up(judgement, catalogue, start=start, end=end, judged=judged, out=left_out(profile)),
        findings=list_findings(judgement),
        coming=list_obligations(
            judgement, verdicts=("pending", "at_risk"), due_before=judgement.as_of + COMING_MS, baseline=False
        ),
        coverage=list_coverage(judgement),
        waivers=list_waivers(judgement),
        gaps=list_gaps(judgement),
        roles=roles_told(conn),
        derived_anew=derived_anew(conn, changed_since),
        profile=list(profile),
        lost=lost,
        setters=_people(conn, {line.set_by for line in profile}, judgement.known_at),
        topics={name: list(ids) for name, ids in (topics or {}).items()},
        situation=beside,
        attestations=list_attestations(judgement, start=start, end=end, judged=judged),
        words=_words(conn, start, judgement.as_of),
    )


def roles_told(conn: Connection) -> dict[str, str]:
    """Return person id -> a role to name them by; the first in order where one holds several."""
    duty = kind_tables["role_assignment"]
    rows = conn.execute(
        select(_record.c.id, func.min(duty.c.role))
        .join(duty, duty.c.person == _record.c.sid)
        .where(duty.c.role.is_not(None), duty.c.vanished_at.is_(None))
        .group_by(_record.c.id)
    )
    return {row[0]: row[1].replace("_", " ") for row in rows}


def _people(conn: Connection, ids: Collection[str], known_at: int | None) -> dict[str, Subject]:
    """Return those ids that are records, as people know them."""
    sids = conn.scalars(select(_record.c.sid).where(_record.c.id.in_(sorted(ids)))).all()
    return {one.id: one for one in subjects(conn, sids, known_at).values()}


def _words(conn: Connection, since: int, until: int) -> list[WordRow] | None:
    """List what of the tools could not be mapped since an instant, the most frequent first; None = nothing was read since."""
    runs, found = words_since(conn, since, until)
    if not runs:
        return None
    rows = [
        WordRow(source=source, what="unmapped" if what == "unmapped" else "skipped", word=word, documents=n)
        for (source, what, word), n in found.items()
    ]
    return sorted(rows, key=lambda row: (row.what != "unmapped", -row.documents, row.source, row.word))


def derived_anew(conn: Connection, since: int | None) -> list[str]:
    """List requirements derived whole since an instant because their definition changed."""
    if since is None:
        return []
    rows = conn.scalars(
        select(_derivation.c.requirement)
        .where(_derivation.c.cause == "definition", _derivation.c.known_at > since)
        .distinct()
        .order_by(_derivation.c.requirement)
    )
    return list(rows)
