"""The yearly restore test: archived folders are copied to another place, proven there and read back."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from hub.errors import HubError
from hub.report.plan.archive import place_of
from hub.report.plan.cycle import Cycle, Revision, Step
from hub.report.plan.desk import Desk
from hub.report.plan.manifest import FILES
from hub.report.plan.verify import verify_folder

__all__ = ["RestoreDue", "Tried", "restore_due", "restore_test"]

_YEAR_MS = 366 * 86_400_000


class Tried(NamedTuple):
    """One archived report, read back."""

    report_id: str
    revision: int
    place: Path
    files: int
    faults: list[tuple[str, str]]


class RestoreDue(NamedTuple):
    """How the archive stands against a test a year."""

    archived: int
    """Revisions in the archive."""
    untested: int
    """Of them not read back within a year, though archived for longer."""
    faulty: list[str]
    """Reports whose last test found a fault."""
    last_at: int | None


def restore_test(desk: Desk, root: Path | None, *, login: str) -> list[Tried]:
    """Read back every report of the archive that was not disposed of, and note of each how that went.

    `root` is where the archive was restored to; None = where each lies. The hash of each manifest is compared with
    the one kept in the store, the bytes with what was approved.
    """
    found = []
    for report_id, cycle in desk.cycles().items():
        for one, archived in _kept(cycle):
            tried = _try(report_id, one, archived, root)
            data = {"place": str(tried.place), "files": tried.files, "faults": [list(each) for each in tried.faults]}
            desk.append(
                Step(
                    report_id=report_id,
                    revision=one.number,
                    type="restored",
                    at=desk.now,
                    login=login,
                    hash=one.hash,
                    data=data,
                )
            )
            found.append(tried)
    return found


def restore_due(cycles: Iterable[Cycle], at: int) -> RestoreDue:
    """Say how much of the archive was read back within a year before an instant."""
    kept = [(cycle.report_id, *both) for cycle in cycles for both in _kept(cycle)]
    untested, faulty, last = 0, list[str](), list[int]()
    for name, one, archived in kept:
        tested = one.restored or archived
        untested += max(tested.at, archived.at) < at - _YEAR_MS
        if one.restored is not None:
            last.append(one.restored.at)
            faulty += [f"{name} r{one.number}"] if one.restored.data["faults"] else []
    return RestoreDue(len(kept), untested, faulty, max(last, default=None))


def _kept(cycle: Cycle) -> list[tuple[Revision, Step]]:
    """Give the revisions that lie in the archive, each with how it came there."""
    return [(one, one.archived) for one in cycle.revisions if one.archived is not None and one.disposed is None]


def _try(report_id: str, one: Revision, archived: Step, root: Path | None) -> Tried:
    place = Path(str(archived.data["location"]))
    if root is not None and one.terms is not None:
        place = root / place_of(one.terms, one.number)
    try:
        with tempfile.TemporaryDirectory(prefix="hub-restore-") as work:
            copy = Path(work, place.name)
            shutil.copytree(place, copy, symlinks=True)
            proof = verify_folder(copy, expected=str(archived.data["manifest"]))
            read = sum(len((copy / FILES / file.name).read_bytes()) > 0 for file in one.files)
    except OSError as error:
        return Tried(report_id, one.number, place, 0, [(str(error.filename or place), error.strerror or str(error))])
    except (HubError, shutil.Error) as error:
        return Tried(report_id, one.number, place, 0, [(str(place), str(error))])
    faults = list(proof.faults)
    if proof.content_hash != one.hash:
        faults.append((str(place), "holds other bytes than were approved"))
    return Tried(report_id, one.number, place, read, faults)
