"""What a workplace has after a run: every table, every verdict, every report."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from hub.cli.session import Session
from hub.store.outbox import list_reports
from tests.kill.picture import Picture, take_picture

__all__ = ["Seen", "look"]


@dataclass(frozen=True)
class Seen:
    """What one engine has after a run."""

    picture: Picture
    """Every table, and every verdict at several instants."""
    files: dict[str, bytes]
    """The reports as they went out."""
    models: dict[str, bytes]
    """The reports as data."""
    pages: dict[str, bytes]
    """What was published of the last report in the folder `pages`, if anything was."""


def look(folder: Path, now: int, nows: Collection[int]) -> Seen:
    """Look at a workplace as of `now`; `nows` are the instants anything could be noticed at."""
    picture = take_picture(folder, now, nows)
    files = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    with Session(folder / "hub.toml") as session, session.store.connect() as conn:
        models = {f"{one.report_id} {one.revision}": one.model for one in list_reports(conn)}
    pages = folder / "pages"
    published = {str(path.relative_to(pages)): path.read_bytes() for path in pages.rglob("*") if path.is_file()}
    return Seen(picture, files, models, published)
