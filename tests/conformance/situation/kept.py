"""Short words for putting records into a store."""

from __future__ import annotations

from collections.abc import Iterable

from hub.records import Record
from hub.store.store import Store
from hub.store.writer import Write, write_records

DAY = 86_400_000
BEGIN = 1_790_805_600_000
"""2026-10-01 in Berlin."""
END = BEGIN + 31 * DAY
BEFORE = BEGIN - 30 * DAY
SHOP, PAY = "r:services/shop", "r:services/pay"


def keep(store: Store, records: Iterable[Record], known_at: int = END) -> None:
    """Write records as one reading."""
    with store.begin() as conn:
        write_records(conn, [Write(one) for one in records], known_at)
