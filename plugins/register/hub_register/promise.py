"""What keeps tickets from being measured by the agreements of the register, told where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.errors import Fault
from hub.records import Agreement, Sla
from hub.sla.calendar import BUILT_IN
from hub.sla.chain import cycles
from hub.sla.open_time import OpenTime
from hub.sla.terms import read_terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hub.records import Record
    from hub_register.reader import Node
    from hub_register.row import Row

__all__ = ["promise_faults"]

_OWN = "organisation"
"""How agreements may call the organisation's own calendar."""


def promise_faults(read: Iterable[tuple[Row, Record | None]]) -> Iterator[Fault]:
    """Say of every agreement why it, or one of its targets, measures nothing; rows that became no record are passed over."""
    rows = {record.id: (row, record) for row, record in read if record is not None}
    agreements = [record for _, record in rows.values() if isinstance(record, Agreement)]
    promising = [one for one in agreements if isinstance(one, Sla)]
    nothing = OpenTime(())
    calendars = dict.fromkeys((*BUILT_IN, _OWN, *(name for name, (row, _) in rows.items() if row.stem == "calendars")), nothing)  # fmt: skip
    sids = {one.id: number for number, one in enumerate(promising)}
    for terms in read_terms(promising, sids, calendars, "UTC", cycles(agreements)):
        row = rows[terms.id][0]
        if terms.fault:
            yield Fault(terms.fault, row.file, row.id, row.node.line, row.node.column)
        for number, target in enumerate(terms.targets):
            if said := terms.faults.get(target.id):
                place = _place(row.node, number)
                yield Fault(said, row.file, f"targets[{number}]", place.line, place.column)


def _place(row: Node, number: int) -> Node:
    """Find where a target stands; the row where it does not stand as a list."""
    held = row.value.get("targets") if isinstance(row.value, dict) else None
    listed = held.value if held is not None else None
    return listed[number] if isinstance(listed, list) and number < len(listed) else row
