"""What is wrong with the calendars and agreements of the store, one line a fault, with its key.

A calendar that cannot be used is left out, and an agreement that cannot measure measures nothing: the tickets
under either are not provable, never met, until somebody mends the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, select

from hub.errors import Fault
from hub.records import Agreement, Sla
from hub.records import Calendar as CalendarRecord
from hub.sla.agreement import agreement_faults, read_agreements
from hub.sla.calendar import Calendar, built_in, calendar_faults, from_record
from hub.sla.chain import cycles
from hub.sla.open_time import OpenTime
from hub.sla.terms import PER_CASE, read_terms
from hub.store.revision import current_records
from hub.store.tables import metadata

__all__ = ["read_calendars", "service_level_faults"]

_record, _provision = metadata.tables["record"], metadata.tables["provision"]
_VISITED = ("onsite_confirmed_at", "onsite_at")


def read_calendars(conn: Connection, zone: str, years: Iterable[int]) -> tuple[dict[str, Calendar], list[Fault]]:
    """Return the built-in calendars and those of the store that can be used, by name, and why others cannot.

    `zone` is the organisation's, for calendars that name none; holidays are those of `years`.
    """
    ids = conn.scalars(select(_record.c.id).where(_record.c.kind == "calendar").order_by(_record.c.id)).all()
    known = {one.id: one for one in built_in(zone)}
    faults: list[Fault] = []
    for one in current_records(conn, list(ids)):
        if not isinstance(one, CalendarRecord) or one.vanished_at is not None:
            continue
        try:
            calendar = from_record(one, zone, years)
        except ValueError as error:
            faults.append(Fault(str(error), key=one.id))
            continue
        wrong = [*calendar_faults(calendar)]
        if one.invisible_at is not None:
            wrong.append("as it now stands it cannot be read")
        faults += [Fault(text, key=one.id) for text in wrong]
        if not wrong:
            known[one.id] = calendar
    return known, faults


def service_level_faults(conn: Connection, zone: str, years: Iterable[int]) -> tuple[int, list[Fault]]:
    """Return how many agreements promise something to customers, and every fault of calendars and agreements."""
    calendars, faults = read_calendars(conn, zone, years)
    agreements = read_agreements(conn)
    promising = [one for one in agreements if isinstance(one, Sla)]
    nothing = OpenTime(())
    named: dict[str, OpenTime] = dict.fromkeys((*calendars, "organisation"), nothing)
    sids = {one.id: number for number, one in enumerate(promising)}
    terms = read_terms(promising, sids, named, zone, cycles(agreements))
    return len(promising), [*faults, *agreement_faults(terms), *_unheard(conn, promising)]


def _unheard(conn: Connection, promising: Iterable[Agreement]) -> Iterator[Fault]:
    """Say which promise of a visit nobody can check: a source that knows of no visits looks like one without any."""
    told = set(
        conn.scalars(
            select(_provision.c.field)
            .where(_provision.c.kind.in_(("incident", "request")), _provision.c.field.in_(_VISITED))
            .where(_provision.c.known_to.is_(None))
        )
    )
    missing = " and ".join(name for name in _VISITED if name not in told)
    for one in promising:
        for target in one.targets:
            if missing and PER_CASE.get(target.metric) == "onsite":
                yield Fault(f"no source tells {missing}, so that no visit is measured", key=f"{one.id}.targets.{target.id}")  # fmt: skip
