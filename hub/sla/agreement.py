"""The agreements of the store, ready to measure tickets by, and everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from hub.errors import Fault
from hub.records import Agreement, Ola, Sla, UnderpinningContract
from hub.sla.chain import cycles
from hub.sla.open_time import OpenTime
from hub.sla.terms import Terms, read_terms
from hub.sla.ticket_clock import BusinessDays
from hub.store.revision import current_records
from hub.store.tables import metadata

__all__ = ["Promises", "agreement_faults", "load_promises", "read_agreements"]

_record, _day = metadata.tables["record"], metadata.tables["local_day"]
_KINDS = ("ola", "sla", "underpinning_contract")
_OFFICE = "organisation"
"""The organisation's own calendar, as it is materialised."""


@dataclass(frozen=True, slots=True)
class Promises:
    """What tickets are measured by."""

    terms: Sequence[Terms]
    office: BusinessDays
    """Business days of the organisation's own calendar."""


def read_agreements(conn: Connection) -> list[Agreement]:
    """Read service level agreements, operational ones and contracts as they stand, by id; vanished ones are left out."""
    ids = conn.scalars(select(_record.c.id).where(_record.c.kind.in_(_KINDS)).order_by(_record.c.id)).all()
    found = (one for one in current_records(conn, list(ids)) if isinstance(one, Sla | Ola | UnderpinningContract))
    return sorted((one for one in found if one.vanished_at is None), key=lambda one: one.id)


def load_promises(
    conn: Connection, agreements: Sequence[Agreement], calendars: Mapping[str, OpenTime], zone: str
) -> Promises:
    """Lay out what the agreements promise; `zone` is the organisation's, for those that name none."""
    promising = [one for one in agreements if isinstance(one, Sla)]
    names = {name for one in promising for name in (one.id, one.customer_id, *one.service_ids) if name}
    rows = conn.execute(select(_record.c.id, _record.c.sid).where(_record.c.id.in_(sorted(names))))
    sids = {row.id: row.sid for row in rows}
    days = select(_day.c.starts_at, _day.c.business_no).where(_day.c.calendar == _OFFICE).order_by(_day.c.starts_at)
    office = BusinessDays([(row.starts_at, row.business_no) for row in conn.execute(days)])
    return Promises(read_terms(promising, sids, calendars, zone, cycles(agreements)), office)


def agreement_faults(terms: Sequence[Terms]) -> Iterator[Fault]:
    """Say what keeps tickets from being measured, a line an agreement or target, with its key."""
    for one in terms:
        if one.fault:
            yield Fault(one.fault, key=one.id)
        for target, said in one.faults.items():
            yield Fault(said, key=f"{one.id}.targets.{target}")
