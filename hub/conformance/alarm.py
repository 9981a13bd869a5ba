"""Whether something critical went wrong that nobody was told of yet: asked at every run, so it judges nothing."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from hub.conformance.derive import part_numbers
from hub.conformance.finding_past import open_after
from hub.conformance.pack import Requirement
from hub.conformance.redefinition import redefined
from hub.store.tables import metadata

__all__ = ["critical_since"]

_finding = metadata.tables["finding"].c


def critical_since(conn: Connection, requirements: Sequence[Requirement], since: int) -> bool:
    """Say whether a critical finding is open that was first seen after `since`.

    Those that are there because the rules changed, or because a waiver ended, are no news.
    """
    critical = {(one.id, part.name) for one in requirements if one.entry.severity == "critical" for part in one.parts}
    numbers = [number for name, number in part_numbers(conn).items() if name in critical]
    asked = select(_finding.fid, _finding.part, _finding.unit, _finding.anchor).where(
        _finding.state == "open", _finding.first_seen_at > since, _finding.part.in_(numbers)
    )
    rows = conn.execute(asked).all()
    if not rows:
        return False
    ours, unwaived = redefined(conn), open_after(conn, "waived", None)
    return any(row.fid not in unwaived and (row.part, row.unit, row.anchor) not in ours for row in rows)
